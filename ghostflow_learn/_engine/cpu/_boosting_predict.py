"""Predictions of boosted trees, of binned and of real values."""

import numpy as np

from ._boosting_losses import exact
from ._boosting_split import contains


@exact
def find_leaves(nodes, left_codes, codes, max_bins, leaves, start, stop):
    """The node that each binned sample ends in."""
    for i in range(start, stop):
        at = np.int64(0)
        while nodes[at].is_leaf == 0:
            code = np.int64(codes[i, nodes[at].feature_idx])
            if code == max_bins:
                left = nodes[at].missing_go_to_left != 0
            elif nodes[at].is_categorical:
                left = contains(left_codes[nodes[at].bitset_idx], code)
            else:
                left = code <= nodes[at].bin_threshold
            at = np.int64(nodes[at].left if left else nodes[at].right)
        leaves[i] = at


@exact
def add_values(values, leaves, raw, start, stop):
    for i in range(start, stop):
        raw[i] += values[leaves[i]]


@exact
def group_residuals(y, raw, leaves, given, ends, residuals, weight):
    """Residuals, and weights, leaf after leaf; `ends` are the beginnings of the leaves, and then their ends."""
    for i in range(len(y)):
        at = ends[leaves[i]]
        residuals[at] = y[i] - raw[i]
        if len(given):
            weight[at] = given[i]
        ends[leaves[i]] = at + 1


@exact
def add_trees(forest, X, first, last, raw, start, stop):
    """Add the values of iterations [first, last) to the raw predictions of rows [start, stop), tree by tree."""
    for t in range(first, last):
        for k in range(len(raw)):
            root = forest.roots[t, k]
            for i in range(start, stop):
                at = root
                while forest.flags[at] & 4 == 0:
                    at = _child(forest, at, np.float64(X[i, forest.feature[at]]))
                raw[k, i] += forest.value[at]


@exact
def _child(forest, at, x):
    flags = forest.flags[at]
    left = x <= forest.threshold[at]
    missing = x != x
    if flags & 2:
        missing = not (x >= 0.0 and x < 256.0)
        if not missing:
            category = np.int64(x)
            missing = not contains(forest.known[forest.feature[at]], category)
            left = contains(forest.left_categories[np.int64(forest.threshold[at])], category)
    if missing:
        left = flags & 1 != 0
    return forest.children[at, 0 if left else 1]
