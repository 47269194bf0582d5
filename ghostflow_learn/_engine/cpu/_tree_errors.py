"""Absolute errors about the median, for every position at which the ordered rows of a node can be parted."""

from collections import namedtuple

from ._jit import kernel
from ._tree_columns import EXACT
from ._tree_search import FEATURE_THRESHOLD, in_order

# y       : (n_samples, n_outputs) float64
# order   : (n_outputs, n_rows) uint32, the rows by increasing y, each node's together
# ranks   : (n_samples,) int64, place of each row of a node among them
# sums    : (2, n_rows + 1) float64, a Fenwick tree of w and of w y by rank
# of_left, of_right : (2, n_rows) float64, error and median of the rows up to p, and of those from p on
# medians : (n_outputs,) float64, of the node
# outputs : (n_outputs,) int64, 0, 1, ...
Errors = namedtuple("Errors", "y order ranks sums of_left of_right medians outputs")


@kernel(fastmath=EXACT, allocates=False)
def measure_errors(rows, start, weight, errors, from_end, found):
    """Errors, added up over the outputs, and medians of the rows before or after each position, into `found`."""
    n, n_outputs = len(rows), errors.y.shape[1]
    sums_w, sums_wy, power = errors.sums[0], errors.sums[1], 1
    while 2 * power <= n:
        power *= 2
    for p in range(n):
        found[0, p] = 0.0
    for k in range(n_outputs):
        for rank in range(n):
            errors.ranks[errors.order[k, start + rank]] = rank
        total_w, total_wy = 0.0, 0.0
        for rank in range(n + 1):
            sums_w[rank] = sums_wy[rank] = 0.0
        for t in range(n):
            p = n - 1 - t if from_end else t
            row = rows[p]
            w = 1.0 if weight is None else weight[row]
            wy, at = w * errors.y[row, k], errors.ranks[row] + 1
            while at <= n:
                sums_w[at] += w
                sums_wy[at] += wy
                at += at & -at
            total_w += w
            total_wy += wy
            median, w_left, wy_left = _median(sums_w, sums_wy, n, power, 0.5 * total_w, errors, k, start)
            w_right, wy_right = total_w - w_left, total_wy - wy_left
            found[0, p] += (wy_right - median * w_right) + (median * w_left - wy_left)
            found[1, p] = median
        errors.medians[k] = median


@kernel(fastmath=EXACT, allocates=False)
def _median(sums_w, sums_wy, n, power, half, errors, k, start):
    """The weighted median of the ranks that are in the sums, and the sums of w and w y below it."""
    at, w, wy, bit, is_between = 0, 0.0, 0.0, power, False
    below, rest = 0, half
    while bit > 0:
        after = at + bit
        if after <= n:
            if not is_between and rest == sums_w[after]:
                is_between, below, left = True, at, rest
                down = bit
                while down > 0:  # the last rank with less than half of the weight at or below it
                    if below + down <= n and left > sums_w[below + down]:
                        left -= sums_w[below + down]
                        below += down
                    down >>= 1
            if rest > sums_w[after] or (is_between and rest >= sums_w[after]):
                rest -= sums_w[after]
                at = after
                w += sums_w[after]
                wy += sums_wy[after]
        bit >>= 1
    upper = errors.y[errors.order[k, start + at], k]
    if is_between and below != at:
        return (errors.y[errors.order[k, start + below], k] + upper) / 2, w, wy
    return upper, w, wy


@kernel(fastmath=EXACT, allocates=False)
def errors_of_parts(rows, start, n_left, weight_left, weight_right, weight, errors):
    """Mean absolute errors of the two parts of the rows, and the medians of the last output."""
    n_outputs = errors.y.shape[1]
    measure_errors(rows, start, weight, errors, False, errors.of_left)
    measure_errors(rows, start, weight, errors, True, errors.of_right)
    left = errors.of_left[0, n_left - 1] / (weight_left * n_outputs)
    right = errors.of_right[0, n_left] / (weight_right * n_outputs)
    return left, right, errors.of_left[1, n_left - 1], errors.of_right[1, n_left]


@kernel(fastmath=EXACT, allocates=False)
def scan_errors(rows, start, first, last, column, weight_total, limits, best, weight, bounds, errors):
    """The best position for absolute errors, or -1."""
    found, weight_left, n_outputs = -1, 0.0, errors.y.shape[1]
    measure_errors(rows, start, weight, errors, False, errors.of_left)
    measure_errors(rows, start, weight, errors, True, errors.of_right)
    for p in range(1, last + 1):
        row = rows[p - 1]
        weight_left += 1.0 if weight is None else weight[row]
        weight_right = weight_total - weight_left
        if p < first or column[rows[p]] <= column[row] + FEATURE_THRESHOLD:
            continue
        if min(weight_left, weight_right) < limits.min_weight_leaf:
            continue
        if bounds is not None and not in_order(
            errors.of_left[1, p - 1], errors.of_right[1, p], bounds[0], bounds[1], bounds[2]
        ):
            continue
        of_left = errors.of_left[0, p - 1] / (weight_left * n_outputs)
        of_right = errors.of_right[0, p] / (weight_right * n_outputs)
        gain = -weight_right * of_right - weight_left * of_left
        if gain > best[0]:
            best[0], found = gain, p
    return found
