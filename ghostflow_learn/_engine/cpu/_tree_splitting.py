"""How the rows of a node are split in two: scikit-learn's draws of features, and its ways to reorder rows."""

from collections import namedtuple

import numpy as np

from ._jit import kernel
from ._tree_columns import EXACT, radix_sort, sort_key
from ._tree_search import best_position, is_above

INSERTED = 48  # rows that insertion sorts faster than a radix sort does
DIGIT = 8

# feature -1: the node is not split; `n_constant` features are constant in it.
Split = namedtuple("Split", "feature threshold missing_left n_constant")


@kernel(fastmath=EXACT)
def draw(random):
    """The next number in [0, 2^31) of scikit-learn's xorshift generator."""
    state = random[0]
    state ^= (state << 13) & 0xFFFFFFFF
    state ^= state >> 17
    state ^= (state << 5) & 0xFFFFFFFF
    random[0] = state
    return state & 0x7FFFFFFF


@kernel(fastmath=EXACT)
def best_split(values, rows, start, stop, n_known_constant, node, targets, limits, scratch,
               order, codes, y, weight, monotonic, outputs):  # fmt: skip
    """The split with the largest gain among max_features drawn features, the first one of equal ones.

    `rows` come out in the order of the feature tried last, as scikit-learn's do.
    """
    features, n_features = scratch.features, len(scratch.features)
    last, n_visited, n_drawn, n_total, sorted_by = n_features, 0, 0, n_known_constant, -1
    split, best = Split(-1, 0.0, False, 0), scratch.best
    best[0] = best[1] = -np.inf
    while last > n_total and (n_visited < limits.max_features or n_visited <= n_total - n_known_constant + n_drawn):
        n_visited += 1
        j = n_drawn + draw(scratch.random) % (last - (n_total - n_known_constant) - n_drawn)
        if j < n_known_constant:
            features[n_drawn], features[j] = features[j], features[n_drawn]
            n_drawn += 1
            continue
        j += n_total - n_known_constant
        feature = features[j]
        column = values[feature]
        if order is None:
            ordered = rows[start:stop]
            _sort(ordered, column, scratch.pairs, scratch.counts)
        else:
            ordered = order[feature, start:stop]
        n_known = count_known(ordered, column)
        sorted_by = feature if n_known < stop - start or column[ordered[0]] != column[ordered[-1]] else sorted_by
        if n_known == 0 or (n_known == stop - start and not is_above(column[ordered[-1]], column[ordered[0]])):
            features[j], features[n_total] = features[n_total], feature
            n_total += 1
            continue
        last -= 1
        features[j], features[last] = features[last], feature
        for missing_left in range(1 if n_known == stop - start else 2):
            k = best_position(
                ordered, n_known, missing_left == 1, feature, column, best, node, targets, limits,
                codes, y, weight, monotonic, outputs,
            )  # fmt: skip
            if k > 0:
                split = _at(feature, k, ordered, column, n_known, missing_left == 1)
    keep_constant(scratch, n_known_constant, n_total)
    if order is not None and sorted_by >= 0:
        for p in range(start, stop):
            rows[p] = order[sorted_by, p]
    return Split(split.feature, split.threshold, split.missing_left, n_total)


@kernel(fastmath=EXACT)
def _sort(rows, column, pairs, counts):
    """Sort by the value in `column`; equal ones stay as they are."""
    n = len(rows)
    for p in range(n):
        pairs[0, p] = sort_key(column[rows[p]]) << np.uint64(32) | np.uint64(rows[p])
    side = 0
    if n > INSERTED:
        side = radix_sort(pairs, n, counts, DIGIT)
    else:
        for p in range(1, n):
            pair, q = pairs[0, p], p
            while q > 0 and pairs[0, q - 1] >> np.uint64(32) > pair >> np.uint64(32):
                pairs[0, q] = pairs[0, q - 1]
                q -= 1
            pairs[0, q] = pair
    for p in range(n):
        rows[p] = np.uint32(pairs[side, p] & np.uint64(0xFFFFFFFF))


@kernel(fastmath=EXACT)
def count_known(ordered, column):
    """How many of the ordered rows come before the missing ones."""
    low, high = 0, len(ordered)
    if not np.isnan(column[ordered[high - 1]]):
        return high
    while low < high:
        middle = (low + high) // 2
        if np.isnan(column[ordered[middle]]):
            high = middle
        else:
            low = middle + 1
    return low


@kernel(fastmath=EXACT)
def _at(feature, k, ordered, column, n_known, missing_left):
    """The split of the ordered rows at position k."""
    n, n_missing = len(ordered), len(ordered) - n_known
    if k == n_known and not missing_left:
        threshold = np.inf  # all that is known goes left
    else:
        threshold = np.float64(column[ordered[k - 1]]) / 2.0 + np.float64(column[ordered[k]]) / 2.0
    n_left = k + n_missing if missing_left else k
    # With nothing missing in training, what is missing later follows the majority.
    to_left = missing_left if n_missing else n_left > n - n_left
    return Split(feature, threshold, to_left, 0)


@kernel(fastmath=EXACT)
def keep_constant(scratch, n_known, n_total):
    """Constant features stay in front, in the order in which they were found, for the nodes below."""
    for j in range(n_known):
        scratch.features[j] = scratch.constant[j]
    for j in range(n_known, n_total):
        scratch.constant[j] = scratch.features[j]


@kernel(fastmath=EXACT)
def partition(rows, column, threshold, missing_left):
    """Rows that go left to the front, by scikit-learn's swaps; how many."""
    n_left, stop = 0, len(rows)
    while n_left < stop:
        x = column[rows[n_left]]
        if missing_left if np.isnan(x) else x <= threshold:
            n_left += 1
        else:
            stop -= 1
            rows[n_left], rows[stop] = rows[stop], rows[n_left]
    return n_left


@kernel(fastmath=EXACT)
def partition_orders(order, features, rows, start, n_left, goes_left, spare):
    """Part the rows of a node, now in order, in the orders of `features` too."""
    for p in range(len(rows)):
        goes_left[rows[p]] = p < n_left
    for feature in features:
        ordered, at, others = order[feature, start : start + len(rows)], 0, 0
        for i in range(len(ordered)):
            row = ordered[i]
            left = goes_left[row]
            ordered[at] = row
            spare[others] = row
            at += left
            others += 1 - left
        for i in range(others):
            ordered[at + i] = spare[i]
