"""Mini-batch k-means clustering."""

import warnings
from numbers import Integral, Real

import numpy as np
from sklearn.utils import check_random_state

from .._engine import get_engine
from .._validation import Interval, check_weight, fit_context
from ._base import BaseKMeans, tolerance, weighted_sum
from ._init import check_init, initial_centers, rows


class MiniBatchKMeans(BaseKMeans):
    """K-means clustering from small random batches.

    Each step labels a batch and moves every center to the mean of all samples that were ever labelled with it. The
    inertia ends a little above that of :class:`KMeans`, after a small share of its work: use it for very many
    samples, or, with `partial_fit`, for samples that come in pieces.

    Parameters
    ----------
    n_clusters : int, default=8
    init : {"k-means++", "random"}, callable or array-like of shape (n_clusters, n_features), default="k-means++"
        As in :class:`KMeans`, on `init_size` samples.
    max_iter : int, default=100
        Times that as many samples as there are in X are drawn, at most.
    batch_size : int, default=1024
    verbose : int, default=0
        Whether each step prints its inertia.
    compute_labels : bool, default=True
        Whether all of X is labelled at the end.
    random_state : int, RandomState instance or None, default=None
        Draws of the start, the batches and the reassignments; scikit-learn's for the same seed.
    tol : float, default=0.0
        Stop when the squared shifts of the centers in a step add up to no more than this share of the mean
        variance of the features; 0 does not stop for that.
    max_no_improvement : int or None, default=10
        Stop after so many steps without a new minimum of the smoothed inertia; None does not stop for that.
    init_size : int or None, default=None
        Samples to start from. None is three batches, and at least three for each cluster if that is more.
    n_init : int or "auto", default="auto"
        Number of starts; the one with the smallest inertia on `init_size` samples is run. "auto" is 3 for "random"
        or a callable, else 1.
    reassignment_ratio : float, default=0.01
        A center that has seen less than this share of the samples of the largest one jumps to a random sample.

    Attributes
    ----------
    cluster_centers_ : ndarray of shape (n_clusters, n_features)
    labels_ : ndarray of shape (n_samples,)
        Nearest center of each training sample, if `compute_labels`.
    inertia_ : float
        The objective of :class:`KMeans`; without `compute_labels` estimated from the batches.
    n_iter_ : int
        Times that as many samples as there are in X were drawn, rounded up.
    n_steps_ : int
        Batches.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Defined when X has feature names that are all strings.

    Raises
    ------
    ValueError
        If there are fewer samples than clusters, or `init` has another shape.

    Notes
    -----
    A batch costs `batch_size` times `n_clusters` distances, however many samples there are. On a GPU, batches are drawn
    on the host.

    References
    ----------
    Sculley: Web-scale k-means clustering, WWW 2010, doi:10.1145/1772690.1772862.

    Examples
    --------
    >>> import numpy as np
    >>> from ghostflow_learn.cluster import MiniBatchKMeans
    >>> X = np.array([[1, 2], [1, 4], [1, 0], [4, 2], [4, 0], [4, 4],
    ...               [4, 5], [0, 1], [2, 2], [3, 2], [5, 5], [1, -1]])
    >>> kmeans = MiniBatchKMeans(n_clusters=2, random_state=0, batch_size=6, max_iter=10).fit(X)
    >>> kmeans.cluster_centers_.round(3)
    array([[3.21 , 3.565],
           [1.328, 0.776]])
    >>> kmeans.predict([[0, 0], [4, 4]])
    array([1, 0], dtype=int32)
    """

    _parameter_constraints: dict = {
        **BaseKMeans._parameter_constraints,
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "compute_labels": ["boolean"],
        "max_no_improvement": [Interval(Integral, 0, None, closed="left"), None],
        "init_size": [Interval(Integral, 1, None, closed="left"), None],
        "reassignment_ratio": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        n_clusters=8,
        *,
        init="k-means++",
        max_iter=100,
        batch_size=1024,
        verbose=0,
        compute_labels=True,
        random_state=None,
        tol=0.0,
        max_no_improvement=10,
        init_size=None,
        n_init="auto",
        reassignment_ratio=0.01,
    ):
        self.n_clusters = n_clusters
        self.init = init
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.verbose = verbose
        self.compute_labels = compute_labels
        self.random_state = random_state
        self.tol = tol
        self.max_no_improvement = max_no_improvement
        self.init_size = init_size
        self.n_init = n_init
        self.reassignment_ratio = reassignment_ratio

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, sample_weight=None):
        """Find the clusters of X from random batches of it.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : ignored
        sample_weight : array-like of shape (n_samples,), default=None
            Batches are drawn with a probability proportional to them.

        Returns
        -------
        self : MiniBatchKMeans
        """
        X = self._check_fit(X, default_n_init=3)
        self._set_sizes(X.shape[0])
        rng = check_random_state(self.random_state)
        sample_weight = check_weight(sample_weight, X)
        init = check_init(self.init, X, self.n_clusters)

        engine = get_engine(X)
        X, sample_weight = engine.asarray(X), engine.asarray(sample_weight)
        tol = tolerance(engine, X, self.tol)
        centers = self._best_start(engine, X, sample_weight, init, rng)
        centers, smoothed, self.n_steps_ = self._run(engine, X, sample_weight, centers, rng, tol)

        self.n_iter_ = int(np.ceil(self.n_steps_ * self._batch_size / X.shape[0]))
        self._finish(engine, X, sample_weight, centers)
        if not self.compute_labels:
            self.inertia_ = smoothed * float(engine.to_numpy(sample_weight).sum())
        return self

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None, sample_weight=None):
        """Move the centers towards the samples of one batch.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The first batch must have at least as many samples as there are clusters.
        y : ignored
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        self : MiniBatchKMeans
        """
        first = not hasattr(self, "cluster_centers_")
        X = self._check_batch(X, first)
        self._random_state = getattr(self, "_random_state", check_random_state(self.random_state))
        sample_weight = check_weight(sample_weight, X)
        engine = get_engine(X)
        X, sample_weight = engine.asarray(X), engine.asarray(sample_weight)
        if first:
            init = check_init(self.init, X, self.n_clusters)
            centers = self._start(engine, X, sample_weight, init, self._random_state)
            self._counts, self._n_since_last_reassign, self.n_steps_ = np.zeros(self.n_clusters), 0, 0
        else:
            centers = engine.asarray(self.cluster_centers_.astype(X.dtype, copy=False))
        centers, _ = self._step(engine, X, sample_weight, centers, self._random_state)
        self.n_steps_ += 1
        self._finish(engine, X, sample_weight, centers)
        return self

    def _check_batch(self, X, first):
        if not first:
            return self._check_predict_input(X)
        X = self._check_fit(X, default_n_init=3)
        self._set_sizes(X.shape[0])
        return X

    def _set_sizes(self, n_samples):
        self._batch_size = min(self.batch_size, n_samples)
        size = self.init_size
        if size is None:
            size = 3 * self._batch_size if 3 * self._batch_size >= self.n_clusters else 3 * self.n_clusters
        elif size < self.n_clusters:
            warnings.warn(
                f"init_size={size} should be larger than n_clusters={self.n_clusters}. Setting it to "
                "min(3*n_clusters, n_samples)",
                RuntimeWarning,
                stacklevel=5,
            )
            size = 3 * self.n_clusters
        self._init_size = min(size, n_samples)

    def _start(self, engine, X, sample_weight, init, rng):
        if self._init_size < X.shape[0]:
            drawn = rng.randint(0, X.shape[0], self._init_size)
            X, sample_weight = X[drawn], sample_weight[drawn]
        return initial_centers(engine, X, sample_weight, init, self.n_clusters, rng)

    def _best_start(self, engine, X, sample_weight, init, rng):
        drawn = rng.randint(0, X.shape[0], self._init_size)
        X_valid, weight_valid = X[drawn], sample_weight[drawn]
        best, least = None, np.inf
        for i in range(self._n_init):
            self._say(f"Init {i + 1}/{self._n_init} with method {init}")
            centers = self._start(engine, X, sample_weight, init, rng)
            inertia = weighted_sum(engine, weight_valid, engine.kmeans.assign(X_valid, centers)[1])
            self._say(f"Inertia for init {i + 1}/{self._n_init}: {inertia}")
            if best is None or inertia < least:
                best, least = centers, inertia
        return best

    def _run(self, engine, X, sample_weight, centers, rng, tol):
        """Steps until convergence; (centers, smoothed inertia of a sample, number of steps)."""
        self._counts, self._n_since_last_reassign = np.zeros(self.n_clusters), 0
        n_samples, draw = X.shape[0], _sampler(engine.to_numpy(sample_weight), rng)
        n_steps = (self.max_iter * n_samples) // self._batch_size
        unit = engine.xp.ones(self._batch_size, dtype=X.dtype)
        progress = _Progress(self._batch_size, n_samples, n_steps, tol, self.max_no_improvement, self._say)
        for step in range(n_steps):
            moved, inertia = self._step(engine, X[draw(self._batch_size)], unit, centers, rng)
            shift = float(engine.xp.square(moved - centers).sum()) if tol > 0 else 0
            centers = moved
            if progress.converged(step, shift, inertia):
                break
        return centers, progress.smoothed, step + 1

    def _step(self, engine, X, sample_weight, centers, rng):
        """(moved centers, inertia of the batch before)"""
        labels, sq_dists = engine.kmeans.assign(X, centers)
        inertia = weighted_sum(engine, sample_weight, sq_dists)
        sums, weight = engine.kmeans.update(X, sample_weight, labels, len(centers))
        moved, counts = engine.to_numpy(centers).astype(np.float64), self._counts
        sums, weight = engine.to_numpy(sums), np.maximum(engine.to_numpy(weight), 0)
        total = moved * counts[:, None] + sums
        np.divide(total, (counts + weight)[:, None], out=moved, where=(weight > 0)[:, None])
        counts += weight
        if self._is_time_to_reassign():
            self._reassign(engine, X, moved, rng)
        return engine.asarray(moved.astype(X.dtype)), inertia

    def _is_time_to_reassign(self):
        self._n_since_last_reassign += self._batch_size
        if self._n_since_last_reassign >= 10 * self.n_clusters or (self._counts == 0).any():
            self._n_since_last_reassign = 0
            return self.reassignment_ratio > 0
        return False

    def _reassign(self, engine, X, centers, rng):
        """Move, in place, centers that have seen too few samples to random samples of the batch."""
        counts, most = self._counts, int(0.5 * X.shape[0])
        poor = counts < self.reassignment_ratio * counts.max()
        if not poor.any():
            return
        if poor.sum() > 0.5 * X.shape[0]:
            poor[np.argsort(counts)[most:]] = False
        if poor.any():
            drawn = rng.choice(X.shape[0], replace=False, size=poor.sum())
            self._say(f"[MiniBatchKMeans] Reassigning {poor.sum()} cluster centers.")
            centers[poor] = engine.to_numpy(rows(X, drawn))
        counts[poor] = counts[~poor].min()  # not so few that they would jump again at once

    def _finish(self, engine, X, sample_weight, centers):
        self.cluster_centers_ = engine.to_numpy(centers)
        self._n_features_out = self.n_clusters
        if self.compute_labels:
            labels, sq_dists = engine.kmeans.assign(X, centers)
            self.labels_ = engine.to_numpy(labels)
            self.inertia_ = weighted_sum(engine, sample_weight, sq_dists)


class _Progress:
    """Whether to stop: an exponentially weighted average of the batches' inertia, and the shift of the centers."""

    def __init__(self, batch_size, n_samples, n_steps, tol, patience, say):
        self.batch_size = batch_size
        self.decay = min(1, batch_size * 2.0 / (n_samples + 1))
        self.n_steps = n_steps
        self.tol = tol
        self.patience = patience
        self.say = say
        self.smoothed = None
        self.least = np.inf
        self.n_worse = 0

    def converged(self, step, shift, inertia):
        inertia, where = inertia / self.batch_size, f"step {step + 1}/{self.n_steps}"
        if step == 0:  # the inertia of the start
            self.say(f"Minibatch {where}: mean batch inertia: {inertia}")
            return False
        before = inertia if self.smoothed is None else self.smoothed
        self.smoothed = before * (1 - self.decay) + inertia * self.decay
        self.say(f"Minibatch {where}: mean batch inertia: {inertia}, ewa inertia: {self.smoothed}")
        if self.tol > 0 and shift <= self.tol:
            self.say(f"Converged (small centers change) at {where}")
            return True
        self.n_worse = 0 if self.smoothed < self.least else self.n_worse + 1
        self.least = min(self.least, self.smoothed)
        if self.patience is not None and self.n_worse >= self.patience:
            self.say(f"Converged (lack of improvement in inertia) at {where}")
            return True
        return False


def _sampler(weight, rng):
    """`draw(size)`, which draws what ``rng.choice(len(weight), size, p=weight / weight.sum())`` does."""
    p = (weight / weight.sum()).astype(np.float64)
    if (p < 0).any():
        raise ValueError("sample_weight must not be negative: batches are drawn in proportion to it.")
    cumulative = p.cumsum()
    cumulative /= cumulative[-1]
    return lambda size: cumulative.searchsorted(rng.random_sample(size), side="right")
