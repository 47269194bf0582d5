"""What histogram gradient boosting has beyond scikit-learn's, and the tools of others that read its trees."""

import json

import numpy as np
import pytest
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.metrics import mean_pinball_loss
from sklearn.model_selection import learning_curve

from ghostflow_learn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor


@pytest.fixture
def waves(rng):
    X = rng.normal(size=(2000, 4))
    return X, X[:, 0] * X[:, 1] + np.sin(3 * X[:, 2]) + 0.3 * rng.normal(size=2000)


# ---------------------------------------------------------------- importances


def test_importances_are_the_shares_of_gain_and_of_splits(waves):
    X, y = waves
    model = HistGradientBoostingRegressor(max_iter=5).fit(X, y)
    gains, splits = np.zeros(4), np.zeros(4)
    for (tree,) in model._predictors:
        for node in tree.nodes:
            if not node["is_leaf"]:
                gains[node["feature_idx"]] += node["gain"]
                splits[node["feature_idx"]] += 1
    np.testing.assert_allclose(model.feature_importances_, gains / gains.sum())
    np.testing.assert_allclose(model.set_params(importance_type="split").feature_importances_, splits / splits.sum())
    assert model.feature_importances_[3] < 0.1


def test_importances_stand_at_the_position_of_the_feature_beside_categories_too(rng):
    X = np.c_[rng.normal(size=(500, 2)), rng.integers(0, 5, 500)]
    y = 5.0 * (X[:, 2] == 3) + 0.1 * X[:, 0]
    importances = HistGradientBoostingRegressor(categorical_features=[2], max_iter=5).fit(X, y).feature_importances_
    assert importances.argmax() == 2
    assert importances[0] > importances[1]


# ---------------------------------------------------------------- quantiles


def test_several_quantiles_are_those_of_single_models_in_order(waves):
    X, y = waves
    quantiles = [0.9, 0.1, 0.5]
    params = {"loss": "quantile", "max_iter": 20, "max_leaf_nodes": 6}
    model = HistGradientBoostingRegressor(quantile=quantiles, **params).fit(X, y)
    single = [HistGradientBoostingRegressor(quantile=q, **params).fit(X, y).predict(X) for q in quantiles]
    predicted = model.predict(X)
    assert predicted.shape == (2000, 3)
    assert (predicted[:, 1] <= predicted[:, 2]).all()
    assert (predicted[:, 2] <= predicted[:, 0]).all()
    for column, alone, q in zip(predicted.T, single, quantiles):
        assert (column == alone).mean() > 0.9  # but where they cross
        assert np.mean(y <= column) == pytest.approx(q, abs=0.03)
    together = sum(mean_pinball_loss(y, column, alpha=q) for column, q in zip(predicted.T, quantiles))
    apart = sum(mean_pinball_loss(y, column, alpha=q) for column, q in zip(single, quantiles))
    assert together <= apart
    assert 0 < model.score(X, y) < 1
    np.testing.assert_array_equal(list(model.staged_predict(X))[-1], predicted)


def test_several_quantiles_stop_early_and_start_warm(waves):
    X, y = waves
    params = {"loss": "quantile", "quantile": [0.2, 0.8], "random_state": 0}
    model = HistGradientBoostingRegressor(early_stopping=True, max_iter=300, n_iter_no_change=3, **params).fit(X, y)
    assert 3 <= model.n_iter_ < 300
    assert len(model.validation_score_) == model.n_iter_ + 1
    whole = HistGradientBoostingRegressor(max_iter=8, **params).fit(X, y)
    parts = HistGradientBoostingRegressor(max_iter=3, warm_start=True, **params).fit(X, y).set_params(max_iter=8)
    np.testing.assert_array_equal(parts.fit(X, y).predict(X), whole.predict(X))


# ---------------------------------------------------------------- growth and sampling


def test_depth_wise_trees_are_full_to_a_depth(waves):
    X, y = waves
    params = {"max_iter": 3, "max_leaf_nodes": 8, "min_samples_leaf": 5}
    level = HistGradientBoostingRegressor(growth="depth_wise", **params).fit(X, y)
    best = HistGradientBoostingRegressor(**params).fit(X, y)
    for (tree,) in level._predictors:
        assert tree.nodes["depth"][tree.nodes["is_leaf"] == 1].tolist() == [3] * 8
    assert max(tree.get_max_depth() for (tree,) in best._predictors) > 3


def test_without_a_limit_of_leaves_both_growths_give_one_tree(waves):
    X, y = waves
    params = {"max_iter": 3, "max_leaf_nodes": None, "max_depth": 4}
    level, best = (HistGradientBoostingRegressor(growth=g, **params).fit(X, y) for g in ("depth_wise", "leaf_wise"))
    np.testing.assert_array_equal(level.predict(X), best.predict(X))


@pytest.mark.parametrize("sampling", ["uniform", "goss"])
@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "gamma"])
def test_part_of_the_samples_grows_a_tree_about_as_good(sampling, loss, waves):
    X, y = waves
    y = np.exp(y)
    params = {"loss": loss, "max_iter": 60, "max_leaf_nodes": 8, "random_state": 0}
    whole = HistGradientBoostingRegressor(**params).fit(X[:1500], y[:1500])
    part = HistGradientBoostingRegressor(subsample=0.5, sampling=sampling, **params).fit(X[:1500], y[:1500])
    error, least = (np.median(np.abs(model.predict(X[1500:]) - y[1500:])) for model in (part, whole))
    assert error < 1.3 * least
    counts = [tree.nodes[0]["count"] for (tree,) in part._predictors]
    assert set(counts) == {750}
    again = HistGradientBoostingRegressor(subsample=0.5, sampling=sampling, **params).fit(X[:1500], y[:1500])
    np.testing.assert_array_equal(again.predict(X), part.predict(X))


def test_goss_keeps_the_samples_of_largest_gradients_and_the_sum_of_all(rng):
    X = rng.normal(size=(3000, 1))
    y = np.where(np.arange(3000) % 100 == 0, 50.0, 0.0) + rng.normal(size=3000)  # 30 outliers carry the mean
    params = {"max_iter": 1, "max_leaf_nodes": 2, "learning_rate": 1.0, "sampling": "goss", "subsample": 0.1}
    errors = []
    for seed in range(20):
        model = HistGradientBoostingRegressor(random_state=seed, **params).fit(X, y)
        nodes = model._predictors[0][0].nodes
        leaves = nodes[nodes["is_leaf"] == 1]
        errors.append((leaves["value"] * leaves["count"]).sum())
        assert nodes[0]["count"] == 300
    assert np.isfinite(errors).all()
    uniform = HistGradientBoostingRegressor(**{**params, "sampling": "uniform", "random_state": 0}).fit(X, y)
    assert uniform._predictors[0][0].nodes[0]["count"] == 300


# ---------------------------------------------------------------- own losses


class HalfSquares:
    """Half the squared error, as a user would write it."""

    def gradient_hessian(self, y_true, raw_prediction, sample_weight=None):
        weight = np.ones_like(y_true) if sample_weight is None else sample_weight
        return weight * (raw_prediction - y_true), weight

    def fit_intercept_only(self, y_true, sample_weight=None):
        return np.average(y_true, weights=sample_weight)

    def __call__(self, y_true, raw_prediction, sample_weight=None):
        return np.average((raw_prediction - y_true) ** 2, weights=sample_weight) / 2


class Softmax:
    """Multinomial log loss without a start, as a user would write it."""

    def gradient_hessian(self, y_true, raw_prediction, sample_weight=None):
        p = np.exp(raw_prediction - raw_prediction.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        return p - np.eye(p.shape[1])[y_true.astype(int)], p * (1 - p)


@pytest.mark.parametrize("weighted", [False, True])
def test_an_own_loss_gives_the_model_of_the_loss_it_is(weighted, waves, rng):
    X, y = waves
    weight = rng.uniform(0.5, 2, len(y)) if weighted else None
    params = {"max_iter": 5, "early_stopping": True, "validation_fraction": None}
    own = HistGradientBoostingRegressor(loss=HalfSquares(), **params).fit(X, y, weight)
    built_in = HistGradientBoostingRegressor(**params).fit(X, y, weight)
    np.testing.assert_allclose(own.predict(X), built_in.predict(X), atol=1e-4)
    np.testing.assert_allclose(own.train_score_, built_in.train_score_, rtol=1e-4)


def test_an_own_loss_classifies(waves):
    X, y = waves
    y = np.digitize(y, [-0.5, 0.5])
    own = HistGradientBoostingClassifier(loss=Softmax(), max_iter=20).fit(X, y)
    assert own.score(X, y) == pytest.approx(HistGradientBoostingClassifier(max_iter=20).fit(X, y).score(X, y), abs=0.02)
    np.testing.assert_allclose(own.predict_proba(X).sum(axis=1), 1)

    class Logistic:
        def gradient_hessian(self, y_true, raw_prediction, sample_weight=None):
            p = 1 / (1 + np.exp(-raw_prediction))
            return p - y_true, p * (1 - p)

    binary = HistGradientBoostingClassifier(loss=Logistic(), max_iter=20).fit(X, y == 2)
    assert binary.score(X, y == 2) > 0.9
    assert binary.predict_proba(X).shape == (2000, 2)


def test_an_own_loss_that_returns_nonsense_is_named(waves):
    X, y = waves

    class Nonsense(HalfSquares):
        def gradient_hessian(self, y_true, raw_prediction, sample_weight=None):
            return raw_prediction * np.nan, np.ones_like(y_true)

        __call__ = None

    with pytest.raises(ValueError, match="gradient_hessian of the loss .* must return two arrays of finite numbers"):
        HistGradientBoostingRegressor(loss=Nonsense(), max_iter=2).fit(X, y)

    class Silent:
        gradient_hessian = HalfSquares.gradient_hessian

    with pytest.raises(TypeError, match="Early stopping by the loss needs a loss that can be called: give Silent"):
        HistGradientBoostingRegressor(loss=Silent(), early_stopping=True).fit(X, y)


# ---------------------------------------------------------------- text


def test_a_model_comes_back_from_its_text(waves, tmp_path):
    X, y = waves
    X = X.copy()
    X[::9, 1] = np.nan
    X[:, 3] = np.arange(len(X)) % 7
    model = HistGradientBoostingRegressor(max_iter=6, categorical_features=[3], monotonic_cst=[1, 0, 0, 0]).fit(X, y)
    text = model.to_json()
    back = HistGradientBoostingRegressor.from_json(text)
    np.testing.assert_array_equal(back.predict(X), model.predict(X))
    assert back.to_json() == text
    assert model.to_json(tmp_path / "model.json") is None
    again = HistGradientBoostingRegressor.from_json(tmp_path / "model.json")
    for some in (back, again):
        some.set_params(warm_start=True, max_iter=9).fit(X, y)
    whole = HistGradientBoostingRegressor(**{**model.get_params(), "max_iter": 9}).fit(X, y)
    np.testing.assert_array_equal(again.predict(X), whole.predict(X))


def test_the_text_says_all_that_a_prediction_takes(waves):
    X, y = waves
    model = HistGradientBoostingClassifier(max_iter=4).fit(X, np.where(y > 0, "up", "down"))
    content = json.loads(model.to_json())
    assert content["classes"]["values"] == ["down", "up"]

    def walk(nodes, x):
        node = nodes[0]
        while "feature" in node:
            value = x[content["features"][node["feature"]]["feature"]]
            node = nodes[node["left"] if value <= node["threshold"] else node["right"]]
        return node["value"]

    raw = [content["baseline"][0] + sum(walk(trees[0], x) for trees in content["iterations"]) for x in X[:50]]
    np.testing.assert_allclose(raw, model.decision_function(X[:50]), rtol=1e-12)


def test_a_table_of_words_comes_back_from_its_text(rng):
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"n": rng.normal(size=300), "w": pandas.Categorical(rng.choice(["a", "bc", "d"], 300))})
    table.loc[::20, "w"] = None
    y = (table["w"] == "bc") + table["n"] > 0.5
    model = HistGradientBoostingClassifier(max_iter=5, class_weight={False: 1, True: 2}).fit(table, y)
    back = HistGradientBoostingClassifier.from_json(model.to_json())
    np.testing.assert_array_equal(back.predict_proba(table), model.predict_proba(table))
    assert back.class_weight == {False: 1, True: 2}
    table["w"] = pandas.Categorical(["never seen"] * 300)
    np.testing.assert_array_equal(back.predict_proba(table), model.predict_proba(table))


def test_what_has_no_text_is_refused(waves):
    X, y = waves
    with pytest.raises(TypeError, match="loss=.* cannot be written as JSON. Pickle the model"):
        HistGradientBoostingRegressor(loss=HalfSquares(), max_iter=1).fit(X, y).to_json()
    text = HistGradientBoostingRegressor(max_iter=1).fit(X, y).to_json()
    with pytest.raises(ValueError, match="holds a HistGradientBoostingRegressor, not a HistGradientBoostingClassifier"):
        HistGradientBoostingClassifier.from_json(text)


# ---------------------------------------------------------------- tools of others


@pytest.mark.parametrize("cls", [HistGradientBoostingClassifier, HistGradientBoostingRegressor])
def test_partial_dependence_by_recursion_is_that_by_brute_force(cls, waves):
    X, y = waves
    y = (y > 0).astype(int) if cls is HistGradientBoostingClassifier else y
    model = cls(max_iter=20, max_leaf_nodes=4).fit(X, y)
    options = {"features": [2], "grid_resolution": 12, "response_method": "decision_function"}
    if cls is HistGradientBoostingRegressor:
        del options["response_method"]
    fast, slow = (partial_dependence(model, X, method=m, **options) for m in ("recursion", "brute"))
    fast, slow = (result["average"][0] - result["average"][0].mean() for result in (fast, slow))
    np.testing.assert_allclose(fast, slow, atol=0.05 * np.ptp(slow))


def test_partial_dependence_looks_at_the_feature_that_was_named_beside_categories_too(rng):
    X = np.c_[rng.normal(size=(800, 2)), rng.integers(0, 4, 800)]
    model = HistGradientBoostingRegressor(categorical_features=[2], max_iter=30).fit(X, 2 * X[:, 0] + (X[:, 2] == 1))
    steep, flat = (np.ptp(partial_dependence(model, X, [j], method="recursion")["average"]) for j in (0, 1))
    assert steep > 5
    assert flat < 0.5


def test_permutation_importance_and_learning_curves_work(waves):
    X, y = waves
    model = HistGradientBoostingRegressor(max_iter=20)
    found = permutation_importance(model.fit(X, y), X, y, n_repeats=2, random_state=0).importances_mean
    assert found.argmin() == 3
    _, _, scores = learning_curve(model, X, y, train_sizes=[0.1, 1.0], cv=3)
    assert scores[0].mean() < scores[1].mean()


@pytest.mark.parametrize("cls", [HistGradientBoostingClassifier, HistGradientBoostingRegressor])
def test_shap_values_add_up_to_the_raw_prediction(cls, waves):
    shap = pytest.importorskip("shap")
    X, y = waves
    model = cls(max_iter=10).fit(X, (y > 0).astype(int) if cls is HistGradientBoostingClassifier else y)
    explainer = shap.TreeExplainer(model)
    values = explainer.shap_values(X[:50])
    total = values.sum(axis=1) + np.ravel(explainer.expected_value)
    np.testing.assert_allclose(total, model._raw_predict(X[:50]).ravel(), atol=1e-6)
