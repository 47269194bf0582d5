"""How one tree grows: its samples are parted, children searched, and at last written down."""

from collections import namedtuple

import numpy as np

from ._boosting_histogram import WIDTH, accumulate, subtract
from ._boosting_losses import exact, inner
from ._boosting_nodes import choose_features, give_children, plant, weigh_root
from ._boosting_queue import CHOSEN, GROUND, INNER, N_WAITING, ROOT, WAITING, advance, settle
from ._boosting_rows import join_block, left_table, part_block, part_rows
from ._boosting_split import contains, search
from ._team import dismiss, done, hand_out, take, wait, wait_for_task

# Tasks: a block of the samples of a large node is parted, brought to its place, added up; some features of the parts
# of a histogram are summed; a child is searched; a node is expanded by one thread.
PART, JOIN, ADD, SUM, SEARCH, EXPAND = range(6)
KIND, NODE, CHILD, SLOT, TASKS = range(5)
FEATURES = 8  # of a task to sum

# What the threads of a tree share.
# words    : (WORDS,) int64                        of the team
# task     : (5,) int64                            KIND of task, and what it is about
# nodes    : (batch,) int64                        to expand, each by one thread
# goes_left : (256,) int64                         see `left_table`
# to_left  : (n_blocks + 1,) int64                 how many samples go to the left before each block
# parts    : (n_members - 1, 3, n_features 256) int64  histograms of what helpers added up
# adds     : (n_members,) bool                     who added something up
Shared = namedtuple("Shared", "words task nodes goes_left to_left parts adds")

# block, add : int     samples of a task to part; of one to add up, at least
# large : int          values of a node that all threads share
# batch : int          nodes that are expanded at a time; 1 to search them one after the other
# most : int           values until Python is asked whether to go on
Sizes = namedtuple("Sizes", "block add large batch most")

# What a thread works with.
Desk = namedtuple("Desk", "tried goes_left sums floats packed gathered")


@exact
def grow(data, limits, terms, growing, shared, sizes, start, stop):
    """Go on with a tree for a while: member 0 of the team leads, the others help."""
    n_features = len(terms.n_bins)
    desk = Desk(
        np.empty(n_features, np.bool_), np.empty(256, np.int64), np.empty((4, 256), np.int64),
        np.empty((3, 256), np.float64), np.zeros(min(n_features, WIDTH) * 256, np.int64),
        np.empty(min(len(growing.rows), data.bits[0]), np.int64),
    )  # fmt: skip
    for member in range(start, stop):
        if member == 0:
            _lead(data, limits, terms, growing, shared, sizes, desk)
            dismiss(shared.words)
            continue
        task = wait_for_task(shared.words)
        while task >= 0:
            _perform(task, member, data, limits, terms, growing, shared, sizes, desk)
            done(shared.words)
            task = wait_for_task(shared.words)


@inner
def _lead(data, limits, terms, growing, shared, sizes, desk):
    nodes, todo, free, n, together = growing.nodes, growing.todo, growing.free, growing.n, shared.nodes
    n_features, work, n_chosen = len(terms.n_bins), 0, n[CHOSEN]
    while n_chosen > 0 and work < sizes.most:
        n_small = 0
        for t in range(n_chosen):
            i = todo[t]
            n_values = (len(growing.rows) if i == GROUND else nodes[i].count) * n_features
            work += n_values
            if n_values > sizes.large:
                _expand_together(i, data, limits, terms, growing, shared, sizes, desk)
                continue
            place = n_small  # the largest first, so that no long one comes last
            while place > 0 and nodes[together[place - 1]].count < nodes[i].count:
                together[place] = together[place - 1]
                place -= 1
            together[place] = i
            n_small += 1
        _share(EXPAND, n_small, data, limits, terms, growing, shared, sizes, desk)
        if todo[0] == GROUND and nodes[ROOT].state == WAITING:
            growing.waiting[0], n[N_WAITING] = ROOT, 1
        settle(nodes, todo, free, n, n_chosen)
        n_chosen = advance(nodes, growing.waiting, todo, free, n, limits.max_leaf_nodes, limits.depth_wise, sizes.batch)
    n[CHOSEN] = n_chosen


@inner
def _share(kind, n_tasks, data, limits, terms, growing, shared, sizes, desk):
    """Let the team do `n_tasks` tasks."""
    shared.task[KIND] = kind
    hand_out(shared.words, n_tasks)
    task = take(shared.words)
    while task >= 0:
        _perform(task, 0, data, limits, terms, growing, shared, sizes, desk)
        done(shared.words)
        task = take(shared.words)
    wait(shared.words, n_tasks)


@inner
def _perform(task, member, data, limits, terms, growing, shared, sizes, desk):
    kind, node = shared.task[KIND], growing.nodes[shared.task[NODE]]
    if kind == EXPAND:
        _expand(shared.nodes[task], data, limits, terms, growing, desk)
    elif kind in (PART, JOIN):
        rows = growing.rows[node.start : node.start + node.count]
        spare = growing.spare[node.start : node.start + node.count]
        first, last = task * sizes.block, min((task + 1) * sizes.block, node.count)
        if kind == PART:
            shared.to_left[task + 1] = part_block(
                data.codes, len(terms.n_bins), node.feature, shared.goes_left, rows, spare, first, last
            )
        else:
            join_block(rows, spare, shared.to_left[task], shared.to_left[task + 1], node.n_left, first, last)
    elif kind == ADD:
        child, histogram = growing.nodes[shared.task[CHILD]], growing.histograms[shared.task[SLOT]]
        n_tasks = shared.task[TASKS]
        first, last = child.start + child.count * task // n_tasks, child.start + child.count * (task + 1) // n_tasks
        accumulate(
            data.codes, data.words, data.bits, growing.rows[first:last], not shared.adds[member],
            shared.parts[member - 1] if member else histogram, desk.packed, desk.gathered,
        )  # fmt: skip
        shared.adds[member] = True
    elif kind == SUM:
        _sum(growing.histograms[shared.task[SLOT]], shared.parts, shared.adds, task * FEATURES * 256)
    else:
        _search(shared.task[NODE], task, limits, terms, growing, desk)


@inner
def _expand(i, data, limits, terms, growing, desk):
    """Expand node `i` on one thread."""
    node = growing.nodes[i]
    if i != GROUND:
        rows, spare = growing.rows[node.start : node.start + node.count], growing.spare[node.start :]
        left_table(node, growing.left_codes[i], terms.scalars.max_bins, desk.goes_left)
        part_rows(data.codes, len(terms.n_bins), node.feature, desk.goes_left, rows, spare)
    _bear(i, limits, terms, growing)
    for again in range(_n_histograms(node, growing.nodes)):
        child, slot = _to_add_up(node, again)
        rows = growing.rows[growing.nodes[child].start :][: growing.nodes[child].count]
        histogram = growing.histograms[slot]
        accumulate(data.codes, data.words, data.bits, rows, True, histogram, desk.packed, desk.gathered)
    _give_histograms(i, terms, growing)
    for side in range(2):
        _search(i, side, limits, terms, growing, desk)


@inner
def _expand_together(i, data, limits, terms, growing, shared, sizes, desk):
    """Expand node `i`, a large one, on all threads."""
    node, task, to_left = growing.nodes[i], shared.task, shared.to_left
    task[NODE] = i
    if i != GROUND:
        left_table(node, growing.left_codes[i], terms.scalars.max_bins, shared.goes_left)
        n_blocks = -(-node.count // sizes.block)
        _share(PART, n_blocks, data, limits, terms, growing, shared, sizes, desk)
        to_left[0] = 0
        for block in range(n_blocks):
            to_left[block + 1] += to_left[block]
        _share(JOIN, n_blocks, data, limits, terms, growing, shared, sizes, desk)
    _bear(i, limits, terms, growing)
    for again in range(_n_histograms(node, growing.nodes)):
        task[CHILD], task[SLOT] = _to_add_up(node, again)
        shared.adds[:] = False
        task[TASKS] = min(max(1, growing.nodes[task[CHILD]].count // sizes.add), 4 * len(shared.adds))
        _share(ADD, task[TASKS], data, limits, terms, growing, shared, sizes, desk)
        n_tasks = -(-len(terms.n_bins) // FEATURES)
        _share(SUM, n_tasks, data, limits, terms, growing, shared, sizes, desk)
    _give_histograms(i, terms, growing)
    if sizes.batch == 1:
        for side in range(2):
            _search(i, side, limits, terms, growing, desk)
    else:
        _share(SEARCH, 2, data, limits, terms, growing, shared, sizes, desk)


@inner
def _bear(i, limits, terms, growing):
    """The children of node `i`."""
    nodes, fewest = growing.nodes, terms.scalars.min_samples_leaf
    if i == GROUND:
        plant(
            nodes, growing.free, growing.n, growing.allowed, len(growing.rows), fewest, limits.max_depth,
            limits.max_leaf_nodes,
        )  # fmt: skip
    else:
        feature = nodes[i].feature
        give_children(
            nodes, growing.allowed, i, limits.groups, limits.max_depth, fewest, terms.has_missing[feature],
            terms.monotonic_cst[feature],
        )  # fmt: skip


@inner
def _smaller(node):
    """The child with fewer samples; the other one is beside it."""
    return node.left + (2 * node.n_left > node.count)


@inner
def _n_histograms(node, nodes):
    """How many histograms are added up: the smaller child's; the larger one's too if its parent's is lost."""
    small = _smaller(node)
    large_is_searched = nodes[2 * node.left + 1 - small].searched
    return 1 + (node.stale and large_is_searched) if nodes[small].searched or large_is_searched else 0


@inner
def _to_add_up(node, again):
    """A child and the place of its histogram."""
    small = _smaller(node)
    return (2 * node.left + 1 - small, node.slot) if again else (small, node.small)


@inner
def _give_histograms(i, terms, growing):
    """Tell the children of node `i` where theirs are."""
    node, nodes = growing.nodes[i], growing.nodes
    small = _smaller(node)
    large = 2 * node.left + 1 - small
    if nodes[small].searched or nodes[large].searched:
        nodes[small].slot, nodes[large].slot = node.small, node.slot
    if i == GROUND and nodes[ROOT].searched:
        weigh_root(nodes[ROOT], growing.histograms[node.small], terms.scalars)


@inner
def _search(i, side, limits, terms, growing, desk):
    """Search one child of node `i`, the larger one after its histogram is made from its parent's."""
    node = growing.nodes[i]
    c = node.left + side
    child = growing.nodes[c]
    if child.searched:
        histogram = growing.histograms[child.slot]
        if c != _smaller(node) and not node.stale:
            subtract(histogram, growing.histograms[node.small])
        choose_features(desk.tried, limits.groups, limits.masks, growing.allowed[c], growing.n, limits.max_features,
                        limits.seed, child.path)  # fmt: skip
        search(child, histogram, desk.tried, terms.scalars, terms.n_bins, terms.has_missing, terms.is_categorical,
               terms.monotonic_cst, desk.sums, desk.floats, growing.left_codes[c])  # fmt: skip
        if child.gain > 0:
            child.state = WAITING


@inner
def _sum(histogram, parts, adds, start):
    """Add the parts of helpers to that of the leader."""
    for k in range(3):
        whole = histogram[k, start : start + FEATURES * 256]
        if not adds[0]:
            whole[:] = 0
        for helper in range(len(parts)):
            if adds[helper + 1]:
                part = parts[helper, k, start : start + FEATURES * 256]
                for b in range(len(whole)):
                    whole[b] += part[b]


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
