"""How trees of boosting grow on a GPU: the host says what is next, and waits once for each batch of nodes.

All trees of an iteration grow together. Nodes are *expanded* a few at a time, and a little ahead: their samples are
parted, their children searched. An expanded node becomes part of its tree only when it is its turn, so that the tree is
the one that a search node by node finds.
"""

import heapq
from collections import namedtuple

import cupy as cp
import numpy as np

from .._boosting import CAT_SUPPORT, NODE, Tree
from ._fixed_point import add_up
from ._launch import THREADS_PER_BLOCK, launch

BATCH = 32  # nodes of a tree that are expanded at a time
BLOCKS = 1024
HISTOGRAMS = 2**30  # bytes of histograms that are kept while trees grow
ROWS_PER_BLOCK = 8 * THREADS_PER_BLOCK

# What kernels take and give; each field is of 64 bits, but for the 32 bits of a bitset and of what ends TERMS.
TERMS = np.dtype(
    [(name, "f8") for name in ("min_hessian", "min_gain", "l2", "cat_support")]
    + [("min_samples_leaf", "i8"), ("max_bins", "i4"), ("reserved", "i4")]
)
PART = np.dtype(
    [
        (name, "i8")
        for name in ("start", "to", "count", "n_left", "feature", "bin", "missing_left", "categorical", "cursor")
    ]
    + [("left_codes", "u4", 8)]
)
SEARCH = np.dtype(
    [(name, "i8") for name in ("histogram", "minus", "count", "output", "is_root")]
    + [(name, "f8") for name in ("gradient", "hessian", "value", "lower", "upper")]
)
FOUND = np.dtype(
    [(name, "f8") for name in ("gain", "gradient", "hessian")]
    + [(name, "i8") for name in ("n_left", "feature", "bin", "missing_left", "categorical")]
    + [("left_codes", "u4", 8), ("node_gradient", "f8"), ("node_hessian", "f8")]
)
WORDS = FOUND.itemsize // 8

Split = namedtuple("Split", FOUND.names[:-2])


class Node:
    """A node of a tree on its way. Its samples are ``rows[start : start + count]`` of all trees' rows."""

    def __init__(self, output, start, count, depth, path, sums, value, bounds, groups):
        self.output, self.start, self.count, self.depth, self.path = output, start, count, depth, path
        self.gradient, self.hessian = sums
        self.value, (self.lower, self.upper), self.groups = value, bounds, groups
        self.split = self.children = self.histogram = None
        self.is_inner = self.is_last = self.is_searched = False
        self.minus = -1
        self.order = ()

    def part(self, to, growth):
        """Make the children, by the split; their samples begin at `to`."""
        split, sides = self.split, []
        left = split.gradient, split.hessian
        sums = left, (self.gradient - left[0], self.hessian - left[1])
        values = [self._value(*some, growth.l2_regularization) for some in sums]
        bounds, middle = [(self.lower, self.upper)] * 2, (values[0] + values[1]) / 2
        if direction := growth.monotonic_cst[split.feature]:
            bounds = [(self.lower, middle), (middle, self.upper)][::direction]
        groups = self.groups & growth.groups[:, split.feature]
        counts = split.n_left, self.count - split.n_left
        for side in range(2):
            place = (to + side * split.n_left, counts[side], self.depth + 1, 2 * self.path + side)
            child = Node(self.output, *place, sums[side], values[side], bounds[side], groups)
            child.is_searched = child.may_be_split(growth) and not self.is_last
            sides.append(child)
        self.children = tuple(sides)

    def may_be_split(self, growth):
        return self.depth != growth.max_depth and self.count >= 2 * growth.min_samples_leaf

    def _value(self, gradient, hessian, l2):
        value = -gradient / (hessian + l2 + 1e-15)
        return min(max(value, self.lower), self.upper)


class GrowingTree:
    """The root of a tree, and the nodes that wait for their turn to be split."""

    def __init__(self, root, growth, in_order):
        self.root, self.growth, self.n_leaves, self.waiting = root, growth, 1, []
        # Without a limit every node is split: the deepest first, so that few wait, unless draws follow the order.
        self.by_depth = growth.max_leaf_nodes < 0 and not in_order

    def wait(self, node):
        if self.by_depth:
            node.order = (-node.depth, node.path)
        else:
            node.order = (node.depth if self.growth.depth_wise else 0, -node.split.gain, node.path)
        heapq.heappush(self.waiting, (*node.order, node))

    def advance(self, most):
        """Let expanded nodes into the tree in their order; then choose up to `most` nodes to expand."""
        while self.waiting and self.n_leaves != self.growth.max_leaf_nodes:
            node = self.waiting[0][-1]
            if node.children is None:
                return self._choose(most)
            heapq.heappop(self.waiting)
            node.is_inner = True
            self.n_leaves += 1
            for child in node.children:
                if self.n_leaves == self.growth.max_leaf_nodes:
                    child.split = None
                elif child.split is not None:
                    self.wait(child)
        return []

    def _choose(self, most):
        """The next node, and those that will follow it most likely."""
        left = self.growth.max_leaf_nodes - self.n_leaves
        n_wanted = most if left < 0 else min(most, (left + 1) // 2)
        chosen = heapq.nsmallest(n_wanted, (entry for entry in self.waiting if entry[-1].children is None))
        for *_, node in chosen:
            node.is_last = left == 1
        return [node for *_, node in chosen]

    def record(self, bins):
        """The tree, depth first."""
        nodes, left_codes, left_categories = [], [], []
        stack = [(self.root, None)]
        while stack:
            node, parent = stack.pop()
            if parent is not None:
                parent["right"] = len(nodes)
            row = dict.fromkeys(NODE.names, 0)
            row |= {"count": node.count, "depth": node.depth, "value": node.value}
            row["gain"] = -1.0 if node.split is None else node.split.gain
            nodes.append(row)
            if not node.is_inner:
                row |= {"is_leaf": 1, "value": node.value * self.growth.learning_rate}
                continue
            _record_split(row, node.split, bins, left_codes, left_categories)
            row["left"] = len(nodes)
            stack += [(node.children[1], row), (node.children[0], None)]
        sets = (np.array(some, dtype=np.uint32).reshape(-1, 8) for some in (left_codes, left_categories))
        return Tree(np.array([tuple(row.values()) for row in nodes], dtype=NODE), *sets)


def _record_split(row, split, bins, left_codes, left_categories):
    row |= {"feature_idx": split.feature, "missing_go_to_left": split.missing_left}
    edges = bins.edges[bins.offsets[split.feature] : bins.offsets[split.feature + 1]]
    if split.categorical:
        row |= {"is_categorical": 1, "bitset_idx": len(left_codes)}
        left_codes.append(split.left_codes)
        left_categories.append(_bitset(edges[_bits(split.left_codes)[: len(edges)]].astype(np.intp)))
    else:
        row["bin_threshold"] = split.bin
        row["num_threshold"] = edges[split.bin] if split.bin < len(edges) else np.inf


def _bits(bitset):
    return np.unpackbits(np.asarray(bitset, dtype="<u4").view(np.uint8), bitorder="little").astype(bool)


def _bitset(bits):
    return np.packbits(np.isin(np.arange(256), bits), bitorder="little").view("<u4")


class Grower:
    """Grows some of the trees of an iteration, and owns their samples and histograms on the device.

    Parameters
    ----------
    bins : Bins
        Codes and `has_missing` on the device.
    packed : Gradients
    growth : Growth
    outputs : sequence of int
        Those whose trees grow.
    rows : (n_rows,) uint32
    draw : callable, or None where all features are tried
        ``draw(node, n_searches)``: indices of the features to try after as many searches.
    in_order : bool
        Whether draws depend on the order of the searches: one node at a time, then.
    """

    def __init__(self, bins, packed, growth, outputs, rows, draw, in_order):
        names = ("n_bins", "is_categorical", "edges", "offsets")
        bins = bins._replace(**{name: cp.asnumpy(getattr(bins, name)) for name in names})
        self.bins, self.packed, self.growth, self.draw, self.n_searches = bins, packed, growth, draw, 0
        n_features = bins.codes.shape[1]
        columns = (bins.n_bins, bins.is_categorical, growth.monotonic_cst)
        self.features = cp.asarray(np.stack(columns, axis=1).astype(np.int32))
        limits = (growth.min_hessian_to_split, growth.min_gain_to_split, growth.l2_regularization, CAT_SUPPORT)
        self.terms = np.array([(*limits, growth.min_samples_leaf, bins.max_bins, 0)], dtype=TERMS)
        self.rows = cp.empty((len(outputs), 2, len(rows)), dtype=cp.uint32)
        self.rows[:, 0] = rows
        self.trees = [self._tree(place, output, in_order) for place, output in enumerate(outputs)]
        n_most = max(1, len(rows) // max(1, growth.min_samples_leaf))
        n_most = n_most if growth.max_leaf_nodes < 0 else min(n_most, growth.max_leaf_nodes)
        n_histograms = min(len(outputs) * (n_most + 2 * BATCH), HISTOGRAMS // (3 * 8 * 256 * n_features))
        n_histograms = max(2 * len(outputs), n_histograms)
        self.histograms = cp.empty((n_histograms, 3, n_features, 256), dtype=cp.int64)
        self.free = list(range(n_histograms))
        self.batch = 1 if in_order else min(BATCH, n_histograms // (2 * len(outputs)))

    def _tree(self, place, output, in_order):
        n_rows, every = self.rows.shape[2], np.ones(len(self.growth.groups), dtype=bool)
        root = Node(output, 2 * place * n_rows, n_rows, 0, 1, (0.0, 0.0), 0.0, (-np.inf, np.inf), every)
        return GrowingTree(root, self.growth, in_order)

    def grow(self):
        """The trees, one for each output."""
        roots = [tree.root for tree in self.trees if tree.root.may_be_split(self.growth)]
        for root in roots:
            root.histogram = self.free.pop()
        self._run([], roots, roots)
        for tree in self.trees:
            if tree.root.split is not None:
                tree.wait(tree.root)
        while chosen := [node for tree in self.trees for node in tree.advance(self.batch)]:
            self._expand(chosen)
        return [tree.record(self.bins) for tree in self.trees]

    def _expand(self, nodes):
        """Part the samples of `nodes` and search their children."""
        built = []
        for node in nodes:
            node.part(self._other_place(node.start), self.growth)
            built += self._place_histograms(node)
        children = [child for node in nodes for child in node.children]
        self._run(nodes, built, [child for child in children if child.is_searched])
        for child in children:
            if child.split is None:
                self._release(child)

    def _other_place(self, start):
        """Samples of a node and of its children take turns in two arrays."""
        n_rows = self.rows.shape[2]
        return start + (n_rows if start // n_rows % 2 == 0 else -n_rows)

    def _place_histograms(self, node):
        """Give the children of `node` histograms; those that are to be built: the other one is by subtraction."""
        small, large = sorted(node.children, key=lambda child: child.count)
        whole, node.histogram = node.histogram, None
        if whole is not None and not large.is_searched:
            self.free.append(whole)
        if not (small.is_searched or large.is_searched):
            return []
        small.histogram = self._take()
        if large.is_searched and whole is not None:
            large.histogram, large.minus = whole, small.histogram
        elif large.is_searched:
            large.histogram = self._take()
            return [small, large]
        return [small]

    def _take(self):
        """A free histogram; if there is none, that of the node whose turn is furthest away, which builds anew."""
        if not self.free:
            waiting = [entry[-1] for tree in self.trees for entry in tree.waiting]
            holders = [node for node in waiting if node.children is None and node.histogram is not None]
            self._release(max(holders, key=lambda node: node.order))
        return self.free.pop()

    def _release(self, node):
        if node.histogram is not None:
            self.free.append(node.histogram)
            node.histogram = None

    def _run(self, parted, built, searched):
        """Part samples, build histograms and search for splits, with one transfer there and one back."""
        if not (parted or searched):
            return
        parts = np.array([self._part_of(node) for node in parted], dtype=PART)
        jobs = np.array([(node.start, node.count, node.histogram, node.output) for node in built], dtype=np.int64)
        searches = np.array([self._search_of(node) for node in searched], dtype=SEARCH)
        flat = [table.reshape(-1).view(np.int64) for table in (parts, jobs, searches)]
        ends = np.cumsum([len(table) for table in flat]).tolist()
        tables = cp.asarray(np.concatenate(flat))
        parts, jobs, searches = tables[: ends[0]], tables[ends[0] : ends[1]], tables[ends[1] :]
        n_features, codes = self.bins.codes.shape[1], self.bins.codes
        most = max((node.count for node in parted), default=0)
        grid = (min(BLOCKS, -(-most // ROWS_PER_BLOCK)), len(parted))
        launch("boosting", "part", most, (codes, parts, self.rows, self.bins.max_bins, n_features), grid=grid)
        if built:
            size = 3 * 256 * n_features
            grid = (-(-size // THREADS_PER_BLOCK), len(built))
            launch("boosting", "clear", size, (jobs, self.histograms, size), grid=grid)
            most = max(node.count for node in built)
            add_up(codes, self.packed.words, self.packed.interval, self.rows, jobs, self.histograms, most, len(built))
        if searched:
            self._search(searches, searched)

    def _search(self, searches, nodes):
        n_features = self.bins.codes.shape[1]
        found = cp.empty((len(nodes), n_features, WORDS), dtype=cp.int64)
        best = cp.empty((len(nodes), WORDS), dtype=cp.int64)
        tables = (self.features, self.bins.has_missing, self._tried(nodes), self.packed.units)
        args = (self.histograms, searches, *tables, found, self.terms, n_features)
        launch("boosting", "search", len(nodes), args, grid=(n_features, len(nodes)))
        launch("boosting", "choose", 32 * len(nodes), (found, best, len(nodes), n_features))
        for node, record in zip(nodes, best.get().view(FOUND)[:, 0].tolist(), strict=True):
            *split, node.gradient, node.hessian = record
            if node.depth == 0 and node.hessian < self.growth.min_hessian_to_split:
                continue  # the sums of a root are not known before
            self.n_searches += 1
            node.split = Split(*split) if split[0] > 0 else None

    def _part_of(self, node):
        split = node.split
        places = node.start, node.children[0].start, node.count, split.n_left
        return (*places, split.feature, split.bin, split.missing_left, split.categorical, 0, split.left_codes)

    def _search_of(self, node):
        sums = node.gradient, node.hessian, node.value, node.lower, node.upper
        return (node.histogram, node.minus, node.count, node.output, node.depth == 0, *sums)

    def _tried(self, nodes):
        if self.draw is None:
            return None
        tried = np.zeros((len(nodes), self.bins.codes.shape[1]), dtype=np.uint8)
        for i, node in enumerate(nodes):
            tried[i, self.draw(node, self.n_searches + i)] = 1
        return cp.asarray(tried)
