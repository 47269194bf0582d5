"""The checks of scikit-learn in short, for arrays that pass them as they are: its own take longer than many a fit."""

import numpy as np
import sklearn

_KNOWN = {
    "dtype",
    "order",
    "accept_sparse",
    "accept_large_sparse",
    "ensure_all_finite",
    "force_writeable",
    "multi_output",
    "y_numeric",
    "ensure_min_samples",
    "ensure_min_features",
    "numeric",
}


def passes(estimator, X, y, reset, checks):
    """True if scikit-learn's checks would hand back `X` and `y` as they are; False may mean anything.

    Sets what they set on the estimator.

    Parameters
    ----------
    estimator : estimator
    X, y : object
        `y` may be "no_validation".
    reset : bool
        Whether the estimator is being fitted.
    checks : dict
        Parameters of scikit-learn's ``check_X_y``; with one that is not known here the answer is False.
    """
    if hasattr(estimator, "feature_names_in_") or not array_passes(X, checks):
        return False
    if not reset and X.shape[1] != getattr(estimator, "n_features_in_", None):
        return False
    if not (isinstance(y, str) and y == "no_validation") and not _target_passes(y, len(X)):
        return False
    if reset:
        estimator.n_features_in_ = X.shape[1]
    return True


def array_passes(X, checks):
    """True if scikit-learn's ``check_array`` would hand back `X` as it is; False may mean anything."""
    return (
        type(X) is np.ndarray
        and X.ndim == 2
        and checks.keys() <= _KNOWN
        and isinstance(checks["dtype"], tuple)
        and X.dtype in checks["dtype"]
        and X.flags.c_contiguous
        and X.flags.aligned
        and (X.flags.writeable or not checks.get("force_writeable", False))
        and X.shape[0] >= checks.get("ensure_min_samples", 1)
        and X.shape[1] >= checks.get("ensure_min_features", 1)
        and (sklearn.get_config()["assume_finite"] or _is_finite(X))
    )


def _target_passes(y, n_samples):
    if not (type(y) is np.ndarray and y.shape == (n_samples,) and y.flags.c_contiguous):
        return False
    return y.dtype.kind in "biu" or (y.dtype.kind == "f" and _is_finite(y))


def _is_finite(array):
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(array.sum()))
