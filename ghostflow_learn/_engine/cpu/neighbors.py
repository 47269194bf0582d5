import numpy as np

from ._jit import kernel
from ._launch import run_blocks
from ._neighbors_tree import FINITE, _push, _sort, grow, nearest_in_tree

__all__ = ["grow", "nearest", "nearest_in_tree"]

QUERIES, SAMPLES, STRIP = 256, 1024, 64  # of a tile, which stays in the cache; scores that are looked at at once
LEAF = 256  # samples side by side, where all are compared
TINY = 1e-37  # more than what is lost where a float32 underflows


def nearest(X, queries, n_neighbors, metric):
    if metric != "euclidean":
        return nearest_in_tree(grow(X, LEAF), queries, n_neighbors, metric)
    n_queries, (n_samples, n_features) = len(queries), X.shape
    dists = np.full((n_queries, n_neighbors), np.inf)
    indices = np.full((n_queries, n_neighbors), n_samples, dtype=np.int64)
    # Products in float32 leave few samples whose distances are computed in float64. They may be wrong by this share
    # of the squared norms of sample and query: roundings of both, and of n_features + 1 sums.
    lost = (n_features + 16) * 2.0**-23
    center, scale = _frame(X, queries)
    screen = np.empty((n_samples, n_features + 1), dtype=np.float32)
    fill = lambda a, b: _screen_of(X[a:b], center, scale, lost, screen[a:b])
    run_blocks(fill, n_samples, 8 * n_features)

    def search(start, stop):
        for first in range(start, stop, QUERIES):
            last = min(first + QUERIES, stop)
            _search_tiles(X, queries[first:last], screen, center, scale, lost, dists[first:last], indices[first:last])

    run_blocks(search, n_queries, n_samples * n_features, max_blocks=max(1, min(64, n_queries // QUERIES)))
    return dists, indices


def _frame(X, queries):
    """A point amid the data and a scale that make them fit for float32: at most 1, and small where most of them are."""
    sample = X[:: -(-len(X) // 256)]
    center = np.median(sample, axis=0).astype(np.float64)
    largest = max(np.abs(end - center).max() for A in (X, queries) if len(A) for end in (A.min(axis=0), A.max(axis=0)))
    return center, 1 / largest if largest > 0 else 1.0


def _screen_of(X, center, scale, lost, out):
    scaled = (X - center) * scale
    out[:, :-1] = -2 * scaled
    out[:, -1] = (scaled**2).sum(axis=1) * (1 - lost)


def _search_tiles(X, queries, screen, center, scale, lost, dists, indices):
    n_queries, n_features = queries.shape
    scaled = np.ones((n_queries, n_features + 1), dtype=np.float32)
    scaled64 = (queries - center) * scale
    scaled[:, :-1] = scaled64
    norms = (scaled64**2).sum(axis=1) * (1 - lost)
    scores = np.empty((n_queries, min(SAMPLES, len(X))), dtype=np.float32)
    for first in range(0, len(X), SAMPLES):
        tile = screen[first : first + SAMPLES]
        out = scores[:, : len(tile)] if len(tile) == SAMPLES else np.empty((n_queries, len(tile)), dtype=np.float32)
        np.matmul(scaled, tile.T, out=out)
        _pick(out, norms, scale * scale, X, queries, first, dists, indices)
    _finish(dists, indices)


@kernel(fastmath=FINITE)
def _pick(scores, norms, sq_scale, X, queries, first, dists, indices):
    n_queries, width = scores.shape
    for i in range(n_queries):
        heap_dists, heap_rows = dists[i], indices[i]
        limit = _limit(heap_dists[0], sq_scale, norms[i])
        for start in range(0, width, STRIP):
            strip = scores[i, start : min(start + STRIP, width)]
            least = strip[0]
            for r in range(len(strip)):
                least = min(least, strip[r])
            if least > limit:
                continue
            for r in range(len(strip)):
                if strip[r] <= limit:
                    row = first + start + r
                    _push(heap_dists, heap_rows, _sq_dist(X[row], queries[i]), row)
                    limit = _limit(heap_dists[0], sq_scale, norms[i])


@kernel(inline="always")
def _limit(sq_dist, sq_scale, norm):
    limit = sq_dist * sq_scale - norm
    return np.float32(limit + abs(limit) * 1e-6 + TINY)


@kernel(inline="always")
def _sq_dist(x, query):
    total = 0.0
    for j in range(len(x)):
        diff = np.float64(x[j]) - np.float64(query[j])
        total += diff * diff
    return total


@kernel
def _finish(dists, indices):
    for i in range(len(dists)):
        _sort(dists[i], indices[i])
        for j in range(dists.shape[1]):
            dists[i, j] = np.sqrt(dists[i, j])
