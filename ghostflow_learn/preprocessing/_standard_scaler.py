import numpy as np
from scipy.sparse import issparse
from sklearn.base import OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.sparsefuncs import inplace_column_scale, mean_variance_axis

from .._base import BaseEstimator
from .._engine import get_engine
from .._validation import CallbackSupportMixin, check_fit, check_weight, fit_context, fit_task
from ._scaling import NAN_IN_ANY_ORDER, check_inverse, check_transform, rescale, without_zeros


class StandardScaler(CallbackSupportMixin, OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Give each feature mean 0 and variance 1.

    ``z = (x - mean) / std``, with both learnt from the training data. Many models expect features on one scale: those
    with a penalty, a distance or a gradient.

    Parameters
    ----------
    copy : bool, default=True
        False to scale in place, where the input is a C- or Fortran-ordered array of floats.
    with_mean : bool, default=True
        Subtract the mean. Not possible for sparse data, which would become dense.
    with_std : bool, default=True
        Divide by the standard deviation.

    Attributes
    ----------
    scale_ : ndarray of shape (n_features,) or None
        What is divided by: ``sqrt(var_)``, 1 for a constant feature, None without `with_std`.
    mean_ : ndarray of shape (n_features,) or None
        Mean of each feature; None if neither `with_mean` nor `with_std`.
    var_ : ndarray of shape (n_features,) or None
        Variance of each feature, divided by n; None without `with_std`.
    n_features_in_ : int
        Number of features seen during `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where `X` has names that are all strings.
    n_samples_seen_ : number or ndarray of shape (n_features,)
        Samples seen, or the sum of their weights; one per feature if the numbers of NaN differ.

    See Also
    --------
    RobustScaler : The same with median and quantiles, for data with outliers.

    Notes
    -----
    NaN is left out in `fit` and stays in `transform`. Mean and variance come from one pass over the data, in chunks
    that are centred before they are squared, summed in float64: as accurate as two passes. A GPU array gives a GPU
    array, and nothing but the statistics crosses to the host.

    References
    ----------
    Chan, Golub, LeVeque: Algorithms for computing the sample variance. The American Statistician 37 (1983),
    doi:10.1080/00031305.1983.10483115

    Examples
    --------
    >>> from ghostflow_learn.preprocessing import StandardScaler
    >>> data = [[0, 0], [0, 0], [1, 1], [1, 1]]
    >>> scaler = StandardScaler().fit(data)
    >>> scaler.mean_
    array([0.5, 0.5])
    >>> scaler.transform([[2, 2]])
    array([[3., 3.]])
    """

    _parameter_constraints: dict = {
        "copy": ["boolean"],
        "with_mean": ["boolean"],
        "with_std": ["boolean"],
    }

    def __init__(self, *, copy=True, with_mean=True, with_std=True):
        self.with_mean = with_mean
        self.with_std = with_std
        self.copy = copy

    def fit(self, X, y=None, sample_weight=None):
        """Learn mean and standard deviation.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : ignored
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        self : StandardScaler
        """
        self._reset()
        return self.partial_fit(X, y, sample_weight)

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None, sample_weight=None):
        """Learn from one more batch; parameters are those of `fit`."""
        first_call = not hasattr(self, "n_samples_seen_")
        X = check_fit(self, X, reset=first_call, accept_sparse=("csr", "csc"), **NAN_IN_ANY_ORDER)
        with fit_task(self, X, y, sample_weight=sample_weight):
            if sample_weight is not None:
                sample_weight = check_weight(sample_weight, X)
            if issparse(X) and self.with_mean:
                raise ValueError(
                    "Cannot center sparse matrices: pass `with_mean=False` instead. See docstring for motivation and "
                    "alternatives."
                )
            is_weighted = sample_weight is not None
            if not (issparse(X) or self.with_mean or self.with_std):
                sample_weight = None  # scikit-learn counts the samples here
            moments = _moments(X, sample_weight)
            if not first_call:
                moments = get_engine().columns.merge(*np.stack([self._moments_so_far(), moments], axis=1))
            self._keep(*moments, dtype=self._dtype_of_count(X, is_weighted))
        return self

    def transform(self, X, copy=None):
        """Standardize.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        copy : bool, default=None
            None for the parameter of the constructor.

        Returns
        -------
        X_new : {array, sparse matrix} of shape (n_samples, n_features)
        """
        copy = self.copy if copy is None else copy
        data = check_transform(self, X, copy, accept_sparse="csr")
        if not issparse(data):
            return rescale("standardize", X, data, *self._used(), copy)
        if self.with_mean:
            raise ValueError(
                "Cannot center sparse matrices: pass `with_mean=False` instead. See docstring for motivation and "
                "alternatives."
            )
        if self.scale_ is not None:
            inplace_column_scale(data, 1 / self.scale_)
        return data

    def inverse_transform(self, X, copy=None):
        """Undo `transform`; parameters are the same.

        Returns
        -------
        X_original : {array, sparse matrix} of shape (n_samples, n_features)
        """
        copy = self.copy if copy is None else copy
        data = check_inverse(self, X, copy, accept_sparse="csr")
        if not issparse(data):
            return rescale("restore", X, data, *self._used(), copy)
        if self.with_mean:
            raise ValueError(
                "Cannot uncenter sparse matrices: pass `with_mean=False` instead See docstring for motivation and "
                "alternatives."
            )
        if self.scale_ is not None:
            inplace_column_scale(data, self.scale_)
        return data

    def _reset(self):
        if hasattr(self, "scale_"):
            del self.scale_, self.n_samples_seen_, self.mean_, self.var_

    def _used(self):
        return self.mean_ if self.with_mean else None, self.scale_ if self.with_std else None

    def _moments_so_far(self):
        """What `columns.moments` would return for the batches before; zeros stand for what is not kept."""
        seen = np.broadcast_to(np.asarray(self.n_samples_seen_, dtype=np.float64), self.n_features_in_)
        moments = (0.0 if values is None else values for values in (self.mean_, self.var_))
        mean, var = (np.where(seen == 0, 0.0, values) for values in moments)
        return seen, mean, seen * var

    def _dtype_of_count(self, X, is_weighted):
        """Scikit-learn's, which tells how it got there."""
        if self.with_std or (self.with_mean and not issparse(X)):
            return X.dtype if issparse(X) else np.float64
        return X.dtype if is_weighted else np.int64

    def _keep(self, seen, mean, ssd, dtype):
        with np.errstate(invalid="ignore"):  # a feature of which nothing was seen has neither mean nor variance
            mean, var = np.where(seen == 0, np.nan, mean), ssd / seen
        has_mean = self.with_mean or self.with_std
        self.mean_ = mean if has_mean else None
        self.var_ = var if self.with_std else None
        self.scale_ = without_zeros(np.sqrt(var), _is_constant(var, mean, seen)) if self.with_std else None
        seen = seen.astype(dtype)
        self.n_samples_seen_ = seen[0] if seen.max() == seen.min() else seen

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = not self.with_mean
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _moments(X, sample_weight):
    """(3, n_features) host array: weight, mean and sum of squared deviations."""
    if issparse(X):
        mean, var, seen = mean_variance_axis(X, axis=0, weights=sample_weight, return_sum_weights=True)
        seen = seen.astype(np.float64)
        return np.stack([seen, np.where(seen == 0, 0, mean), np.where(seen == 0, 0, seen * var)])
    engine = get_engine(X)
    sample_weight = None if sample_weight is None else engine.asarray(sample_weight)
    return engine.to_numpy(engine.xp.stack(engine.columns.moments(engine.asarray(X, order="K"), sample_weight)))


def _is_constant(var, mean, n_samples):
    """Whether a variance is what rounding leaves of 0; the bound is that of Chan, Golub & LeVeque for two passes."""
    eps = np.finfo(np.float64).eps
    return var <= n_samples * eps * var + (n_samples * mean * eps) ** 2
