import threading
from collections import namedtuple

import numpy as np

from .._trees import RANDOM, Nodes
from ._gini_tree_grow import Limits, Progress
from ._gini_tree_grow import grow as _grow
from ._gini_tree_split import LANES, Samples, Scratch
from ._launch import LONGEST, _run, run_blocks

N_EXACT = 64  # samples of a node that is split between them: of more, the borders of bins take less time
MOVED = 6  # multiply-adds in the time that one value takes to another place in memory

# values : (n_features, n_samples) float32;  codes : the same, or empty, uint8, bins
# edges, offsets : of `Bins`;  missing : int, the bin of missing values;  has_missing : (n_features,) uint8
Columns = namedtuple("Columns", "values codes edges offsets missing has_missing")


def prepare(X, bins):
    none = np.empty(0), np.zeros(X.shape[1] + 1, dtype=np.int64), 255, np.zeros(X.shape[1], dtype=np.uint8)
    known = none if bins is None else (bins.edges, bins.offsets, bins.max_bins, bins.has_missing)
    return Columns(
        _transposed(X), np.empty((0, 0), dtype=np.uint8) if bins is None else _transposed(bins.codes), *known
    )


def grow_many(columns, codes, n_classes, sample_weights, growth, seeds):
    codes = codes.astype(np.uint8)
    trees, rooms = [None] * len(seeds), threading.local()

    def grow_one(t):
        weight = sample_weights[t]
        weight = np.ones(len(codes)) if weight is None else np.ascontiguousarray(weight, dtype=np.float64)
        if not hasattr(rooms, "room"):
            rooms.room = _Room(*columns.values.shape, n_classes, growth)
        trees[t] = rooms.room.grow(columns, weight, codes, seeds[t])

    _run([(t,) for t in range(len(seeds))], grow_one)
    return trees


def _transposed(X):
    columns = np.empty(X.shape[::-1], dtype=X.dtype)

    def copy(start, stop):
        columns[:, start:stop] = X[start:stop].T

    run_blocks(copy, len(X), MOVED * X.shape[1])
    return columns


class _Room:
    """What one thread needs for the trees it grows, one after the other."""

    def __init__(self, n_features, n_samples, n_classes, growth):
        self.growth, self.n_classes = growth, n_classes
        n_sums, at_random = n_classes + (growth.min_samples_leaf > 1), growth.splitter == RANDOM
        n_laid_out, n_taken = n_samples if at_random else 0, (n_samples if at_random else N_EXACT) + LANES
        self.spare = np.empty(n_samples, dtype=np.uint32)
        weight, code = np.empty(n_samples), np.empty(n_samples, dtype=np.uint8)
        self.gathered = Samples(self.spare, weight, code, np.empty((n_sums, n_laid_out)))
        self.scratch = Scratch(
            features=np.zeros((2, n_features), dtype=np.int64),
            random=np.zeros(1, dtype=np.int64),
            values=np.empty(n_taken, dtype=np.float32),
            ordered=np.empty(n_taken, dtype=np.float32),
            order=np.empty(n_taken, dtype=np.int64),
            **{name: np.zeros(n_sums) for name in ("total", "right", "missing")},
            left=np.empty((n_sums, 256)),
            gains=np.empty((3, 256)),
            histogram=np.zeros(256 * n_sums),
        )
        self.nodes = _room_for_nodes(2 * n_samples, n_classes)
        self.progress = Progress(np.zeros(3, dtype=np.int64), np.empty((n_samples + 1, 6), dtype=np.int64))

    def grow(self, columns, weight, codes, seed):
        rows = np.flatnonzero(weight).astype(np.uint32)
        self.scratch.features[0] = np.arange(len(columns.values))
        self.scratch.random[0] = int(seed) or 1
        self.progress.n[:] = 0, 1, 0
        self.progress.places[0] = 0, len(rows), 0, -1, 0, 0
        args = columns, rows, self.spare, weight, codes, self._limits(weight.sum()), self.nodes, self.progress
        ways = (True, None) if self.growth.splitter == RANDOM else (None, True)
        while not _grow(*args, self.gathered, self.scratch, *ways, LONGEST):
            pass
        n_nodes, _, depth = self.progress.n
        return Nodes(*(array[:n_nodes].copy() for array in self.nodes[:-1]), max_depth=int(depth))

    def _limits(self, weight_of_all):
        growth = self.growth
        return Limits(
            n_classes=int(self.n_classes),
            max_depth=int(growth.max_depth),
            min_samples_split=int(growth.min_samples_split),
            min_samples_leaf=int(growth.min_samples_leaf),
            max_features=int(growth.max_features),
            min_weight_leaf=float(growth.min_weight_leaf),
            min_impurity_decrease=float(growth.min_impurity_decrease),
            weight_of_all=float(weight_of_all),
            n_exact=N_EXACT,
            at_random=growth.splitter == RANDOM,
        )


def _room_for_nodes(capacity, n_classes):
    integers = {name: np.empty(capacity, dtype=np.int64) for name in ("left", "right", "feature", "n_node_samples")}
    numbers = {name: np.empty(capacity) for name in ("threshold", "impurity", "weighted_n_node_samples")}
    to_left, value = np.empty(capacity, dtype=np.uint8), np.empty((capacity, 1, n_classes))
    return Nodes(**integers, **numbers, missing_go_to_left=to_left, value=value, max_depth=0)
