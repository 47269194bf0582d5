"""Which nodes of a tree are split next, and where their histograms are.

A node is *expanded* when its children are known: their samples, histograms and best splits. Nodes are expanded a
few at a time, and a little ahead: an expanded node becomes part of the tree only when it is its turn, so that the tree
is the one that a search node by node finds, for any number of threads.
"""

from collections import namedtuple

import numpy as np

from ._boosting_losses import inlined, inner

WORK = np.dtype(
    [
        (name, np.int64)
        for name in ("start", "count", "depth", "left", "feature", "bin", "slot", "small", "state", "n_left")
    ]
    + [("path", np.uint64)]
    + [(name, np.float64) for name in ("gain", "gradient", "hessian", "value", "lower", "upper")]
    + [(f"{name}_{side}", np.float64) for side in ("left", "right") for name in ("gradient", "hessian", "value")]
    + [(name, np.uint8) for name in ("missing_left", "categorical", "searched", "last", "stale")]
)
WAITING, EXPANDED, INNER, LEAF = range(4)  # states of a node
NOT_YET, ANY = np.array([WAITING, EXPANDED])  # as numbers that are no literals: `_next` compiles once for both
GROUND, ROOT = 0, 1  # the root is the only child of the ground, so that it is found as any child is

# max_leaf_nodes, max_depth : int                 depth_wise : bool
# max_features : float                            seed : uint32
# groups : (n_groups, n_features) bool            masks : (n_masks, n_features) bool, or (0, n_features)
# `groups` and `masks` are None, as is `Terms.is_categorical`, where every node may be split by every feature and none
# is categorical: what it takes to choose features and to sort categories is not compiled then.
Limits = namedtuple("Limits", "max_leaf_nodes max_depth depth_wise max_features seed groups masks")

# nodes      : (capacity,) WORK                   left_codes : (capacity, 8) uint32
# allowed    : (capacity, n_groups) bool
# waiting    : (capacity,) int64                  nodes that are not part of the tree yet, expanded or not
# todo       : (batch,) int64                     nodes to expand now
# free       : (n_slots,) int64                   histograms that are free
# n          : (6,) int64                         numbers of nodes, waiting, free, leaves, searches, chosen
# rows, spare : (n_rows,) uint32                  samples in the order of the leaves; a place to part them
# histograms : (n_slots, 3, n_features 256) int64
Growing = namedtuple("Growing", "nodes left_codes allowed waiting todo free n rows spare histograms")
NODES, N_WAITING, N_FREE, LEAVES, SEARCHES, CHOSEN = range(6)


@inner
def advance(nodes, waiting, todo, free, n, max_leaf_nodes, depth_wise, most):
    """Let expanded nodes into the tree in their order; then choose up to `most` nodes to expand. Their number."""
    while n[N_WAITING] > 0 and n[LEAVES] != max_leaf_nodes:
        w = _next(nodes, waiting, n, max_leaf_nodes, depth_wise, ANY)
        i = waiting[w]
        if nodes[i].state == WAITING:
            return _choose(nodes, waiting, todo, free, n, max_leaf_nodes, depth_wise, most)
        nodes[i].state = INNER
        n[LEAVES] += 1
        n[N_WAITING] -= 1
        waiting[w] = waiting[n[N_WAITING]]
        for child in range(nodes[i].left, nodes[i].left + 2):
            if nodes[child].state == WAITING:
                waiting[n[N_WAITING]] = child
                n[N_WAITING] += 1
        if n[LEAVES] == max_leaf_nodes:
            nodes[nodes[i].left].gain = nodes[nodes[i].left + 1].gain = -1.0
    return 0


@inner
def _next(nodes, waiting, n, max_leaf_nodes, depth_wise, most_state):
    """Where, among the waiting, the node of the first turn is; -1 if none is in a state up to `most_state`."""
    best = -1
    for w in range(n[N_WAITING] - 1, -1, -1):
        if nodes[waiting[w]].state > most_state:
            continue
        if best >= 0:
            node, other = nodes[waiting[w]], nodes[waiting[best]]
            deeper = node.depth - other.depth if depth_wise else 0
            less = node.gain < other.gain or (node.gain == other.gain and node.path > other.path)
            if deeper > 0 or (deeper == 0 and less):
                continue
        best = w
        if max_leaf_nodes < 0:
            return best  # every node will be split: the latest first, so that few wait
    return best


@inlined
def _choose(nodes, waiting, todo, free, n, max_leaf_nodes, depth_wise, most):
    """Nodes to expand: the next one, and those that will follow it most likely."""
    left = max_leaf_nodes - n[LEAVES]
    n_wanted = most if left < 0 else min(most, (left + 1) // 2)
    n_chosen = 0
    while n_chosen < n_wanted:
        w = _next(nodes, waiting, n, max_leaf_nodes, depth_wise, NOT_YET)
        if w < 0:
            break
        i = waiting[w]
        room_left = n[NODES] + 2 * max(left, 0) + 2 <= len(nodes)  # those whose turn comes need two each
        if (n_chosen > 0 and not room_left) or not _take_slots(nodes, waiting, free, n, i, n_chosen == 0):
            break
        nodes[i].left = n[NODES]
        nodes[i].last = left == 1
        nodes[i].state = EXPANDED
        n[NODES] += 2
        todo[n_chosen] = i
        n_chosen += 1
    return n_chosen


@inlined
def _take_slots(nodes, waiting, free, n, i, must):
    """Give node `i` a place for the histogram of its smaller child, and of the larger one if it lost its own."""
    node = nodes[i]
    needed = 1 + (node.slot < 0)
    for w in range(n[N_WAITING]):
        if n[N_FREE] >= needed or not must:
            break
        other = nodes[waiting[w]]
        if other.state == WAITING and waiting[w] != i and other.slot >= 0:
            free[n[N_FREE]] = other.slot
            n[N_FREE] += 1
            other.slot = -1
    if n[N_FREE] < needed:
        return False
    node.stale = node.slot < 0
    if node.stale:
        n[N_FREE] -= 1
        node.slot = free[n[N_FREE]]
    n[N_FREE] -= 1
    node.small = free[n[N_FREE]]
    return True


@inner
def settle(nodes, todo, free, n, n_expanded):
    """Free the histograms that no child needs."""
    for t in range(n_expanded):
        node = nodes[todo[t]]
        kept_small = kept_large = False
        for child in range(node.left, node.left + 2):
            if nodes[child].state == WAITING:
                kept_small |= nodes[child].slot == node.small
                kept_large |= nodes[child].slot == node.slot
            else:
                nodes[child].slot = -1
        for slot, kept in ((node.small, kept_small), (node.slot, kept_large)):
            if not kept:
                free[n[N_FREE]] = slot
                n[N_FREE] += 1
