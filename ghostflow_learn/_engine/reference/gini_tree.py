"""Trees of classes by Gini impurity, where that may be faster than family tree: from bins, or at random thresholds."""

import numpy as np

from .._trees import LEAF, RANDOM, UNDEFINED, Nodes
from ._tree_search import _Draws, _Random

N_EXACT = 64  # samples of a node that is split between them
FEATURE_THRESHOLD = np.float32(1e-7)
EPSILON = np.finfo(np.float64).eps


def prepare(X, bins):
    """`X` in the layout that trees grow from, for any number of trees.

    Parameters
    ----------
    X : (n_samples, n_features) float32
        NaN is missing; with random thresholds nothing may be.
    bins : Bins, or None
        For best splits, from ``binning.transform`` of `X`, without categories.

    Returns
    -------
    columns
        The engine's own.
    """
    return X, bins


def grow_many(columns, codes, n_classes, sample_weights, growth, seeds):
    """Grow trees that do not depend on each other.

    In each node features are drawn as scikit-learn draws them, and of their splits the one with the largest gain is
    taken, the first of equals. In nodes of more than 64 samples the thresholds are the borders of bins, of borders that
    part the samples alike the middle one; in others they lie half way between values. With random thresholds the trees
    are scikit-learn's, if weights are small integers; they are those of family tree.

    Parameters
    ----------
    columns : from `prepare`
    codes : (n_samples,) int64
        Classes, less than 256.
    n_classes : int
    sample_weights : sequence of (n_samples,) float64, not negative, or None; one per tree
        Samples of weight 0 are not in the tree.
    growth : Growth
        Without `max_leaf_nodes` and `monotonic_cst`.
    seeds : sequence of int in [0, 2^31 - 1)

    Returns
    -------
    trees : list of Nodes
        On the host.
    """
    pairs = zip(sample_weights, seeds, strict=True)
    return [_Tree(*columns, codes, n_classes, weight, growth, seed).grow() for weight, seed in pairs]


class _Tree:
    def __init__(self, X, bins, codes, n_classes, weight, growth, seed):
        self.X, self.bins, self.growth, self.random = X, bins, growth, _Random(seed)
        weight = np.ones(len(X)) if weight is None else weight
        self.weights = np.where(codes[:, None] == np.arange(n_classes), weight[:, None], 0.0)
        self.features, self.constant = list(range(X.shape[1])), [0] * X.shape[1]
        self.rows = np.flatnonzero(weight)
        self.nodes, self.max_depth = [], 0

    def grow(self):
        waiting = [(self.rows, 0, 0, None, 0)]
        while waiting:
            rows, depth, n_constant, parent, side = waiting.pop()
            if parent is not None:
                self.nodes[parent][side] = len(self.nodes)
            at, self.max_depth = len(self.nodes), max(self.max_depth, depth)
            self.nodes.append(self._leaf(rows))
            split, n_constant = (None, 0) if self._is_done(rows, depth) else self._split(rows, n_constant)
            if split is not None:
                feature, threshold, missing_left = split
                x = self.X[rows, feature]
                is_left = (x <= threshold) | (missing_left & np.isnan(x))
                to_left = missing_left if np.isnan(self.X[:, feature]).any() else 2 * is_left.sum() > len(rows)
                self.nodes[at][2:5] = feature, threshold, to_left
                waiting += [
                    (rows[~is_left], depth + 1, n_constant, at, 1),
                    (rows[is_left], depth + 1, n_constant, at, 0),
                ]
        left, right, feature, threshold, to_left, impurity, n, weight, value = zip(*self.nodes, strict=True)
        integers = [np.array(column, dtype=np.int64) for column in (left, right, feature)]
        numbers = np.array(impurity), np.array(n, dtype=np.int64), np.array(weight), np.array(value)[:, None]
        return Nodes(
            *integers, np.array(threshold, dtype=np.float64), np.array(to_left, np.uint8), *numbers, self.max_depth
        )

    def _leaf(self, rows):
        total = self.weights[rows].sum(axis=0)
        weight = total.sum()
        impurity = 1 - (total * total).sum() / (weight * weight)
        return [LEAF, LEAF, UNDEFINED, UNDEFINED, 0, impurity, len(rows), weight, total / weight]

    def _is_done(self, rows, depth):
        *_, impurity, n, weight, _ = self.nodes[-1]
        growth = self.growth
        too_small = n < growth.min_samples_split or weight < 2 * growth.min_weight_leaf
        return depth >= growth.max_depth or too_small or impurity <= EPSILON

    def _split(self, rows, n_constant):
        """The best split, or None, and how many features are constant."""
        best, best_gain = None, -np.inf
        draws = _Draws(self.features, n_constant, self.growth.max_features, self.random)
        for feature in draws:
            tried = list(self._candidates(rows, feature))
            draws.is_constant = not tried
            for threshold, missing_left in tried:
                x = self.X[rows, feature]
                gain = self._gain(rows, (x <= threshold) | (missing_left & np.isnan(x)))
                if gain > best_gain:
                    best, best_gain = (feature, threshold, missing_left), gain
        n_total = n_constant + draws.n_found
        self.features[:n_constant] = self.constant[:n_constant]
        self.constant[n_constant:n_total] = self.features[n_constant:n_total]
        *_, impurity, _, weight, _ = self.nodes[-1]
        constant = -weight * impurity if self.growth.splitter == RANDOM else weight * (1 - impurity)
        decrease = (best_gain - constant) / self.weights[self.rows].sum()
        return (None if decrease + EPSILON < self.growth.min_impurity_decrease else best), n_total

    def _candidates(self, rows, feature):
        """Thresholds, and where missing values go; none if the feature is constant."""
        x = np.sort(self.X[rows, feature])
        known = x[~np.isnan(x)]
        any_missing = len(known) < len(x)
        if not len(known) or (not any_missing and not known[-1] > known[0] + FEATURE_THRESHOLD):
            return
        if self.growth.splitter == RANDOM:
            threshold = self.random.uniform(float(known[0]), float(known[-1]))
            yield (float(known[0]) if threshold == known[-1] else threshold), False
            return
        thresholds = self._midpoints(known) if len(rows) <= N_EXACT else self._borders(rows, feature)
        for threshold in [*thresholds, *([np.inf] if any_missing else [])]:
            yield threshold, False
        for threshold in thresholds if any_missing else ():
            yield threshold, True

    def _midpoints(self, x):
        low, high = x[:-1], x[1:]
        parts = high > low + FEATURE_THRESHOLD
        low, high = low[parts].astype(np.float64), high[parts].astype(np.float64)
        middle = low / 2 + high / 2
        return np.where(middle == high, low, middle)

    def _borders(self, rows, feature):
        first, last = self.bins.offsets[feature : feature + 2]
        full = np.unique(self.bins.codes[rows, feature])
        full = full[full < self.bins.max_bins].astype(np.int64)
        return self.bins.edges[first:last][(full[:-1] + full[1:] - 1) // 2]

    def _gain(self, rows, is_left):
        left, right = self.weights[rows[is_left]].sum(axis=0), self.weights[rows[~is_left]].sum(axis=0)
        least = max(self.growth.min_weight_leaf, 1e-300)
        few = min(is_left.sum(), (~is_left).sum()) < self.growth.min_samples_leaf
        if few or min(left.sum(), right.sum()) < least:
            return -np.inf
        sq_left, sq_right = (left * left).sum(), (right * right).sum()
        if self.growth.splitter == RANDOM:  # in scikit-learn's terms, which round as its own do
            of_left, of_right = 1 - sq_left / left.sum() ** 2, 1 - sq_right / right.sum() ** 2
            return -right.sum() * of_right - left.sum() * of_left
        return sq_left / left.sum() + sq_right / right.sum()
