"""The best split of a node from its histogram. Repeated bit for bit elsewhere: no operation is reordered."""

from collections import namedtuple

import numpy as np

from ._boosting_losses import exact, inlined, inner
from ._math import _float64_of

# What a search needs of the data and the limits; `scalars` is a tuple of numbers of its own: cheap to hand around.
# scalars       : Scalars                     n_bins        : (n_features,) int64
# has_missing   : (n_features,) uint8
# is_categorical : (n_features,) uint8, or None, see `Limits`
# monotonic_cst : (n_features,) int8
Terms = namedtuple("Terms", "scalars n_bins has_missing is_categorical monotonic_cst")
Scalars = namedtuple(
    "Scalars", "max_bins min_samples_leaf min_hessian min_gain l2 cat_support gradient_unit hessian_unit"
)


@inner
def search(
    node, histogram, tried, scalars, n_bins, has_missing, is_categorical, monotonic_cst, sums, floats, left_codes
):
    """Fill in the best split of `node`, a record of WORK; its gain stays -1 where there is none.

    There is room for one search in `sums`, (4, 256) int64, and `floats`, (3, 256) float64.
    """
    node.gain = -1.0
    for j in range(len(tried)):
        if not tried[j]:
            continue
        first, last, best = j * 256, j * 256 + 256, node.gain
        gradients, hessians, counts = histogram[0, first:last], histogram[1, first:last], histogram[2, first:last]
        in_order = True
        if is_categorical is not None:  # noqa: SIM102  alone, so that Numba leaves it out
            if is_categorical[j]:
                in_order = False
                _search_categories(
                    node, gradients, hessians, counts, n_bins[j], has_missing[j], scalars, sums, floats, left_codes
                )
        if in_order:
            _search_bins(
                node, gradients, hessians, counts, n_bins[j], has_missing[j], monotonic_cst[j], scalars, sums, floats
            )
        node.feature = j if node.gain > best else node.feature
    node.gradient_right = node.gradient - node.gradient_left
    node.hessian_right = node.hessian - node.hessian_left
    node.value_left = _value(node.gradient_left, node.hessian_left, node.lower, node.upper, scalars.l2)
    node.value_right = _value(node.gradient_right, node.hessian_right, node.lower, node.upper, scalars.l2)


@inlined
def _search_bins(node, gradients, hessians, counts, n_bins, with_missing, direction, scalars, sums, floats):
    """Missing values to the right, bins upwards; then missing values to the left, bins downwards."""
    fewest, least, l2, lower, upper = scalars.min_samples_leaf, scalars.min_hessian, scalars.l2, node.lower, node.upper
    gradient = hessian = count = np.int64(0)
    for b in range(n_bins):
        gradient += gradients[b]
        hessian += hessians[b]
        count += counts[b]
        sums[0, b], sums[1, b], sums[2, b] = gradient, hessian, count
    gradient = hessian = count = np.int64(0)
    for missing_left in range(1 + with_missing):
        if missing_left:
            b = scalars.max_bins
            gradient, hessian, count = gradients[b], hessians[b], counts[b]
        first, last = 0, n_bins - 1 + with_missing - missing_left
        for k in range(2):
            below, floats_below = sums[k, :last], floats[k, :last]
            more = (hessian if k else gradient) + np.int64(0x4338000000000000)
            unit = scalars.hessian_unit if k else scalars.gradient_unit
            for b in range(len(below)):
                # Integers below 2^51, in two instructions that vectorise: AVX2 has none for it.
                floats_below[b] = (_float64_of(below[b] + more) - 6755399441055744.0) * unit
        # Counts and hessians only grow, so the splits that leave enough on both sides are a range.
        most_left, n_below, hessian_below = node.count - count - fewest, sums[2], floats[1]
        while first < last and (n_below[first] + count < fewest or hessian_below[first] < least):
            first += 1
        while last > first and (n_below[last - 1] > most_left or node.hessian - hessian_below[last - 1] < least):
            last -= 1
        gradient_lefts, hessian_lefts, gains = floats[0, first:last], floats[1, first:last], floats[2, : last - first]
        node_gradient, node_hessian, node_loss = node.gradient, node.hessian, node.gradient * node.value
        for b in range(len(gains)):
            gradient_left, hessian_left = gradient_lefts[b], hessian_lefts[b]
            gradient_right, hessian_right = node_gradient - gradient_left, node_hessian - hessian_left
            left = _value(gradient_left, hessian_left, lower, upper, l2)
            right = _value(gradient_right, hessian_right, lower, upper, l2)
            gain = node_loss - gradient_left * left - gradient_right * right
            gains[b] = -1.0 if direction * (left - right) > 0.0 else gain
        one = two = three = four = -1.0  # that do not wait for each other
        n = len(gains) & ~3
        for b in range(0, n, 4):
            one = gains[b] if gains[b] > one else one
            two = gains[b + 1] if gains[b + 1] > two else two
            three = gains[b + 2] if gains[b + 2] > three else three
            four = gains[b + 3] if gains[b + 3] > four else four
        for b in range(n, len(gains)):
            one = gains[b] if gains[b] > one else one
        most = max(max(one, two), max(three, four))
        if most > node.gain and most > scalars.min_gain:
            b, step = (len(gains) - 1, -1) if missing_left else (0, 1)
            while gains[b] != most:
                b += step
            node.gain, node.bin, node.missing_left, node.categorical = most, first + b, missing_left, False
            node.gradient_left, node.hessian_left = gradient_lefts[b], hessian_lefts[b]
            node.n_left = n_below[first + b] + count


@exact
def _value(gradient, hessian, lower, upper, l2):
    value = -gradient / (hessian + l2 + 1e-15)
    value = lower if value < lower else value
    return upper if value > upper else value


@inlined
def _search_categories(node, gradients, hessians, counts, n_bins, with_missing, scalars, sums, floats, left_codes):
    """Categories in the order of their mean gradient, from both ends to the middle."""
    bins, order, values, n_used, support = sums[0], sums[3], floats[0], 0, node.count / node.hessian
    for c in range(n_bins + with_missing):
        b = c if c < n_bins else scalars.max_bins
        hessian_left = hessians[b] * scalars.hessian_unit
        if hessian_left * support >= scalars.cat_support:
            values[n_used] = gradients[b] * scalars.gradient_unit / (hessian_left + scalars.cat_support)
            bins[n_used] = b
            n_used += 1
    for i in range(n_used):  # each goes where its rank says
        rank, value, before, after = 0, values[i], values[:i], values[i:n_used]
        for other in range(len(before)):
            rank += np.int64(1) if before[other] <= value else np.int64(0)
        for other in range(len(after)):
            rank += np.int64(1) if after[other] < value else np.int64(0)
        order[rank] = bins[i]
    fewest, least, l2, lower, upper = scalars.min_samples_leaf, scalars.min_hessian, scalars.l2, node.lower, node.upper
    node_count, node_gradient, node_hessian, value = node.count, node.gradient, node.hessian, node.value
    for downwards in range(2 if n_used > 1 else 0):
        n = (n_used + 1) // 2 - downwards
        gradient_lefts, hessian_lefts, counts_left, gains = sums[0, :n], sums[1, :n], sums[2, :n], floats[1, :n]
        gradient = hessian = count = np.int64(0)
        for i in range(n):
            b = order[n_used - 1 - i if downwards else i]
            gradient += gradients[b]
            hessian += hessians[b]
            count += counts[b]
            gradient_lefts[i], hessian_lefts[i], counts_left[i] = gradient, hessian, count
        for i in range(n):
            gradient_left = gradient_lefts[i] * scalars.gradient_unit
            hessian_left = hessian_lefts[i] * scalars.hessian_unit
            gradient_right, hessian_right = node_gradient - gradient_left, node_hessian - hessian_left
            left = _value(gradient_left, hessian_left, lower, upper, l2)
            right = _value(gradient_right, hessian_right, lower, upper, l2)
            gain = node_gradient * value - gradient_left * left - gradient_right * right
            enough = (min(counts_left[i], node_count - counts_left[i]) >= fewest) & (hessian_left >= least)
            gains[i] = gain if enough & (hessian_right >= least) else -1.0
        best = 0
        for i in range(n):
            best = i if gains[i] > gains[best] else best
        if n > 0 and gains[best] > node.gain and gains[best] > scalars.min_gain:
            node.gain, node.bin, node.categorical, node.n_left = gains[best], 0, True, counts_left[best]
            node.gradient_left = gradient_lefts[best] * scalars.gradient_unit
            node.hessian_left = hessian_lefts[best] * scalars.hessian_unit
            for word in range(8):
                left_codes[word] = np.uint32(0)
            for i in range(best + 1):
                b = order[n_used - 1 - i if downwards else i]
                left_codes[b >> 5] |= np.uint32(1) << np.uint32(b & 31)
            node.missing_left = with_missing and contains(left_codes, scalars.max_bins)


@exact
def contains(bitset, b):
    return (bitset[b >> 5] >> np.uint32(b & 31)) & np.uint32(1) != 0
