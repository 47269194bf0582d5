from itertools import pairwise

import numpy as np

from .._neighbors import Tree, leaf_bounds, n_leaves_for


def nearest(X, queries, n_neighbors, metric):
    """The nearest samples of each query, found by comparing it with all.

    Parameters
    ----------
    X : (n_samples, n_features) float32 or float64
        Finite.
    queries : (n_queries, n_features), dtype of X
    n_neighbors : int
        At most n_samples.
    metric : "euclidean", "manhattan" or "chebyshev"

    Returns
    -------
    dists : (n_queries, n_neighbors) float64
        In the units of X, ascending. From differences of features, in float64; on a GPU in the dtype of X.
    indices : (n_queries, n_neighbors) int64
        The lowest index wins ties.
    """
    dists = np.empty((len(queries), n_neighbors))
    indices = np.empty((len(queries), n_neighbors), dtype=np.int64)
    for i, query in enumerate(queries):
        to_all = _distances(X.astype(np.float64), query.astype(np.float64), metric)
        indices[i] = to_all.argsort(kind="stable")[:n_neighbors]
        dists[i] = to_all[indices[i]]
    return dists, indices


def grow(X, leaf_size):
    """A balanced kd-tree: each node is cut in halves along the feature in which its samples spread most.

    Parameters
    ----------
    X : (n_samples, n_features) float32 or float64
        Finite.
    leaf_size : int
        No leaf holds more samples.

    Returns
    -------
    tree : Tree
        In float64.
    """
    n_samples, n_features = X.shape
    X = X.astype(np.float64)
    n_leaves = n_leaves_for(n_samples, leaf_size)
    bounds = leaf_bounds(n_samples, n_leaves)
    axes, gaps = np.zeros(n_leaves - 1, dtype=np.int64), np.zeros((n_leaves - 1, 2))
    order = np.arange(n_samples)
    for node in range(n_leaves - 1):
        level = (node + 1).bit_length() - 1
        of_node = n_leaves >> level  # leaves below it
        first = (node + 1 - (1 << level)) * of_node
        start, middle, stop = bounds[first], bounds[first + of_node // 2], bounds[first + of_node]
        rows = order[start:stop]
        axes[node] = np.ptp(X[rows], axis=0).argmax() if len(rows) else 0
        rows = order[start:stop] = rows[X[rows, axes[node]].argsort(kind="stable")]
        values = np.concatenate(([-np.inf], X[rows, axes[node]], [np.inf]))
        gaps[node] = values[middle - start], values[middle - start + 1]
    width = max(np.diff(bounds))
    points = np.full((n_leaves, n_features, width), np.inf)
    padded = np.full((n_leaves, width), n_samples)
    for leaf, (start, stop) in enumerate(pairwise(bounds)):
        points[leaf, :, : stop - start] = X[order[start:stop]].T
        padded[leaf, : stop - start] = order[start:stop]
    return Tree(points, padded, axes, gaps, np.array([X.min(axis=0), X.max(axis=0)]), n_samples)


def nearest_in_tree(tree, queries, n_neighbors, metric):
    """The nearest samples of each query, found in a tree; see :func:`nearest`.

    Parameters
    ----------
    tree : Tree
        Of :func:`grow`.
    queries : (n_queries, n_features) float32 or float64
    n_neighbors : int
    metric : "euclidean", "manhattan" or "chebyshev"

    Returns
    -------
    dists : (n_queries, n_neighbors) float64
    indices : (n_queries, n_neighbors) int64
    """
    X = np.empty((tree.n_samples, tree.points.shape[1]))
    there = tree.rows < tree.n_samples
    X[tree.rows[there]] = tree.points.transpose(0, 2, 1)[there]
    return nearest(X, queries, n_neighbors, metric)


def _distances(X, query, metric):
    diff = np.abs(X - query)
    if metric == "manhattan":
        return diff.sum(axis=1)
    return diff.max(axis=1) if metric == "chebyshev" else np.sqrt((diff**2).sum(axis=1))
