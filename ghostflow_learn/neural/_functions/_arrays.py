"""Arrays as the ops of an engine take them."""

from .._tensor import Tensor


def floats(engine, x):
    """x in C order, float32 or float64."""
    if x.dtype.char not in "fd":
        raise TypeError(f"This function computes in float32 or float64; got dtype {x.dtype}. Convert it with astype().")
    return contiguous(engine, x)


def contiguous(engine, x):
    """x in C order: a broadcast or transposed one is copied."""
    return x if isinstance(x, Tensor) or x.flags.c_contiguous else engine.xp.ascontiguousarray(x)


def like(engine, array, prediction):
    """A target or a weight, where the prediction is, in its dtype; None stays."""
    return None if array is None else engine.asarray(array).astype(prediction.dtype, copy=False)


def codes(engine, target):
    """Class codes as int64."""
    return engine.asarray(target).astype("int64", copy=False)
