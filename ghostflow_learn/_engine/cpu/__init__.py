"""Numba kernels on a pool of Python threads, BLAS and LAPACK on one thread."""

from .._families import lazy_families
from .._host import asarray, hand_back, to_numpy, xp

__all__ = ["asarray", "hand_back", "to_numpy", "xp"]

__getattr__ = lazy_families(__name__)
