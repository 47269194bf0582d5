"""Forests as a CPU predicts from them."""

from collections import namedtuple

import numpy as np

from .. import _boosting

# forest : Forest
# tests  : Tests; None where a tree is large, or the codes of a feature are not bytes
Prepared = namedtuple("Prepared", "forest tests")

Tests = namedtuple("Tests", "trees nodes features n_edges edges left_codes values known")
Tests.__doc__ = """The inner nodes of many trees as tests of codes, a byte for each value of a sample.

The code of a number is 1 and how many of the thresholds that its feature is compared with are smaller; of a category
1 and itself; of what is missing 0.

Parameters
----------
trees : (n_trees, 3) int64
    The first test of each tree, the end of its tests, and its root among all nodes.
nodes : (n_tests,) TEST
    Parents before their children.
features : (n_columns,) int64
    What each column of codes is made of.
n_edges : (n_columns,) int64
    Of numbers how many thresholds are finite, or 1; 0 for categories.
edges : (n_columns, 256) float64
    The thresholds, ascending, then infinity.
left_codes : (n_bitsets, 256) uint8
    Whether each code of a category goes to the left.
values, known
    As in Forest.
"""

TEST = np.dtype(
    [
        ("column", np.int32),
        ("bitset", np.int32),  # of categories that go to the left; -1 for numbers
        ("node", np.uint16),  # counted from the root, like its children
        ("left", np.uint16),
        ("right", np.uint16),
        ("shift", np.uint8),  # the last code, less `shift` and modulo 256, that goes to the left
        ("last", np.uint8),
    ]
)
MOST_NODES = 512  # of a tree: to go down a larger one takes less time than all its tests
MOST_EDGES = 254  # finite thresholds of a feature


def assemble(trees, known):
    forest = _boosting.assemble(trees, known)
    return Prepared(forest, _tests(forest))


def _tests(forest):
    """The :class:`Tests` of a forest, or None."""
    roots, n_nodes = forest.roots.ravel(), len(forest.flags)
    node = np.flatnonzero(forest.flags & 4 == 0)
    children, flags, threshold = forest.children[node], forest.flags[node], forest.threshold[node]
    ordered = (children > node[:, None]).all()
    if not ordered or np.diff(roots, append=n_nodes).max() > MOST_NODES or (forest.known[:, 7] >> 31).any():
        return None
    categorical, missing_left = flags & 2 != 0, flags & 1
    keys, column = np.unique(2 * forest.feature[node] + categorical, return_inverse=True)
    n_edges, edges, rank = _edges(np.where(categorical, np.inf, threshold), column, len(keys))
    if n_edges.max(initial=0) > MOST_EDGES:
        return None
    bitset = np.where(categorical, threshold, -1).astype(np.int32)
    starts = np.searchsorted(node, [*roots, n_nodes])
    root = np.repeat(roots, np.diff(starts))
    nodes = np.empty(len(node), dtype=TEST)
    nodes["column"], nodes["bitset"] = column, bitset
    nodes["node"], nodes["left"], nodes["right"] = node - root, *(children - root[:, None]).T
    nodes["shift"], nodes["last"] = 1 - missing_left, rank + missing_left
    return Tests(
        np.column_stack((starts[:-1], starts[1:], roots)),
        nodes,
        (keys >> 1).astype(np.int64),
        np.where(keys & 1, 0, np.maximum(n_edges, 1)),
        edges,
        _left_codes(forest.left_categories, bitset[categorical], missing_left[categorical]),
        forest.value,
        forest.known,
    )


def _left_codes(left_categories, bitset, missing_left):
    bits = np.unpackbits(left_categories.astype("<u4").view(np.uint8), axis=1, bitorder="little")
    left_codes = np.roll(bits, 1, axis=1)
    left_codes[bitset, 0] = missing_left
    return left_codes


def _edges(threshold, column, n_columns):
    """Of each column: how many finite thresholds it has, and all of them; and the place of each threshold there."""
    order = np.lexsort((threshold, column))
    threshold, column = threshold[order], column[order]
    new = np.append(True, (threshold[1:] != threshold[:-1]) | (column[1:] != column[:-1]))[: len(order)]
    place = new.cumsum() - 1
    place -= place[np.searchsorted(column, np.arange(n_columns))][column]
    edges, rank = np.full((n_columns, 256), np.inf), np.empty_like(place)
    edges[column, place.clip(max=255)], rank[order] = threshold, place
    return np.bincount(column[new & (threshold < np.inf)], minlength=n_columns), edges, rank
