"""K-means clustering."""

import warnings
from collections import namedtuple

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from .._engine import get_engine
from .._validation import StrOptions, check_weight, fit_context
from ._base import BaseKMeans, tolerance, weighted_sum
from ._init import check_init, initial_centers, rows

Run = namedtuple("Run", "labels inertia centers n_iter")


class KMeans(BaseKMeans):
    """K-means clustering.

    Finds centers c that minimise the inertia, sum_i w_i min_k ||x_i - c_k||^2, by alternating between labelling
    each sample with its nearest center and moving each center to the weighted mean of its samples. Use it for
    clusters that are round and of similar size; the result is a local minimum that depends on the start.

    Parameters
    ----------
    n_clusters : int, default=8
    init : {"k-means++", "random"}, callable or array-like of shape (n_clusters, n_features), default="k-means++"
        Samples far from each other (greedy k-means++), samples drawn by weight, ``init(X, n_clusters,
        random_state=rng)``, which gets dense data about their mean and returns centers about it, or centers.
    n_init : int or "auto", default="auto"
        Number of starts, the best of which is kept. "auto" is 10 for "random" or a callable, else 1.
    max_iter : int, default=300
        Iterations of one start at most.
    tol : float, default=1e-4
        A start has converged when the squared shifts of its centers add up to no more than this share of the mean
        variance of the features, or when no label changes.
    verbose : int, default=0
        Whether each iteration prints its inertia.
    random_state : int, RandomState instance or None, default=None
        Draws of the start. The same seed gives scikit-learn's start.
    copy_x : bool, default=True
        X is only read, neither copied nor changed, with either value.
    algorithm : {"lloyd", "elkan"}, default="lloyd"
        Both find the same clusters in the same way here: bounds on the distances, as in Elkan's algorithm, spare
        the samples whose label cannot change, with two numbers per sample instead of one per sample and cluster.

    Attributes
    ----------
    cluster_centers_ : ndarray of shape (n_clusters, n_features)
    labels_ : ndarray of shape (n_samples,)
        Nearest center of each training sample.
    inertia_ : float
        The objective, in squared units of X times weights.
    n_iter_ : int
        Iterations of the best start.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Defined when X has feature names that are all strings.

    Raises
    ------
    ValueError
        If there are fewer samples than clusters, or `init` has another shape.

    Notes
    -----
    An iteration costs O(n_samples n_clusters n_features) at first and, on a CPU, less as centers settle. A center
    that loses all its samples moves to the sample that is farthest from its own. Sums are kept in float64. Memory
    beyond X is about 30 bytes a sample. Sparse data are computed on the CPU.

    References
    ----------
    Arthur, Vassilvitskii: k-means++, the advantages of careful seeding, SODA 2007, doi:10.5555/1283383.1283494.
    Hamerly: Making k-means even faster, SDM 2010, doi:10.1137/1.9781611972801.12.

    Examples
    --------
    >>> import numpy as np
    >>> from ghostflow_learn.cluster import KMeans
    >>> X = np.array([[1, 2], [1, 4], [1, 0], [10, 2], [10, 4], [10, 0]])
    >>> kmeans = KMeans(n_clusters=2, random_state=0).fit(X)
    >>> kmeans.labels_
    array([1, 1, 1, 0, 0, 0], dtype=int32)
    >>> kmeans.predict([[0, 0], [12, 3]])
    array([1, 0], dtype=int32)
    >>> kmeans.cluster_centers_
    array([[10.,  2.],
           [ 1.,  2.]])
    """

    _parameter_constraints: dict = {
        **BaseKMeans._parameter_constraints,
        "copy_x": ["boolean"],
        "algorithm": [StrOptions({"lloyd", "elkan"})],
    }

    def __init__(
        self,
        n_clusters=8,
        *,
        init="k-means++",
        n_init="auto",
        max_iter=300,
        tol=1e-4,
        verbose=0,
        random_state=None,
        copy_x=True,
        algorithm="lloyd",
    ):
        self.n_clusters = n_clusters
        self.init = init
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.verbose = verbose
        self.random_state = random_state
        self.copy_x = copy_x
        self.algorithm = algorithm

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, sample_weight=None):
        """Find the clusters of X.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Sparse data in another format than CSR are converted.
        y : ignored
        sample_weight : array-like of shape (n_samples,), default=None
            A weight of 2 is a sample that is there twice. Not used by an `init` that is a callable or an array.

        Returns
        -------
        self : KMeans
        """
        X = self._check_fit(X, default_n_init=10)
        self._warn_of_elkan()
        rng = check_random_state(self.random_state)
        sample_weight = check_weight(sample_weight, X)
        init = check_init(self.init, X, self.n_clusters)

        engine = get_engine(X)
        X, sample_weight = engine.asarray(X), engine.asarray(sample_weight)
        best = self._best_run(engine, X, sample_weight, init, rng)

        self.cluster_centers_ = engine.to_numpy(best.centers)
        self._n_features_out = self.n_clusters
        self.labels_ = engine.to_numpy(best.labels)
        self.inertia_ = best.inertia
        self.n_iter_ = best.n_iter
        self._warn_of_duplicates()
        return self

    def _best_run(self, engine, X, sample_weight, init, rng):
        tol = tolerance(engine, X, self.tol)
        best = None
        for _ in range(self._n_init):
            centers = initial_centers(engine, X, sample_weight, init, self.n_clusters, rng)
            self._say("Initialization complete")
            run = _lloyd(engine, X, sample_weight, centers, self.max_iter, tol, self._report(engine, X, sample_weight))
            # Rounding alone may make one of two equal clusterings the better one.
            if best is None or (run.inertia < best.inertia and not _same_clustering(engine, run, best)):
                best = run
        return best

    def _report(self, engine, X, sample_weight):
        """None, or what is called with the centers and labels of each iteration."""
        end = "" if self.algorithm == "elkan" and self.n_clusters > 1 else "."

        def report(i, centers, labels):
            self._say(f"Iteration {i}, inertia {_inertia(engine, X, sample_weight, centers, labels)}{end}")

        return report if self.verbose else None

    def _warn_of_elkan(self):
        if self.algorithm == "elkan" and self.n_clusters == 1:
            warnings.warn(
                "algorithm='elkan' doesn't make sense for a single cluster. Using 'lloyd' instead.",
                RuntimeWarning,
                stacklevel=5,
            )

    def _warn_of_duplicates(self):
        n_distinct = np.count_nonzero(np.bincount(self.labels_))
        if n_distinct < self.n_clusters:
            warnings.warn(
                f"Number of distinct clusters ({n_distinct}) found smaller than n_clusters ({self.n_clusters}). "
                "Possibly due to duplicate points in X.",
                ConvergenceWarning,
                stacklevel=5,
            )


def _lloyd(engine, X, sample_weight, centers, max_iter, tol, report):
    """One run from `centers`; `tol` bounds the sum of squared shifts, `report` is called in each iteration if given."""
    found = None
    for i in range(max_iter):
        found = engine.kmeans.regroup(X, sample_weight, centers, found)
        if report:
            report(i, centers, found.labels)
        moved = _means(engine.xp, found.sums, found.weight, centers.dtype)
        n_changed, n_empty, shift = _signals(engine, found, centers, moved)
        if n_empty:
            moved = _relocate(engine, X, sample_weight, centers, found)
            shift = float(((moved - centers) ** 2).sum())
        centers = moved
        if n_changed == 0:
            _say_converged(report, i, "strict convergence")
            break
        if shift <= tol:
            _say_converged(report, i, f"center shift {shift} within tolerance {tol}")
            break
    labels = found.labels if n_changed == 0 else engine.kmeans.regroup(X, sample_weight, centers, found).labels
    return Run(labels, _inertia(engine, X, sample_weight, centers, labels), centers, i + 1)


def _say_converged(report, i, why):
    if report:
        print(f"Converged at iteration {i}: {why}.")


def _inertia(engine, X, sample_weight, centers, labels):
    return weighted_sum(engine, sample_weight, engine.kmeans.sq_dists(X, centers, labels))


def _means(xp, sums, weight, dtype):
    """Weighted means of clusters; one without samples moves to that of largest weight."""
    filled = (weight > 0)[:, None]
    means = sums / xp.where(filled, weight[:, None], 1)
    return xp.where(filled, means, means[weight.argmax()]).astype(dtype)


def _signals(engine, found, centers, moved):
    """What decides how to go on, on the host, for one wait: labels that changed, empty clusters, squared shift."""
    xp = engine.xp
    shift = xp.square(moved - centers, dtype=xp.float64).sum()
    n_empty = (found.weight == 0).sum()
    if xp is np:
        return found.n_changed, n_empty, float(shift)
    return engine.to_numpy(xp.stack([xp.asarray(v, dtype=xp.float64) for v in (found.n_changed, n_empty, shift)]))


def _relocate(engine, X, sample_weight, centers, found):
    """Means after each empty cluster took the sample that is farthest from its center out of that one's cluster."""
    sums, weight = engine.to_numpy(found.sums).copy(), engine.to_numpy(found.weight).copy()
    sq_dists = engine.to_numpy(engine.kmeans.sq_dists(X, centers, found.labels))
    empty = np.flatnonzero(weight == 0)
    if sq_dists.max() > 0:  # else there are fewer distinct samples than clusters, and it would be pointless
        farthest = np.argpartition(sq_dists, -len(empty))[: -len(empty) - 1 : -1]
        old = engine.to_numpy(found.labels[farthest])
        moved_weight = engine.to_numpy(sample_weight[farthest]).astype(np.float64)
        moved = engine.to_numpy(rows(X, farthest)) * moved_weight[:, None]
        for new, left, row, w in zip(empty, old, moved, moved_weight):
            sums[left] -= row
            weight[left] -= w
            sums[new], weight[new] = row, w
    return engine.asarray(_means(np, sums, weight, centers.dtype))


def _same_clustering(engine, one, other):
    """Whether two runs agree but for the numbers of their clusters."""
    ours, theirs = engine.to_numpy(one.labels), engine.to_numpy(other.labels)
    names = np.zeros(len(one.centers), dtype=theirs.dtype)
    names[ours] = theirs
    return bool((names[ours] == theirs).all())
