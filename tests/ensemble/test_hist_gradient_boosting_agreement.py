"""Histogram gradient boosting gives scikit-learn's trees, from the same draws, where gains do not tie."""

import numpy as np
import pytest
import sklearn.ensemble
from sklearn.datasets import load_breast_cancer, load_diabetes, make_friedman1

from ghostflow_learn import as_sklearn, from_sklearn
from ghostflow_learn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

THEIRS = {
    cls: getattr(sklearn.ensemble, cls.__name__)
    for cls in (HistGradientBoostingClassifier, HistGradientBoostingRegressor)
}
EXACT = ("feature_idx", "bin_threshold", "num_threshold", "missing_go_to_left", "left", "right", "is_leaf", "depth")


@pytest.fixture(scope="module")
def friedman():
    return make_friedman1(n_samples=3000, n_features=8, noise=0.5, random_state=0)


def pair(ours, X, y, sample_weight=None, fit=(), **params):
    """Ours and scikit-learn's, fitted alike."""
    params = {"random_state": 0, "max_iter": 4, **params}
    return [cls(**params).fit(X, y, sample_weight, **dict(fit)) for cls in (ours, THEIRS[ours])]


def assert_same_trees(got, want):
    assert len(got._predictors) == len(want._predictors)
    for ours, theirs in zip(got._predictors, want._predictors):
        for tree, other in zip(ours, theirs):
            assert tree.nodes.dtype == other.nodes.dtype
            for field in (*EXACT, "count", "is_categorical"):
                np.testing.assert_array_equal(tree.nodes[field], other.nodes[field], err_msg=field)
            gains, theirs_gains = (np.maximum(t.nodes["gain"], 0) for t in (tree, other))  # -1 is no gain, too
            np.testing.assert_allclose(gains, theirs_gains, rtol=1e-3, atol=1e-3)
            np.testing.assert_array_equal(tree.raw_left_cat_bitsets, other.raw_left_cat_bitsets)
            np.testing.assert_array_equal(tree.binned_left_cat_bitsets, other.binned_left_cat_bitsets)


def assert_same_raw(got, want, X, scale=1e-6):
    want = want._raw_predict(X)
    np.testing.assert_allclose(got._raw_predict(X), want, rtol=0, atol=scale * np.ptp(want))


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "poisson", "gamma", "quantile"])
@pytest.mark.parametrize("weighted", [False, True])
def test_regressions_of_every_loss(loss, weighted, friedman, rng):
    X, y = friedman
    weight = rng.uniform(0.5, 2, len(y)) if weighted else None
    got, want = pair(HistGradientBoostingRegressor, X, y - y.min() + 1, weight, loss=loss, quantile=0.7)
    assert_same_trees(got, want)
    assert_same_raw(got, want, X, 3e-6)
    np.testing.assert_allclose(got.predict(X), want.predict(X), rtol=1e-5)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("weighted", [False, True])
def test_classifications(n_classes, weighted, friedman, rng):
    X, y = friedman
    y = np.digitize(y, np.quantile(y, np.arange(1, n_classes) / n_classes))
    weight = rng.uniform(0.5, 2, len(y)) if weighted else None
    got, want = pair(HistGradientBoostingClassifier, X, y, weight)
    assert_same_trees(got, want)
    assert_same_raw(got, want, X, 5e-6)
    np.testing.assert_allclose(got.predict_proba(X), want.predict_proba(X), atol=1e-5)
    np.testing.assert_array_equal(got.predict(X), want.predict(X))


@pytest.mark.parametrize(
    "params",
    [
        {"max_leaf_nodes": None, "max_depth": 4},
        {"max_leaf_nodes": 5, "max_depth": 2},
        {"max_leaf_nodes": None, "min_samples_leaf": 100},
        {"l2_regularization": 10.0, "learning_rate": 0.5},
        {"max_bins": 7},
        {"max_features": 0.4, "max_iter": 10},
        {"max_features": 0.01},
        {"monotonic_cst": [1, -1, 0, 1, 0, 0, 0, -1]},
        {"interaction_cst": [{0, 1}, {1, 2, 3}]},
        {"interaction_cst": "no_interactions"},
        {"interaction_cst": "pairwise", "max_leaf_nodes": 6},
        {"early_stopping": True, "max_iter": 30, "learning_rate": 0.8},
        {"early_stopping": True, "validation_fraction": None, "max_iter": 6, "max_leaf_nodes": 6},
        {"early_stopping": True, "scoring": "r2", "validation_fraction": 200, "max_iter": 6, "max_leaf_nodes": 6},
    ],
    ids=str,
)
def test_every_parameter_of_a_tree_and_of_early_stopping(params, friedman):
    X, y = friedman
    got, want = pair(HistGradientBoostingRegressor, X, y, **params)
    assert got.n_iter_ == want.n_iter_
    assert_same_trees(got, want)
    assert_same_raw(got, want, X)
    for name in ("train_score_", "validation_score_"):
        np.testing.assert_allclose(getattr(got, name), getattr(want, name), rtol=1e-6)


def test_missing_values_and_categories(friedman, rng):
    X, y = friedman
    X = X.copy()
    X[:, 1] = rng.integers(0, 40, len(X))
    X[:, 6] = rng.integers(0, 5, len(X))
    y = y + 3 * np.sin(X[:, 1]) + (X[:, 6] == 2)
    X[rng.random(X.shape) < 0.1] = np.nan
    got, want = pair(HistGradientBoostingRegressor, X, y, categorical_features=[1, 6], max_iter=8)
    for ours, theirs in zip(got._predictors, want._predictors):
        leaves, others = (np.sort(t[0].nodes[t[0].nodes["is_leaf"] == 1], order="value") for t in (ours, theirs))
        np.testing.assert_array_equal(leaves["count"], others["count"])  # left and right may be swapped: gains tie
    assert_same_raw(got, want, X)
    unknown = X.copy()
    unknown[:, 1] += 17
    assert_same_raw(got, want, unknown)
    np.testing.assert_array_equal(got.is_categorical_, want.is_categorical_)


@pytest.mark.parametrize("weighted", [False, True])
def test_bins_of_many_samples_come_from_scikit_learns_draws(weighted, rng):
    X = rng.normal(size=(210_000, 2)).astype(np.float32)
    X[::7, 0] = np.nan
    y = np.nan_to_num(X[:, 0]) + X[:, 1] ** 2
    weight = rng.uniform(0, 2, len(y)) if weighted else None
    got, want = pair(HistGradientBoostingRegressor, X, y, weight, max_iter=1, early_stopping=False)
    for ours, theirs in zip(got._bin_mapper.bin_thresholds_, want._bin_mapper.bin_thresholds_):
        np.testing.assert_array_equal(ours, theirs)
    assert_same_raw(got, want, X, 1e-4)


def test_the_same_samples_are_set_apart_among_many(rng):
    X = rng.normal(size=(250_000, 2))
    y = (X[:, 0] * X[:, 1] + 0.3 * rng.normal(size=len(X)) > 0).astype(int)
    for scoring in ("loss", "roc_auc"):
        got, want = pair(HistGradientBoostingClassifier, X, y, max_iter=2, scoring=scoring, max_leaf_nodes=4)
        for ours, theirs in zip(got._bin_mapper.bin_thresholds_, want._bin_mapper.bin_thresholds_):
            np.testing.assert_array_equal(ours, theirs)
        np.testing.assert_allclose(got.train_score_, want.train_score_, rtol=1e-4)
        np.testing.assert_allclose(got.validation_score_, want.validation_score_, rtol=1e-4)


def test_small_real_data_give_equal_scores():
    X, y = load_diabetes(return_X_y=True)
    got, want = pair(HistGradientBoostingRegressor, X, y, max_iter=100)
    assert got.score(X, y) == pytest.approx(want.score(X, y), abs=0.02)
    X, y = load_breast_cancer(return_X_y=True)
    got, want = pair(HistGradientBoostingClassifier, X, y, max_iter=30, max_leaf_nodes=4)
    np.testing.assert_allclose(got.predict_proba(X), want.predict_proba(X), atol=0.1)


def test_fitted_attributes_are_scikit_learns(friedman):
    X, y = friedman
    got, want = pair(HistGradientBoostingClassifier, X, (y > 10).astype(int), early_stopping=True)
    assert vars(want).keys() - vars(got).keys() <= {"_label_encoder", "_scorer"}
    for name in ("n_features_in_", "n_trees_per_iteration_", "do_early_stopping_", "n_iter_", "is_categorical_"):
        assert getattr(got, name) == getattr(want, name)
    assert got.train_score_.dtype == want.train_score_.dtype
    np.testing.assert_array_equal(got._bin_mapper.n_bins_non_missing_, want._bin_mapper.n_bins_non_missing_)
    np.testing.assert_allclose(got._baseline_prediction, want._baseline_prediction, rtol=1e-12)


@pytest.mark.parametrize("categorical", [None, [1]])
def test_models_convert_both_ways_and_go_on_learning(categorical, friedman):
    X, y = friedman
    X = X.copy()
    X[:, 1] = (X[:, 1] * 10).round()
    got, want = pair(HistGradientBoostingRegressor, X, y, categorical_features=categorical)
    np.testing.assert_allclose(as_sklearn(got).predict(X), got.predict(X), rtol=1e-12)
    np.testing.assert_allclose(from_sklearn(want).predict(X), want.predict(X), rtol=1e-12)
    for model in (as_sklearn(got), from_sklearn(want)):
        assert model.set_params(warm_start=True, max_iter=6).fit(X, y).n_iter_ == 6
