"""Truncated singular value decomposition."""

from numbers import Integral, Real

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state

from .._base import BaseEstimator
from .._engine import get_engine
from .._validation import Interval, StrOptions, check_array, check_fit, check_is_fitted, check_predict, fit_context
from ._svd import arpack_svd, column_means, flip_signs, randomized_svd


class TruncatedSVD(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Truncated singular value decomposition, or latent semantic analysis.

    The best approximation of X by a matrix of rank k, X = U diag(s) V'. Other than :class:`PCA` it does not center
    X, so sparse data stay sparse: use it to shorten counts or tf-idf of documents.

    Parameters
    ----------
    n_components : int, default=2
        Dimension of the output. At most the number of features with "randomized", less with "arpack".
    algorithm : {"arpack", "randomized"}, default="randomized"
        Lanczos iterations, or subspace iteration from a random start.
    n_iter : int, default=5
        Power iterations of "randomized".
    n_oversamples : int, default=10
        Random vectors of "randomized" beyond `n_components`.
    power_iteration_normalizer : {"auto", "QR", "LU", "none"}, default="auto"
        Whether each power iteration of "randomized" ends in a new basis of its span. "auto" does so where there
        are more than two; "LU" uses QR, which spans the same.
    random_state : int, RandomState instance or None, default=None
        Start vectors; scikit-learn's for the same seed.
    tol : float, default=0.0
        Relative accuracy of singular values with "arpack"; 0 is machine precision.

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features)
        V'. The entry of largest magnitude in each row is positive.
    explained_variance_ : ndarray of shape (n_components,)
        Variance of the projected training data.
    explained_variance_ratio_ : ndarray of shape (n_components,)
        The part of the variance of X.
    singular_values_ : ndarray of shape (n_components,)
        s.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Defined when X has feature names that are all strings.

    Notes
    -----
    "randomized" reads X ``n_iter + 2`` times. A sparse X is computed on the CPU, in CSR order.

    References
    ----------
    Halko, Martinsson, Tropp: Finding structure with randomness, doi:10.1137/090771806.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> from ghostflow_learn.decomposition import TruncatedSVD
    >>> X = csr_array([[1.0, 0.0, 2.0], [2.0, 1.0, 4.0], [0.0, 3.0, 1.0]])
    >>> svd = TruncatedSVD(n_components=2, random_state=0).fit(X)
    >>> svd.singular_values_.round(3)
    array([5.346, 2.722])
    >>> svd.transform(X).round(3)
    array([[ 2.084, -0.808],
           [ 4.529, -0.696],
           [ 1.93 ,  2.505]])
    """

    _parameter_constraints: dict = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "algorithm": [StrOptions({"arpack", "randomized"})],
        "n_iter": [Interval(Integral, 0, None, closed="left")],
        "n_oversamples": [Interval(Integral, 1, None, closed="left")],
        "power_iteration_normalizer": [StrOptions({"auto", "QR", "LU", "none"})],
        "random_state": ["random_state"],
        "tol": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        n_components=2,
        *,
        algorithm="randomized",
        n_iter=5,
        n_oversamples=10,
        power_iteration_normalizer="auto",
        random_state=None,
        tol=0.0,
    ):
        self.algorithm = algorithm
        self.n_components = n_components
        self.n_iter = n_iter
        self.n_oversamples = n_oversamples
        self.power_iteration_normalizer = power_iteration_normalizer
        self.random_state = random_state
        self.tol = tol

    def fit(self, X, y=None):
        """Find the leading singular vectors of X.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : ignored

        Returns
        -------
        self : TruncatedSVD
        """
        self.fit_transform(X)
        return self

    @fit_context(prefer_skip_nested_validation=True)
    def fit_transform(self, X, y=None):
        """Find the leading singular vectors of X and project X on them.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : ignored

        Returns
        -------
        X_new : array of shape (n_samples, n_components)
        """
        data = check_fit(self, X, accept_sparse="csr", ensure_min_features=2)
        engine = get_engine(data)
        data = engine.asarray(data)
        U, s, Vt = self._decompose(engine, data)
        Vt = engine.to_numpy(Vt)
        signs = flip_signs(Vt)
        self.components_ = np.multiply(Vt, signs[:, None], order="C")
        self.singular_values_ = np.array(engine.to_numpy(s))
        if self.algorithm == "randomized" or self.tol > 0:
            # The triplets are approximate: U s is not quite X V.
            projected = engine.centered.matmul(data, engine.asarray(self.components_.T))
        else:
            projected = U * engine.asarray(self.singular_values_ * signs)
        self._explain(engine, data, projected)
        return engine.hand_back(projected, like=X)

    def transform(self, X):
        """Project X on the components.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        X_new : array of shape (n_samples, n_components)
        """
        data = check_predict(self, X, accept_sparse="csr")
        engine = get_engine(data)
        projected = engine.centered.matmul(engine.asarray(data), engine.asarray(self.components_.T))
        return engine.hand_back(projected, like=X)

    def inverse_transform(self, X):
        """The approximation of the original data whose projections are X.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components)

        Returns
        -------
        X_original : array of shape (n_samples, n_features)
        """
        check_is_fitted(self)
        data = check_array(X)
        engine = get_engine(data)
        restored = engine.linalg.matmul(engine.asarray(data), engine.asarray(self.components_))
        return engine.hand_back(restored, like=X)

    def _decompose(self, engine, X):
        rng = check_random_state(self.random_state)
        if self.algorithm == "arpack":
            n_samples, n_features = X.shape
            if self.n_components >= min(X.shape):
                raise ValueError(
                    f"n_components={self.n_components} must be strictly less than min(n_samples={n_samples}, "
                    f"n_features={n_features}) with algorithm='arpack'. Lower it, or set algorithm='randomized'."
                )
            return arpack_svd(engine, X, self.n_components, None, tol=self.tol, rng=rng)
        if self.n_components > X.shape[1]:
            raise ValueError(f"n_components({self.n_components}) must be <= n_features({X.shape[1]}).")
        return randomized_svd(
            engine,
            X,
            self.n_components,
            None,
            n_oversamples=self.n_oversamples,
            n_iter=self.n_iter,
            normalizer=self.power_iteration_normalizer,
            rng=rng,
        )

    def _explain(self, engine, X, projected):
        means = column_means(engine, X).astype(X.dtype)
        total = engine.to_numpy(engine.centered.sq_norm(X, means)) / X.shape[0]
        self.explained_variance_ = engine.to_numpy(projected.var(axis=0))
        self.explained_variance_ratio_ = (self.explained_variance_ / total).astype(X.dtype)

    @property
    def _n_features_out(self):
        return self.components_.shape[0]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
