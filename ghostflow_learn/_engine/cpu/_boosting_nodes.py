"""The records of nodes: the root's, those of children, and which features are tried in them."""

import numpy as np

from ._boosting_losses import inlined, inner
from ._boosting_queue import GROUND, LEAF, LEAVES, N_FREE, NODES, ROOT, SEARCHES


@inner
def plant(nodes, free, n, allowed, n_rows, min_samples_leaf, max_depth, max_leaf_nodes):
    """The ground, and the root with its samples."""
    ground, root, beside = nodes[GROUND], nodes[ROOT], nodes[ROOT + 1]
    for k in range(len(n)):
        n[k] = 0
    n[NODES], n[LEAVES], n[N_FREE] = ROOT + 2, 1, len(free) - 2
    for k in range(len(free)):
        free[k] = len(free) - 1 - k
    ground.left, ground.n_left, ground.count, ground.small, ground.slot, ground.stale = ROOT, 0, 0, 0, 1, True
    root.start, root.count, root.depth, root.path = 0, n_rows, 0, np.uint64(1)
    root.value, root.lower, root.upper, root.gain = 0.0, -np.inf, np.inf, -1.0
    root.state, root.stale, root.last, beside.state, beside.searched = LEAF, False, False, LEAF, False
    root.searched = n_rows >= 2 * min_samples_leaf and max_depth != 0 and max_leaf_nodes != 1
    for g in range(allowed.shape[1]):
        allowed[ROOT, g] = True


@inner
def weigh_root(root, histogram, scalars):
    """Sums over all samples are those over the bins of any feature."""
    gradient, hessian = np.int64(0), np.int64(0)
    for b in range(256):
        gradient += histogram[0, b]
        hessian += histogram[1, b]
    root.gradient, root.hessian = gradient * scalars.gradient_unit, hessian * scalars.hessian_unit
    root.searched = root.hessian >= scalars.min_hessian


@inner
def give_children(nodes, allowed, i, groups, max_depth, min_samples_leaf, has_missing, direction):
    """The records of the children of node `i`, from its best split."""
    node = nodes[i]
    if not has_missing:
        node.missing_left = 2 * node.n_left > node.count
    middle = (node.value_left + node.value_right) / 2
    for side in range(2):
        child = nodes[node.left + side]
        child.start = node.start + (node.n_left if side else 0)
        child.count = node.count - node.n_left if side else node.n_left
        child.depth, child.path = node.depth + 1, node.path * np.uint64(2) + np.uint64(side)
        child.gradient = node.gradient_right if side else node.gradient_left
        child.hessian = node.hessian_right if side else node.hessian_left
        child.value = node.value_right if side else node.value_left
        child.lower = middle if direction * (2 * side - 1) > 0 else node.lower
        child.upper = middle if direction * (2 * side - 1) < 0 else node.upper
        child.state, child.gain, child.slot, child.stale = LEAF, -1.0, -1, False
        child.searched = child.depth != max_depth and child.count >= 2 * min_samples_leaf
        child.searched = child.searched and not node.last
        if groups is not None:
            for g in range(len(groups)):
                allowed[node.left + side, g] = allowed[i, g] and groups[g, node.feature]


@inner
def choose_features(tried, groups, masks, allowed, n, max_features, seed, path, hashes):
    """The features to try in a node: of those that constraints allow the ones of a mask, or of the smallest hashes."""
    for j in range(len(tried)):
        tried[j] = True
        if groups is not None:
            tried[j] = len(groups) == 0
            for g in range(len(groups)):
                tried[j] |= allowed[g] and groups[g, j]
            tried[j] = tried[j] and (len(masks) == 0 or masks[n[SEARCHES], j])
    n[SEARCHES] += 1
    if groups is not None:  # noqa: SIM102  alone, so that Numba leaves it out
        if len(masks) == 0 and max_features < 1:
            _draw(tried, max_features, seed, path, hashes)


@inlined
def _draw(tried, max_features, seed, path, hashes):
    """Keep the features of the smallest hashes."""
    n_features = len(tried)
    key = np.uint32(seed ^ np.uint32(path * np.uint64(0x85EBCA6B)))
    n_allowed = 0
    for j in range(n_features):
        h = np.uint32(np.uint32(np.uint32(j) * np.uint32(0x9E3779B1)) + key)
        h = np.uint32((h ^ (h >> np.uint32(16))) * np.uint32(0x85EBCA6B))
        h = np.uint32((h ^ (h >> np.uint32(13))) * np.uint32(0xC2B2AE35))
        n_allowed += tried[j]
        hashes[j] = np.int64(np.uint32(h ^ (h >> np.uint32(16)))) if tried[j] else np.int64(1) << np.int64(32)
    n_tried = max(1, int(np.ceil(max_features * n_allowed)))
    for j in range(n_features):
        rank = 0
        for other in range(n_features):
            rank += (hashes[other] < hashes[j]) | ((hashes[other] == hashes[j]) & (other < j))
        tried[j] = tried[j] and rank < n_tried


@inner
def smaller(node):
    """The child with fewer samples; the other one is beside it."""
    return node.left + (2 * node.n_left > node.count)


@inner
def n_to_add_up(node, nodes):
    """How many histograms are added up: the smaller child's; the larger one's too if its parent's is lost."""
    small = smaller(node)
    large_is_searched = nodes[2 * node.left + 1 - small].searched
    return 1 + (node.stale and large_is_searched) if nodes[small].searched or large_is_searched else 0


@inner
def to_add_up(node, before):
    """The child that comes after so many others, and the place of its histogram."""
    small = smaller(node)
    return (2 * node.left + 1 - small, node.slot) if before else (small, node.small)
