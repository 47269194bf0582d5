"""How one tree grows: which nodes are split next, how their samples are parted, and their histograms made.

A node is *expanded* when its children are known: their samples, histograms and best splits. Nodes are expanded a
few at a time, and a little ahead: an expanded node becomes part of the tree only when it is its turn, so that the tree
is the one that a search node by node finds, for any number of threads.
"""

from collections import namedtuple

import numpy as np

from ._boosting_losses import exact
from ._boosting_split import _contains, make_room, search
from ._memory import prefetch

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
AHEAD = 16  # rows: what is read of them comes from memory in about the time that these take
WAITING, EXPANDED, INNER, LEAF = range(4)  # states of a node

# Of the data and gradients of one tree.
# codes      : (n_samples n_features,) uint8      words : (n_samples,) int64
# interval, count_bits, hessian_bits : int        see Gradients
Data = namedtuple("Data", "codes words interval count_bits hessian_bits")

# max_leaf_nodes, max_depth : int                 depth_wise : bool
# max_features : float                            seed : uint32
# groups : (n_groups, n_features) bool            masks : (n_masks, n_features) bool, or (0, n_features)
Limits = namedtuple("Limits", "max_leaf_nodes max_depth depth_wise max_features seed groups masks")

# nodes      : (capacity,) WORK                   left_codes : (capacity, 8) uint32
# allowed    : (capacity, n_groups) bool
# waiting    : (capacity,) int64                  nodes that are not part of the tree yet, expanded or not
# todo       : (batch,) int64                     nodes to expand now
# free       : (n_slots,) int64                   histograms that are free
# n          : (6,) int64                         numbers of nodes, waiting, free, leaves, searches
# rows, spare : (n_rows,) uint32                  samples in the order of the leaves; a place to part them
# histograms : (n_slots, 3, n_features 256) int64
Growing = namedtuple("Growing", "nodes left_codes allowed waiting todo free n rows spare histograms")
NODES, N_WAITING, N_FREE, LEAVES, SEARCHES = range(5)


@exact
def accumulate(data, rows, histogram):
    """Add the words of `rows` into `histogram`."""
    n_features = histogram.shape[1] >> 8
    width = min(n_features, 64)
    packed = np.zeros(width * 256, dtype=np.int64)
    words = np.empty(min(len(rows), data.interval), dtype=np.int64)
    for first in range(0, len(rows), data.interval):
        n_rows = min(data.interval, len(rows) - first)
        for i in range(n_rows):
            words[i] = data.words[np.uint64(rows[first + i])]
        for j in range(0, n_features, width):
            n = min(width, n_features - j)
            _add(data.codes[j:], n_features, n, rows[first:], words[:n_rows], packed)
            bins = slice(j * 256, (j + n) * 256)
            take_apart(packed[: n * 256], data, histogram[0, bins], histogram[1, bins], histogram[2, bins])


@exact
def _add(codes, stride, n_features, rows, words, packed):
    """The words of the first rows; `rows` goes on, and is looked ahead in."""
    most = len(rows) - 1
    for i in range(len(words)):
        ahead = np.int64(rows[np.uint64(min(i + AHEAD, most))]) * stride
        prefetch(codes, ahead)
        prefetch(codes, ahead + n_features - 1)
        first, word = np.int64(rows[i]) * stride, words[i]
        j = 0
        while j + 4 <= n_features:
            a = np.uint64(j * 256 + codes[np.uint64(first + j)])
            b = np.uint64(j * 256 + 256 + codes[np.uint64(first + j + 1)])
            c = np.uint64(j * 256 + 512 + codes[np.uint64(first + j + 2)])
            d = np.uint64(j * 256 + 768 + codes[np.uint64(first + j + 3)])
            packed[a] += word
            packed[b] += word
            packed[c] += word
            packed[d] += word
            j += 4
        while j < n_features:
            packed[np.uint64(j * 256 + codes[np.uint64(first + j)])] += word
            j += 1


@exact
def take_apart(packed, data, gradients, hessians, counts):
    """Add packed sums to the three they are made of, and clear them."""
    count_bits, both_bits = np.int64(data.count_bits), np.int64(data.count_bits + data.hessian_bits)
    count_mask = (np.int64(1) << count_bits) - 1
    # The hessian of a sample is 1 where it has no bits: the number of samples is read in its place.
    shift, mask = (
        (count_bits, (np.int64(1) << np.int64(data.hessian_bits)) - 1) if data.hessian_bits else (0, count_mask)
    )
    for b in range(len(packed)):
        word = packed[b]
        gradients[b] += word >> both_bits
        hessians[b] += (word >> shift) & mask
        counts[b] += word & count_mask
        packed[b] = 0


@exact
def part_rows(codes, n_features, feature, goes_left, rows, spare):
    """Bring the samples that go to the left to the front, in their order; their number."""
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
    rows[n_left:] = spare[:n_right]
    return n_left


@exact
def left_table(node, bitset, max_bins, goes_left):
    """Whether each code goes to the left child of `node`: 1 or 0."""
    for b in range(256):
        if node.categorical:
            goes_left[b] = _contains(bitset, b)
        else:
            goes_left[b] = (b <= node.bin) | ((b == max_bins) & (node.missing_left != 0))


@exact
def give_children(growing, i, limits, terms):
    """The records of the children of node `i`, from its best split."""
    nodes = growing.nodes
    node = nodes[i]
    if not terms.has_missing[node.feature]:
        node.missing_left = 2 * node.n_left > node.count
    middle = (node.value_left + node.value_right) / 2
    direction = terms.monotonic_cst[node.feature]
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
        child.searched = child.depth != limits.max_depth and child.count >= 2 * terms.min_samples_leaf
        child.searched = child.searched and not node.last
        for g in range(len(limits.groups)):
            growing.allowed[node.left + side, g] = growing.allowed[i, g] and limits.groups[g, node.feature]


@exact
def expand(data, limits, terms, growing, room, i, phases):
    """Find the children of node `i`.

    `phases`: 1 parts the samples, 2 gives the children records, 4 adds up the smaller one, 8 does the rest.
    """
    nodes, histograms = growing.nodes, growing.histograms
    node = nodes[i]
    rows = growing.rows[node.start : node.start + node.count]
    if phases & 1:
        goes_left = np.empty(256, dtype=np.int64)
        left_table(node, growing.left_codes[i], terms.max_bins, goes_left)
        spare = growing.spare[node.start : node.start + node.count]
        part_rows(data.codes, len(terms.n_bins), node.feature, goes_left, rows, spare)
    if phases & 2:
        give_children(growing, i, limits, terms)
    right_is_small = node.n_left > node.count - node.n_left
    small, large = nodes[node.left + right_is_small], nodes[node.left + 1 - right_is_small]
    if not (small.searched or large.searched):
        return
    if phases & 4:
        histograms[node.small, :, :] = 0
        accumulate(data, growing.rows[small.start : small.start + small.count], histograms[node.small])
    if phases & 8:
        small.slot, large.slot = node.small, node.slot
        if large.searched:
            if node.stale:
                histograms[large.slot, :, :] = 0
                accumulate(data, growing.rows[large.start : large.start + large.count], histograms[large.slot])
            else:
                _subtract(histograms[large.slot], histograms[small.slot])
        for child in range(node.left, node.left + 2):
            if nodes[child].searched:
                find_split(limits, terms, growing, room, child)


@exact
def _subtract(histogram, part):
    for k in range(3):
        whole, gone = histogram[k], part[k]
        for b in range(len(whole)):
            whole[b] -= gone[b]


@exact
def find_split(limits, terms, growing, room, i):
    """Search node `i`, and let it wait for its turn if a split gains."""
    tried = np.ones(len(terms.n_bins), dtype=np.bool_)
    if len(limits.groups):
        tried[:] = False
        for g in range(len(limits.groups)):
            if growing.allowed[i, g]:
                tried |= limits.groups[g]
    if len(limits.masks):
        tried &= limits.masks[growing.n[SEARCHES]]
        growing.n[SEARCHES] += 1
    elif limits.max_features < 1:
        _draw(tried, limits, growing.nodes[i].path)
    search(growing.nodes[i], growing.histograms[growing.nodes[i].slot], tried, terms, room, growing.left_codes[i])
    if growing.nodes[i].gain > 0:
        growing.nodes[i].state = WAITING


@exact
def _draw(tried, limits, path):
    """Keep the features of the smallest hashes."""
    n_features = len(tried)
    hashes = np.empty(n_features, dtype=np.int64)
    key = np.uint32(limits.seed ^ np.uint32(path * np.uint64(0x85EBCA6B)))
    n_allowed = 0
    for j in range(n_features):
        h = np.uint32(np.uint32(np.uint32(j) * np.uint32(0x9E3779B1)) + key)
        h = np.uint32((h ^ (h >> np.uint32(16))) * np.uint32(0x85EBCA6B))
        h = np.uint32((h ^ (h >> np.uint32(13))) * np.uint32(0xC2B2AE35))
        n_allowed += tried[j]
        hashes[j] = np.int64(np.uint32(h ^ (h >> np.uint32(16)))) if tried[j] else np.int64(1) << np.int64(32)
    n_tried = max(1, int(np.ceil(limits.max_features * n_allowed)))
    for j in range(n_features):
        rank = 0
        for other in range(n_features):
            rank += (hashes[other] < hashes[j]) | ((hashes[other] == hashes[j]) & (other < j))
        tried[j] = tried[j] and rank < n_tried


@exact
def plant(data, limits, terms, growing, phases):
    """The root. `phases`: 4 adds up its histogram, 8 does the rest."""
    room = make_room()
    n, root, histogram = growing.n, growing.nodes[0], growing.histograms[0]
    if phases & 4:
        histogram[:, :] = 0
        accumulate(data, growing.rows, histogram)
    if phases & 8:
        n[:] = 0
        n[NODES] = n[LEAVES] = 1
        n[N_FREE] = len(growing.free) - 1
        growing.free[:] = np.arange(len(growing.free), 0, -1) - 1
        root.start = root.depth = root.slot = 0
        root.stale, root.last, root.state, root.path = False, False, LEAF, np.uint64(1)
        root.count, root.value, root.lower, root.upper = len(growing.rows), 0.0, -np.inf, np.inf
        root.gradient = histogram[0, :256].sum() * terms.units[0]
        root.hessian = histogram[1, :256].sum() * terms.units[1]
        root.gain = -1.0
        growing.allowed[0, :] = True
        enough = root.count >= 2 * terms.min_samples_leaf and root.hessian >= terms.min_hessian
        if enough and limits.max_depth != 0 and limits.max_leaf_nodes != 1:
            find_split(limits, terms, growing, room, 0)
        if root.state == WAITING:
            growing.waiting[0] = 0
            n[N_WAITING] = 1


@exact
def advance(limits, growing, most):
    """Let expanded nodes into the tree in their order; then choose up to `most` nodes to expand. Their number."""
    nodes, waiting, n = growing.nodes, growing.waiting, growing.n
    while n[N_WAITING] > 0 and n[LEAVES] != limits.max_leaf_nodes:
        w = _next(limits, growing, EXPANDED)
        i = waiting[w]
        if nodes[i].state == WAITING:
            return _choose(limits, growing, most)
        nodes[i].state = INNER
        n[LEAVES] += 1
        n[N_WAITING] -= 1
        waiting[w] = waiting[n[N_WAITING]]
        for child in range(nodes[i].left, nodes[i].left + 2):
            if nodes[child].state == WAITING:
                waiting[n[N_WAITING]] = child
                n[N_WAITING] += 1
        if n[LEAVES] == limits.max_leaf_nodes:
            nodes[nodes[i].left].gain = nodes[nodes[i].left + 1].gain = -1.0
    return 0


@exact
def _next(limits, growing, most_state):
    """Where, among the waiting, the node of the first turn is; -1 if none is in a state up to `most_state`."""
    nodes, waiting, n_waiting = growing.nodes, growing.waiting, growing.n[N_WAITING]
    best = -1
    for w in range(n_waiting - 1, -1, -1):
        if nodes[waiting[w]].state > most_state:
            continue
        if best < 0 or _before(limits, nodes[waiting[w]], nodes[waiting[best]]):
            best = w
        if limits.max_leaf_nodes < 0:
            return best  # every node will be split: the latest first, so that few wait
    return best


@exact
def _before(limits, node, other):
    if limits.depth_wise and node.depth != other.depth:
        return node.depth < other.depth
    if node.gain != other.gain:
        return node.gain > other.gain
    return node.path < other.path


@exact
def _choose(limits, growing, most):
    """Nodes to expand: the next one, and those that will follow it most likely."""
    nodes, n = growing.nodes, growing.n
    left = limits.max_leaf_nodes - n[LEAVES]
    n_wanted = most if left < 0 else min(most, (left + 1) // 2)
    n_chosen = 0
    while n_chosen < n_wanted:
        w = _next(limits, growing, WAITING)
        if w < 0:
            break
        i = growing.waiting[w]
        room_left = n[NODES] + 2 * max(left, 0) + 2 <= len(nodes)  # those whose turn comes need two each
        if (n_chosen > 0 and not room_left) or not _take_slots(growing, i, n_chosen == 0):
            break
        nodes[i].left = n[NODES]
        nodes[i].last = left == 1
        nodes[i].state = EXPANDED
        n[NODES] += 2
        growing.todo[n_chosen] = i
        n_chosen += 1
    return n_chosen


@exact
def _take_slots(growing, i, must):
    """Give node `i` a place for the histogram of its smaller child, and of the larger one if it lost its own."""
    node, n = growing.nodes[i], growing.n
    needed = 1 + (node.slot < 0)
    for w in range(growing.n[N_WAITING]):
        if n[N_FREE] >= needed or not must:
            break
        other = growing.nodes[growing.waiting[w]]
        if other.state == WAITING and growing.waiting[w] != i and other.slot >= 0:
            growing.free[n[N_FREE]] = other.slot
            n[N_FREE] += 1
            other.slot = -1
    if n[N_FREE] < needed:
        return False
    node.stale = node.slot < 0
    if node.stale:
        n[N_FREE] -= 1
        node.slot = growing.free[n[N_FREE]]
    n[N_FREE] -= 1
    node.small = growing.free[n[N_FREE]]
    return True


@exact
def settle(growing, n_expanded):
    """Free the histograms that no child needs."""
    nodes, n = growing.nodes, growing.n
    for t in range(n_expanded):
        node = nodes[growing.todo[t]]
        kept_small = kept_large = False
        for child in range(node.left, node.left + 2):
            if nodes[child].state == WAITING:
                kept_small |= nodes[child].slot == node.small
                kept_large |= nodes[child].slot == node.slot
            else:
                nodes[child].slot = -1
        for slot, kept in ((node.small, kept_small), (node.slot, kept_large)):
            if not kept:
                growing.free[n[N_FREE]] = slot
                n[N_FREE] += 1


@exact
def expand_batch(data, limits, terms, growing, batch, phases, start, stop):
    room = make_room()
    for t in range(start, stop):
        expand(data, limits, terms, growing, room, batch[t], phases)


@exact
def grow_alone(data, limits, terms, growing):
    """A whole tree on one thread."""
    plant(data, limits, terms, growing, 12)
    while advance(limits, growing, 1):
        expand_batch(data, limits, terms, growing, growing.todo, 15, 0, 1)
        settle(growing, 1)


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
        rows[to_left[block] : to_left[block + 1]] = spare[first : first + n_left]
        to = to_right[block]
        for r in range(last - first - n_left):
            rows[np.uint64(to + r)] = spare[np.uint64(last - 1 - r)]


@exact
def record(growing, terms, edges, offsets, learning_rate, nodes, left_codes, left_categories, starts, ids):
    """Write the tree down depth first. The number of its categorical splits; `starts` and `ids` tell its leaves."""
    stack, parents = np.empty(len(nodes) + 1, dtype=np.int64), np.empty(len(nodes) + 1, dtype=np.int64)
    stack[0], parents[0] = 0, -1
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
                left_codes[n_bitsets] = growing.left_codes[stack[top]]
                for b in range(n_bins):
                    if _contains(left_codes[n_bitsets], b):
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
    leaf = np.searchsorted(starts, start, side="right") - 1
    while start < stop:
        last = min(stop, starts[leaf + 1] if leaf + 1 < len(starts) else len(rows))
        for r in range(start, last):
            leaves[np.uint64(rows[r])] = ids[leaf]
        start, leaf = last, leaf + 1
