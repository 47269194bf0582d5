"""Trees grow on the CPU: samples are moved about by every split, in an order that decides between equal splits."""

from ._bridge import on_cpu

prepare = on_cpu("tree.prepare")
grow = on_cpu("tree.grow")
grow_many = on_cpu("tree.grow_many")
