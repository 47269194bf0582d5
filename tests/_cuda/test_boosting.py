"""Histogram boosting on a GPU: the bins, the words, the trees and the predictions of the reference, bit for bit."""

import numpy as np
import pytest

from ghostflow_learn._engine import cpu
from ghostflow_learn._engine._boosting import LOSSES as ALL_LOSSES
from ghostflow_learn._engine._boosting import Growth, Loss


def awkward_columns(rng, n, dtype):
    """Many values, few, one, none; infinities, the smallest floats, whole numbers, some NaN."""
    X = rng.normal(size=(n, 8))
    X[:, 1] = rng.integers(5, size=n)
    X[:, 2], X[:, 3] = 7, np.nan
    X[: n // 3, 4] = np.inf
    X[n // 2 :, 4] = -np.inf
    X[:, 5] = rng.choice([-3, -1, 0, 1, 2], size=n) * np.finfo(dtype).smallest_subnormal
    X[rng.uniform(size=n) < 0.3, 6] = np.nan
    X[:, 7] = rng.integers(-1, 4, size=n)
    return X.astype(dtype)


@pytest.mark.parametrize("n_rows", [None, 1, 900])
@pytest.mark.parametrize("is_weighted", [False, True])
def test_edges_are_those_of_the_reference(cuda, reference, rng, dtype, n_rows, is_weighted):
    X = awkward_columns(rng, 600, dtype)
    is_categorical = np.arange(8) == 7
    rows = None if n_rows is None else rng.integers(len(X), size=n_rows)
    weight = rng.choice([0, 0.1, 0.7, 2], size=len(X)) if is_weighted else None
    want = reference.binning.find_edges(X, 31, is_categorical, rows, weight)
    moved = [None if array is None else cuda.asarray(array) for array in (rows, weight)]
    got = cuda.binning.find_edges(cuda.asarray(X), 31, is_categorical, *moved)
    assert [type(edges) for edges in got] == [np.ndarray] * 8
    for g, w in zip(got, want, strict=True):
        np.testing.assert_array_equal(g, w)


def test_a_few_columns_are_sorted_at_a_time(cuda, reference, rng, monkeypatch):
    X = awkward_columns(rng, 100, "float32")
    monkeypatch.setattr(cuda.binning, "SORTED", 300)
    got = cuda.binning.find_edges(cuda.asarray(X), 16, np.zeros(8, bool))
    for g, w in zip(got, reference.binning.find_edges(X, 16, np.zeros(8, bool)), strict=True):
        np.testing.assert_array_equal(g, w)


def test_the_edges_of_a_large_sample_take_few_transfers(cuda, counting, rng):
    X = cuda.asarray(rng.normal(size=(5000, 6)).astype(np.float32))
    with counting() as events:
        cuda.binning.find_edges(X, 255, np.zeros(6, bool))
    assert events["d2h"] == 2
    assert events["d2h_bytes"] < X.nbytes / 2


def test_bins_are_those_of_the_reference(cuda, reference, rng, dtype):
    X = awkward_columns(rng, 600, dtype)
    is_categorical = np.arange(8) == 7
    edges = reference.binning.find_edges(X, 31, is_categorical)
    edges[7] = np.arange(4.0)
    edges[5] = np.array([-2.0, -1, 0, 1]) * np.finfo(dtype).smallest_subnormal
    got = cuda.binning.transform(cuda.asarray(X), edges, is_categorical, 31)
    for g, w in zip(got, reference.binning.transform(X, edges, is_categorical, 31), strict=True):
        np.testing.assert_array_equal(cuda.to_numpy(g), w)


def test_a_block_takes_sums_apart_before_they_overflow(cuda, reference, rng, monkeypatch):
    """The largest gradients and hessians there may be, all in one bin, and one block for all samples."""
    monkeypatch.setattr("ghostflow_learn._engine.cuda._fixed_point.BLOCKS", 1)
    n = 2000
    gradients, hessians = np.full((1, n), -3.0), np.ones((1, n))
    codes = np.zeros((n, 2), dtype=np.uint8)
    packed = cuda.histogram.pack(cuda.asarray(gradients), cuda.asarray(hessians), 0)
    got = [cuda.to_numpy(sums) for sums in cuda.histogram.build(cuda.asarray(codes), packed)]
    want = reference.histogram.build(codes, reference.histogram.pack(gradients, hessians, 0))
    assert packed.interval == 512
    np.testing.assert_array_equal(got, want)
    np.testing.assert_allclose(got[0][:, 0] * cuda.to_numpy(packed.units)[0, 0], -3.0 * n)


# ---------------------------------------------------------------- words


LOSSES = [Loss(name, 0.3) for name in ALL_LOSSES]


@pytest.fixture(params=LOSSES, ids=lambda loss: loss.name)
def problem(request, rng):
    """A loss, targets, raw predictions and weights."""
    n, name = 700, request.param.name
    n_classes = {"binomial": 2, "multinomial": 3}.get(name)
    y = rng.integers(n_classes, size=n).astype(float) if n_classes else rng.exponential(size=n)
    raw = rng.normal(size=(3 if name == "multinomial" else 1, n))
    return request.param, y, raw, rng.uniform(0, 3, size=n)


@pytest.mark.parametrize("is_weighted", [False, True])
def test_words_are_those_of_the_cpu(cuda, problem, is_weighted):
    loss, y, raw, weight = problem
    weight = weight if is_weighted else None
    want = cpu.boosting.gradients(loss, y, raw, weight, 5)
    got = cuda.boosting.gradients(loss, *(None if a is None else cuda.asarray(a) for a in (y, raw, weight)), 5)
    assert got.interval == want.interval
    np.testing.assert_array_equal(cuda.to_numpy(got.units), want.units)
    np.testing.assert_array_equal(cuda.to_numpy(got.words), want.words)


def test_words_of_given_gradients_are_those_of_the_cpu(cuda, rng):
    for hessians in rng.uniform(-1, 3, size=(2, 700)), None:
        gradients = rng.normal(size=(2, 700)) ** 5
        want = cpu.histogram.pack(gradients, hessians, 9)
        got = cuda.histogram.pack(cuda.asarray(gradients), None if hessians is None else cuda.asarray(hessians), 9)
        np.testing.assert_array_equal(cuda.to_numpy(got.units), want.units)
        np.testing.assert_array_equal(cuda.to_numpy(got.words), want.words)


@pytest.mark.parametrize("is_weighted", [False, True])
def test_the_mean_loss_is_that_of_the_reference(cuda, reference, problem, is_weighted):
    loss, y, raw, weight = problem
    weight = weight if is_weighted else None
    got = cuda.boosting.loss(loss, *(None if a is None else cuda.asarray(a) for a in (y, raw, weight)))
    assert isinstance(got, float)
    assert got == pytest.approx(reference.boosting.loss(loss, y, raw, weight), rel=1e-12)


@pytest.mark.parametrize("is_weighted", [False, True])
def test_quantiles_of_leaves_are_those_of_the_reference(cuda, reference, rng, is_weighted):
    n = 500
    y, raw, leaves = rng.normal(size=n), rng.normal(size=n), rng.choice([1, 2, 5], size=n).astype(np.uint32)
    leaves[0] = 4
    weight = rng.uniform(size=n) if is_weighted else None
    for quantile in (0, 0.1, 0.5, 0.77, 1):
        want = reference.boosting.leaf_quantiles(y, raw, leaves, 7, quantile, weight)
        moved = [cuda.asarray(a) for a in (y, raw, leaves)]
        moved_weight = None if weight is None else cuda.asarray(weight)
        got = cuda.boosting.leaf_quantiles(*moved, 7, quantile, moved_weight)
        np.testing.assert_array_equal(cuda.to_numpy(got), want)


# ---------------------------------------------------------------- trees


GROWTH = Growth(
    max_leaf_nodes=15,
    max_depth=-1,
    min_samples_leaf=10,
    min_hessian_to_split=1e-3,
    min_gain_to_split=0.0,
    l2_regularization=0.5,
    learning_rate=0.1,
    max_features=1.0,
    depth_wise=False,
    monotonic_cst=np.zeros(8, dtype=np.int8),
    groups=np.zeros((0, 8), dtype=bool),
)
GROUPS = np.array([[1, 1, 0, 0, 1, 0, 1, 0], [0, 0, 1, 1, 0, 1, 1, 1]], dtype=bool)
CASES = {
    "leaf-wise": {},
    "depth-wise": {"depth_wise": True, "max_leaf_nodes": 11},
    "no limit": {"max_leaf_nodes": -1, "min_samples_leaf": 20},
    "shallow": {"max_depth": 2},
    "a stump": {"max_leaf_nodes": 2},
    "monotonic": {"monotonic_cst": np.array([1, 0, 0, 0, 0, -1, 1, 0], dtype=np.int8)},
    "features by hash": {"max_features": 0.4},
    "groups": {"groups": GROUPS, "max_features": 0.7},
    "no l2": {"l2_regularization": 0.0, "min_samples_leaf": 1},
    "too few samples": {"min_samples_leaf": 400},
    "too little hessian": {"min_hessian_to_split": 1e9},
    "much hessian": {"min_hessian_to_split": 20.0},
    "a gain that is asked for": {"min_gain_to_split": 0.02},
}


@pytest.fixture
def grown(cuda, reference, rng):
    """`grown(growth, n_outputs, **more)`: trees and leaves of both engines on the same data."""
    X = awkward_columns(rng, 600, "float64")
    X[:, 5] = rng.normal(size=600)
    X[:, 7] = rng.integers(40, size=600)
    X[:, 2] = rng.integers(3, size=600)
    is_categorical = np.array([0, 0, 1, 0, 0, 0, 0, 1], dtype=bool)
    edges = reference.binning.find_edges(X, 63, is_categorical)
    edges[2], edges[7] = np.arange(3.0), np.arange(40.0)
    X[rng.uniform(size=600) < 0.2, 7] = np.nan
    loss = Loss("multinomial")
    y, raw = rng.integers(3, size=600).astype(float), rng.normal(size=(3, 600))

    def grow(growth, n_outputs=2, seed=3, rows=None, masks=None):
        want, got = (
            engine.boosting.grow(
                engine.binning.transform(engine.asarray(X), edges, is_categorical, 63),
                _first(engine.boosting.gradients(loss, engine.asarray(y), engine.asarray(raw)), n_outputs),
                growth,
                seed,
                *(None if a is None else engine.asarray(a) for a in (rows, masks)),
            )
            for engine in (cpu if masks is None else reference, cuda)
        )
        assert len(got[0]) == n_outputs
        for g, w in zip(got[0], want[0], strict=True):
            for name in w.nodes.dtype.names:
                np.testing.assert_array_equal(g.nodes[name], w.nodes[name], err_msg=name)
            np.testing.assert_array_equal(g.left_codes, w.left_codes)
            np.testing.assert_array_equal(g.left_categories, w.left_categories)
        np.testing.assert_array_equal(cuda.to_numpy(got[1]), want[1])
        assert got[2:] == want[2:]
        return got[0]

    return grow


def _first(packed, n_outputs):
    return packed._replace(words=packed.words[:n_outputs], units=packed.units[:n_outputs])


@pytest.mark.parametrize("case", CASES)
def test_trees_are_those_of_the_cpu(grown, case):
    trees = grown(GROWTH._replace(**CASES[case]))
    n_nodes = [len(tree.nodes) for tree in trees]
    assert (max(n_nodes) > 1) == (not case.startswith("too"))


def test_categories_split_some_nodes(grown):
    assert sum(tree.nodes["is_categorical"].sum() for tree in grown(GROWTH, 3)) > 2


def test_trees_on_some_of_the_samples_are_those_of_the_cpu(grown, rng):
    rows = np.flatnonzero(rng.uniform(size=600) < 0.5).astype(np.uint32)
    assert len(grown(GROWTH, rows=rows)[0].nodes) > 1


def test_features_drawn_in_the_order_of_the_searches(grown, rng):
    masks = rng.uniform(size=(200, 8)) < 0.5
    for change in {}, {"max_leaf_nodes": -1, "min_samples_leaf": 30}, {"min_hessian_to_split": 1e9}:
        grown(GROWTH._replace(**change), masks=masks)


def test_histograms_that_do_not_fit_are_built_again(grown, monkeypatch):
    monkeypatch.setattr("ghostflow_learn._engine.cuda._boosting_grow.HISTOGRAMS", 5 * 3 * 8 * 256 * 8)
    grown(GROWTH)
    grown(GROWTH._replace(max_leaf_nodes=-1))


def test_trees_that_grow_one_after_the_other_are_the_same(grown, monkeypatch):
    monkeypatch.setattr("ghostflow_learn._engine.cuda.boosting.ROWS", 1)
    grown(GROWTH._replace(max_features=0.5), 3)


def test_the_host_waits_for_a_batch_of_nodes_not_for_each(cuda, counting, rng):
    X = cuda.asarray(rng.normal(size=(2000, 4)))
    edges = cuda.binning.find_edges(X, 63, np.zeros(4, bool))
    bins = cuda.binning.transform(X, edges, np.zeros(4, bool), 63)
    packed = cuda.boosting.gradients(Loss("squared_error"), X[:, 0] * X[:, 1], cuda.xp.zeros((1, 2000)))
    growth = GROWTH._replace(monotonic_cst=np.zeros(4, np.int8), max_leaf_nodes=31)
    with counting() as events:
        (tree,), _ = cuda.boosting.grow(bins, packed, growth)
    assert tree.nodes["is_leaf"].sum() == 31
    assert events["sync"] == events["d2h"] <= 12  # of 30 splits
    assert events["d2h_bytes"] < 12 * 32 * 112
    assert events["launch"] <= 6 * events["sync"]


# ---------------------------------------------------------------- predictions


def test_predictions_are_those_of_the_cpu(cuda, reference, grown, rng, dtype):
    """Of values, known and unknown categories among them, and of bins."""
    trees = [grown(GROWTH, 2, seed) for seed in (1, 2, 3)]
    X = awkward_columns(rng, 300, dtype)
    X[:, 2] = rng.choice([0, 1, 2, 3, 300, -1, np.nan], size=300)
    X[:, 7] = rng.integers(-1, 45, size=300)
    known = np.zeros((8, 8), dtype=np.uint32)
    known[2, 0], known[7, :2] = 0b111, (0xFFFFFFFF, 0xFF)
    for baseline in np.array([[0.5], [-1]]), rng.normal(size=(2, 300)):
        for part in (0, None), (1, 3):
            want = cpu.boosting.predict(cpu.boosting.assemble(trees, known), X, baseline, *part)
            forest = cuda.boosting.assemble(trees, known)
            got = cuda.boosting.predict(forest, cuda.asarray(X), cuda.asarray(baseline), *part)
            np.testing.assert_array_equal(cuda.to_numpy(got), want)
    codes = rng.integers(64, size=(300, 8)).astype(np.uint8)
    raw = rng.normal(size=(2, 300))
    want = cpu.boosting.predict_bins(raw.copy(), trees[0], codes, 63)
    got = cuda.boosting.predict_bins(cuda.asarray(raw), trees[0], cuda.asarray(codes), 63)
    np.testing.assert_array_equal(cuda.to_numpy(got), want)


def test_samples_that_do_not_fit_into_shared_memory(cuda, grown, rng):
    trees = [grown(GROWTH, 1)]
    wide = np.zeros((100, 200))
    wide[:, :8] = awkward_columns(rng, 100, "float64")
    known = np.zeros((200, 8), dtype=np.uint32)
    narrow = cuda.boosting.predict(
        cuda.boosting.assemble(trees, known[:8]), cuda.asarray(wide[:, :8]), cuda.asarray(np.zeros((1, 1)))
    )
    raw = cuda.boosting.predict(
        cuda.boosting.assemble(trees, known), cuda.asarray(wide), cuda.asarray(np.zeros((1, 1)))
    )
    np.testing.assert_array_equal(cuda.to_numpy(raw), cuda.to_numpy(narrow))


@pytest.mark.parametrize("n_samples", [1, 9, 10, 300])
@pytest.mark.parametrize("max_bins", [2, 254, 255])
def test_all_bins_of_few_samples(cuda, rng, n_samples, max_bins):
    """As many categories and bins as there may be, values missing from some columns, few samples or many."""
    X = np.stack([rng.permutation(300)[:n_samples] % max_bins, rng.normal(size=n_samples), np.ones(n_samples)], axis=1)
    X[:, 0] = np.where(np.arange(n_samples) % 7 == 3, np.nan, X[:, 0])
    X[:, 1] = np.where(np.arange(n_samples) % 5 == 1, np.nan, X[:, 1])
    is_categorical = np.array([True, False, False])
    growth = GROWTH._replace(monotonic_cst=np.zeros(3, np.int8), groups=np.zeros((0, 3), bool), min_samples_leaf=2)
    gradients, hessians = rng.normal(size=(1, n_samples)), rng.uniform(1, 2, size=(1, n_samples)) * 20
    trees = []
    for engine in cpu, cuda:
        edges = engine.binning.find_edges(engine.asarray(X), max_bins, is_categorical)
        edges[0] = np.arange(float(max_bins))
        bins = engine.binning.transform(engine.asarray(X), edges, is_categorical, max_bins)
        packed = engine.histogram.pack(engine.asarray(gradients), engine.asarray(hessians), 0)
        (tree,), leaves = engine.boosting.grow(bins, packed, growth)
        trees.append([*(tree.nodes[name] for name in tree.nodes.dtype.names), *tree[1:], engine.to_numpy(leaves)])
    for want, got in zip(*trees, strict=True):
        np.testing.assert_array_equal(got, want)
    assert len(trees[0][0]) > 1 or n_samples < 4
