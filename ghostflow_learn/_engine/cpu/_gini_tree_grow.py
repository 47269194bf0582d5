"""A tree, node by node, depth first: what a node shows, and how its rows are parted."""

from collections import namedtuple

import numpy as np

from .._trees import LEAF, UNDEFINED
from ._gini_tree_split import EXACT, Samples, best_split, weight_of
from ._jit import kernel

EPSILON = np.finfo(np.float64).eps  # an impurity, or a gain, that is none but for rounding
TRIED = 6  # multiply-adds in the time that one feature of one row takes

# As in Growth, and n_exact: nodes of so few rows are split between them; at_random: at thresholds that are drawn.
Limits = namedtuple(
    "Limits",
    "n_classes max_depth min_samples_split min_samples_leaf max_features min_weight_leaf "
    "min_impurity_decrease weight_of_all n_exact at_random",
)
# n : (3,) int64, how many nodes there are, how many wait for a place, and the depth
# places : (capacity, 6) int64, a stack
Progress = namedtuple("Progress", "n places")
START, STOP, DEPTH, PARENT, IS_LEFT, N_CONSTANT = range(6)


@kernel(fastmath=EXACT, allocates=False)
def grow(binned, rows, spare, weight, code, limits, nodes, progress, gathered, scratch, at_random, at_best, max_work):
    """Add nodes until the tree is complete, or that took about `max_work` multiply-adds; is it complete?"""
    n, work = progress.n, 0
    while n[1] > 0 and work < max_work:
        n[1] -= 1
        at, place = n[0], progress.places[n[1]]
        start, stop, depth = place[START], place[STOP], place[DEPTH]
        n[0], n[2] = at + 1, max(n[2], depth)
        if place[PARENT] >= 0 and place[IS_LEFT]:
            nodes.left[place[PARENT]] = at
        elif place[PARENT] >= 0:
            nodes.right[place[PARENT]] = at
        samples = _gather(rows[start:stop], weight, code, limits, gathered, scratch.total)
        _show(at, samples, limits, nodes, scratch.total)
        work += TRIED * (stop - start)
        if _is_leaf(limits, depth, stop - start, nodes.weighted_n_node_samples[at], nodes.impurity[at]):
            continue
        work += TRIED * (stop - start) * limits.max_features
        if limits.at_random:
            _lay_out(samples, limits)
        split, n_constant = best_split(binned, samples, place[N_CONSTANT], limits, scratch, at_random, at_best)
        if split.feature < 0 or _decrease(split.gain, at, limits, nodes) + EPSILON < limits.min_impurity_decrease:
            continue
        column = binned.values[split.feature]
        n_left = _part(rows[start:stop], spare, column, split.threshold, split.missing_left)
        # With nothing missing in training, what is missing later follows the majority.
        to_left = split.missing_left if binned.has_missing[split.feature] else 2 * n_left > stop - start
        nodes.feature[at], nodes.threshold[at], nodes.missing_go_to_left[at] = split.feature, split.threshold, to_left
        for is_left in range(2):  # the left one on top
            below = progress.places[n[1]]
            below[START], below[STOP] = (start, start + n_left) if is_left else (start + n_left, stop)
            below[DEPTH], below[PARENT], below[IS_LEFT], below[N_CONSTANT] = depth + 1, at, is_left, n_constant
            n[1] += 1
    return n[1] == 0


@kernel(inline="always")
def _is_leaf(limits, depth, n_samples, weight, impurity):
    return (
        depth >= limits.max_depth
        or n_samples < limits.min_samples_split
        or weight < 2 * limits.min_weight_leaf
        or impurity <= EPSILON
    )


@kernel(allocates=False)
def _gather(rows, weight, code, limits, gathered, total):
    """What is known of the rows, side by side; the weight of each class, and maybe their number, into `total`."""
    samples = Samples(rows, gathered.weight, gathered.code, gathered.sums)
    for k in range(len(total)):
        total[k] = 0.0
    for i in range(len(rows)):
        samples.weight[i], samples.code[i] = weight[rows[i]], code[rows[i]]
        total[samples.code[i]] += samples.weight[i]
    if limits.min_samples_leaf > 1:
        total[-1] = len(rows)
    return samples


@kernel(inline="always")
def _show(at, samples, limits, nodes, total):
    """What the node shows, as long as it is not split."""
    nodes.left[at] = nodes.right[at] = LEAF
    nodes.feature[at], nodes.threshold[at], nodes.missing_go_to_left[at] = UNDEFINED, UNDEFINED, 0
    weight, squares = weight_of(total, limits), 0.0
    nodes.n_node_samples[at], nodes.weighted_n_node_samples[at] = len(samples.rows), weight
    for k in range(limits.n_classes):
        nodes.value[at, 0, k] = total[k] / weight
        squares += total[k] * total[k]
    nodes.impurity[at] = 1 - squares / (weight * weight)


@kernel(allocates=False)
def _lay_out(samples, limits):
    """What each row adds to the left side, in the rows of `samples.sums`."""
    n, sums = len(samples.rows), samples.sums
    for i in range(n):
        sums[-1, i] = 1.0  # where they are counted
    for k in range(limits.n_classes):
        row = sums[k]
        for i in range(n):
            row[i] = samples.weight[i] if samples.code[i] == k else 0.0


@kernel(inline="always")
def _decrease(gain, at, limits, nodes):
    """How much a split decreases the impurity, times the part of all samples in the node."""
    weight, impurity = nodes.weighted_n_node_samples[at], nodes.impurity[at]
    constant = -weight * impurity if limits.at_random else weight * (1 - impurity)  # see _gain_of, and _scan
    return (gain - constant) / limits.weight_of_all


@kernel(allocates=False)
def _part(rows, spare, column, threshold, missing_left):
    """Rows that go left to the front, in their order; how many."""
    n_left, n_right = np.uint64(0), np.uint64(0)
    for i in range(len(rows)):
        row = rows[i]
        x = column[row]
        is_left = np.uint64(x <= threshold or (missing_left and np.isnan(x)))
        rows[n_left], spare[n_right] = row, row
        n_left += is_left
        n_right += np.uint64(1) - is_left
    n = np.int64(n_left)
    for i in range(np.int64(n_right)):
        rows[n + i] = spare[i]
    return n
