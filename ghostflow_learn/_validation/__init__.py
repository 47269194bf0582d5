"""Check what users pass in; with `_config` and `_patch` the only place that touches scikit-learn's private names."""

from contextlib import contextmanager
from functools import wraps

import joblib
import numpy as np
import sklearn
from sklearn.base import _fit_context as _sklearn_fit_context
from sklearn.utils._param_validation import HasMethods, Hidden, Interval, Options, RealNotInt, StrOptions
from sklearn.utils.metadata_routing import _raise_for_params as raise_for_params
from sklearn.utils.metadata_routing import _routing_enabled as routing_enabled
from sklearn.utils.multiclass import _check_partial_fit_first_call as check_partial_fit_classes
from sklearn.utils.validation import _check_method_params as select_rows
from sklearn.utils.validation import (
    _check_sample_weight,
    assert_all_finite,
    check_is_fitted,
    validate_data,
)
from sklearn.utils.validation import _deprecate_positional_args as deprecate_positional_args

from .._config import config_context
from .._engine import cpu_engine, fit_scope
from .._engine._arrays import is_cuda_array, is_torch
from . import _device, _plain

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # scikit-learn 1.8 has no callbacks

    class CallbackSupportMixin:
        """Callbacks need scikit-learn 1.9."""

    def with_callbacks(fit):
        return fit


__all__ = [
    "CallbackSupportMixin",
    "HasMethods",
    "Hidden",
    "Interval",
    "Options",
    "RealNotInt",
    "StrOptions",
    "check_array",
    "check_fit",
    "check_fit_lazily",
    "check_is_fitted",
    "check_partial_fit_classes",
    "check_predict",
    "check_weight",
    "deprecate_positional_args",
    "encode_labels",
    "fit_context",
    "fit_task",
    "raise_for_params",
    "routing_enabled",
    "select_rows",
    "take_labels",
    "threads_for",
    "with_callbacks",
]

DENSE_FLOATS = {"dtype": (np.float64, np.float32), "order": "C"}
MANY = 2**20  # values from which the check for NaN and infinity is shared among threads


def fit_context(*, prefer_skip_nested_validation=True):
    """Decorate a fit: validated parameters, scikit-learn's configuration, BLAS on one thread."""

    def decorate(fit):
        @wraps(fit)
        def within_scope(self, X, *args, **kwargs):
            with fit_scope(X):
                return fit(self, X, *args, **kwargs)

        return _sklearn_fit_context(prefer_skip_nested_validation=prefer_skip_nested_validation)(within_scope)

    return decorate


@contextmanager
def fit_task(estimator, X, y, **metadata):
    """Tell scikit-learn's callbacks, where it has them, of a fit that is one task without parts."""
    if not hasattr(estimator, "_init_callback_context"):
        yield
        return
    context = estimator._init_callback_context()
    task = {"estimator": estimator, "X": X, "y": y, "metadata": metadata}
    context.call_on_fit_task_begin(**task)
    yield
    context.call_on_fit_task_end(**task, reconstruction_attributes={})


def check_fit(estimator, X, y="no_validation", *, reset=True, **checks):
    """Validated `X`, or (`X`, `y`), on the device they came on.

    Parameters
    ----------
    estimator : estimator
        Learns ``n_features_in_`` and ``feature_names_in_``.
    X : array-like, sparse matrix, DataFrame, CuPy array or torch tensor of shape (n_samples, n_features)
    y : array-like of shape (n_samples,) or (n_samples, n_outputs), optional
        Goes where `X` is.
    reset : bool, default=True
        False for a `partial_fit` that is not the first: same features as before.
    **checks
        Those of scikit-learn's ``check_X_y``. By default X is dense, finite, float32 or float64, C-ordered. With
        ``numeric=True`` arrays of strings are refused, as scikit-learn does with ``dtype="numeric"``.

    Returns
    -------
    X : array or sparse matrix; CuPy if it came on a GPU, else NumPy
    y : the same, if it was passed
    """
    return _check(estimator, X, y, reset=reset, **{**DENSE_FLOATS, **checks})


def check_fit_lazily(estimator, X, y, **checks):
    """As :func:`check_fit`, for a fit whose first sums show NaN and infinity: a large `X` is not read for them.

    Returns
    -------
    X, y : see :func:`check_fit`
    require_finite : callable, or None where nothing is left to check
        To be called if those sums are not finite: raises scikit-learn's error if `X` or `y` is not.
    """
    if type(X) is not np.ndarray or X.size <= MANY or sklearn.get_config()["assume_finite"]:
        return *check_fit(estimator, X, y, **checks), None
    try:
        X, y = check_fit(estimator, X, y, ensure_all_finite=False, **checks)
    except ValueError:
        check_fit(estimator, X, y, **checks)  # scikit-learn names X first
        raise
    return X, y, lambda: _check_finite_in_parallel(estimator, False, X, y)


def check_predict(estimator, X, **checks):
    """Validated `X` for a fitted estimator; same features as in `fit`. See :func:`check_fit`."""
    if not hasattr(estimator, "n_features_in_"):
        check_is_fitted(estimator)
    return _check(estimator, X, "no_validation", reset=False, **{**DENSE_FLOATS, **checks})


def check_array(X, **checks):
    """Validated `X` that no estimator has counts or names for, such as the input of ``inverse_transform``."""
    checks = {**DENSE_FLOATS, **checks}
    if _plain.array_passes(X, checks):
        return X
    if is_cuda_array(X):
        return _device.check_array(X, **checks)
    return sklearn.utils.check_array(_on_host(X), **checks)


def check_weight(sample_weight, X, *, dtype=None, ensure_non_negative=False):
    """One weight per sample in the dtype of `X`, ones by default, where `X` lives.

    Raises
    ------
    ValueError
        If a weight is not finite, all are zero, or one is negative and `ensure_non_negative`.
    """
    dtype = dtype or X.dtype
    if is_cuda_array(X):
        return _device.check_weight(sample_weight, X, dtype, ensure_non_negative)
    return _check_sample_weight(_on_host(sample_weight), X, dtype=dtype, ensure_non_negative=ensure_non_negative)


def encode_labels(y):
    """Classes and the position of each label among them.

    Parameters
    ----------
    y : (n_samples,) array; NumPy or CuPy

    Returns
    -------
    classes : (n_classes,) NumPy array, sorted
    codes : (n_samples,) int64 array where `y` lives
    """
    if is_cuda_array(y):
        return _device.encode_labels(y)
    if y.dtype.kind in "iu" and len(y) and int(y.max()) - int(y.min()) < len(y):
        return _encode_small_integers(y)
    classes, codes = np.unique(y, return_inverse=True)
    return classes, codes.reshape(-1)


def _encode_small_integers(y):
    """Without the sort of np.unique, which takes longer than many a fit."""
    low = y.min().astype(np.int64)
    offsets = y.astype(np.int64, copy=False).reshape(-1) - low
    present = np.zeros(int(offsets.max()) + 1, dtype=np.int64)
    present[offsets] = 1
    codes = offsets if present.all() else (np.cumsum(present) - 1)[offsets]
    return (np.flatnonzero(present) + low).astype(y.dtype), codes


def take_labels(engine, classes, codes, like):
    """The labels at `codes`, handed back as `like` is; labels that are no numbers stay NumPy."""
    if classes.dtype.kind in "biuf":
        return engine.hand_back(engine.asarray(classes)[codes], like=like)
    return classes[engine.to_numpy(codes)]


@contextmanager
def threads_for(n_jobs):
    """Within the block our kernels use as many threads as `n_jobs` says.

    None is the ``n_threads`` setting, or what ``joblib.parallel_config`` says where one is active.
    """
    if n_jobs is None and joblib.parallel.get_active_backend()[1] is None:
        yield
    else:
        with config_context(n_threads=max(1, joblib.effective_n_jobs(n_jobs))):
            yield


def _check(estimator, X, y, *, reset, **checks):
    if type(X) is np.ndarray and X.size <= MANY and _plain.passes(estimator, X, y, reset, checks):
        return X if isinstance(y, str) else (X, y)
    checks["reset"] = reset
    if checks.pop("numeric", False):
        _refuse_strings(X)
    if is_cuda_array(X):
        return _device.check(estimator, X, y, **checks)
    X, y = _on_host(X), _on_host(y)
    finite = checks.get("ensure_all_finite", True)
    in_parallel = isinstance(X, np.ndarray) and X.size > MANY and finite is not False
    if in_parallel:
        checks["ensure_all_finite"] = False
    try:
        checked = validate_data(estimator, X, y, **checks)
    except ValueError:
        if in_parallel:
            validate_data(estimator, X, y, **{**checks, "ensure_all_finite": finite})  # scikit-learn names X first
        raise
    if in_parallel and not sklearn.get_config()["assume_finite"]:
        allow_nan = finite == "allow-nan"
        _check_finite_in_parallel(estimator, allow_nan, *(checked if isinstance(checked, tuple) else (checked,)))
    return checked


def _refuse_strings(X):
    if isinstance(X, np.ndarray | list | tuple) and np.asarray(X).dtype.kind in "US":
        raise ValueError(
            "dtype='numeric' is not compatible with arrays of bytes/strings."
            "Convert your data to numeric values explicitly instead."
        )


def _check_finite_in_parallel(estimator, allow_nan, X, y=None):
    if not cpu_engine().checks.all_finite(X):
        assert_all_finite(X, allow_nan=allow_nan, estimator_name=type(estimator).__name__, input_name="X")
    if y is not None and y.dtype.kind == "f":
        assert_all_finite(y, input_name="y")


def _on_host(array):
    """What scikit-learn can check: a torch tensor, or a GPU array beside data on the host, becomes NumPy."""
    if is_torch(array):
        return array.detach().cpu().numpy()
    return array.get() if is_cuda_array(array) else array
