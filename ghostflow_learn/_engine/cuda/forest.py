from collections import namedtuple

import cupy as cp
import numpy as np

from ._launch import PLAIN_SHARED_BYTES, launch

SAMPLES_PER_BLOCK = 128
KEPT = PLAIN_SHARED_BYTES // (4 * SAMPLES_PER_BLOCK)  # features of a sample that fit into shared memory
BLOCKS = 4096  # enough for any GPU: fewer samples share out the trees
LEAVES = 2**26  # of as many samples and trees at a time

# nodes  : (n_nodes, 4) int32, as the kernel describes them
# first  : (n_trees + 1,) int64, of the nodes of each tree
# value  : (n_nodes, n_values) float64
# parent : (n_nodes,) int32, counted from 0 in each tree, -1 of a root
Packed = namedtuple("Packed", "nodes first value parent")


def pack(trees):
    first = np.cumsum([0, *(len(tree.left) for tree in trees)])
    nodes, parent = np.empty((first[-1], 4), dtype=np.int32), np.full(first[-1], -1, dtype=np.int32)
    for start, stop, tree in zip(first[:-1], first[1:], trees, strict=True):
        side = 2 * np.asarray(tree.feature, dtype=np.int64) + np.asarray(tree.missing_go_to_left, dtype=np.uint8)
        nodes[start:stop] = np.stack([_keys(np.asarray(tree.threshold)), side, tree.left, tree.right], axis=1)
        for children in nodes[start:stop, 2:].T:
            splits = np.flatnonzero(children >= 0)
            parent[start:stop][children[splits]] = splits
    value = np.concatenate([np.asarray(tree.value, dtype=np.float64).reshape(len(tree.value), -1) for tree in trees])
    return Packed(*map(cp.asarray, (nodes, first, value, parent)))


def apply(forest, X):
    result = cp.empty((len(X), len(forest.first) - 1), dtype=cp.int64)
    for rows, leaves in _leaves(forest, X):
        result[rows] = leaves.T
    return result


def predict(forest, X, n_groups=1, start=None):
    n_values = forest.value.shape[1]
    sums = cp.zeros((len(X), n_groups * n_values)) if start is None else start.copy()
    for rows, leaves in _leaves(forest, X):
        part = sums[rows]
        args = (leaves, forest.first, forest.value, part, len(part), len(leaves), n_values, n_groups)
        launch("forest", "add_values", part.size, args)
    return sums


def paths(forest, X):
    leaves = apply(forest, X)
    n_passed = cp.empty(leaves.shape, dtype=cp.int64)
    sizes = (leaves.size, leaves.shape[1])
    launch("forest", "count_passed", leaves.size, (leaves, forest.first, forest.parent, n_passed, *sizes))
    ends = n_passed.cumsum()
    indptr = cp.zeros(len(X) + 1, dtype=cp.int64)
    indptr[1:] = ends.reshape(leaves.shape)[:, -1]
    nodes = cp.empty(int(indptr[-1]), dtype=cp.int64)
    launch("forest", "list_passed", leaves.size, (leaves, forest.first, forest.parent, ends, nodes, *sizes))
    return nodes, indptr


def _leaves(forest, X):
    """(rows, their leaves (n_trees, n_rows) int32) that cover `X`."""
    X, n_trees = cp.ascontiguousarray(X), len(forest.first) - 1
    n_kept = X.shape[1] if X.shape[1] <= KEPT else 0
    n_rows = max(1, LEAVES // n_trees)
    for start in range(0, len(X), n_rows):
        block = X[start : start + n_rows]
        leaves = cp.empty((n_trees, len(block)), dtype=cp.int32)
        n_blocks = -(-len(block) // SAMPLES_PER_BLOCK)
        launch(
            "forest",
            "find_leaves",
            len(block),
            (block, forest.nodes, forest.first, leaves, *block.shape, n_kept, n_trees),
            block=SAMPLES_PER_BLOCK,
            grid=(n_blocks, min(n_trees, max(1, BLOCKS // n_blocks))),
            shared_bytes=4 * SAMPLES_PER_BLOCK * n_kept,
        )
        yield slice(start, start + len(block)), leaves


def _keys(threshold):
    """Integers in the order of the thresholds rounded down to float32, without -0."""
    with np.errstate(over="ignore"):
        nearest = threshold.astype(np.float32)
    below = np.where(nearest > threshold, np.nextafter(nearest, np.float32(-np.inf)), nearest)
    bits = (below + np.float32(0)).view(np.int32)
    return bits ^ ((bits >> 31) & np.int32(0x7FFFFFFF))
