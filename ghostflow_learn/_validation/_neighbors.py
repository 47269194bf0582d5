"""What estimators of neighbours take from scikit-learn, and how they say that its code computes."""

import logging
import warnings

import numpy as np
from sklearn.neighbors._base import KNeighborsMixin as ScikitLearnKNeighborsMixin
from sklearn.neighbors._base import RadiusNeighborsMixin as ScikitLearnRadiusNeighborsMixin
from sklearn.utils import _align_api_if_sparse as as_sparse_interface

from .._config import get_config
from .._engine import cpu_engine, get_engine

__all__ = [
    "ScikitLearnKNeighborsMixin",
    "ScikitLearnRadiusNeighborsMixin",
    "as_sparse_interface",
    "host_engine",
]

logger = logging.getLogger("ghostflow_learn.engine")


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
        message = f"{what} has no CUDA kernel: scikit-learn's code computes it on the CPU"
        fallback = get_config()["fallback"]
        if fallback == "raise":
            raise NotImplementedError(f"{message}. Set fallback='log' to allow it, or device='cpu'.")
        if fallback == "warn":
            warnings.warn(message, RuntimeWarning, stacklevel=4)
        logger.info(message)
    return cpu_engine()
