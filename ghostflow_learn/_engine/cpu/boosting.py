import weakref

import numpy as np

from .._boosting import (
    CAT_SUPPORT,
    NODE,
    Gradients,
    Tree,
    bounds_of,
    fields,
    interval_of,
    losses_of,
    unit_of,
)
from . import _boosting_grow as grower
from . import _boosting_losses as losses
from . import _boosting_predict as predictor
from . import _boosting_queue as queue
from . import _boosting_rows as order
from ._boosting_forest import assemble
from ._boosting_histogram import WIDTH, Data
from ._boosting_split import Scalars, Terms
from ._launch import launch, n_threads, run_blocks
from ._team import WORDS

__all__ = ["assemble", "gradients", "grow", "leaf_quantiles", "loss", "predict", "predict_bins", "update"]

DERIVED = 32  # multiply-adds in the time that one derivative takes
ADDED = 2**11  # samples of a node that are added up at a time, at least
MOVED = 8  # in the time that a value takes to or from memory
ONE_CALL = 2**27  # as the work of one task: each is a block of its own
ALONE = 2**19  # values of data whose trees are not worth a second thread
ALONE_NODE = 2**16  # values of a node that is not worth all threads
BLOCK = 2**12  # samples of a node that are parted at a time
FEW = 16  # samples that are better led down the trees than through all tests
ENCODED = 1 / 5  # trees that samples go down in the time that the codes of one feature take
FOUND = 8  # multiply-adds in the time that it takes to find the code of a value
TESTED = 0.1  # in the time that a sample takes for one test
BATCH = 16  # nodes that are expanded at a time
HISTOGRAMS = 2**26  # bytes of histograms that are kept while a tree grows

_spaces = {}  # id of the codes -> what trees were grown in, to be used again


def loss(loss, y, raw, sample_weight=None):
    def add_up(start, stop):
        losses = losses_of(loss, y[start:stop], raw[:, start:stop])
        return losses.sum() if sample_weight is None else losses @ sample_weight[start:stop]

    total = sum(run_blocks(add_up, len(y), DERIVED * len(raw)))
    return float(total / (len(y) if sample_weight is None else sample_weight.sum()))


def gradients(loss, y, raw, sample_weight=None, seed=0):
    words = np.empty(raw.shape, dtype=np.int64)  # before all else: where the last ones were, if they are gone
    weight = np.empty(0) if sample_weight is None else sample_weight
    constant = sample_weight is None and loss.name in ("squared_error", "absolute_error", "quantile")
    interval = interval_of(len(y), constant)
    count_bits, hessian_bits, max_gradient, max_hessian = fields(interval)
    most = bounds_of(loss, sample_weight) or _largest(loss, y, raw[0], weight)
    unit = unit_of(most[0], max_gradient), 1.0 if constant else unit_of(most[1], max_hessian)
    per_unit, shifts = (1 / unit[0], 1 / unit[1]), (hessian_bits + count_bits, 0 if constant else count_bits)
    seeds = np.arange(seed, seed + len(raw)).astype(np.uint32)
    if loss.name == "multinomial":
        launch(losses.pack_multinomial, len(y), (y, raw, weight, per_unit, shifts, seeds, words), DERIVED * len(raw))
    else:
        args = (loss.quantile, y, raw[0], weight, per_unit, shifts, seeds[0], words[0])
        launch(losses.PACK[loss.name], len(y), args, DERIVED)
    return Gradients(words, np.array([unit] * len(raw)), interval)


def grow(bins, packed, growth, seed=0, rows=None, masks=None):
    leaves = np.empty((len(packed.words), len(bins.codes)), dtype=np.uint32)
    n_rows = len(bins.codes) if rows is None else len(rows)
    alone = n_rows * bins.codes.shape[1] <= ALONE
    results, n_searches = [None] * len(leaves), 0
    if masks is None:

        def grow_some(start, stop):
            for k in range(start, stop):
                results[k], _ = _grow_one(bins, packed, k, growth, seed + k, rows, None, leaves[k], alone or together)

        together = len(leaves) >= n_threads()
        run_blocks(grow_some, len(leaves), ONE_CALL) if together and not alone else grow_some(0, len(leaves))
        return results, leaves
    for k in range(len(leaves)):
        tree, n = _grow_one(bins, packed, k, growth, seed, rows, masks[n_searches:], leaves[k], alone)
        results[k], n_searches = tree, n_searches + n
    return results, leaves, n_searches


def leaf_quantiles(y, raw, leaves, n_nodes, quantile, sample_weight=None):
    ends = np.bincount(leaves, minlength=n_nodes).cumsum()
    residuals, weight = np.empty(len(y)), np.empty(0 if sample_weight is None else len(y))
    given = weight if sample_weight is None else sample_weight
    predictor.group_residuals(y, raw, leaves, given, np.concatenate(([0], ends[:-1])), residuals, weight)
    values = np.zeros(n_nodes)

    def find(start, stop):
        for leaf in range(start, stop):
            inside = slice(ends[leaf - 1] if leaf else 0, ends[leaf])
            if inside.start < inside.stop:
                values[leaf] = _quantile(residuals[inside], quantile, weight[inside])

    run_blocks(find, n_nodes, len(y) * MOVED / n_nodes)
    return values


def update(raw, trees, leaves):
    for k, tree in enumerate(trees):
        values = np.ascontiguousarray(tree.nodes["value"])
        launch(predictor.add_values, raw.shape[1], (values, leaves[k], raw[k]), MOVED)
    return raw


def predict_bins(raw, trees, codes, max_bins):
    return update(raw, trees, [_leaves_of(tree, codes, max_bins) for tree in trees])


def predict(forest, X, baseline, start=0, stop=None):
    forest, tests = forest
    stop, X = len(forest.roots) if stop is None else stop, np.ascontiguousarray(X)
    raw = np.empty((len(baseline), len(X)))
    raw[:] = baseline
    n_trees = (stop - start) * len(baseline)
    if tests is None or len(X) < FEW or n_trees < ENCODED * len(tests.features):
        launch(predictor.add_trees, len(X), (forest, X, start, stop, raw), n_trees * MOVED * 8)
    else:
        cost = FOUND * len(tests.features) + TESTED * n_trees * len(tests.nodes) / forest.roots.size
        launch(predictor.add_by_tests, len(X), (tests, X, start, stop, raw), cost)
    return raw


def _quantile(values, quantile, weight):
    if len(weight) == 0:
        return np.percentile(values, 100 * quantile)
    order = values.argsort(kind="stable")
    reached = weight[order].cumsum()
    wanted = max(100 * quantile / 100 * reached[-1], np.nextafter(0, 1))
    return values[order[min(reached.searchsorted(wanted), len(order) - 1)]]


def _largest(loss, y, raw, weight):
    def largest(start, stop):
        return losses.LARGEST[loss.name](y, raw, weight, start, stop)

    return np.max([(0.0, 0.0), *run_blocks(largest, len(y), DERIVED)], axis=0).tolist()


def _leaves_of(tree, codes, max_bins):
    leaves = np.empty(len(codes), dtype=np.uint32)
    args = (tree.nodes, tree.left_codes, codes, max_bins, leaves)
    launch(predictor.find_leaves, len(codes), args, 8 * MOVED)
    return leaves


def _grow_one(bins, packed, k, growth, seed, rows, masks, leaves, alone):
    """The tree of output `k`, and how many nodes were searched; writes its `leaves`."""
    count_bits, hessian_bits, _, _ = fields(packed.interval)
    data = Data(bins.codes.reshape(-1), packed.words[k], (abs(packed.interval), count_bits, hessian_bits))
    least = [float(x) for x in (growth.min_hessian_to_split, growth.min_gain_to_split, growth.l2_regularization)]
    scalars = Scalars(bins.max_bins, growth.min_samples_leaf, *least, CAT_SUPPORT, *packed.units[k].tolist())
    restrictions = _restrictions(bins, growth, masks)
    terms = Terms(scalars, bins.n_bins, bins.has_missing, restrictions[0], growth.monotonic_cst)
    limits = queue.Limits(
        growth.max_leaf_nodes, growth.max_depth, bool(growth.depth_wise), float(growth.max_features),
        np.uint32(seed & 0xFFFFFFFF), *restrictions[1:],
    )  # fmt: skip
    space = _space(bins.codes, len(leaves) if rows is None else len(rows), growth)
    if rows is None:
        launch(order.number, len(leaves), (space.rows,), 1)
    else:
        space.rows[:] = rows
    growing = space._replace(spare=leaves)
    growing.todo[0], growing.n[queue.CHOSEN] = queue.GROUND, 1
    args = data, limits, terms, growing
    if alone or n_threads() == 1:
        _grow_alone(args, _desks(1, growing, data.bits[0]))
    else:
        _grow_together(args, _desks(n_threads(), growing, data.bits[0]), masks is not None)
    tree = _record(bins, terms, growing, growth.learning_rate, leaves)
    if rows is not None:
        leaves[:] = _leaves_of(tree, bins.codes, bins.max_bins)
    n_searches = int(growing.n[queue.SEARCHES])
    _spaces[id(bins.codes)].append(space)
    return tree, n_searches


def _restrictions(bins, growth, masks):
    """`is_categorical`, `groups` and `masks` for the kernels: all None in the plain case."""
    if masks is None:
        if growth.max_features == 1 and len(growth.groups) == 0 and not bins.is_categorical.any():
            return None, None, None
        masks = np.empty((0, bins.codes.shape[1]), dtype=bool)
    return bins.is_categorical, growth.groups, masks


def _space(codes, n_rows, growth):
    """Memory to grow a tree in; kept as long as the codes."""
    if id(codes) not in _spaces:
        _spaces[id(codes)] = []
        weakref.finalize(codes, _spaces.pop, id(codes), None)
    most = max(1, n_rows // max(1, growth.min_samples_leaf))
    capacity = 2 * most + 3
    if growth.max_leaf_nodes > 0:
        most = min(most, growth.max_leaf_nodes)
        capacity = min(capacity, 4 * most + 2 * BATCH)
    n_slots = max(6, min(most // 2 + 1, HISTOGRAMS // (codes.shape[1] * 256 * 24)))
    try:
        space = _spaces[id(codes)].pop()
    except IndexError:
        space = None
    if space is None or (len(space.nodes), len(space.rows), len(space.free)) != (capacity, n_rows, n_slots):
        rows = np.empty(n_rows, dtype=np.uint32)
        space = queue.Growing(
            np.zeros(capacity, dtype=queue.WORK),
            np.empty((capacity, 8), dtype=np.uint32),
            np.ones((capacity, len(growth.groups)), dtype=bool),
            np.empty(capacity, dtype=np.int64),
            np.empty(BATCH, dtype=np.int64),
            np.empty(n_slots, dtype=np.int64),
            np.zeros(6, dtype=np.int64),
            rows,
            rows,
            np.empty((n_slots, 3, codes.shape[1] * 256), dtype=np.int64),
        )
    return space


def _grow_alone(args, desks):
    growing, sizes = args[-1], grower.Sizes(BLOCK, ADDED, 2**62, 1, ONE_CALL)
    while growing.n[queue.CHOSEN]:
        grower.grow_alone(*args, desks, sizes, 0, 1)


def _grow_together(args, desks, in_order):
    growing, n_members = args[-1], len(desks.tried)
    sizes = grower.Sizes(BLOCK, ADDED, ALONE_NODE, 1 if in_order else BATCH, ONE_CALL)
    shared = grower.Shared(
        np.empty(WORDS, dtype=np.int64),
        np.empty(9, dtype=np.int64),
        np.empty(BATCH, dtype=np.int64),
        np.empty(256, dtype=np.int64),
        np.empty(len(growing.rows) // BLOCK + 2, dtype=np.int64),
        np.empty((n_members - 1, *growing.histograms.shape[1:]), dtype=np.int64),
        np.empty(n_members, dtype=bool),
    )
    while growing.n[queue.CHOSEN]:
        shared.words[:], shared.task[:] = 0, 0
        shared.task[grower.KIND] = grower.SEARCH
        launch(grower.grow_together, n_members, (*args, shared, desks, sizes), ONE_CALL)


def _desks(n_members, growing, interval):
    n_values = growing.histograms.shape[2]
    return grower.Desks(
        np.empty((n_members, n_values >> 8), dtype=bool),
        np.empty((n_members, n_values >> 8), dtype=np.int64),
        np.empty((n_members, 256), dtype=np.int64),
        np.empty((n_members, 4, 256), dtype=np.int64),
        np.empty((n_members, 3, 256)),
        np.zeros((n_members, min(n_values, WIDTH * 256)), dtype=np.int64),
        np.empty((n_members, min(len(growing.rows), interval)), dtype=np.int64),
    )


def _record(bins, terms, growing, learning_rate, leaves):
    n_leaves = int(growing.n[queue.LEAVES])
    nodes = np.zeros(2 * n_leaves - 1, dtype=NODE)
    n_sets = n_leaves if bins.is_categorical.any() else 0
    left_codes, left_categories = np.zeros((2, n_sets, 8), dtype=np.uint32)
    starts, ids = np.empty((2, n_leaves), dtype=np.int64)
    sets = (left_codes, left_categories)
    n = grower.record(growing, terms, bins.edges, bins.offsets, learning_rate, nodes, *sets, starts, ids)
    launch(order.fill_leaves, len(growing.rows), (growing.rows, starts, ids, leaves), MOVED)
    return Tree(nodes, left_codes[:n].copy(), left_categories[:n].copy())
