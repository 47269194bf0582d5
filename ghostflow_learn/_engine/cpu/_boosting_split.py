"""The best split of a node from its histogram. Repeated bit for bit elsewhere: no operation is reordered."""

from collections import namedtuple

import numpy as np

from ._boosting_losses import apart, inlined
from ._math import _float64_of

# What a search needs of the data and the limits; `scalars` is a tuple of numbers of its own: cheap to hand around.
# scalars       : Scalars                     n_bins        : (n_features,) int64
# has_missing, is_categorical : (n_features,) uint8
# monotonic_cst : (n_features,) int8
Terms = namedtuple("Terms", "scalars n_bins has_missing is_categorical monotonic_cst")
Scalars = namedtuple(
    "Scalars", "max_bins min_samples_leaf min_hessian min_gain l2 cat_support gradient_unit hessian_unit"
)


@apart
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
        first, last, missing, best = j * 256, j * 256 + 256, has_missing[j], node.gain
        gradients, hessians, counts = histogram[0, first:last], histogram[1, first:last], histogram[2, first:last]
        if is_categorical[j]:
            _search_categories(
                node, gradients, hessians, counts, n_bins[j], missing, scalars, sums, floats[0], left_codes
            )
        else:
            _search_bins(node, gradients, hessians, counts, n_bins[j], missing, monotonic_cst[j], scalars, sums, floats)
        node.feature = j if node.gain > best else node.feature
    node.gradient_right = node.gradient - node.gradient_left
    node.hessian_right = node.hessian - node.hessian_left
    node.value_left = _value(node.gradient_left, node.hessian_left, node.lower, node.upper, scalars.l2)
    node.value_right = _value(node.gradient_right, node.hessian_right, node.lower, node.upper, scalars.l2)


@inlined
def _search_bins(node, gradients, hessians, counts, n_bins, with_missing, direction, scalars, sums, floats):
    """Missing values to the right, bins upwards; then missing values to the left, bins downwards."""
    _add_up(gradients, hessians, counts, sums[0, :n_bins], sums[1, :n_bins], sums[2, :n_bins])
    gradient, hessian, count = np.int64(0), np.int64(0), np.int64(0)
    for missing_left in range(1 + with_missing):
        if missing_left:
            gradient, hessian = gradients[scalars.max_bins], hessians[scalars.max_bins]
            count = counts[scalars.max_bins]
        n = n_bins - 1 + with_missing - missing_left
        below_gradient, below_hessian, n_below = floats[0, :n], floats[1, :n], sums[2, :n]
        _as_floats(sums[0, :n], gradient, scalars.gradient_unit, below_gradient)
        _as_floats(sums[1, :n], hessian, scalars.hessian_unit, below_hessian)
        first, last = _allowed(n_below, count, below_hessian, node.count, node.hessian, scalars)
        if first < last:
            gains = floats[2, : last - first]
            _gains(
                below_gradient[first:last], below_hessian[first:last], node.gradient, node.hessian,
                node.gradient * node.value, node.lower, node.upper, scalars.l2, direction, gains,
            )  # fmt: skip
            most = _peak(gains)
            if most > node.gain and most > scalars.min_gain:
                b, step = (last - first - 1, -1) if missing_left else (0, 1)
                while gains[b] != most:
                    b += step
                b += first
                node.gain, node.bin, node.missing_left, node.categorical = most, b, missing_left, False
                node.gradient_left, node.hessian_left, node.n_left = (
                    below_gradient[b],
                    below_hessian[b],
                    n_below[b] + count,
                )


@inlined
def _add_up(gradients, hessians, counts, below_gradient, below_hessian, n_below):
    """Sums over the bins up to each one."""
    gradient, hessian, count = np.int64(0), np.int64(0), np.int64(0)
    for b in range(len(n_below)):
        gradient += gradients[b]
        hessian += hessians[b]
        count += counts[b]
        below_gradient[b], below_hessian[b], n_below[b] = gradient, hessian, count


@inlined
def _as_floats(sums, more, unit, floats):
    for b in range(len(sums)):
        # Integers below 2^51, in two instructions that vectorise: AVX2 has none for it.
        floats[b] = (_float64_of(sums[b] + more + np.int64(0x4338000000000000)) - 6755399441055744.0) * unit


@inlined
def _allowed(counts, count, hessian_left, node_count, node_hessian, scalars):
    """The range of splits that leave enough on both sides: counts and hessians only grow."""
    first, last = 0, len(counts)
    least, fewest = scalars.min_hessian, scalars.min_samples_leaf
    while first < last and (counts[first] + count < fewest or hessian_left[first] < least):
        first += 1
    while last > first and (
        node_count - counts[last - 1] - count < fewest or node_hessian - hessian_left[last - 1] < least
    ):
        last -= 1
    return first, last


@inlined
def _gains(below_gradient, below_hessian, node_gradient, node_hessian, node_loss, lower, upper, l2, direction, gains):
    for b in range(len(gains)):
        gradient_left, hessian_left = below_gradient[b], below_hessian[b]
        gradient_right, hessian_right = node_gradient - gradient_left, node_hessian - hessian_left
        left = _value(gradient_left, hessian_left, lower, upper, l2)
        right = _value(gradient_right, hessian_right, lower, upper, l2)
        gain = node_loss - gradient_left * left - gradient_right * right
        gains[b] = -1.0 if direction * (left - right) > 0.0 else gain


@inlined
def _value(gradient, hessian, lower, upper, l2):
    value = -gradient / (hessian + l2 + 1e-15)
    value = lower if value < lower else value
    return upper if value > upper else value


@inlined
def _peak(gains):
    a = b = c = d = -1.0  # four that do not wait for each other
    n = len(gains) & ~3
    for i in range(0, n, 4):
        a = gains[i] if gains[i] > a else a
        b = gains[i + 1] if gains[i + 1] > b else b
        c = gains[i + 2] if gains[i + 2] > c else c
        d = gains[i + 3] if gains[i + 3] > d else d
    for i in range(n, len(gains)):
        a = gains[i] if gains[i] > a else a
    a, c = b if b > a else a, d if d > c else c
    return c if c > a else a


@inlined
def _search_categories(node, gradients, hessians, counts, n_bins, with_missing, scalars, sums, values, left_codes):
    """Categories in the order of their mean gradient, from both ends to the middle."""
    order = sums[3]
    n_used = _order_categories(node, gradients, hessians, n_bins, with_missing, scalars, values, sums[0], order)
    for downwards in range(2 if n_used > 1 else 0):
        gradient, hessian, count = np.int64(0), np.int64(0), np.int64(0)
        for i in range((n_used + 1) // 2 - downwards):
            b = order[n_used - 1 - i if downwards else i]
            gradient += gradients[b]
            hessian += hessians[b]
            count += counts[b]
            gradient_left, hessian_left = gradient * scalars.gradient_unit, hessian * scalars.hessian_unit
            gradient_right, hessian_right = node.gradient - gradient_left, node.hessian - hessian_left
            fewest, least = min(count, node.count - count), min(hessian_left, hessian_right)
            if fewest < scalars.min_samples_leaf or least < scalars.min_hessian:
                continue
            left = _value(gradient_left, hessian_left, node.lower, node.upper, scalars.l2)
            right = _value(gradient_right, hessian_right, node.lower, node.upper, scalars.l2)
            gain = node.gradient * node.value - gradient_left * left - gradient_right * right
            if gain > node.gain and gain > scalars.min_gain:
                node.gain, node.bin, node.categorical, node.n_left = gain, 0, True, count
                node.gradient_left, node.hessian_left = gradient_left, hessian_left
                _mark(order[n_used - 1 - i : n_used] if downwards else order[: i + 1], left_codes)
                node.missing_left = with_missing and contains(left_codes, scalars.max_bins)


@inlined
def _order_categories(node, gradients, hessians, n_bins, with_missing, scalars, values, bins, order):
    """Bins of enough weight in ascending order of their mean gradient: each goes where its rank says."""
    n_used, support = 0, node.count / node.hessian
    for c in range(n_bins + with_missing):
        b = c if c < n_bins else scalars.max_bins
        hessian = hessians[b] * scalars.hessian_unit
        if hessian * support >= scalars.cat_support:
            values[n_used] = gradients[b] * scalars.gradient_unit / (hessian + scalars.cat_support)
            bins[n_used] = b
            n_used += 1
    for i in range(n_used):
        rank, value = 0, values[i]
        for other in range(n_used):
            rank += (values[other] < value) | ((values[other] == value) & (other < i))
        order[rank] = bins[i]
    return n_used


@inlined
def _mark(bins, bitset):
    for word in range(8):
        bitset[word] = np.uint32(0)
    for b in bins:
        bitset[b >> 5] |= np.uint32(1) << np.uint32(b & 31)


@inlined
def contains(bitset, b):
    return (bitset[b >> 5] >> np.uint32(b & 31)) & np.uint32(1) != 0
