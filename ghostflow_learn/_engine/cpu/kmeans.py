import numpy as np

from ._jit import kernel
from ._launch import launch, launch_reduce


def assign(X, centers):
    labels = np.empty(len(X), dtype=np.int32)
    sq_dists = np.empty(len(X), dtype=X.dtype)
    launch(_assign, len(X), (X, centers.T.copy(), labels, sq_dists), row_cost=X.shape[1] * len(centers))
    return labels, sq_dists


def update(X, sample_weight, labels, n_clusters):
    partials = [((n_clusters, X.shape[1]), np.float64), ((n_clusters,), np.float64)]
    return tuple(launch_reduce(_accumulate, len(X), (X, sample_weight, labels), partials, row_cost=X.shape[1]))


@kernel
def _assign(X, centers_t, labels, sq_dists, start, stop):
    # One sample against all centers: the inner loop runs along centers, so it vectorises.
    n_features, n_clusters = centers_t.shape
    sq = np.empty(n_clusters, dtype=X.dtype)
    for i in range(start, stop):
        sq[:] = 0
        for j in range(n_features):
            x = X[i, j]
            for k in range(n_clusters):
                diff = x - centers_t[j, k]
                sq[k] += diff * diff
        best = 0
        for k in range(1, n_clusters):
            if sq[k] < sq[best]:
                best = k
        labels[i] = best
        sq_dists[i] = sq[best]


@kernel
def _accumulate(X, sample_weight, labels, sums, weight, start, stop):
    for i in range(start, stop):
        k = labels[i]
        for j in range(X.shape[1]):
            sums[k, j] += np.float64(sample_weight[i]) * X[i, j]
        weight[k] += sample_weight[i]
