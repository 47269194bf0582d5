import numpy as np

from .._boosting import Bins, edges_of_sorted
from ._jit import kernel
from ._launch import launch, n_threads, run_blocks

SORTED = 64  # multiply-adds in the time that one value takes to be sorted
FOUND = 16  # in the time that it takes to find its bin
TAKEN = 2**14  # values that are taken out of X at a time


def find_edges(X, max_bins, is_categorical, rows=None, sample_weight=None):
    edges = [np.empty(0)] * X.shape[1]
    weight = sample_weight if rows is None or sample_weight is None else sample_weight[rows]
    n_rows = len(X) if rows is None else len(rows)
    spare = [np.empty(n_rows) for _ in range(min(n_threads(), X.shape[1]))]

    def find(start, stop):
        column = spare.pop()
        for j in range(start, stop):
            if not is_categorical[j]:
                _take(X[:, j], rows, column)
                edges[j] = _edges(column, max_bins, weight)
        spare.append(column)

    run_blocks(find, X.shape[1], n_rows * SORTED)
    return edges


def transform(X, edges, is_categorical, max_bins):
    is_categorical = np.asarray(is_categorical, dtype=np.uint8)
    sizes = np.array([len(edge) for edge in edges], dtype=np.int64)
    offsets = np.concatenate(([0], sizes.cumsum()))
    flat = np.concatenate([*edges, np.empty(0)]).astype(np.float64)
    padded = np.full((X.shape[1], 256), np.inf)
    for j, edge in enumerate(edges):
        padded[j, : len(edge)] = edge
    codes = np.empty(X.shape, dtype=np.uint8)
    args = (np.ascontiguousarray(X), padded.reshape(-1), is_categorical, max_bins, codes)
    launch(_find_bins, len(X), args, X.shape[1] * FOUND)
    missing = run_blocks(lambda start, stop: (codes[start:stop] == max_bins).any(axis=0), len(X), X.shape[1])
    has_missing = np.any(missing, axis=0).astype(np.uint8)
    return Bins(codes, sizes + (is_categorical == 0), has_missing, is_categorical, flat, offsets, max_bins)


def _take(values, rows, column):
    for start in range(0, len(column), TAKEN):
        some = slice(start, start + TAKEN)
        column[some] = values[some] if rows is None else values[rows[some]]


def _edges(column, max_bins, weight):
    counted = column == column
    if weight is not None:
        counted &= weight != 0
    if not counted.all():
        column, weight = column[counted], None if weight is None else weight[counted]
    if weight is None:
        column.sort()
    else:
        order = column.argsort(kind="stable")
        column, weight = column[order], weight[order]
    return edges_of_sorted(column, max_bins, weight)


@kernel
def _find_bins(X, edges, is_categorical, max_bins, codes, start, stop):
    # A search without branches in 255 edges, the missing ones of which are infinite: many searches run at once.
    for i in range(start, stop):
        x_row, row = X[i], codes[i]
        for j in range(len(x_row)):
            x, at = np.float64(x_row[j]), j * 256
            for half in (128, 64, 32, 16, 8, 4, 2, 1):
                at += half if edges[np.uint64(at + half - 1)] < x else 0
            missing = (x != x) | ((is_categorical[j] != 0) & (x < 0))
            row[j] = max_bins if missing else at - j * 256
