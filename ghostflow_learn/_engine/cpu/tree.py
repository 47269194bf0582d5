import numpy as np

from .._trees import ABSOLUTE_ERROR, ENTROPY, GINI, LEAF, RANDOM, SQUARED_ERROR, Nodes
from ._launch import LONGEST
from ._tree_columns import Columns
from ._tree_growing import DEPTH, DONE, FULL, START, Limits, Node, Progress, Scratch, Targets
from ._tree_growing import grow as _grow

PRESORTED = 0.5  # of all features, tried at a node: from there on it pays to keep the rows in the order of each
FEWEST = 256  # nodes that arrays have room for at first


def prepare(X):
    return Columns(X)


def grow(columns, y, sample_weight, growth, seed):
    if growth.splitter == RANDOM or growth.criterion == ABSOLUTE_ERROR:
        raise NotImplementedError("random splits and absolute errors")
    n_samples, n_features = columns.shape
    rows = np.arange(n_samples, dtype=np.uint32)
    if sample_weight is not None and not sample_weight.all():
        rows = np.flatnonzero(sample_weight).astype(np.uint32)
    is_sorted = growth.max_features >= PRESORTED * n_features
    order = columns.order_of(rows, is_read_only=growth.max_depth == 1) if is_sorted else None
    codes, y, targets = _targets(y, sample_weight, growth)
    limits = _limits(growth, n_samples if sample_weight is None else np.cumsum(sample_weight)[-1])
    scratch = _scratch(n_samples, n_features, 0 if is_sorted else len(rows), seed)
    monotonic = growth.monotonic_cst if len(growth.monotonic_cst) else None
    sums = np.zeros((3, len(growth.n_classes), max(growth.n_classes)))
    nodes, progress, heap = _first(sums[0].shape, growth)
    outputs, status = None if len(growth.n_classes) == 1 else 0, None
    while status != DONE:
        if status == FULL:
            nodes, progress, heap = _doubled(nodes), _doubled(progress), None if heap is None else _doubled([heap])[0]
        status = _grow(
            columns.values, rows, targets, limits, Node(*sums, np.empty(4)), nodes, progress, scratch, LONGEST,
            order, codes, y, sample_weight, monotonic, outputs, heap,
        )  # fmt: skip
    return _finished(nodes, progress, rows, n_samples)


def grow_many(columns, y, sample_weights, growth, seeds):
    return [grow(columns, y, weight, growth, seed)[0] for weight, seed in zip(sample_weights, seeds, strict=True)]


def _targets(y, sample_weight, growth):
    """Codes of classes or numbers, the other one None; and what the kernels know of them."""
    screens = growth.criterion in (GINI, SQUARED_ERROR) and (sample_weight is None or bool((sample_weight >= 0).all()))
    targets = Targets(int(growth.criterion), np.asarray(growth.n_classes, dtype=np.int64), screens)
    if growth.criterion not in (GINI, ENTROPY):
        return None, np.ascontiguousarray(y), targets
    return y.astype(np.uint8 if max(growth.n_classes) <= 256 else np.uint32, order="C"), None, targets


def _limits(growth, weight_of_all):
    numbers = growth.min_weight_leaf, growth.min_impurity_decrease, weight_of_all
    counts = growth.max_depth, growth.min_samples_split, growth.min_samples_leaf, growth.max_features
    return Limits(*map(int, counts), *map(float, numbers))


def _scratch(n_samples, n_features, n_sorted, seed):
    return Scratch(
        features=np.arange(n_features, dtype=np.int64),
        constant=np.zeros(n_features, dtype=np.int64),
        random=np.array([int(seed) or 1], dtype=np.int64),
        pairs=np.empty((2, n_sorted), dtype=np.uint64),
        counts=np.empty(256, dtype=np.int64),
        goes_left=np.empty(n_samples, dtype=np.uint8),
        spare=np.empty(n_samples, dtype=np.uint32),
        best=np.empty(2),
    )


def _first(shape, growth):
    """Room for the first nodes, with the root waiting."""
    integers = {name: np.empty(FEWEST, dtype=np.int64) for name in ("left", "right", "feature", "n_node_samples")}
    numbers = {name: np.empty(FEWEST) for name in ("threshold", "impurity", "weighted_n_node_samples")}
    to_left, value = np.empty(FEWEST, dtype=np.uint8), np.empty((FEWEST, *shape))
    nodes = Nodes(**integers, **numbers, missing_go_to_left=to_left, value=value, max_depth=0)
    extents, outlooks = np.empty((FEWEST, 5), dtype=np.int64), np.empty((FEWEST, 6))
    waiting = np.full((FEWEST, 2), -1, dtype=np.int64)
    progress = Progress(np.array([0, 1, growth.max_leaf_nodes - 1]), waiting, extents, outlooks)
    return nodes, progress, np.zeros(1 + FEWEST, dtype=np.int64) if growth.max_leaf_nodes >= 0 else None


def _doubled(arrays):
    """A tuple of arrays, each that has room for nodes with twice as much."""
    doubled = [np.concatenate([a, np.empty_like(a)]) if np.ndim(a) and len(a) >= FEWEST else a for a in arrays]
    return type(arrays)(*doubled) if hasattr(arrays, "_fields") else doubled


def _finished(nodes, progress, rows, n_samples):
    n_nodes = progress.counters[0]
    extents = progress.extents[:n_nodes]
    nodes = Nodes(*(a[:n_nodes].copy() for a in nodes[:-1]), max_depth=int(extents[:, DEPTH].max()))
    leaves = np.full(n_samples, -1, dtype=np.int64)
    leaf = np.flatnonzero(nodes.left == LEAF)
    leaf = leaf[np.argsort(extents[leaf, START])]
    leaves[rows] = np.repeat(leaf, nodes.n_node_samples[leaf])
    return nodes, leaves
