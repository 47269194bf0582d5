import pickle

import numpy as np
import pytest
import sklearn.ensemble
import sklearn.tree
from scipy.sparse import csc_array, csr_array
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, make_classification
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ghostflow_learn import config_context
from ghostflow_learn.ensemble import AdaBoostClassifier, AdaBoostRegressor
from ghostflow_learn.linear_model import LogisticRegression, Ridge
from ghostflow_learn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier

LINE = np.arange(6.0)[:, None]


@pytest.fixture
def labelled():
    return make_classification(n_samples=600, n_features=8, n_informative=5, flip_y=0.1, random_state=0)


@pytest.fixture
def curve(rng):
    X = rng.uniform(-2, 2, size=(300, 3))
    return X, np.sin(3 * X[:, 0]) + X[:, 1] ** 2 + rng.normal(scale=0.1, size=300)


def shuffled(load, seed=0):
    X, y = load(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(y))
    return X[order], y[order]


def assert_same_model(ours, theirs, X, y, sample_weight=None):
    """Fitted on the first two thirds, both predict the same of the others, stage by stage."""
    n = len(y) * 2 // 3
    weight = None if sample_weight is None else sample_weight[:n]
    ours.fit(X[:n], y[:n], weight)
    theirs.fit(X[:n], y[:n], weight)
    assert len(ours) == len(theirs)
    np.testing.assert_allclose(ours.estimator_weights_, theirs.estimator_weights_, rtol=1e-10)
    np.testing.assert_allclose(ours.estimator_errors_, theirs.estimator_errors_, rtol=1e-10)
    for name in ("predict", "decision_function", "predict_proba", "predict_log_proba"):
        if hasattr(theirs, name):
            got, want = getattr(ours, name)(X[n:]), getattr(theirs, name)(X[n:])
            assert (got.dtype, got.shape) == (want.dtype, want.shape)
            compare(got, want)
    for name in ("staged_predict", "staged_decision_function", "staged_predict_proba"):
        if hasattr(theirs, name):
            for got, want in zip(getattr(ours, name)(X[n:]), getattr(theirs, name)(X[n:]), strict=True):
                compare(got, want)
    np.testing.assert_allclose(list(ours.staged_score(X, y)), list(theirs.staged_score(X, y)))


def compare(got, want):
    if want.dtype.kind == "f":
        np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-12)
    else:
        np.testing.assert_array_equal(got, want)


# ---------------------------------------------------------------- closed forms, optimality, invariance


def test_the_first_round_weighs_its_stump_by_the_odds_of_being_right():
    """One of six is on the wrong side of the best stump."""
    model = AdaBoostClassifier(n_estimators=1).fit(LINE, [0, 0, 0, 1, 1, 0])
    assert model.estimator_errors_ == pytest.approx([1 / 6])
    assert model.estimator_weights_ == pytest.approx([np.log(5)])


def test_a_round_leaves_half_of_the_weight_on_what_it_got_wrong():
    """So the next one, with the same stump, would be no better than chance."""
    seen = []

    class Noting(DecisionTreeClassifier):
        def fit(self, X, y, sample_weight=None):
            seen.append(sample_weight)
            return super().fit(X, y, sample_weight)

    y = np.array([0, 0, 0, 1, 1, 0])
    model = AdaBoostClassifier(Noting(max_depth=1), n_estimators=2).fit(LINE, y)
    wrong = model.estimators_[0].predict(LINE) != y
    assert seen[1][wrong].sum() == pytest.approx(0.5)
    assert seen[1].sum() == pytest.approx(1.0)


def test_the_exponential_loss_never_rises(labelled):
    X, y = labelled
    model = AdaBoostClassifier(n_estimators=30, random_state=0).fit(X, y)
    total = np.cumsum(model.estimator_weights_)
    # F is twice the weighted mean of votes of -1 and 1.
    loss = [np.exp(-(2 * y - 1) * f * w / 4).mean() for f, w in zip(model.staged_decision_function(X), total)]
    assert (np.diff(loss) < 1e-12).all()
    # Each round takes the factor that its error promises.
    factors = 2 * np.sqrt(model.estimator_errors_ * (1 - model.estimator_errors_))
    np.testing.assert_allclose(loss, np.cumprod(factors), rtol=1e-9)


def test_a_perfect_classifier_ends_the_rounds():
    model = AdaBoostClassifier().fit(LINE, LINE[:, 0] > 2)
    assert len(model) == 1
    assert model.estimator_errors_[0] == 0
    assert model.estimator_weights_[0] == 1
    np.testing.assert_array_equal(model.predict(LINE), LINE[:, 0] > 2)


def test_a_weight_of_two_is_a_sample_that_is_there_twice(labelled, rng):
    X, y = labelled
    weights = rng.integers(0, 3, size=len(y))
    weighted = AdaBoostClassifier(n_estimators=10, random_state=0).fit(X, y, weights)
    repeated = AdaBoostClassifier(n_estimators=10, random_state=0).fit(np.repeat(X, weights, axis=0), y.repeat(weights))
    np.testing.assert_allclose(weighted.decision_function(X), repeated.decision_function(X), atol=1e-9)


def test_the_median_is_that_of_the_weights(curve):
    X, y = curve
    model = AdaBoostRegressor(n_estimators=9, random_state=0).fit(X, y)
    predictions = np.array([tree.predict(X[:20]) for tree in model.estimators_]).T
    for row, predicted in zip(predictions, model.predict(X[:20])):
        half = model.estimator_weights_.sum() / 2
        assert model.estimator_weights_[row <= predicted].sum() >= half * (1 - 1e-12)
        assert model.estimator_weights_[row < predicted].sum() < half


# ---------------------------------------------------------------- scikit-learn's model


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize(
    "load, depth", [(load_breast_cancer, 1), (load_breast_cancer, 3), (load_iris, 1), (load_digits, 1)]
)
def test_the_same_seed_gives_scikit_learns_trees(load, depth, seed):
    """Digits are full of ties between features, and of constant ones."""
    X, y = shuffled(load, seed)
    params = {"n_estimators": 15, "learning_rate": 0.7, "random_state": seed}
    ours = AdaBoostClassifier(DecisionTreeClassifier(max_depth=depth), **params)
    theirs = sklearn.ensemble.AdaBoostClassifier(sklearn.tree.DecisionTreeClassifier(max_depth=depth), **params)
    assert_same_model(ours, theirs, X, y)
    np.testing.assert_allclose(ours.feature_importances_, theirs.feature_importances_, rtol=1e-8, atol=1e-12)
    for mine, their in zip(ours.estimators_, theirs.estimators_, strict=True):
        np.testing.assert_array_equal(mine.tree_.feature, their.tree_.feature)
        np.testing.assert_array_equal(mine.tree_.threshold, their.tree_.threshold)
        np.testing.assert_allclose(mine.tree_.value, their.tree_.value, rtol=1e-9)
        np.testing.assert_allclose(mine.tree_.impurity, their.tree_.impurity, rtol=1e-9, atol=1e-12)


def test_deeper_trees_on_values_that_many_samples_share_are_as_good_as_scikit_learns():
    """The order of equal values decides about last bits, and these between splits that gain the same."""
    X, y = shuffled(load_digits)
    params = {"n_estimators": 15, "random_state": 0}
    ours = AdaBoostClassifier(DecisionTreeClassifier(max_depth=3), **params).fit(X[:1200], y[:1200])
    theirs = sklearn.ensemble.AdaBoostClassifier(sklearn.tree.DecisionTreeClassifier(max_depth=3), **params)
    theirs.fit(X[:1200], y[:1200])
    np.testing.assert_allclose(ours.estimator_errors_, theirs.estimator_errors_, rtol=0.1)
    assert ours.score(X[1200:], y[1200:]) == pytest.approx(theirs.score(X[1200:], y[1200:]), abs=0.03)


@pytest.mark.parametrize(
    "params",
    [
        {"criterion": "entropy"},
        {"splitter": "random"},
        {"max_features": "sqrt"},
        {"max_leaf_nodes": 4},
        {"min_samples_leaf": 0.1},
        {"min_weight_fraction_leaf": 0.2},
        {"ccp_alpha": 0.01, "max_depth": 5},
        {"class_weight": "balanced"},
        {"class_weight": {0: 1.0, 1: 3.0}},
        {"monotonic_cst": [1, -1, 0, 0, 0, 0, 0, 0]},
    ],
    ids=str,
)
def test_every_kind_of_our_trees_is_boosted_as_in_scikit_learn(labelled, params):
    params = {"max_depth": 2, **params}
    ours = AdaBoostClassifier(DecisionTreeClassifier(**params), n_estimators=8, random_state=0)
    theirs = sklearn.ensemble.AdaBoostClassifier(
        sklearn.tree.DecisionTreeClassifier(**params), n_estimators=8, random_state=0
    )
    assert_same_model(ours, theirs, *labelled)


@pytest.mark.filterwarnings("ignore:divide by zero encountered in log")  # scikit-learn's
def test_zero_weights_and_labels_of_any_kind_as_in_scikit_learn(labelled, rng):
    X, y = labelled
    weight = rng.integers(0, 3, size=len(y)).astype(float)
    for labels in (np.array(["no", "yes"])[y], y * 2.0 - 1, y * 3 - 2):
        ours = AdaBoostClassifier(n_estimators=10, random_state=0)
        assert_same_model(ours, sklearn.ensemble.AdaBoostClassifier(n_estimators=10, random_state=0), X, labels, weight)


@pytest.mark.parametrize("container", [csr_array, csc_array])
def test_sparse_data_give_the_model_of_dense_ones(labelled, container):
    X, y = labelled
    X = np.where(np.abs(X) > 0.7, X, 0)
    models = [AdaBoostClassifier(n_estimators=10, random_state=0).fit(data, y) for data in (X, container(X))]
    np.testing.assert_allclose(models[0].predict_proba(X), models[1].predict_proba(container(X)), rtol=1e-10)


@pytest.mark.parametrize("loss", ["linear", "square", "exponential"])
@pytest.mark.parametrize("depth", [1, 3, None])
def test_the_same_seed_gives_scikit_learns_regressor(loss, depth):
    params = {"n_estimators": 10, "loss": loss, "learning_rate": 0.8, "random_state": 2}
    ours = AdaBoostRegressor(DecisionTreeRegressor(max_depth=depth), **params)
    theirs = sklearn.ensemble.AdaBoostRegressor(sklearn.tree.DecisionTreeRegressor(max_depth=depth), **params)
    assert_same_model(ours, theirs, *shuffled(load_diabetes))
    np.testing.assert_allclose(ours.feature_importances_, theirs.feature_importances_, rtol=1e-8)


def test_weights_are_probabilities_of_a_regressors_samples(curve, rng):
    X, y = curve
    weight = rng.integers(0, 3, size=len(y)).astype(float)
    assert_same_model(
        AdaBoostRegressor(random_state=0), sklearn.ensemble.AdaBoostRegressor(random_state=0), X, y, weight
    )


@pytest.mark.parametrize(
    "estimator",
    [
        LogisticRegression(),
        ExtraTreeClassifier(max_depth=3),
        sklearn.tree.DecisionTreeClassifier(max_depth=2),
    ],
    ids=lambda estimator: type(estimator).__module__,
)
def test_any_classifier_is_boosted_as_in_scikit_learn(labelled, estimator):
    params = {"estimator": estimator, "n_estimators": 6, "random_state": 0}
    assert_same_model(AdaBoostClassifier(**params), sklearn.ensemble.AdaBoostClassifier(**params), *labelled)


def test_any_regressor_is_boosted_as_in_scikit_learn(curve):
    params = {"estimator": make_pipeline(StandardScaler(), Ridge()), "n_estimators": 6, "random_state": 0}
    assert_same_model(AdaBoostRegressor(**params), sklearn.ensemble.AdaBoostRegressor(**params), *curve)


def test_a_search_reaches_the_parameters_of_the_estimator(labelled):
    grid = {"n_estimators": [2, 5], "estimator__max_depth": [1, 2], "learning_rate": [0.5]}
    found = [
        GridSearchCV(boosted, grid, cv=3).fit(*labelled)
        for boosted in (
            AdaBoostClassifier(DecisionTreeClassifier(), random_state=0),
            sklearn.ensemble.AdaBoostClassifier(sklearn.tree.DecisionTreeClassifier(), random_state=0),
        )
    ]
    assert found[0].best_params_ == found[1].best_params_
    np.testing.assert_allclose(*(search.cv_results_["mean_test_score"] for search in found))


# ---------------------------------------------------------------- threads, devices, edges


def test_the_number_of_threads_changes_no_bit(rng):
    X, y = rng.normal(size=(8000, 12)), rng.integers(0, 2, size=8000)
    X[:, 3] += y
    decisions = []
    for n_threads in (1, 2, 7):
        with config_context(n_threads=n_threads):
            decisions.append(AdaBoostClassifier(n_estimators=8, random_state=0).fit(X, y).decision_function(X))
    np.testing.assert_array_equal(decisions[0], decisions[1])
    np.testing.assert_array_equal(decisions[0], decisions[2])


def test_the_reference_engine_gives_the_model_of_the_cpu(labelled):
    X, y = labelled[0][:60], labelled[1][:60]
    model = AdaBoostClassifier(n_estimators=4, random_state=0)
    want = model.fit(X, y).predict_proba(X)
    with config_context(device="reference"):
        np.testing.assert_array_equal(model.fit(X, y).predict_proba(X), want)


def test_data_on_a_gpu_give_the_model_of_the_cpu(on_gpu, labelled):
    X, y = labelled[0][:100], labelled[1][:100]
    ours, gpu = (AdaBoostClassifier(n_estimators=4, random_state=0).fit(data, y) for data in (X, on_gpu(X)))
    probabilities = gpu.predict_proba(on_gpu(X))
    assert type(probabilities) is type(on_gpu(X))
    np.testing.assert_allclose(probabilities.get(), ours.predict_proba(X), rtol=1e-12)
    np.testing.assert_array_equal(gpu.predict(on_gpu(X)).get(), ours.predict(X))
    X, y = X[:, :3], X[:, 0] ** 2
    ours, gpu = (AdaBoostRegressor(n_estimators=3, random_state=0).fit(data, y) for data in (X, on_gpu(X)))
    np.testing.assert_allclose(gpu.predict(on_gpu(X)).get(), ours.predict(X), rtol=1e-12)


def test_one_class_is_always_predicted():
    model = AdaBoostClassifier().fit(LINE, [3] * 6)
    np.testing.assert_array_equal(model.predict(LINE), [3] * 6)
    np.testing.assert_array_equal(model.predict_proba(LINE), np.ones((6, 1)))


def test_small_and_degenerate_data():
    np.testing.assert_array_equal(AdaBoostClassifier().fit(LINE[:2], [0, 1]).predict(LINE[:2]), [0, 1])
    assert AdaBoostRegressor().fit(LINE[:1], [2.0]).predict(LINE[:1]) == [2.0]
    np.testing.assert_array_equal(AdaBoostRegressor().fit(LINE, [5.0] * 6).predict(LINE), [5.0] * 6)
    constant = np.c_[np.ones(6), LINE]
    assert AdaBoostClassifier().fit(constant, [0, 0, 1, 1, 0, 0]).feature_importances_[0] == 0


def test_a_pickle_predicts_the_same(labelled):
    X, y = labelled
    model = AdaBoostClassifier(n_estimators=5).fit(X, y)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict_proba(X), model.predict_proba(X))


def test_an_interrupted_fit_leaves_the_process_usable(labelled):
    class Interrupted(DecisionTreeClassifier):
        def fit(self, X, y, sample_weight=None):
            raise KeyboardInterrupt

    model = AdaBoostClassifier(Interrupted())
    with pytest.raises(KeyboardInterrupt):
        model.fit(*labelled)
    assert model.set_params(estimator=None).fit(*labelled).score(*labelled) > 0.7


# ---------------------------------------------------------------- quality, errors


def test_stumps_together_learn_what_one_cannot(labelled, curve):
    many, one = (
        cross_val_score(AdaBoostClassifier(n_estimators=n, random_state=0), *labelled).mean() for n in (100, 1)
    )
    assert many > one + 0.05
    assert cross_val_score(AdaBoostRegressor(random_state=0), *curve).mean() > 0.7


class WorseThanRandom(ClassifierMixin, BaseEstimator):
    def fit(self, X, y, sample_weight=None):
        self.classes_, self.y_ = np.unique(y), y
        return self

    def predict(self, X):
        return 1 - self.y_


@pytest.mark.filterwarnings("ignore:overflow encountered", "ignore:invalid value encountered")
def test_what_is_wrong_is_said(labelled):
    X, y = labelled
    with pytest.raises(ValueError, match="KNeighborsClassifier doesn't support sample_weight"):
        AdaBoostClassifier(KNeighborsClassifier()).fit(X, y)
    with pytest.raises(ValueError, match="BaseClassifier in AdaBoostClassifier ensemble is worse than random"):
        AdaBoostClassifier(WorseThanRandom()).fit(X, y)
    with pytest.raises(ValueError, match="Negative values in data passed to `sample_weight`"):
        AdaBoostClassifier().fit(X, y, -np.ones(len(y)))
    with pytest.raises(ValueError, match="The 'learning_rate' parameter"):
        AdaBoostClassifier(learning_rate=0).fit(X, y)
    with pytest.raises(ValueError, match="Input X contains NaN"):
        AdaBoostClassifier().fit(np.where(X > 2, np.nan, X), y)
    with pytest.raises(ValueError, match="value too large for dtype"):
        AdaBoostClassifier().fit(X * 1e300, y)
    with pytest.raises(NotFittedError, match="not fitted yet"):
        AdaBoostClassifier().predict(X)
    with pytest.raises(ValueError, match="Estimator not fitted, call `fit` before"):
        AdaBoostClassifier().feature_importances_  # noqa: B018
    with pytest.raises(AttributeError, match="Unable to compute feature importances"):
        AdaBoostRegressor(DummyRegressor()).fit(X, y).feature_importances_  # noqa: B018
    with pytest.raises(ValueError, match="X has 3 features, but AdaBoostClassifier is expecting 8"):
        AdaBoostClassifier(n_estimators=2).fit(X, y).predict(X[:, :3])


def test_a_classifier_no_better_than_chance_is_thrown_away():
    model = AdaBoostClassifier(DummyClassifier(), n_estimators=3)
    with pytest.raises(ValueError, match="worse than random"):
        model.fit(LINE, [0, 1] * 3)
    assert len(model.fit(LINE, [0, 0, 0, 0, 1, 1])) == 1


def test_weights_that_overflow_end_the_rounds(labelled):
    with pytest.warns(UserWarning, match="Sample weights have reached infinite values, at iteration 0"):
        model = AdaBoostClassifier(n_estimators=5, learning_rate=1000).fit(*labelled)
    assert len(model) == 1
