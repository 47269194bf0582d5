"""What KMeans and MiniBatchKMeans share: their checks, and everything a fitted model does."""

import warnings
from numbers import Integral, Real

from scipy.sparse import issparse
from sklearn.base import ClassNamePrefixFeaturesOutMixin, ClusterMixin, TransformerMixin
from sklearn.utils.sparsefuncs import mean_variance_axis

from .._base import BaseEstimator
from .._engine import get_engine
from .._validation import Interval, StrOptions, check_fit, check_predict, check_weight

CSR = {"accept_sparse": "csr", "accept_large_sparse": False}


class BaseKMeans(ClassNamePrefixFeaturesOutMixin, TransformerMixin, ClusterMixin, BaseEstimator):
    """A model of clusters by their centers."""

    _parameter_constraints: dict = {
        "n_clusters": [Interval(Integral, 1, None, closed="left")],
        "init": [StrOptions({"k-means++", "random"}), callable, "array-like"],
        "n_init": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
    }

    def fit_predict(self, X, y=None, sample_weight=None):
        """Find the clusters of X and label its samples.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : ignored
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        labels : array of shape (n_samples,)
        """
        self.fit(X, sample_weight=sample_weight)
        return get_engine(X).hand_back(self.labels_, like=X)

    def predict(self, X):
        """Label each sample with its nearest center.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        labels : array of shape (n_samples,)
        """
        engine, data, centers = self._check_predict(X)
        labels, _ = engine.kmeans.assign(data, centers)
        return engine.hand_back(labels, like=X)

    def fit_transform(self, X, y=None, sample_weight=None):
        """Find the clusters of X and measure the distances to their centers.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : ignored
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        X_new : array of shape (n_samples, n_clusters)
        """
        return self.fit(X, sample_weight=sample_weight)._distances(X)

    def transform(self, X):
        """Distance of each sample to each center.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        X_new : array of shape (n_samples, n_clusters)
        """
        return self._distances(X)

    def score(self, X, y=None, sample_weight=None):
        """The objective with its sign turned: larger is better.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : ignored
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        score : float
            Minus the weighted sum of squared distances to the nearest center.
        """
        engine, data, centers = self._check_predict(X)
        sample_weight = engine.asarray(check_weight(sample_weight, data))
        _, sq_dists = engine.kmeans.assign(data, centers)
        return -weighted_sum(engine, sample_weight, sq_dists)

    def _distances(self, X):
        engine, data, centers = self._check_predict(X)
        return engine.hand_back(engine.kmeans.distances(data, centers), like=X)

    def _check_predict(self, X):
        data = self._check_predict_input(X)
        engine = get_engine(data)
        return engine, engine.asarray(data), engine.asarray(self.cluster_centers_.astype(data.dtype, copy=False))

    def _check_predict_input(self, X):
        return check_predict(self, X, **CSR)

    def _check_fit(self, X, *, default_n_init, **checks):
        X = check_fit(self, X, **CSR, **checks)
        if X.shape[0] < self.n_clusters:
            raise ValueError(f"n_samples={X.shape[0]} should be >= n_clusters={self.n_clusters}. Lower n_clusters.")
        given = not isinstance(self.init, str) and not callable(self.init)
        self._n_init = self.n_init
        if self.n_init == "auto":
            self._n_init = 1 if given or (isinstance(self.init, str) and self.init == "k-means++") else default_n_init
        if given and self._n_init != 1:
            warnings.warn(
                "Explicit initial center position passed: performing only one init in "
                f"{type(self).__name__} instead of n_init={self._n_init}.",
                RuntimeWarning,
                stacklevel=4,
            )
            self._n_init = 1
        return X

    def _say(self, line):
        if self.verbose:
            print(line)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def tolerance(engine, X, tol):
    """`tol` in units of X: a squared shift of all centers, relative to the mean variance of the features."""
    if tol == 0:
        return 0
    return tol * (mean_variance_axis(X, axis=0)[1].mean() if issparse(X) else engine.kmeans.mean_variance(X))


def weighted_sum(engine, sample_weight, values):
    """sum_i w_i v_i in float64, as a float."""
    xp = engine.xp
    return float(xp.dot(values.astype(xp.float64, copy=False), sample_weight.astype(xp.float64, copy=False)))
