"""Real values to bins of about as many samples each, and categories to bins of their own."""

import numpy as np

from .._boosting import Bins, edges_of_sorted


def find_edges(X, max_bins, is_categorical, rows=None, sample_weight=None):
    """Choose the edges of each feature's bins: midpoints if few values are distinct, else quantiles.

    They are scikit-learn's: missing values and samples without weight do not count, and quantiles are those of the
    averaged inverted distribution function.

    Parameters
    ----------
    X : (n_samples, n_features) float32 or float64
    max_bins : int
    is_categorical : (n_features,) bool
    rows : (n_rows,) int64 or uint32, optional
        The samples to look at, in any order and number of times each.
    sample_weight : (n_samples,) float64, optional

    Returns
    -------
    edges : list of float64 arrays
        Ascending, at most ``max_bins - 1``; empty for a categorical feature.
    """
    rows = np.arange(len(X)) if rows is None else rows
    edges = [np.empty(0)] * X.shape[1]
    for j in np.flatnonzero(np.logical_not(is_categorical)):
        column, weight = X[rows, j].astype(np.float64), None
        counted = ~np.isnan(column)
        if sample_weight is not None:
            weight = sample_weight[rows]
            counted &= weight != 0
        order = np.flatnonzero(counted)[column[counted].argsort(kind="stable")]
        edges[j] = edges_of_sorted(column[order], max_bins, None if weight is None else weight[order])
    return edges


def transform(X, edges, is_categorical, max_bins):
    """Replace each value by its bin.

    Parameters
    ----------
    X : (n_samples, n_features) float32 or float64
    edges : list of float64 arrays
        See `find_edges`; for a categorical feature its categories, ascending.
    is_categorical : (n_features,) bool
    max_bins : int
        Also the bin of NaN, and of negative values of a categorical feature.

    Returns
    -------
    bins : Bins
    """
    codes = np.empty(X.shape, dtype=np.uint8)
    for j, column in enumerate(X.T.astype(np.float64)):
        missing = np.isnan(column) | (is_categorical[j] & (column < 0))
        codes[:, j] = np.where(missing, max_bins, edges[j].searchsorted(column))
    is_categorical = np.asarray(is_categorical, dtype=np.uint8)
    sizes = np.array([len(edge) for edge in edges], dtype=np.int64)
    offsets = np.concatenate(([0], sizes.cumsum()))
    has_missing = (codes == max_bins).any(axis=0).astype(np.uint8)
    flat = np.concatenate([*edges, np.empty(0)]).astype(np.float64)
    return Bins(codes, sizes + (is_categorical == 0), has_missing, is_categorical, flat, offsets, max_bins)
