import pickle

import numpy as np
import pytest
import sklearn.ensemble
from scipy import sparse
from sklearn.datasets import load_diabetes, load_iris, make_classification
from sklearn.exceptions import DataConversionWarning
from sklearn.inspection import partial_dependence
from sklearn.metrics import balanced_accuracy_score, log_loss

from ghostflow_learn import config_context
from ghostflow_learn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    RandomTreesEmbedding,
)

CLASSIFIERS = [RandomForestClassifier, ExtraTreesClassifier]
REGRESSORS = [RandomForestRegressor, ExtraTreesRegressor]


@pytest.fixture(scope="module")
def classes():
    return make_classification(500, 10, n_informative=6, n_classes=3, random_state=0)


@pytest.fixture(scope="module")
def many():
    """More samples than are always split exactly."""
    X, y = make_classification(12_000, 12, n_informative=8, n_classes=3, flip_y=0.1, random_state=0)
    return X[:8000], y[:8000], X[8000:], y[8000:]


def theirs(model):
    return getattr(sklearn.ensemble, type(model).__name__)


def like_sklearn(model, X, y, sample_weight=None):
    """Fit ours and scikit-learn's of the same parameters, and compare the trees bit for bit; both."""
    params = {name: value for name, value in model.get_params().items() if name != "max_bins"}
    model.fit(X, y, sample_weight=sample_weight)
    other = theirs(model)(**params).fit(X, y, sample_weight=sample_weight)
    assert_same_trees(model, other)
    return model, other


def assert_same_trees(model, other):
    assert len(model.estimators_) == len(other.estimators_)
    for tree, their_tree in zip(model.estimators_, other.estimators_):
        assert tree.random_state == their_tree.random_state
        state, their_state = tree.tree_.__getstate__(), their_tree.tree_.__getstate__()
        nodes, their_nodes = state["nodes"], their_state["nodes"]
        for name in nodes.dtype.names:  # the last bits of the logarithms in an impurity are the machine's
            rtol = 1e-12 if name == "impurity" else 0
            np.testing.assert_allclose(nodes[name], their_nodes[name], rtol=rtol, err_msg=name)
        np.testing.assert_array_equal(state["values"], their_state["values"])


# ---------------------------------------------------------------- closed form, invariance


@pytest.mark.parametrize("cls", REGRESSORS)
def test_a_forest_predicts_the_mean_of_its_trees(cls, rng):
    X, y = rng.normal(size=(200, 4)), rng.normal(size=(200, 2))
    model = cls(n_estimators=7, random_state=0).fit(X, y)
    np.testing.assert_allclose(model.predict(X), np.mean([tree.predict(X) for tree in model], axis=0), rtol=1e-14)


@pytest.mark.parametrize("cls", CLASSIFIERS)
def test_probabilities_are_the_mean_of_those_of_the_trees_and_the_first_largest_is_predicted(cls, classes):
    X, y = classes
    names = np.array(["low", "mid", "top"])
    model = cls(n_estimators=6, max_depth=4, random_state=0).fit(X, names[y])
    proba = model.predict_proba(X)
    np.testing.assert_allclose(proba, np.mean([tree.predict_proba(X) for tree in model], axis=0), rtol=1e-14)
    np.testing.assert_array_equal(model.predict(X), names[proba.argmax(axis=1)])
    np.testing.assert_allclose(np.exp(model.predict_log_proba(X)), proba, rtol=1e-14)


def test_without_bootstrap_integer_weights_are_repeated_rows(rng):
    X, y, weight = rng.normal(size=(100, 3)), rng.integers(2, size=100), rng.integers(1, 4, size=100)
    params = {"n_estimators": 5, "max_features": None, "random_state": 0}
    weighted = ExtraTreesClassifier(**params).fit(X, y, sample_weight=weight)
    repeated = ExtraTreesClassifier(**params).fit(np.repeat(X, weight, axis=0), np.repeat(y, weight))
    np.testing.assert_array_equal(weighted.predict_proba(X), repeated.predict_proba(X))


@pytest.mark.parametrize("cls", [*CLASSIFIERS, *REGRESSORS])
@pytest.mark.parametrize("n_threads", [2, 7])
def test_the_number_of_threads_does_not_change_a_bit(cls, n_threads, many):
    X, y, X_test, _ = many
    probabilities = []
    for n in (1, n_threads):
        with config_context(n_threads=n):
            model = cls(n_estimators=5, max_features=3, random_state=0).fit(X, y)
            probabilities.append(getattr(model, "predict_proba", model.predict)(X_test))
    np.testing.assert_array_equal(*probabilities)


# ---------------------------------------------------------------- agreement with scikit-learn


@pytest.mark.parametrize("cls", CLASSIFIERS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    "params",
    [
        {},
        {"class_weight": "balanced"},
        {"class_weight": "balanced_subsample", "bootstrap": True, "min_weight_fraction_leaf": 0.02},
        {"class_weight": {0: 1, 1: 3, 2: 0.5}},
        {"bootstrap": True, "max_samples": 0.5},
        {"bootstrap": True, "max_samples": 50},
        {"bootstrap": False, "min_samples_leaf": 4},
        {"criterion": "entropy", "max_depth": 4},
        {"max_leaf_nodes": 12},
        {"ccp_alpha": 0.01},
    ],
    ids=str,
)
def test_classifiers_are_scikit_learns_tree_by_tree(cls, weighted, params, classes, rng):
    X, y = classes
    model = cls(n_estimators=5, random_state=3, **params)
    with np.errstate(all="ignore"):
        model, other = like_sklearn(model, X, y, rng.uniform(0.5, 2, size=len(y)) if weighted else None)
    np.testing.assert_array_equal(model.predict_proba(X), other.predict_proba(X))
    np.testing.assert_array_equal(model.apply(X), other.apply(X))
    np.testing.assert_allclose(model.feature_importances_, other.feature_importances_, rtol=1e-12)
    for drawn, their_drawn in zip(model.estimators_samples_, other.estimators_samples_):
        np.testing.assert_array_equal(drawn, their_drawn)


@pytest.mark.parametrize("cls", REGRESSORS)
@pytest.mark.parametrize(
    "params",
    [
        {},
        {"max_features": 0.4},
        {"criterion": "absolute_error", "n_estimators": 2},
        {"criterion": "poisson", "max_depth": 4},
        {"monotonic_cst": [1, 0, -1, 0, 0, 0, 0, 0, 0, 0]},
    ],
    ids=str,
)
def test_regressors_are_scikit_learns_tree_by_tree(cls, params):
    X, y = load_diabetes(return_X_y=True)
    model, other = like_sklearn(cls(**{"n_estimators": 4, "random_state": 3} | params), X, y)
    np.testing.assert_array_equal(model.predict(X), other.predict(X))


def test_large_data_without_bins_gives_scikit_learns_forest(many):
    X, y, X_test, _ = many
    model, other = like_sklearn(RandomForestClassifier(n_estimators=3, max_bins=None, random_state=0), X, y)
    np.testing.assert_array_equal(model.predict_proba(X_test), other.predict_proba(X_test))


def test_large_data_gives_scikit_learns_extra_trees(many):
    like_sklearn(ExtraTreesClassifier(n_estimators=3, random_state=0), *many[:2])


@pytest.mark.parametrize("cls", [RandomForestClassifier, RandomForestRegressor])
def test_missing_values_are_handled_as_scikit_learn_does(cls, classes, rng):
    X, y = classes[0].copy(), classes[1]
    X[rng.uniform(size=X.shape) < 0.1] = np.nan
    model, other = like_sklearn(cls(n_estimators=3, random_state=0), X, y)
    np.testing.assert_array_equal(model.predict(X), other.predict(X))


def test_out_of_bag_scores_are_scikit_learns(classes):
    X, y = classes
    params = {"n_estimators": 30, "random_state": 1}
    ours = RandomForestClassifier(**params, oob_score=balanced_accuracy_score).fit(X, y)
    other = sklearn.ensemble.RandomForestClassifier(**params, oob_score=balanced_accuracy_score).fit(X, y)
    assert ours.oob_score_ == other.oob_score_
    np.testing.assert_array_equal(ours.oob_decision_function_, other.oob_decision_function_)
    two = np.c_[y, y[::-1]].astype(float)
    ours = RandomForestRegressor(**params, oob_score=True).fit(X, two)
    other = sklearn.ensemble.RandomForestRegressor(**params, oob_score=True).fit(X, two)
    assert ours.oob_prediction_.shape == (500, 2)
    np.testing.assert_allclose(ours.oob_score_, other.oob_score_, rtol=1e-12)


def test_several_outputs_are_scikit_learns(classes):
    X, y = classes
    labels = np.c_[y, y > 0]
    model, other = like_sklearn(RandomForestClassifier(n_estimators=4, random_state=0), X, labels)
    np.testing.assert_array_equal(model.predict(X), other.predict(X))
    for proba, their_proba in zip(model.predict_proba(X), other.predict_proba(X), strict=True):
        np.testing.assert_array_equal(proba, their_proba)


def test_decision_paths_are_scikit_learns(classes):
    model, other = like_sklearn(RandomForestClassifier(n_estimators=3, random_state=0), *classes)
    (paths, pointers), (their_paths, their_pointers) = model.decision_path(classes[0]), other.decision_path(classes[0])
    assert (paths != their_paths).nnz == 0
    np.testing.assert_array_equal(pointers, their_pointers)


@pytest.mark.parametrize("cls", CLASSIFIERS)
def test_trees_are_added_to_those_there_are(cls, classes):
    X, y = classes
    grown = cls(n_estimators=3, warm_start=True, random_state=5).fit(X, y)
    first = grown.estimators_[0]
    grown.set_params(n_estimators=8).fit(X, y)
    assert grown.estimators_[0] is first
    assert_same_trees(grown, cls(n_estimators=8, random_state=5).fit(X, y))
    np.testing.assert_array_equal(
        grown.predict_proba(X), cls(n_estimators=8, random_state=5).fit(X, y).predict_proba(X)
    )


def test_embedding_is_scikit_learns(classes):
    X, _ = classes
    ours, other = RandomTreesEmbedding(6, random_state=0), sklearn.ensemble.RandomTreesEmbedding(6, random_state=0)
    assert (ours.fit_transform(X) != other.fit_transform(X)).nnz == 0
    assert ours.get_feature_names_out().tolist() == other.get_feature_names_out().tolist()
    np.testing.assert_array_equal(np.asarray(ours.transform(X[:9]).sum(axis=1)).ravel(), 6)


def test_partial_dependence_by_recursion_is_scikit_learns():
    X, y = load_diabetes(return_X_y=True)
    model, other = like_sklearn(RandomForestRegressor(n_estimators=5, max_depth=5, random_state=0), X, y)
    got, want = (partial_dependence(m, X, [2], method="recursion")["average"] for m in (model, other))
    np.testing.assert_allclose(got, want, rtol=1e-12)


# ---------------------------------------------------------------- edges


@pytest.mark.parametrize("cls", [*CLASSIFIERS, *REGRESSORS])
def test_one_sample_one_class_and_constant_features(cls):
    model = cls(n_estimators=3, random_state=0)
    assert model.fit([[1.0, 2.0]], [3]).predict([[9.0, 9.0]]).tolist() == [3]
    assert model.fit([[1.0], [2.0], [3.0]], [3, 3, 3]).predict([[0.0]]).tolist() == [3]
    model.fit(np.ones((6, 2)), [0, 1, 0, 1, 0, 1])
    assert model.feature_importances_.tolist() == [0, 0]


@pytest.mark.parametrize("cls", [*CLASSIFIERS, *REGRESSORS])
def test_pickles_do_not_hold_the_packed_trees_and_predict_the_same(cls, classes):
    X, y = classes
    model = cls(n_estimators=4, random_state=0).fit(X, y)
    size, before = len(pickle.dumps(model)), model.predict(X)
    assert len(pickle.dumps(model)) == size
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X), before)


def test_predictions_follow_trees_that_are_replaced(classes):
    X, y = classes
    model = RandomForestClassifier(n_estimators=6, random_state=0).fit(X, y)
    model.predict(X)
    model.estimators_ = model.estimators_[:2]
    np.testing.assert_allclose(model.predict_proba(X), np.mean([t.predict_proba(X) for t in model], axis=0), rtol=1e-14)


@pytest.mark.parametrize("cls", [*CLASSIFIERS, *REGRESSORS])
def test_sparse_data_give_the_forest_of_dense_data(cls, rng):
    X = np.where(rng.uniform(size=(150, 8)) < 0.3, rng.normal(size=(150, 8)), 0)
    y = rng.integers(3, size=150)
    dense = cls(n_estimators=3, random_state=0).fit(X, y)
    model, _ = like_sklearn(cls(n_estimators=3, random_state=0), sparse.csc_matrix(X), y)
    np.testing.assert_allclose(model.predict(sparse.csr_matrix(X)), model.predict(X.astype(np.float32)))
    assert abs(model.score(X, y) - dense.score(X, y)) < 0.05


# ---------------------------------------------------------------- quality


def test_bins_learn_what_exact_splits_learn(many):
    X, y, X_test, y_test = many
    losses, scores = [], []
    for max_bins in (255, None):
        model = RandomForestClassifier(n_estimators=40, max_bins=max_bins, random_state=0).fit(X, y)
        losses.append(log_loss(y_test, model.predict_proba(X_test)))
        scores.append(model.score(X_test, y_test))
    assert scores[0] > scores[1] - 0.01
    assert losses[0] < losses[1] + 0.02
    assert scores[0] > 0.8


def test_few_bins_give_other_trees_and_missing_values_are_learnt_from(many, rng):
    X, y, X_test, y_test = many
    missing = rng.uniform(size=len(y)) < 0.5
    X, X_test = X.copy(), X_test.copy()
    X[(y == 0) & missing, 0] = np.nan
    params = {"n_estimators": 10, "random_state": 0}
    fine, coarse = (RandomForestClassifier(max_bins=b, **params).fit(X, y) for b in (255, 2))
    assert fine.estimators_[0].tree_.node_count != coarse.estimators_[0].tree_.node_count
    X_test[:, 0] = np.nan
    assert (fine.predict(X_test) == 0).mean() > 0.6


def test_iris_is_learnt():
    X, y = load_iris(return_X_y=True)
    for cls in CLASSIFIERS:
        assert cls(bootstrap=True, oob_score=True, random_state=0).fit(X, y).oob_score_ > 0.93


# ---------------------------------------------------------------- messages


def test_errors_are_scikit_learns(classes):
    X, y = classes
    for message, params in [
        ("`max_sample` cannot be set if `bootstrap=False`", {"bootstrap": False, "max_samples": 10}),
        ("Out of bag estimation only available if bootstrap=True", {"bootstrap": False, "oob_score": True}),
        ("Monotonicity constraints are not supported with multiclass", {"monotonic_cst": [1] * 10}),
    ]:
        with pytest.raises(ValueError, match=message):
            RandomForestClassifier(n_estimators=2, **params).fit(X, y)
    with pytest.raises(ValueError, match="'max_bins' parameter of RandomForestClassifier must be an int in the range"):
        RandomForestClassifier(max_bins=256).fit(X, y)
    fewer = RandomForestClassifier(n_estimators=3, warm_start=True).fit(X, y).set_params(n_estimators=2)
    with pytest.raises(ValueError, match="n_estimators=2 must be larger or equal to len"):
        fewer.fit(X, y)
    with pytest.raises(ValueError, match="Input X contains infinity"):
        RandomForestClassifier(n_estimators=2).fit(np.where(X > 2, np.inf, X), y)
    with pytest.raises(ValueError, match="not strictly positive which is necessary for Poisson"):
        RandomForestRegressor(n_estimators=2, criterion="poisson").fit(X, 0 * y)


def test_warnings_are_scikit_learns(classes):
    X, y = classes
    with pytest.warns(DataConversionWarning, match="A column-vector y was passed"):
        RandomForestClassifier(n_estimators=2).fit(X, y[:, None])
    with pytest.warns(UserWarning, match="Some inputs do not have OOB scores"):
        RandomForestClassifier(n_estimators=2, oob_score=True, random_state=0).fit(X, y)
    with pytest.warns(UserWarning, match="results in a low number"):
        RandomForestClassifier(n_estimators=2, max_samples=0.001).fit(X, y)
    with pytest.warns(FutureWarning, match="friedman_mse"):
        RandomForestRegressor(criterion="friedman_mse")


def test_verbose_tells_of_each_tree(classes, capsys):
    RandomForestClassifier(n_estimators=2, verbose=2, n_jobs=1).fit(*classes)
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["building tree 1 of 2", "building tree 2 of 2"]
    assert lines[2].startswith("grew 2 trees in")
