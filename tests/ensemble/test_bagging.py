import pickle

import numpy as np
import pytest
import sklearn.ensemble
import sklearn.tree
from scipy.sparse import csc_array, csr_array
from sklearn import config_context as sklearn_config
from sklearn.datasets import load_diabetes, load_iris, make_classification
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

from ghostflow_learn import config_context
from ghostflow_learn.ensemble import BaggingClassifier, BaggingRegressor
from ghostflow_learn.linear_model import LinearRegression, LogisticRegression
from ghostflow_learn.tree import DecisionTreeClassifier, DecisionTreeRegressor

LINE = np.arange(6.0)[:, None]


@pytest.fixture
def iris(rng):
    X, y = load_iris(return_X_y=True)
    order = rng.permutation(len(y))
    return X[order], np.array(["setosa", "versicolor", "virginica"])[y[order]]


@pytest.fixture
def diabetes():
    return load_diabetes(return_X_y=True)


def assert_same_model(ours, theirs, X, y, sample_weight=None):
    """Fitted on the first two thirds, both predict the same of the others."""
    n = len(y) * 2 // 3
    weight = None if sample_weight is None else sample_weight[:n]
    ours.fit(X[:n], y[:n], weight)
    theirs.fit(X[:n], y[:n], weight)
    for name in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
        if hasattr(theirs, name):
            with np.errstate(divide="ignore"):
                got, want = getattr(ours, name)(X[n:]), getattr(theirs, name)(X[n:])
            assert (got.dtype, got.shape) == (want.dtype, want.shape)
            if want.dtype.kind == "f":
                np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-12)
            else:
                np.testing.assert_array_equal(got, want)
    for name in ("estimators_samples_", "estimators_features_"):
        for got, want in zip(getattr(ours, name), getattr(theirs, name), strict=True):
            np.testing.assert_array_equal(got, want)
    for name in ("oob_score_", "oob_decision_function_", "oob_prediction_"):
        assert hasattr(ours, name) == hasattr(theirs, name)
        if hasattr(theirs, name):
            np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-9)


# ---------------------------------------------------------------- closed forms, invariance


def test_all_samples_without_replacement_are_the_estimator_itself(diabetes):
    X, y = diabetes
    model = BaggingRegressor(LinearRegression(), n_estimators=3, bootstrap=False).fit(X, y)
    np.testing.assert_allclose(model.predict(X), LinearRegression().fit(X, y).predict(X))


def test_the_prediction_is_the_mean_of_the_estimators(iris):
    X, y = iris
    model = BaggingClassifier(n_estimators=4, max_features=0.5, random_state=0).fit(X, y)
    parts = [tree.predict_proba(X[:, f]) for tree, f in zip(model.estimators_, model.estimators_features_)]
    np.testing.assert_allclose(model.predict_proba(X), np.mean(parts, axis=0))
    np.testing.assert_array_equal(model.predict(X), model.classes_[np.mean(parts, axis=0).argmax(axis=1)])


def test_estimators_without_probabilities_vote(iris):
    X, y = iris
    model = BaggingClassifier(SVC(), n_estimators=5, random_state=0).fit(X, y)
    votes = np.array([estimator.predict(X) for estimator in model.estimators_])
    shares = np.stack([(votes == k).mean(axis=0) for k in range(3)], axis=1)
    np.testing.assert_allclose(model.predict_proba(X), shares)


def test_a_weight_is_how_probable_a_sample_is_drawn():
    X, y = np.arange(1000.0)[:, None], np.arange(1000) % 2
    weight = np.where(np.arange(1000) < 500, 3.0, 1.0)
    weight[-100:] = 0
    model = BaggingClassifier(n_estimators=50, max_samples=400, random_state=0).fit(X, y, weight)
    drawn = np.concatenate(model.estimators_samples_)
    assert len(drawn) == 50 * 400
    assert drawn.max() < 900
    assert np.mean(drawn < 500) == pytest.approx(1500 / 1900, abs=0.01)


def test_out_of_bag_predictions_are_those_of_who_has_not_seen_a_sample(diabetes):
    X, y = diabetes
    model = BaggingRegressor(n_estimators=30, oob_score=True, random_state=0).fit(X, y)
    for i in (0, 17, 300):
        blind = [e for e, samples in zip(model.estimators_, model.estimators_samples_) if i not in samples]
        assert model.oob_prediction_[i] == pytest.approx(np.mean([e.predict(X[[i]]) for e in blind]))


# ---------------------------------------------------------------- scikit-learn's model


@pytest.mark.filterwarnings("ignore:divide by zero encountered in log")  # in processes
@pytest.mark.parametrize(
    "params",
    [
        {},
        {"max_samples": 30},
        {"max_samples": 0.4, "max_features": 2},
        {"bootstrap": False, "max_samples": 0.5},
        {"bootstrap_features": True, "max_features": 0.9},
        {"oob_score": True, "n_estimators": 25},
        {"n_jobs": 2, "n_estimators": 5},
    ],
    ids=str,
)
def test_the_same_seed_gives_scikit_learns_classifier(iris, params):
    params = {"n_estimators": 6, "random_state": 3, **params}
    assert_same_model(BaggingClassifier(**params), sklearn.ensemble.BaggingClassifier(**params), *iris)


@pytest.mark.parametrize("params", [{}, {"max_samples": 0.3, "max_features": 4}, {"oob_score": True}], ids=str)
def test_the_same_seed_gives_scikit_learns_regressor(diabetes, params):
    params = {"n_estimators": 25, "random_state": 3, **params}
    assert_same_model(BaggingRegressor(**params), sklearn.ensemble.BaggingRegressor(**params), *diabetes)


@pytest.mark.parametrize(
    "estimator",
    [LogisticRegression(), KNeighborsClassifier(3), SVC(), sklearn.tree.DecisionTreeClassifier(max_features=2)],
    ids=lambda estimator: type(estimator).__name__,
)
def test_any_classifier_is_bagged_as_in_scikit_learn(iris, estimator):
    params = {"estimator": estimator, "n_estimators": 5, "max_samples": 0.7, "random_state": 0}
    assert_same_model(BaggingClassifier(**params), sklearn.ensemble.BaggingClassifier(**params), *iris)


def test_weights_as_in_scikit_learn(iris, rng):
    weight = rng.integers(0, 3, size=150).astype(float)
    for params in ({"max_samples": 0.8}, {"max_samples": 40, "n_estimators": 3}):
        params = {"random_state": 0, **params}
        ours, theirs = BaggingClassifier(**params), sklearn.ensemble.BaggingClassifier(**params)
        assert_same_model(ours, theirs, *iris, weight)


def test_several_targets_as_in_scikit_learn(diabetes):
    X, y = diabetes
    ours, theirs = (
        model(n_estimators=3, random_state=0).fit(X, np.c_[y, -y])
        for model in (BaggingRegressor, sklearn.ensemble.BaggingRegressor)
    )
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X))


def test_a_class_that_an_estimator_has_not_drawn_gets_nothing_from_it():
    y = np.array([0, 0, 0, 0, 1, 2])
    for estimator in (DecisionTreeClassifier(), LogisticRegression()):
        params = {"estimator": estimator, "n_estimators": 8, "max_samples": 3, "random_state": 0}
        models = [bag(**params).fit(LINE, y) for bag in (BaggingClassifier, sklearn.ensemble.BaggingClassifier)]
        np.testing.assert_allclose(*(model.predict_proba(LINE) for model in models))


@pytest.mark.parametrize("container", [csr_array, csc_array])
def test_sparse_and_missing_values_reach_the_estimators(iris, container):
    X, y = iris
    X = np.where(X > 1.5, X, 0)
    dense, sparse = (BaggingClassifier(n_estimators=4, random_state=0).fit(data, y) for data in (X, container(X)))
    np.testing.assert_allclose(dense.predict_proba(X), sparse.predict_proba(container(X)))
    missing = np.where(X == 0, np.nan, X)
    params = {"n_estimators": 4, "random_state": 0}
    assert_same_model(BaggingClassifier(**params), sklearn.ensemble.BaggingClassifier(**params), missing, y)


def test_warm_start_adds_to_what_is_there(iris):
    X, y = iris
    model = BaggingClassifier(n_estimators=3, warm_start=True, random_state=0).fit(X, y)
    first = model.estimators_[0]
    model.set_params(n_estimators=8).fit(X, y)
    assert model.estimators_[0] is first
    once = BaggingClassifier(n_estimators=8, random_state=0).fit(X, y)
    np.testing.assert_allclose(model.predict_proba(X), once.predict_proba(X))
    with pytest.warns(UserWarning, match="Warm-start fitting without increasing n_estimators does not fit new"):
        model.fit(X, y)


def test_metadata_reach_the_estimators(iris):
    X, y = iris
    groups = []

    class Grouped(LogisticRegression):
        def fit(self, X, y, groups_of=None):
            groups.append(groups_of)
            return super().fit(X, y)

    with sklearn_config(enable_metadata_routing=True):
        estimator = Grouped().set_fit_request(groups_of=True)
        model = BaggingClassifier(estimator, n_estimators=2, max_samples=0.5).fit(X, y, groups_of=np.arange(150))
        for drawn, samples in zip(groups, model.estimators_samples_, strict=True):
            np.testing.assert_array_equal(drawn, samples)


# ---------------------------------------------------------------- threads, devices, edges


def test_processes_and_threads_change_no_bit(iris):
    X, y = iris
    answers = []
    for n_threads, n_jobs in [(1, 1), (3, 1), (1, 2)]:
        with config_context(n_threads=n_threads):
            model = BaggingClassifier(n_estimators=5, random_state=0, n_jobs=n_jobs).fit(X, y)
            answers.append(np.stack([tree.tree_.threshold.sum() for tree in model.estimators_]))
    np.testing.assert_array_equal(answers[0], answers[1])
    np.testing.assert_array_equal(answers[0], answers[2])


def test_data_on_a_gpu_give_the_model_of_the_cpu(on_gpu, diabetes):
    X, y = diabetes[0][:80], (diabetes[1][:80] > 140).astype(int)
    ours, gpu = (BaggingClassifier(n_estimators=2, random_state=0).fit(data, y) for data in (X, on_gpu(X)))
    probabilities = gpu.predict_proba(on_gpu(X))
    assert type(probabilities) is type(on_gpu(X))
    np.testing.assert_allclose(probabilities.get(), ours.predict_proba(X))
    np.testing.assert_array_equal(gpu.predict(on_gpu(X)).get(), ours.predict(X))


def test_small_data():
    assert BaggingRegressor().fit(LINE[:1], [3.0]).predict(LINE[:1]) == [3.0]
    np.testing.assert_array_equal(BaggingClassifier().fit(LINE, [7] * 6).predict(LINE), [7] * 6)


def test_a_pickle_predicts_the_same(iris):
    X, y = iris
    model = BaggingClassifier(n_estimators=3, oob_score=False, random_state=0).fit(X, y)
    twin = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(twin.predict_proba(X), model.predict_proba(X))
    np.testing.assert_array_equal(twin.estimators_samples_, model.estimators_samples_)


# ---------------------------------------------------------------- quality, errors


def test_many_trees_are_better_than_one(diabetes):
    bagged = cross_val_score(BaggingRegressor(n_estimators=50, random_state=0), *diabetes).mean()
    assert bagged > cross_val_score(DecisionTreeRegressor(random_state=0), *diabetes).mean() + 0.3
    X, y = make_classification(400, 20, n_informative=6, flip_y=0.1, random_state=0)
    bagged, single = BaggingClassifier(n_estimators=30, oob_score=True, random_state=0), DecisionTreeClassifier()
    assert cross_val_score(bagged, X, y).mean() > cross_val_score(single, X, y).mean() + 0.05
    assert bagged.fit(X, y).oob_score_ == pytest.approx(cross_val_score(bagged, X, y).mean(), abs=0.05)


@pytest.mark.parametrize(
    "params, message",
    [
        ({"max_features": 5}, "max_features must be <= n_features"),
        ({"bootstrap": False, "max_samples": 9}, "Effective max_samples=9 must be <= n_samples=6"),
        ({"bootstrap": False, "oob_score": True}, "Out of bag estimation only available if bootstrap=True"),
        ({"warm_start": True, "oob_score": True}, "Out of bag estimate only available if warm_start=False"),
        ({"n_estimators": 0}, "The 'n_estimators' parameter"),
        ({"max_samples": 2.0}, "The 'max_samples' parameter"),
    ],
)
def test_what_is_wrong_is_said(params, message):
    with pytest.raises(ValueError, match=message):
        BaggingClassifier(**params).fit(LINE, [0, 1] * 3)


def test_what_is_wrong_with_use_is_said(iris):
    X, y = iris
    with pytest.raises(NotFittedError, match="not fitted yet"):
        BaggingClassifier().predict(X)
    with pytest.raises(AttributeError, match="decision_function"):
        BaggingClassifier(DecisionTreeClassifier()).decision_function(X)
    with pytest.warns(UserWarning, match="it is recommended to use bootstrap=True"):
        BaggingClassifier(bootstrap=False, n_estimators=2, max_samples=10).fit(X, y, np.ones(150))
    with pytest.warns(UserWarning, match="Some inputs do not have OOB scores"):
        BaggingClassifier(n_estimators=1, oob_score=True).fit(X, y)
    with pytest.raises(ValueError, match="X has 2 features, but BaggingClassifier is expecting 4"):
        BaggingClassifier(n_estimators=2).fit(X, y).predict(X[:, :2])
    model = BaggingClassifier(n_estimators=3, warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match="n_estimators=2 must be larger or equal to len"):
        model.set_params(n_estimators=2).fit(X, y)
