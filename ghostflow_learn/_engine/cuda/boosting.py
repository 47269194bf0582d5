import cupy as cp
import numpy as np

from .._boosting import LOSSES, Gradients, bounds_of, interval_of, losses_of
from .._boosting_draws import features_by_hash, features_by_mask
from ._boosting_forest import assemble
from ._boosting_grow import Grower
from ._fixed_point import BLOCKS, choose_units, packing
from ._launch import PLAIN_SHARED_BYTES, THREADS_PER_BLOCK, launch

__all__ = ["assemble", "gradients", "grow", "leaf_quantiles", "loss", "predict", "predict_bins", "update"]

SAMPLES_PER_BLOCK = 128  # of a kernel that keeps samples in shared memory
ROWS = 2**30  # bytes of the samples' indices of trees that grow together


def loss(loss, y, raw, sample_weight=None):
    losses = losses_of(loss, y, raw)
    return float(losses.mean() if sample_weight is None else (losses @ sample_weight) / sample_weight.sum())


def gradients(loss, y, raw, sample_weight=None, seed=0):
    constant = sample_weight is None and loss.name in ("squared_error", "absolute_error", "quantile")
    interval = interval_of(len(y), constant)
    shape = packing(interval, seed, LOSSES.index(loss.name), loss.quantile)
    words = cp.empty(raw.shape, dtype=cp.int64)
    factors = bounds_of(loss, None)
    if factors is None:
        largest, factors = cp.zeros((1, 2)), (1.0, 1.0)
        grid = min(BLOCKS, -(-len(y) // THREADS_PER_BLOCK))
        launch("boosting", "largest_derived", len(y), (y, raw, sample_weight, largest, shape, len(y)), grid=grid)
    else:
        largest = cp.ones((len(raw), 2))
        if sample_weight is not None:
            largest *= cp.maximum(sample_weight.max(), 0) if len(y) else 0
    units = choose_units(largest, interval, factors)
    if loss.name == "multinomial":
        launch("boosting", "pack_multinomial", len(y), (y, raw, sample_weight, units, words, shape, *raw.shape))
    else:
        launch("boosting", "pack_derived", len(y), (y, raw, sample_weight, units, words, shape, len(y)))
    return Gradients(words, units, interval)


def grow(bins, packed, growth, seed=0, rows=None, masks=None):
    n_outputs, n_samples = packed.words.shape
    used = cp.arange(n_samples, dtype=cp.uint32) if rows is None else rows
    masks = None if masks is None else cp.asnumpy(masks)
    n_together = 1 if masks is not None else max(1, ROWS // (8 * max(1, len(used))))
    trees, n_searches = [], 0
    for first in range(0, n_outputs, n_together):
        outputs = range(first, min(first + n_together, n_outputs))
        draw = _draw(growth, bins.codes.shape[1], seed, None if masks is None else masks[n_searches:])
        grower = Grower(bins, packed, growth, outputs, used, draw, masks is not None)
        trees += grower.grow()
        n_searches += grower.n_searches
    leaves = cp.empty((n_outputs, n_samples), dtype=cp.uint32)
    for k, tree in enumerate(trees):
        _find_leaves(tree, bins.codes, bins.max_bins, leaves[k])
    return (trees, leaves) if masks is None else (trees, leaves, n_searches)


def leaf_quantiles(y, raw, leaves, n_nodes, quantile, sample_weight=None):
    order = cp.lexsort(cp.stack([y - raw, leaves.astype(cp.float64)]))
    ends = cp.searchsorted(leaves[order], cp.arange(n_nodes, dtype=cp.uint32), side="right")
    values, weight = cp.empty(n_nodes), None if sample_weight is None else sample_weight[order]
    args = ((y - raw)[order], weight, ends, values, 100 * quantile / 100, n_nodes)
    launch("boosting", "quantile_of_leaves", n_nodes, args)
    return values


def update(raw, trees, leaves):
    for k, tree in enumerate(trees):
        values = cp.asarray(np.ascontiguousarray(tree.nodes["value"]))
        launch("boosting", "add_values", raw.shape[1], (values, leaves[k], raw[k], raw.shape[1]))
    return raw


def predict_bins(raw, trees, codes, max_bins):
    leaves = cp.empty(raw.shape, dtype=cp.uint32)
    for k, tree in enumerate(trees):
        _find_leaves(tree, codes, max_bins, leaves[k])
    return update(raw, trees, leaves)


def predict(forest, X, baseline, start=0, stop=None):
    X, roots = cp.ascontiguousarray(X), forest.roots[start:stop]
    raw = cp.empty((len(baseline), len(X)))
    raw[...] = baseline
    n_bytes = X.itemsize * SAMPLES_PER_BLOCK * X.shape[1]
    n_kept, n_bytes = (X.shape[1], n_bytes) if n_bytes <= PLAIN_SHARED_BYTES else (0, 0)
    args = (X, forest.nodes, roots, forest.left_categories, forest.known, raw, len(roots), *X.shape, n_kept)
    grid = (-(-len(X) // SAMPLES_PER_BLOCK), len(raw))
    launch("boosting", "add_trees", len(X), args, block=SAMPLES_PER_BLOCK, grid=grid, shared_bytes=n_bytes)
    return raw


def _draw(growth, n_features, seed, masks):
    """What says which features a node tries; None for all."""
    if masks is not None:
        return lambda node, n_searches: features_by_mask(node, growth, masks[n_searches])
    if growth.max_features == 1 and not len(growth.groups):
        return None
    return lambda node, n_searches: features_by_hash(node, growth, n_features, seed + node.output)


def _find_leaves(tree, codes, max_bins, leaves):
    nodes = tree.nodes
    table = np.empty((len(nodes), 4), dtype=np.int32)
    categorical = nodes["is_categorical"] == 1
    table[:, 0] = nodes["feature_idx"]
    table[:, 1] = np.where(categorical, nodes["bitset_idx"], nodes["bin_threshold"])
    table[:, 2] = np.where(nodes["is_leaf"] == 1, -1, nodes["right"].astype(np.int64))
    table[:, 3] = nodes["missing_go_to_left"] + 2 * categorical
    args = (codes, cp.asarray(table), cp.asarray(tree.left_codes), leaves, max_bins, *codes.shape)
    launch("boosting", "find_leaves", len(codes), args)
