from ._bridge import on_cpu

minimize = on_cpu("logistic_sag.minimize")  # one sample after the other: nothing to do at once
