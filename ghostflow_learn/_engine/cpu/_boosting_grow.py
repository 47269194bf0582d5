"""How one tree grows: its samples are parted, children searched, and at last written down."""

from collections import namedtuple

import numpy as np

from ._boosting_histogram import accumulate, subtract
from ._boosting_losses import exact, inlined
from ._boosting_nodes import choose_features, give_children, n_to_add_up, plant, smaller, to_add_up, weigh_root
from ._boosting_queue import CHOSEN, GROUND, INNER, N_WAITING, ROOT, WAITING, advance, settle
from ._boosting_rows import join_block, left_table, part_block, part_rows
from ._boosting_split import contains, search
from ._jit import kernel
from ._team import done, hand_out, join, take, wait, wait_for_task

# What is done to nodes. The samples of a large one are parted block by block and brought to their places; those of
# its children are added up block by block, the parts of a histogram summed, some features at a time; the children are
# searched. Or one thread expands a node.
PART, JOIN, ADD, SUM, SEARCH, EXPAND = range(6)
FEATURES = 8  # of a task to sum

# Words of `task`: the KIND of what is done, to which NODE; the CHILD whose samples are added up, in how many TASKS and
# into which SLOT, and how many children were BEFORE; how many of the chosen nodes are BEGUN, how many of these are
# SMALL, and how many VALUES they all have.
KIND, NODE, CHILD, TASKS, SLOT, BEFORE, BEGUN, SMALL, VALUES = range(9)

# What the threads of a tree share.
# words    : (WORDS,) int64                        of the team
# task     : (9,) int64                            see above
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

# What each thread works with, (n_members, ...): `tried` and `hashes`, (n_features,) bool and int64, to choose features;
# `goes_left`, (256,) int64; `sums`, (4, 256) int64, and `floats`, (3, 256) float64, of `search`; `packed` and
# `gathered` of `accumulate`.
Desks = namedtuple("Desks", "tried hashes goes_left sums floats packed gathered")


@kernel(fastmath=False, allocates=False)
def grow_alone(data, limits, terms, growing, desks, sizes, start, stop):
    """Go on with a tree for a while on one thread, node by node."""
    n_values, n_chosen = 0, growing.n[CHOSEN]
    while n_chosen > 0 and n_values < sizes.most:
        i = growing.todo[0]
        n_values += len(terms.n_bins) * (len(growing.rows) if i == GROUND else growing.nodes[i].count)
        _bear(i, limits, terms, growing)
        _part_and_add_up(i, 0, data, terms, growing, desks)
        for side in range(2):
            _search(i, side, 0, limits, terms, growing, desks)
        n_chosen = _choose_nodes(1, limits, growing, sizes)


@kernel(fastmath=False, allocates=False)
def grow_together(data, limits, terms, growing, shared, desks, sizes, start, stop):
    """Go on with a tree for a while, as some members of a team: the first that comes leads, the others help."""
    words = shared.words
    for _ in range(start, stop):
        member, n_tasks = join(words), 0
        while n_tasks >= 0:
            task = take(words) if member == 0 else wait_for_task(words)
            if task >= 0:
                _do(task, member, data, limits, terms, growing, shared, desks, sizes)
                done(words)
            elif member == 0:
                wait(words, n_tasks)
                n_tasks = _plan(limits, terms, growing, shared, sizes)
                hand_out(words, n_tasks)
            else:
                n_tasks = -1


@inlined
def _plan(limits, terms, growing, shared, sizes):
    """What comes after the tasks that are done: how many tasks; -1 at the end of the tree, or to ask Python."""
    n_tasks = 0
    while n_tasks == 0:
        kind = shared.task[KIND]
        if kind == EXPAND:
            n_chosen = _choose_nodes(shared.task[BEGUN], limits, growing, sizes)
            shared.task[KIND], shared.task[BEGUN], shared.task[SMALL] = SEARCH, 0, 0
            n_tasks = 0 if n_chosen > 0 and shared.task[VALUES] < sizes.most else -1
        elif kind == SEARCH:
            n_tasks = _begin_node(limits, terms, growing, shared, sizes)
        else:
            n_tasks = _go_on(kind, terms, growing, shared, sizes)
    return n_tasks


@inlined
def _choose_nodes(n_expanded, limits, growing, sizes):
    """Choose the nodes to expand next; their number."""
    nodes, todo, n = growing.nodes, growing.todo, growing.n
    if todo[0] == GROUND and nodes[ROOT].state == WAITING:
        growing.waiting[0], n[N_WAITING] = ROOT, 1
    settle(nodes, todo, growing.free, n, n_expanded)
    n[CHOSEN] = advance(
        nodes, growing.waiting, todo, growing.free, n, limits.max_leaf_nodes, limits.depth_wise, sizes.batch
    )
    return n[CHOSEN]


@inlined
def _begin_node(limits, terms, growing, shared, sizes):
    """Begin with the next of the chosen nodes: a large one is parted, others wait for their turn."""
    nodes, task = growing.nodes, shared.task
    if task[BEGUN] == max(growing.n[CHOSEN], 1):  # planting the root sets it to 0
        task[KIND] = EXPAND
        return task[SMALL]
    i = growing.todo[task[BEGUN]]
    n_samples = len(growing.rows) if i == GROUND else nodes[i].count
    task[BEGUN] += 1
    task[VALUES] += n_samples * len(terms.n_bins)
    _bear(i, limits, terms, growing)
    if n_samples * len(terms.n_bins) > sizes.large:
        task[NODE], task[KIND] = i, JOIN if i == GROUND else PART
        left_table(nodes[i], growing.left_codes[i], terms.scalars.max_bins, shared.goes_left)
        return 0 if i == GROUND else -(-n_samples // sizes.block)
    place, together = task[SMALL], shared.nodes
    task[SMALL] += 1
    while place > 0 and nodes[together[place - 1]].count < n_samples:  # the largest first: no long one comes last
        together[place] = together[place - 1]
        place -= 1
    together[place] = i
    return 0


@inlined
def _bear(i, limits, terms, growing):
    """The children of node `i`, and the places of their histograms."""
    nodes, node, fewest = growing.nodes, growing.nodes[i], terms.scalars.min_samples_leaf
    if i == GROUND:
        plant(
            nodes, growing.free, growing.n, growing.allowed, len(growing.rows), fewest, limits.max_depth,
            limits.max_leaf_nodes,
        )  # fmt: skip
    else:
        give_children(
            nodes, growing.allowed, i, limits.groups, limits.max_depth, fewest, terms.has_missing[node.feature],
            terms.monotonic_cst[node.feature],
        )  # fmt: skip
    small = smaller(node)
    if n_to_add_up(node, nodes):
        nodes[small].slot, nodes[2 * node.left + 1 - small].slot = node.small, node.slot


@inlined
def _go_on(kind, terms, growing, shared, sizes):
    """The next step of a large node."""
    task, to_left = shared.task, shared.to_left
    node = growing.nodes[task[NODE]]
    if kind == PART:
        n_blocks = -(-node.count // sizes.block)
        for block in range(n_blocks):
            to_left[block + 1] += to_left[block] if block else 0
        task[KIND], to_left[0] = JOIN, 0
        return n_blocks
    if kind == ADD:
        task[KIND] = SUM
        return -(-len(terms.n_bins) // FEATURES)
    task[BEFORE] = task[BEFORE] + 1 if kind == SUM else 0
    if task[BEFORE] == n_to_add_up(node, growing.nodes):
        task[KIND] = SEARCH
        return 1 if sizes.batch == 1 else 2
    task[CHILD], task[SLOT] = to_add_up(node, task[BEFORE])
    for member in range(len(shared.adds)):
        shared.adds[member] = False
    n_tasks = min(growing.nodes[task[CHILD]].count // sizes.add, 4 * len(shared.adds))
    task[KIND], task[TASKS] = ADD, max(1, n_tasks)
    return task[TASKS]


@inlined
def _do(task, member, data, limits, terms, growing, shared, desks, sizes):
    kind, i, first_side, n_sides = shared.task[KIND], shared.task[NODE], 0, 0
    if kind == EXPAND:
        i, n_sides = shared.nodes[task], 2
        _part_and_add_up(i, member, data, terms, growing, desks)
    elif kind == SEARCH:
        first_side, n_sides = task, 2 if sizes.batch == 1 else 1
    elif kind == ADD:
        _add_up(task, member, data, growing, shared, desks)
    elif kind == SUM:
        _sum(growing.histograms[shared.task[SLOT]], shared.parts, shared.adds, task * FEATURES * 256)
    else:
        node = growing.nodes[i]
        first, last = task * sizes.block, min((task + 1) * sizes.block, node.count)
        rows, spare = growing.rows[node.start : node.start + node.count], growing.spare[node.start :]
        if kind == PART:
            shared.to_left[task + 1] = part_block(
                data.codes, len(terms.n_bins), node.feature, shared.goes_left, rows, spare, first, last
            )
        else:
            join_block(rows, spare, shared.to_left[task], shared.to_left[task + 1], node.n_left, first, last)
    for side in range(first_side, first_side + n_sides):
        _search(i, side, member, limits, terms, growing, desks)


@inlined
def _add_up(task, member, data, growing, shared, desks):
    """Add up some samples of a child."""
    child, n_tasks = growing.nodes[shared.task[CHILD]], shared.task[TASKS]
    first, last = child.start + child.count * task // n_tasks, child.start + child.count * (task + 1) // n_tasks
    anew, rows = not shared.adds[member], growing.rows[first:last]
    part = shared.parts[member - 1] if member else growing.histograms[shared.task[SLOT]]
    accumulate(data.codes, data.words, data.bits, rows, anew, part, desks.packed[member], desks.gathered[member])
    shared.adds[member] = True


@inlined
def _part_and_add_up(i, member, data, terms, growing, desks):
    """What one thread does for a small node, but for the search."""
    node, nodes = growing.nodes[i], growing.nodes
    if i != GROUND:
        rows, goes_left = growing.rows[node.start : node.start + node.count], desks.goes_left[member]
        left_table(node, growing.left_codes[i], terms.scalars.max_bins, goes_left)
        part_rows(data.codes, len(terms.n_bins), node.feature, goes_left, rows, growing.spare[node.start :])
    packed, gathered = desks.packed[member], desks.gathered[member]
    for before in range(n_to_add_up(node, nodes)):
        child, slot = to_add_up(node, before)
        anew, rows = before >= 0, growing.rows[nodes[child].start : nodes[child].start + nodes[child].count]
        accumulate(data.codes, data.words, data.bits, rows, anew, growing.histograms[slot], packed, gathered)


@inlined
def _search(i, side, member, limits, terms, growing, desks):
    """Search one child of node `i`, the larger one after its histogram is made from its parent's."""
    node, c = growing.nodes[i], growing.nodes[i].left + side
    child = growing.nodes[c]
    if not child.searched:
        return
    histogram = growing.histograms[child.slot]
    if i == GROUND:
        weigh_root(child, histogram, terms.scalars)
    elif c != smaller(node) and not node.stale:
        subtract(histogram, growing.histograms[node.small])
    tried = desks.tried[member]
    choose_features(tried, limits.groups, limits.masks, growing.allowed[c], growing.n, limits.max_features,
                    limits.seed, child.path, desks.hashes[member])  # fmt: skip
    if child.searched:
        search(child, histogram, tried, terms.scalars, terms.n_bins, terms.has_missing, terms.is_categorical,
               terms.monotonic_cst, desks.sums[member], desks.floats[member], growing.left_codes[c])  # fmt: skip
        child.state = WAITING if child.gain > 0 else child.state


@inlined
def _sum(histogram, parts, adds, start):
    """Add the parts of helpers to that of the leader."""
    for k in range(3):
        whole = histogram[k, start : start + FEATURES * 256]
        for b in range(0 if adds[0] else len(whole)):
            whole[b] = 0
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
