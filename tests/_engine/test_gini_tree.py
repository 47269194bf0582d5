"""Trees of classes from bins, and at random thresholds. Weights are counts: gains are the same to the last bit."""

import numpy as np
import pytest

from ghostflow_learn import config_context
from ghostflow_learn._engine import cpu, reference
from ghostflow_learn._engine._trees import BEST, GINI, RANDOM, Growth

SHAPES = [(1, 1, 1), (40, 3, 2), (700, 6, 4)]


def growth_with(n_classes, **changes):
    defaults = Growth(
        criterion=GINI,
        splitter=BEST,
        max_depth=2**31 - 1,
        max_leaf_nodes=-1,
        min_samples_split=2,
        min_samples_leaf=1,
        min_weight_leaf=0.0,
        max_features=2,
        min_impurity_decrease=0.0,
        monotonic_cst=np.empty(0, dtype=np.int8),
        n_classes=np.array([n_classes]),
    )
    return defaults._replace(**changes)


def data(rng, n_samples, n_features, n_classes):
    """Classes that depend on X, and weights of a bootstrap; no two splits of large nodes are equally good."""
    X = rng.normal(size=(n_samples, n_features)).astype(np.float32)
    codes = (X[:, 0] * n_classes / 4 + rng.normal(size=n_samples)).clip(0, n_classes - 1).astype(np.int64)
    return X, codes, np.bincount(rng.integers(n_samples, size=n_samples), minlength=n_samples).astype(np.float64)


def grow(engine, X, codes, n_classes, weights, growth, seeds, max_bins=255):
    X = engine.asarray(X)
    categorical = np.zeros(X.shape[1], dtype=bool)
    bins = engine.binning.transform(X, engine.binning.find_edges(X, max_bins, categorical), categorical, max_bins)
    columns = engine.gini_tree.prepare(X, None if growth.splitter == RANDOM else bins)
    return engine.gini_tree.grow_many(columns, engine.asarray(codes), n_classes, weights, growth, seeds)


def assert_same(tree, other):
    for name, got, want in zip(tree._fields, tree, other, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("splitter", [BEST, RANDOM])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("changes", [{}, {"min_samples_leaf": 3}, {"max_depth": 2}, {"min_weight_leaf": 5.0}], ids=str)
def test_cpu_agrees_with_the_reference(rng, splitter, shape, changes):
    X, codes, weight = data(rng, *shape)
    growth = growth_with(shape[2], splitter=splitter, **changes)
    want = grow(reference, X, codes, shape[2], [weight, None], growth, [5, 6])
    for n_threads in (1, 3):
        with config_context(n_threads=n_threads):
            got = grow(cpu, X, codes, shape[2], [weight, None], growth, [5, 6])
        for tree, other in zip(got, want, strict=True):
            assert_same(tree, other)


@pytest.mark.parametrize("n_samples", [50, 600])
def test_missing_values_go_where_the_gain_is_larger(rng, n_samples):
    X, codes, weight = data(rng, n_samples, 3, 3)
    X[rng.uniform(size=X.shape) < 0.2] = np.nan
    X[codes == 2, 1] = np.nan  # which tells
    growth = growth_with(3, max_features=3, min_samples_leaf=2)
    (want,), (got,) = (grow(engine, X, codes, 3, [weight], growth, [1], max_bins=20) for engine in (reference, cpu))
    assert_same(got, want)
    assert got.missing_go_to_left[got.left >= 0].any()
    assert not got.missing_go_to_left[got.left >= 0].all()


def test_a_feature_whose_missing_values_alone_tell_is_split_between_them_and_the_known_ones():
    X = np.array([1, 2, 3, np.nan, np.nan], dtype=np.float32)[:, None]
    (tree,) = grow(cpu, X, np.array([0, 0, 0, 1, 1]), 2, [None], growth_with(2), [1])
    assert (tree.threshold[0], tree.missing_go_to_left[0], tree.left.tolist()) == (np.inf, 0, [1, -1, -1])


def test_of_borders_that_part_alike_the_middle_one_is_taken():
    """Values near 0 and 1 in a node, and all in between in other nodes."""
    X = np.linspace(0, 1, 1001, dtype=np.float32)[:, None]
    weight = ((X[:, 0] < 0.1) | (X[:, 0] > 0.9)).astype(np.float64)
    (tree,) = grow(cpu, X, (X[:, 0] > 0.5).astype(np.int64), 2, [weight], growth_with(2, max_features=1), [1])
    assert abs(tree.threshold[0] - 0.5) < 0.01
    assert tree.left.tolist() == [1, -1, -1]


def test_random_thresholds_give_the_trees_of_family_tree(rng):
    X, codes, weight = data(rng, 500, 5, 3)
    X[:, 3] = 1.0  # constant: drawn, but not tried
    growth = growth_with(3, splitter=RANDOM)
    (got,) = grow(cpu, X, codes, 3, [weight], growth, [9])
    y = codes[:, None].astype(np.float64)
    want, _ = reference.tree.grow(reference.tree.prepare(X), y, weight, growth, 9)
    for name, a, b in zip(got._fields, got, want, strict=True):
        np.testing.assert_array_equal(a, b, err_msg=name)


def test_a_split_that_gains_too_little_is_not_made(rng):
    X, codes, _ = data(rng, 300, 4, 2)
    for splitter in BEST, RANDOM:
        growth = growth_with(2, splitter=splitter, max_features=4, min_impurity_decrease=0.002)
        (tree,) = grow(cpu, X, codes, 2, [None], growth, [1])
        inner = np.flatnonzero(tree.left >= 0)
        cost = tree.weighted_n_node_samples * tree.impurity / len(X)
        decrease = cost[inner] - cost[tree.left[inner]] - cost[tree.right[inner]]
        assert len(inner) > 0
        assert (decrease > 0.002 - 1e-12).all()
