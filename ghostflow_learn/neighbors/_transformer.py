"""Samples as rows of a graph of neighbours."""

from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin

from .._validation import StrOptions, check_is_fitted, fit_context
from ._base import BaseNeighbors
from ._search import KNeighborsMixin


class KNeighborsTransformer(ClassNamePrefixFeaturesOutMixin, KNeighborsMixin, TransformerMixin, BaseNeighbors):
    """The graph of nearest neighbours, as a step before an estimator that takes one.

    Row i of the result holds the distances from sample i to its k nearest training samples, or ones, and nothing
    else. Use it in front of estimators with ``metric="precomputed"``, so that a search over their parameters finds
    neighbours once.

    Parameters
    ----------
    mode : {"distance", "connectivity"}, default="distance"
        Edges are distances, to one neighbour more as a training sample is its own first; or ones.
    n_neighbors : int, default=5
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
    See :class:`NearestNeighbors` for what the search takes. The graph lives in host memory.

    Examples
    --------
    >>> from ghostflow_learn.neighbors import KNeighborsTransformer
    >>> KNeighborsTransformer(n_neighbors=1).fit_transform([[0.0], [1.0], [3.0]]).toarray()
    array([[0., 1., 0.],
           [1., 0., 0.],
           [0., 2., 0.]])
    """

    _parameter_constraints: dict = {
        **BaseNeighbors._parameter_constraints,
        "mode": [StrOptions({"distance", "connectivity"})],
    }

    def __init__(
        self,
        *,
        mode="distance",
        n_neighbors=5,
        algorithm="auto",
        leaf_size=30,
        metric="minkowski",
        p=2,
        metric_params=None,
        n_jobs=None,
    ):
        self.mode = mode
        self.n_neighbors = n_neighbors
        self.algorithm = algorithm
        self.leaf_size = leaf_size
        self.metric = metric
        self.p = p
        self.metric_params = metric_params
        self.n_jobs = n_jobs

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None):
        """Keep the training data.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features), KDTree or BallTree
            For ``metric="precomputed"`` distances, of shape (n_samples, n_samples).
        y : ignored

        Returns
        -------
        self : KNeighborsTransformer
        """
        self._fit_search(self._check_search(X))
        self._n_features_out = self.n_samples_fit_
        return self

    def transform(self, X):
        """The graph from the samples of X to their nearest training samples.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_queries, n_features)
            For ``metric="precomputed"`` distances, of shape (n_queries, n_samples_fit).

        Returns
        -------
        graph : sparse matrix of shape (n_queries, n_samples_fit), CSR
        """
        check_is_fitted(self)
        return self.kneighbors_graph(X, self.n_neighbors + (self.mode == "distance"), self.mode)

    def fit_transform(self, X, y=None):
        """Keep the training data and make their graph.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : ignored

        Returns
        -------
        graph : sparse matrix of shape (n_samples, n_samples), CSR
        """
        return self.fit(X).transform(X)
