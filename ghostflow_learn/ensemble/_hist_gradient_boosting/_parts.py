"""The samples to train on and those to validate on, binned."""

from collections import namedtuple

import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state

SUBSAMPLE = 200_000  # samples whose quantiles are the edges of bins

Part = namedtuple("Part", "X rows y sample_weight bins")
Part.__doc__ = """Samples on an engine.

Parameters
----------
X : (n_all_samples, n_features)
rows : (n_samples,) int or None
    The samples of X that these are; None for all.
y : (n_samples,) float64
sample_weight : (n_samples,) float64 or None
bins : Bins
"""


def on(engine, array):
    """`array`, which may be None, on the engine."""
    return None if array is None else engine.asarray(array)


def split(n_samples, validation_fraction, stratify, seed):
    """The samples to train on and to validate on, as scikit-learn draws them."""
    return train_test_split(np.arange(n_samples), test_size=validation_fraction, stratify=stratify, random_state=seed)


def taken(engine, X, rows, y, sample_weight, bins):
    """The :class:`Part` of some samples, from all; the rows of X are not copied."""
    rows = engine.asarray(rows)
    codes = bins.codes[rows]
    some = bins._replace(codes=codes, has_missing=(codes == bins.max_bins).any(axis=0).astype(np.uint8))
    return Part(X, rows, y[rows], None if sample_weight is None else sample_weight[rows], some)


def find_edges(engine, X, rows, sample_weight, categories, max_bins, seed):
    """Edges of the bins of each column; those of a categorical one are its categories."""
    categories = categories or [None] * X.shape[1]
    is_categorical = np.array([some is not None for some in categories])
    rows, sample_weight = _drawn(engine, len(X), rows, sample_weight, check_random_state(seed))
    edges = engine.binning.find_edges(X, max_bins, is_categorical, rows, sample_weight)
    return [of_column if some is None else some for of_column, some in zip(edges, categories)]


def _drawn(engine, n_samples, rows, sample_weight, rng):
    """The samples whose quantiles are the edges of bins, all or as many as scikit-learn draws, and their weights.

    Parameters
    ----------
    engine : module
    n_samples : int
        Of all samples.
    rows : (n_samples,) int or None
        What to draw from; None for all.
    sample_weight : (n_all_samples,) float64 or None
    rng : RandomState

    Returns
    -------
    rows : (n_rows,) uint32 or None
    sample_weight : (n_all_samples,) float64 or None
    """
    n_samples = n_samples if rows is None else len(rows)
    if n_samples > SUBSAMPLE:
        probability = None
        if sample_weight is not None:
            weight = engine.to_numpy(sample_weight if rows is None else sample_weight[rows])
            probability = weight / weight.sum()
        drawn = rng.choice(n_samples, SUBSAMPLE, p=probability, replace=True)
        rows, sample_weight = drawn if rows is None else rows[drawn], None
    return None if rows is None else engine.asarray(rows.astype(np.uint32)), sample_weight
