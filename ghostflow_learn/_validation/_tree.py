"""What trees take from scikit-learn's own: the container of nodes that others read, and checks of targets."""

import numpy as np
import sklearn
from sklearn.tree._tree import NODE_DTYPE, Tree
from sklearn.utils import _align_api_if_sparse as as_sparse_interface
from sklearn.utils.validation import _check_n_features as check_n_features

from . import _on_host

__all__ = ["NODE_DTYPE", "Tree", "as_sparse_interface", "check_n_features", "check_targets"]


def check_targets(estimator, y):
    """Validated targets of one or more outputs, on the host."""
    if y is None:
        raise ValueError(
            f"This {type(estimator).__name__} estimator requires y to be passed, but the target y is None."
        )
    if type(y) is np.ndarray and y.ndim == 1 and y.size and y.dtype.kind in "bi":
        return y
    return sklearn.utils.check_array(_on_host(y), ensure_2d=False, dtype=None, input_name="y")
