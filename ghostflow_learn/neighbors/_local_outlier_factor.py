"""Outliers by the density about each sample, compared with that about its neighbours."""

import warnings
from numbers import Real

import numpy as np
from sklearn.base import OutlierMixin
from sklearn.utils.metaestimators import available_if

from .._engine import get_engine
from .._validation import Interval, StrOptions, check_is_fitted, fit_context
from ._base import BaseNeighbors
from ._search import KNeighborsMixin

INSTEAD = {
    "predict": "use fit_predict if you want to predict on training data. Use novelty=True if you want to use LOF for "
    "novelty detection and predict on new unseen data.",
    "decision_function": "Use novelty=True if you want to use LOF for novelty detection and compute decision_function "
    "for new unseen data. Note that the opposite LOF of the training samples is always available by considering the "
    "negative_outlier_factor_ attribute.",
    "score_samples": "The scores of the training samples are always available through the negative_outlier_factor_ "
    "attribute. Use novelty=True if you want to use LOF for novelty detection and compute score_samples for new "
    "unseen data.",
}
NOT_FOR_NOVELTY = (
    "fit_predict is not available when novelty=True. Use novelty=False if you want to predict on the training set."
)


def _for_novelty(method):
    def check(model):
        if not model.novelty:
            raise AttributeError(f"{method} is not available when novelty=False. {INSTEAD[method]}")
        return True

    return check


def _for_outliers(model):
    if model.novelty:
        raise AttributeError(NOT_FOR_NOVELTY)
    return True


class LocalOutlierFactor(KNeighborsMixin, OutlierMixin, BaseNeighbors):
    """Outliers by the density about each sample, compared with that about its neighbours.

    The reachability of x from a neighbour o is max(d(x, o), distance of o to its own k-th neighbour); the density
    about x is the inverse of its mean. The factor is the mean density about the neighbours over that about x: about 1
    within a cluster of any density, larger for outliers. Use it where clusters differ in density.

    Parameters
    ----------
    n_neighbors : int, default=20
        All others if there are fewer.
    algorithm : {"auto", "ball_tree", "kd_tree", "brute"}, default="auto"
        How neighbours are found, see :class:`NearestNeighbors`; it changes the speed alone.
    leaf_size : int, default=30
        Leaves of the tree hold up to twice as many samples. Changes the speed alone.
    metric : str, callable or DistanceMetric, default="minkowski"
        See :class:`NearestNeighbors`.
    p : float, default=2
        Power of "minkowski".
    metric_params : dict, default=None
        Further arguments of the metric.
    contamination : "auto" or float in (0, 0.5], default="auto"
        Share of outliers among the training samples; "auto" calls those outliers whose factor exceeds 1.5.
    novelty : bool, default=False
        Whether new samples are judged (predict, decision_function, score_samples) or the training samples
        (fit_predict).
    n_jobs : int, default=None
        Threads; None is the ``n_threads`` setting.

    Attributes
    ----------
    negative_outlier_factor_ : ndarray of shape (n_samples,)
        Minus the factor of each training sample.
    n_neighbors_ : int
    offset_ : float
        Samples whose negative factor is below it are outliers.
    effective_metric_ : str or callable
        `metric`, or what "minkowski" comes to with this `p`.
    effective_metric_params_ : dict
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Defined when X has feature names that are all strings.
    n_samples_fit_ : int

    Raises
    ------
    ValueError
        If the metric and the algorithm do not go together.

    Notes
    -----
    See :class:`NearestNeighbors` for what the search takes. Factors are computed in host memory.

    References
    ----------
    Breunig, Kriegel, Ng, Sander: LOF, identifying density-based local outliers, SIGMOD 2000,
    doi:10.1145/335191.335388.

    Examples
    --------
    >>> from ghostflow_learn.neighbors import LocalOutlierFactor
    >>> X = [[-1.1], [0.2], [101.1], [0.3]]
    >>> model = LocalOutlierFactor(n_neighbors=2)
    >>> model.fit_predict(X)
    array([ 1,  1, -1,  1])
    >>> model.negative_outlier_factor_.round(3)
    array([ -0.982,  -1.037, -73.37 ,  -0.982])
    """

    _parameter_constraints: dict = {
        **BaseNeighbors._parameter_constraints,
        "contamination": [StrOptions({"auto"}), Interval(Real, 0, 0.5, closed="right")],
        "novelty": ["boolean"],
    }

    def __init__(
        self,
        n_neighbors=20,
        *,
        algorithm="auto",
        leaf_size=30,
        metric="minkowski",
        p=2,
        metric_params=None,
        contamination="auto",
        novelty=False,
        n_jobs=None,
    ):
        self.n_neighbors = n_neighbors
        self.algorithm = algorithm
        self.leaf_size = leaf_size
        self.metric = metric
        self.p = p
        self.metric_params = metric_params
        self.contamination = contamination
        self.novelty = novelty
        self.n_jobs = n_jobs

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None):
        """Measure the density about each sample.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features), KDTree or BallTree
            For ``metric="precomputed"`` distances, of shape (n_samples, n_samples).
        y : ignored

        Returns
        -------
        self : LocalOutlierFactor
        """
        self._fit_search(self._check_search(X))
        if self.n_neighbors > self.n_samples_fit_:
            warnings.warn(
                f"n_neighbors ({self.n_neighbors}) is greater than the total number of samples "
                f"({self.n_samples_fit_}). n_neighbors will be set to (n_samples - 1) for estimation.",
                UserWarning,
                stacklevel=4,
            )
        self.n_neighbors_ = max(1, min(self.n_neighbors, self.n_samples_fit_ - 1))
        self._distances_fit_X_, indices = self._neighbors_on_host(None, self._fit_X.dtype)
        self._lrd = self._density(self._distances_fit_X_, indices)
        self.negative_outlier_factor_ = self._negative_factor(self._lrd, indices)
        self.offset_ = -1.5
        if self.contamination != "auto":
            self.offset_ = np.percentile(self.negative_outlier_factor_, 100.0 * self.contamination)
        if self.negative_outlier_factor_.min() < -1e7 and not self.novelty:
            warnings.warn(
                "Duplicate values are leading to incorrect results. Increase the number of neighbors for more accurate "
                "results.",
                UserWarning,
                stacklevel=4,
            )
        return self

    @available_if(_for_outliers)
    def fit_predict(self, X, y=None):
        """Tell outliers among the training samples; only with ``novelty=False``.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : ignored

        Returns
        -------
        is_inlier : array of shape (n_samples,)
            -1 for outliers, 1 for the others.
        """
        self.fit(X)
        return _signs(self.negative_outlier_factor_ >= self.offset_, X)

    @available_if(_for_novelty("predict"))
    def predict(self, X=None):
        """Tell which samples are outliers; only with ``novelty=True``.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_queries, n_features), default=None
            The training samples, none its own neighbour, if not given.

        Returns
        -------
        is_inlier : array of shape (n_queries,)
            -1 for outliers, 1 for the others.
        """
        check_is_fitted(self)
        scores = self.negative_outlier_factor_ if X is None else self._scores(X)
        return _signs(scores >= self.offset_, X)

    @available_if(_for_novelty("decision_function"))
    def decision_function(self, X):
        """:meth:`score_samples` less `offset_`: negative for outliers; only with ``novelty=True``.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_queries, n_features)

        Returns
        -------
        scores : array of shape (n_queries,)
        """
        return _handed_back(self._scores(X) - self.offset_, X)

    @available_if(_for_novelty("score_samples"))
    def score_samples(self, X):
        """Minus the factor of new samples; only with ``novelty=True``.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_queries, n_features)
            A training sample is its own neighbour here.

        Returns
        -------
        scores : array of shape (n_queries,)
        """
        return _handed_back(self._scores(X), X)

    def _scores(self, X):
        check_is_fitted(self)
        dists, indices = self._neighbors_on_host(X, getattr(X, "dtype", np.float64))
        return self._negative_factor(self._density(dists, indices), indices)

    def _neighbors_on_host(self, X, dtype):
        engine, dists, indices = self._nearest(X, self.n_neighbors_)
        dists = engine.to_numpy(dists)
        return dists.astype(np.float32) if dtype == np.float32 else dists, engine.to_numpy(indices)

    def _density(self, dists, indices):
        farthest = self._distances_fit_X_[indices, self.n_neighbors_ - 1]
        return 1.0 / (np.maximum(dists, farthest).mean(axis=1) + 1e-10)  # which duplicates alone would make 1 / 0

    def _negative_factor(self, density, indices):
        return -(self._lrd[indices] / density[:, None]).mean(axis=1)


def _signs(is_inlier, X):
    return _handed_back(np.where(is_inlier, 1, -1), X)


def _handed_back(result, X):
    return get_engine(X).hand_back(result, like=X)
