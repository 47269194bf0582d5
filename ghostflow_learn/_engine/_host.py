"""Moving arrays, for the engines that compute in host memory."""

import numpy as xp
from scipy.sparse import issparse

from ._arrays import from_numpy, is_cupy

__all__ = ["asarray", "hand_back", "to_numpy", "xp"]


def asarray(X, order="C"):
    """C-contiguous array on this engine's device, or in its own order for "K"; a sparse matrix as it is."""
    return X if issparse(X) else xp.asarray(to_numpy(X), order=order)


def to_numpy(X):
    """The same values as a NumPy array."""
    return X.get() if is_cupy(X) else xp.asarray(X)


def hand_back(result, like):
    """`result` as the kind of array, and where, `like` is: the object that the user passed in."""
    return from_numpy(result, like)
