"""The search for the split of a node, with scikit-learn's draws of features and thresholds."""

from collections import namedtuple

import numpy as np
from scipy.sparse import issparse

from .._trees import RANDOM
from ._tree_orders import DenseOrder, SparseOrder, is_above

RAND_R_MAX = 2**31 - 1

Split = namedtuple("Split", "feature position threshold missing_go_to_left improvement impurity_left impurity_right")


class Search:
    """Splits of one tree after the other; keeps the order of the samples and of the features between them."""

    def __init__(self, X, samples, criterion, growth, seed):
        self.order = (SparseOrder if issparse(X) else DenseOrder)(X, samples)
        self.criterion, self.growth = criterion, growth
        self.random = _Random(seed)
        self.features, self.constant = list(range(X.shape[1])), [0] * X.shape[1]
        self.is_random = growth.splitter == RANDOM

    def split(self, start, stop, impurity, lower, upper, n_constant):
        """The best split of a node, or None, and how many features are now known to be constant below it."""
        self.order.start_node(start, stop)
        self.lower, self.upper = lower, upper
        self.best, self.best_gain = None, -np.inf
        draws = _Draws(self.features, n_constant, self.growth.max_features, self.random)
        feature = None
        for feature in draws:
            draws.is_constant = not (self._try_random(feature) if self.is_random else self._try_all(feature))
        if self.best is not None:
            if not (self.is_random and feature == self.best.feature):
                self.order.partition_finally(self.best)
            self.best = self._with_impurities(self.best, impurity)
        n_total = n_constant + draws.n_found
        self.features[:n_constant] = self.constant[:n_constant]
        self.constant[n_constant:n_total] = self.features[n_constant:n_total]
        return self.best, n_total

    def _try_all(self, feature):
        """Try every split by the feature; False if it is constant in the node."""
        order = self.order
        order.sort(feature)
        if order.is_constant():
            return False
        for missing_go_to_left in (False, True)[: 2 if order.n_missing else 1]:
            if missing_go_to_left:
                order.shift_missing_to_the_left()
            self.criterion.reset()
            for before, position in order.positions(missing_go_to_left):
                if order.all_known_before(position) and not missing_go_to_left:
                    threshold = np.inf
                else:
                    threshold = order.values[before] / 2.0 + order.values[position] / 2.0
                self._try(Split(feature, position, threshold, missing_go_to_left, None, None, None))
        return True

    def _try_random(self, feature):
        """Try one random split by the feature; False if it is constant in the node."""
        order = self.order
        low, high = order.range(feature)
        if order.n_missing == order.stop - order.start or (order.n_missing == 0 and not is_above(high, low)):
            return False
        threshold = self.random.uniform(low, high)
        missing_go_to_left = bool(order.n_missing and self.random.integer(0, 2))
        if threshold == high:
            threshold = low
        position = order.partition(threshold, missing_go_to_left)
        self.criterion.reset()
        self._try(Split(feature, position, threshold, missing_go_to_left, None, None, None))
        return True

    def _try(self, split):
        """Take the split if it is allowed and better than the best so far."""
        criterion, growth = self.criterion, self.growth
        n_left, n_right = split.position - self.order.start, self.order.stop - split.position
        if min(n_left, n_right) < growth.min_samples_leaf:
            return
        criterion.move_to(split.position)
        if min(criterion.weight_left, criterion.weight_right) < growth.min_weight_leaf:
            return
        sign = growth.monotonic_cst[split.feature] if len(growth.monotonic_cst) else 0
        if sign and not criterion.keeps_order(sign, self.lower, self.upper):
            return
        gain = criterion.gain()
        if gain > self.best_gain:
            # With nothing missing in training, what is missing later follows the majority.
            to_left = split.missing_go_to_left if self.order.n_missing else n_left > n_right
            self.best_gain, self.best = gain, split._replace(missing_go_to_left=to_left)

    def _with_impurities(self, split, impurity):
        self.criterion.reset()
        self.criterion.move_to(split.position)
        left, right = self.criterion.children_impurity()
        improvement = self.criterion.improvement(impurity, left, right)
        return split._replace(improvement=improvement, impurity_left=left, impurity_right=right)


class _Draws:
    """Features in a random order, by Fisher and Yates, without those known to be constant.

    ``features`` holds, in this order: constant ones that were drawn, known constant ones, those found constant in this
    node, those not drawn yet, those drawn. Whoever iterates sets `is_constant` of each feature.
    """

    def __init__(self, features, n_known, max_features, random):
        self.features, self.n_known, self.max_features, self.random = features, n_known, max_features, random
        self.n_found = 0

    def __iter__(self):
        features, last = self.features, len(self.features)
        n_visited = n_drawn = 0
        while last > self.n_known + self.n_found and (
            n_visited < self.max_features or n_visited <= self.n_found + n_drawn  # one at least that varies
        ):
            n_visited += 1
            j = self.random.integer(n_drawn, last - self.n_found)
            if j < self.n_known:
                features[n_drawn], features[j] = features[j], features[n_drawn]
                n_drawn += 1
                continue
            j += self.n_found
            yield features[j]
            if self.is_constant:
                first = self.n_known + self.n_found
                features[j], features[first] = features[first], features[j]
                self.n_found += 1
            else:
                last -= 1
                features[last], features[j] = features[j], features[last]


class _Random:
    """Scikit-learn's 32-bit xorshift generator."""

    def __init__(self, seed):
        self.state = int(seed) or 1

    def integer(self, low, high):
        return low + self._next() % (high - low)

    def uniform(self, low, high):
        return (high - low) * self._next() / RAND_R_MAX + low

    def _next(self):
        state = self.state
        state ^= state << 13 & 0xFFFFFFFF
        state ^= state >> 17
        self.state = state ^ (state << 5 & 0xFFFFFFFF)
        return self.state % 2**31
