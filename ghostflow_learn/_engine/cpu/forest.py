"""Rows descend a tree together, two levels at a time: their loads overlap, and no branch depends on a value."""

from collections import namedtuple

import numpy as np
from scipy.sparse import issparse

from ._jit import kernel
from ._launch import launch

TILE = 2**17  # values of X that stay in cache while the trees go by
DEPTH = 20  # a usual one, for the cost of a row
DENSE = 2**22  # values of a sparse matrix that are spread out at once
MISSING_RIGHT, MISSING_LEFT = np.int32(2**31 - 1), np.int32(-(2**31))  # keys of NaN: above and below all others

# Words of a record, which is a split and the two below it: (key of the threshold, side) of each, and four children.
# A side is 2 * feature + missing_go_to_left. A child is where in `records` its record is, or ~leaf.
WORDS, CHILDREN = np.uint64(10), np.uint64(6)

# roots    : (n_trees,) int32, children
# records  : (WORDS * n_records,) uint32
# leaf_id  : (n_leaves,) int32, ids of nodes, counted from 0 in each tree, as `parent` is
# value    : (n_leaves, n_values) float64
# parent   : (n_nodes,) int32
# first    : (n_trees + 1,) int64, of the nodes of each tree
Packed = namedtuple("Packed", "roots records leaf_id value parent first")


def pack(trees):
    children = [np.stack([tree.left, tree.right], axis=1).astype(np.int64, copy=False) for tree in trees]
    counts = np.array([_count(pairs) for pairs in children])
    n_records, n_leaves = counts.sum(axis=0)
    first = np.cumsum([0, *map(len, children)])
    packed = Packed(
        np.empty(len(trees), dtype=np.int32),
        np.empty(int(WORDS) * n_records, dtype=np.uint32),
        np.empty(n_leaves, dtype=np.int32),
        np.empty((n_leaves, np.asarray(trees[0].value)[0].size), dtype=np.float64),
        np.empty(first[-1], dtype=np.int32),
        first,
    )
    starts = np.cumsum(counts, axis=0) - counts
    for t, (tree, pairs) in enumerate(zip(trees, children, strict=True)):
        side = 2 * np.asarray(tree.feature, dtype=np.int64) + np.asarray(tree.missing_go_to_left, dtype=np.uint8)
        value = np.ascontiguousarray(tree.value, dtype=np.float64).reshape(len(side), -1)
        _pack(pairs, _keys(_rounded_down(np.asarray(tree.threshold))), side, value, t, *starts[t], packed)
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
    leaves = apply(forest, X)
    indptr = np.zeros(len(leaves) + 1, dtype=np.int64)
    row_cost = DEPTH * len(forest.roots)
    launch(_count_passed, len(leaves), (forest.parent, forest.first, leaves, indptr[1:]), row_cost)
    np.cumsum(indptr, out=indptr)
    nodes = np.empty(indptr[-1], dtype=np.int64)
    launch(_list_passed, len(leaves), (forest.parent, forest.first, leaves, indptr[1:], nodes), row_cost)
    return nodes, indptr


def _launch(kernel, forest, X, *args):
    """Whole tiles: each reads the trees into cache, so that many rows should share one, but not all."""
    n_tile = max(1, min(TILE // max(1, X.shape[1]), max(64, len(X) // 16)))
    row_cost = X.shape[1] + DEPTH * len(forest.roots)
    launch(kernel, -(-len(X) // n_tile), (forest, X, *args, n_tile), row_cost * n_tile)


def _dense_blocks(X):
    """(start, stop, rows as an array) that cover `X`."""
    if not issparse(X):
        yield 0, len(X), np.ascontiguousarray(X)
        return
    n_rows = max(1, DENSE // max(1, X.shape[1]))
    for start in range(0, X.shape[0], n_rows):
        stop = min(start + n_rows, X.shape[0])
        yield start, stop, X[start:stop].toarray()


def _rounded_down(threshold):
    with np.errstate(over="ignore"):
        nearest = threshold.astype(np.float32)
    return np.where(nearest > threshold, np.nextafter(nearest, np.float32(-np.inf)), nearest)


def _keys(threshold):
    """Integers in the order of the thresholds, as `_key` makes them of X."""
    bits = (threshold + np.float32(0)).view(np.int32)  # of the zeros the positive one, so that -0 <= threshold
    return bits ^ ((bits >> 31) & MISSING_RIGHT)


@kernel
def _count(children):
    """Records and leaves of a tree: a split has a record of its own at each second level."""
    n_records = n_leaves = 0
    odd = np.zeros(len(children), dtype=np.bool_)
    for node in range(len(children)):
        if children[node, 0] < 0:
            n_leaves += 1
        else:
            n_records += not odd[node]
            odd[children[node, 0]] = odd[children[node, 1]] = not odd[node]
    return n_records, n_leaves


@kernel
def _pack(children, key, side, value, t, record, leaf, packed):
    at = np.full(len(children), -1, dtype=np.int32)  # what parents write down: the record, ~leaf, or not yet known
    odd = np.zeros(len(children), dtype=np.bool_)
    parent = packed.parent[packed.first[t] : packed.first[t + 1]]
    parent[0] = -1
    for node in range(len(children)):
        if children[node, 0] < 0:
            packed.leaf_id[leaf], packed.value[leaf] = node, value[node]
            at[node] = ~leaf
            leaf += 1
            continue
        if not odd[node]:
            at[node] = record * WORDS
            record += 1
        for child in children[node]:
            parent[child], odd[child] = node, not odd[node]
    packed.roots[t] = at[0]
    for node in range(len(children)):
        if children[node, 0] >= 0 and not odd[node]:
            _fill(packed.records[at[node] :], children, key, side, at, node)


@kernel(inline="always")
def _fill(record, children, key, side, at, node):
    record[0], record[1] = key[node], side[node]
    for s in range(2):
        below = children[node, s]
        is_leaf = children[below, 0] < 0
        record[2 + 2 * s], record[3 + 2 * s] = (0, 0) if is_leaf else (key[below], side[below])
        for g in range(2):
            record[6 + 2 * s + g] = at[below] if is_leaf else at[children[below, g]]


@kernel
def _apply(forest, X, leaves, n_tile, start, stop):
    rows, at = np.empty(n_tile, np.uint32), np.empty(n_tile, np.uint32)
    for first in range(start * n_tile, min(stop * n_tile, len(X)), n_tile):
        n_rows = min(n_tile, len(X) - first)
        tile, shift = _tile(X[first : first + n_rows])
        width = len(tile) // n_rows
        for t in range(len(forest.roots)):
            _descend(forest.roots[t], forest.records, tile, width, shift, rows, at)
            for i in range(n_rows):
                leaves[first + i, t] = forest.leaf_id[~tile[i * width]]


@kernel
def _predict(forest, X, sums, n_groups, n_tile, start, stop):
    rows, at = np.empty(n_tile, np.uint32), np.empty(n_tile, np.uint32)
    n_values = np.uint64(forest.value.shape[1])
    for first in range(start * n_tile, min(stop * n_tile, len(X)), n_tile):
        n_rows = min(n_tile, len(X) - first)
        tile, shift = _tile(X[first : first + n_rows])
        width, out = np.uint64(len(tile) // n_rows), sums[first : first + n_rows]
        for t in range(len(forest.roots)):
            _descend(forest.roots[t], forest.records, tile, width, shift, rows, at)
            column = np.uint64(t % n_groups) * n_values
            for v in range(n_values):
                for i in range(n_rows):
                    leaf = np.uint64(~tile[np.uint64(i) * width])
                    out[np.uint64(i), column + np.uint64(v)] += forest.value[leaf, np.uint64(v)]


@kernel
def _tile(X):
    """Rows of one word for the leaf and then the values as integers in their order, like the keys of thresholds.

    Where some are missing each feature has two, for splits that send them to the right and to the left, and sides
    are columns; else the shift of 1 takes a side to its feature.
    """
    n_rows, n_features = X.shape
    bits, any_missing = X.view(np.int32), False
    for i in range(n_rows):
        for j in range(n_features):
            any_missing |= np.isnan(X[i, j])
    n_keys = 2 if any_missing else 1
    tile = np.empty((n_rows, 1 + n_keys * n_features), dtype=np.int32)
    for i in range(n_rows):
        for j in range(n_features):
            key = bits[i, j] ^ ((bits[i, j] >> 31) & MISSING_RIGHT)
            if any_missing:
                tile[i, 1 + 2 * j] = MISSING_RIGHT if np.isnan(X[i, j]) else key
                tile[i, 2 + 2 * j] = MISSING_LEFT if np.isnan(X[i, j]) else key
            else:
                tile[i, 1 + j] = key
    return tile.reshape(-1), np.uint32(2 - n_keys)


@kernel
def _descend(root, records, tile, width, shift, rows, at):
    """Write ~leaf into the first word of each row of `tile`, of which all but the first record are reached by `at`."""
    # Those on their way are kept together in `rows`. Unsigned all along: an index that might be negative is checked,
    # which takes as long as all the rest.
    n_left = len(tile) // width
    for i in range(n_left):
        rows[i], at[i], tile[i * width] = i * width, root, root
    while root >= 0 and n_left > 0:
        n_stay = np.uint64(0)
        for k in range(n_left):
            row, split = np.uint64(rows[np.uint64(k)]), np.uint64(at[np.uint64(k)])
            values = row + np.uint64(1)
            x = tile[values + np.uint64(records[split + np.uint64(1)] >> shift)]
            right = np.uint64(x > np.int32(records[split]))
            below = split + right + right
            x = tile[values + np.uint64(records[below + np.uint64(3)] >> shift)]
            right = np.uint64(x > np.int32(records[below + np.uint64(2)]))
            child = np.int32(records[below + CHILDREN + right])
            tile[row] = child
            rows[n_stay], at[n_stay] = row, child
            n_stay += np.uint64(child >= 0)
        n_left = np.int64(n_stay)


@kernel
def _count_passed(parent, first, leaves, n_passed, start, stop):
    for i in range(start, stop):
        for t in range(leaves.shape[1]):
            node = leaves[i, t]
            while node >= 0:
                node = parent[first[t] + node]
                n_passed[i] += 1


@kernel
def _list_passed(parent, first, leaves, ends, nodes, start, stop):
    for i in range(start, stop):
        end = ends[i]
        for t in range(leaves.shape[1] - 1, -1, -1):
            node = leaves[i, t]
            while node >= 0:
                end -= 1
                nodes[end] = first[t] + node
                node = parent[first[t] + node]
