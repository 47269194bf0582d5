"""The reference is for small data: what it would need too much memory for, it refuses."""

import math

MOST = 2**30  # bytes of one temporary array


def refuse_large(*shape, itemsize=8):
    """Raise before an op makes a temporary array of `shape` that passes 1 GB.

    Raises
    ------
    MemoryError
    """
    n_bytes = math.prod(shape) * itemsize
    if n_bytes > MOST:
        raise MemoryError(
            f"device='reference' would need {n_bytes / 1e9:.1f} GB for a temporary array of shape {shape}: it is there "
            "to check results on small data. Set device='cpu'."
        )
