"""How the rows of a node are split in two: scikit-learn's draws of features, and its ways to reorder rows."""

from collections import namedtuple

import numpy as np

from ._jit import kernel
from ._tree_columns import EXACT, sort_rows
from ._tree_criteria import add_up_parts, gain_of
from ._tree_errors import errors_of_parts, scan_errors
from ._tree_search import FEATURE_THRESHOLD, in_order, scan_counts, scan_runs, scan_sums
from ._tree_sparse import clear_column, part_apart, read_column, set_apart, sort_apart

RAND_R_MAX = 2.0**31 - 1  # the largest number that `draw` gives

# feature -1: the node is not split; `n_constant` features are constant in it. n_left -1: the rows are not parted yet.
Split = namedtuple("Split", "feature threshold missing_left n_left n_constant")
# pairs, counts : of sort_rows; spare : (n_samples,) uint32; goes_left : (n_samples,) uint8
Scratch = namedtuple("Scratch", "pairs counts spare goes_left")


@kernel(fastmath=EXACT, inline="always", allocates=False)
def draw(random):
    """The next number in [0, 2^31) of scikit-learn's xorshift generator."""
    state = random[0]
    state ^= (state << 13) & 0xFFFFFFFF
    state ^= state >> 17
    state ^= (state << 5) & 0xFFFFFFFF
    random[0] = state
    return state & 0x7FFFFFFF


@kernel(fastmath=EXACT, inline="always", allocates=False)
def best_split(values, rows, start, n_known_constant, features, random, sums, weight_total, limits, scratch, best,
               sparse, order, codes, y, weight, n_classes, errors, monotonic, bounds):  # fmt: skip
    """The split with the largest gain among max_features drawn features, the first one of equal ones.

    `rows`, of the node alone, come out in the order of the feature tried last, as scikit-learn's do.
    """
    n, last, n_visited, n_drawn, n_found, sorted_by = len(rows), features.shape[1], 0, 0, 0, -1
    split = Split(-1, 0.0, False, -1, n_known_constant)
    best[0] = best[1] = -np.inf
    while last > n_known_constant + n_found and (n_visited < limits.max_features or n_visited <= n_found + n_drawn):
        n_visited += 1
        j = n_drawn + draw(random) % (last - n_found - n_drawn)
        if j < n_known_constant:
            features[0, n_drawn], features[0, j] = features[0, j], features[0, n_drawn]
            n_drawn += 1
            continue
        j += n_found
        feature = features[0, j]
        if sparse is not None:
            column, ordered, n_filled = sparse.column, rows, read_column(feature, rows, start, sparse)
            zeros, positive = set_apart(rows, start, n_filled, sparse)
            sort_apart(rows, start, zeros, positive, sparse, scratch)
        else:
            column, zeros, positive = values[feature], n, n
            if order is None:
                ordered = rows
                sort_rows(rows, column, scratch.pairs, scratch.counts)
            else:
                ordered = order[feature, start : start + n]
        low, high = column[ordered[0]], column[ordered[n - 1]]
        if low != high:
            sorted_by = feature
        if low != low or high <= low + FEATURE_THRESHOLD:
            features[0, j] = features[0, n_known_constant + n_found]
            features[0, n_known_constant + n_found] = feature
            n_found += 1
            if sparse is not None:
                clear_column(n_filled, sparse)
            continue
        last -= 1
        features[0, j], features[0, last] = features[0, last], feature
        if bounds is not None:
            bounds[0] = monotonic[feature]
        n_missing, n_searches = 0, 1
        if high != high:
            n_searches = 2
            while column[ordered[n - 1 - n_missing]] != column[ordered[n - 1 - n_missing]]:
                n_missing += 1
        for missing_left in range(n_searches):
            first, end = limits.min_samples_leaf, n - 1 if n_missing == 0 or missing_left else n - n_missing
            if missing_left:
                for p in range(n):
                    scratch.spare[p] = ordered[p - n_missing if p >= n_missing else p + n - n_missing]
                ordered, first = scratch.spare[:n], max(first, n_missing + 1)
            end, p = min(end, n - limits.min_samples_leaf), -1
            if errors is not None:
                p = scan_errors(ordered, start, first, end, column, weight_total, limits, best, weight, bounds, errors)
            elif n_classes is not None or sparse is not None:
                p = scan_runs(
                    ordered, zeros, positive, first, end, column, sums, weight_total, limits, best,
                    codes, y, weight, n_classes, bounds,
                )  # fmt: skip
            else:
                if codes is not None:
                    p = scan_counts(
                        ordered,
                        first,
                        end,
                        column,
                        sums,
                        weight_total,
                        limits,
                        best,
                        codes,
                        weight,
                        bounds,
                        n - n_missing,
                    )
                if y is not None:
                    p = scan_sums(
                        ordered, first, end, column, sums, weight_total, limits, best, y, weight, bounds, n - n_missing
                    )
            if p > 0:
                threshold = np.float64(column[ordered[p - 1]]) / 2.0 + np.float64(column[ordered[p]]) / 2.0
                if p == n - n_missing and not missing_left:
                    threshold = np.inf  # all that is known goes left
                # With nothing missing in training, what is missing later follows the majority.
                to_left = missing_left == 1 if n_missing else p > n - p
                split = Split(feature, threshold, to_left, -1, 0)
        if sparse is not None:
            clear_column(n_filled, sparse)
    keep_constant(features, n_known_constant, n_found)
    if order is not None and sorted_by >= 0:
        for p in range(n):
            rows[p] = order[sorted_by, start + p]
    return Split(split.feature, split.threshold, split.missing_left, -1, n_known_constant + n_found)


@kernel(fastmath=EXACT, inline="always", allocates=False)
def keep_constant(features, n_known, n_found):
    """Constant features stay in front, in the order in which they were found, for the nodes below."""
    for j in range(n_known):
        features[0, j] = features[1, j]
    for j in range(n_known, n_known + n_found):
        features[1, j] = features[0, j]


@kernel(fastmath=EXACT, inline="always", allocates=False)
def random_split(values, rows, start, n_known_constant, features, random, sums, weight_total, limits,
                 sparse, codes, y, weight, n_classes, errors, monotonic, bounds):  # fmt: skip
    """The best of one random split of each of max_features drawn features, the first one of equal ones."""
    n, last, n_visited, n_drawn, n_found, tried, best = len(rows), features.shape[1], 0, 0, 0, -1, -np.inf
    split = Split(-1, 0.0, False, -1, n_known_constant)
    while last > n_known_constant + n_found and (n_visited < limits.max_features or n_visited <= n_found + n_drawn):
        n_visited += 1
        j = n_drawn + draw(random) % (last - n_found - n_drawn)
        if j < n_known_constant:
            features[0, n_drawn], features[0, j] = features[0, j], features[0, n_drawn]
            n_drawn += 1
            continue
        j += n_found
        tried = features[0, j]
        low, high, n_missing = np.float32(np.inf), np.float32(-np.inf), 0
        if sparse is not None:
            column, n_filled = sparse.column, read_column(tried, rows, start, sparse)
            zeros, positive = set_apart(rows, start, n_filled, sparse)
        else:
            column, zeros, positive = values[tried], n, n
        for p in range(n):
            if zeros < p < positive:
                continue  # of many zeros, one is enough
            x = column[rows[p]]
            n_missing += x != x
            low, high = x if x < low else low, x if x > high else high
        if n_missing == n or (n_missing == 0 and high <= low + FEATURE_THRESHOLD):
            features[0, j] = features[0, n_known_constant + n_found]
            features[0, n_known_constant + n_found] = tried
            n_found += 1
            if sparse is not None:
                clear_column(n_filled, sparse)
            continue
        last -= 1
        features[0, j], features[0, last] = features[0, last], tried
        threshold = (np.float64(high) - np.float64(low)) * draw(random) / RAND_R_MAX + np.float64(low)
        missing_left = n_missing > 0 and draw(random) % 2 == 1
        threshold = np.float64(low) if threshold == high else threshold
        if sparse is not None:
            n_left = part_apart(rows, start, zeros, positive, threshold, sparse)
            clear_column(n_filled, sparse)
        else:
            n_left = partition(rows, column, threshold, missing_left)
        if min(n_left, n - n_left) < limits.min_samples_leaf:
            continue
        weight_left = add_up_parts(rows, n_left, codes, y, weight, sums, weight_total)
        weight_right = weight_total - weight_left
        if min(weight_left, weight_right) < limits.min_weight_leaf:
            continue
        gain = gain_of(limits.criterion, codes, y, weight, n_classes, sums, weight_left, weight_right)
        value_left, value_right = sums[1, 0, 0] / weight_left, sums[2, 0, 0] / weight_right
        if errors is not None:
            left, right, value_left, value_right = errors_of_parts(
                rows, start, n_left, weight_left, weight_right, weight, errors
            )
            gain = -weight_right * right - weight_left * left
        if bounds is not None and not in_order(value_left, value_right, monotonic[tried], bounds[1], bounds[2]):
            continue
        if gain > best:
            # With nothing missing in training, what is missing later follows the majority.
            best, to_left = gain, missing_left if n_missing else n_left > n - n_left
            split = Split(tried, threshold, to_left, n_left, 0)
    keep_constant(features, n_known_constant, n_found)
    n_left = split.n_left if split.feature == tried else -1
    return Split(split.feature, split.threshold, split.missing_left, n_left, n_known_constant + n_found)


@kernel(fastmath=EXACT, inline="always", allocates=False)
def partition(rows, column, threshold, missing_left):
    """Rows that go left to the front, by scikit-learn's swaps; how many."""
    n_left, stop = 0, len(rows)
    while n_left < stop:
        x = column[rows[n_left]]
        if missing_left if x != x else x <= threshold:
            n_left += 1
        else:
            stop -= 1
            rows[n_left], rows[stop] = rows[stop], rows[n_left]
    return n_left


@kernel(fastmath=EXACT, allocates=False)
def partition_orders(order, features, rows, start, n_left, goes_left, spare):
    """Part the rows of a node, in order now, in the orders of `features` too."""
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
