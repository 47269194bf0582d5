"""How impure the samples of a node are, and what a split would gain, added up in scikit-learn's order.

Trees of classes pass `codes` and None for `y`, trees of numbers None for `codes`: what is None is not compiled.
"""

import math

import numpy as np

from .._trees import ENTROPY, GINI, POISSON, SQUARED_ERROR
from ._jit import kernel
from ._tree_columns import EXACT

NO_TARGET = 10 * np.finfo(np.float64).eps  # a sum of counts that is none but for rounding
LOG_2 = math.log(2.0)


@kernel(fastmath=EXACT)
def add_up(rows, codes, y, weight, sums):
    """Sums of `rows` into `sums`, (n_outputs, max_n_classes); their weight, and for numbers the sum of w y^2."""
    for k in range(sums.shape[0]):
        for c in range(sums.shape[1]):
            sums[k, c] = 0.0
    total, squares = 0.0, 0.0
    for r in rows:
        w = 1.0 if weight is None else weight[r]
        if codes is not None:
            for k in range(codes.shape[1]):
                sums[k, codes[r, k]] += w
        if y is not None:
            for k in range(y.shape[1]):
                wy = w * y[r, k]
                sums[k, 0] += wy
                squares += wy * y[r, k]
        total += w
    return total, squares


@kernel(fastmath=EXACT)
def add_up_left(rows, n_left, codes, y, weight, total, weight_total, left):
    """Sums of the first `n_left` rows into `left`, from the nearer end; their weight, and the sum of w y^2."""
    n = len(rows)
    if n_left <= n - n_left:
        return add_up(rows[:n_left], codes, y, weight, left)
    for k in range(left.shape[0]):
        for c in range(left.shape[1]):
            left[k, c] = total[k, c]
    weight_left, squares = weight_total, 0.0
    for p in range(n - 1, n_left - 1, -1):
        r = rows[p]
        w = 1.0 if weight is None else weight[r]
        if codes is not None:
            for k in range(codes.shape[1]):
                left[k, codes[r, k]] -= w
        if y is not None:
            for k in range(y.shape[1]):
                left[k, 0] -= w * y[r, k]
        weight_left -= w
    if y is not None:
        for r in rows[:n_left]:
            w = 1.0 if weight is None else weight[r]
            for k in range(y.shape[1]):
                squares += w * y[r, k] * y[r, k]
    return weight_left, squares


@kernel(fastmath=EXACT)
def impurity(criterion, rows, codes, y, weight, n_classes, sums, total, squares):
    """Of `rows`, whose sums, weight and squares are given."""
    found = 0.0
    if codes is not None:
        found = _impurity_of_counts(criterion, n_classes, sums, total)
    if y is not None:
        if criterion == POISSON:
            found = _poisson_loss(rows, y, weight, sums, total)
        else:
            found = squares / total
            for k in range(sums.shape[0]):
                mean = sums[k, 0] / total
                found -= mean * mean
            found /= sums.shape[0]
    return found


@kernel(fastmath=EXACT)
def _impurity_of_counts(criterion, n_classes, counts, total):
    n_outputs, found = len(counts), 0.0
    for k in range(n_outputs):
        if criterion == GINI:
            squares = 0.0
            for c in range(n_classes[k]):
                squares += counts[k, c] * counts[k, c]
            found += 1.0 - squares / (total * total)
        else:
            for c in range(n_classes[k]):
                if counts[k, c] > 0.0:
                    p = counts[k, c] / total
                    found -= p * (math.log(p) / LOG_2)
    return found / n_outputs


@kernel(fastmath=EXACT)
def _poisson_loss(rows, y, weight, sums, total):
    loss = 0.0
    for k in range(y.shape[1]):
        if sums[k, 0] <= NO_TARGET:
            return np.inf
        mean = sums[k, 0] / total
        for r in rows:
            w = 1.0 if weight is None else weight[r]
            loss += w * (y[r, k] * math.log(y[r, k] / mean)) if y[r, k] != 0 else 0.0
    return loss / (total * y.shape[1])


@kernel(fastmath=EXACT)
def gain(criterion, codes, y, n_classes, left, total, weight_left, weight_right):
    """Larger for a better split of one node; `left` and `total` are sums."""
    found = 0.0
    if codes is not None:
        found = _gain_of_counts(criterion, n_classes, left, total, weight_left, weight_right)
    if y is not None:
        found = _gain_of_sums(criterion, left, total, weight_left, weight_right)
    return found


@kernel(fastmath=EXACT)
def _gain_of_sums(criterion, left, total, weight_left, weight_right):
    of_left, of_right = 0.0, 0.0
    for k in range(len(left)):
        right = total[k, 0] - left[k, 0]
        if criterion == SQUARED_ERROR:
            of_left += left[k, 0] * left[k, 0]
            of_right += right * right
        elif left[k, 0] <= NO_TARGET or right <= NO_TARGET:
            of_left = np.inf  # Poisson: the mean of a child would be 0
        else:
            of_left -= left[k, 0] * (math.log(left[k, 0] / weight_left) / LOG_2)
            of_right -= right * (math.log(right / weight_right) / LOG_2)
    if criterion == SQUARED_ERROR:
        return of_left / weight_left + of_right / weight_right
    return -of_left - of_right


@kernel(fastmath=EXACT)
def _gain_of_counts(criterion, n_classes, left, total, weight_left, weight_right):
    n_outputs, of_left, of_right = len(left), 0.0, 0.0
    for k in range(n_outputs):
        if criterion == GINI:
            sq_left, sq_right = 0.0, 0.0
            for c in range(n_classes[k]):
                right = total[k, c] - left[k, c]
                sq_left += left[k, c] * left[k, c]
                sq_right += right * right
            of_left += 1.0 - sq_left / (weight_left * weight_left)
            of_right += 1.0 - sq_right / (weight_right * weight_right)
        else:
            for c in range(n_classes[k]):
                right = total[k, c] - left[k, c]
                if left[k, c] > 0.0:
                    p = left[k, c] / weight_left
                    of_left -= p * (math.log(p) / LOG_2)
                if right > 0.0:
                    p = right / weight_right
                    of_right -= p * (math.log(p) / LOG_2)
    return -weight_right * (of_right / n_outputs) - weight_left * (of_left / n_outputs)
