"""The engine of an NVIDIA GPU: CuPy's libraries, and kernels of our own where fusion or no library calls for them."""

import cupy as xp

from ..._config import get_config
from .._arrays import from_numpy, is_cuda_array, is_cupy, is_torch
from .._families import lazy_families

__all__ = ["asarray", "hand_back", "to_numpy", "xp"]


__getattr__ = lazy_families(__name__)


def use_device_of(X):
    """Make the device that computes on `X` the current one of this thread: what an op allocates lands there.

    Returns the device that was current before, or None where it is the same.
    """
    device, before = _device_for(X), xp.cuda.Device()
    if device == before:
        return None
    device.use()
    return before


def asarray(X, order="C"):
    """C-contiguous array on this engine's device, or in its own order for "K"."""
    with _device_for(X):
        try:
            return xp.asarray(xp.from_dlpack(X) if is_torch(X) and is_cuda_array(X) else X, order=order)
        except MemoryError as error:
            raise MemoryError(_no_room_for(X)) from error


def to_numpy(X):
    """The same values as a NumPy array."""
    return xp.asnumpy(X)


def hand_back(result, like):
    """`result` as the kind of array, and where, `like` is: the object that the user passed in."""
    if not is_cuda_array(like) or not is_cupy(result):
        return from_numpy(to_numpy(result), like)
    if is_torch(like):
        import torch

        return torch.from_dlpack(result).to(like.device)
    with like.device:
        return xp.asarray(result)


def _device_for(X):
    """`cuda:N` of the settings, else where X lives, else the current device of this thread."""
    number = get_config()["device"].partition(":")[2]
    if number:
        return xp.cuda.Device(int(number))
    return X.device if is_cupy(X) else xp.cuda.Device()


def _no_room_for(X):
    free, total = xp.cuda.Device().mem_info
    return (
        f"an array of shape {tuple(X.shape)} and dtype {X.dtype} ({X.nbytes / 1e9:.3g} GB) does not fit in GPU memory: "
        f"{free / 1e9:.3g} of {total / 1e9:.3g} GB are free. Use fewer rows, float32, or device='cpu'."
    )
