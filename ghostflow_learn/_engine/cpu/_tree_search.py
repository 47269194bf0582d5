"""The best of all positions at which the ordered rows of a node can be parted.

Position p parts the first p rows from the others; positions from `first` to `last` are allowed, if `column` increases
there. What a position gains in scikit-learn's terms, which divide, is worked out only where its gain in simpler terms
is not clearly below that of the best: ``best`` is (gain of the best split so far, a bar in the simpler terms), and is
updated. ``sums`` is (node, left part, right part), each (n_outputs, max_n_classes); the scans fill in the left part.
"""

import math

import numpy as np

from .._trees import GINI, SQUARED_ERROR
from ._jit import kernel
from ._tree_columns import EXACT
from ._tree_criteria import LOG_2, NO_TARGET, add_up, gain_of

FEATURE_THRESHOLD = np.float32(1e-7)  # values no further apart, in float32 as X is, are the same
# The margin below the bar: squares of counts are kept up, which drifts if weights are no integers; sums are
# scikit-learn's own.
COUNTS_MARGIN, SUMS_MARGIN = 1 - 1e-10, 1 - 1e-13


@kernel(fastmath=EXACT, allocates=False)
def scan_counts(rows, first, last, column, sums, weight_total, limits, best, codes, weight, bounds, n_known):
    """The best position for classes of one output, or -1; of the ordered rows `n_known` are not missing."""
    total, left, found, bar = sums[0, 0], sums[1, 0], -1, best[1]
    weight_left, sq_left, sq_right, n, before = 0.0, 0.0, 0.0, len(rows), 0
    has_long_run = weight is not None and n_known == n and _has_long_run(rows, first, column)
    for c in range(len(total)):
        left[c] = 0.0
        sq_right += total[c] * total[c]
    for p in range(1, last + 1):
        row = rows[p - 1]
        c, w = codes[row, 0], 1.0 if weight is None else weight[row]
        a = left[c]
        sq_left += w * (2 * a + w)
        sq_right += w * (2 * (a - total[c]) + w)
        left[c] = a + w
        weight_left += w
        if has_long_run and p >= first and column[rows[p]] > column[row] + FEATURE_THRESHOLD:
            if p - before > n - p:  # as in `scan_sums`
                weight_left = weight_total
                for c in range(len(total)):
                    left[c] = total[c]
                for i in range(n - 1, p - 1, -1):
                    left[codes[rows[i], 0]] -= weight[rows[i]]
                    weight_left -= weight[rows[i]]
            before = p
        weight_right = weight_total - weight_left
        here, scale = sq_left * weight_right + sq_right * weight_left, weight_left * weight_right
        if here <= bar * scale or p < first or column[rows[p]] <= column[row] + FEATURE_THRESHOLD:
            continue
        if min(weight_left, weight_right) < limits.min_weight_leaf:
            continue
        if bounds is not None and not in_order(
            left[0] / weight_left, (total[0] - left[0]) / weight_right, bounds[0], bounds[1], bounds[2]
        ):
            continue
        of_left, of_right = 0.0, 0.0
        for k in range(len(total)):
            a, b = left[k], total[k] - left[k]
            if limits.criterion == GINI:
                of_left += a * a
                of_right += b * b
            else:
                of_left -= a / weight_left * (math.log(a / weight_left) / LOG_2) if a > 0 else 0.0
                of_right -= b / weight_right * (math.log(b / weight_right) / LOG_2) if b > 0 else 0.0
        if limits.criterion == GINI:
            of_left = 1.0 - of_left / (weight_left * weight_left)
            of_right = 1.0 - of_right / (weight_right * weight_right)
        gain = -weight_right * of_right - weight_left * of_left
        if gain > best[0]:
            best[0], found = gain, p
            if limits.screens:
                bar = best[1] = here / scale * COUNTS_MARGIN
    return found


@kernel(fastmath=EXACT, allocates=False)
def scan_sums(rows, first, last, column, sums, weight_total, limits, best, y, weight, bounds, n_known):
    """The best position for numbers of one output, or -1; of the ordered rows `n_known` are not missing."""
    total, left, weight_left, found, bar = sums[0, 0, 0], 0.0, 0.0, -1, best[1]
    n, before, has_long_run = len(rows), 0, n_known == len(rows) and _has_long_run(rows, first, column)
    for p in range(1, last + 1):
        row = rows[p - 1]
        w = 1.0 if weight is None else weight[row]
        left += w * y[row, 0]
        weight_left += w
        if has_long_run and p >= first and column[rows[p]] > column[row] + FEATURE_THRESHOLD:
            if p - before > n - p:  # scikit-learn adds up from the nearer end
                left, weight_left = total, weight_total
                for i in range(n - 1, p - 1, -1):
                    w = 1.0 if weight is None else weight[rows[i]]
                    left -= w * y[rows[i], 0]
                    weight_left -= w
            before = p
        right, weight_right = total - left, weight_total - weight_left
        here, scale = left * left * weight_right + right * right * weight_left, weight_left * weight_right
        if here <= bar * scale or p < first or column[rows[p]] <= column[row] + FEATURE_THRESHOLD:
            continue
        if min(weight_left, weight_right) < limits.min_weight_leaf:
            continue
        if bounds is not None and not in_order(
            left / weight_left, right / weight_right, bounds[0], bounds[1], bounds[2]
        ):
            continue
        if limits.criterion == SQUARED_ERROR:
            gain = left * left / weight_left + right * right / weight_right
        elif min(left, right) <= NO_TARGET:
            continue  # Poisson: the mean of a child would be 0
        else:
            gain = left * (math.log(left / weight_left) / LOG_2) + right * (math.log(right / weight_right) / LOG_2)
        if gain > best[0]:
            best[0], found = gain, p
            if limits.screens:
                bar = best[1] = here / scale * SUMS_MARGIN
    return found


@kernel(fastmath=EXACT, allocates=False)
def _has_long_run(rows, first, column):
    """Whether somewhere more rows have the same value than there are behind them; `first` may be in front."""
    n, i, distance = len(rows), first - 1, 1
    while True:
        stop = i + 1
        while stop < n and column[rows[stop]] <= column[rows[stop - 1]] + FEATURE_THRESHOLD:
            stop += 1
        longer = 2 * stop - n - 1  # a run that begins here or before is longer than n - stop
        if stop < n and longer >= 0 and (longer < first or column[rows[longer]] == column[rows[stop - 1]]):
            return True
        distance *= 2  # a long run that ends less than so far from the end contains the row that is so far from it
        if distance >= n - first + 1:
            return False
        i = n - distance


@kernel(fastmath=EXACT, allocates=False)
def scan_runs(rows, zeros, positive, first, last, column, sums, weight_total, limits, best,
              codes, y, weight, n_classes, bounds):  # fmt: skip
    """The best position for any number of outputs, or -1; rows from `zeros` to `positive` have the value 0."""
    total, left, right, n, weight_left = sums[0], sums[1], sums[2], len(rows), 0.0
    for k in range(left.shape[0]):
        for c in range(left.shape[1]):
            left[k, c] = 0.0
    found, at, p = -1, 0, 0
    while True:
        p = positive if zeros <= p < positive else p + 1
        while p < n and column[rows[p]] <= column[rows[p - 1]] + FEATURE_THRESHOLD:
            p = positive if zeros <= p < positive else p + 1
        if p > last:
            return found
        if p < first:
            continue
        if p - at <= n - p:
            weight_left = add_up(rows[at:p], 1.0, codes, y, weight, left, weight_left)
        else:
            for k in range(left.shape[0]):
                for c in range(left.shape[1]):
                    left[k, c] = total[k, c]
            weight_left = add_up(rows[p:], -1.0, codes, y, weight, left, weight_total)
        at, weight_right = p, weight_total - weight_left
        for k in range(left.shape[0]):
            for c in range(left.shape[1]):
                right[k, c] = total[k, c] - left[k, c]
        if min(weight_left, weight_right) < limits.min_weight_leaf:
            continue
        if bounds is not None and not in_order(
            left[0, 0] / weight_left, right[0, 0] / weight_right, bounds[0], bounds[1], bounds[2]
        ):
            continue
        gain = gain_of(limits.criterion, codes, y, weight, n_classes, sums, weight_left, weight_right)
        if gain > best[0]:
            best[0], found = gain, p


@kernel(fastmath=EXACT, allocates=False)
def in_order(value_left, value_right, sign, lower, upper):
    """Whether the values of the parts are within the bounds, and do not fall for sign 1, or rise for -1."""
    within = min(value_left, value_right) >= lower and max(value_left, value_right) <= upper
    return sign == 0 or (within and (value_left - value_right) * sign <= 0)
