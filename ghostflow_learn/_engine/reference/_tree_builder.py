"""The nodes of a tree that grows, and the order in which the best of them are split."""

from collections import namedtuple

import numpy as np

from .._trees import LEAF, UNDEFINED, Nodes
from ._tree_criteria import criterion
from ._tree_search import Search

EPSILON = np.finfo(np.float64).eps  # an impurity, or a gain, that is none but for rounding

# Samples start to stop that will be a node; its value must be within the bounds.
Place = namedtuple("Place", "parent is_left start stop depth impurity lower upper n_constant")
# A node, and how to split it: None for a leaf. `middle` is between the values of its children.
Grown = namedtuple("Grown", "node place split middle")


class Builder:
    def __init__(self, X, y, sample_weight, growth, seed):
        self.growth, self.is_constrained = growth, len(growth.monotonic_cst) > 0
        n_samples = X.shape[0]
        samples = list(range(n_samples)) if sample_weight is None else np.flatnonzero(sample_weight).tolist()
        self.criterion = criterion(growth.criterion, y, sample_weight, samples, growth.n_classes)
        self.search = Search(X, samples, self.criterion, growth, seed)
        self.samples, self.leaves = samples, np.full(n_samples, -1, dtype=np.int64)
        self.columns = {name: [] for name in Nodes._fields[:-1]}
        self.max_depth = 0

    def root(self):
        return Place(None, False, 0, len(self.samples), 0, None, -np.inf, np.inf, 0)

    def add(self, place):
        """Make a node of the samples, and look for its split."""
        node, place, split, middle = len(self.columns["left"]), self._with_impurity(place), None, None
        if not self._is_leaf(place):
            bounds = place.lower, place.upper
            split, n_constant = self.search.split(place.start, place.stop, place.impurity, *bounds, place.n_constant)
            place = place._replace(n_constant=n_constant)
            if split is not None and split.improvement + EPSILON < self.growth.min_impurity_decrease:
                split = None
        if self.is_constrained and split is not None:
            middle = self.criterion.middle()
        self._append(node, place, split)
        return Grown(node, place, split, middle)

    def children(self, grown):
        """The places of the two children."""
        (lower, upper), middle, split, place = grown.place[6:8], grown.middle, grown.split, grown.place
        sign = self.growth.monotonic_cst[split.feature] if self.is_constrained else 0
        left = {1: (lower, middle), -1: (middle, upper), 0: (lower, upper)}[int(sign)]
        right = {1: (middle, upper), -1: (lower, middle), 0: (lower, upper)}[int(sign)]
        depth, n_constant = place.depth + 1, place.n_constant
        return (
            Place(grown.node, True, place.start, split.position, depth, split.impurity_left, *left, n_constant),
            Place(grown.node, False, split.position, place.stop, depth, split.impurity_right, *right, n_constant),
        )

    def make_leaf(self, node):
        for name, value in {"left": LEAF, "right": LEAF, "feature": UNDEFINED, "threshold": UNDEFINED}.items():
            self.columns[name][node] = value

    def nodes(self):
        dtypes = dict.fromkeys(("threshold", "impurity", "weighted_n_node_samples", "value"), np.float64)
        dtypes["missing_go_to_left"] = np.uint8
        arrays = {name: np.array(values, dtype=dtypes.get(name, np.int64)) for name, values in self.columns.items()}
        return Nodes(**arrays, max_depth=self.max_depth)

    def _with_impurity(self, place):
        self.criterion.start_node(place.start, place.stop)
        return place if place.impurity is not None else place._replace(impurity=self.criterion.impurity())

    def _is_leaf(self, place):
        growth, n_samples = self.growth, place.stop - place.start
        return (
            place.depth >= growth.max_depth
            or n_samples < growth.min_samples_split
            or n_samples < 2 * growth.min_samples_leaf
            or self.criterion.weight < 2 * growth.min_weight_leaf
            or place.impurity <= EPSILON
        )

    def _append(self, node, place, split):
        feature, threshold, to_left = (UNDEFINED, UNDEFINED, 0) if split is None else (split[0], *split[2:4])
        value = self.criterion.value()
        if self.is_constrained:
            value = self.criterion.clipped(value, place.lower, place.upper)
        row = (
            -1,
            -1,
            feature,
            threshold,
            to_left,
            place.impurity,
            place.stop - place.start,
            self.criterion.weight,
            value,
        )
        for values, entry in zip(self.columns.values(), row, strict=True):
            values.append(entry)
        if place.parent is not None:
            self.columns["left" if place.is_left else "right"][place.parent] = node
        self.leaves[self.samples[place.start : place.stop]] = node
        self.max_depth = max(self.max_depth, place.depth)


class Frontier:
    """Nodes that may be split, the one that gains most first; of equal ones, that of libstdc++'s binary heap."""

    def __init__(self):
        self.heap = []

    def push(self, grown):
        self.heap.append(grown)
        self._rise(len(self.heap) - 1, 0)

    def pop(self):
        """Its root leaves a hole, which sinks to the end of the heap, where the last node fills it and rises."""
        best, last = self.heap[0], self.heap.pop()
        if self.heap:
            hole, n = 0, len(self.heap)
            while 2 * hole + 1 < n:
                child = 2 * hole + 2
                if child == n or _gain(self.heap[child]) < _gain(self.heap[child - 1]):
                    child -= 1
                self.heap[hole] = self.heap[child]
                hole = child
            self.heap[hole] = last
            self._rise(hole, 0)
        return best

    def _rise(self, place, top):
        heap = self.heap
        grown = heap[place]
        while place > top and _gain(heap[(place - 1) // 2]) < _gain(grown):
            heap[place] = heap[(place - 1) // 2]
            place = (place - 1) // 2
        heap[place] = grown


def _gain(grown):
    return 0.0 if grown.split is None else grown.split.improvement
