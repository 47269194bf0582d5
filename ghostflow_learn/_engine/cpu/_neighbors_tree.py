"""A kd-tree: grown level by level, searched query by query."""

from collections import namedtuple

import numpy as np

from .._neighbors import METRICS, Tree, n_leaves_for
from ._jit import FASTMATH, kernel
from ._launch import launch

PASS = 32  # multiply-adds in the time that one sample takes on one level of the tree
VISIT = 2000  # multiply-adds in the time that a query takes besides distances
FINITE = FASTMATH | {"nnan"}  # data are finite: a minimum that need not look for NaN vectorises
EUCLIDEAN, MANHATTAN, CHEBYSHEV = range(3)
ROUNDING = 2.0**-52  # of a bound, for each feature: a sample as far as the last neighbour must not be cut off

# What is left to visit of a search: nodes, lower bounds of distances to them, and those bounds feature by feature.
Stack = namedtuple("Stack", "node bound sides")


def grow(X, leaf_size):
    n_samples, n_features = X.shape
    n_leaves = n_leaves_for(n_samples, leaf_size)
    axes, gaps = np.zeros(n_leaves - 1, dtype=np.int64), np.zeros((n_leaves - 1, 2))
    order = np.arange(n_samples)
    n_nodes = 1
    while n_nodes < n_leaves:
        args = (X, order, axes, gaps, n_leaves, n_nodes)
        launch(_cut, n_nodes, args, PASS * n_features * n_samples / n_nodes)
        n_nodes *= 2
    width = -(-n_samples // n_leaves)
    points = np.full((n_leaves, n_features, width), np.inf)
    rows = np.full((n_leaves, width), n_samples, dtype=np.int64)
    launch(_fill, n_leaves, (X, order, points, rows), 8 * n_features * width)
    box = np.array([X.min(axis=0), X.max(axis=0)], dtype=np.float64)
    return Tree(points, rows, axes, gaps, box, n_samples)


def nearest_in_tree(tree, queries, n_neighbors, metric):
    n_queries = len(queries)
    dists = np.full((n_queries, n_neighbors), np.inf)
    indices = np.full((n_queries, n_neighbors), tree.n_samples, dtype=np.int64)
    queries = np.ascontiguousarray(queries, dtype=np.float64)
    leaves, n_features, width = tree.points.shape
    row_cost = VISIT + 16 * n_features * min(tree.n_samples, width + 4 * n_neighbors)
    launch(_search, n_queries, (*tree[:5], queries, METRICS.index(metric), dists, indices), row_cost)
    return dists, indices


@kernel(fastmath=FINITE)
def _cut(X, order, axes, gaps, n_leaves, n_nodes, start, stop):
    n_samples, n_features = X.shape
    for node in range(start, stop):
        first = n_samples * node // n_nodes
        last = n_samples * (node + 1) // n_nodes
        middle = n_samples * (2 * node + 1) // (2 * n_nodes)
        rows = order[first:last]
        low, high = np.full(n_features, np.inf), np.full(n_features, -np.inf)
        for row in rows:
            for j in range(n_features):
                low[j], high[j] = min(low[j], X[row, j]), max(high[j], X[row, j])
        axis = 0
        for j in range(1, n_features):
            if high[j] - low[j] > high[axis] - low[axis]:
                axis = j
        values = np.empty(len(rows))
        for i in range(len(rows)):
            values[i] = X[rows[i], axis]
        _halve(values, rows, middle - first)
        here = n_nodes - 1 + node
        largest = -np.inf
        for i in range(middle - first):
            largest = max(largest, values[i])
        axes[here], gaps[here, 0] = axis, largest
        gaps[here, 1] = values[middle - first] if middle < last else np.inf


@kernel(inline="always")
def _halve(values, rows, middle):
    # Quickselect: what comes before `middle` is no larger than what comes after.
    low, high = 0, len(values) - 1
    while low < high:
        a, b, c = values[low], values[(low + high) // 2], values[high]
        pivot = max(min(a, b), min(max(a, b), c))
        i, j = low, high
        while i <= j:
            while values[i] < pivot:
                i += 1
            while values[j] > pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                rows[i], rows[j] = rows[j], rows[i]
                i += 1
                j -= 1
        if middle <= j:
            high = j
        elif middle >= i:
            low = i
        else:
            return


@kernel
def _fill(X, order, points, rows, start, stop):
    n_samples, n_leaves = len(X), len(points)
    for leaf in range(start, stop):
        first = n_samples * leaf // n_leaves
        for i in range(first, n_samples * (leaf + 1) // n_leaves):
            rows[leaf, i - first] = order[i]
            for j in range(X.shape[1]):
                points[leaf, j, i - first] = X[order[i], j]


@kernel(fastmath=FINITE)
def _search(points, rows, axes, gaps, box, queries, metric, dists, indices, start, stop):
    n_leaves, n_features, width = points.shape
    depth = 2
    while n_leaves >> depth:
        depth += 1
    stack = Stack(np.empty(depth, dtype=np.int64), np.empty(depth), np.empty((depth, n_features)))
    side, from_query = np.empty(n_features), np.empty(width)
    shrink = 1 - ROUNDING * (n_features + 4)
    for i in range(start, stop):
        query, heap_dists, heap_rows = queries[i], dists[i], indices[i]
        stack.node[0], stack.bound[0] = 0, _enter(box, query, metric, stack.sides[0])
        n_left = 1
        while n_left:
            n_left -= 1
            node, bound = stack.node[n_left], stack.bound[n_left]
            if bound * shrink > heap_dists[0]:
                continue
            for j in range(n_features):
                side[j] = stack.sides[n_left, j]
            while node < n_leaves - 1:
                axis = axes[node]
                to_left, to_right = query[axis] - gaps[node, 0], gaps[node, 1] - query[axis]
                near = 2 * node + 1 if to_left < to_right else 2 * node + 2
                beyond = max(side[axis], max(to_left, to_right))
                far_bound = _replaced(bound, side[axis], beyond, metric)
                if far_bound * shrink <= heap_dists[0]:
                    stack.node[n_left], stack.bound[n_left] = 4 * node + 3 - near, far_bound
                    for j in range(n_features):
                        stack.sides[n_left, j] = side[j]
                    stack.sides[n_left, axis] = beyond
                    n_left += 1
                node = near
            leaf = node - (n_leaves - 1)
            _measure(points[leaf], query, metric, from_query)
            _offer(from_query, rows[leaf], heap_dists, heap_rows)
        _sort(heap_dists, heap_rows)
        if metric == EUCLIDEAN:
            for j in range(len(heap_dists)):
                heap_dists[j] = np.sqrt(heap_dists[j])


@kernel(inline="always")
def _enter(box, query, metric, side):
    bound = 0.0
    for j in range(len(query)):
        side[j] = max(0.0, max(box[0, j] - query[j], query[j] - box[1, j]))
        bound = _replaced(bound, 0.0, side[j], metric)
    return bound


@kernel(inline="always")
def _replaced(bound, old, new, metric):
    # The bound after the distance along one feature has grown.
    if metric == EUCLIDEAN:
        return bound + (new - old) * (new + old)
    if metric == MANHATTAN:
        return bound + (new - old)
    return max(bound, new)


@kernel(inline="always")
def _measure(points, query, metric, from_query):
    # Feature by feature, so that samples lie side by side in a vector.
    n_features, width = points.shape
    from_query[:] = 0
    for j in range(n_features):
        x, values = query[j], points[j]
        if metric == EUCLIDEAN:
            for r in range(width):
                from_query[r] += (values[r] - x) ** 2
        elif metric == MANHATTAN:
            for r in range(width):
                from_query[r] += abs(values[r] - x)
        else:
            for r in range(width):
                from_query[r] = max(from_query[r], abs(values[r] - x))


@kernel(inline="always")
def _offer(from_query, rows, heap_dists, heap_rows):
    least = from_query[0]
    for r in range(len(from_query)):
        least = min(least, from_query[r])
    if least > heap_dists[0]:
        return
    for r in range(len(from_query)):
        if from_query[r] <= heap_dists[0]:
            _push(heap_dists, heap_rows, from_query[r], rows[r])


@kernel(inline="always")
def _push(heap_dists, heap_rows, dist, row):
    # A heap with the farthest on top; of two as far, the one that comes later in the data.
    if dist < heap_dists[0] or (dist == heap_dists[0] and row < heap_rows[0]):
        _sift(heap_dists, heap_rows, len(heap_dists), dist, row)


@kernel(inline="always")
def _sift(heap_dists, heap_rows, size, dist, row):
    here = 0
    while True:
        child = 2 * here + 1
        if child >= size:
            break
        if child + 1 < size and (
            heap_dists[child + 1] > heap_dists[child]
            or (heap_dists[child + 1] == heap_dists[child] and heap_rows[child + 1] > heap_rows[child])
        ):
            child += 1
        if heap_dists[child] < dist or (heap_dists[child] == dist and heap_rows[child] <= row):
            break
        heap_dists[here], heap_rows[here] = heap_dists[child], heap_rows[child]
        here = child
    heap_dists[here], heap_rows[here] = dist, row


@kernel(inline="always")
def _sort(heap_dists, heap_rows):
    for last in range(len(heap_dists) - 1, 0, -1):
        dist, row = heap_dists[last], heap_rows[last]
        heap_dists[last], heap_rows[last] = heap_dists[0], heap_rows[0]
        _sift(heap_dists, heap_rows, last, dist, row)
