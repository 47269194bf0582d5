"""One tree, node by node: which node comes next, whether it is split, and what is known of its children.

What a tree does not need is None and not compiled: `codes` in regression, `y` in classification and for absolute
errors, which have `errors`, `weight`, `n_classes` for one output, `best` with random splits and `random` without,
`sparse` for dense data, `order` where rows are sorted node by node, `monotonic` and `bounds` without constraints,
`heap` where the tree grows depth first.
"""

from collections import namedtuple

import numpy as np

from .._trees import LEAF, UNDEFINED
from ._jit import kernel
from ._tree_columns import EXACT
from ._tree_criteria import add_up, add_up_parts, impurity, sum_squares
from ._tree_errors import errors_of_parts, measure_errors
from ._tree_sparse import clear_column, part_apart, read_column, set_apart
from ._tree_splitting import best_split, partition, partition_orders, random_split

EPSILON = np.finfo(np.float64).eps  # an impurity, or a gain, that is none but for rounding
DONE, FULL, GROWING = 0, 1, 2  # what `grow` returns: the tree is complete, its arrays are full, or it takes a break
TRIED = 12  # multiply-adds in the time that one feature of one row takes

# Columns of `integers`: what a node shows; its rows, the position that parts them or -1, its depth, and how many
# features are constant in it.
LEFT, RIGHT, FEATURE, N_SAMPLES, MISSING_LEFT, START, STOP, POSITION, DEPTH, N_CONSTANT = range(10)
# Columns of `numbers`: what a node shows; what its split gains, the impurity of its children, the bounds of its value,
# and the value between those of its children.
THRESHOLD, IMPURITY, WEIGHT, GAIN, IMPURITY_LEFT, IMPURITY_RIGHT, LOWER, UPPER, MIDDLE = range(9)
# Places in `state`: of the random numbers; how many nodes there are, wait, may still be split, are in the heap.
RANDOM_STATE, N_NODES, N_WAITING, N_SPLITS, N_HEAP = range(5)

# screens : whether positions of little gain may be passed over without a division; the others as in Growth
Limits = namedtuple(
    "Limits",
    "criterion screens max_depth min_samples_split min_samples_leaf max_features min_weight_leaf min_impurity_decrease "
    "weight_of_all",
)


@kernel(fastmath=EXACT, allocates=False)
def grow(values, rows, integers, numbers, shown, waiting, state, features, sums, limits, max_work, scratch,
         best, random, sparse, order, codes, y, weight, n_classes, errors, monotonic, bounds, heap):  # fmt: skip
    """Add nodes until the tree is complete, its arrays are full, or that took about `max_work` multiply-adds.

    Parameters
    ----------
    rows : (n_rows,) uint32, of the tree; reordered
    integers, numbers, shown : (capacity, 10) int64, (capacity, 9) float64, (capacity, n_outputs, max_n_classes) float64
        The nodes, and their values.
    waiting : (capacity,) int64
        Children that wait for their turn, a stack: twice the parent, plus 1 for its right child.
    heap : (capacity,) int64, optional
        Nodes that may be split, the one that gains most first.
    """
    work = 0
    while True:
        if state[N_NODES] + 2 > len(integers):
            return FULL
        if work > max_work:
            return GROWING
        if heap is not None and state[N_WAITING] == 0:
            _expand_best(integers, numbers, waiting, state, heap)
        if state[N_WAITING] == 0:
            return DONE
        at = _take_place(integers, numbers, waiting, state, len(rows), monotonic)
        start, stop = integers[at, START], integers[at, STOP]
        inside, n, total, squares = rows[start:stop], stop - start, sums[0], 0.0
        for k in range(total.shape[0]):
            for c in range(total.shape[1]):
                total[k, c] = 0.0
        weight_total = add_up(inside, 1.0, codes, y, weight, total, 0.0)
        if y is not None:
            squares = sum_squares(inside, y, weight)
        if errors is not None:
            measure_errors(inside, start, weight, errors, True, errors.of_right)
        if at == 0:
            numbers[0, IMPURITY] = impurity(
                limits.criterion, inside, codes, y, weight, n_classes, total, weight_total, squares
            )
            if errors is not None:
                numbers[0, IMPURITY] = errors.of_right[0, 0] / (weight_total * len(errors.medians))
        _fill_in(at, n, weight_total, total, integers, numbers, shown, codes, errors, monotonic)
        work += TRIED * n
        if not is_leaf(limits, integers[at, DEPTH], n, weight_total, numbers[at, IMPURITY]):
            work += TRIED * n * features.shape[1]
            n_constant = integers[at, N_CONSTANT] if heap is None else 0
            if bounds is not None:
                bounds[1], bounds[2] = numbers[at, LOWER], numbers[at, UPPER]
            if best is not None:
                split = best_split(
                    values, inside, start, n_constant, features, state, sums, weight_total, limits, scratch, best,
                    sparse, order, codes, y, weight, n_classes, errors, monotonic, bounds,
                )  # fmt: skip
            if random is not None:
                split = random_split(
                    values, inside, start, n_constant, features, state, sums, weight_total, limits,
                    sparse, codes, y, weight, n_classes, errors, monotonic, bounds,
                )  # fmt: skip
            if split.feature >= 0:
                _part(at, split, values, inside, integers, numbers, features, sums, weight_total, squares, limits,
                      scratch, sparse, order, codes, y, weight, n_classes, errors, heap)  # fmt: skip
        if heap is not None:
            _push(at, heap, numbers, state)
        elif integers[at, POSITION] >= 0:
            _let_children_wait(at, waiting, state)


@kernel(fastmath=EXACT, inline="always", allocates=False)
def is_leaf(limits, depth, n_samples, weight, impurity):
    return (
        depth >= limits.max_depth
        or n_samples < limits.min_samples_split
        or n_samples < 2 * limits.min_samples_leaf
        or weight < 2 * limits.min_weight_leaf
        or impurity <= EPSILON
    )


@kernel(fastmath=EXACT, inline="always", allocates=False)
def _take_place(integers, numbers, waiting, state, n_rows, monotonic):
    """The child that waits on top becomes a node, and knows what its parent knows of it."""
    at = state[N_NODES]
    state[N_NODES] += 1
    state[N_WAITING] -= 1
    parent, is_right = waiting[state[N_WAITING]] >> 1, waiting[state[N_WAITING]] & 1
    if parent < 0:
        integers[at, START], integers[at, STOP], integers[at, DEPTH], integers[at, N_CONSTANT] = 0, n_rows, 0, 0
        numbers[at, LOWER], numbers[at, UPPER] = -np.inf, np.inf
        return at
    integers[at, START] = integers[parent, POSITION if is_right else START]
    integers[at, STOP] = integers[parent, STOP if is_right else POSITION]
    integers[at, DEPTH], integers[at, N_CONSTANT] = integers[parent, DEPTH] + 1, integers[parent, N_CONSTANT]
    integers[parent, LEFT + is_right] = at
    numbers[at, IMPURITY] = numbers[parent, IMPURITY_LEFT + is_right]
    numbers[at, LOWER], numbers[at, UPPER] = numbers[parent, LOWER], numbers[parent, UPPER]
    if monotonic is not None:
        sign = monotonic[integers[parent, FEATURE]]
        if sign != 0:
            numbers[at, LOWER if (sign > 0) == (is_right == 1) else UPPER] = numbers[parent, MIDDLE]
    return at


@kernel(fastmath=EXACT, inline="always", allocates=False)
def _fill_in(at, n_samples, weight_total, total, integers, numbers, shown, codes, errors, monotonic):
    """What a node shows as long as it is not split."""
    integers[at, LEFT] = integers[at, RIGHT] = LEAF
    integers[at, FEATURE], integers[at, MISSING_LEFT], integers[at, POSITION] = UNDEFINED, 0, -1
    integers[at, N_SAMPLES] = n_samples
    numbers[at, THRESHOLD], numbers[at, WEIGHT], numbers[at, GAIN] = UNDEFINED, weight_total, 0.0
    for k in range(total.shape[0]):
        for c in range(total.shape[1]):
            shown[at, k, c] = total[k, c] / weight_total
    if errors is not None:
        for k in range(len(errors.medians)):
            shown[at, k, 0] = errors.medians[k]
    if monotonic is not None:
        shown[at, 0, 0] = min(max(shown[at, 0, 0], numbers[at, LOWER]), numbers[at, UPPER])
        if codes is not None:
            shown[at, 0, 1] = 1 - shown[at, 0, 0]


@kernel(fastmath=EXACT, inline="always", allocates=False)
def _part(at, split, values, inside, integers, numbers, features, sums, weight_total, squares, limits,
          scratch, sparse, order, codes, y, weight, n_classes, errors, heap):  # fmt: skip
    """Part the node's rows, and keep the split unless it gains too little."""
    n_left = split.n_left
    if n_left < 0:
        if sparse is not None:
            n_filled = read_column(split.feature, inside, integers[at, START], sparse)
            zeros, positive = set_apart(inside, integers[at, START], n_filled, sparse)
            n_left = part_apart(inside, integers[at, START], zeros, positive, split.threshold, sparse)
            clear_column(n_filled, sparse)
        else:
            n_left = partition(inside, values[split.feature], split.threshold, split.missing_left)
    weight_left = add_up_parts(inside, n_left, codes, y, weight, sums, weight_total)
    weights = weight_left, weight_total - weight_left
    squares_left = 0.0
    if y is not None:
        squares_left = sum_squares(inside[:n_left], y, weight)
    middle, leaves = sums[1, 0, 0] / (2 * weights[0]) + sums[2, 0, 0] / (2 * weights[1]), 0
    if errors is not None:
        of_left, of_right, median_left, median_right = errors_of_parts(
            inside, integers[at, START], n_left, weights[0], weights[1], weight, errors
        )
        middle = (median_left + median_right) / 2
    for side in range(2):
        rows = inside[n_left:] if side else inside[:n_left]
        weight_here, squares_here = weights[side], squares - squares_left if side else squares_left
        found = impurity(limits.criterion, rows, codes, y, weight, n_classes, sums[1 + side], weight_here, squares_here)
        if errors is not None:
            found = of_right if side else of_left
        numbers[at, IMPURITY_LEFT + side] = found
        leaves += is_leaf(limits, integers[at, DEPTH] + 1, len(rows), weight_here, found)
    decrease = (
        numbers[at, IMPURITY]
        - (weights[1] / weight_total * numbers[at, IMPURITY_RIGHT])
        - (weights[0] / weight_total * numbers[at, IMPURITY_LEFT])
    )
    gain = weight_total / limits.weight_of_all * decrease
    if gain + EPSILON < limits.min_impurity_decrease:
        return
    numbers[at, GAIN], numbers[at, THRESHOLD] = gain, split.threshold
    numbers[at, MIDDLE] = middle
    integers[at, FEATURE], integers[at, MISSING_LEFT] = split.feature, split.missing_left
    integers[at, POSITION], integers[at, N_CONSTANT] = integers[at, START] + n_left, split.n_constant
    if order is not None and leaves < 2:
        varying = features[0, split.n_constant if heap is None else 0 :]
        partition_orders(order, varying, inside, integers[at, START], n_left, scratch.goes_left, scratch.spare)
    if errors is not None:
        partition_orders(
            errors.order, errors.outputs, inside, integers[at, START], n_left, scratch.goes_left, scratch.spare
        )


@kernel(fastmath=EXACT, inline="always", allocates=False)
def _let_children_wait(at, waiting, state):
    waiting[state[N_WAITING]], waiting[state[N_WAITING] + 1] = 2 * at + 1, 2 * at  # the left child is on top
    state[N_WAITING] += 2


@kernel(fastmath=EXACT, allocates=False)
def _expand_best(integers, numbers, waiting, state, heap):
    """Let the children of the best node wait; nodes that may not be split become leaves on the way."""
    while state[N_HEAP] > 0:
        best = _pop(heap, numbers, state)
        if integers[best, POSITION] >= 0 and state[N_SPLITS] > 0:
            state[N_SPLITS] -= 1
            _let_children_wait(best, waiting, state)
            return
        integers[best, FEATURE], numbers[best, THRESHOLD] = UNDEFINED, UNDEFINED


@kernel(fastmath=EXACT, allocates=False)
def _push(at, heap, numbers, state):
    state[N_HEAP] += 1
    _rise(heap, state[N_HEAP] - 1, at, numbers)


@kernel(fastmath=EXACT, allocates=False)
def _pop(heap, numbers, state):
    """The first node; the hole sinks to the end, where the last node fills it and rises, as in libstdc++.

    In another heap other nodes would come first among those of the same gain.
    """
    state[N_HEAP] -= 1
    n, best, hole = state[N_HEAP], heap[0], 0
    while 2 * hole + 1 < n:
        child = 2 * hole + 2
        if child == n or numbers[heap[child], GAIN] < numbers[heap[child - 1], GAIN]:
            child -= 1
        heap[hole] = heap[child]
        hole = child
    _rise(heap, hole, heap[n], numbers)
    return best


@kernel(fastmath=EXACT, allocates=False)
def _rise(heap, hole, at, numbers):
    while hole > 0 and numbers[heap[(hole - 1) // 2], GAIN] < numbers[at, GAIN]:
        heap[hole] = heap[(hole - 1) // 2]
        hole = (hole - 1) // 2
    heap[hole] = at
