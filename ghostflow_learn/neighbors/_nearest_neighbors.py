"""Nearest neighbours of samples."""

from numbers import Real

from .._validation import Interval, fit_context
from ._base import BaseNeighbors
from ._search import KNeighborsMixin, RadiusNeighborsMixin


class NearestNeighbors(KNeighborsMixin, RadiusNeighborsMixin, BaseNeighbors):
    """The nearest training samples of queries, and those within a radius.

    Finds, for a query q, the k samples with the smallest distances d(q, x_i), exactly. Use it for look-ups, for
    graphs of neighbours, and where an algorithm of your own stands on distances.

    Parameters
    ----------
    n_neighbors : int, default=5
        Neighbours that :meth:`kneighbors` looks for.
    radius : float, default=1.0
        Radius of :meth:`radius_neighbors`, in the units of the metric.
    algorithm : {"auto", "ball_tree", "kd_tree", "brute"}, default="auto"
        "brute" compares a query with all samples; "kd_tree" and "ball_tree" search a kd-tree, or scikit-learn's trees
        for metrics without kernels. All find the same neighbours. "auto" takes a tree for up to 15 features.
    leaf_size : int, default=30
        Leaves of the tree hold up to twice as many samples. Changes the speed alone.
    metric : str, callable or DistanceMetric, default="minkowski"
        Any of scikit-learn's. "euclidean", "manhattan", "chebyshev", and "minkowski" with p of 1, 2 or infinity, of
        dense data have kernels; others are computed by scikit-learn's code. A callable gets two samples.
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
        If the metric and the algorithm do not go together, or a precomputed matrix is not square.

    Notes
    -----
    Without a tree, Euclidean distances are screened by matrix products in float32, and all that might be among the
    nearest are computed in float64 from differences, so that no digit is lost: the error of the products is bounded.
    That takes O(n_queries n_samples n_features), and a tree far less for few features. Of samples at the same
    distance the first in the data come first, with every algorithm; results are the same bit for bit at any number
    of threads. On a GPU "auto" always compares with all samples. :meth:`radius_neighbors` is computed by
    scikit-learn's code.

    References
    ----------
    Friedman, Bentley, Finkel: An algorithm for finding best matches in logarithmic expected time, TOMS 1977,
    doi:10.1145/355744.355745.

    Examples
    --------
    >>> from ghostflow_learn.neighbors import NearestNeighbors
    >>> neighbors = NearestNeighbors(n_neighbors=2).fit([[0.0, 0.0], [1.0, 0.0], [4.0, 3.0]])
    >>> neighbors.kneighbors([[0.0, 0.0]])
    (array([[0., 1.]]), array([[0, 1]]))
    >>> neighbors.radius_neighbors([[4.0, 4.0]], radius=2, return_distance=False)[0]
    array([2])
    """

    _parameter_constraints: dict = {
        **BaseNeighbors._parameter_constraints,
        "radius": [Interval(Real, 0, None, closed="both"), None],
    }

    def __init__(
        self,
        *,
        n_neighbors=5,
        radius=1.0,
        algorithm="auto",
        leaf_size=30,
        metric="minkowski",
        p=2,
        metric_params=None,
        n_jobs=None,
    ):
        self.n_neighbors = n_neighbors
        self.radius = radius
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
        self : NearestNeighbors
        """
        self._fit_search(self._check_search(X))
        return self
