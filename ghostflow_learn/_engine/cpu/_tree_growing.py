"""One tree, node by node: which node comes next, whether it is split, and what is known of its children."""

from collections import namedtuple

import numpy as np

from .._trees import LEAF, UNDEFINED
from ._jit import kernel
from ._tree_columns import EXACT
from ._tree_criteria import add_up, add_up_left, impurity
from ._tree_splitting import best_split, partition, partition_orders

EPSILON = np.finfo(np.float64).eps  # an impurity, or a gain, that is none but for rounding
DONE, FULL, GROWING = 0, 1, 2  # what `grow` returns: the tree is complete, its arrays are full, or it takes a break
TRIED = 12  # multiply-adds in the time that one feature of one row takes
START, STOP, POSITION, DEPTH, N_CONSTANT = range(5)
GAIN, IMPURITY_LEFT, IMPURITY_RIGHT, LOWER, UPPER, MIDDLE = range(6)

# criterion, n_classes : of Growth
# screens              : whether positions of little gain may be passed over without a division
Targets = namedtuple("Targets", "criterion n_classes screens")
# as in Growth; weight_of_all is the sum of all weights
Limits = namedtuple(
    "Limits",
    "max_depth min_samples_split min_samples_leaf max_features min_weight_leaf min_impurity_decrease weight_of_all",
)
# Sums of the node that grows and of its parts, (n_outputs, max_n_classes) float64, and (4,) float64: its weight, sum of
# w y^2, and lower and upper bound of its value.
Node = namedtuple("Node", "total left right scalars")
# counters : (3,) int64: nodes, nodes that wait, splits that are left
# waiting  : (capacity, 2) int64: parent and whether it is the left child, a stack
# extents  : (capacity, 5) int64, of the nodes: START ... N_CONSTANT; their rows, and the position that parts them or -1
# outlooks : (capacity, 6) float64, of the nodes: GAIN ... MIDDLE; of the split, and of the node's value
Progress = namedtuple("Progress", "counters waiting extents outlooks")
Scratch = namedtuple("Scratch", "features constant random pairs counts goes_left spare best")


@kernel(fastmath=EXACT)
def grow(values, rows, targets, limits, node, nodes, progress, scratch, max_work,
         order, codes, y, weight, monotonic, outputs, heap):  # fmt: skip
    """Add nodes until the tree is complete, its arrays are full, or that took about `max_work` multiply-adds.

    With a `heap`, (1 + capacity,) int64, its length first, the node that gains most is split first, else the leftmost.
    """
    counters, work = progress.counters, 0
    while True:
        if counters[0] + 2 > len(nodes.left) or counters[1] + 2 > len(progress.waiting):
            return FULL
        if work > max_work:
            return GROWING
        if counters[1] == 0 and not _expand_best(nodes, progress, heap):
            return DONE
        if counters[1] > 0:
            at = _take_place(nodes, progress, len(rows), node, monotonic)
            work += _add_node(
                at,
                values,
                rows,
                targets,
                limits,
                node,
                nodes,
                progress,
                scratch,
                order,
                codes,
                y,
                weight,
                monotonic,
                outputs,
                heap,
            )


@kernel(fastmath=EXACT)
def _take_place(nodes, progress, n_rows, node, monotonic):
    """The node that waits on top gets a number, and what its parent knows of it."""
    counters, extents, outlooks, scalars = progress.counters, progress.extents, progress.outlooks, node.scalars
    counters[1] -= 1
    parent, is_left = progress.waiting[counters[1], 0], progress.waiting[counters[1], 1]
    at = counters[0]
    counters[0] += 1
    if parent < 0:
        extents[at, START], extents[at, STOP], extents[at, DEPTH], extents[at, N_CONSTANT] = 0, n_rows, 0, 0
        scalars[2], scalars[3] = -np.inf, np.inf
        return at
    extents[at, START] = extents[parent, START if is_left else POSITION]
    extents[at, STOP] = extents[parent, POSITION if is_left else STOP]
    extents[at, DEPTH], extents[at, N_CONSTANT] = extents[parent, DEPTH] + 1, extents[parent, N_CONSTANT]
    nodes.impurity[at] = outlooks[parent, IMPURITY_LEFT if is_left else IMPURITY_RIGHT]
    scalars[2], scalars[3] = outlooks[parent, LOWER], outlooks[parent, UPPER]
    if monotonic is not None:
        sign = monotonic[nodes.feature[parent]]
        if sign != 0:
            scalars[3 if (sign > 0) == is_left else 2] = outlooks[parent, MIDDLE]
    if is_left:
        nodes.left[parent] = at
    else:
        nodes.right[parent] = at
    return at


@kernel(fastmath=EXACT)
def _add_node(at, values, rows, targets, limits, node, nodes, progress, scratch,
              order, codes, y, weight, monotonic, outputs, heap):  # fmt: skip
    """Fill in the node and look for its split; about how many multiply-adds that took."""
    extent, start, stop = progress.extents[at], progress.extents[at, START], progress.extents[at, STOP]
    inside, scalars = rows[start:stop], node.scalars
    scalars[0], scalars[1] = add_up(inside, codes, y, weight, node.total)
    if at == 0:
        nodes.impurity[0] = impurity(
            targets.criterion, inside, codes, y, weight, targets.n_classes, node.total, scalars[0], scalars[1]
        )
    _fill_in(at, nodes, node, stop - start, codes, monotonic)
    extent[POSITION], progress.outlooks[at, GAIN] = -1, 0.0
    if is_leaf(limits, extent[DEPTH], stop - start, scalars[0], nodes.impurity[at]):
        work = TRIED * (stop - start)
    else:
        work = TRIED * (stop - start) * len(values)
        n_constant = extent[N_CONSTANT] if heap is None else 0
        split = best_split(
            values,
            rows,
            start,
            stop,
            n_constant,
            node,
            targets,
            limits,
            scratch,
            order,
            codes,
            y,
            weight,
            monotonic,
            outputs,
        )
        extent[N_CONSTANT] = split.n_constant
        if split.feature >= 0:
            _part(
                at,
                split,
                values,
                inside,
                nodes,
                progress,
                node,
                targets,
                limits,
                scratch,
                order,
                codes,
                y,
                weight,
                heap,
            )
    if heap is not None:
        _push(at, heap, progress)
    elif extent[POSITION] >= 0:
        _let_children_wait(at, progress)
    return work


@kernel(fastmath=EXACT)
def is_leaf(limits, depth, n_samples, weight, impurity):
    return (
        depth >= limits.max_depth
        or n_samples < limits.min_samples_split
        or n_samples < 2 * limits.min_samples_leaf
        or weight < 2 * limits.min_weight_leaf
        or impurity <= EPSILON
    )


@kernel(fastmath=EXACT)
def _fill_in(at, nodes, node, n_samples, codes, monotonic):
    """What a node shows, as long as it is not split."""
    nodes.left[at] = nodes.right[at] = LEAF
    nodes.feature[at], nodes.threshold[at], nodes.missing_go_to_left[at] = UNDEFINED, UNDEFINED, 0
    nodes.n_node_samples[at], nodes.weighted_n_node_samples[at] = n_samples, node.scalars[0]
    value = nodes.value[at]
    for k in range(value.shape[0]):
        for c in range(value.shape[1]):
            value[k, c] = node.total[k, c] / node.scalars[0]
    if monotonic is not None:
        value[0, 0] = min(max(value[0, 0], node.scalars[2]), node.scalars[3])
        if codes is not None:
            value[0, 1] = 1 - value[0, 0]


@kernel(fastmath=EXACT)
def _part(at, split, values, inside, nodes, progress, node, targets, limits, scratch, order, codes, y, weight, heap):
    """Part the node's rows, and keep the split unless it gains too little."""
    outlook, extent, scalars = progress.outlooks[at], progress.extents[at], node.scalars
    n_left = partition(inside, values[split.feature], split.threshold, split.missing_left)
    weight_left, squares_left = add_up_left(inside, n_left, codes, y, weight, node.total, scalars[0], node.left)
    weight_right = scalars[0] - weight_left
    for k in range(node.left.shape[0]):
        for c in range(node.left.shape[1]):
            node.right[k, c] = node.total[k, c] - node.left[k, c]
    criterion, n_classes = targets.criterion, targets.n_classes
    left = impurity(criterion, inside[:n_left], codes, y, weight, n_classes, node.left, weight_left, squares_left)
    right = impurity(
        criterion, inside[n_left:], codes, y, weight, n_classes, node.right, weight_right, scalars[1] - squares_left
    )
    decrease = nodes.impurity[at] - (weight_right / scalars[0] * right) - (weight_left / scalars[0] * left)
    outlook[GAIN], outlook[IMPURITY_LEFT], outlook[IMPURITY_RIGHT] = (
        scalars[0] / limits.weight_of_all * decrease, left, right,
    )  # fmt: skip
    outlook[LOWER], outlook[UPPER] = scalars[2], scalars[3]
    outlook[MIDDLE] = node.left[0, 0] / (2 * weight_left) + node.right[0, 0] / (2 * weight_right)
    if outlook[GAIN] + EPSILON < limits.min_impurity_decrease:
        outlook[GAIN] = 0.0
        return
    extent[POSITION] = extent[START] + n_left
    nodes.feature[at], nodes.threshold[at] = split.feature, split.threshold
    nodes.missing_go_to_left[at] = split.missing_left
    if order is not None:
        below, n = extent[DEPTH] + 1, len(inside)
        if not (
            is_leaf(limits, below, n_left, weight_left, left)
            and is_leaf(limits, below, n - n_left, weight_right, right)
        ):
            varying = scratch.features[split.n_constant if heap is None else 0 :]
            partition_orders(order, varying, inside, extent[START], n_left, scratch.goes_left, scratch.spare)


@kernel(fastmath=EXACT)
def _let_children_wait(at, progress):
    """The left child on top."""
    counters = progress.counters
    for is_left in range(2):
        progress.waiting[counters[1], 0], progress.waiting[counters[1], 1] = at, is_left
        counters[1] += 1


@kernel(fastmath=EXACT)
def _push(at, heap, progress):
    heap[0] += 1
    _rise(heap, heap[0] - 1, at, progress.outlooks)


@kernel(fastmath=EXACT)
def _rise(heap, hole, at, outlooks):
    """As libstdc++ does it, or other nodes come first among those of the same gain; the heap begins at heap[1]."""
    while hole > 0 and outlooks[heap[1 + (hole - 1) // 2], GAIN] < outlooks[at, GAIN]:
        heap[1 + hole] = heap[1 + (hole - 1) // 2]
        hole = (hole - 1) // 2
    heap[1 + hole] = at


@kernel(fastmath=EXACT)
def _expand_best(nodes, progress, heap):
    """Let the children of the best node wait, and make leaves of those that may not be split; False if none is left."""
    if heap is None:
        return False
    counters, outlooks = progress.counters, progress.outlooks
    while heap[0] > 0:
        best = _pop(heap, outlooks)
        if progress.extents[best, POSITION] >= 0 and counters[2] > 0:
            counters[2] -= 1
            _let_children_wait(best, progress)
            return True
        nodes.feature[best], nodes.threshold[best] = UNDEFINED, UNDEFINED
    return False


@kernel(fastmath=EXACT)
def _pop(heap, outlooks):
    """The first node; its place sinks to the end, where the last node fills it and rises."""
    heap[0] -= 1
    best, last, n, hole = heap[1], heap[1 + heap[0]], heap[0], 0
    while 2 * hole + 1 < n:
        child = 2 * hole + 2
        if child == n or outlooks[heap[1 + child], GAIN] < outlooks[heap[child], GAIN]:
            child -= 1
        heap[1 + hole] = heap[1 + child]
        hole = child
    if n > 0:
        _rise(heap, hole, last, outlooks)
    return best
