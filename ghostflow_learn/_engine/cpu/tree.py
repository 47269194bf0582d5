import numpy as np
from scipy.sparse import issparse

from .._trees import ABSOLUTE_ERROR, ENTROPY, GINI, LEAF, RANDOM, SQUARED_ERROR, Nodes
from . import _tree_growing as growing
from ._launch import LONGEST, _run
from ._tree_columns import SHORT_DIGIT, Columns, SparseColumns
from ._tree_errors import Errors
from ._tree_splitting import Scratch

PRESORTED = 0.5  # of all features, tried at a node: from there on it pays to keep the rows in the order of each
FEWEST = 256  # nodes that arrays have room for at first


def prepare(X):
    return SparseColumns(X) if issparse(X) else Columns(X)


def grow(columns, y, sample_weight, growth, seed):
    n_samples, n_features = columns.shape
    rows, is_random = _rows(n_samples, sample_weight), growth.splitter == RANDOM
    sparse = columns.of_nodes(rows)
    is_sorted = sparse is None and not is_random and growth.max_features >= PRESORTED * n_features
    order = columns.order_of(rows, is_read_only=growth.max_depth == 1) if is_sorted else None
    features = np.zeros((2, n_features), dtype=np.int64)
    features[0] = np.arange(n_features)
    sums = np.zeros((3, len(growth.n_classes), max(growth.n_classes)))
    scratch = _scratch(n_samples, 0 if is_sorted or is_random else len(rows))
    splitter = (None, True) if is_random else (np.empty(2), None)
    fixed = features, sums, _limits(growth, n_samples, sample_weight), LONGEST, scratch, *splitter, sparse, order
    codes, numbers, errors = _targets(y, rows, growth)
    n_classes = np.asarray(growth.n_classes, dtype=np.int64) if len(growth.n_classes) > 1 else None
    targets = codes, numbers, sample_weight, n_classes, errors
    nodes, status = _first_nodes(growth, sums[0].shape, seed), None
    while status != growing.DONE:
        if status == growing.FULL:
            nodes = [_doubled(array) for array in nodes]
        *arrays, heap = nodes
        status = growing.grow(columns.values, rows, *arrays, *fixed, *targets, *_constraints(growth), heap)
    return _finished(*nodes[:3], nodes[4][growing.N_NODES], rows, n_samples)


def grow_many(columns, y, sample_weights, growth, seeds):
    if (
        isinstance(columns, Columns)
        and growth.splitter != RANDOM
        and growth.max_features >= PRESORTED * columns.shape[1]
    ):
        columns.order  # noqa: B018  sorted on all threads now, else on one of those that grow trees
    trees = [None] * len(seeds)

    def grow_one(i):
        trees[i] = grow(columns, y, sample_weights[i], growth, seeds[i])[0]

    _run([(i,) for i in range(len(seeds))], grow_one)
    return trees


def _rows(n_samples, sample_weight):
    if sample_weight is None or sample_weight.all():
        return np.arange(n_samples, dtype=np.uint32)
    return np.flatnonzero(sample_weight).astype(np.uint32)


def _limits(growth, n_samples, sample_weight):
    screens = growth.criterion in (GINI, SQUARED_ERROR) and (sample_weight is None or bool((sample_weight >= 0).all()))
    return growing.Limits(
        criterion=int(growth.criterion),
        screens=screens,
        max_depth=int(growth.max_depth),
        min_samples_split=int(growth.min_samples_split),
        min_samples_leaf=int(growth.min_samples_leaf),
        max_features=int(growth.max_features),
        min_weight_leaf=float(growth.min_weight_leaf),
        min_impurity_decrease=float(growth.min_impurity_decrease),
        weight_of_all=float(
            n_samples if sample_weight is None else np.cumsum(sample_weight)[-1]
        ),  # one after the other
    )


def _targets(y, rows, growth):
    """Codes of classes, numbers, or numbers in order for absolute errors; the others are None."""
    if growth.criterion in (GINI, ENTROPY):
        return y.astype(np.uint8 if max(growth.n_classes) <= 256 else np.uint32, order="C"), None, None
    y = np.ascontiguousarray(y)
    if growth.criterion != ABSOLUTE_ERROR:
        return None, y, None
    order = np.stack([rows[np.argsort(column, kind="stable")] for column in y[rows].T])
    n_rows, n_outputs = len(rows), y.shape[1]
    ranks, medians, outputs = np.empty(len(y), dtype=np.int64), np.empty(n_outputs), np.arange(n_outputs)
    return None, None, Errors(y, order, ranks, np.empty((2, n_rows + 1)), *np.empty((2, 2, n_rows)), medians, outputs)


def _constraints(growth):
    if not growth.monotonic_cst.any():
        return None, None
    return np.asarray(growth.monotonic_cst, dtype=np.int8), np.empty(3)


def _scratch(n_samples, n_sorted):
    return Scratch(
        pairs=np.empty((2, n_sorted), dtype=np.uint64),
        counts=np.empty(1 << SHORT_DIGIT, dtype=np.int64),
        spare=np.empty(n_samples, dtype=np.uint32),
        goes_left=np.empty(n_samples, dtype=np.uint8),
    )


def _first_nodes(growth, shape, seed):
    """Arrays for the first nodes, and the root waiting."""
    state = np.zeros(5, dtype=np.int64)
    state[growing.RANDOM_STATE], state[growing.N_WAITING] = int(seed) or 1, 1
    state[growing.N_SPLITS] = growth.max_leaf_nodes - 1
    waiting = np.full(FEWEST, -1, dtype=np.int64)
    heap = np.empty(FEWEST, dtype=np.int64) if growth.max_leaf_nodes >= 0 else None
    return [
        np.empty((FEWEST, 10), dtype=np.int64),
        np.empty((FEWEST, 9)),
        np.empty((FEWEST, *shape)),
        waiting,
        state,
        heap,
    ]


def _doubled(array):
    """Room for twice as many nodes, if the array has room for nodes."""
    return array if array is None or len(array) < FEWEST else np.concatenate([array, np.empty_like(array)])


def _finished(integers, numbers, shown, n_nodes, rows, n_samples):
    integers, numbers = integers[:n_nodes].T, numbers[:n_nodes].T
    leaves, leaf = np.full(n_samples, -1, dtype=np.int64), np.flatnonzero(integers[growing.LEFT] == LEAF)
    leaf = leaf[np.argsort(integers[growing.START, leaf])]
    leaves[rows] = np.repeat(leaf, integers[growing.N_SAMPLES, leaf])
    nodes = Nodes(
        left=integers[growing.LEFT].copy(),
        right=integers[growing.RIGHT].copy(),
        feature=integers[growing.FEATURE].copy(),
        threshold=numbers[growing.THRESHOLD].copy(),
        missing_go_to_left=integers[growing.MISSING_LEFT].astype(np.uint8),
        impurity=numbers[growing.IMPURITY].copy(),
        n_node_samples=integers[growing.N_SAMPLES].copy(),
        weighted_n_node_samples=numbers[growing.WEIGHT].copy(),
        value=shown[:n_nodes].copy(),
        max_depth=int(integers[growing.DEPTH].max()),
    )
    return nodes, leaves
