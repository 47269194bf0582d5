"""The checks of scikit-learn for arrays on a GPU, made there: no trip through the host, scikit-learn's messages."""

import numpy as np
import sklearn
from sklearn.utils.validation import _check_feature_names, _check_n_features, assert_all_finite

from .._engine._arrays import is_cuda_array, is_torch

RESHAPE = (
    "Reshape your data either using array.reshape(-1, 1) if your data has a single feature or "
    "array.reshape(1, -1) if it contains a single sample."
)


def check(estimator, X, y, *, reset, dtype, order="C", multi_output=False, y_numeric=False, **checks):
    """Validated `X`, or (`X`, `y`), as CuPy arrays; parameters are those of scikit-learn's ``check_X_y``."""
    name = type(estimator).__name__
    _check_feature_names(estimator, X, reset=reset)
    X = check_array(X, dtype=dtype, order=order, name=name, **checks)
    _check_n_features(estimator, X, reset=reset)
    if isinstance(y, str) and y == "no_validation":
        return X
    return X, _check_y(y, X, name, multi_output, y_numeric)


def check_array(
    X,
    *,
    dtype,
    order="C",
    accept_sparse=False,  # a GPU array here is always dense
    accept_large_sparse=True,
    copy=False,
    force_writeable=False,  # GPU arrays always are
    ensure_all_finite=True,
    ensure_min_samples=1,
    ensure_min_features=1,
    ensure_non_negative=False,
    allow_nd=False,
    name="the estimator",
):
    """Validated `X` as a CuPy array; parameters are those of scikit-learn's ``check_array``."""
    original, X = X, to_cupy(X)
    _check_shape(X, name, ensure_min_samples, ensure_min_features, allow_nd)
    X = _as_dtype(X, dtype, order)
    if copy and X.data.ptr == to_cupy(original).data.ptr:
        X = X.copy(order)
    _check_values(X, "X", name, ensure_all_finite, ensure_non_negative)
    return X


def check_weight(sample_weight, X, dtype, ensure_non_negative):
    """One weight per sample beside `X`; see :func:`ghostflow_learn._validation.check_weight`."""
    import cupy

    if sample_weight is None or np.isscalar(sample_weight):
        return cupy.full(len(X), 1 if sample_weight is None else sample_weight, dtype=dtype)
    sample_weight = _as_dtype(to_cupy(sample_weight), (dtype,), "C")
    if sample_weight.ndim != 1:
        raise ValueError(
            f"Sample weights must be 1D array or scalar, got {sample_weight.ndim}D array. Expected either a scalar "
            f"value or a 1D array of length {len(X)}."
        )
    if len(sample_weight) != len(X):
        raise ValueError(f"sample_weight.shape == {sample_weight.shape}, expected {(len(X),)}!")
    _check_values(sample_weight, "sample_weight", None, True, ensure_non_negative)
    if not bool((sample_weight != 0).any()):
        raise ValueError("Sample weights must contain at least one non-zero number.")
    return sample_weight


def check_target(y, X, name):
    """Validated `y` of one output beside `X`."""
    return _check_y(y, X, name, multi_output=False, y_numeric=False)


def encode_labels(y):
    """Classes as NumPy, codes on the GPU; see :func:`ghostflow_learn._validation.encode_labels`."""
    import cupy

    classes, codes = cupy.unique(y, return_inverse=True)
    return classes.get(), codes.astype(cupy.int64)


def to_cupy(array):
    """`array` as a CuPy array: a torch tensor on a GPU shares its memory, host data is uploaded."""
    import cupy

    if is_torch(array):
        return cupy.from_dlpack(array.detach()) if is_cuda_array(array) else cupy.asarray(array.detach().numpy())
    return cupy.asarray(array)


def _check_shape(X, name, min_samples, min_features, allow_nd):
    if X.ndim < 2:
        kind = "scalar" if X.ndim == 0 else "1D"
        raise ValueError(f"Expected 2D array, got {kind} array instead:\narray={X.get()}.\n{RESHAPE}")
    if X.ndim > 2 and not allow_nd:
        raise ValueError(f"Found array with dim {X.ndim}, while dim <= 2 is required by {name}.")
    for axis, noun, least in ((0, "sample(s)", min_samples), (1, "feature(s)", min_features)):
        if X.shape[axis] < least:
            raise ValueError(
                f"Found array with {X.shape[axis]} {noun} (shape={X.shape}) while a minimum of {least} is required"
                f" by {name}."
            )


def _as_dtype(X, dtypes, order):
    import cupy

    if X.dtype.kind == "c":
        raise ValueError(f"Complex data not supported\n{X.get()}\n")
    if dtypes is None or dtypes == "numeric":
        return cupy.asarray(X, order=order)
    accepted = [np.dtype(d) for d in (dtypes if isinstance(dtypes, list | tuple) else (dtypes,))]
    return cupy.asarray(X, dtype=X.dtype if X.dtype in accepted else accepted[0], order=order)


def _check_values(X, input_name, name, ensure_all_finite, ensure_non_negative):
    import cupy

    must_look = ensure_all_finite and X.dtype.kind == "f" and not sklearn.get_config()["assume_finite"]
    # One wait for the GPU where all is well: the sum is finite if every value is, but for overflow.
    if must_look and not bool(cupy.isfinite(X.sum())):
        _raise_if_not_finite(X, input_name, name, allow_nan=ensure_all_finite == "allow-nan")
    if ensure_non_negative and X.size and bool(X.min() < 0):
        whom = f"{input_name} in {name}" if name else input_name
        raise ValueError(f"Negative values in data passed to {whom}.")


def _raise_if_not_finite(X, input_name, name, allow_nan):
    import cupy

    culprits = [value for value, is_value in ((np.nan, cupy.isnan), (np.inf, cupy.isinf)) if bool(is_value(X).any())]
    # One value of each kind is enough for scikit-learn to write its message.
    assert_all_finite(np.array(culprits, X.dtype), allow_nan=allow_nan, estimator_name=name, input_name=input_name)


def _check_y(y, X, name, multi_output, y_numeric):
    if y is None:
        raise ValueError(f"This {name} estimator requires y to be passed, but the target y is None.")
    if not is_cuda_array(y) and np.asarray(y).dtype.kind not in "biuf":
        return _check_length(np.asarray(y), X)  # labels that are no numbers stay on the host
    y = to_cupy(y)
    if not multi_output:
        if y.ndim == 2 and y.shape[1] == 1:
            y = y.ravel()
        if y.ndim != 1:
            raise ValueError(f"y should be a 1d array, got an array of shape {y.shape} instead.")
    _check_values(y, "y", None, True, False)
    if y_numeric and y.dtype.kind not in "f":
        y = y.astype(np.float64)
    return _check_length(y, X)


def _check_length(y, X):
    if len(y) != len(X):
        raise ValueError(f"Found input variables with inconsistent numbers of samples: [{len(X)}, {len(y)}]")
    return y
