"""Trees of exact splits, scikit-learn's node for node."""

import numpy as np
from scipy.sparse import csc_array, issparse

from ._tree_builder import Builder, Frontier


def prepare(X):
    """`X` in the layout that trees grow from, for any number of trees.

    Parameters
    ----------
    X : (n_samples, n_features) float32, or such a CSC matrix on the host; NaN is missing

    Returns
    -------
    columns
        The engine's own.
    """
    return csc_array(X) if issparse(X) else X


def grow(columns, y, sample_weight, growth, seed):
    """Grow one tree.

    In each node features are drawn at random, and of their splits, or of one random split of each, the one with the
    largest gain is taken: the first one, if several have the same. Whether they do is a question of the last bit, so
    sums are taken in scikit-learn's order of samples. Another engine may add up samples whose values of a feature tie
    in an order of its own; its trees are the same where sums are exact, as those of classes and integers are.

    Parameters
    ----------
    columns : from `prepare`
    y : (n_samples, n_outputs) float64
        Targets, or codes of classes.
    sample_weight : (n_samples,) float64, optional
        Samples of weight 0 are not in the tree.
    growth : Growth
    seed : int in [0, 2^31 - 1)
        Of the xorshift generator that draws features and thresholds.

    Returns
    -------
    nodes : Nodes
        On the host.
    leaves : (n_samples,) int64
        The leaf of each sample, -1 for those of weight 0.
    """
    builder = Builder(columns, y, sample_weight, growth, seed)
    with np.errstate(divide="ignore", invalid="ignore"):  # by weights that add up to 0
        (_grow_depth_first if growth.max_leaf_nodes < 0 else _grow_best_first)(builder, growth)
    return builder.nodes(), builder.leaves


def grow_many(columns, y, sample_weights, growth, seeds):
    """Grow trees that do not depend on each other.

    Parameters
    ----------
    columns : from `prepare`
    y : (n_samples, n_outputs) float64
    sample_weights : sequence of (n_samples,) float64, or None; one per tree
    growth : Growth
    seeds : sequence of int

    Returns
    -------
    trees : list of Nodes
    """
    return [grow(columns, y, weight, growth, seed)[0] for weight, seed in zip(sample_weights, seeds, strict=True)]


def _grow_depth_first(builder, growth):
    waiting = [builder.root()]
    while waiting:
        grown = builder.add(waiting.pop())
        if grown.split is not None:
            left, right = builder.children(grown)
            waiting += [right, left]


def _grow_best_first(builder, growth):
    frontier, n_splits = Frontier(), growth.max_leaf_nodes - 1
    frontier.push(builder.add(builder.root()))
    while frontier.heap:
        grown = frontier.pop()
        if grown.split is None or n_splits == 0:
            builder.make_leaf(grown.node)
            continue
        n_splits -= 1
        for child in [builder.add(place._replace(n_constant=0)) for place in builder.children(grown)]:
            frontier.push(child)
