"""The best split of a node from its histogram. Repeated bit for bit elsewhere: no operation is reordered."""

from collections import namedtuple

import numpy as np

from ._boosting_losses import exact
from ._jit import FASTMATH, kernel
from ._math import _float64_of

# What a search needs of the data and the limits.
# max_bins, min_samples_leaf                        : int
# min_hessian, min_gain, l2, cat_support            : float
# units                                             : (2,) float64
# n_bins                                            : (n_features,) int64
# has_missing, is_categorical                       : (n_features,) uint8
# monotonic_cst                                     : (n_features,) int8
Terms = namedtuple(
    "Terms",
    "max_bins min_samples_leaf min_hessian min_gain l2 cat_support units n_bins has_missing is_categorical "
    "monotonic_cst",
)

# Room for one search: sums (3, 256) int64, below (2, 256) float64, gains (256,) float64, order (256,) int64.
Room = namedtuple("Room", "sums below gains order")


@exact
def make_room():
    return Room(np.empty((3, 256), np.int64), np.empty((2, 256)), np.empty(256), np.empty(256, np.int64))


@exact
def search(node, histogram, tried, terms, room, left_codes):
    """Fill in the best split of `node`, a record of WORK; its gain stays -1 where there is none."""
    node.gain = -1.0
    for j in range(len(tried)):
        if not tried[j]:
            continue
        bins = slice(j * 256, (j + 1) * 256)
        of_feature = (histogram[0, bins], histogram[1, bins], histogram[2, bins])
        if terms.is_categorical[j]:
            _search_categories(node, j, of_feature, terms, room, left_codes)
        else:
            _search_bins(node, j, of_feature, terms, room)
    node.gradient_right = node.gradient - node.gradient_left
    node.hessian_right = node.hessian - node.hessian_left
    node.value_left = _value(node.gradient_left, node.hessian_left, node.lower, node.upper, terms.l2)
    node.value_right = _value(node.gradient_right, node.hessian_right, node.lower, node.upper, terms.l2)


@exact
def _search_bins(node, j, of_feature, terms, room):
    """Missing values to the right, bins upwards; then missing values to the left, bins downwards."""
    n_bins, with_missing = terms.n_bins[j], terms.has_missing[j]
    _add_up(of_feature, n_bins, room)
    missing = (np.int64(0), np.int64(0), np.int64(0))
    for missing_left in range(1 + with_missing):
        if missing_left:
            missing = (of_feature[0][terms.max_bins], of_feature[1][terms.max_bins], of_feature[2][terms.max_bins])
        _consider(node, j, n_bins - 1 + with_missing - missing_left, missing, missing_left, terms, room)


@exact
def _add_up(of_feature, n_bins, room):
    """Sums over the bins up to each one."""
    gradients, hessians, counts = of_feature
    gradient, hessian, count = np.int64(0), np.int64(0), np.int64(0)
    for b in range(n_bins):
        gradient += gradients[b]
        hessian += hessians[b]
        count += counts[b]
        room.sums[0, b], room.sums[1, b], room.sums[2, b] = gradient, hessian, count


@exact
def _consider(node, j, n_candidates, missing, missing_left, terms, room):
    """Splits after each of the first bins, with these sums of missing values on the left."""
    gradient, hessian, count = missing
    gradients, hessians = room.below[0, :n_candidates], room.below[1, :n_candidates]
    counts = room.sums[2, :n_candidates]
    _as_floats(room.sums[0, :n_candidates], gradient, terms.units[0], gradients)
    _as_floats(room.sums[1, :n_candidates], hessian, terms.units[1], hessians)
    first, last = _allowed(counts, count, hessians, node.count, node.hessian, terms)
    if first == last:
        return
    gains = room.gains[: last - first]
    _gains(gradients[first:last], hessians[first:last], node.gradient, node.hessian, node.gradient * node.value,
           node.lower, node.upper, terms.l2, terms.monotonic_cst[j], gains)  # fmt: skip
    most = _peak(gains)
    if most > node.gain and most > terms.min_gain:
        b = first + (_last(gains, most) if missing_left else _first(gains, most))
        node.gain, node.feature, node.bin, node.missing_left, node.categorical = most, j, b, missing_left, False
        node.gradient_left, node.hessian_left, node.n_left = gradients[b], hessians[b], counts[b] + count


@exact
def _as_floats(sums, more, unit, floats):
    for b in range(len(sums)):
        # Integers below 2^51, in two instructions that vectorise: AVX2 has none for it.
        floats[b] = (_float64_of(sums[b] + more + np.int64(0x4338000000000000)) - 6755399441055744.0) * unit


@exact
def _allowed(counts, count, hessian_left, node_count, node_hessian, terms):
    """The range of splits that leave enough on both sides: counts and hessians only grow."""
    first, last = 0, len(counts)
    least, fewest = terms.min_hessian, terms.min_samples_leaf
    while first < last and (counts[first] + count < fewest or hessian_left[first] < least):
        first += 1
    while last > first and (
        node_count - counts[last - 1] - count < fewest or node_hessian - hessian_left[last - 1] < least
    ):
        last -= 1
    return first, last


@exact
def _gains(below_gradient, below_hessian, node_gradient, node_hessian, node_loss, lower, upper, l2, direction, gains):
    for b in range(len(gains)):
        gradient_left, hessian_left = below_gradient[b], below_hessian[b]
        gradient_right, hessian_right = node_gradient - gradient_left, node_hessian - hessian_left
        left = _value(gradient_left, hessian_left, lower, upper, l2)
        right = _value(gradient_right, hessian_right, lower, upper, l2)
        gain = node_loss - gradient_left * left - gradient_right * right
        gains[b] = -1.0 if direction * (left - right) > 0.0 else gain


@exact
def _value(gradient, hessian, lower, upper, l2):
    value = -gradient / (hessian + l2 + 1e-15)
    value = lower if value < lower else value
    return upper if value > upper else value


@kernel(fastmath=FASTMATH | {"nnan"})
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
    return max(max(a, b), max(c, d))


@exact
def _first(gains, most):
    b = 0
    while gains[b] != most:
        b += 1
    return b


@exact
def _last(gains, most):
    b = len(gains) - 1
    while gains[b] != most:
        b -= 1
    return b


@exact
def _search_categories(node, j, of_feature, terms, room, left_codes):
    """Categories in the order of their mean gradient, from both ends to the middle."""
    n_used = _order_categories(node, j, of_feature, terms, room)
    if n_used <= 1:
        return
    for downwards in range(2):
        gradient, hessian, count = np.int64(0), np.int64(0), np.int64(0)
        for i in range((n_used + 1) // 2 - downwards):
            b = room.order[n_used - 1 - i if downwards else i]
            gradient += of_feature[0][b]
            hessian += of_feature[1][b]
            count += of_feature[2][b]
            gradient_left, hessian_left = gradient * terms.units[0], hessian * terms.units[1]
            fewest, least = min(count, node.count - count), min(hessian_left, node.hessian - hessian_left)
            if fewest < terms.min_samples_leaf or least < terms.min_hessian:
                continue
            gain = _gain(node, gradient_left, hessian_left, terms.l2)
            if gain > node.gain and gain > terms.min_gain:
                node.gain, node.feature, node.bin, node.categorical, node.n_left = gain, j, 0, True, count
                node.gradient_left, node.hessian_left = gradient_left, hessian_left
                _mark(room.order[n_used - 1 - i : n_used] if downwards else room.order[: i + 1], left_codes)
                node.missing_left = terms.has_missing[j] and _contains(left_codes, terms.max_bins)


@exact
def _gain(node, gradient_left, hessian_left, l2):
    gradient_right, hessian_right = node.gradient - gradient_left, node.hessian - hessian_left
    left = _value(gradient_left, hessian_left, node.lower, node.upper, l2)
    right = _value(gradient_right, hessian_right, node.lower, node.upper, l2)
    return node.gradient * node.value - gradient_left * left - gradient_right * right


@exact
def _order_categories(node, j, of_feature, terms, room):
    """Bins of enough weight in ascending order of their mean gradient: each goes where its rank says."""
    values, bins, n_used = room.gains, room.sums[0], 0
    support = node.count / node.hessian
    for c in range(terms.n_bins[j] + terms.has_missing[j]):
        b = c if c < terms.n_bins[j] else terms.max_bins
        hessian = of_feature[1][b] * terms.units[1]
        if hessian * support >= terms.cat_support:
            values[n_used] = of_feature[0][b] * terms.units[0] / (hessian + terms.cat_support)
            bins[n_used] = b
            n_used += 1
    for i in range(n_used):
        rank = 0
        for other in range(n_used):
            rank += (values[other] < values[i]) | ((values[other] == values[i]) & (other < i))
        room.order[rank] = bins[i]
    return n_used


@exact
def _mark(bins, bitset):
    bitset[:] = np.uint32(0)
    for b in bins:
        bitset[b >> 5] |= np.uint32(1) << np.uint32(b & 31)


@exact
def _contains(bitset, b):
    return (bitset[b >> 5] >> np.uint32(b & 31)) & np.uint32(1) != 0
