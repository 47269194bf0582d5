"""Regression by the nearest neighbours."""

from sklearn.base import RegressorMixin

from .._validation import StrOptions, fit_context
from ._base import BaseNeighbors
from ._search import KNeighborsMixin
from ._weights import neighbor_weights


class KNeighborsRegressor(KNeighborsMixin, RegressorMixin, BaseNeighbors):
    """Regression by the mean over the nearest training samples.

    Predicts sum_i w_i y_i / sum_i w_i over the k nearest samples. Use it for smooth functions of few features on one
    scale; it cannot leave the range of the training targets.

    Parameters
    ----------
    n_neighbors : int, default=5
    weights : {"uniform", "distance"}, callable or None, default="uniform"
        All neighbours count the same, or by the inverse of their distance (where some are at distance 0, those alone),
        or as ``weights(distances)`` says, from and to an array of shape (n_queries, n_neighbors).
    algorithm : {"auto", "ball_tree", "kd_tree", "brute"}, default="auto"
        How neighbours are found, see :class:`NearestNeighbors`; it changes the speed alone.
    leaf_size : int, default=30
        Leaves of the tree hold up to twice as many samples. Changes the speed alone.
    p : float, default=2
        Power of "minkowski".
    metric : str, callable or DistanceMetric, default="minkowski"
        See :class:`NearestNeighbors`.
    metric_params : dict, default=None
        Further arguments of the metric.
    n_jobs : int, default=None
        Threads; None is the ``n_threads`` setting.

    Attributes
    ----------
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
        If the metric and the algorithm do not go together, or there are fewer samples than neighbours.

    Notes
    -----
    Fitting keeps the data and grows a tree, see :class:`NearestNeighbors` for what the search takes.

    Examples
    --------
    >>> from ghostflow_learn.neighbors import KNeighborsRegressor
    >>> model = KNeighborsRegressor(n_neighbors=2).fit([[0.0], [1.0], [2.0], [3.0]], [0.0, 0.0, 1.0, 1.0])
    >>> model.predict([[1.5]])
    array([0.5])
    """

    _parameter_constraints: dict = {
        **BaseNeighbors._parameter_constraints,
        "weights": [StrOptions({"uniform", "distance"}), callable, None],
    }

    def __init__(
        self,
        n_neighbors=5,
        *,
        weights="uniform",
        algorithm="auto",
        leaf_size=30,
        p=2,
        metric="minkowski",
        metric_params=None,
        n_jobs=None,
    ):
        self.n_neighbors = n_neighbors
        self.weights = weights
        self.algorithm = algorithm
        self.leaf_size = leaf_size
        self.p = p
        self.metric = metric
        self.metric_params = metric_params
        self.n_jobs = n_jobs

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y):
        """Keep the training data.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features), KDTree or BallTree
            For ``metric="precomputed"`` distances, of shape (n_samples, n_samples).
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)

        Returns
        -------
        self : KNeighborsRegressor
        """
        X, self._y = self._check_search(X, y)
        self._fit_search(X)
        return self

    def predict(self, X):
        """The weighted mean of the targets of the neighbours.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_queries, n_features), or None
            See :meth:`kneighbors`; with None each training sample is predicted from the others.

        Returns
        -------
        y : array of shape (n_queries,) or (n_queries, n_outputs)
        """
        engine, dists, indices = self._nearest(X)
        weights = neighbor_weights(engine, dists, self.weights)
        targets = engine.asarray(self._y)[indices]
        if weights is None:
            return engine.hand_back(targets.mean(axis=1), like=X)
        total = weights.sum(axis=1)
        if targets.ndim == 3:
            weights, total = weights[:, :, None], total[:, None]
        return engine.hand_back((targets * weights).sum(axis=1) / total, like=X)
