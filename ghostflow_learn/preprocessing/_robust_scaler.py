import numpy as np
from scipy import stats
from scipy.sparse import issparse
from sklearn.base import OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.sparsefuncs import inplace_column_scale

from .._base import BaseEstimator
from .._engine import get_engine
from .._validation import check_fit, fit_context
from ._scaling import NAN_IN_ANY_ORDER, check_inverse, check_transform, rescale, without_zeros

DENSE_VALUES = 2**23  # of a sparse matrix that are made dense at a time: 64 MB


class RobustScaler(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Center each feature on its median and divide it by the distance of two quantiles.

    ``z = (x - median) / (q_max - q_min)``: unlike mean and variance, these do not follow a few outliers.

    Parameters
    ----------
    with_centering : bool, default=True
        Subtract the median. Not possible for sparse data, which would become dense.
    with_scaling : bool, default=True
        Divide by the distance of the quantiles.
    quantile_range : tuple (q_min, q_max), 0.0 <= q_min <= q_max <= 100.0, default=(25.0, 75.0)
        In percent.
    copy : bool, default=True
        False to scale in place, where the input is a C- or Fortran-ordered array of floats or a sparse matrix.
    unit_variance : bool, default=False
        Scale so that a normally distributed feature gets variance 1.

    Attributes
    ----------
    center_ : ndarray of shape (n_features,) or None
        Median of each feature.
    scale_ : ndarray of shape (n_features,) or None
        What is divided by; 1 for a constant feature.
    n_features_in_ : int
        Number of features seen during `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where `X` has names that are all strings.

    See Also
    --------
    StandardScaler : The same with mean and standard deviation.

    Notes
    -----
    NaN is left out in `fit` and stays in `transform`. The quantiles are exact: each feature is partitioned around their
    ranks, O(n_samples), and features are shared among threads. On a GPU the features are sorted. A GPU array gives a
    GPU array.

    Examples
    --------
    >>> from ghostflow_learn.preprocessing import RobustScaler
    >>> RobustScaler().fit_transform([[1.0, -2.0, 2.0], [-2.0, 1.0, 3.0], [4.0, 1.0, -2.0]])
    array([[ 0. , -2. ,  0. ],
           [-1. ,  0. ,  0.4],
           [ 1. ,  0. , -1.6]])
    """

    _parameter_constraints: dict = {
        "with_centering": ["boolean"],
        "with_scaling": ["boolean"],
        "quantile_range": [tuple],
        "copy": ["boolean"],
        "unit_variance": ["boolean"],
    }

    def __init__(
        self, *, with_centering=True, with_scaling=True, quantile_range=(25.0, 75.0), copy=True, unit_variance=False
    ):
        self.with_centering = with_centering
        self.with_scaling = with_scaling
        self.quantile_range = quantile_range
        self.unit_variance = unit_variance
        self.copy = copy

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Learn median and quantiles.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : ignored

        Returns
        -------
        self : RobustScaler
        """
        X = check_fit(self, X, accept_sparse="csc", **NAN_IN_ANY_ORDER)
        q_min, q_max = self.quantile_range
        if not 0 <= q_min <= q_max <= 100:
            raise ValueError(f"Invalid quantile range: {self.quantile_range}")
        if self.with_centering and issparse(X):
            raise ValueError(
                "Cannot center sparse matrices: use `with_centering=False` instead. See docstring for motivation and "
                "alternatives."
            )
        wanted = [50] * self.with_centering + [q_min, q_max] * self.with_scaling
        quantiles = dict(zip(sorted(wanted), _quantiles(X, sorted(wanted))))
        self.center_ = quantiles[50].astype(X.dtype) if self.with_centering else None
        self.scale_ = None
        if self.with_scaling:
            self.scale_ = without_zeros(quantiles[q_max] - quantiles[q_min])
            if self.unit_variance:
                self.scale_ /= stats.norm.ppf(q_max / 100.0) - stats.norm.ppf(q_min / 100.0)
        return self

    def transform(self, X):
        """Center and scale.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        X_new : {array, sparse matrix} of shape (n_samples, n_features)
        """
        data = check_transform(self, X, self.copy, accept_sparse=("csr", "csc"))
        if not issparse(data):
            return rescale("standardize", X, data, *self._used(), self.copy)
        if self.with_scaling:
            inplace_column_scale(data, 1 / self.scale_)
        return data

    def inverse_transform(self, X):
        """Undo `transform`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        X_original : {array, sparse matrix} of shape (n_samples, n_features)
        """
        data = check_inverse(self, X, self.copy, accept_sparse=("csr", "csc"))
        if not issparse(data):
            return rescale("restore", X, data, *self._used(), self.copy)
        if self.with_scaling:
            inplace_column_scale(data, self.scale_)
        return data

    def _used(self):
        return self.center_ if self.with_centering else None, self.scale_ if self.with_scaling else None

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = not self.with_centering
        tags.input_tags.allow_nan = True
        return tags


def _quantiles(X, percent):
    """(len(percent), n_features) host array; `percent` ascends."""
    if issparse(X):
        n_columns = max(1, DENSE_VALUES // X.shape[0])
        starts = range(0, X.shape[1], n_columns)
        return np.hstack([_quantiles(X[:, j : j + n_columns].toarray(order="F"), percent) for j in starts])
    engine = get_engine(X)
    q = tuple(value / 100 for value in percent)
    return engine.to_numpy(engine.columns.quantiles(engine.asarray(X, order="K"), q))
