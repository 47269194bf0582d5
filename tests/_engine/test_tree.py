"""Trees are scikit-learn's node for node: the reference is held against scikit-learn, the engines against it."""

import numpy as np
import pytest
from scipy.sparse import csc_array, issparse
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from ghostflow_learn import config_context
from ghostflow_learn._engine import cpu
from ghostflow_learn._engine._trees import (
    BEST,
    CRITERIA,
    GINI,
    LEAF,
    RANDOM,
    SPLITTERS,
    SQUARED_ERROR,
    UNDEFINED,
    Growth,
)

CLASSIFICATION, REGRESSION = ["gini", "entropy"], ["squared_error", "absolute_error", "poisson"]
KINDS = ["real", "tied", "missing", "sparse"]
LIMITS = [
    {},
    {"max_features": 2, "min_samples_leaf": 3},
    {"max_leaf_nodes": 8},
    {"max_depth": 3, "min_weight_leaf": 5.0, "min_impurity_decrease": 0.01},
    {"max_leaf_nodes": 12, "max_features": 1, "min_samples_split": 9},
]
CASES = [(1, False), (2, False), (1, True), (2, True), (1, False)]  # outputs, and whether there are weights


def features(kind, rng, n_samples=60, n_features=4):
    X = rng.normal(size=(n_samples, n_features)).astype(np.float32)
    if kind == "tied":
        X = np.round(X)
    if kind == "missing":
        X[rng.uniform(size=X.shape) < 0.2] = np.nan
        X[:, 1] = np.round(X[:, 1])
    if kind == "sparse":
        return csc_array(np.where(np.abs(X) > 0.7, np.round(X, 1), 0))
    return X


def targets(criterion, X, rng):
    """Two outputs; codes of classes for classification. With few bits, so that sums are exact in any order."""
    first = np.nan_to_num((X.toarray() if issparse(X) else X)[:, 0])
    noisy = np.round(64 * (first + rng.normal(size=len(first)))) / 64
    if criterion in CLASSIFICATION:
        return np.c_[np.digitize(noisy, [-0.5, 0.5]), noisy > 0].astype(np.float64)
    return np.c_[rng.poisson(np.exp(first)), np.abs(noisy)].astype(np.float64)


def weights(rng, n_samples):
    weight = rng.integers(1, 128, size=n_samples) / 64
    weight[::5] = 0
    return weight


def growth(criterion, y, n_features, **changes):
    is_classifier = criterion in CLASSIFICATION
    defaults = {
        "criterion": CRITERIA[criterion],
        "splitter": BEST,
        "max_depth": 2**31 - 1,
        "max_leaf_nodes": -1,
        "min_samples_split": max(2, 2 * changes.get("min_samples_leaf", 1)),
        "min_samples_leaf": 1,
        "min_weight_leaf": 0.0,
        "max_features": n_features,
        "min_impurity_decrease": 0.0,
        "monotonic_cst": np.empty(0, dtype=np.int8),
        "n_classes": (y.max(axis=0).astype(np.int64) + 1) if is_classifier else np.ones(y.shape[1], dtype=np.int64),
    }
    return Growth(**{**defaults, **changes})


def grow(engine, X, y, sample_weight, growth, seed=7):
    """(nodes, leaves) as host arrays."""
    columns = engine.tree.prepare(X if issparse(X) else engine.asarray(X))
    nodes, leaves = engine.tree.grow(columns, y, sample_weight, growth, seed)
    return on_host(engine, nodes), engine.to_numpy(leaves)


def on_host(engine, nodes):
    return type(nodes)(*map(engine.to_numpy, nodes[:-1]), nodes.max_depth)


def assert_same_tree(got, want, rtol=0.0):
    """Equal but for rounding in impurities and values, within `rtol`."""
    for name in want._fields:
        g, w = np.asarray(getattr(got, name)), np.asarray(getattr(want, name))
        assert (g.dtype, g.shape) == (w.dtype, w.shape), name
        inexact = rtol if name in ("impurity", "value") else 0.0
        np.testing.assert_allclose(g, w, rtol=inexact, atol=inexact / 10, err_msg=name)


@pytest.mark.parametrize("limits", LIMITS, ids=lambda limits: "-".join(limits) or "full")
@pytest.mark.parametrize("splitter", ["best", "random"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("criterion", CLASSIFICATION + REGRESSION)
def test_every_node_is_that_of_the_reference(reference, rng, criterion, kind, splitter, limits):
    X = features(kind, rng)
    # Each limit with one kind of targets and weights, as a kernel is compiled for each.
    n_outputs, has_weights = CASES[LIMITS.index(limits)]
    y = np.ascontiguousarray(targets(criterion, X, rng)[:, :n_outputs])
    sample_weight = weights(rng, len(y)) if has_weights else None
    choices = growth(criterion, y, X.shape[1], splitter=SPLITTERS[splitter], **limits)
    got, leaves = grow(cpu, X, y, sample_weight, choices)
    want, wanted_leaves = grow(reference, X, y, sample_weight, choices)
    assert len(want.left) > 1
    assert_same_tree(got, want, rtol=1e-12)  # entropies and deviances are sums of logarithms
    np.testing.assert_array_equal(leaves, wanted_leaves)


@pytest.mark.parametrize("kind", KINDS)
def test_every_engine_grows_the_tree_of_the_reference(engine, reference, rng, kind):
    X = features(kind, rng)
    y = np.ascontiguousarray(targets("gini", X, rng)[:, :1])
    choices = growth("gini", y, X.shape[1])
    (got, leaves), (want, wanted_leaves) = (grow(e, X, y, None, choices) for e in (engine, reference))
    assert_same_tree(got, want)
    np.testing.assert_array_equal(leaves, wanted_leaves)


@pytest.mark.parametrize("max_leaf_nodes", [-1, 9])
@pytest.mark.parametrize("splitter", [BEST, RANDOM])
@pytest.mark.parametrize("criterion", CLASSIFICATION + REGRESSION)
def test_constraints_are_those_of_the_reference(reference, rng, criterion, splitter, max_leaf_nodes):
    X = features("real", rng)
    y = np.ascontiguousarray(targets(criterion, X, rng)[:, 1:])
    signs = np.array([1, -1, 0, 1], dtype=np.int8)
    choices = growth(criterion, y, 4, splitter=splitter, max_leaf_nodes=max_leaf_nodes, monotonic_cst=signs)
    want, _ = grow(reference, X, y, None, choices)
    assert_same_tree(grow(cpu, X, y, None, choices)[0], want, rtol=1e-12)
    assert len(want.left) > 5


@pytest.mark.parametrize("splitter", [BEST, RANDOM])
@pytest.mark.parametrize("criterion", CLASSIFICATION + REGRESSION)
def test_where_no_values_tie_every_bit_is_that_of_the_reference(reference, rng, criterion, splitter):
    X, sample_weight = features("real", rng, n_samples=90), rng.uniform(0.1, 2, size=90)
    y = np.ascontiguousarray(targets(criterion, X, rng)[:, 1:])
    if criterion in REGRESSION:
        y = rng.gamma(1.0 + X[:, :1] ** 2)
    choices = growth(criterion, y, 4, splitter=splitter)
    assert_same_tree(*(grow(e, X, y, sample_weight, choices)[0] for e in (cpu, reference)))


@pytest.mark.parametrize("kind", KINDS)
def test_leaves_are_where_the_samples_come_to(engine, rng, kind):
    X = features(kind, rng)
    engine = cpu if issparse(X) else engine  # where sparse data always go
    y, sample_weight = targets("gini", X, rng), weights(rng, X.shape[0])
    nodes, leaves = grow(engine, X, y, sample_weight, growth("gini", y, X.shape[1]))
    forest = engine.forest.pack([nodes])
    rows = X.tocsr() if issparse(X) else engine.asarray(X)
    found = engine.to_numpy(engine.forest.apply(forest, rows))[:, 0]
    np.testing.assert_array_equal(leaves, np.where(sample_weight > 0, found, -1))
    np.testing.assert_array_equal(
        nodes.n_node_samples[nodes.left == LEAF], np.bincount(leaves[leaves >= 0])[nodes.left == LEAF]
    )


@pytest.mark.parametrize("criterion", ["gini", "squared_error"])
def test_a_stump_is_the_best_of_all_splits(rng, criterion):
    X = features("real", rng, n_samples=40)
    y = np.ascontiguousarray(targets(criterion, X, rng)[:, :1])
    nodes, _ = grow(cpu, X, y, None, growth(criterion, y, 4, max_depth=1))

    def impurity_after(j, threshold):
        parts = y[X[:, j] <= threshold, 0], y[X[:, j] > threshold, 0]
        if criterion == "squared_error":
            return sum(len(part) * part.var() for part in parts)
        return sum(len(part) - (np.bincount(part.astype(int)) ** 2).sum() / len(part) for part in parts)

    every = [impurity_after(j, x) for j in range(4) for x in np.sort(X[:, j])[:-1]]
    assert impurity_after(nodes.feature[0], nodes.threshold[0]) == pytest.approx(min(every))


def test_an_own_tree_is_made_of_each_seed_and_weight(engine, rng):
    X = features("real", rng)
    y = np.ascontiguousarray(targets("gini", X, rng)[:, :1])
    choices, seeds = growth("gini", y, 4, max_features=1), [3, 4, 5, 2**31 - 2]
    sample_weights = [None, weights(rng, len(X)), rng.poisson(1.0, size=len(X)).astype(np.float64), None]
    columns = engine.tree.prepare(engine.asarray(X))
    trees = engine.tree.grow_many(columns, y, sample_weights, choices, seeds)
    for tree, sample_weight, seed in zip(trees, sample_weights, seeds, strict=True):
        want, _ = grow(engine, X, y, sample_weight, choices, seed)
        assert_same_tree(on_host(engine, tree), want)
    assert len({len(tree.left) for tree in trees}) > 1


@pytest.mark.parametrize("splitter", [BEST, RANDOM])
@pytest.mark.parametrize("criterion", CLASSIFICATION + REGRESSION)
def test_the_number_of_threads_changes_nothing(rng, criterion, splitter):
    X = features("real", rng, n_samples=4000, n_features=8)
    X[:, 3] = np.round(X[:, 3])
    y = np.ascontiguousarray(targets(criterion, X, rng)[:, :1])
    choices, trees = growth(criterion, y, 8, splitter=splitter, min_samples_leaf=5), []
    for n_threads in 1, 2, 7:
        with config_context(n_threads=n_threads):
            trees.append(grow(cpu, X, y, None, choices)[0])
    assert_same_tree(trees[1], trees[0])
    assert_same_tree(trees[2], trees[0])


@pytest.mark.parametrize(
    "X",
    [np.ones((6, 2)), np.full((6, 1), np.nan), np.array([[1.0], [1.00000001]] * 3), np.zeros((6, 1))],
    ids=["constant", "missing", "nearly constant", "zeros"],
)
def test_features_that_do_not_vary_leave_a_single_leaf(X):
    y = np.array([[0.0], [1.0]] * 3)
    for splitter in BEST, RANDOM:
        nodes, leaves = grow(cpu, X.astype(np.float32), y, None, growth("gini", y, X.shape[1], splitter=splitter))
        assert (nodes.left[0], nodes.feature[0], nodes.threshold[0]) == (LEAF, UNDEFINED, UNDEFINED)
        assert nodes.value.tolist() == [[[0.5, 0.5]]]
        assert leaves.tolist() == [0] * 6


@pytest.mark.parametrize("criterion", CLASSIFICATION + REGRESSION)
def test_one_sample_is_a_leaf(criterion):
    y = np.array([[1.0]])
    nodes, leaves = grow(cpu, np.ones((1, 3), dtype=np.float32), y, None, growth(criterion, y, 3))
    assert nodes.value.ravel()[-1] == 1
    assert nodes.impurity.tolist() == [0]
    assert leaves.tolist() == [0]


def test_only_missing_values_may_part_the_samples():
    X = np.array([[np.nan], [2], [2], [np.nan], [2]], dtype=np.float32)
    y = np.array([[1.0], [0], [0], [1], [0]])
    nodes, _ = grow(cpu, X, y, None, growth("gini", y, 1))
    assert nodes.threshold[0] == np.inf
    assert nodes.missing_go_to_left[0] == 0
    assert nodes.value[:, 0, 1].tolist() == [0.4, 0, 1]


def test_thresholds_of_huge_values_do_not_overflow():
    X = np.array([[-3e38], [3e38], [3.2e38]], dtype=np.float32)
    y = np.array([[0.0], [1], [2]])
    nodes, _ = grow(cpu, X, y, None, growth("squared_error", y, 1))
    assert np.isfinite(nodes.threshold).all()
    assert len(nodes.left) == 5


def test_negative_weights_that_cancel_out_make_no_child(reference):
    X, y = np.arange(6, dtype=np.float32)[:, None], np.array([[0.0], [0], [1], [1], [0], [1]])
    sample_weight = np.array([1.0, -1, 1, 1, 1, 1])
    for criterion in "gini", "squared_error":
        choices = growth(criterion, y, 1)
        with np.errstate(all="ignore"):
            assert_same_tree(*(grow(e, X, y, sample_weight, choices)[0] for e in (cpu, reference)))


@pytest.mark.parametrize("max_leaf_nodes", [-1, 40])
@pytest.mark.parametrize("splitter", ["best", "random"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("criterion", CLASSIFICATION + REGRESSION)
def test_the_reference_is_scikit_learns_tree(reference, rng, criterion, kind, splitter, max_leaf_nodes):
    X = features(kind, rng, n_samples=200)
    y, sample_weight = targets(criterion, X, rng), weights(rng, 200)
    Tree = DecisionTreeClassifier if criterion in CLASSIFICATION else DecisionTreeRegressor
    theirs = Tree(
        criterion=criterion, splitter=splitter, max_leaf_nodes=max(max_leaf_nodes, 0) or None, random_state=5
    ).fit(X, y, sample_weight=sample_weight)
    seed = np.random.RandomState(5).randint(0, 2**31 - 1)
    choices = growth(criterion, y, 4, splitter=SPLITTERS[splitter], max_leaf_nodes=max_leaf_nodes)
    ours, _ = grow(reference, X, y, sample_weight, choices, seed)
    for name in ours._fields:
        theirs_name = {"left": "children_left", "right": "children_right"}.get(name, name)
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs.tree_, theirs_name), err_msg=name)


def test_codes_of_criteria_are_in_the_table():
    assert CRITERIA["gini"] == GINI
    assert CRITERIA["friedman_mse"] == CRITERIA["squared_error"] == SQUARED_ERROR
