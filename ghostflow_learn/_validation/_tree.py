"""What trees take from scikit-learn's own: the container of nodes that others read, and checks of targets."""

import numpy as np
import sklearn
from sklearn.tree._tree import NODE_DTYPE, Tree
from sklearn.utils import _align_api_if_sparse as as_sparse_interface
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_n_features as check_n_features

from . import _on_host

__all__ = [
    "NODE_DTYPE",
    "Tree",
    "as_float32",
    "as_sparse_interface",
    "check_labels",
    "check_n_features",
    "check_targets",
]


def as_float32(X):
    """`X` in float32 if it is a plain array of float64, which scikit-learn's checks take longer to convert."""
    if type(X) is not np.ndarray or X.ndim != 2 or X.dtype != np.float64:
        return X
    with np.errstate(over="ignore"):  # the checks that follow find what has become infinite
        return X.astype(np.float32)


def check_labels(y):
    """Refuse targets that are no labels; `y` is (n_samples, n_outputs)."""
    if y.shape[1] > 1:
        return check_classification_targets(y)
    y = y[:, 0]
    # Of integers only the number of distinct ones is ever of interest, and of a short range there are few.
    if y.dtype.kind not in "biu" or len(y) <= 20 or int(y.max()) - int(y.min()) >= len(y) // 2:
        check_classification_targets(y)


def check_targets(estimator, y):
    """Validated targets of one or more outputs, on the host."""
    if y is None:
        raise ValueError(
            f"This {type(estimator).__name__} estimator requires y to be passed, but the target y is None."
        )
    if type(y) is np.ndarray and y.ndim == 1 and y.size and y.dtype.kind in "bi":
        return y
    return sklearn.utils.check_array(_on_host(y), ensure_2d=False, dtype=None, input_name="y")
