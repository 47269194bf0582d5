"""The best of all positions at which the ordered rows of a node can be parted.

Position k parts the first k rows from the others. ``best`` is (gain, bar): that of the best split so far, and a lower
bound, in simpler terms, of what a better one gains; both are updated. A gain in scikit-learn's terms, which divide, is
worked out only where the simpler terms exceed the bar.
"""

import numpy as np

from ._jit import kernel
from ._tree_columns import EXACT
from ._tree_criteria import gain

FEATURE_THRESHOLD = np.float32(1e-7)  # values no further apart are the same
# The margin below the bar: squares of counts are kept up, which drifts if weights are no integers; sums are
# scikit-learn's own.
COUNTS_MARGIN, SUMS_MARGIN = 1 - 1e-10, 1 - 1e-13


@kernel(fastmath=EXACT)
def is_above(x, y):
    """Whether x is larger than y by more than rounding, in float32 as X is."""
    return x > y + FEATURE_THRESHOLD


@kernel(fastmath=EXACT)
def best_position(rows, n_known, missing_left, feature, column, best, node, targets, limits,
                  codes, y, weight, monotonic, outputs):  # fmt: skip
    """The position with the largest gain, if that is larger than ``best[0]``, else -1.

    ``rows[:n_known]`` increase in `column`, in the others it is missing; those go left if `missing_left`.
    """
    n_first = len(rows) - n_known if missing_left else 0
    first = max(1, limits.min_samples_leaf - n_first)
    last = n_known if n_known < len(rows) and not missing_left else n_known - 1
    last = min(last, len(rows) - limits.min_samples_leaf - n_first)
    for k in range(node.left.shape[0]):
        for c in range(node.left.shape[1]):
            node.left[k, c] = 0.0
    weight_left = 0.0
    for i in range(len(rows) - n_first, len(rows)):
        weight_left += _move(rows[i], codes, y, weight, node.left)
    found = -1
    if outputs is not None:
        found = _scan_outputs(
            rows,
            n_known,
            first,
            last,
            weight_left,
            feature,
            column,
            best,
            node,
            targets,
            limits,
            codes,
            y,
            weight,
            monotonic,
        )
    else:
        if codes is not None:
            found = _scan_counts(
                rows,
                n_known,
                first,
                last,
                weight_left,
                feature,
                column,
                best,
                node,
                targets,
                limits,
                codes,
                weight,
                monotonic,
            )
        if y is not None:
            found = _scan_sums(
                rows,
                n_known,
                first,
                last,
                weight_left,
                feature,
                column,
                best,
                node,
                targets,
                limits,
                y,
                weight,
                monotonic,
            )
    return found


@kernel(fastmath=EXACT)
def _move(row, codes, y, weight, left):
    """Add the row to the sums of the left part; its weight."""
    w = 1.0 if weight is None else weight[row]
    if codes is not None:
        for k in range(codes.shape[1]):
            left[k, codes[row, k]] += w
    if y is not None:
        for k in range(y.shape[1]):
            left[k, 0] += w * y[row, k]
    return w


@kernel(fastmath=EXACT)
def _scan_counts(rows, n_known, first, last, weight_left, feature, column, best, node, targets, limits,
                 codes, weight, monotonic):  # fmt: skip
    left, total, weight_total, found = node.left[0], node.total[0], node.scalars[0], -1
    sq_left, sq_right, bar = 0.0, 0.0, best[1]
    for c in range(len(left)):
        sq_left += left[c] * left[c]
        sq_right += (total[c] - left[c]) * (total[c] - left[c])
    for i in range(last):
        row = rows[i]
        c, w = codes[row, 0], 1.0 if weight is None else weight[row]
        a, b = left[c], total[c] - left[c]
        left[c] = a + w
        sq_left += w * (2 * a + w)
        sq_right -= w * (2 * b - w)
        weight_left += w
        weight_right = weight_total - weight_left
        here, scale = sq_left * weight_right + sq_right * weight_left, weight_left * weight_right
        if here <= bar * scale or i + 1 < first:
            continue
        if _improves(
            i + 1, rows, n_known, weight_left, feature, column, best, node, targets, limits, codes, None, monotonic
        ):
            found = i + 1
            if targets.screens:
                bar = best[1] = here / scale * COUNTS_MARGIN
    return found


@kernel(fastmath=EXACT)
def _scan_sums(rows, n_known, first, last, weight_left, feature, column, best, node, targets, limits,
               y, weight, monotonic):  # fmt: skip
    left, total, weight_total, found = node.left[0, 0], node.total[0, 0], node.scalars[0], -1
    bar = best[1]
    for i in range(last):
        row = rows[i]
        w = 1.0 if weight is None else weight[row]
        left += w * y[row, 0]
        weight_left += w
        right, weight_right = total - left, weight_total - weight_left
        here, scale = left * left * weight_right + right * right * weight_left, weight_left * weight_right
        if here <= bar * scale or i + 1 < first:
            continue
        node.left[0, 0] = left
        if _improves(
            i + 1, rows, n_known, weight_left, feature, column, best, node, targets, limits, None, y, monotonic
        ):
            found = i + 1
            if targets.screens:
                bar = best[1] = here / scale * SUMS_MARGIN
    return found


@kernel(fastmath=EXACT)
def _scan_outputs(rows, n_known, first, last, weight_left, feature, column, best, node, targets, limits,
                  codes, y, weight, monotonic):  # fmt: skip
    found = -1
    for i in range(last):
        weight_left += _move(rows[i], codes, y, weight, node.left)
        if i + 1 >= first and _improves(
            i + 1, rows, n_known, weight_left, feature, column, best, node, targets, limits, codes, y, monotonic
        ):
            found = i + 1
    return found


@kernel(fastmath=EXACT)
def _improves(k, rows, n_known, weight_left, feature, column, best, node, targets, limits, codes, y, monotonic):
    """Whether position k is allowed and gains more than the best so far, which it then becomes."""
    if k < n_known and not is_above(column[rows[k]], column[rows[k - 1]]):
        return False
    if not is_allowed(weight_left, feature, node, limits, monotonic):
        return False
    weight_right = node.scalars[0] - weight_left
    found = gain(targets.criterion, codes, y, targets.n_classes, node.left, node.total, weight_left, weight_right)
    if not found > best[0]:
        return False
    best[0] = found
    return True


@kernel(fastmath=EXACT)
def is_allowed(weight_left, feature, node, limits, monotonic):
    """Whether the parts are heavy enough, and their values are in the order and within the bounds they have to be."""
    weight_right = node.scalars[0] - weight_left
    if min(weight_left, weight_right) < limits.min_weight_leaf:
        return False
    if monotonic is None:
        return True
    sign = monotonic[feature]
    value_left, value_right = node.left[0, 0] / weight_left, (node.total[0, 0] - node.left[0, 0]) / weight_right
    return sign == 0 or is_monotonic(sign, value_left, value_right, node.scalars[2], node.scalars[3])


@kernel(fastmath=EXACT)
def is_monotonic(sign, value_left, value_right, lower, upper):
    within = min(value_left, value_right) >= lower and max(value_left, value_right) <= upper
    return within and (value_left - value_right) * sign <= 0
