"""The kernels of k-means for sparse rows: a sample costs what its non-zeros cost."""

from collections import namedtuple

import numpy as np

from ._jit import kernel
from ._kmeans_bounds import TILE, Nearest, pending, settle

Csr = namedtuple("Csr", "data indices indptr")

# scaled_t : (n_features, n_clusters)  -2 center, transposed: the inner loop runs along centers, so it vectorises
# norms    : (n_clusters,)             squared norms of the centers
# largest  : float                     of the norms
# noise    : float                     see _kmeans_bounds.noise
Centers = namedtuple("Centers", "scaled_t norms largest noise")


@kernel
def _nearest_two(X, rows, centers, scores, nearest):
    for r in range(len(rows)):
        scores[:] = centers.norms
        sq_norm = 0.0
        for e in range(X.indptr[rows[r]], X.indptr[rows[r] + 1]):
            x, toward = X.data[e], centers.scaled_t[X.indices[e]]
            sq_norm += x * x
            for k in range(len(scores)):
                scores[k] += x * toward[k]
        first, second, label = scores[0], np.inf, 0
        for k in range(1, len(scores)):
            if scores[k] < first:
                first, second, label = scores[k], first, k
            elif scores[k] < second:
                second = scores[k]
        nearest.first[r], nearest.second[r], nearest.label[r], nearest.sq_norm[r] = first, second, label, sq_norm


@kernel
def regroup(X, sample_weight, centers, prepared, known, labels, totals, counts, start, stop):
    n_clusters = len(centers)
    scores, best = np.empty(n_clusters, dtype=X.data.dtype), np.empty((4, TILE), dtype=X.data.dtype)
    nearest = Nearest(best[0], best[1], best[2], best[3])
    rows, left = np.empty(TILE, dtype=np.int64), np.empty(TILE, dtype=np.int64)
    while start < stop:
        n_rows, start = pending(labels, known, rows, start, stop)
        _nearest_two(X, rows[:n_rows], prepared, scores, nearest)
        settle(nearest, prepared.largest, prepared.noise, rows[:n_rows], labels, known, left)
        counts[1] += n_rows
        for r in range(n_rows):
            i = rows[r]
            if left[r] != labels[i]:
                counts[0] += 1
                _add(X, i, np.float64(sample_weight[i]), 1, totals[labels[i]])
                if left[r] >= 0:
                    _add(X, i, -np.float64(sample_weight[i]), -1, totals[left[r]])


@kernel
def _add(X, i, weight, count, total):
    for e in range(X.indptr[i], X.indptr[i + 1]):
        total[X.indices[e]] += weight * X.data[e]
    total[-2] += weight
    total[-1] += count if weight != 0 else 0


@kernel
def label(X, centers, prepared, labels, sq_dists, start, stop):
    scores, best = np.empty(len(centers), dtype=X.data.dtype), np.empty((4, TILE), dtype=X.data.dtype)
    nearest = Nearest(best[0], best[1], best[2], best[3])
    for first in range(start, stop, TILE):
        rows = np.arange(first, min(first + TILE, stop))
        _nearest_two(X, rows, prepared, scores, nearest)
        for r in range(len(rows)):
            k = int(nearest.label[r])
            labels[rows[r]] = k
            sq_dists[rows[r]] = _sq_dist(X, rows[r], centers[k], np.float64(prepared.norms[k]))


@kernel
def _sq_dist(X, i, center, sq_norm):
    # What the non-zeros change in the distance from the origin to the center.
    total = sq_norm
    for e in range(X.indptr[i], X.indptr[i + 1]):
        c = np.float64(center[X.indices[e]])
        total += (X.data[e] - c) * (X.data[e] - c) - c * c
    return max(0.0, total)


@kernel
def _sq_norm(center):
    total = 0.0
    for j in range(len(center)):
        total += np.float64(center[j]) * center[j]
    return total


@kernel
def accumulate(X, sample_weight, labels, sums, weight, start, stop):
    for i in range(start, stop):
        w = np.float64(sample_weight[i])
        for e in range(X.indptr[i], X.indptr[i + 1]):
            sums[labels[i], X.indices[e]] += w * X.data[e]
        weight[labels[i]] += w


@kernel
def measure(X, centers, labels, sq_dists, start, stop):
    norms = np.empty(len(centers))
    for k in range(len(centers)):
        norms[k] = _sq_norm(centers[k])
    for i in range(start, stop):
        sq_dists[i] = _sq_dist(X, i, centers[labels[i]], norms[labels[i]])


@kernel
def measure_all(X, centers, distances, start, stop):
    for k in range(len(centers)):
        sq_norm = _sq_norm(centers[k])
        for i in range(start, stop):
            distances[i, k] = np.sqrt(_sq_dist(X, i, centers[k], sq_norm))


@kernel
def weigh(X, sample_weight, candidates, closest, chunk, potentials, start, stop):
    n_candidates = len(candidates)
    sq_norms = np.empty(n_candidates)
    for t in range(n_candidates):
        sq_norms[t] = _sq_norm(candidates[t])
    for c in range(start, stop):
        for i in range(c * chunk, min((c + 1) * chunk, len(closest))):
            closest[i] = min(closest[i], _sq_dist(X, i, candidates[0], sq_norms[0]))
            for t in range(1, n_candidates):
                nearer = min(np.float64(closest[i]), _sq_dist(X, i, candidates[t], sq_norms[t]))
                potentials[c, t - 1] += sample_weight[i] * nearer


@kernel
def locate(X, sample_weight, closest, center, target, start, stop):
    sq_norm = _sq_norm(center)
    running = 0.0
    for i in range(start, stop):
        nearer = min(np.float64(closest[i]), _sq_dist(X, i, center, sq_norm))
        running += sample_weight[i] * nearer
        if running >= target:
            return i
    return stop - 1
