"""The steps of k-means. Where X may be sparse it is a SciPy CSR matrix or array with 32-bit indices, on the host."""

import numpy as np
from scipy.sparse import issparse

from .._clusters import Clusters
from ._limits import refuse_large


def mean_variance(X):
    """Variance of each feature, averaged over the features.

    Parameters
    ----------
    X : (n_samples, n_features) float32 or float64, dense

    Returns
    -------
    mean_variance : float
    """
    return float(X.var(axis=0, dtype=np.float64).mean())


def seed(X, sample_weight, first, draws):
    """Choose samples to start from, each far from the ones before: greedy k-means++.

    Each further sample is the best of a few trials: drawn with a probability proportional to its weight times its
    squared distance to the nearest sample chosen so far, the one that leaves the smallest sum of those wins.

    Parameters
    ----------
    X : (n_samples, n_features) float32 or float64; may be sparse
    sample_weight : (n_samples,), dtype of X
    first : int
        The first sample.
    draws : (n_clusters - 1, n_trials) float64
        Uniform in [0, 1), one row per further sample.

    Returns
    -------
    chosen : (n_clusters,) int64
    """
    X, weight = _dense(X).astype(np.float64), sample_weight.astype(np.float64)
    chosen = [int(first)]
    closest = ((X - X[first]) ** 2).sum(axis=1)
    for draw in draws:
        cumulative = np.cumsum(weight * closest)
        trials = np.searchsorted(cumulative, draw * cumulative[-1]).clip(max=len(X) - 1)
        trial_closest = np.minimum(closest, ((X - X[trials][:, None]) ** 2).sum(axis=2))
        best = (trial_closest @ weight).argmin()
        closest = trial_closest[best]
        chosen.append(int(trials[best]))
    return np.array(chosen, dtype=np.int64)


def assign(X, centers):
    """Label each sample with its nearest center.

    Parameters
    ----------
    X : (n_samples, n_features) float32 or float64; may be sparse
    centers : (n_clusters, n_features), dtype of X

    Returns
    -------
    labels : (n_samples,) int32
        The lowest index wins ties.
    sq_dists : (n_samples,), dtype of X
        Squared distance to that center, in squared units of X.
    """
    X = _dense(X)
    refuse_large(*X.shape, len(centers), itemsize=X.itemsize)
    sq_dists = ((X[:, None, :] - centers[None, :, :]) ** 2).sum(axis=2)
    return sq_dists.argmin(axis=1).astype(np.int32), sq_dists.min(axis=1)


def update(X, sample_weight, labels, n_clusters):
    """Weighted sum of the samples of each cluster.

    Parameters
    ----------
    X : (n_samples, n_features) float32 or float64; may be sparse
    sample_weight : (n_samples,), dtype of X
    labels : (n_samples,) int32
    n_clusters : int

    Returns
    -------
    sums : (n_clusters, n_features) float64
    weight : (n_clusters,) float64
        Sum of the sample weights of each cluster.
    """
    member = (labels[:, None] == np.arange(n_clusters)) * sample_weight[:, None].astype(np.float64)
    return member.T @ _dense(X).astype(np.float64), member.sum(axis=0)


def regroup(X, sample_weight, centers, previous=None):
    """`assign` and `update` in one; an engine may skip samples whose label cannot have changed since `previous`.

    Parameters
    ----------
    X : (n_samples, n_features) float32 or float64; may be sparse
    sample_weight : (n_samples,), dtype of X
    centers : (n_clusters, n_features), dtype of X
    previous : Clusters, optional
        What the last call returned for the same X and weights, and for centers of the same shape. It is used up.

    Returns
    -------
    clusters : Clusters
        labels : (n_samples,) int32
        sums : (n_clusters, n_features) float64
        weight : (n_clusters,) float64
        n_changed : int, or an array of no dimensions
            Samples whose label is not the previous one.
        state
            The engine's own.
    """
    labels, _ = assign(X, centers)
    n_changed = len(labels) if previous is None else int((labels != previous.labels).sum())
    return Clusters(labels, *update(X, sample_weight, labels, len(centers)), n_changed, None)


def sq_dists(X, centers, labels):
    """Squared distance of each sample to the center of its cluster.

    Parameters
    ----------
    X : (n_samples, n_features) float32 or float64; may be sparse
    centers : (n_clusters, n_features), dtype of X
    labels : (n_samples,) int32

    Returns
    -------
    sq_dists : (n_samples,) float64
    """
    return ((_dense(X).astype(np.float64) - centers[labels]) ** 2).sum(axis=1)


def distances(X, centers):
    """Distance of each sample to each center.

    Parameters
    ----------
    X : (n_samples, n_features) float32 or float64; may be sparse
    centers : (n_clusters, n_features), dtype of X

    Returns
    -------
    distances : (n_samples, n_clusters), dtype of X
    """
    X = _dense(X)
    refuse_large(*X.shape, len(centers), itemsize=X.itemsize)
    return np.sqrt(((X[:, None, :] - centers[None, :, :]) ** 2).sum(axis=2))


def _dense(X):
    return X.toarray() if issparse(X) else X
