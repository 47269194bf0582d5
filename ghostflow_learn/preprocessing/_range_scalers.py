import numpy as np
from scipy.sparse import issparse
from sklearn.base import OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.sparsefuncs import inplace_column_scale, min_max_axis

from .._base import BaseEstimator
from .._engine import get_engine
from .._validation import check_fit, fit_context
from ._scaling import NAN_IN_ANY_ORDER, check_inverse, check_transform, rescale, without_zeros


class MinMaxScaler(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Bring each feature into a range.

    ``x * scale_ + min_``: the least value seen in `fit` lands on the lower bound and the largest on the upper one.

    Parameters
    ----------
    feature_range : tuple (min, max), default=(0, 1)
    copy : bool, default=True
        False to scale in place, where the input is a C- or Fortran-ordered array of floats.
    clip : bool, default=False
        Keep values outside of those seen in `fit` within `feature_range`.

    Attributes
    ----------
    min_ : ndarray of shape (n_features,)
        What is added: ``min - data_min_ * scale_``.
    scale_ : ndarray of shape (n_features,)
        What is multiplied by: ``(max - min) / data_range_``; a constant feature has ``max - min``.
    data_min_, data_max_, data_range_ : ndarray of shape (n_features,)
        Least and largest value seen, and their difference.
    n_features_in_ : int
        Number of features seen during `fit`.
    n_samples_seen_ : int
        Number of samples seen.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where `X` has names that are all strings.

    Notes
    -----
    NaN is left out in `fit` and stays in `transform`. A GPU array gives a GPU array.

    Examples
    --------
    >>> from ghostflow_learn.preprocessing import MinMaxScaler
    >>> scaler = MinMaxScaler().fit([[-1, 2], [-0.5, 6], [0, 10], [1, 18]])
    >>> scaler.data_max_
    array([ 1., 18.])
    >>> scaler.transform([[2, 2]])
    array([[1.5, 0. ]])
    """

    _parameter_constraints: dict = {
        "feature_range": [tuple],
        "copy": ["boolean"],
        "clip": ["boolean"],
    }

    def __init__(self, feature_range=(0, 1), *, copy=True, clip=False):
        self.feature_range = feature_range
        self.copy = copy
        self.clip = clip

    def fit(self, X, y=None):
        """Learn the range of each feature.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : ignored

        Returns
        -------
        self : MinMaxScaler
        """
        if hasattr(self, "scale_"):
            del self.scale_, self.min_, self.n_samples_seen_, self.data_min_, self.data_max_, self.data_range_
        return self.partial_fit(X, y)

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None):
        """Learn from one more batch; parameters are those of `fit`."""
        if self.feature_range[0] >= self.feature_range[1]:
            raise ValueError(
                f"Minimum of desired feature range must be smaller than maximum. Got {self.feature_range}."
            )
        if issparse(X):
            raise TypeError("MinMaxScaler does not support sparse input. Consider using MaxAbsScaler instead.")
        first_call = not hasattr(self, "n_samples_seen_")
        X = check_fit(self, X, reset=first_call, **NAN_IN_ANY_ORDER)
        data_min, data_max = _min_max(X)
        if not first_call:
            data_min, data_max = np.minimum(self.data_min_, data_min), np.maximum(self.data_max_, data_max)
        low, high = (X.dtype.type(bound) for bound in self.feature_range)
        self.n_samples_seen_ = X.shape[0] + (0 if first_call else self.n_samples_seen_)
        self.data_min_, self.data_max_, self.data_range_ = data_min, data_max, data_max - data_min
        self.scale_ = (high - low) / without_zeros(self.data_range_)
        self.min_ = low - data_min * self.scale_
        return self

    def transform(self, X):
        """Scale into `feature_range`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        X_new : array of shape (n_samples, n_features)
        """
        bounds = self.feature_range if self.clip else (-np.inf, np.inf)
        return rescale("restore", X, check_transform(self, X, self.copy), self.min_, self.scale_, self.copy, *bounds)

    def inverse_transform(self, X):
        """Undo `transform`; what was clipped does not come back.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        X_original : array of shape (n_samples, n_features)
        """
        return rescale("standardize", X, check_inverse(self, X, self.copy), self.min_, self.scale_, self.copy)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


class MaxAbsScaler(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Divide each feature by its largest absolute value.

    Nothing is added, so sparse data stays sparse.

    Parameters
    ----------
    copy : bool, default=True
        False to scale in place, where the input is a C- or Fortran-ordered array of floats or a sparse matrix.
    clip : bool, default=False
        Keep values beyond those seen in `fit` within [-1, 1].

    Attributes
    ----------
    scale_ : ndarray of shape (n_features,)
        What is divided by: `max_abs_`, and 1 for a feature that is 0 throughout.
    max_abs_ : ndarray of shape (n_features,)
        Largest absolute value seen.
    n_features_in_ : int
        Number of features seen during `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where `X` has names that are all strings.
    n_samples_seen_ : int
        Number of samples seen.

    Notes
    -----
    NaN is left out in `fit` and stays in `transform`. A GPU array gives a GPU array.

    Examples
    --------
    >>> from ghostflow_learn.preprocessing import MaxAbsScaler
    >>> MaxAbsScaler().fit_transform([[1.0, -1.0, 2.0], [2.0, 0.0, 0.0], [0.0, 1.0, -1.0]])
    array([[ 0.5, -1. ,  1. ],
           [ 1. ,  0. ,  0. ],
           [ 0. ,  1. , -0.5]])
    """

    _parameter_constraints: dict = {"copy": ["boolean"], "clip": ["boolean"]}

    def __init__(self, *, copy=True, clip=False):
        self.copy = copy
        self.clip = clip

    def fit(self, X, y=None):
        """Learn the largest absolute values.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : ignored

        Returns
        -------
        self : MaxAbsScaler
        """
        if hasattr(self, "scale_"):
            del self.scale_, self.n_samples_seen_, self.max_abs_
        return self.partial_fit(X, y)

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None):
        """Learn from one more batch; parameters are those of `fit`."""
        first_call = not hasattr(self, "n_samples_seen_")
        X = check_fit(self, X, reset=first_call, accept_sparse=("csr", "csc"), **NAN_IN_ANY_ORDER)
        low, high = min_max_axis(X, axis=0, ignore_nan=True) if issparse(X) else _min_max(X)
        max_abs = np.maximum(np.abs(low), np.abs(high))
        if not first_call:
            max_abs = np.maximum(self.max_abs_, max_abs)
        self.n_samples_seen_ = X.shape[0] + (0 if first_call else self.n_samples_seen_)
        self.max_abs_ = max_abs
        self.scale_ = without_zeros(max_abs)
        return self

    def transform(self, X):
        """Scale into [-1, 1].

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        X_new : {array, sparse matrix} of shape (n_samples, n_features)
        """
        data = check_transform(self, X, self.copy, accept_sparse=("csr", "csc"))
        bounds = (-1.0, 1.0) if self.clip else (-np.inf, np.inf)
        if not issparse(data):
            return rescale("standardize", X, data, None, self.scale_, self.copy, *bounds)
        inplace_column_scale(data, 1 / self.scale_)
        if self.clip:
            np.clip(data.data, *bounds, out=data.data)
        return data

    def inverse_transform(self, X):
        """Undo `transform`; what was clipped does not come back.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        X_original : {array, sparse matrix} of shape (n_samples, n_features)
        """
        data = check_inverse(self, X, self.copy, accept_sparse=("csr", "csc"))
        if not issparse(data):
            return rescale("restore", X, data, None, self.scale_, self.copy)
        inplace_column_scale(data, self.scale_)
        return data

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = True
        return tags


def _min_max(X):
    engine = get_engine(X)
    low, high = engine.columns.min_max(engine.asarray(X, order="K"))
    return engine.to_numpy(low), engine.to_numpy(high)
