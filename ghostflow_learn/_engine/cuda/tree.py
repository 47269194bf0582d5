from ._bridge import on_cpu

prepare = on_cpu("tree.prepare", stays=True)
grow = on_cpu("tree.grow", stays=True)  # one node after the other, with a draw of features between them
grow_many = on_cpu("tree.grow_many", stays=True)
