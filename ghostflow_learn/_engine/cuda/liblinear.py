from ._bridge import on_cpu

# One coordinate after the other: nothing to do at once.
dual = on_cpu("liblinear.dual")
l1 = on_cpu("liblinear.l1")
