import cupy as cp
import numpy as np

from .._boosting import Bins, edges_between, edges_between_all, ranks_of_edges
from ._launch import launch

SORTED = 2**27  # values that are sorted at a time
VALUES_PER_THREAD = 8


def find_edges(X, max_bins, is_categorical, rows=None, sample_weight=None):
    edges = [np.empty(0)] * X.shape[1]
    numeric = np.flatnonzero(np.logical_not(cp.asnumpy(is_categorical)))
    n_rows = len(X) if rows is None else len(rows)
    weight = sample_weight if rows is None or sample_weight is None else sample_weight[rows]
    n_columns = max(1, SORTED // n_rows)
    for first in range(0, len(numeric), n_columns):
        some = numeric[first : first + n_columns]
        columns = X[:, some] if rows is None else X[rows[:, None], cp.asarray(some)]
        for j, of_column in zip(some, _edges(cp.ascontiguousarray(columns.T), max_bins, weight), strict=True):
            edges[j] = of_column
    return edges


def transform(X, edges, is_categorical, max_bins):
    is_categorical = cp.asnumpy(is_categorical).astype(np.uint8)
    sizes = np.array([len(edge) for edge in edges], dtype=np.int64)
    offsets = np.concatenate(([0], sizes.cumsum()))
    flat = np.concatenate([*edges, np.empty(0)]).astype(np.float64)
    codes, has_missing = cp.empty(X.shape, dtype=cp.uint8), cp.zeros(X.shape[1], dtype=cp.uint32)
    tables = map(cp.asarray, (flat, offsets, is_categorical))
    args = (cp.ascontiguousarray(X), *tables, codes, has_missing, max_bins, X.size, X.shape[1])
    launch("binning", "find_bins", -(-X.size // VALUES_PER_THREAD), args)
    # What growing reads on the host stays there.
    n_bins = sizes + (is_categorical == 0)
    return Bins(codes, n_bins, has_missing.astype(cp.uint8), is_categorical, flat, offsets, max_bins)


def _edges(columns, max_bins, weight):
    """Edges of each of the `columns`, (n_columns, n_rows). Only the values beside edges come to the host."""
    order = None
    if weight is None:
        columns = cp.sort(columns, axis=1)  # NaN goes last
    else:
        columns = cp.where(weight != 0, columns, columns.dtype.type(cp.nan))
        order = cp.argsort(columns, axis=1, kind="stable")
        columns = cp.take_along_axis(columns, order, 1)
    is_there = columns == columns
    is_new = (columns[:, 1:] != columns[:, :-1]) & is_there[:, 1:]
    n_there, n_new = cp.stack([is_there.sum(axis=1), is_new.sum(axis=1)]).get()
    edges = [np.empty(0)] * len(columns)
    few = np.flatnonzero((n_there > 0) & (n_new < max_bins))
    if len(few):
        rows, starts = cp.nonzero(is_new[few])
        later = np.split(columns[few][rows, starts + 1].get(), n_new[few].cumsum()[:-1])
        for j, least, others in zip(few, columns[few, 0].get(), later):
            edges[j] = edges_between_all(np.concatenate(([least], others)).astype(np.float64))
    many = np.flatnonzero(n_new >= max_bins)
    if len(many):
        weights = (
            [None] * len(many) if weight is None else [weight[order[j]].get()[: n_there[j]] for j in many.tolist()]
        )
        ranks = np.array([ranks_of_edges(n_there[j], max_bins, some) for j, some in zip(many, weights)])
        beside = cp.take_along_axis(columns[many][:, None], cp.asarray(ranks), 2).get().astype(np.float64)
        for j, (lower, upper) in zip(many, beside):
            edges[j] = edges_between(lower, upper)
    return edges
