"""The steps of histogram gradient boosting: derivatives of a loss, one tree for each output, predictions."""

import itertools

import numpy as np
from scipy.special import expit

from .._boosting import assemble, bounds_of, losses_of
from .._boosting_draws import features_by_hash, features_by_mask
from . import _grower
from ._fixed_point import pack_within

__all__ = ["assemble", "gradients", "grow", "leaf_quantiles", "loss", "predict", "predict_bins", "update"]


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
    return float(np.average(losses_of(loss, y, raw), weights=sample_weight))


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
    gradient, hessian = _derivatives(loss, y, raw)
    if sample_weight is not None:
        gradient = gradient * sample_weight
        hessian = np.broadcast_to(sample_weight, raw.shape) if hessian is None else hessian * sample_weight
    return pack_within(gradient, hessian, seed, bounds_of(loss, sample_weight))


def grow(bins, packed, growth, seed=0, rows=None, masks=None):
    """Grow one tree for each output on gradients, as scikit-learn does.

    The gain of a split is ``G value - G_left value_left - G_right value_right`` with values ``-G / (H + l2 + 1e-15)``,
    clipped to the bounds of monotonic constraints; the root has value 0. Of equal gains the lower feature, then missing
    values to the right, then the lower bin win for left-to-right scans and the higher bin for the scan from the right.
    Categories are ordered by ``G / (H + 10)``; those of little weight go to the right. Missing values at prediction go
    to the larger child where training saw none. The node that gains most is split next, of equals the one nearest
    the root, then the leftmost.

    Parameters
    ----------
    bins : Bins
    packed : Gradients
    growth : Growth
    seed : int
        Of the features drawn where ``max_features < 1``: they depend on it, the output and the place of the node.
    rows : (n_rows,) uint32, optional
        Ascending: the samples to grow on; all by default.
    masks : (n_masks, n_features) bool, optional
        In place of draws by `seed`: the features to try in each node that is searched for a split, in the order of
        the searches (root; then of each split the left and the right child; the next output goes on where the last
        one stopped).

    Returns
    -------
    trees : list of Tree, one for each output
    leaves : (n_outputs, n_samples) uint32
        The node each sample ends in, also those not in `rows`.
    n_searches : int
        Only with `masks`.
    """
    rows = np.arange(len(bins.codes), dtype=np.uint32) if rows is None else rows
    trees, leaves = [], np.empty((len(packed.words), len(bins.codes)), dtype=np.uint32)
    searches = itertools.count()
    for k in range(len(packed.words)):

        def draw(node, k=k):
            if masks is None:
                return features_by_hash(node, growth, bins.codes.shape[1], seed + k)
            return features_by_mask(node, growth, masks[next(searches)])

        trees.append(_grower.grow(bins, packed, k, growth, rows, draw))
        leaves[k] = _grower.apply(trees[k], bins.codes, bins.max_bins)
    return (trees, leaves) if masks is None else (trees, leaves, next(searches))


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
    values = np.zeros(n_nodes)
    for leaf in np.unique(leaves):
        inside = leaves == leaf
        residuals = y[inside] - raw[inside]
        if sample_weight is None:
            values[leaf] = np.percentile(residuals, 100 * quantile)
        else:
            order = residuals.argsort(kind="stable")
            reached = sample_weight[inside][order].cumsum()
            wanted = max(100 * quantile / 100 * reached[-1], np.nextafter(0, 1))
            values[leaf] = residuals[order[min(reached.searchsorted(wanted), len(order) - 1)]]
    return values


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
    return raw + np.array([tree.nodes["value"][leaf] for tree, leaf in zip(trees, leaves)])


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
    return update(raw, trees, [_grower.apply(tree, codes, max_bins) for tree in trees])


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
    raw = np.repeat(baseline, len(X) // baseline.shape[1], axis=1).astype(np.float64)
    for roots in forest.roots[start:stop]:
        for k, root in enumerate(roots):
            raw[k] += [forest.value[_leaf(forest, root, x)] for x in X.astype(np.float64)]
    return raw


def _leaf(forest, node, x):
    while not forest.flags[node] & 4:
        value, flags, feature = x[forest.feature[node]], forest.flags[node], forest.feature[node]
        left = value <= forest.threshold[node]
        if flags & 2:
            missing = not 0 <= value < 256 or not _contains(forest.known[feature], int(value))
            left = not missing and _contains(forest.left_categories[int(forest.threshold[node])], int(value))
        else:
            missing = np.isnan(value)
        node = forest.children[node, 0 if (flags & 1 if missing else left) else 1]
    return node


def _contains(bitset, bit):
    return bitset[bit // 32] >> np.uint32(bit % 32) & 1


def _derivatives(loss, y, raw):
    """Gradients and hessians (n_outputs, n_samples); None where the hessians are 1."""
    name, y, p = loss.name, y[None], raw
    if name == "squared_error":
        return p - y, None
    if name == "absolute_error":
        return np.where(p > y, 1.0, -1.0), None
    if name == "quantile":
        return np.where(y >= p, -loss.quantile, 1 - loss.quantile), None
    if name == "poisson":
        return np.exp(p) - y, np.exp(p)
    if name == "gamma":
        return 1 - y * np.exp(-p), y * np.exp(-p)
    if name == "binomial":
        p = expit(p)
    else:
        p, y = np.exp(p - np.logaddexp.reduce(p, axis=0)), np.arange(len(raw))[:, None] == y
    return p - y, p * (1 - p)
