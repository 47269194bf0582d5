"""Rows descend a tree together, a level at a time: their chains of loads overlap, and no branch depends on a value."""

from collections import namedtuple

import numpy as np
from scipy.sparse import issparse

from ._jit import kernel
from ._launch import launch

TILE = 2**16  # values of X in cache while the trees go by
MISSING = np.int32(2**31 - 1)  # the key of NaN: above that of infinity
MISSING_LEFT = np.int32(2**30)  # this bit of a feature says that missing values go to the left
DEPTH = 20  # a usual one, for the cost of a row

Packed = namedtuple("Packed", "roots first_split first_leaf splits split_id leaf_id value")
Packed.__doc__ = """Splits and leaves apart, each numbered through all trees: 16 bytes a split, read at once.

roots : (n_trees,) int32
    Split, or `~leaf` of a tree that has none.
first_split, first_leaf : (n_trees + 1,) int64
splits : (n_splits, 4) int32
    Key of the threshold, feature and MISSING_LEFT, child where ``x <= threshold``, the other child; as roots.
split_id, leaf_id : int32
    Ids of the nodes, counted from 0 in each tree.
value : (n_leaves, n_values) float64
"""


def pack(trees):
    n_splits = [int(np.count_nonzero(np.asarray(tree.left) >= 0)) for tree in trees]
    n_leaves = [len(tree.left) - n for tree, n in zip(trees, n_splits, strict=True)]
    packed = Packed(
        np.empty(len(trees), dtype=np.int32),
        np.cumsum([0, *n_splits]),
        np.cumsum([0, *n_leaves]),
        np.empty((sum(n_splits), 4), dtype=np.int32),
        np.empty(sum(n_splits), dtype=np.int32),
        np.empty(sum(n_leaves), dtype=np.int32),
        np.empty((sum(n_leaves), np.asarray(trees[0].value)[0].size), dtype=np.float64),
    )
    for t, tree in enumerate(trees):
        children = np.stack([tree.left, tree.right], axis=1).astype(np.int64, copy=False)
        feature = np.ascontiguousarray(tree.feature, dtype=np.int64)
        missing_left = np.ascontiguousarray(tree.missing_go_to_left, dtype=np.uint8)
        value = np.ascontiguousarray(tree.value, dtype=np.float64).reshape(len(feature), -1)
        _pack(children, feature, _keys(_rounded_down(tree.threshold)), missing_left, value, t, packed)
    return packed


def apply(forest, X):
    leaves = np.empty((X.shape[0], len(forest.roots)), dtype=np.int64)
    for start, stop, block in _dense_blocks(X):
        _launch(_apply, forest, block, leaves[start:stop])
    return leaves


def predict(forest, X, n_groups=1, start=None):
    shape = X.shape[0], n_groups * forest.value.shape[1]
    sums = np.zeros(shape) if start is None else start.copy()
    for first, last, block in _dense_blocks(X):
        _launch(_predict, forest, block, sums[first:last], n_groups)
    return sums


def paths(forest, X):
    indptr = np.zeros(X.shape[0] + 1, dtype=np.int64)
    blocks = list(_dense_blocks(X))
    for start, stop, block in blocks:
        _launch(_count_passed, forest, block, indptr[start + 1 : stop + 1])
    np.cumsum(indptr, out=indptr)
    nodes = np.empty(indptr[-1], dtype=np.int64)
    for start, stop, block in blocks:
        _launch(_list_passed, forest, block, indptr[start : stop + 1], nodes)
    return nodes, indptr


def _launch(kernel, forest, X, *args):
    launch(kernel, len(X), (forest, X, *args), row_cost=X.shape[1] + DEPTH * len(forest.roots))


def _dense_blocks(X):
    """(start, stop, rows as an array) that cover `X`."""
    if not issparse(X):
        yield 0, len(X), np.ascontiguousarray(X)
        return
    n_rows = max(1, 64 * TILE // max(1, X.shape[1]))
    for start in range(0, X.shape[0], n_rows):
        stop = min(start + n_rows, X.shape[0])
        yield start, stop, X[start:stop].toarray()


def _rounded_down(threshold):
    threshold = np.asarray(threshold)
    with np.errstate(over="ignore"):
        nearest = threshold.astype(np.float32)
    return np.where(nearest > threshold, np.nextafter(nearest, np.float32(-np.inf)), nearest)


def _keys(threshold):
    """Integers in the order of the thresholds; see `_key`."""
    bits = (threshold + np.float32(0)).view(np.int32)  # of the zeros the positive one, so that -0 <= threshold
    return bits ^ ((bits >> 31) & MISSING)


@kernel
def _pack(children, feature, key, missing_left, value, t, packed):
    split, leaf = packed.first_split[t], packed.first_leaf[t]
    code = np.empty(len(feature), dtype=np.int32)
    for node in range(len(feature)):
        if children[node, 0] >= 0:
            code[node] = split
            packed.split_id[split] = node
            split += 1
        else:
            code[node] = ~leaf
            packed.leaf_id[leaf] = node
            packed.value[leaf] = value[node]
            leaf += 1
    packed.roots[t] = code[0]
    for node in range(len(feature)):
        if children[node, 0] >= 0:
            at = packed.splits[code[node]]
            at[0] = key[node]
            at[1] = feature[node] | (MISSING_LEFT if missing_left[node] else 0)
            at[2], at[3] = code[children[node, 0]], code[children[node, 1]]


@kernel
def _apply(forest, X, leaves, start, stop):
    n_tile = max(1, TILE // X.shape[1])
    rows, at, leaf = np.empty((3, n_tile), dtype=np.int32)
    for first in range(start, stop, n_tile):
        keys = _tile(X[first : min(first + n_tile, stop)])
        for t in range(len(forest.roots)):
            _descend(forest.roots[t], forest.splits, keys, rows, at, leaf)
            for i in range(len(keys)):
                leaves[first + i, t] = forest.leaf_id[leaf[i]]


@kernel
def _predict(forest, X, sums, n_groups, start, stop):
    n_tile, n_values = max(1, TILE // X.shape[1]), forest.value.shape[1]
    rows, at, leaf = np.empty((3, n_tile), dtype=np.int32)
    for first in range(start, stop, n_tile):
        keys = _tile(X[first : min(first + n_tile, stop)])
        for t in range(len(forest.roots)):
            _descend(forest.roots[t], forest.splits, keys, rows, at, leaf)
            column = t % n_groups * n_values
            for i in range(len(keys)):
                for v in range(n_values):
                    sums[first + i, column + v] += forest.value[leaf[i], v]


@kernel
def _tile(X):
    """The rows as integers in the order of their values: they compare with the keys of thresholds."""
    keys = np.empty(X.shape, dtype=np.int32)
    bits = X.view(np.int32)
    for i in range(X.shape[0]):
        for j in range(X.shape[1]):
            key = bits[i, j] ^ ((bits[i, j] >> 31) & MISSING)
            keys[i, j] = MISSING if np.isnan(X[i, j]) else key
    return keys


@kernel
def _descend(root, splits, keys, rows, at, leaf):
    """The leaf of each row of `keys`. Those on their way are kept together in `rows`, and where they are in `at`."""
    n_left = len(keys) if root >= 0 else 0
    for i in range(len(keys)):
        rows[i], at[i], leaf[i] = i, root, ~root
    while n_left > 0:
        n_stay = 0
        for k in range(n_left):
            i, split = rows[k], splits[at[k]]
            x = keys[i, split[1] & ~MISSING_LEFT]
            right = (x > split[0]) & ((x != MISSING) | (split[1] < MISSING_LEFT))
            child = split[2 + np.int64(right)]
            leaf[i] = ~child
            rows[n_stay], at[n_stay] = i, child
            n_stay += child >= 0
        n_left = n_stay


@kernel
def _count_passed(forest, X, n_passed, start, stop):
    for i in range(start, stop):
        keys = _tile(X[i : i + 1])[0]
        for t in range(len(forest.roots)):
            at = forest.roots[t]
            while at >= 0:
                at = _child(keys, forest.splits[at])
                n_passed[i] += 1
            n_passed[i] += 1


@kernel
def _list_passed(forest, X, indptr, nodes, start, stop):
    for i in range(start, stop):
        keys, end, offset = _tile(X[i : i + 1])[0], indptr[i], 0
        for t in range(len(forest.roots)):
            at = forest.roots[t]
            while at >= 0:
                nodes[end] = offset + forest.split_id[at]
                at = _child(keys, forest.splits[at])
                end += 1
            nodes[end] = offset + forest.leaf_id[~at]
            end += 1
            offset += (
                forest.first_split[t + 1] - forest.first_split[t] + forest.first_leaf[t + 1] - forest.first_leaf[t]
            )


@kernel(inline="always")
def _child(keys, split):
    x = keys[split[1] & ~MISSING_LEFT]
    right = (x > split[0]) & ((x != MISSING) | (split[1] < MISSING_LEFT))
    return split[2 + np.int64(right)]
