"""What estimators of neighbours take from scikit-learn, and how they say that its code computes."""

import numpy as np
from sklearn.neighbors._base import KNeighborsMixin as ScikitLearnKNeighborsMixin
from sklearn.neighbors._base import RadiusNeighborsMixin as ScikitLearnRadiusNeighborsMixin
from sklearn.utils import _align_api_if_sparse as as_sparse_interface

from .._engine import announce_cpu, cpu_engine, get_engine

__all__ = [
    "ScikitLearnKNeighborsMixin",
    "ScikitLearnRadiusNeighborsMixin",
    "as_sparse_interface",
    "host_engine",
]


def host_engine(X, what):
    """The engine of what scikit-learn's own code computes in host memory, announced if `X` was for a GPU.

    Parameters
    ----------
    X : array or sparse matrix
        Validated data.
    what : str
        What has no kernel, such as ``"metric='cosine'"``.

    Raises
    ------
    NotImplementedError
        If ``fallback="raise"`` and `X` was for a GPU.
    """
    if get_engine(X).xp is not np:
        announce_cpu(f"{what} has no CUDA kernel: scikit-learn's code computes it on the CPU")
    return cpu_engine()
