from ._bridge import on_cpu

largest_sq_norm = on_cpu("sag.largest_sq_norm")
least_squares = on_cpu("sag.least_squares")  # one sample after the other: nothing to do at once
