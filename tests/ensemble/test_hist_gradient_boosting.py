"""Histogram gradient boosting: closed forms, invariances, early stopping, data of every kind."""

import re
import signal
import threading

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV, train_test_split

import ghostflow_learn
from ghostflow_learn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

BOTH = pytest.mark.parametrize("cls", [HistGradientBoostingClassifier, HistGradientBoostingRegressor])


@pytest.fixture
def waves(rng):
    """Columns that act through products and waves, and a continuous target."""
    X = rng.normal(size=(600, 4))
    return X, X[:, 0] * X[:, 1] + np.sin(3 * X[:, 2]) + 0.1 * rng.normal(size=600)


def target(cls, y):
    return (y > np.median(y)).astype(int) if cls is HistGradientBoostingClassifier else y


# ---------------------------------------------------------------- closed forms


def test_one_split_at_full_rate_predicts_the_means_of_both_sides():
    X = np.arange(10.0)[:, None]
    y = np.array([1.0, 2, 3, 4, 5, 11, 12, 13, 14, 15])
    model = HistGradientBoostingRegressor(max_iter=1, max_leaf_nodes=2, learning_rate=1, min_samples_leaf=1).fit(X, y)
    np.testing.assert_allclose(model.predict(X), [3.0] * 5 + [13.0] * 5, rtol=1e-12)
    root = model._predictors[0][0].nodes[0]
    assert root["num_threshold"] == 4.5
    assert root["gain"] == pytest.approx(10 * 25.0)  # twice what half the squared error falls by
    assert model.feature_importances_.tolist() == [1.0]


def test_a_leaf_of_log_loss_takes_a_newton_step():
    X = np.repeat([0.0, 1.0], 20)[:, None]
    y = np.r_[np.zeros(15), np.ones(5), np.zeros(4), np.ones(16)].astype(int)
    model = HistGradientBoostingClassifier(max_iter=1, learning_rate=1, min_samples_leaf=1).fit(X, y)
    p = y.mean()
    steps = [(y[:20] - p).sum() / (20 * p * (1 - p)), (y[20:] - p).sum() / (20 * p * (1 - p))]
    raw = np.log(p / (1 - p)) + np.repeat(steps, 20)
    np.testing.assert_allclose(model.decision_function(X), raw, rtol=1e-4)
    np.testing.assert_allclose(model.predict_proba(X)[:, 1], 1 / (1 + np.exp(-raw)), rtol=1e-4)


def test_leaves_of_the_absolute_error_are_medians_and_of_the_pinball_loss_quantiles(rng):
    X = np.repeat([0.0, 1.0], 50)[:, None]
    y = rng.exponential(size=100) + 5 * X[:, 0]
    for params, q in (({"loss": "absolute_error"}, 0.5), ({"loss": "quantile", "quantile": 0.2}, 0.2)):
        model = HistGradientBoostingRegressor(max_iter=1, learning_rate=1, max_leaf_nodes=2, **params).fit(X, y)
        want = np.repeat([np.quantile(y[:50], q), np.quantile(y[50:], q)], 50)
        np.testing.assert_allclose(model.predict(X), want, rtol=1e-12)


def test_l2_regularization_shrinks_a_leaf_by_its_formula():
    X = np.repeat([0.0, 1.0], 10)[:, None]
    y = np.repeat([0.0, 2.0], 10)
    params = {"max_iter": 1, "learning_rate": 1, "min_samples_leaf": 1, "l2_regularization": 5.0}
    model = HistGradientBoostingRegressor(**params).fit(X, y)
    np.testing.assert_allclose(model.predict(X), np.repeat([1 - 10 / 15, 1 + 10 / 15], 10), rtol=1e-9)


def test_trees_without_a_split_leave_the_baseline(rng):
    X, y = rng.normal(size=(30, 2)), rng.normal(size=30)
    model = HistGradientBoostingRegressor(max_iter=3).fit(X, y)  # fewer than 2 min_samples_leaf rows
    np.testing.assert_allclose(model.predict(X), y.mean(), rtol=1e-12)
    assert model.feature_importances_.tolist() == [0.0, 0.0]


# ---------------------------------------------------------------- invariances


@pytest.mark.parametrize("n_samples", [500, 40_000])
@pytest.mark.parametrize("loss", ["squared_error", "poisson", "quantile"])
def test_a_model_is_the_same_bit_for_bit_on_any_number_of_threads(n_samples, loss, rng):
    X = rng.normal(size=(n_samples, 12))
    X[rng.random(X.shape) < 0.05] = np.nan
    y = np.exp(np.nan_to_num(X[:, 0]) + rng.normal(size=n_samples))
    model = HistGradientBoostingRegressor(loss=loss, quantile=0.3, max_iter=8, random_state=0)
    answers = []
    for n_threads in (1, 2, 7):
        with ghostflow_learn.config_context(n_threads=n_threads):
            answers.append(clone(model).fit(X, y).predict(X))
    np.testing.assert_array_equal(answers[0], answers[1])
    np.testing.assert_array_equal(answers[0], answers[2])


@BOTH
def test_any_increasing_change_of_a_feature_gives_the_same_predictions(cls, waves):
    X, y = waves
    X = X.round(1)  # fewer values than bins: edges lie between the same samples
    y = target(cls, y)
    got = cls(max_iter=10).fit(np.exp(X), y).predict(np.exp(X))
    np.testing.assert_array_equal(got, cls(max_iter=10).fit(X, y).predict(X))


def test_a_weight_of_zero_is_a_sample_that_is_not_there_for_bins_and_sums(waves):
    X, y = waves
    weight = (np.arange(len(y)) % 3 > 0).astype(float)
    params = {"max_iter": 20, "min_samples_leaf": 1, "max_leaf_nodes": 8}
    weighted = HistGradientBoostingRegressor(**params).fit(X, y, weight).predict(X)
    np.testing.assert_allclose(
        weighted, HistGradientBoostingRegressor(**params).fit(X[weight > 0], y[weight > 0]).predict(X), atol=1e-3
    )


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "poisson", "gamma"])
def test_the_training_loss_falls_in_each_iteration(loss, waves):
    X, y = waves
    params = {"early_stopping": True, "validation_fraction": None, "max_iter": 40, "n_iter_no_change": 40}
    model = HistGradientBoostingRegressor(loss=loss, **params).fit(X, np.exp(y))
    assert model.n_iter_ == 40
    assert (np.diff(model.train_score_) > 0).all()


def test_predictions_rise_with_a_feature_that_is_constrained_to(waves):
    X, y = waves
    model = HistGradientBoostingRegressor(monotonic_cst=[0, 0, 1, -1], max_iter=50).fit(X, y + X[:, 2])
    for j, sign in ((2, 1), (3, -1)):
        grid = np.repeat(X[:20, None, :], 50, axis=1)
        grid[:, :, j] = np.linspace(-2, 2, 50)
        steps = np.diff(model.predict(grid.reshape(-1, 4)).reshape(20, 50), axis=1)
        assert (sign * steps >= 0).all()
    free = HistGradientBoostingRegressor(max_iter=50).fit(X, y + X[:, 2])
    grid = np.repeat(X[:1], 50, axis=0)
    grid[:, 2] = np.linspace(-2, 2, 50)
    assert (np.diff(free.predict(grid)) < 0).any()


def test_features_that_may_not_interact_add_up(waves):
    X, y = waves
    model = HistGradientBoostingRegressor(interaction_cst=[{0}, {1, 2}], max_iter=30).fit(X, y)
    for trees in model._predictors:
        used = set(trees[0].nodes["feature_idx"][trees[0].nodes["is_leaf"] == 0])
        assert any(used <= group for group in ({0}, {1, 2}, {3}))


def test_interactions_name_features_by_their_position_beside_categories_too(rng):
    X = np.c_[rng.normal(size=(400, 2)), rng.integers(0, 3, 400)]
    y = X[:, 0] + X[:, 1] * (X[:, 2] == 1)
    model = HistGradientBoostingRegressor(categorical_features=[2], interaction_cst=[{0}, {1, 2}], max_iter=20).fit(
        X, y
    )
    for trees in model._predictors:
        nodes = trees[0].nodes[trees[0].nodes["is_leaf"] == 0]
        assert {(2, 0, 1)[column] for column in nodes["feature_idx"]} in ({0}, {1, 2}, {1}, {2}, set())


# ---------------------------------------------------------------- missing values and categories


def test_a_missing_value_goes_where_its_like_went(rng):
    X = rng.normal(size=(400, 1))
    X[::4] = np.nan
    y = np.isnan(X[:, 0]) * 3.0 + (np.nan_to_num(X[:, 0]) > 0)
    model = HistGradientBoostingRegressor(max_iter=100, min_samples_leaf=5).fit(X, y)
    np.testing.assert_allclose(model.predict([[np.nan], [1.0], [-1.0]]), [3, 1, 0], atol=0.01)


def test_without_missing_values_in_training_one_goes_to_the_larger_side():
    X = np.r_[np.zeros(30), np.ones(10)][:, None]
    model = HistGradientBoostingRegressor(max_iter=1, learning_rate=1, min_samples_leaf=1).fit(X, X[:, 0])
    assert model.predict([[np.nan]])[0] == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("column", [np.nan, 7.0], ids=["missing", "constant"])
def test_a_column_that_says_nothing_is_not_used(column, waves):
    X, y = waves
    joined = np.c_[np.full(len(X), column), X]
    model = HistGradientBoostingRegressor(max_iter=5).fit(joined, y)
    assert model.feature_importances_[0] == 0
    np.testing.assert_array_equal(model.predict(joined), HistGradientBoostingRegressor(max_iter=5).fit(X, y).predict(X))


@BOTH
def test_categories_split_in_any_grouping_and_unknown_ones_are_missing(cls, rng):
    X = rng.integers(0, 6, size=(600, 1)).astype(float)
    y = np.isin(X[:, 0], [0, 2, 5]).astype(int)
    model = cls(max_iter=1, max_depth=1, learning_rate=1, categorical_features=[0]).fit(X, y)
    assert model.score(X, y) > 0.99
    assert len(model._predictors[0][0].nodes) == 3
    np.testing.assert_array_equal(model.predict([[17.0], [-3.0]]), model.predict([[np.nan], [np.nan]]))


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_table_of_categories_and_numbers_gives_the_model_of_its_codes(library, rng):
    frames = pytest.importorskip(library)
    n = 500
    codes, number = rng.integers(0, 4, n), rng.normal(size=n)
    words = np.array(["ash", "beech", "elm", "oak"])[codes]
    y = (codes == 2) + number
    dtype = frames.CategoricalDtype() if library == "pandas" else frames.Categorical
    series = frames.Series(words, dtype=dtype)
    table = frames.DataFrame({"number": number, "tree": series})
    params = {"max_iter": 10, "random_state": 0}
    of_table = HistGradientBoostingRegressor(**params).fit(table, y)
    X = np.c_[number, codes]
    of_codes = HistGradientBoostingRegressor(categorical_features=[1], **params).fit(X, y)
    np.testing.assert_array_equal(of_table.predict(table), of_codes.predict(X))
    np.testing.assert_array_equal(of_table.is_categorical_, [False, True])
    assert list(of_table.feature_names_in_) == ["number", "tree"]
    np.testing.assert_array_equal(of_table.feature_importances_, of_codes.feature_importances_)


@pytest.mark.parametrize("values", [[0, 1, 2, 3], [0.5, 1.25, -7, 1e6], [100_000, 100_001, 5, 0]])
def test_numbers_of_any_kind_may_be_categories(values, rng):
    codes = rng.integers(0, 4, 400)
    y = np.array([0.0, 3, 1, 2])[np.argsort(np.argsort(values))[codes]]
    X = np.array(values, dtype=float)[codes][:, None]
    X[::50] = np.nan
    model = HistGradientBoostingRegressor(categorical_features=[0], max_iter=60).fit(X, y)
    seen = ~np.isnan(X[:, 0])
    np.testing.assert_allclose(model.predict(X)[seen], y[seen], atol=0.05)


# ---------------------------------------------------------------- early stopping and warm starts


@BOTH
def test_a_fit_stops_when_validation_scores_no_longer_improve(cls, waves):
    X, y = waves
    y = target(cls, y + np.random.default_rng(1).normal(size=len(y)))
    model = cls(early_stopping=True, max_iter=500, random_state=0, n_iter_no_change=5).fit(X, y)
    assert 5 <= model.n_iter_ < 500
    assert len(model.train_score_) == len(model.validation_score_) == model.n_iter_ + 1
    assert max(model.validation_score_[-5:]) <= model.validation_score_[-6] + 1e-7


@BOTH
@pytest.mark.parametrize("scoring", [None, "custom"])
def test_scorers_see_the_model_as_it_is_after_each_iteration(cls, scoring, waves):
    X, y = waves
    y = target(cls, y)
    calls = []

    def custom(model, X, y):
        calls.append(len(X))
        return get_scorer("accuracy" if cls is HistGradientBoostingClassifier else "r2")(model, X, y)

    params = {"early_stopping": True, "max_iter": 6, "random_state": 0, "n_iter_no_change": 6}
    model = cls(scoring=custom if scoring else None, **params).fit(X, y)
    X_train, X_val, y_train, y_val = train_test_split(
        X,
        y,
        test_size=0.1,
        stratify=y if cls is HistGradientBoostingClassifier else None,
        random_state=model._random_seed,
    )
    assert model.train_score_[-1] == pytest.approx(model.score(X_train, y_train))
    assert model.validation_score_[-1] == pytest.approx(model.score(X_val, y_val))
    staged = [np.mean(p == y_val) for p in model.staged_predict(X_val)]
    if cls is HistGradientBoostingClassifier:
        np.testing.assert_allclose(model.validation_score_[1:], staged)
    assert calls == ([len(X_train), len(X_val)] * 7 if scoring else [])


@BOTH
def test_own_validation_samples_take_the_place_of_drawn_ones(cls, waves):
    X, y = waves
    y = target(cls, y)
    drawn = cls(early_stopping=True, random_state=0, max_iter=30).fit(X, y)
    stratify = y if cls is HistGradientBoostingClassifier else None
    X_train, X_val, y_train, y_val = train_test_split(
        X, y, test_size=0.1, stratify=stratify, random_state=drawn._random_seed
    )
    own = cls(early_stopping=True, random_state=0, max_iter=30).fit(X_train, y_train, X_val=X_val, y_val=y_val)
    np.testing.assert_array_equal(own.validation_score_, drawn.validation_score_)
    np.testing.assert_array_equal(own.predict(X), drawn.predict(X))


@BOTH
@pytest.mark.parametrize("options", [{}, {"max_features": 0.5}, {"subsample": 0.5}, {"early_stopping": True}], ids=str)
def test_a_warm_start_goes_on_as_if_it_had_not_stopped(cls, options, waves):
    X, y = waves
    y = target(cls, y)
    params = {"random_state": 0, "n_iter_no_change": 50, **options}
    whole = cls(max_iter=20, **params).fit(X, y)
    parts = cls(max_iter=8, warm_start=True, **params).fit(X, y).set_params(max_iter=20).fit(X, y)
    assert parts.n_iter_ == 20
    np.testing.assert_array_equal(parts.predict(X), whole.predict(X))
    np.testing.assert_array_equal(parts.train_score_, whole.train_score_)


@BOTH
def test_staged_predictions_are_those_of_shorter_fits(cls, waves):
    X, y = waves
    y = target(cls, y)
    staged = list(cls(max_iter=6).fit(X, y).staged_predict(X))
    assert len(staged) == 6
    for i in (1, 4):
        np.testing.assert_array_equal(staged[i], cls(max_iter=i + 1).fit(X, y).predict(X))


# ---------------------------------------------------------------- edges


@BOTH
@pytest.mark.parametrize("kind", ["float32", "fortran", "list", "int", "read-only", "bool"])
def test_data_of_any_kind_give_the_model_of_float64(cls, kind, waves):
    X, y = waves
    X, y = X.round(1), target(cls, y)
    if kind in ("int", "bool"):
        X = (X * 10).astype(int) if kind == "int" else X > 0
    elif kind == "float32":
        X = X.astype(np.float32)
    same = {
        "fortran": np.asfortranarray,
        "list": np.ndarray.tolist,
        "read-only": lambda X: np.broadcast_to(X, X.shape),
    }.get(kind, lambda X: X)(X)
    want = cls(max_iter=5).fit(np.array(X, dtype=np.float64), y).predict(np.array(X, dtype=np.float64))
    np.testing.assert_array_equal(cls(max_iter=5).fit(same, y).predict(same), want)


def test_infinities_are_values_like_others():
    X = np.array([[-np.inf], [0.0], [1.0], [np.inf]])
    y = np.array([0, 0, 1, 1])
    assert HistGradientBoostingClassifier(min_samples_leaf=1).fit(X, y).score(X, y) == 1


@BOTH
def test_one_sample_and_one_class_give_a_constant(cls):
    model = cls().fit([[1.0, 2.0]], [3])
    np.testing.assert_allclose(model.predict([[1.0, 2.0], [7.0, 7.0]]), [3, 3])


def test_classes_of_any_type_come_back(waves):
    X, y = waves
    for labels in (np.array(["no", "yes"]), np.array([10, -3]), np.array([0.0, 1.0]), np.array([False, True])):
        y_of_type = labels[(y > 0).astype(int)]
        model = HistGradientBoostingClassifier(max_iter=3).fit(X, y_of_type)
        assert model.classes_.dtype == labels.dtype
        assert set(model.predict(X)) <= set(labels)
        assert model.score(X, y_of_type) > 0.7


def test_class_weights_are_weights_of_samples_by_their_label(waves):
    X, y = waves
    words = np.where(y > 0, "up", "down")
    weight = np.where(y > 0, 3.0, 1.0)
    params = {"max_iter": 5}
    of_samples = HistGradientBoostingClassifier(**params).fit(X, words, weight).predict_proba(X)
    of_classes = HistGradientBoostingClassifier(class_weight={"up": 3, "down": 1}, **params).fit(X, words)
    np.testing.assert_array_equal(of_classes.predict_proba(X), of_samples)


def test_weights_that_are_zero_in_a_class_leave_a_finite_model(waves):
    X, y = waves
    for classes in (np.digitize(y, [0]), np.digitize(y, [-0.5, 0.5])):
        model = HistGradientBoostingClassifier(max_iter=10).fit(X, classes, (classes > 0).astype(float))
        proba = model.predict_proba(X)
        assert np.isfinite(proba).all()
        assert (proba[:, 0] < 0.01).all()


@BOTH
def test_ctrl_c_leaves_the_process_and_the_estimator_usable(cls, waves):
    X, y = waves
    X, y = np.tile(X, (40, 1)), target(cls, np.tile(y, 40))
    model = cls(max_iter=5000, early_stopping=False)
    timer = threading.Timer(0.3, signal.raise_signal, [signal.SIGINT])
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    timer.join()
    assert model.set_params(max_iter=3).fit(X, y).n_iter_ == 3
    assert np.isfinite(model.predict(X)).all()


@BOTH
def test_a_search_in_processes_finds_what_a_search_here_finds(cls, waves):
    X, y = waves
    y = target(cls, y)
    grid = {"max_leaf_nodes": [4, 16], "learning_rate": [0.1, 0.3]}
    here, there = (GridSearchCV(cls(max_iter=8, random_state=0), grid, cv=2, n_jobs=n).fit(X, y) for n in (None, 2))
    np.testing.assert_array_equal(here.cv_results_["mean_test_score"], there.cv_results_["mean_test_score"])


# ---------------------------------------------------------------- error messages


@pytest.mark.parametrize(
    "params, message",
    [
        ({"max_bins": 256}, r"The 'max_bins' parameter .* must be an int in the range \[2, 255\]. Got 256"),
        ({"max_bins": 1}, r"The 'max_bins' parameter"),
        ({"loss": "huber"}, r"The 'loss' parameter .* must be a str among"),
        ({"loss": "quantile"}, r"quantile=None must be a number, or several in a sequence, above 0 and below 1"),
        ({"loss": "quantile", "quantile": [0.1, 1.0]}, r"above 0 and below 1"),
        ({"monotonic_cst": [1, 0]}, r"monotonic_cst has shape \(2,\) but the input data"),
        ({"monotonic_cst": [1, 0, 2, 0]}, r"monotonic_cst must be an array-like of -1, 0 or 1"),
        ({"monotonic_cst": [1, 0, 0, 0], "categorical_features": [0]}, "Categorical features cannot have monotonic"),
        ({"interaction_cst": [0, 1]}, "Interaction constraints must be a sequence of tuples or lists"),
        ({"interaction_cst": [{0, 4}]}, r"integer indices in \[0, n_features - 1\] = \[0, 3\]"),
        ({"categorical_features": [0, 9]}, r"must be in \[0, n_features - 1\]"),
        ({"subsample": 0.0}, "The 'subsample' parameter"),
        ({"sampling": "mvs"}, "The 'sampling' parameter"),
        ({"growth": "sideways"}, "The 'growth' parameter"),
    ],
    ids=str,
)
def test_parameters_that_make_no_sense_are_refused(params, message, waves):
    X, y = waves
    with pytest.raises(ValueError, match=message):
        HistGradientBoostingRegressor(**params).fit(np.abs(X).round(), y)


def test_more_categories_than_bins_are_refused_by_name(rng):
    pandas = pytest.importorskip("pandas")
    X = rng.permutation(300).astype(float)[:, None]
    message = (
        "Categorical feature at index 0 is expected to have a cardinality <= 255 but actually has a cardinality of 300"
    )
    with pytest.raises(ValueError, match=message):
        HistGradientBoostingRegressor(categorical_features=[0]).fit(X, X[:, 0])
    table = pandas.DataFrame({"a": 1.0, "word": pandas.Categorical(X[:, 0].astype(str))})
    with pytest.raises(
        ValueError, match="Categorical feature 'word' is expected to have a cardinality <= 16 .* of 300"
    ):
        HistGradientBoostingRegressor(max_bins=16).fit(table, X[:, 0])


@pytest.mark.parametrize(
    "loss, y, message",
    [
        ("gamma", [1.0, 0.0], "strictly positive y"),
        ("poisson", [1.0, -1.0], "non-negative y"),
        ("poisson", [0, 0], "sum"),
    ],
)
def test_targets_outside_the_domain_of_the_loss_are_refused(loss, y, message):
    with pytest.raises(ValueError, match=message):
        HistGradientBoostingRegressor(loss=loss).fit([[0.0], [1.0]], y)


def test_monotonic_constraints_are_refused_for_three_classes(waves):
    X, y = waves
    with pytest.raises(ValueError, match="monotonic constraints are not supported for multiclass classification"):
        HistGradientBoostingClassifier(monotonic_cst=[1, 0, 0, 0]).fit(X, np.digitize(y, [-1, 1]))


@pytest.mark.parametrize(
    "bad, message",
    [
        (lambda X, y: (X.astype(complex), y), "Complex data not supported"),
        (lambda X, y: (X[:, 0], y), "Expected 2D array, got 1D array"),
        (lambda X, y: (X[:0], y[:0]), "0 sample"),
        (lambda X, y: (X, np.where(y > 0, np.nan, y)), "NaN"),
        (lambda X, y: (X, y[1:]), "inconsistent numbers of samples"),
        (lambda X, y: (X.astype(str).astype(object) + "x", y), "could not convert string to float"),
        (lambda X, y: (X, y, np.zeros(len(y))), "at least one non-zero"),
        (lambda X, y: (X, None), "requires y to be passed"),
    ],
)
def test_bad_input_is_refused(bad, message, waves):
    with pytest.raises(ValueError, match=message):
        HistGradientBoostingRegressor(max_iter=2).fit(*bad(*waves))


def test_sparse_data_are_refused_with_what_to_do(waves):
    from scipy import sparse

    X, y = waves
    with pytest.raises(TypeError, match="dense data is required"):
        HistGradientBoostingRegressor().fit(sparse.csr_matrix(X), y)


def test_other_features_than_in_fit_are_refused(waves):
    X, y = waves
    model = HistGradientBoostingRegressor(max_iter=2).fit(X, y)
    with pytest.raises(
        ValueError, match=re.escape("X has 3 features, but HistGradientBoostingRegressor is expecting 4")
    ):
        model.predict(X[:, :3])
    with pytest.raises(NotFittedError):
        HistGradientBoostingRegressor().predict(X)


def test_fewer_iterations_than_before_are_refused_in_a_warm_start(waves):
    X, y = waves
    model = HistGradientBoostingRegressor(max_iter=5, warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match="max_iter=3 must be larger than or equal to n_iter_=5 when warm_start==True"):
        model.set_params(max_iter=3).fit(X, y)


def test_validation_data_need_both_parts_and_early_stopping(waves):
    X, y = waves
    model = HistGradientBoostingRegressor(max_iter=2)
    with pytest.raises(ValueError, match="X_val is provided, but y_val was not provided"):
        model.fit(X, y, X_val=X)
    with pytest.raises(ValueError, match="y_val is provided, but X_val was not provided"):
        model.fit(X, y, y_val=y)
    with pytest.raises(ValueError, match="early_stopping is False"):
        model.set_params(early_stopping=False).fit(X, y, X_val=X, y_val=y)
