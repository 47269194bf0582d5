from ._bridge import on_cpu

prepare = on_cpu("gini_tree.prepare", stays=True)
grow_many = on_cpu("gini_tree.grow_many", stays=True)  # one node after the other, with a draw of features between them
