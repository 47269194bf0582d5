"""What reads scikit-learn's trees reads ours: plots, texts, SHAP, partial dependence, importances, ONNX."""

import numpy as np
import pytest
import sklearn.tree
from sklearn.base import is_classifier
from sklearn.datasets import load_diabetes, load_iris
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.model_selection import GridSearchCV, learning_curve

from ghostflow_learn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier, ExtraTreeRegressor

TREES = [DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier, ExtraTreeRegressor]


def data_of(model):
    return (load_iris if is_classifier(model) else load_diabetes)(return_X_y=True, as_frame=True)


@pytest.fixture(params=TREES, ids=lambda cls: cls.__name__)
def model(request):
    model = request.param(max_depth=4, random_state=0)
    return model.fit(*data_of(model))


@pytest.fixture
def theirs(model):
    return getattr(sklearn.tree, type(model).__name__)(**model.get_params()).fit(*data_of(model))


def test_texts_and_graphs_are_scikit_learns(model, theirs):
    names = list(model.feature_names_in_)
    for export in sklearn.tree.export_text, sklearn.tree.export_graphviz:
        assert export(model, feature_names=names) == export(theirs, feature_names=names)


def test_a_plot_has_a_box_for_each_node(model):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    _, axes = plt.subplots()
    boxes = sklearn.tree.plot_tree(model, filled=True, ax=axes)
    plt.close("all")
    n_nodes = model.tree_.node_count
    labels = [box.get_text() for box in boxes if box.get_text().strip() not in ("True", "False")]
    assert len(labels) == n_nodes
    assert f"samples = {model.tree_.n_node_samples[0]}" in labels[0]


@pytest.mark.parametrize("method", ["recursion", "brute"])
def test_partial_dependence_of_a_regression_tree(model, theirs, method):
    if is_classifier(model):
        pytest.skip("of classifiers scikit-learn has it for boosting alone")
    X, _ = data_of(model)
    got, want = (
        partial_dependence(m, X, ["bmi", "s5"], method=method, grid_resolution=9)["average"] for m in (model, theirs)
    )
    np.testing.assert_allclose(got, want, rtol=1e-12)
    assert np.ptp(got) > 20


def test_shap_values_add_up_to_the_prediction(model):
    shap = pytest.importorskip("shap")
    X, _ = data_of(model)
    explainer = shap.TreeExplainer(model)
    values = explainer.shap_values(X.iloc[:40])
    answer = model.predict_proba(X.iloc[:40]) if is_classifier(model) else model.predict(X.iloc[:40])
    np.testing.assert_allclose(values.sum(axis=1) + explainer.expected_value, answer, rtol=1e-5, atol=1e-6)
    assert np.abs(values).max() > 0.1


def test_permutation_importance_finds_the_features_of_the_tree(model):
    X, y = data_of(model)
    importance = permutation_importance(model, X, y, n_repeats=3, random_state=0).importances_mean
    assert importance[model.feature_importances_ == 0].tolist() == [0] * (model.feature_importances_ == 0).sum()
    assert importance[model.feature_importances_.argmax()] > 0


def test_a_search_and_a_learning_curve_run_on_trees(model):
    X, y = data_of(model)
    search = GridSearchCV(type(model)(random_state=0), {"max_depth": [1, 3], "min_samples_leaf": [1, 5]}, cv=3).fit(
        X, y
    )
    assert search.best_params_["max_depth"] == 3
    _, train, test = learning_curve(
        type(model)(random_state=0), X, y, cv=3, train_sizes=[0.5, 1.0], shuffle=True, random_state=0
    )
    assert (train.mean(axis=1) > test.mean(axis=1)).all()


def test_a_tree_of_several_outputs_converts_to_onnx(rng):
    to_onnx = pytest.importorskip("skl2onnx").to_onnx
    runtime = pytest.importorskip("onnxruntime")
    from ghostflow_learn import onnx

    onnx.register()
    X = rng.normal(size=(80, 3)).astype(np.float32)
    model = DecisionTreeRegressor(max_depth=4).fit(X, X[:, :2])
    session = runtime.InferenceSession(to_onnx(model, X[:1]).SerializeToString(), providers=["CPUExecutionProvider"])
    np.testing.assert_allclose(session.run(None, {"X": X})[0], model.predict(X), rtol=1e-5)
