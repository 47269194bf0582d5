import cupy as cp

from .._neighbors import METRICS
from ._bridge import on_cpu
from ._launch import launch

QUERIES_PER_BLOCK, MAX_SEGMENTS = 128, 32
BLOCKS = 1024  # that keep a large GPU busy
SAMPLES_PER_SEGMENT = 64  # at least, so that merging stays cheap
CHUNK_BYTES = 2**28  # what the segments of a chunk of queries may take

grow = on_cpu("neighbors.grow", stays=True)
nearest_in_tree = on_cpu("neighbors.nearest_in_tree")


def nearest(X, queries, n_neighbors, metric):
    n_queries, n_samples = len(queries), len(X)
    dists = cp.empty((n_queries, n_neighbors))
    indices = cp.empty((n_queries, n_neighbors), dtype=cp.int64)
    blocks = max(1, -(-n_queries // QUERIES_PER_BLOCK))
    n_segments = max(1, min(MAX_SEGMENTS, n_samples // SAMPLES_PER_SEGMENT, BLOCKS // blocks))
    chunk = max(QUERIES_PER_BLOCK, CHUNK_BYTES // (n_segments * n_neighbors * (X.dtype.itemsize + 8)))
    for start in range(0, n_queries, chunk):
        rows = slice(start, start + chunk)
        _search(X, queries[rows], dists[rows], indices[rows], n_segments, METRICS.index(metric))
    return dists, indices


def _search(X, queries, dists, indices, n_segments, metric):
    (n_queries, n_neighbors), (n_samples, n_features) = indices.shape, X.shape
    of_segments = cp.empty((n_segments, n_neighbors, n_queries), dtype=X.dtype)
    rows = cp.empty((n_segments, n_neighbors, n_queries), dtype=cp.int64)
    n_taken = cp.zeros((n_segments, n_queries), dtype=cp.int64)
    sizes = (n_samples, n_features, n_queries, n_neighbors, n_segments, metric)
    grid = (-(-n_queries // QUERIES_PER_BLOCK), n_segments)
    args = (X, queries, of_segments, rows, *sizes)
    launch("neighbors", "search_segments", n_queries, args, block=QUERIES_PER_BLOCK, grid=grid)
    args = (of_segments, rows, n_taken, dists, indices, n_samples, n_queries, n_neighbors, n_segments, metric)
    launch("neighbors", "merge_segments", n_queries, args, block=QUERIES_PER_BLOCK)
