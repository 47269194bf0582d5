"""How one tree grows: its samples are parted, children searched, and at last written down."""

import numpy as np

from ._boosting_histogram import AHEAD, accumulate, subtract
from ._boosting_losses import exact, inlined, inner
from ._boosting_queue import (
    GROUND,
    INNER,
    LEAF,
    LEAVES,
    N_FREE,
    N_WAITING,
    NODES,
    ROOT,
    SEARCHES,
    WAITING,
    advance,
    settle,
)
from ._boosting_split import contains, search
from ._memory import prefetch

# What `run` does with a node, as bits: part the samples, give the children records, add up the smaller one, subtract
# and search. A tree WHOLE has no others: nodes are expanded until none is left.
PART, CHILDREN, ADD, SEARCH, WHOLE = 1, 2, 4, 8, 16


@exact
def run(data, limits, terms, growing, batch, phases, start, stop):
    """Expand nodes ``batch[start:stop]``, or grow a whole tree on one thread."""
    nodes, n_features = growing.nodes, len(terms.n_bins)
    tried, goes_left = np.empty(n_features, np.bool_), np.empty(256, np.int64)
    sums, floats = np.empty((4, 256), np.int64), np.empty((3, 256), np.float64)
    whole = phases == WHOLE
    work = CHILDREN | ADD | SEARCH if whole else phases
    t = start
    while t < stop:
        i = batch[t]
        node = nodes[i]
        if work & PART:
            rows, spare = growing.rows[node.start : node.start + node.count], growing.spare[node.start :]
            left_table(node, growing.left_codes[i], terms.scalars.max_bins, goes_left)
            part_rows(data.codes, n_features, node.feature, goes_left, rows, spare)
        if work & CHILDREN:
            scalars = terms.scalars
            if i == GROUND:
                plant(nodes, growing.free, growing.n, growing.allowed, len(growing.rows), scalars.min_samples_leaf,
                      limits.max_depth, limits.max_leaf_nodes)  # fmt: skip
            else:
                give_children(nodes, growing.allowed, i, limits.groups, limits.max_depth, scalars.min_samples_leaf,
                              terms.has_missing[node.feature], terms.monotonic_cst[node.feature])  # fmt: skip
        right_is_small = 2 * node.n_left > node.count
        small, large = nodes[node.left + right_is_small], nodes[node.left + 1 - right_is_small]
        if work & ADD and (small.searched or large.searched):
            for again in range(1 + (node.stale and large.searched)):
                child, slot = nodes[node.left + (right_is_small ^ again)], node.slot if again else node.small
                rows = growing.rows[child.start : child.start + child.count]
                accumulate(data.codes, data.words, data.bits, rows, growing.histograms[slot])
        if work & SEARCH and (small.searched or large.searched):
            small.slot, large.slot = node.small, node.slot
            if i == GROUND:
                weigh_root(nodes[ROOT], growing.histograms[small.slot], terms.scalars)
            if large.searched and not node.stale:
                subtract(growing.histograms[large.slot], growing.histograms[small.slot])
            for child in range(node.left, node.left + 2):
                if nodes[child].searched:
                    choose_features(tried, limits.groups, limits.masks, growing.allowed[child], growing.n,
                                    limits.max_features, limits.seed, nodes[child].path)  # fmt: skip
                    search(nodes[child], growing.histograms[nodes[child].slot], tried, terms.scalars, terms.n_bins,
                           terms.has_missing, terms.is_categorical, terms.monotonic_cst, sums, floats,
                           growing.left_codes[child])  # fmt: skip
                    if nodes[child].gain > 0:
                        nodes[child].state = WAITING
            if i == GROUND and nodes[ROOT].state == WAITING:
                growing.waiting[0], growing.n[N_WAITING] = ROOT, 1
        t += 1
        if whole:
            work = PART | CHILDREN | ADD | SEARCH
            settle(nodes, growing.todo, growing.free, growing.n, stop - start)
            chosen = advance(nodes, growing.waiting, growing.todo, growing.free, growing.n, limits.max_leaf_nodes,
                             limits.depth_wise, stop - start)  # fmt: skip
            t = start if chosen else stop


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
def part_rows(codes, n_features, feature, goes_left, rows, spare):
    """Bring the samples that go to the left to the front, in their order."""
    n_left = n_right = 0
    most = len(rows) - 1
    for i in range(len(rows)):
        prefetch(codes, np.int64(rows[np.uint64(min(i + AHEAD, most))]) * n_features + feature)
        row = rows[i]
        left = goes_left[codes[np.uint64(np.int64(row) * n_features + feature)]]
        rows[np.uint64(n_left)] = row
        spare[np.uint64(n_right)] = row
        n_left += left
        n_right += 1 - left
    for i in range(n_right):
        rows[np.uint64(n_left + i)] = spare[i]


@inner
def left_table(node, bitset, max_bins, goes_left):
    """Whether each code goes to the left child of `node`: 1 or 0."""
    for b in range(256):
        if node.categorical:
            goes_left[b] = contains(bitset, b)
        else:
            goes_left[b] = (b <= node.bin) | ((b == max_bins) & (node.missing_left != 0))


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
def choose_features(tried, groups, masks, allowed, n, max_features, seed, path):
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
            _draw(tried, max_features, seed, path)


@inlined
def _draw(tried, max_features, seed, path):
    """Keep the features of the smallest hashes."""
    n_features = len(tried)
    hashes = np.empty(n_features, dtype=np.int64)
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


@exact
def part_block(codes, n_features, feature, goes_left, rows, spare, n_left, size, start, stop):
    """Bring the samples of each block that go to the left to its front, in `spare`, the others backwards to its end."""
    for block in range(start, stop):
        first, last = block * size, min((block + 1) * size, len(rows))
        low, high = first, last - 1
        for r in range(first, last):
            prefetch(codes, np.int64(rows[np.uint64(min(r + AHEAD, last - 1))]) * n_features + feature)
            row = rows[np.uint64(r)]
            left = goes_left[codes[np.uint64(np.int64(row) * n_features + feature)]]
            spare[np.uint64(low if left else high)] = row
            low += left
            high -= 1 - left
        n_left[block] = low - first


@exact
def join_blocks(rows, spare, to_left, to_right, size, start, stop):
    """Bring what `part_block` left to its place: `to_left` and `to_right` of each block."""
    for block in range(start, stop):
        first, last = block * size, min((block + 1) * size, len(rows))
        n_left = to_left[block + 1] - to_left[block]
        to = to_left[block]
        for r in range(n_left):
            rows[np.uint64(to + r)] = spare[np.uint64(first + r)]
        to = to_right[block]
        for r in range(last - first - n_left):
            rows[np.uint64(to + r)] = spare[np.uint64(last - 1 - r)]


@exact
def record(growing, terms, edges, offsets, learning_rate, nodes, left_codes, left_categories, starts, ids):
    """Write the tree down depth first. The number of its categorical splits; `starts` and `ids` tell its leaves."""
    stack, parents = np.empty(len(nodes) + 1, dtype=np.int64), np.empty(len(nodes) + 1, dtype=np.int64)
    stack[0], parents[0] = ROOT, -1
    top, n_nodes, n_bitsets, n_leaves = 1, 0, 0, 0
    while top:
        top -= 1
        work, node = growing.nodes[stack[top]], nodes[n_nodes]
        if parents[top] >= 0:
            nodes[parents[top]].right = n_nodes
        node.count, node.depth, node.gain, node.value = work.count, work.depth, work.gain, work.value
        if work.state != INNER:
            node.is_leaf, node.value = 1, work.value * learning_rate
            starts[n_leaves], ids[n_leaves] = work.start, n_nodes
            n_leaves += 1
        else:
            node.feature_idx, node.missing_go_to_left = work.feature, work.missing_left
            first, n_bins = offsets[work.feature], terms.n_bins[work.feature]
            if work.categorical:
                node.is_categorical, node.bitset_idx = 1, n_bitsets
                for word in range(8):
                    left_codes[n_bitsets, word] = growing.left_codes[stack[top], word]
                for b in range(n_bins):
                    if contains(left_codes[n_bitsets], b):
                        category = int(edges[first + b])
                        left_categories[n_bitsets, category >> 5] |= np.uint32(1) << np.uint32(category & 31)
                n_bitsets += 1
            else:
                node.bin_threshold = work.bin
                node.num_threshold = edges[first + work.bin] if work.bin < n_bins - 1 else np.inf
            node.left = n_nodes + 1
            stack[top], parents[top] = work.left + 1, n_nodes
            stack[top + 1], parents[top + 1] = work.left, -1
            top += 2
        n_nodes += 1
    return n_bitsets


@exact
def fill_leaves(rows, starts, ids, leaves, start, stop):
    """The leaf of each sample in ``rows[start:stop]``."""
    leaf = 0
    while leaf + 1 < len(starts) and starts[leaf + 1] <= start:
        leaf += 1
    while start < stop:
        last = min(stop, starts[leaf + 1] if leaf + 1 < len(starts) else len(rows))
        for r in range(start, last):
            leaves[np.uint64(rows[r])] = ids[leaf]
        start, leaf = last, leaf + 1
