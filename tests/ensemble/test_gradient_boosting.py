import pickle
import re
import warnings

import numpy as np
import pytest
import sklearn.ensemble
from scipy.sparse import csc_array, csr_array
from sklearn.datasets import load_iris, make_classification, make_friedman1
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import NotFittedError
from sklearn.inspection import partial_dependence
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score, train_test_split

from ghostflow_learn import config_context
from ghostflow_learn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor
from ghostflow_learn.linear_model import LinearRegression
from ghostflow_learn.tree import DecisionTreeRegressor

REGRESSION = ["squared_error", "absolute_error", "huber", "quantile"]
LINE = np.arange(6.0)[:, None]


@pytest.fixture
def friedman():
    return make_friedman1(n_samples=400, noise=1.0, random_state=0)


@pytest.fixture
def labelled():
    return make_classification(n_samples=400, n_features=8, n_informative=5, flip_y=0.1, random_state=0)


def assert_same_model(ours, theirs, X, y, sample_weight=None):
    """Fitted on the first two thirds, both predict the same of the others, from the same trees."""
    n = len(y) * 2 // 3
    weight = None if sample_weight is None else sample_weight[:n]
    ours.fit(X[:n], y[:n], weight)
    theirs.fit(X[:n], y[:n], weight)
    assert type(ours.estimators_[0, 0]) is DecisionTreeRegressor
    assert ours.estimators_.shape == theirs.estimators_.shape
    for name in ("decision_function", "predict_proba", "predict"):
        if hasattr(theirs, name):
            got, want = getattr(ours, name)(X[n:]), getattr(theirs, name)(X[n:])
            assert got.dtype == want.dtype
            if want.dtype.kind == "f":
                np.testing.assert_allclose(got, want, rtol=1e-8, atol=1e-12)
            else:
                np.testing.assert_array_equal(got, want)
    np.testing.assert_array_equal(ours.apply(X[n:]), theirs.apply(X[n:]))
    for name in ("train_score_", "feature_importances_", "oob_improvement_", "oob_scores_", "oob_score_"):
        if hasattr(theirs, name):
            np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-8, err_msg=name)
    assert (ours.n_estimators_, ours.max_features_) == (theirs.n_estimators_, theirs.max_features_)


# ---------------------------------------------------------------- closed forms, optimality, invariance


@pytest.mark.parametrize(
    "loss, want",
    [
        ("squared_error", [-3.25] * 4 + [25.0] * 2),  # means
        ("absolute_error", [-2.0] * 4 + [20.0] * 2),  # medians, the lower one of two
        ("quantile", [-1.0] * 4 + [30.0] * 2),  # the largest
    ],
)
def test_one_stump_from_zero_holds_what_minimises_the_loss_of_each_side(loss, want):
    y = np.array([-8.0, -2.0, -1.0, -2.0, 20.0, 30.0])
    X = (LINE >= 4).astype(float)
    model = GradientBoostingRegressor(loss=loss, n_estimators=1, learning_rate=1.0, max_depth=1, init="zero")
    np.testing.assert_allclose(model.fit(X, y).predict(X), want)


def test_the_first_step_of_log_loss_is_newtons():
    X, y = (LINE >= 3).astype(float), np.array([0, 0, 1, 1, 1, 1])
    model = GradientBoostingClassifier(n_estimators=1, learning_rate=1.0, max_depth=1).fit(X, y)
    p = 4 / 6
    steps = [np.mean(side - p) / (p * (1 - p)) for side in (y[:3], y[3:])]
    np.testing.assert_allclose(model.decision_function(X), np.log(p / (1 - p)) + np.repeat(steps, 3))


def test_without_stages_that_split_the_prediction_is_the_best_constant():
    y = np.array([1.0, 2.0, 9.0, 9.0, 4.0])
    for loss, want in {"squared_error": 5.0, "absolute_error": 4.0, "huber": 4.0}.items():
        model = GradientBoostingRegressor(loss=loss, learning_rate=0.0).fit(np.ones((5, 2)), y)
        np.testing.assert_allclose(model.predict(np.ones((1, 2))), want)
        assert not model.feature_importances_.any()


def test_the_training_loss_never_rises(friedman, labelled):
    for model, data in [(GradientBoostingRegressor(), friedman), (GradientBoostingClassifier(), labelled)]:
        assert (np.diff(model.fit(*data).train_score_) <= 0).all()


def test_a_weight_of_two_is_a_sample_that_is_there_twice(friedman, rng):
    X, y = friedman
    weights = rng.integers(0, 3, size=len(y))
    weighted = GradientBoostingRegressor(n_estimators=20).fit(X, y, weights)
    repeated = GradientBoostingRegressor(n_estimators=20).fit(np.repeat(X, weights, axis=0), np.repeat(y, weights))
    np.testing.assert_allclose(weighted.predict(X), repeated.predict(X), rtol=1e-9)


def test_a_monotone_change_of_a_feature_changes_nothing(labelled):
    X, y = labelled
    X = X.astype(np.float32)
    warped = np.c_[X[:, :-1], np.cbrt(X[:, -1])].astype(np.float32)
    models = [GradientBoostingClassifier(n_estimators=10, random_state=0).fit(data, y) for data in (X, warped)]
    np.testing.assert_allclose(models[0].predict_proba(X), models[1].predict_proba(warped), rtol=1e-10)


def test_quantiles_hold_their_share_of_the_targets(friedman):
    X, y = friedman
    for alpha in (0.1, 0.5, 0.8):
        model = GradientBoostingRegressor(loss="quantile", alpha=alpha, min_samples_leaf=10, n_estimators=50)
        assert np.mean(y <= model.fit(X, y).predict(X)) == pytest.approx(alpha, abs=0.05)


def test_the_last_stage_is_the_model(friedman):
    X, y = friedman
    model = GradientBoostingRegressor(n_estimators=15).fit(X, y)
    stages = list(model.staged_predict(X))
    np.testing.assert_allclose(stages[-1], model.predict(X), rtol=1e-12)
    np.testing.assert_allclose([np.mean((y - stage) ** 2) for stage in stages], model.train_score_)


def test_stages_of_a_classifier_agree_with_each_other():
    X, y = load_iris(return_X_y=True)
    model = GradientBoostingClassifier(n_estimators=5, random_state=0).fit(X, y)
    stages = zip(model.staged_decision_function(X), model.staged_predict_proba(X), model.staged_predict(X), strict=True)
    for decision, proba, labels in stages:
        exponentials = np.exp(decision)
        np.testing.assert_allclose(proba, exponentials / exponentials.sum(axis=1, keepdims=True))
        np.testing.assert_array_equal(labels, decision.argmax(axis=1))
    np.testing.assert_allclose(proba, model.predict_proba(X))
    np.testing.assert_allclose(np.log(proba), model.predict_log_proba(X))


# ---------------------------------------------------------------- scikit-learn's model


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("subsample", [1.0, 0.6])
@pytest.mark.parametrize("loss", REGRESSION)
def test_the_same_seed_gives_scikit_learns_regressor(friedman, rng, loss, subsample, weighted):
    params = {"loss": loss, "subsample": subsample, "n_estimators": 15, "random_state": 3, "alpha": 0.8}
    weight = rng.integers(0, 4, size=400).astype(float) if weighted else None
    ours, theirs = GradientBoostingRegressor(**params), sklearn.ensemble.GradientBoostingRegressor(**params)
    assert_same_model(ours, theirs, *friedman, weight)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("subsample", [1.0, 0.6])
@pytest.mark.parametrize("loss, n_classes", [("log_loss", 2), ("exponential", 2), ("log_loss", 3)])
def test_the_same_seed_gives_scikit_learns_classifier(rng, loss, n_classes, subsample, weighted):
    X, y = make_classification(400, 8, n_informative=5, n_classes=n_classes, random_state=1)
    params = {"loss": loss, "subsample": subsample, "n_estimators": 12, "random_state": 3}
    weight = rng.uniform(0, 2, size=400) if weighted else None
    ours, theirs = GradientBoostingClassifier(**params), sklearn.ensemble.GradientBoostingClassifier(**params)
    assert_same_model(ours, theirs, X, np.array(["a", "b", "c"])[y], weight)


@pytest.mark.parametrize(
    "params",
    [
        {"max_features": "sqrt"},
        {"max_features": 0.5, "max_depth": None, "min_samples_leaf": 0.05},
        {"max_leaf_nodes": 5, "max_depth": None},
        {"ccp_alpha": 0.02},
        {"min_samples_split": 0.2, "min_weight_fraction_leaf": 0.1, "min_impurity_decrease": 1e-3},
        {"n_iter_no_change": 2, "validation_fraction": 0.3, "n_estimators": 100, "learning_rate": 0.5},
        {"n_iter_no_change": 2, "subsample": 0.5, "tol": 0.01, "n_estimators": 100},
        {"init": "zero"},
        {"init": LogisticRegression()},
    ],
    ids=str,
)
def test_each_parameter_acts_as_in_scikit_learn(labelled, params):
    params = {"n_estimators": 12, "random_state": 0, **params}
    ours, theirs = GradientBoostingClassifier(**params), sklearn.ensemble.GradientBoostingClassifier(**params)
    assert_same_model(ours, theirs, *labelled)


def test_values_that_many_samples_share_give_scikit_learns_model_on_the_reference_engine(rng):
    """The order of equal values decides about last bits, and these between splits that gain the same."""
    X, y = load_iris(return_X_y=True)
    some = rng.permutation(len(y))[:90]
    params = {"n_estimators": 4, "random_state": 0}
    with config_context(device="reference"):
        assert_same_model(*both(**params), X[some], y[some])


@pytest.mark.parametrize("seed", [0, 1])
def test_values_that_many_samples_share_give_an_equal_of_scikit_learns_model(seed):
    X, y = load_iris(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(y))
    ours, theirs = (model.fit(X[order[:100]], y[order[:100]]) for model in both(n_estimators=30, random_state=seed))
    np.testing.assert_allclose(ours.train_score_, theirs.train_score_, rtol=0.05)
    new, labels = X[order[100:]], y[order[100:]]
    np.testing.assert_allclose(ours.predict_proba(new), theirs.predict_proba(new), atol=0.1)
    assert ours.score(new, labels) == pytest.approx(theirs.score(new, labels), abs=0.02)


@pytest.mark.parametrize("container", [csr_array, csc_array])
@pytest.mark.parametrize("subsample", [1.0, 0.5])
def test_sparse_data_give_scikit_learns_model(labelled, container, subsample):
    X, y = labelled
    X = np.where(np.abs(X) > 0.7, X, 0)
    params = {"n_estimators": 10, "subsample": subsample, "random_state": 0}
    ours, theirs = (library.fit(container(X), y) for library in both(**params))
    np.testing.assert_allclose(ours.predict_proba(csr_array(X)), theirs.predict_proba(csr_array(X)), rtol=1e-10)
    np.testing.assert_array_equal(ours.apply(csr_array(X)), ours.apply(X))


def both(**params):
    return GradientBoostingClassifier(**params), sklearn.ensemble.GradientBoostingClassifier(**params)


@pytest.mark.parametrize("params", [{}, {"subsample": 0.5}, {"n_iter_no_change": 3}], ids=str)
def test_warm_start_goes_on_as_in_scikit_learn(labelled, params):
    X, y = labelled
    models = both(n_estimators=5, warm_start=True, random_state=0, **params)
    for n_estimators in (5, 5, 12):
        for model in models:
            model.set_params(n_estimators=n_estimators).fit(X, y)
    ours, theirs = models
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=1e-10)
    np.testing.assert_allclose(ours.train_score_, theirs.train_score_)
    assert len(ours) == len(ours.estimators_) == ours.n_estimators_
    if not params:
        once = GradientBoostingClassifier(n_estimators=12, random_state=0).fit(X, y)
        np.testing.assert_allclose(ours.predict_proba(X), once.predict_proba(X), rtol=1e-10)


def test_verbose_prints_scikit_learns_lines(labelled, capsys):
    printed = []
    for model in both(n_estimators=25, verbose=1, subsample=0.5, random_state=0):
        model.fit(*labelled)
        printed.append(re.sub(r"\d+\.\d\ds", "seconds", capsys.readouterr().out))
    assert printed[0].split() == printed[1].split()
    assert printed[0].splitlines()[0] == printed[1].splitlines()[0]


def test_a_monitor_sees_each_stage_and_may_stop(labelled):
    seen = []

    def monitor(i, model, variables):
        seen.append((i, model.train_score_[i], variables["raw_predictions"].shape))
        return i == 3

    model = GradientBoostingClassifier(n_estimators=10).fit(*labelled, monitor=monitor)
    assert seen == [(i, score, (400, 1)) for i, score in enumerate(model.train_score_)]
    assert len(model.estimators_) == 4


def test_partial_dependence_by_recursion_is_scikit_learns(friedman):
    X, y = friedman
    params = {"n_estimators": 10, "random_state": 0}
    models = [m(**params).fit(X, y) for m in (GradientBoostingRegressor, sklearn.ensemble.GradientBoostingRegressor)]
    for features in ([0], [1, 3]):
        ours, theirs = (partial_dependence(model, X, features, method="recursion") for model in models)
        np.testing.assert_allclose(ours["average"], theirs["average"], rtol=1e-9)
    brute = partial_dependence(models[0], X, [0], method="brute")["average"]
    recursive = partial_dependence(models[0], X, [0], method="recursion")["average"]  # without the constant
    assert np.corrcoef(brute, recursive)[0, 1] > 0.99


def test_shap_values_add_up_to_the_prediction(friedman):
    shap = pytest.importorskip("shap")
    X, y = friedman
    model = GradientBoostingRegressor(n_estimators=10, random_state=0).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        explainer = shap.TreeExplainer(model)
        values = explainer.shap_values(X[:20])
    np.testing.assert_allclose(values.sum(axis=1) + explainer.expected_value, model.predict(X[:20]), rtol=1e-5)


# ---------------------------------------------------------------- threads, devices, edges


def test_the_number_of_threads_changes_no_bit(rng):
    X, y = rng.normal(size=(6000, 12)), rng.integers(0, 2, size=6000)
    X[:, 0] += y
    decisions = []
    for n_threads in (1, 2, 7):
        with config_context(n_threads=n_threads):
            model = GradientBoostingClassifier(n_estimators=5, subsample=0.7, random_state=0).fit(X, y)
            decisions.append(model.decision_function(X))
    np.testing.assert_array_equal(decisions[0], decisions[1])
    np.testing.assert_array_equal(decisions[0], decisions[2])


def test_the_reference_engine_gives_the_model_of_the_cpu(labelled):
    X, y = labelled[0][:80], labelled[1][:80]
    model = GradientBoostingClassifier(n_estimators=3, subsample=0.8, random_state=0)
    want = model.fit(X, y).predict_proba(X)
    with config_context(device="reference"):
        np.testing.assert_array_equal(model.fit(X, y).predict_proba(X), want)


def test_data_on_a_gpu_give_the_model_of_the_cpu(on_gpu, labelled):
    X, y = labelled[0][:100], labelled[1][:100]
    params = {"n_estimators": 3, "subsample": 0.8, "random_state": 0}
    ours, gpu = (GradientBoostingClassifier(**params).fit(data, y) for data in (X, on_gpu(X)))
    probabilities = gpu.predict_proba(on_gpu(X))
    assert type(probabilities) is type(on_gpu(X))
    np.testing.assert_allclose(probabilities.get(), ours.predict_proba(X), rtol=1e-12)
    np.testing.assert_array_equal(gpu.predict(on_gpu(X)).get(), ours.predict(X))


@pytest.mark.parametrize("n_samples", [2, 3])
def test_very_few_samples(n_samples):
    X, y = LINE[:n_samples], np.arange(n_samples)
    model = GradientBoostingClassifier(n_estimators=3, learning_rate=1.0).fit(X, y)
    np.testing.assert_array_equal(model.predict(X), y)
    assert GradientBoostingRegressor().fit(LINE[:1], [7.0]).predict(LINE[:1]) == [7.0]


def test_more_features_than_samples_some_of_them_constant(rng):
    X, y = rng.normal(size=(20, 60)), np.arange(20) % 2
    X[:, ::3] = 1.0
    ours, theirs = (model.fit(X, y) for model in both(n_estimators=5, random_state=0))
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=1e-10)
    assert not ours.feature_importances_[::3].any()


def test_a_leaf_that_cannot_improve_stays_at_zero():
    """Probabilities of 0 and 1 leave a hessian of 0."""
    X = np.repeat(LINE, 20, axis=0)
    y = (X[:, 0] > 2).astype(int)
    model = GradientBoostingClassifier(n_estimators=60, learning_rate=1.0).fit(X, y)
    assert np.isfinite(model.decision_function(X)).all()
    assert model.score(X, y) == 1.0


def test_an_interrupted_fit_leaves_the_process_usable(labelled):
    def interrupt(i, model, variables):
        raise KeyboardInterrupt

    model = GradientBoostingClassifier(n_estimators=3)
    with pytest.raises(KeyboardInterrupt):
        model.fit(*labelled, monitor=interrupt)
    assert model.fit(*labelled).score(*labelled) > 0.5


def test_a_pickle_predicts_the_same(labelled):
    X, y = labelled
    model = GradientBoostingClassifier(n_estimators=3).fit(X, y)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict_proba(X), model.predict_proba(X))


def test_float32_integers_fortran_order_and_memmaps_are_one_data_set(labelled, tmp_path):
    X, y = labelled
    X = np.round(X).astype(np.float32)
    X.tofile(tmp_path / "X")
    mapped = np.memmap(tmp_path / "X", dtype=np.float32, mode="r", shape=X.shape)
    want = GradientBoostingClassifier(n_estimators=3, random_state=0).fit(X, y).predict_proba(X)
    for data in (X.astype(int), np.asfortranarray(X), mapped, X.tolist()):
        model = GradientBoostingClassifier(n_estimators=3, random_state=0).fit(data, y)
        np.testing.assert_array_equal(model.predict_proba(data), want)


# ---------------------------------------------------------------- quality, errors


def test_it_learns_what_a_line_cannot(friedman):
    score = cross_val_score(GradientBoostingRegressor(random_state=0), *friedman).mean()
    assert score > 0.8 > cross_val_score(LinearRegression(), *friedman).mean()


def test_probabilities_of_new_data_beat_the_shares_of_the_classes(labelled):
    X, new, y, labels = train_test_split(*labelled, random_state=0)

    def log_loss(model):
        return -np.mean(np.log(model.fit(X, y).predict_proba(new)[np.arange(len(labels)), labels]))

    assert log_loss(GradientBoostingClassifier(random_state=0)) < 0.8 * log_loss(DummyClassifier())


def test_the_criterion_is_deprecated(friedman):
    with pytest.warns(FutureWarning, match="The parameter `criterion` is deprecated"):
        GradientBoostingRegressor(criterion="friedman_mse", n_estimators=1).fit(*friedman)


@pytest.mark.parametrize(
    "params, labels, sample_weight, message",
    [
        ({}, [1] * 6, None, "y contains 1 class after sample_weight trimmed classes with zero weights"),
        ({}, [0] * 3 + [1] * 3, [1] * 3 + [0] * 3, "y contains 1 class after sample_weight"),
        ({"loss": "exponential"}, [0, 1, 2] * 2, None, "loss='exponential' is only suitable for a binary"),
        ({"n_estimators": 0}, [0, 1] * 3, None, "The 'n_estimators' parameter"),
        ({"subsample": 1.5}, [0, 1] * 3, None, "The 'subsample' parameter"),
        ({"init": LinearRegression()}, [0, 1] * 3, None, "The 'init' parameter"),
        ({"n_iter_no_change": 1, "validation_fraction": 0.4}, [0, 1, 1, 1, 1, 1], None, "least populated class"),
    ],
)
def test_what_is_wrong_is_said(params, labels, sample_weight, message):
    with pytest.raises(ValueError, match=message):
        GradientBoostingClassifier(**params).fit(LINE, labels, sample_weight)


@pytest.mark.filterwarnings("ignore:overflow encountered", "ignore:invalid value encountered")
def test_what_is_wrong_with_data_is_said(labelled):
    X, y = labelled
    broken = X.copy()
    broken[3, 2] = np.nan
    model = GradientBoostingClassifier(n_estimators=2)
    with pytest.raises(NotFittedError, match="not fitted yet"):
        model.predict(X)
    with pytest.raises(ValueError, match="Input X contains NaN"):
        model.fit(broken, y)
    with pytest.raises(ValueError, match="infinity or a value too large for dtype"):
        model.fit(X * 1e300, y)
    with pytest.raises(ValueError, match="Expected 2D array"):
        model.fit(X[:, 0], y)
    with pytest.raises(ValueError, match="Sample weights must contain at least one non-zero"):
        model.fit(X, y, np.zeros(len(y)))
    with pytest.raises(ValueError, match="X has 3 features, but GradientBoostingClassifier is expecting 8"):
        model.fit(X, y).predict(X[:, :3])


def test_an_initial_estimator_without_weights_is_refused_them(labelled):
    class Weightless(DummyClassifier):
        def fit(self, X, y):
            return super().fit(X, y)

    model = GradientBoostingClassifier(init=Weightless(), n_estimators=1)
    with pytest.raises(ValueError, match="The initial estimator Weightless does not support sample weights"):
        model.fit(*labelled, np.ones(400))
    assert model.fit(*labelled).init_.strategy == "prior"


def test_fewer_stages_than_there_are_cannot_be_warm_started(labelled):
    model = GradientBoostingClassifier(n_estimators=3, warm_start=True).fit(*labelled)
    with pytest.raises(ValueError, match="n_estimators=2 must be larger or equal to estimators_"):
        model.set_params(n_estimators=2).fit(*labelled)
