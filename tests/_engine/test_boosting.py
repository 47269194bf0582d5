import numpy as np
import pytest
from sklearn._loss import loss as sklearn_loss
from sklearn.ensemble._hist_gradient_boosting.binning import _BinMapper
from sklearn.ensemble._hist_gradient_boosting.grower import TreeGrower

from ghostflow_learn import config_context
from ghostflow_learn._engine import cpu
from ghostflow_learn._engine._boosting import NODE, Growth, Loss, fields
from ghostflow_learn._engine.cpu import boosting as cpu_boosting

LIMITS = {
    "plain": {},
    "few leaves": {"max_leaf_nodes": 7},
    "no limit": {"max_leaf_nodes": -1},
    "shallow": {"max_leaf_nodes": -1, "max_depth": 3},
    "stump": {"max_leaf_nodes": 2},
    "shrunk": {"l2_regularization": 3.0, "min_samples_leaf": 20},
    "monotonic": {"monotonic_cst": [1, -1, 0, 0, -1, 0]},
    "interactions": {"groups": [{0, 1, 2}, {2, 3}, {4, 5}]},
    "level by level": {"depth_wise": True, "max_leaf_nodes": 12},
    "some features": {"max_features": 0.5},
}


def growth(n_features, **choices):
    chosen = {
        "max_leaf_nodes": 31, "max_depth": -1, "min_samples_leaf": 5, "min_hessian_to_split": 1e-3,
        "min_gain_to_split": 0.0, "l2_regularization": 0.0, "learning_rate": 0.1, "max_features": 1.0,
        "depth_wise": False, "monotonic_cst": [0] * n_features, "groups": [],
    } | choices  # fmt: skip
    chosen["monotonic_cst"] = np.array(chosen["monotonic_cst"], dtype=np.int8)
    groups = [[j in group for j in range(n_features)] for group in chosen["groups"]]
    chosen["groups"] = np.array(groups, dtype=bool).reshape(-1, n_features)
    return Growth(**chosen)


class Data:
    """Six features, two of them in few values and one of those categorical, some values missing."""

    def __init__(self, seed, n_samples=600, missing=True, categorical=True, constant=False, max_bins=255, n_outputs=1):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(n_samples, 6))
        X[:, 1], X[:, 2] = rng.integers(0, 20, n_samples), rng.integers(0, 12, n_samples)
        if missing:
            X[:, 1:][rng.random((n_samples, 5)) < 0.1] = np.nan
        target = np.nansum(X[:, :3], axis=1) + 2 * np.isnan(X[:, 3]) + (X[:, 2] % 3 == 1) + rng.normal(size=n_samples)
        self.X, self.max_bins = X, max_bins
        self.is_categorical = np.arange(6) == (2 if categorical else -1)
        known = [np.unique(x[~np.isnan(x)]) if c else None for x, c in zip(X.T, self.is_categorical, strict=True)]
        self.mapper = _BinMapper(max_bins + 1, is_categorical=self.is_categorical, known_categories=known).fit(X)
        self.gradients = np.round(np.stack([target] * n_outputs) * 64) / 64  # rounded, so that every sum is exact
        self.gradients *= np.arange(1, n_outputs + 1)[:, None]
        hessians = np.round(rng.uniform(0.1, 1, self.gradients.shape) * 1024) / 1024
        self.hessians = None if constant else hessians

    def bins(self, engine):
        return engine.binning.transform(self.X, self.mapper.bin_thresholds_, self.is_categorical, self.max_bins)

    def grow(self, engine, limits, **kwargs):
        packed = engine.histogram.pack(self.gradients, self.hessians, 0)
        return engine.boosting.grow(self.bins(engine), packed, limits, **kwargs)

    def known(self):
        known, of_feature = self.mapper.make_known_categories_bitsets()
        return np.array(
            [known[of_feature[j]] if c else np.zeros(8) for j, c in enumerate(self.is_categorical)], np.uint32
        )


def sklearn_tree(data, limits):
    """scikit-learn's grower on the same gradients."""
    groups = [set(np.flatnonzero(group)) for group in limits.groups]
    hessians = np.ones(1) if data.hessians is None else data.hessians[0]
    grower = TreeGrower(
        data.mapper.transform(data.X), data.gradients[0].astype(np.float32), hessians.astype(np.float32),
        max_leaf_nodes=limits.max_leaf_nodes if limits.max_leaf_nodes > 0 else None,
        max_depth=limits.max_depth if limits.max_depth > 0 else None, min_samples_leaf=limits.min_samples_leaf,
        n_bins=data.max_bins + 1, n_bins_non_missing=data.mapper.n_bins_non_missing_,
        has_missing_values=np.isnan(data.X).any(axis=0), is_categorical=data.is_categorical,
        monotonic_cst=limits.monotonic_cst, interaction_cst=groups or None,
        l2_regularization=limits.l2_regularization, shrinkage=limits.learning_rate,
    )  # fmt: skip
    grower.grow()
    return grower.make_predictor(data.mapper.bin_thresholds_)


def assert_same_trees(got, want, exact=True):
    assert got.nodes.dtype == want.nodes.dtype == NODE
    assert len(got.nodes) == len(want.nodes)
    for name in NODE.names:
        if exact or name not in ("gain", "value"):
            np.testing.assert_array_equal(got.nodes[name], want.nodes[name], err_msg=name)
        else:
            np.testing.assert_allclose(got.nodes[name], want.nodes[name], rtol=1e-6, atol=1e-5, err_msg=name)


@pytest.fixture(params=["reference", "cpu"])
def any_engine(request, reference):
    return reference if request.param == "reference" else cpu


@pytest.mark.parametrize("kind", [{}, {"missing": False}, {"categorical": False}, {"constant": True}, {"max_bins": 20}])
@pytest.mark.parametrize("choice", ["plain", "no limit", "shallow", "shrunk", "monotonic", "interactions"])
def test_trees_are_those_of_scikit_learn(any_engine, kind, choice):
    if choice == "monotonic":
        kind = kind | {"categorical": False}
    data, limits = Data(0, n_samples=400, **kind), growth(6, **LIMITS[choice])
    (tree,), leaves = data.grow(any_engine, limits)
    want = sklearn_tree(data, limits)
    assert_same_trees(tree, want, exact=False)
    np.testing.assert_array_equal(tree.left_codes, want.binned_left_cat_bitsets)
    np.testing.assert_array_equal(tree.left_categories, want.raw_left_cat_bitsets)
    predicted = want.predict_binned(data.mapper.transform(data.X), data.max_bins, 1)
    np.testing.assert_allclose(tree.nodes["value"][leaves[0]], predicted, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("n_samples", [1, 9, 10, 60, 1200])
@pytest.mark.parametrize("choice", LIMITS)
def test_trees_are_those_of_the_reference_to_the_bit(reference, choice, n_samples):
    data = Data(1, n_samples, missing=n_samples > 1, categorical=choice != "monotonic", n_outputs=2)
    limits = growth(6, **LIMITS[choice])
    rows = np.flatnonzero(np.arange(n_samples) % 3).astype(np.uint32)
    for chosen in (None, rows):
        got, leaves = data.grow(cpu, limits, seed=5, rows=chosen)
        want, want_leaves = data.grow(reference, limits, seed=5, rows=chosen)
        for a, b in zip(got, want, strict=True):
            assert_same_trees(a, b)
        np.testing.assert_array_equal(leaves, want_leaves)


@pytest.mark.parametrize("choice", LIMITS)
def test_threads_and_batches_change_no_bit(monkeypatch, choice):
    """One kernel for the whole tree, nodes in batches, large nodes on all threads: the same trees."""
    data, limits = (
        Data(2, 3000, categorical=choice != "monotonic"),
        growth(6, **({"min_samples_leaf": 2} | LIMITS[choice])),
    )
    (want,), want_leaves = data.grow(cpu, limits)
    monkeypatch.setattr(cpu_boosting, "ALONE", 0)
    monkeypatch.setattr(cpu_boosting, "BLOCK", 100)
    for large_node in (0, 1000, 2**30):
        monkeypatch.setattr(cpu_boosting, "ALONE_NODE", large_node)
        for n_threads in (1, 2, 7):
            with config_context(n_threads=n_threads):
                (tree,), leaves = data.grow(cpu, limits)
            assert_same_trees(tree, want)
            np.testing.assert_array_equal(leaves, want_leaves)


@pytest.mark.parametrize("alone", [0, 2**30])
def test_a_tree_goes_on_where_python_was_asked(monkeypatch, alone):
    """After each batch of nodes, where Ctrl-C would be seen."""
    data, limits = Data(2, 3000), growth(6, min_samples_leaf=2)
    (want,), want_leaves = data.grow(cpu, limits)
    monkeypatch.setattr(cpu_boosting, "ALONE", alone)
    monkeypatch.setattr(cpu_boosting, "ONE_CALL", 1)
    with config_context(n_threads=2):
        (tree,), leaves = data.grow(cpu, limits)
    assert_same_trees(tree, want)
    np.testing.assert_array_equal(leaves, want_leaves)


def test_a_tree_is_grown_if_the_first_thread_never_comes(monkeypatch):
    """Ctrl-C may reach it between the queue and the kernel; the others must not wait for it."""
    data, limits = Data(2, 3000), growth(6, min_samples_leaf=2)
    (want,), _ = data.grow(cpu, limits)

    def launch_but_for_the_first(kernel, n, args, row_cost):
        if kernel is cpu_boosting.grower.grow_together:
            return kernel(*args, 1, n)
        return launch(kernel, n, args, row_cost)

    launch = cpu_boosting.launch
    monkeypatch.setattr(cpu_boosting, "ALONE", 0)
    monkeypatch.setattr(cpu_boosting, "launch", launch_but_for_the_first)
    with config_context(n_threads=3):
        (tree,), _ = data.grow(cpu, limits)
    assert_same_trees(tree, want)


def test_few_histograms_are_enough(monkeypatch, reference):
    """Where memory holds six histograms, those that are missing are added up again."""
    data, limits = Data(3, 1500), growth(6, max_leaf_nodes=40, min_samples_leaf=3)
    want, _ = data.grow(reference, limits)
    monkeypatch.setattr(cpu_boosting, "HISTOGRAMS", 1)
    for alone in (0, 2**30):
        monkeypatch.setattr(cpu_boosting, "ALONE", alone)
        got, _ = data.grow(cpu, limits)
        assert_same_trees(got[0], want[0])


def test_masks_choose_the_features_of_each_search(reference, rng):
    data, limits = Data(4, n_outputs=2), growth(6)
    masks = rng.random((200, 6)) < 0.4
    got, leaves, n_searches = data.grow(cpu, limits, masks=masks)
    want, want_leaves, want_searches = data.grow(reference, limits, masks=masks)
    assert n_searches == want_searches > 40
    for a, b in zip(got, want, strict=True):
        assert_same_trees(a, b)
    np.testing.assert_array_equal(leaves, want_leaves)


LOSSES = {
    "squared_error": (sklearn_loss.HalfSquaredError(), 1),
    "absolute_error": (sklearn_loss.AbsoluteError(), 1),
    "quantile": (sklearn_loss.PinballLoss(quantile=0.2), 1),
    "poisson": (sklearn_loss.HalfPoissonLoss(), 1),
    "gamma": (sklearn_loss.HalfGammaLoss(), 1),
    "binomial": (sklearn_loss.HalfBinomialLoss(), 1),
    "multinomial": (sklearn_loss.HalfMultinomialLoss(n_classes=4), 4),
}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n_samples", [1, 1000])
@pytest.mark.parametrize("name", LOSSES)
def test_losses_and_gradients_are_those_of_scikit_learn(any_engine, rng, name, n_samples, weighted):
    theirs, n_outputs = LOSSES[name]
    raw = rng.normal(size=(n_outputs, n_samples))
    y = rng.integers(0, max(2, n_outputs), n_samples) if "nomial" in name else rng.gamma(2, size=n_samples)
    y, weight = y.astype(np.float64), rng.uniform(0.5, 2, n_samples) if weighted else None
    loss = Loss(name, 0.2)
    raw_theirs = raw.T.copy() if n_outputs > 1 else raw[0]
    want = np.average(theirs.loss(y, raw_theirs), weights=weight)
    np.testing.assert_allclose(any_engine.boosting.loss(loss, y, raw, weight), want, rtol=1e-12)

    packed = any_engine.boosting.gradients(loss, y, raw, weight, seed=3)
    gradient, hessian = theirs.gradient_hessian(y, raw_theirs, weight)
    count_bits, hessian_bits, _, _ = fields(packed.interval)
    got = packed.words >> (hessian_bits + count_bits)
    units = packed.units[:, :, None]
    np.testing.assert_allclose(got * units[:, 0], np.atleast_2d(gradient.T), rtol=1e-12, atol=units[:, 0].max())
    if hessian_bits:
        got = (packed.words >> count_bits) & ((1 << hessian_bits) - 1)
        np.testing.assert_allclose(got * units[:, 1], np.atleast_2d(hessian.T), rtol=1e-12, atol=units[:, 1].max())
    else:
        assert not weighted
        assert (hessian == 1).all()


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_agree_with_the_reference(reference, rng, name):
    """To one unit: a rounding may fall to either side where exponentials differ in the last bit."""
    n_outputs = LOSSES[name][1]
    raw = rng.normal(size=(n_outputs, 70_000)) * 10
    y = rng.integers(0, max(2, n_outputs), 70_000).astype(np.float64)
    got, want = (engine.boosting.gradients(Loss(name, 0.2), y, raw, None, 9) for engine in (cpu, reference))
    np.testing.assert_array_equal(got.units, want.units)
    assert (got.words != want.words).mean() < 1e-5
    with config_context(n_threads=7):
        again = cpu.boosting.gradients(Loss(name, 0.2), y, raw, None, 9)
    np.testing.assert_array_equal(again.words, got.words)


def test_raw_predictions_far_out_give_finite_gradients(any_engine):
    raw, y = np.array([[-1000.0, -800, 0, 800, 1000]]), np.array([0.0, 1, 1, 0, 1])
    packed = any_engine.boosting.gradients(Loss("binomial"), y, raw)
    count_bits, hessian_bits, _, _ = fields(packed.interval)
    gradient = (packed.words[0] >> (count_bits + hessian_bits)) * packed.units[0, 0]
    np.testing.assert_allclose(gradient, [0, -1, -0.5, 1, 0], atol=packed.units[0, 0])


@pytest.mark.parametrize("weighted", [False, True])
def test_leaf_quantiles_are_those_of_the_losses(any_engine, rng, weighted):
    n_samples = 500
    y, raw, leaves = rng.normal(size=n_samples), rng.normal(size=n_samples), rng.integers(0, 9, n_samples)
    leaves[leaves == 4] = 5
    weight = rng.integers(0, 3, n_samples) * 1.0 if weighted else None
    values = any_engine.boosting.leaf_quantiles(y, raw, leaves.astype(np.uint32), 9, 0.3, weight)
    for leaf in range(9):
        inside = leaves == leaf
        loss = sklearn_loss.PinballLoss(quantile=0.3)
        of_leaf = None if weight is None else weight[inside]
        want = loss.fit_intercept_only((y - raw)[inside], of_leaf) if inside.any() else 0
        np.testing.assert_allclose(values[leaf], want, rtol=1e-12)


@pytest.mark.parametrize("n_samples", [1, 7, 300])
def test_predictions_without_categories_are_those_of_scikit_learn(any_engine, dtype, n_samples):
    data, limits = Data(5, 400, categorical=False), growth(6)
    trees = [data.grow(any_engine, limits)[0]] * 2
    X = np.random.default_rng(0).normal(size=(n_samples, 6)).astype(dtype)
    X[:: max(1, n_samples // 5), 1:] = np.nan
    want = sklearn_tree(data, limits).predict(
        X.astype(np.float64), np.zeros((0, 8), np.uint32), np.zeros(6, np.uint32), 1
    )
    forest = any_engine.boosting.assemble(trees, np.zeros((6, 8), np.uint32))
    got = any_engine.boosting.predict(forest, X, np.zeros((1, n_samples)))
    np.testing.assert_allclose(got[0], 2 * want, rtol=1e-6)


@pytest.mark.parametrize("n_samples", [1, 257])
def test_predictions_are_those_of_scikit_learn(any_engine, dtype, n_samples):
    """Unknown, negative, fractional and missing categories included; tree by tree, so that the bits are the same."""
    data, limits = Data(5, 400), growth(6)
    trees = [data.grow(any_engine, limits)[0] for _ in range(3)]
    X = np.random.default_rng(0).normal(size=(n_samples, 6)).astype(dtype)
    X[:, 2] = np.resize([0, 5, 11, 77, 300, -1, np.nan, 3.5], n_samples)
    known, of_feature = data.mapper.make_known_categories_bitsets()
    want = sklearn_tree(data, limits)
    inside = np.where((X < 256) | (np.arange(6) != 2), X, 255).astype(np.float64)  # theirs wraps 300 around
    one = want.predict(inside, known, of_feature, 1)
    forest = any_engine.boosting.assemble(trees, data.known())
    got = any_engine.boosting.predict(forest, X, np.full((1, 1), 2.0))
    np.testing.assert_allclose(got[0], 2 + 3 * one, rtol=1e-6)
    staged = np.full((1, n_samples), 2.0)
    for t in range(3):
        staged = any_engine.boosting.predict(forest, X, staged, t, t + 1)
    np.testing.assert_array_equal(staged, got)


def test_binned_and_real_values_predict_alike(any_engine):
    data = Data(6, 300, n_outputs=2)
    trees, leaves = data.grow(any_engine, growth(6))
    bins = data.bins(any_engine)
    by_leaves = any_engine.boosting.update(np.zeros((2, 300)), trees, leaves)
    by_bins = any_engine.boosting.predict_bins(np.zeros((2, 300)), trees, bins.codes, bins.max_bins)
    forest = any_engine.boosting.assemble([trees], data.known())
    by_values = any_engine.boosting.predict(forest, data.X, np.zeros((2, 1)))
    np.testing.assert_array_equal(by_leaves, by_bins)
    np.testing.assert_array_equal(by_leaves, by_values)


def test_weights_of_two_are_repeated_rows(any_engine):
    """The gain of a split sees sums alone: doubling every gradient and hessian only halves the relative l2."""
    data, limits = Data(7, 300), growth(6)
    (tree,), _ = data.grow(any_engine, limits)
    data.gradients, data.hessians = 2 * data.gradients, 2 * data.hessians
    (doubled,), _ = data.grow(any_engine, limits)
    np.testing.assert_array_equal(doubled.nodes["feature_idx"], tree.nodes["feature_idx"])
    np.testing.assert_allclose(doubled.nodes["value"], tree.nodes["value"], rtol=1e-10)
