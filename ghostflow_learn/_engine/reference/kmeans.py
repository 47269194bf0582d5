import numpy as np

from ._limits import refuse_large


def assign(X, centers):
    """Label each sample with its nearest center.

    Parameters
    ----------
    X : (n_samples, n_features) float32 or float64
    centers : (n_clusters, n_features), dtype of X

    Returns
    -------
    labels : (n_samples,) int32
        The lowest index wins ties.
    sq_dists : (n_samples,), dtype of X
        Squared distance to that center, in squared units of X.
    """
    refuse_large(*X.shape, len(centers), itemsize=X.itemsize)
    sq_dists = ((X[:, None, :] - centers[None, :, :]) ** 2).sum(axis=2)
    return sq_dists.argmin(axis=1).astype(np.int32), sq_dists.min(axis=1)


def update(X, sample_weight, labels, n_clusters):
    """Weighted sum of the samples of each cluster.

    Parameters
    ----------
    X : (n_samples, n_features) float32 or float64
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
    return member.T @ X.astype(np.float64), member.sum(axis=0)
