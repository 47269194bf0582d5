"""The best split of a node by Gini impurity: between its samples if they are few, else between bins, or at random.

What lies on the left of each candidate is `left`, (n_sums, n_candidates): the weight of each class; and at last, where
leaves must have more than one sample, how many they are.
"""

from collections import namedtuple

import numpy as np

from ._jit import kernel
from ._tree_splitting import draw, keep_constant

EXACT = set()  # the order of candidates depends on the last bit: no freedom for the compiler
FEATURE_THRESHOLD = np.float32(1e-7)  # values no further apart are the same, as scikit-learn has it
LARGEST_DRAW = 2**31 - 1
INSERTED = 16  # samples that are sorted faster by insertion
LANES = 8  # values that are compared at a time
TINY = 1e-300  # a weight below it is none
MARGIN = 1 - 1e-12  # for rounding
CONSTANT, NONE = -2, -1  # features of a split that is none
WEIGHT, GAIN, OTHER = range(3)  # rows of `gains`

Split = namedtuple("Split", "feature threshold missing_left gain")
# The samples of a node. rows : (m,) uint32; weight : (>= m,) float64; code : (>= m,) uint8, their classes
# sums : (n_sums, >= m) float64, what each adds to `left`, where thresholds are drawn
Samples = namedtuple("Samples", "rows weight code sums")
# features : (2, n_features) int64, a permutation, and constant ones;  random : (1,) int64
# values, ordered : (capacity,) float32;  order : (capacity,) int64;  total, right, missing : (n_sums,)
# left : (n_sums, 256);  gains : (3, 256);  histogram : (256 n_sums,)
Scratch = namedtuple("Scratch", "features random values ordered order total right missing left gains histogram")


@kernel(allocates=False)
def best_split(binned, samples, n_known, limits, scratch, at_random, at_best):
    """The split of the largest gain among `max_features` drawn features, the first of equals; how many are constant.

    Features are drawn as scikit-learn draws them: at first those known to be constant, then those found to be. One of
    `at_random` and `at_best` is None: Numba leaves that way to split out.
    """
    features, random = scratch.features[0], scratch.random
    last, n_visited, n_drawn, n_found = len(features), 0, 0, 0
    best = Split(np.int64(NONE), 0.0, False, -np.inf)
    while last > n_known + n_found and (n_visited < limits.max_features or n_visited <= n_found + n_drawn):
        n_visited += 1
        j = n_drawn + draw(random) % (last - n_found - n_drawn)
        if j < n_known:
            features[n_drawn], features[j] = features[j], features[n_drawn]
            n_drawn += 1
            continue
        j += n_found
        feature = features[j]
        column = binned.values[feature]
        if at_random is not None:
            split = _at_random(column, feature, samples, limits, scratch, best.gain)
        if at_best is not None:
            if len(samples.rows) <= limits.n_exact:
                split = _between_samples(column, feature, samples, limits, scratch, best.gain)
            else:
                split = _between_bins(binned, feature, samples, limits, scratch, best.gain)
        if split.feature == CONSTANT:
            features[j], features[n_known + n_found] = features[n_known + n_found], feature
            n_found += 1
            continue
        last -= 1
        features[j], features[last] = features[last], feature
        if split.feature >= 0:
            best = split
    keep_constant(scratch.features, n_known, n_found)
    return best, n_known + n_found


@kernel(fastmath=EXACT, allocates=False)
def _at_random(column, feature, samples, limits, scratch, bar):
    values, n, left, right = scratch.values, len(samples.rows), scratch.missing, scratch.right
    low, high, _ = _take(column, samples.rows, values)
    if not high > low + FEATURE_THRESHOLD:
        return Split(np.int64(CONSTANT), 0.0, False, bar)
    threshold = (np.float64(high) - np.float64(low)) * draw(scratch.random) / LARGEST_DRAW + np.float64(low)
    threshold = np.float64(low) if threshold == high else threshold
    for k in range(len(scratch.total)):
        left[k] = _sum_up_to(values, n, samples.sums[k], threshold)
        right[k] = scratch.total[k] - left[k]
    gain = _gain_of(left, right, limits)
    may = limits.min_samples_leaf == 1 or min(left[-1], right[-1]) >= limits.min_samples_leaf
    return Split(feature if may and gain > bar else np.int64(NONE), threshold, False, max(gain, bar) if may else bar)


@kernel(fastmath=EXACT, allocates=False)
def _gain_of(left, right, limits):
    """In scikit-learn's terms, which round as its own do."""
    weight_left, weight_right, sq_left, sq_right = weight_of(left, limits), weight_of(right, limits), 0.0, 0.0
    if min(weight_left, weight_right) < max(limits.min_weight_leaf, TINY):
        return -np.inf
    for k in range(limits.n_classes):
        sq_left += left[k] * left[k]
        sq_right += right[k] * right[k]
    of_left, of_right = 1 - sq_left / (weight_left * weight_left), 1 - sq_right / (weight_right * weight_right)
    return -weight_right * of_right - weight_left * of_left


@kernel(allocates=False)
def _take(column, rows, values):
    """The values of the rows; their range, and how many are missing."""
    low, high, n_missing = np.float32(np.inf), np.float32(-np.inf), 0
    for i in range(len(rows)):
        x = column[rows[i]]
        values[i] = x
        low, high = x if x < low else low, x if x > high else high
        n_missing += x != x
    return low, high, n_missing


@kernel(allocates=False)
def _sum_up_to(values, n, sums, threshold):
    total = 0.0
    for i in range(n):
        total += sums[i] if values[i] <= threshold else 0.0
    return total


@kernel(allocates=False)
def _between_samples(column, feature, samples, limits, scratch, bar):
    """Each position in the order of the values is a candidate."""
    m, ordered = len(samples.rows), scratch.ordered
    low, high, n_missing = _take(column, samples.rows, scratch.values)
    if n_missing == m or (n_missing == 0 and not high > low + FEATURE_THRESHOLD):
        return Split(np.int64(CONSTANT), 0.0, False, bar)
    if m <= INSERTED and n_missing == 0:
        _insert(scratch.values, ordered, scratch.order, m)
    else:
        _rank(scratch.values, ordered, scratch.order, m)
    found, missing_left, n_known = -1, False, m - n_missing
    for side in range(2 if n_missing else 1):
        gain, at = _scan(n_known, side == 1, samples, limits, scratch, bar)
        if at >= 0:
            bar, found, missing_left = gain, at, side == 1
    if found < 0:
        return Split(np.int64(NONE), 0.0, False, bar)
    threshold = np.inf if found == n_known - 1 else _middle(ordered[found], ordered[found + 1])
    return Split(feature, threshold, missing_left, bar)


@kernel(inline="always")
def _insert(values, ordered, order, m):
    """The first m values in order, and where they were."""
    for i in range(m):
        x, at = values[i], i
        while at > 0 and ordered[at - 1] > x:
            ordered[at], order[at] = ordered[at - 1], order[at - 1]
            at -= 1
        ordered[at], order[at] = x, i


@kernel(allocates=False)
def _rank(values, ordered, order, m):
    """The first m values in order, missing ones last, and where they were: by how many are less, eight at a time."""
    n_padded, missing = (m + LANES - 1) // LANES * LANES, m
    for i in range(m):
        order[i] = -1
    for i in range(m, n_padded):
        values[i] = np.inf
    for i in range(m):
        x = values[i]
        if x == x:
            at = np.int64(_count_less(values, n_padded, x))
            while order[at] >= 0:  # by an equal value
                at += 1
        else:
            missing -= 1
            at = missing
        ordered[at], order[at] = x, i


@kernel(allocates=False)
def _count_less(values, n, limit):
    count = np.float32(0)
    for i in range(n):
        count += np.float32(1) if values[i] < limit else np.float32(0)
    return count


@kernel(fastmath=EXACT, allocates=False)
def _scan(n_known, missing_left, samples, limits, scratch, bar):
    """The position of the largest gain above `bar`, after so many ordered samples, or -1; and that gain."""
    m, left, right, ordered, order = len(samples.rows), scratch.missing, scratch.right, scratch.ordered, scratch.order
    weight_left, weight_total, found = 0.0, weight_of(scratch.total, limits), -1
    sq_left, sq_right, least = 0.0, 0.0, max(limits.min_weight_leaf, TINY)
    for k in range(limits.n_classes):
        left[k], right[k] = 0.0, scratch.total[k]
        sq_right += right[k] * right[k]
    n_first = m - n_known if missing_left else 0
    last = n_known if n_known < m and not missing_left else n_known - 1
    for p in range(-n_first, last):
        i = order[p if p >= 0 else n_known - 1 - p]
        w, c = samples.weight[i], samples.code[i]
        weight_left += w
        sq_left += w * (2 * left[c] + w)
        sq_right -= w * (2 * right[c] - w)
        left[c], right[c] = left[c] + w, right[c] - w
        if p < 0 or (p + 1 < n_known and not ordered[p + 1] > ordered[p] + FEATURE_THRESHOLD):
            continue
        weight_right, n_left = weight_total - weight_left, p + 1 + n_first
        # Most positions gain less by far, which shows without a division.
        if sq_left * weight_right + sq_right * weight_left < bar * MARGIN * (weight_left * weight_right):
            continue
        if min(weight_left, weight_right) < least or min(n_left, m - n_left) < limits.min_samples_leaf:
            continue
        gain = sq_left / weight_left + sq_right / weight_right
        if gain > bar:
            bar, found = gain, p
    return bar, found


@kernel(inline="always")
def _middle(low, high):
    middle = np.float64(low) / 2 + np.float64(high) / 2
    return np.float64(low) if middle == high else middle


@kernel(allocates=False)
def _between_bins(binned, feature, samples, limits, scratch, bar):
    """Each border of bins is a candidate."""
    first, n_sums = binned.offsets[feature], len(scratch.total)
    n_bins = binned.offsets[feature + 1] - first + 1
    histogram, weight_left = scratch.histogram, scratch.gains[WEIGHT]
    _fill(histogram, binned.codes[feature], samples, limits, np.uint64(n_sums))
    for k in range(n_sums):
        running, row = 0.0, scratch.left[k]
        for b in range(n_bins):
            running += histogram[b * n_sums + k]
            row[b] = running
        scratch.missing[k] = histogram[binned.missing * n_sums + k]
    weight_missing = weight_of(scratch.missing, limits)
    gain, at, missing_left = _best_candidate(n_bins, weight_missing, samples, limits, scratch, bar)
    if weight_left[n_bins - 1] == 0 or (weight_missing == 0 and _has_one(weight_left, n_bins)):
        return Split(np.int64(CONSTANT), 0.0, False, bar)
    if at < 0:
        return Split(np.int64(NONE), 0.0, False, bar)
    end = at  # bins behind it may be empty: the border in their middle is as good
    while end + 2 < n_bins and weight_left[end + 1] == weight_left[at]:
        end += 1
    threshold = np.inf if at == n_bins - 1 else binned.edges[first + (at + end) // 2]
    return Split(feature, threshold, missing_left, gain)


@kernel(inline="always")
def _has_one(weight_left, n_bins):
    """Whether one bin has all."""
    b = 0
    while weight_left[b] == 0:
        b += 1
    return weight_left[b] == weight_left[n_bins - 1]


@kernel(allocates=False)
def _fill(histogram, codes, samples, limits, n_sums):
    rows = samples.rows
    for at in range(len(histogram)):
        histogram[at] = 0.0
    for i in range(len(rows)):
        histogram[np.uint64(codes[rows[i]]) * n_sums + np.uint64(samples.code[i])] += samples.weight[i]
    if limits.min_samples_leaf > 1:
        for i in range(len(rows)):
            histogram[np.uint64(codes[rows[i]]) * n_sums + n_sums - np.uint64(1)] += 1.0


@kernel(fastmath=EXACT, allocates=False)
def _best_candidate(n, weight_missing, samples, limits, scratch, bar):
    """The largest gain above `bar`, its candidate or -1, and whether missing values are on its left."""
    found, missing_left = -1, False
    for side in range(2 if weight_missing else 1):
        if side:
            for k in range(len(scratch.total)):
                for i in range(n):
                    scratch.left[k, i] += scratch.missing[k]
        _work_out_gains(n, len(samples.rows), limits, scratch)
        gain = scratch.gains[GAIN]
        for i in range(n):
            if gain[i] > bar:
                bar, found, missing_left = gain[i], i, side == 1
    return bar, found, missing_left


@kernel(fastmath=EXACT, allocates=False)
def _work_out_gains(n, n_samples, limits, scratch):
    """Of each candidate the squared weights of classes over the weight, of both sides."""
    left, total = scratch.left, scratch.total
    weight, gain, other = scratch.gains[WEIGHT], scratch.gains[GAIN], scratch.gains[OTHER]
    for k in range(limits.n_classes):
        row, total_k = left[k], total[k]
        for i in range(n):
            here, there = row[i], total_k - row[i]
            weight[i] = here + (weight[i] if k else 0.0)
            gain[i] = here * here + (gain[i] if k else 0.0)
            other[i] = there * there + (other[i] if k else 0.0)
    weight_total, least = weight_of(total, limits), max(limits.min_weight_leaf, TINY)
    for i in range(n):
        here, there = weight[i], weight_total - weight[i]
        found = gain[i] / here + other[i] / there
        gain[i] = found if (here >= least) & (there >= least) else -np.inf
    if limits.min_samples_leaf > 1:
        for i in range(n):
            if min(left[-1, i], n_samples - left[-1, i]) < limits.min_samples_leaf:
                gain[i] = -np.inf


@kernel(inline="always")
def weight_of(sums, limits):
    weight = 0.0
    for k in range(limits.n_classes):
        weight += sums[k]
    return weight
