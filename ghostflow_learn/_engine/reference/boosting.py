"""The steps of histogram gradient boosting: derivatives of a loss, one tree for each output, predictions."""

import numpy as np

from .._boosting import NODE, Forest, Tree


def loss(loss, y, raw, sample_weight=None):
    """Weighted mean of a loss.

    Parameters
    ----------
    loss : Loss
    y : (n_samples,) float64
        Class codes for "binomial" and "multinomial".
    raw : (n_outputs, n_samples) float64
        Raw predictions, one row for each class for "multinomial", else one.
    sample_weight : (n_samples,) float64, optional

    Returns
    -------
    mean : float
        Constant terms are left out, as in scikit-learn.
    """


def gradients(loss, y, raw, sample_weight=None, seed=0):
    """First and second derivatives of a loss by the raw predictions, rounded and packed as by `histogram.pack`.

    Parameters
    ----------
    loss : Loss
    y : (n_samples,) float64
    raw : (n_outputs, n_samples) float64
    sample_weight : (n_samples,) float64, optional
    seed : int

    Returns
    -------
    packed : Gradients
    """


def grow(bins, packed, growth, seed=0, rows=None, masks=None):
    """Grow one tree for each output on gradients, as scikit-learn does.

    The gain of a split is ``G value - (G_left value_left + G_right value_right)`` with values ``-G / (H + l2)``, clipped
    to the bounds of monotonic constraints. Of equal gains the lower feature, then missing values to the right, then the
    lower bin win for left-to-right scans and the higher bin for the scan from the right. Categories are ordered by
    ``G / (H + 10)``; those of little weight go to the right. Missing values at prediction go to the larger child where
    training saw none.

    Parameters
    ----------
    bins : Bins
    packed : Gradients
    growth : Growth
    seed : int
        Of the features drawn where ``max_features < 1``: they depend on the seed, the output and the node's place alone.
    rows : (n_rows,) uint32, optional
        Ascending: the samples to grow on; all by default.
    masks : (n_masks, n_features) bool, optional
        In place of draws by `seed`: the features to try in each node that is searched for a split, in the order of
        the searches (root; then of each split the left and the right child; the next output goes on where the last
        one stopped). With them a third value is returned, the number of searches. (For the estimators: these are the
        shuffles of scikit-learn's generator, so that max_features < 1 gives its trees too.)

    Returns
    -------
    trees : list of Tree, one for each output
    leaves : (n_outputs, n_samples) uint32
        The node each sample ends in, also those not in `rows`.
    """


def leaf_quantiles(y, raw, leaves, n_nodes, quantile, sample_weight=None):
    """A quantile of the residuals ``y - raw`` in each leaf, as ``numpy.percentile`` or scikit-learn's weighted one.

    Parameters
    ----------
    y : (n_samples,) float64
    raw : (n_samples,) float64
    leaves : (n_samples,) uint32
        Only samples that the tree was grown on, with their `y` and `raw`.
    n_nodes : int
    quantile : float
    sample_weight : (n_samples,) float64, optional

    Returns
    -------
    values : (n_nodes,) float64
        0 where no sample ends.
    """


def update(raw, trees, leaves):
    """Add the values of the leaves to the raw predictions.

    Parameters
    ----------
    raw : (n_outputs, n_samples) float64
        May be overwritten.
    trees : list of Tree, one for each output
    leaves : (n_outputs, n_samples) uint32

    Returns
    -------
    raw : (n_outputs, n_samples) float64
    """


def predict_bins(raw, trees, codes, max_bins):
    """Add the predictions of one tree for each output on binned data.

    Parameters
    ----------
    raw : (n_outputs, n_samples) float64
        May be overwritten.
    trees : list of Tree, one for each output
    codes : (n_samples, n_features) uint8
    max_bins : int

    Returns
    -------
    raw : (n_outputs, n_samples) float64
    """


def assemble(trees, known):
    """Arrange many trees for `predict`.

    Parameters
    ----------
    trees : list of lists of Tree
        (n_iterations, n_outputs)
    known : (n_features, 8) uint32
        Bitsets of the categories of each feature.

    Returns
    -------
    forest : Forest
    """


def predict(forest, X, baseline, start=0, stop=None):
    """Sum the predictions of trees, iteration by iteration, upon a baseline.

    Parameters
    ----------
    forest : Forest
    X : (n_samples, n_features) float32 or float64
    baseline : (n_outputs, n_samples) float64, or (n_outputs, 1)
    start, stop : int
        Iterations [start, stop); all by default.

    Returns
    -------
    raw : (n_outputs, n_samples) float64
    """
