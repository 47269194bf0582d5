"""What all scalers share."""

import numpy as np
from scipy.sparse import issparse

from .._engine import get_engine
from .._validation import check_array, check_is_fitted, check_predict

NAN_IN_ANY_ORDER = {"ensure_all_finite": "allow-nan", "order": None}


def without_zeros(scale, is_constant=None):
    """`scale` with 1 for features that are constant, as far as rounding lets one tell."""
    if is_constant is None:
        is_constant = scale < 10 * np.finfo(scale.dtype).eps
    return np.where(is_constant, scale.dtype.type(1), scale)


def check_transform(scaler, X, copy, accept_sparse=False):
    """Validated `X`: with `copy` a sparse one is a copy already, a dense one must not be written to."""
    return check_predict(
        scaler,
        X,
        accept_sparse=accept_sparse,
        force_writeable=not copy,
        **({"copy": True} if copy and issparse(X) else {}),
        **NAN_IN_ANY_ORDER,
    )


def check_inverse(scaler, X, copy, accept_sparse=False):
    """The same for `inverse_transform`, which does not ask for the names of features."""
    check_is_fitted(scaler)
    data = check_array(
        X,
        accept_sparse=accept_sparse,
        force_writeable=not copy,
        **({"copy": True} if copy and issparse(X) else {}),
        **NAN_IN_ANY_ORDER,
    )
    if data.shape[1] != scaler.n_features_in_:
        raise ValueError(
            f"X has {data.shape[1]} features, but {type(scaler).__name__} is expecting {scaler.n_features_in_} "
            "features as input."
        )
    return data


def rescale(op, X, data, center, scale, copy, low=-np.inf, high=np.inf):
    """Dense `data` after the op "standardize" or "restore", as the kind of array that the user's `X` is.

    Parameters
    ----------
    center, scale : (n_features,) NumPy arrays, or None for none
    copy : bool
        False to compute in place.
    """
    engine = get_engine(data)
    data = engine.asarray(data, order="K")
    center = np.zeros(data.shape[1]) if center is None else center
    scale = np.ones(data.shape[1]) if scale is None else scale
    center, scale = (engine.asarray(np.asarray(values, dtype=data.dtype)) for values in (center, scale))
    result = getattr(engine.columns, op)(data, center, scale, low, high, out=None if copy else data)
    if str(getattr(X, "dtype", "")).removeprefix("torch.") == "float16":  # computed in float64
        result = result.astype(np.float16)
    return engine.hand_back(result, like=X)
