"""How impure the samples of a node are, and its two parts while the position of a split moves through them.

Sums are taken in scikit-learn's order, from the nearer end, since a split is better than another one if its gain is
larger in the last bit.
"""

import math
from functools import reduce
from operator import add

import numpy as np

from .._trees import ABSOLUTE_ERROR, ENTROPY, GINI, POISSON, SQUARED_ERROR
from ._introsort import sort_together

NO_TARGET = 10 * np.finfo(np.float64).eps  # a sum of counts that is none but for rounding


def criterion(code, y, sample_weight, samples, n_classes):
    """The criterion of that code; `samples` is the list that the search for splits reorders."""
    return _CRITERIA[code](y, sample_weight, samples, n_classes)


class _Criterion:
    """What the criteria share; after ``start_node`` all samples are right of the split."""

    def __init__(self, y, sample_weight, samples, n_classes):
        self.y, self.samples, self.n_classes = y, samples, n_classes
        self.n_outputs = y.shape[1]
        self.sample_weight = np.ones(len(y)) if sample_weight is None else sample_weight
        self.weight_of_all = reduce(add, self.sample_weight, 0.0)

    def start_node(self, start, stop):
        self.start, self.stop = start, stop
        self.weight = reduce(add, (self.sample_weight[i] for i in self.samples[start:stop]), 0.0)
        self.reset()

    def improvement(self, impurity, left, right):
        """Decrease of the node's impurity by the split, times the part of all samples that is in the node."""
        decrease = impurity - self.weight_right / self.weight * right - self.weight_left / self.weight * left
        return self.weight / self.weight_of_all * decrease

    def gain(self):
        """Larger for a better split of this node; no more than that."""
        left, right = self.children_impurity()
        return -self.weight_right * right - self.weight_left * left

    def keeps_order(self, sign, lower, upper):
        """Whether the values of the children are within the bounds and do not fall, or for -1 do not rise."""
        left, right = self.children_values()
        return lower <= left <= upper and lower <= right <= upper and (left - right) * sign <= 0


class _OfSums(_Criterion):
    """A criterion of sums over the samples, which are kept up while the split moves."""

    def start_node(self, start, stop):
        self.total = self._zeros()
        for i in self.samples[start:stop]:
            self._add(self.total, i, 1.0)
        super().start_node(start, stop)

    def reset(self):
        self.position = self.start
        self.left, self.right = self._zeros(), self.total
        self.weight_left, self.weight_right = 0.0, self.weight

    def move_to(self, position):
        if position - self.position <= self.stop - position:
            moving, sign = self.samples[self.position : position], 1.0
        else:
            self.left, self.weight_left = self.total.copy(), self.weight
            moving, sign = reversed(self.samples[position : self.stop]), -1.0
        for i in moving:
            self._add(self.left, i, sign)
            self.weight_left += sign * self.sample_weight[i]
        self.weight_right = self.weight - self.weight_left
        self.right = self.total - self.left
        self.position = position

    def children_values(self):
        return self.left[0, 0] / self.weight_left, self.right[0, 0] / self.weight_right

    def middle(self):
        return self.left[0, 0] / (2 * self.weight_left) + self.right[0, 0] / (2 * self.weight_right)

    def value(self):
        return self.total / self.weight


class _OfCounts(_OfSums):
    """A criterion of the weight of each class, for codes of classes as targets."""

    def impurity(self):
        return self._impurity(self.total, self.weight)

    def children_impurity(self):
        return self._impurity(self.left, self.weight_left), self._impurity(self.right, self.weight_right)

    def clipped(self, value, lower, upper):
        clipped = np.clip(value, lower, upper)
        clipped[0, 1:] = 1 - clipped[0, 0]  # constraints are for two classes
        return clipped

    def _impurity(self, counts, weight):
        by_output = (self._of_output(counts[k, :n], weight) for k, n in enumerate(self.n_classes))
        return reduce(add, by_output, 0.0) / self.n_outputs

    def _zeros(self):
        return np.zeros((self.n_outputs, max(self.n_classes)))

    def _add(self, sums, i, sign):
        sums[range(self.n_outputs), self.y[i].astype(int)] += sign * self.sample_weight[i]


class Gini(_OfCounts):
    """1 - sum_c p_c^2."""

    def _of_output(self, counts, weight):
        return 1.0 - reduce(add, counts * counts, 0.0) / (weight * weight)


class Entropy(_OfCounts):
    """- sum_c p_c log2 p_c."""

    def _impurity(self, counts, weight):
        entropy = 0.0
        for k, n in enumerate(self.n_classes):
            for p in counts[k, :n][counts[k, :n] > 0] / weight:
                entropy -= p * _log2(p)
        return entropy / self.n_outputs


class _OfTargets(_OfSums):
    """A criterion of the weighted sum of the targets."""

    def clipped(self, value, lower, upper):
        return np.clip(value, lower, upper)

    def _zeros(self):
        return np.zeros((self.n_outputs, 1))

    def _add(self, sums, i, sign):
        sums[:, 0] += sign * self.sample_weight[i] * self.y[i]


class SquaredError(_OfTargets):
    """Mean of (y - mean y)^2, as mean of y^2 less squared mean of y."""

    def start_node(self, start, stop):
        super().start_node(start, stop)
        self.squares = self._squares(start, stop)

    def impurity(self):
        return self._impurity(self.squares, self.total, self.weight)

    def gain(self):
        left, right = (reduce(add, sums[:, 0] * sums[:, 0], 0.0) for sums in (self.left, self.right))
        return left / self.weight_left + right / self.weight_right

    def children_impurity(self):
        squares = self._squares(self.start, self.position)
        left = self._impurity(squares, self.left, self.weight_left)
        return left, self._impurity(self.squares - squares, self.right, self.weight_right)

    def _squares(self, start, stop):
        y, weight = self.y, self.sample_weight
        products = (weight[i] * y[i, k] * y[i, k] for i in self.samples[start:stop] for k in range(self.n_outputs))
        return reduce(add, products, 0.0)

    def _impurity(self, squares, sums, weight):
        impurity = squares / weight
        for mean in sums[:, 0] / weight:
            impurity -= mean * mean
        return impurity / self.n_outputs


class Poisson(_OfTargets):
    """Half the Poisson deviance, mean of y log(y / mean y)."""

    def impurity(self):
        return self._impurity(self.start, self.stop, self.total, self.weight)

    def gain(self):
        if (self.left <= NO_TARGET).any() or (self.right <= NO_TARGET).any():
            return -math.inf  # the mean of a child would be 0
        left, right = (
            reduce(add, (total * _log2(total / weight) for total in sums[:, 0]), 0.0)
            for sums, weight in ((self.left, self.weight_left), (self.right, self.weight_right))
        )
        return left + right

    def children_impurity(self):
        left = self._impurity(self.start, self.position, self.left, self.weight_left)
        return left, self._impurity(self.position, self.stop, self.right, self.weight_right)

    def _impurity(self, start, stop, sums, weight):
        if (sums <= NO_TARGET).any():
            return math.inf
        loss = 0.0
        for k, mean in enumerate(sums[:, 0] / weight):
            for i in self.samples[start:stop]:
                y = self.y[i, k]
                loss += self.sample_weight[i] * (y * _log(y / mean) if y else 0.0)
        return loss / (weight * self.n_outputs)


class AbsoluteError(_Criterion):
    """Mean of |y - median y|; what every position of a split would give is known as soon as samples are in order."""

    def __init__(self, y, sample_weight, samples, n_classes):
        super().__init__(y, sample_weight, samples, n_classes)
        self.left_errors, self.right_errors = np.empty((2, len(y)))
        self.left_medians, self.right_medians = np.empty((2, len(y)))

    def reset(self):
        node, n_samples = slice(self.start, self.stop), self.stop - self.start
        self.position, self.weight_left, self.weight_right = self.start, 0.0, self.weight
        self.left_errors[node] = self.right_errors[node] = 0.0
        self.medians = []
        weight = self.sample_weight[self.samples[node]]
        for y in self.y[self.samples[node]].T:
            in_order, ranks = _ranked(y)
            for errors, medians, step in (
                (self.left_errors[node], self.left_medians[node], 1),
                (self.right_errors[node], self.right_medians[node], -1),
            ):
                found = _errors_of_the_first(in_order, ranks[::step], weight[::step])
                medians[:] = [median for median, _ in found][::step]
                errors += [error for _, error in found][::step]
            self.medians.append(self.right_medians[self.start] if n_samples else 0.0)

    def move_to(self, position):
        for i in self.samples[self.position : position]:
            self.weight_left += self.sample_weight[i]
        self.weight_right = self.weight - self.weight_left
        self.position = position

    def impurity(self):
        return self.right_errors[self.start] / (self.weight * self.n_outputs)

    def children_impurity(self):
        left = self.left_errors[self.position - 1] if self.position > self.start else 0.0
        right = self.right_errors[self.position] if self.position < self.stop else 0.0
        return left / (self.weight_left * self.n_outputs), right / (self.weight_right * self.n_outputs)

    def children_values(self):
        return self.left_medians[self.position - 1], self.right_medians[self.position]

    def middle(self):
        left, right = self.children_values()
        return (left + right) / 2

    def value(self):
        return np.array(self.medians)[:, None]

    def clipped(self, value, lower, upper):
        return np.clip(value, lower, upper)


def _ranked(y):
    in_order, positions = y.tolist(), list(range(len(y)))
    sort_together(in_order, positions)
    ranks = np.empty(len(y), dtype=np.int64)
    ranks[positions] = np.arange(len(y))
    return in_order, ranks


def _errors_of_the_first(in_order, ranks, weight):
    """(median, sum of absolute errors) of the first 1, 2, ... samples."""
    sums, found = _Fenwick(len(ranks)), []
    for rank, w in zip(ranks, weight, strict=True):
        sums.add(rank, in_order[rank], w)
        before, position, w_left, wy_left = sums.search(0.5 * sums.weight)
        median = in_order[position]
        if before != position:
            median = (in_order[before] + median) / 2
        w_right, wy_right = sums.weight - w_left, sums.weighted_y - wy_left
        found.append((median, (wy_right - median * w_right) + (median * w_left - wy_left)))
    return found


class _Fenwick:
    """Sums of weights and of weight times target over ranks, each added and found in O(log n)."""

    def __init__(self, n):
        self.w, self.wy = np.zeros((2, n + 1))
        self.weight = self.weighted_y = 0.0

    def add(self, rank, y, weight):
        node = rank + 1
        while node < len(self.w):
            self.w[node] += weight
            self.wy[node] += weight * y
            node += node & -node
        self.weight += weight
        self.weighted_y += weight * y

    def search(self, target):
        """The last rank with a weight of less than `target` before it, the last one with no more, and the sums there.

        They differ if a cumulative weight is `target` itself.
        """
        before, *_ = self._descend(target, strict=True)
        return before, *self._descend(target, strict=False)

    def _descend(self, target, strict):
        node, w, wy = 0, 0.0, 0.0
        step = 1 << (len(self.w) - 1).bit_length() - 1
        while step:
            next_node = node + step
            if next_node < len(self.w) and (self.w[next_node] < target or (not strict and self.w[next_node] == target)):
                node = next_node
                target -= self.w[node]
                w += self.w[node]
                wy += self.wy[node]
            step >>= 1
        return node, w, wy


def _log2(x):
    return _log(x) / math.log(2.0)


def _log(x):
    return math.log(x) if x > 0 else math.nan


_CRITERIA = {
    GINI: Gini,
    ENTROPY: Entropy,
    SQUARED_ERROR: SquaredError,
    ABSOLUTE_ERROR: AbsoluteError,
    POISSON: Poisson,
}
