"""Memory as a device gives it: aligned, and full of garbage."""

import numpy as np

ALIGNMENT = 512  # of a device allocation
POISON = 0xCB


def device_empty(shape, dtype):
    """Poisoned memory, aligned as a device allocation is, with poisoned margins."""
    dtype = np.dtype(dtype)
    n_bytes = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    raw = np.full(n_bytes + 4 * ALIGNMENT, POISON, np.uint8)
    start = -(raw.ctypes.data + ALIGNMENT) % ALIGNMENT + ALIGNMENT
    return raw[start : start + n_bytes].view(dtype).reshape(shape)


def device_array(values):
    """A copy of `values` in device_empty memory."""
    values = np.asarray(values)
    out = device_empty(values.shape, values.dtype)
    out[...] = values
    return out
