"""How impure the rows of a node are, added up in scikit-learn's order.

Trees of classes pass `codes` and None for `y`, trees of numbers None for `codes`: what is None is not compiled.
"""

import math

import numpy as np

from .._trees import GINI, POISSON, SQUARED_ERROR
from ._jit import kernel
from ._tree_columns import EXACT

NO_TARGET = 10 * np.finfo(np.float64).eps  # a sum of counts that is none but for rounding
LOG_2 = math.log(2.0)


@kernel(fastmath=EXACT, allocates=False)
def add_up(rows, sign, codes, y, weight, sums, total):
    """Add the rows to `sums`, or for sign -1 take them away, backwards; `total`, a weight, with them."""
    n = len(rows)
    for p in range(n):
        row = rows[p if sign > 0 else n - 1 - p]
        w = sign if weight is None else sign * weight[row]
        if codes is not None:
            for k in range(codes.shape[1]):
                sums[k, codes[row, k]] += w
        if y is not None:
            for k in range(y.shape[1]):
                sums[k, 0] += w * y[row, k]
        total += w
    return total


@kernel(fastmath=EXACT, allocates=False)
def sum_squares(rows, y, weight):
    """The sum of w y^2."""
    total = 0.0
    for row in rows:
        w = 1.0 if weight is None else weight[row]
        for k in range(y.shape[1]):
            total += w * y[row, k] * y[row, k]
    return total


@kernel(fastmath=EXACT, allocates=False)
def impurity(criterion, rows, codes, y, weight, n_classes, sums, total, squares):
    """Of `rows`, whose sums, weight and squares are given."""
    found, n_outputs = 0.0, sums.shape[0]
    if codes is not None:
        for k in range(n_outputs):
            counts, gini = sums[k], 0.0
            for c in range(len(counts) if n_classes is None else n_classes[k]):
                if criterion == GINI:
                    gini += counts[c] * counts[c]
                elif counts[c] > 0.0:
                    p = counts[c] / total
                    found -= p * (math.log(p) / LOG_2)
            if criterion == GINI:
                found += 1.0 - gini / (total * total)
        found /= n_outputs
    if y is not None:
        if criterion == POISSON:
            for k in range(n_outputs):
                mean = sums[k, 0] / total if sums[k, 0] > NO_TARGET else 0.0
                for row in rows:
                    w = 1.0 if weight is None else weight[row]
                    found += w * (y[row, k] * math.log(y[row, k] / mean)) if y[row, k] != 0 and mean > 0 else 0.0
                if mean == 0:
                    found = np.inf
            found /= total * n_outputs
        else:
            found = squares / total
            for k in range(n_outputs):
                mean = sums[k, 0] / total
                found -= mean * mean
            found /= n_outputs
    return found


@kernel(fastmath=EXACT, allocates=False)
def gain_of(criterion, codes, y, weight, n_classes, sums, weight_left, weight_right):
    """Larger for a better split of a node into the parts ``sums[1]`` and ``sums[2]``; -inf for one that may not be."""
    left, right, gain = sums[1], sums[2], 0.0
    if codes is not None:
        of_left = impurity(criterion, None, codes, None, weight, n_classes, left, weight_left, 0.0)
        of_right = impurity(criterion, None, codes, None, weight, n_classes, right, weight_right, 0.0)
        gain = -weight_right * of_right - weight_left * of_left
    if y is not None:
        of_left, of_right, has_targets = 0.0, 0.0, True
        for k in range(len(left)):
            a, b = left[k, 0], right[k, 0]
            if criterion == SQUARED_ERROR:
                of_left += a * a
                of_right += b * b
            elif min(a, b) <= NO_TARGET:
                has_targets = False  # Poisson: the mean of a child would be 0
            else:
                of_left += a * (math.log(a / weight_left) / LOG_2)
                of_right += b * (math.log(b / weight_right) / LOG_2)
        if criterion == SQUARED_ERROR:
            of_left, of_right = of_left / weight_left, of_right / weight_right
        gain = of_left + of_right if has_targets else -np.inf
    return gain


@kernel(fastmath=EXACT, allocates=False)
def add_up_parts(rows, n_left, codes, y, weight, sums, weight_total):
    """Fill in the sums of the two parts, from the nearer end as scikit-learn does; the weight of the left one."""
    total, left, right, n = sums[0], sums[1], sums[2], len(rows)
    from_end = n_left > n - n_left and (codes is not None or y is not None)  # not for weights alone
    for k in range(left.shape[0]):
        for c in range(left.shape[1]):
            left[k, c] = total[k, c] if from_end else 0.0
    added, sign = rows[n_left:] if from_end else rows[:n_left], -1.0 if from_end else 1.0
    weight_left = add_up(added, sign, codes, y, weight, left, weight_total if from_end else 0.0)
    for k in range(left.shape[0]):
        for c in range(left.shape[1]):
            right[k, c] = total[k, c] - left[k, c]
    return weight_left
