"""How impure the rows of a node are, added up in scikit-learn's order.

Trees of classes pass `codes` and None for `y`, trees of numbers None for `codes`: what is None is not compiled.
"""

import math

import numpy as np

from .._trees import GINI, POISSON
from ._jit import kernel
from ._tree_columns import EXACT

NO_TARGET = 10 * np.finfo(np.float64).eps  # a sum of counts that is none but for rounding
LOG_2 = math.log(2.0)


@kernel(fastmath=EXACT)
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


@kernel(fastmath=EXACT)
def sum_squares(rows, y, weight):
    """The sum of w y^2."""
    total = 0.0
    for row in rows:
        w = 1.0 if weight is None else weight[row]
        for k in range(y.shape[1]):
            total += w * y[row, k] * y[row, k]
    return total


@kernel(fastmath=EXACT)
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
