"""Real values to bins of about as many samples each, and categories to bins of their own."""

import numpy as np

from .._boosting import Bins

ALMOST_INF = 1e300  # an infinite threshold is kept for splits that part missing values from all others


def find_edges(X, max_bins, is_categorical, rows=None, sample_weight=None):
    """Choose the edges of each feature's bins: midpoints if few values are distinct, else quantiles.

    They are scikit-learn's: missing values and samples without weight do not count, and quantiles are those of the
    averaged inverted distribution function.

    Parameters
    ----------
    X : (n_samples, n_features) float32 or float64
    max_bins : int
    is_categorical : (n_features,) bool
    rows : (n_rows,) int64, optional
        The samples to look at, in any order and number of times each.
    sample_weight : (n_samples,) float64, optional

    Returns
    -------
    edges : list of float64 arrays
        Ascending, at most ``max_bins - 1``; empty for a categorical feature.
    """


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
