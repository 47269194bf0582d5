"""The best split of a node from its histogram. Repeated bit for bit elsewhere: no operation is reordered."""

from collections import namedtuple

import numpy as np

from ._boosting_losses import exact
from ._jit import FASTMATH, kernel

# What a search needs of the data and the limits.
# max_bins, min_samples_leaf                        : int
# min_hessian, min_gain, l2, cat_support            : float
# units                                             : (2,) float64
# n_bins                                            : (n_features,) int64
# has_missing, is_categorical                       : (n_features,) uint8
# monotonic_cst                                     : (n_features,) int8
Terms = namedtuple(
    "Terms",
    "max_bins min_samples_leaf min_hessian min_gain l2 cat_support units n_bins has_missing is_categorical monotonic_cst",
)

# Room for one search: below (2, 256) float64, n_below (256,) int64, gains (256,) float64, order (256,) int64.
Room = namedtuple("Room", "below n_below gains order")


@exact
def make_room():
    return Room(np.empty((2, 256)), np.empty(256, np.int64), np.empty(256), np.empty(256, np.int64))


@exact
def search(node, histogram, tried, terms, room, left_codes):
    """Fill in the best split of `node`, a record of WORK; its gain stays -1 where there is none."""
    node.gain = -1.0
    for j in range(len(tried)):
        if not tried[j]:
            continue
        of_feature = histogram[:, j * 256 : (j + 1) * 256]
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
    _add_up(of_feature, n_bins, terms.units, room)
    _consider(node, j, n_bins - 1 + with_missing, 0.0, 0.0, 0, False, terms, room)
    if with_missing:
        gradient = of_feature[0, terms.max_bins] * terms.units[0]
        hessian = of_feature[1, terms.max_bins] * terms.units[1]
        _consider(node, j, n_bins - 1, gradient, hessian, of_feature[2, terms.max_bins], True, terms, room)


@exact
def _add_up(of_feature, n_bins, units, room):
    """Sums over the bins up to each one."""
    gradient, hessian, count = np.int64(0), np.int64(0), np.int64(0)
    gradients, hessians, counts = of_feature[0, :n_bins], of_feature[1, :n_bins], of_feature[2, :n_bins]
    for b in range(n_bins):
        gradient += gradients[b]
        hessian += hessians[b]
        count += counts[b]
        room.below[0, b] = gradient * units[0]
        room.below[1, b] = hessian * units[1]
        room.n_below[b] = count


@exact
def _consider(node, j, n_candidates, gradient, hessian, count, missing_left, terms, room):
    """Splits after each of the first bins, with these sums of missing values on the left."""
    first = last = 0  # counts and hessians only grow, so the allowed splits are a range
    for b in range(n_candidates):
        n_left, hessian_left = room.n_below[b] + count, room.below[1, b] + hessian
        n_right, hessian_right = node.count - n_left, node.hessian - hessian_left
        first += (n_left < terms.min_samples_leaf) | (hessian_left < terms.min_hessian)
        last += (n_right >= terms.min_samples_leaf) & (hessian_right >= terms.min_hessian)
    if first >= last:
        return
    gains, below = room.gains[: last - first], room.below[:, first:last]
    _gains(below[0], below[1], gradient, hessian, node.gradient, node.hessian, node.gradient * node.value,
           node.lower, node.upper, terms.l2, terms.monotonic_cst[j], gains)  # fmt: skip
    most = _peak(gains)
    if most > node.gain and most > terms.min_gain:
        b = _last(gains, most) if missing_left else _first(gains, most)
        node.gain, node.feature, node.bin, node.missing_left, node.categorical = most, j, first + b, missing_left, False
        node.gradient_left, node.hessian_left = below[0, b] + gradient, below[1, b] + hessian
        node.n_left = room.n_below[first + b] + count


@exact
def _gains(below_gradient, below_hessian, gradient, hessian, node_gradient, node_hessian, node_loss, lower, upper, l2,
           direction, gains):  # fmt: skip
    for b in range(len(gains)):
        gradient_left, hessian_left = below_gradient[b] + gradient, below_hessian[b] + hessian
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
    most = gains[0]
    for b in range(len(gains)):
        most = max(most, gains[b])
    return most


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
            gradient += of_feature[0, b]
            hessian += of_feature[1, b]
            count += of_feature[2, b]
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
    values, bins, n_used = room.gains, room.n_below, 0
    support = node.count / node.hessian
    for c in range(terms.n_bins[j] + terms.has_missing[j]):
        b = c if c < terms.n_bins[j] else terms.max_bins
        hessian = of_feature[1, b] * terms.units[1]
        if hessian * support >= terms.cat_support:
            values[n_used] = of_feature[0, b] * terms.units[0] / (hessian + terms.cat_support)
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
