"""Predictions of boosted trees, of binned and of real values."""

import numpy as np

from ._boosting_losses import exact
from ._boosting_split import contains

BLOCK = 64  # rows that stay in cache while all trees pass
ABREAST = 16  # rows that go down a tree together

TOGETHER = 8  # rows that descend a tree together
TILE = 256  # rows that stay in cache while the trees go by


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
def add_plain_trees(forest, sides, X, n_features, first, last, raw, start, stop):
    """As `add_trees`, without categories: rows descend a tree together, so that their loads overlap.

    `sides`: twice the feature, and 1 where missing values go to the left. A leaf is its own child.
    """
    at = np.empty(TOGETHER, dtype=np.int64)
    for tile in range(start, stop, TILE):
        end = min(stop, tile + TILE)
        for t in range(first, last):
            for k in range(len(raw)):
                root, out = forest.roots[t, k], raw[k]
                for i in range(tile, end, TOGETHER):
                    n_rows = min(TOGETHER, end - i)
                    for r in range(TOGETHER):
                        at[r] = root
                    moved = np.int64(1)
                    while moved:
                        moved = np.int64(0)
                        for r in range(TOGETHER):
                            node = at[r]
                            side = np.int64(sides[np.uint64(node)])
                            x = X[np.uint64((i + min(r, n_rows - 1)) * n_features + (side >> 1))]
                            right = (x > forest.threshold[np.uint64(node)]) | ((x != x) & ((side & 1) == 0))
                            child = np.int64(forest.children[np.uint64(node), np.uint64(right)])
                            moved |= child ^ node
                            at[r] = child
                    for r in range(n_rows):
                        out[i + r] += forest.value[np.uint64(at[r])]


@exact
def add_trees(forest, X, first, last, raw, start, stop):
    """Add the values of iterations [first, last) to the raw predictions of rows [start, stop).

    A block of rows that stays in cache meets all trees; a few rows go down a tree side by side, so that one's wait
    for memory is the others' time.
    """
    at = np.empty(ABREAST, dtype=np.int64)
    for begin in range(start, stop, BLOCK):
        end = min(begin + BLOCK, stop)
        for t in range(first, last):
            for k in range(len(raw)):
                for i in range(begin, end, ABREAST):
                    _descend(forest, X[i : min(i + ABREAST, end)], forest.roots[t, k], at)
                    for j in range(min(ABREAST, end - i)):
                        raw[k, i + j] += forest.value[at[j]]


@exact
def _descend(forest, X, root, at):
    """The leaves that rows of X end in, from `root` on; a leaf is its own child."""
    n, moving = len(X), True
    for j in range(n):
        at[j] = root
    while moving:
        moving = False
        for j in range(n):
            node = np.uint64(at[j])
            x, flags = np.float64(X[j, np.uint64(forest.feature[node])]), forest.flags[node]
            if flags & 2:
                left = _category_goes_left(forest, node, x)
            else:
                left = np.uint64(x <= forest.threshold[node]) | (np.uint64(x != x) & np.uint64(flags & 1))
            child = np.uint64(forest.children[node, np.uint64(1) - left])
            at[j] = child
            moving |= forest.flags[child] & 4 == 0


@exact
def _category_goes_left(forest, node, x):
    """1 or 0; a category that training has not seen is missing."""
    if x >= 0.0 and x < 256.0 and contains(forest.known[forest.feature[node]], np.int64(x)):
        return np.uint64(contains(forest.left_categories[np.int64(forest.threshold[node])], np.int64(x)))
    return np.uint64(forest.flags[node] & 1)
