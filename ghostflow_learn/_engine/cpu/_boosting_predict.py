"""Predictions of boosted trees, of binned and of real values."""

import numpy as np

from ._boosting_losses import apart, exact
from ._boosting_split import contains

TILE = 256  # rows that stay in cache while all trees pass
ABREAST = 8  # rows that go down a tree together


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
    """Add the values of iterations [first, last) to the raw predictions of rows [start, stop).

    A few rows go down a tree side by side, so that one's wait for memory is the others' time.
    """
    at = np.empty(ABREAST, dtype=np.int64)
    for begin in range(start, stop, TILE):
        end = min(begin + TILE, stop)
        for t in range(first, last):
            for k in range(len(raw)):
                for i in range(begin, end, ABREAST):
                    _descend(forest, X, i, end - 1, forest.roots[t, k], at)
                    for j in range(min(ABREAST, end - i)):
                        raw[k, i + j] += forest.value[at[j]]


@exact
def _descend(forest, X, i, last_row, root, at):
    """The leaves that rows of X from `i` on end in, from `root` on; a leaf is its own child."""
    moved = np.int64(1)
    for j in range(ABREAST):
        at[j] = root
    while moved:
        moved = np.int64(0)
        for j in range(ABREAST):
            node = np.uint64(at[j])
            flags = forest.flags[node]
            x = np.float64(X[np.uint64(min(i + j, last_row)), np.uint64(forest.feature[node])])
            if flags & 2:
                left = _category_goes_left(forest, node, x)
            else:
                left = np.uint64(x <= forest.threshold[node]) | (np.uint64(x != x) & np.uint64(flags & 1))
            child = np.int64(forest.children[node, np.uint64(1) - left])
            moved |= child ^ at[j]
            at[j] = child


@exact
def _category_goes_left(forest, node, x):
    """1 or 0; a category that training has not seen is missing."""
    if x >= 0.0 and x < 256.0 and contains(forest.known[forest.feature[node]], np.int64(x)):
        return np.uint64(contains(forest.left_categories[np.int64(forest.threshold[node])], np.int64(x)))
    return np.uint64(forest.flags[node] & 1)


@exact
def add_by_tests(tests, X, first, last, raw, start, stop):
    """As `add_trees`: a tile of rows takes every test of a tree, and those that are in the tested node go on.

    These are more tests than on the way down, but of bytes, many at once, and none waits for memory.
    """
    codes = np.empty((len(tests.features), TILE), dtype=np.uint8)
    at = np.empty(TILE, dtype=np.uint16)
    for begin in range(start, stop, TILE):
        end = min(begin + TILE, stop)
        _encode(tests.features, tests.n_edges, tests.edges, tests.known, X[begin:end], codes)
        for tree in range(first * len(raw), last * len(raw)):
            values, out = tests.values[tests.trees[tree, 2] :], raw[tree % len(raw), begin:end]
            for i in range(TILE):
                at[i] = 0
            for test in range(tests.trees[tree, 0], tests.trees[tree, 1]):
                node = tests.nodes[test]
                if node.bitset < 0:
                    _take(node, codes, at)
                else:
                    _take_category(node, tests.left_codes, codes, at)
            for i in range(len(out)):
                out[i] += values[np.uint64(at[i])]


@apart
def _encode(features, n_edges, edges, known, X, codes):
    # No branch depends on a value, so that many searches run at once.
    for c in range(len(features)):
        j, thresholds, out, many = np.uint64(features[c]), edges[c], codes[c], n_edges[c] >= 64
        if n_edges[c] == 0:
            for i in range(len(X)):
                x = np.float64(X[i, j])
                listed = x >= 0.0 and x < 256.0 and contains(known[j], np.int64(x))
                out[i] = np.int64(x) + 1 if listed else 0
            continue
        for i in range(len(X)):
            x, place = np.float64(X[i, j]), np.int64(0)
            if many:
                for half in (128, 64):
                    place += half if thresholds[np.uint64(place + half - 1)] < x else 0
            for half in (32, 16, 8, 4, 2, 1):
                place += half if thresholds[np.uint64(place + half - 1)] < x else 0
            out[i] = 0 if x != x else place + 1


@exact
def _take(node, codes, at):
    own, left, right, shift, last = node.node, node.left, node.right, node.shift, node.last
    column = np.uint64(node.column)
    for i in range(TILE):
        child = right if np.uint8(codes[column, np.uint64(i)] - shift) > last else left
        at[i] = child if at[i] == own else at[i]


@apart
def _take_category(node, left_codes, codes, at):
    own, left, right = node.node, np.int64(node.left), np.int64(node.right)
    column, row = np.uint64(node.column), np.uint64(node.bitset)
    for i in range(TILE):
        child = right + (left - right) * np.int64(left_codes[row, np.uint64(codes[column, np.uint64(i)])])
        at[i] = child if at[i] == own else at[i]
