"""Trees of the CPU engine against scikit-learn's own, at sizes where every way to sort and to split is taken."""

import numpy as np
import pytest
from scipy.sparse import csc_array, issparse
from sklearn.base import is_classifier
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier, ExtraTreeRegressor

from ghostflow_learn import config_context
from ghostflow_learn._engine._trees import CRITERIA, SPLITTERS, Growth
from ghostflow_learn._engine.cpu import tree

N_SAMPLES, N_FEATURES, MAX_SEED = 1500, 6, 2**31 - 1


def data(seed, kind="dense"):
    """X, codes of three classes, and numbers without ties: then sums depend on scikit-learn's order in the last bit."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(N_SAMPLES, N_FEATURES)).astype(np.float32)
    signal = X[:, 0] + X[:, 1] * X[:, 2] + rng.normal(size=N_SAMPLES)
    if kind == "sparse":
        X[rng.random(X.shape) < 0.7] = 0
        X = csc_array(X)
    if kind == "missing":
        X[rng.random(X.shape) < 0.2] = np.nan
        X[:, 5] = np.nan
    if kind == "coarse":
        X = np.round(X)
    return X, np.digitize(signal, [0, 1]), signal


def growth_of(model, sample_weight):
    """The same choices and limits for our engine."""
    params, classifier = model.get_params(), is_classifier(model)
    weight_of_all = N_SAMPLES if sample_weight is None else sample_weight.sum()
    return Growth(
        criterion=CRITERIA[params["criterion"]],
        splitter=SPLITTERS[params["splitter"]],
        max_depth=params["max_depth"] or MAX_SEED,
        max_leaf_nodes=params["max_leaf_nodes"] or -1,
        min_samples_split=max(params["min_samples_split"], 2 * params["min_samples_leaf"]),
        min_samples_leaf=params["min_samples_leaf"],
        min_weight_leaf=params["min_weight_fraction_leaf"] * weight_of_all,
        max_features=model.max_features_,
        min_impurity_decrease=params["min_impurity_decrease"],
        monotonic_cst=np.asarray(params["monotonic_cst"] or [], dtype=np.int8) * (-1 if classifier else 1),
        n_classes=np.atleast_1d(model.n_classes_) if classifier else np.ones(model.n_outputs_, dtype=np.int64),
    )


def grow_like(model, X, y, sample_weight=None):
    """Our tree and its leaves, for a fitted model of scikit-learn's."""
    seed = np.random.RandomState(model.random_state).randint(0, MAX_SEED)
    y = np.asarray(y, dtype=np.float64).reshape(N_SAMPLES, -1)
    return tree.grow(tree.prepare(X), y, sample_weight, growth_of(model, sample_weight), seed)


def assert_same_tree(nodes, theirs):
    assert len(nodes.left) == theirs.node_count
    for ours, name in {"left": "children_left", "right": "children_right"}.items():
        np.testing.assert_array_equal(getattr(nodes, ours), getattr(theirs, name))
    for name in "feature", "threshold", "missing_go_to_left", "n_node_samples":
        np.testing.assert_array_equal(getattr(nodes, name), getattr(theirs, name), err_msg=name)
    for name in "impurity", "weighted_n_node_samples", "value":
        np.testing.assert_allclose(getattr(nodes, name), getattr(theirs, name), rtol=1e-12, atol=1e-12, err_msg=name)
    assert nodes.max_depth == theirs.max_depth


LIMITS = [
    {},
    {"min_samples_leaf": 7, "max_depth": 6},
    {"min_weight_fraction_leaf": 0.01, "min_impurity_decrease": 1e-4},
    {"max_leaf_nodes": 60},
]


@pytest.mark.parametrize("max_features", [None, 2])  # rows kept in order; rows sorted node by node
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    "model",
    [DecisionTreeClassifier(criterion="gini"), DecisionTreeClassifier(criterion="entropy"), DecisionTreeRegressor()],
    ids=lambda model: model.criterion,
)
def test_best_splits_are_those_of_scikit_learn(model, weighted, max_features):
    for seed, limits in enumerate(LIMITS):
        X, codes, numbers = data(seed)
        y = codes if is_classifier(model) else numbers
        rng = np.random.default_rng(seed)
        weight = rng.random(N_SAMPLES) * (rng.random(N_SAMPLES) > 0.2) if weighted else None
        theirs = type(model)(**{**model.get_params(), "random_state": seed, "max_features": max_features, **limits})
        theirs.fit(X, y, weight)
        nodes, leaves = grow_like(theirs, X, y, weight)
        assert_same_tree(nodes, theirs.tree_)
        inside = np.arange(N_SAMPLES) if weight is None else np.flatnonzero(weight)
        np.testing.assert_array_equal(leaves[inside], theirs.apply(X[inside]))
        assert (np.delete(leaves, inside) == -1).all()


@pytest.mark.parametrize("kind", ["dense", "sparse"])
@pytest.mark.parametrize("model", [ExtraTreeClassifier(), ExtraTreeRegressor()], ids=["classes", "numbers"])
def test_random_splits_are_those_of_scikit_learn(model, kind):
    for seed, limits in enumerate(LIMITS):
        X, codes, numbers = data(seed, kind)
        y = codes if is_classifier(model) else numbers
        theirs = type(model)(random_state=seed, **limits).fit(X, y)
        assert_same_tree(grow_like(theirs, X, y)[0], theirs.tree_)


@pytest.mark.parametrize("criterion", ["poisson", "absolute_error"])
def test_other_criteria_split_as_in_scikit_learn(criterion):
    X, _, numbers = data(0)
    y = np.abs(numbers)
    for seed, limits in enumerate(LIMITS):
        theirs = DecisionTreeRegressor(criterion=criterion, random_state=seed, **limits).fit(X, y)
        assert_same_tree(grow_like(theirs, X, y)[0], theirs.tree_)


def test_several_outputs_split_as_in_scikit_learn():
    X, codes, numbers = data(0)
    for model, y in (
        (DecisionTreeClassifier(random_state=0), np.c_[codes, numbers > 1]),
        (DecisionTreeRegressor(random_state=0), np.c_[numbers, numbers**2]),
    ):
        theirs = model.fit(X, y)
        assert_same_tree(grow_like(theirs, X, y)[0], theirs.tree_)


@pytest.mark.parametrize("kind", ["missing", "sparse", "coarse"])
def test_features_of_any_kind_split_classes_as_in_scikit_learn(kind):
    """Sums of counts are exact: neither equal nor missing values can come in an order that changes them."""
    for seed, limits in enumerate(LIMITS):
        X, codes, _ = data(seed, kind)
        counts = np.random.default_rng(seed).integers(0, 3, N_SAMPLES).astype(np.float64)
        theirs = DecisionTreeClassifier(random_state=seed, **limits).fit(X, codes, counts)
        assert_same_tree(grow_like(theirs, X, codes, counts)[0], theirs.tree_)


def test_sparse_numbers_split_as_in_scikit_learn():
    X, _, numbers = data(0, "sparse")
    theirs = DecisionTreeRegressor(random_state=0, max_features=3).fit(X, numbers)
    assert issparse(X)
    assert_same_tree(grow_like(theirs, X, numbers)[0], theirs.tree_)


def test_monotonic_constraints_hold_as_in_scikit_learn():
    X, codes, numbers = data(0)
    signs = [1, -1, 0, 0, 1, 0]
    for limits in {}, {"max_leaf_nodes": 40}:
        for model, y in (
            (DecisionTreeClassifier(monotonic_cst=signs, random_state=0, **limits), codes > 0),
            (DecisionTreeRegressor(monotonic_cst=signs, random_state=0, **limits), numbers),
        ):
            theirs = model.fit(X, y)
            assert_same_tree(grow_like(theirs, X, y)[0], theirs.tree_)


def test_trees_of_a_forest_are_the_same_on_any_number_of_threads():
    X, codes, _ = data(0)
    y, seeds = codes[:, None].astype(np.float64), list(range(5))
    counts = [np.random.default_rng(seed).integers(0, 3, N_SAMPLES).astype(np.float64) for seed in seeds]
    growth = growth_of(DecisionTreeClassifier(max_features=2).fit(X, codes), None)
    alone = [tree.grow(tree.prepare(X), y, weight, growth, seed)[0] for seed, weight in zip(seeds, counts)]
    for n_threads in 1, 2, 7:
        with config_context(n_threads=n_threads):
            together = tree.grow_many(tree.prepare(X), y, counts, growth, seeds)
        for ours, expected in zip(together, alone, strict=True):
            for got, want in zip(ours, expected, strict=True):
                np.testing.assert_array_equal(got, want)


def test_a_long_tree_is_the_same_in_pieces(monkeypatch):
    """The kernel takes breaks, between which Ctrl-C is seen."""
    X, codes, _ = data(0)
    theirs = DecisionTreeClassifier(random_state=0).fit(X, codes)
    monkeypatch.setattr(tree, "LONGEST", 1000)
    assert_same_tree(grow_like(theirs, X, codes)[0], theirs.tree_)


def test_weights_that_are_negative_split_as_in_scikit_learn():
    X, codes, _ = data(0)
    weight = np.where(np.random.default_rng(0).random(N_SAMPLES) < 0.05, -1.0, 2.0)
    theirs = DecisionTreeClassifier(random_state=0, max_depth=4).fit(X, codes, weight)
    assert_same_tree(grow_like(theirs, X, codes, weight)[0], theirs.tree_)
