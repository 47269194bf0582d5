"""What kind of array somebody passed in, told without importing CuPy or torch."""

import numpy as np


def is_cupy(X):
    return type(X).__module__.partition(".")[0] == "cupy"


def is_torch(X):
    return type(X).__module__.partition(".")[0] == "torch" and hasattr(X, "__dlpack__")


def is_cuda_array(X):
    """Whether `X` lives on a GPU: a CuPy array, or a torch tensor on a CUDA device."""
    return is_cupy(X) or (is_torch(X) and X.device.type == "cuda")


def from_numpy(array, like):
    """NumPy `array` as the kind of array `like` is, where `like` lives. Arrays without numbers stay NumPy."""
    if array.dtype.kind not in "biufc":
        return array
    if is_cupy(like):
        import cupy

        with like.device:
            return cupy.asarray(array)
    if is_torch(like):
        import torch

        return torch.from_numpy(np.ascontiguousarray(array)).to(like.device)
    return array
