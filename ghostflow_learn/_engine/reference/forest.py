"""Prediction by many trees: the leaf each sample comes to in each tree, and the sums of the leaves' values."""

import numpy as np
from scipy.sparse import issparse

from .._trees import Forest


def pack(trees):
    """The nodes of many trees in the arrays that this engine predicts from; only the ops below look into them.

    Parameters
    ----------
    trees : list of Nodes, at least one, arrays in host memory
        Used are `left` and `right` (negative in a leaf), `feature`, `threshold`, `missing_go_to_left` and `value`,
        (n_nodes, ...) of the same shape behind the first axis in all trees. Ids of children are larger than their
        parent's.

    Returns
    -------
    forest : Forest
        On this engine's device. Thresholds are rounded down to float32, so that ``x <= threshold`` is as true of a
        float32 x as before.
    """
    sizes = [len(tree.left) for tree in trees]
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    left, right, feature, threshold, missing_go_to_left, value = (
        np.concatenate([np.asarray(getattr(tree, name)) for tree in trees])
        for name in ("left", "right", "feature", "threshold", "missing_go_to_left", "value")
    )
    value = np.ascontiguousarray(value, dtype=np.float64).reshape(len(value), -1)
    children = np.c_[left, right].astype(np.int32)
    return Forest(offsets, children, feature.astype(np.int32), _rounded_down(threshold), missing_go_to_left, value)


def apply(forest, X):
    """The leaf of each sample in each tree.

    Parameters
    ----------
    forest : Forest
    X : (n_samples, n_features) float32, or such a CSR matrix; NaN is missing

    Returns
    -------
    leaves : (n_samples, n_trees) int64
        Ids of nodes, counted from 0 in each tree.
    """
    leaves = [path[-1] for path in _paths_by_tree(forest, X)]
    return np.stack(leaves, axis=1)


def predict(forest, X, n_groups=1, start=None):
    """Sums of the values of the leaves that each sample comes to, added up in the order of the trees.

    Parameters
    ----------
    forest : Forest
    X : (n_samples, n_features) float32, or such a CSR matrix; NaN is missing
    n_groups : int, default=1
        Tree t adds to the sums of group ``t % n_groups``.
    start : (n_samples, n_groups * n_values) float64, default=None
        What the values are added to; zeros by default. It stays as it is.

    Returns
    -------
    sums : (n_samples, n_groups * n_values) float64
    """
    n_values = forest.value.shape[1]
    sums = np.zeros((X.shape[0], n_groups * n_values)) if start is None else start.copy()
    for t, leaves in enumerate(apply(forest, X).T):
        first = (t % n_groups) * n_values
        sums[:, first : first + n_values] += forest.value[forest.offsets[t] + leaves]
    return sums


def paths(forest, X):
    """The nodes that each sample passes, from the root of the first tree to the leaf of the last.

    Parameters
    ----------
    forest : Forest
    X : (n_samples, n_features) float32, or such a CSR matrix; NaN is missing

    Returns
    -------
    nodes : (n_passed,) int64
        Those of sample i are ``nodes[indptr[i] : indptr[i + 1]]``, counted through all trees.
    indptr : (n_samples + 1,) int64
    """
    passed = [offset + path for offset, path in zip(forest.offsets, _paths_by_tree(forest, X), strict=False)]
    by_sample = [
        np.concatenate([np.unique(path[:, i]) for path in passed]) for i in range(X.shape[0])
    ]  # a leaf is repeated until the deepest sample has come to its own
    indptr = np.cumsum([0, *map(len, by_sample)], dtype=np.int64)
    return np.concatenate([np.empty(0, dtype=np.int64), *by_sample]), indptr


def _paths_by_tree(forest, X):
    """Of each tree the nodes of all samples, one level a row; whoever is in a leaf stays there."""
    X = X.toarray() if issparse(X) else X
    rows = np.arange(len(X))
    for root, stop in zip(forest.offsets[:-1], forest.offsets[1:], strict=True):
        children = forest.children[root:stop]
        path = [np.zeros(len(X), dtype=np.int64)]
        while (children[path[-1], 0] >= 0).any():
            node = path[-1]
            x = X[rows, np.maximum(forest.feature[root + node], 0)]
            right = np.where(
                np.isnan(x), forest.missing_go_to_left[root + node] == 0, x > forest.threshold[root + node]
            )
            child = children[node, right.astype(np.int64)]
            path.append(np.where(child >= 0, child, node))
        yield np.stack(path)


def _rounded_down(threshold):
    with np.errstate(over="ignore"):
        nearest = threshold.astype(np.float32)
    return np.where(nearest > threshold, np.nextafter(nearest, np.float32(-np.inf)), nearest)
