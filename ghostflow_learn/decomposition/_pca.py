"""Principal component analysis."""

from collections import namedtuple
from math import log, pi
from numbers import Integral, Real

import numpy as np
import scipy.linalg
from scipy.sparse import issparse
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state

from .._base import BaseEstimator
from .._engine import get_engine
from .._validation import (
    Interval,
    RealNotInt,
    StrOptions,
    check_array,
    check_fit,
    check_is_fitted,
    check_predict,
    fit_context,
)
from ._dimension import check_n_components, infer_dimension
from ._svd import arpack_svd, choose_solver, column_means, covariance_svd, flip_signs, full_svd, randomized_svd

# What fit_transform projects: U and s where the solver found them, else X on the components.
_Fitted = namedtuple("_Fitted", "engine X offset U")


class PCA(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Principal component analysis.

    The orthogonal directions in which centered data vary most: the leading right singular vectors V of

        X - mean = U diag(s) V',    explained_variance_ = s**2 / (n_samples - 1).

    Use it to shorten correlated, dense features before another model, or to draw them. For sparse counts see
    :class:`TruncatedSVD`, which does not center.

    Parameters
    ----------
    n_components : int, float or "mle", default=None
        Components to keep: a number; with 0 < `n_components` < 1 as many as explain more than that part of the
        variance; with "mle" Minka's estimate. None keeps ``min(n_samples, n_features)``, less one with "arpack".
    copy : bool, default=True
        False lets the "full", "arpack" and "randomized" solvers center X in place, which saves them time; X is
        lost then, so use ``fit_transform``. No solver copies all of X with True either.
    whiten : bool, default=False
        Scale the projections to unit variance.
    svd_solver : {"auto", "full", "covariance_eigh", "arpack", "randomized"}, default="auto"
        "covariance_eigh" decomposes the covariance: fastest on tall data, but squares the condition number. "full"
        is accurate to machine precision. "arpack" and "randomized" find the leading components alone, by Lanczos
        iterations and by subspace iteration from a random start. "auto" is "covariance_eigh" for at most 1000
        features and ten times as many samples, else "full" up to 500 x 500, else "randomized" for less than 80 %
        of the components, else "full"; for sparse X it is "arpack". Sparse X needs "auto", "arpack" or
        "covariance_eigh".
    tol : float, default=0.0
        Relative accuracy of singular values with "arpack"; 0 is machine precision.
    iterated_power : int or "auto", default="auto"
        Power iterations of "randomized". "auto" is 7 for less than a tenth of the components, else 4.
    n_oversamples : int, default=10
        Random vectors of "randomized" beyond `n_components`.
    power_iteration_normalizer : {"auto", "QR", "LU", "none"}, default="auto"
        Whether each power iteration of "randomized" ends in a new basis of its span. "auto" does so where there
        are more than two; "LU" uses QR, which spans the same.
    random_state : int, RandomState instance or None, default=None
        Start vectors of "arpack" and "randomized"; scikit-learn's for the same seed.

    Attributes
    ----------
    components_ : ndarray of shape (n_components_, n_features)
        V', by decreasing variance. The entry of largest magnitude in each row is positive.
    explained_variance_ : ndarray of shape (n_components_,)
        Variance along each component, with n_samples - 1 degrees of freedom.
    explained_variance_ratio_ : ndarray of shape (n_components_,)
        The part of the total variance.
    singular_values_ : ndarray of shape (n_components_,)
        s.
    mean_ : ndarray of shape (n_features,)
    n_components_ : int
    n_samples_ : int
    noise_variance_ : float
        Mean variance along the directions left out: the noise of the probabilistic model behind `score`.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Defined when X has feature names that are all strings.

    Notes
    -----
    "full" costs 2 n p^2 operations for n >= p, in blocks of rows that all threads share (a tall-skinny QR);
    "covariance_eigh" costs n p^2 / 2, summed in float64 for float32 data too. X is centered block by block, so a
    fit needs a few megabytes beside it. With whitening, `fit_transform` of "full" scales directions without any
    variance as `transform` does, where scikit-learn returns an arbitrary basis of them.

    References
    ----------
    Tipping, Bishop: Mixtures of probabilistic principal component analyzers, doi:10.1162/089976699300016728.

    Halko, Martinsson, Tropp: Finding structure with randomness, doi:10.1137/090771806.

    Examples
    --------
    >>> import numpy as np
    >>> from ghostflow_learn.decomposition import PCA
    >>> X = np.array([[-1, -1], [-2, -1], [-3, -2], [1, 1], [2, 1], [3, 2]])
    >>> pca = PCA(n_components=2).fit(X)
    >>> pca.explained_variance_ratio_.round(4)
    array([0.9924, 0.0076])
    >>> pca.transform([[2.0, 1.0]]).round(3)
    array([[ 2.222, -0.251]])
    """

    _parameter_constraints: dict = {
        "n_components": [
            Interval(Integral, 0, None, closed="left"),
            Interval(RealNotInt, 0, 1, closed="neither"),
            StrOptions({"mle"}),
            None,
        ],
        "copy": ["boolean"],
        "whiten": ["boolean"],
        "svd_solver": [StrOptions({"auto", "full", "covariance_eigh", "arpack", "randomized"})],
        "tol": [Interval(Real, 0, None, closed="left")],
        "iterated_power": [StrOptions({"auto"}), Interval(Integral, 0, None, closed="left")],
        "n_oversamples": [Interval(Integral, 1, None, closed="left")],
        "power_iteration_normalizer": [StrOptions({"auto", "QR", "LU", "none"})],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_components=None,
        *,
        copy=True,
        whiten=False,
        svd_solver="auto",
        tol=0.0,
        iterated_power="auto",
        n_oversamples=10,
        power_iteration_normalizer="auto",
        random_state=None,
    ):
        self.n_components = n_components
        self.copy = copy
        self.whiten = whiten
        self.svd_solver = svd_solver
        self.tol = tol
        self.iterated_power = iterated_power
        self.n_oversamples = n_oversamples
        self.power_iteration_normalizer = power_iteration_normalizer
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Find the components of X.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : ignored

        Returns
        -------
        self : PCA
        """
        self._fit(X)
        return self

    @fit_context(prefer_skip_nested_validation=True)
    def fit_transform(self, X, y=None):
        """Find the components of X and project X on them.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : ignored

        Returns
        -------
        X_new : array of shape (n_samples, n_components_)
        """
        fitted = self._fit(X)
        if fitted.U is None:
            projected = self._project(fitted.engine, fitted.X, fitted.offset)
        else:
            scale = (self.n_samples_ - 1) ** 0.5 if self.whiten else fitted.engine.asarray(self.singular_values_)
            projected = fitted.U * scale
        return fitted.engine.hand_back(projected, like=X)

    def transform(self, X):
        """Project X on the components.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        X_new : array of shape (n_samples, n_components_)
        """
        data = check_predict(self, X, accept_sparse="csr")
        engine = get_engine(data)
        projected = self._project(engine, engine.asarray(data), engine.asarray(self.mean_))
        return engine.hand_back(projected, like=X)

    def inverse_transform(self, X):
        """The points of the original space whose projections are X.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components_)

        Returns
        -------
        X_original : array of shape (n_samples, n_features)
        """
        check_is_fitted(self)
        data = check_array(X)
        engine = get_engine(data)
        scale = np.sqrt(self.explained_variance_)[:, None] if self.whiten else 1
        restored = engine.linalg.matmul(engine.asarray(data), engine.asarray(scale * self.components_))
        restored += engine.asarray(self.mean_)
        return engine.hand_back(restored, like=X)

    def get_covariance(self):
        """The covariance of the probabilistic model: that of the components, and noise in all other directions.

        Returns
        -------
        covariance : ndarray of shape (n_features, n_features)
        """
        axes, excess = self._model()
        covariance = (axes.T * excess) @ axes
        covariance.flat[:: len(covariance) + 1] += self.noise_variance_
        return covariance

    def get_precision(self):
        """The inverse of the covariance of the probabilistic model, by the matrix inversion lemma.

        Returns
        -------
        precision : ndarray of shape (n_features, n_features)
        """
        n_features = self.components_.shape[1]
        if self.n_components_ == 0:
            return np.eye(n_features) / self.noise_variance_
        if self.noise_variance_ == 0.0:
            return scipy.linalg.inv(self.get_covariance())
        axes, excess = self._model()
        core = axes @ axes.T / self.noise_variance_
        core.flat[:: len(core) + 1] += 1.0 / excess
        precision = axes.T @ scipy.linalg.inv(core) @ axes
        precision /= -(self.noise_variance_**2)
        precision.flat[:: n_features + 1] += 1.0 / self.noise_variance_
        return precision

    def score_samples(self, X):
        """Log-likelihood of each sample under the probabilistic model.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        log_likelihood : array of shape (n_samples,)
        """
        data = check_predict(self, X)
        engine = get_engine(data)
        precision = self.get_precision()
        sign, log_det = np.linalg.slogdet(precision)
        constant = data.shape[1] * log(2 * pi) - (log_det if sign > 0 else -np.inf)
        centered = engine.asarray(data) - engine.asarray(self.mean_)
        sq_dists = (centered * engine.linalg.matmul(centered, engine.asarray(precision))).sum(axis=1)
        return engine.hand_back(-0.5 * (sq_dists + constant), like=X)

    def score(self, X, y=None):
        """Mean log-likelihood of the samples under the probabilistic model.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : ignored

        Returns
        -------
        score : float
        """
        return float(self.score_samples(X).mean())

    def _fit(self, X):
        if issparse(X) and self.svd_solver not in ("auto", "arpack", "covariance_eigh"):
            raise TypeError(
                'PCA only support sparse inputs with the "arpack" and "covariance_eigh" solvers, while '
                f'"{self.svd_solver}" was passed. See TruncatedSVD for a possible alternative.'
            )
        X = check_fit(self, X, accept_sparse="csr", force_writeable=not self.copy)
        n_components = self._choose_solver(X)
        self.n_samples_ = X.shape[0]
        engine = get_engine(X)
        X = engine.asarray(X)
        if self._fit_svd_solver == "covariance_eigh":
            mean, s, Vt = covariance_svd(engine, X)
            offset = self._keep_mean(engine, mean, X.dtype)
            return self._keep_whole(engine, X, offset, n_components, s, Vt)
        offset = self._keep_mean(engine, column_means(engine, X), X.dtype)
        if not self.copy and not issparse(X):
            X -= offset
            offset = None
        if self._fit_svd_solver == "full":
            return self._keep_whole(engine, X, offset, n_components, *full_svd(engine, X, offset))
        return self._keep_leading(engine, X, offset, n_components)

    def _keep_mean(self, engine, mean, dtype):
        self.mean_ = engine.to_numpy(mean).astype(dtype, copy=False)
        return engine.asarray(self.mean_)

    def _choose_solver(self, X):
        """Set the solver of this fit and return the checked `n_components`."""
        self._fit_svd_solver = solver = choose_solver(self.svd_solver, self.n_components, X)
        smallest = min(X.shape)
        n_components = self.n_components
        if n_components is None:
            n_components = smallest - 1 if solver == "arpack" else smallest
        check_n_components(n_components, solver, *X.shape)
        return n_components

    def _keep_whole(self, engine, X, offset, n_components, s, Vt):
        """Attributes from all singular values."""
        s = engine.to_numpy(s)
        variance = s**2 / (self.n_samples_ - 1)
        total = variance.sum()
        if n_components == "mle":
            n_components = infer_dimension(variance, self.n_samples_)
        elif 0 < n_components < 1:
            ratios = np.cumsum((variance / total).astype(X.dtype))
            n_components = min(len(ratios), 1 + int(np.searchsorted(ratios, n_components, side="right")))
        noise = variance[n_components:].mean() if n_components < min(X.shape) else 0.0
        self._keep(engine.to_numpy(Vt[:n_components]), s[:n_components], total, noise, X.dtype)
        return _Fitted(engine, X, offset, None)

    def _keep_leading(self, engine, X, offset, n_components):
        """Attributes from the leading singular values alone."""
        rng = check_random_state(self.random_state)
        if self._fit_svd_solver == "arpack":
            U, s, Vt = arpack_svd(engine, X, n_components, offset, tol=self.tol, rng=rng)
        else:
            how = {"n_iter": self.iterated_power, "normalizer": self.power_iteration_normalizer, "rng": rng}
            U, s, Vt = randomized_svd(engine, X, n_components, offset, n_oversamples=self.n_oversamples, **how)
        s = engine.to_numpy(s)
        degrees = self.n_samples_ - 1
        total = engine.to_numpy(engine.centered.sq_norm(X, offset)) / degrees
        n_left = min(X.shape) - n_components
        noise = (total - (s**2).sum() / degrees) / n_left if n_left else 0.0
        signs = self._keep(engine.to_numpy(Vt), s, total, noise, X.dtype)
        return _Fitted(engine, X, offset, U * engine.asarray(signs))

    def _keep(self, Vt, s, total, noise, dtype):
        """Set the attributes that all solvers share; returns the signs that were given to the rows of Vt."""
        signs = flip_signs(Vt).astype(dtype)
        variance = s**2 / (self.n_samples_ - 1)
        self.n_components_ = len(s)
        self.components_ = np.multiply(Vt, signs[:, None], dtype=dtype, order="C")
        self.explained_variance_ = variance.astype(dtype)
        self.explained_variance_ratio_ = (variance / total).astype(dtype)
        self.singular_values_ = s.astype(dtype)
        self.noise_variance_ = dtype.type(noise)
        return signs

    def _project(self, engine, X, offset):
        projected = engine.centered.matmul(X, engine.asarray(self.components_.T), offset)
        if self.whiten:
            # A direction without any variance must not become infinite.
            scale = np.sqrt(self.explained_variance_)
            projected /= engine.asarray(np.maximum(scale, np.finfo(scale.dtype).eps))
        return projected

    def _model(self):
        """Axes of the probabilistic model, and the variance along them beyond the noise."""
        axes = self.components_
        if self.whiten:
            axes = axes * np.sqrt(self.explained_variance_)[:, None]
        return axes, np.maximum(self.explained_variance_ - self.noise_variance_, 0)

    @property
    def _n_features_out(self):
        return self.components_.shape[0]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        tags.input_tags.sparse = self.svd_solver in ("auto", "arpack", "covariance_eigh")
        return tags
