import cupy as cp

from ._launch import launch

SAMPLES_PER_BLOCK = 128  # of assign
ROWS_PER_PARTIAL = 64  # at least, so that adding the partials stays cheap
PARTIAL_BYTES = 2**26  # all partials of an update together


def assign(X, centers):
    labels = cp.empty(len(X), dtype=cp.int32)
    sq_dists = cp.empty(len(X), dtype=X.dtype)
    args = (X, centers, labels, sq_dists, *X.shape, len(centers))
    launch("kmeans", "assign", len(X), args, block=SAMPLES_PER_BLOCK)
    return labels, sq_dists


def update(X, sample_weight, labels, n_clusters):
    n_samples, n_features = X.shape
    n_sums = n_clusters * (n_features + 1)
    n_partials = max(1, min(4096, n_samples // ROWS_PER_PARTIAL, PARTIAL_BYTES // (8 * n_sums)))
    partials = cp.zeros((n_partials, n_clusters, n_features + 1))
    args = (X, sample_weight, labels, partials, n_samples, n_features, n_clusters, n_partials)
    launch("kmeans", "accumulate", n_samples, args, block=(32, 8), grid=-(-n_partials // 8))
    sums = cp.empty((n_clusters, n_features + 1))
    launch("kmeans", "add_partials", n_sums, (partials, sums, n_partials, n_sums))
    return cp.ascontiguousarray(sums[:, :-1]), cp.ascontiguousarray(sums[:, -1])
