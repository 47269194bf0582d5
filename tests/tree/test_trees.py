"""Decision and extra trees: what they learn, that they are scikit-learn's, what they refuse."""

import pickle
import warnings

import numpy as np
import pytest
import sklearn.tree
from scipy.sparse import coo_matrix, csc_array, csc_matrix, csr_matrix
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_linnerud
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import cross_val_score

import ghostflow_learn.tree
from ghostflow_learn import config_context
from ghostflow_learn.tree import (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreeClassifier,
    ExtraTreeRegressor,
)

CLASSIFIERS, REGRESSORS = [DecisionTreeClassifier, ExtraTreeClassifier], [DecisionTreeRegressor, ExtraTreeRegressor]
every_tree = pytest.mark.parametrize("Tree", CLASSIFIERS + REGRESSORS)


def theirs(model):
    """scikit-learn's unfitted model of the same name and parameters."""
    return getattr(sklearn.tree, type(model).__name__)(**model.get_params())


def assert_same_model(ours, theirs):
    got, want = ours.tree_.__getstate__(), theirs.tree_.__getstate__()
    assert got["nodes"].shape == want["nodes"].shape
    for name in want["nodes"].dtype.names:
        same = assert_close if name == "impurity" else np.testing.assert_array_equal
        same(got["nodes"][name], want["nodes"][name], err_msg=name)
    assert_close(got["values"], want["values"])
    assert got["max_depth"] == want["max_depth"]
    attributes = {name for name in vars(theirs) if name.endswith("_") and name != "tree_"}
    assert attributes == {name for name in vars(ours) if name.endswith("_") and name != "tree_"}
    for name in attributes:
        got, want = getattr(ours, name), getattr(theirs, name)
        assert type(got) is type(want), name
        for g, w in zip(got, want, strict=True) if isinstance(want, list) else [(got, want)]:
            np.testing.assert_array_equal(g, w, err_msg=name)
            assert np.asarray(g).dtype == np.asarray(w).dtype, name


def assert_close(got, want, err_msg=""):
    """But for the order of sums over samples whose values tie."""
    np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-13, err_msg=err_msg)


def data_of(Tree, rng, n_samples=150):
    X = rng.normal(size=(n_samples, 5))
    signal = X[:, 0] + np.sign(X[:, 1]) + 0.3 * rng.normal(size=n_samples)
    # Targets with few bits have exact sums, so that equally good splits are equally good to the last bit.
    return X, (signal > 0).astype(int) if Tree in CLASSIFIERS else np.round(64 * signal) / 64


# What a tree learns


def test_a_regression_tree_of_one_split_predicts_two_means():
    X = np.arange(6.0)[:, None]
    model = DecisionTreeRegressor(max_depth=1).fit(X, [1, 2, 3, 10, 11, 12])
    assert model.tree_.threshold[0] == 2.5
    assert model.predict([[-1], [2.4], [2.6], [99]]).tolist() == [2, 2, 11, 11]
    assert model.tree_.impurity[1:].tolist() == pytest.approx([2 / 3, 2 / 3])


def test_a_tree_of_absolute_errors_predicts_medians():
    X, y = np.arange(6.0)[:, None], [1, 2, 30, 100, 110, 900]
    model = DecisionTreeRegressor(criterion="absolute_error", max_depth=1).fit(X, y)
    assert model.predict([[0], [5]]).tolist() == [30, 900]


def test_an_exclusive_or_needs_two_levels():
    X, y = [[0, 0], [0, 1], [1, 0], [1, 1]] * 3, [0, 1, 1, 0] * 3
    model = DecisionTreeClassifier(random_state=0).fit(X, y)
    assert model.get_depth() == 2
    assert model.get_n_leaves() == 4
    assert model.score(X, y) == 1


def test_equally_frequent_classes_predict_the_first():
    assert DecisionTreeClassifier().fit([[1], [1], [1], [1]], ["b", "a", "b", "a"]).predict([[1]]).tolist() == ["a"]


@every_tree
def test_a_full_tree_knows_the_training_data(Tree, rng):
    X, y = data_of(Tree, rng)
    np.testing.assert_array_equal(Tree(random_state=0).fit(X, y).predict(X.astype(np.float32)), y)


@every_tree
def test_a_tree_is_better_than_a_constant_on_new_data(Tree, rng):
    X, y = data_of(Tree, rng, n_samples=600)
    score = cross_val_score(Tree(min_samples_leaf=5, max_features=None, random_state=0), X, y, cv=5).mean()
    assert score > (np.bincount(y).max() / len(y) if Tree in CLASSIFIERS else 0) + 0.1


# Invariances


@pytest.mark.parametrize("Tree", [DecisionTreeClassifier, DecisionTreeRegressor])
def test_a_weight_of_two_is_a_sample_twice(Tree, rng):
    X, y = data_of(Tree, rng)
    y, twice = np.round(y), rng.integers(0, 3, size=len(y))
    weighted = Tree(random_state=0).fit(X, y, sample_weight=twice)
    repeated = Tree(random_state=0).fit(np.repeat(X, twice, axis=0), np.repeat(y, twice))
    np.testing.assert_array_equal(weighted.tree_.threshold, repeated.tree_.threshold)
    np.testing.assert_array_equal(weighted.predict(X), repeated.predict(X))


def test_monotone_changes_of_a_feature_leave_the_partition_as_it_is(rng):
    X, y = data_of(DecisionTreeClassifier, rng)
    leaves = [DecisionTreeClassifier(random_state=0).fit(Z, y).apply(Z) for Z in (X, np.exp(X), X**3)]
    np.testing.assert_array_equal(leaves[0], leaves[1])
    np.testing.assert_array_equal(leaves[0], leaves[2])


@pytest.mark.parametrize("Tree", [DecisionTreeClassifier, DecisionTreeRegressor])
@pytest.mark.parametrize("sign", [-1, 1])
def test_constrained_predictions_never_turn(Tree, rng, sign):
    X = rng.uniform(-1, 1, size=(300, 3))
    y = np.sin(5 * X[:, 0]) + X[:, 1] + rng.normal(size=300)
    y = (y > 0).astype(int) if Tree is DecisionTreeClassifier else y
    model = Tree(monotonic_cst=[sign, 0, 0], min_samples_leaf=3, random_state=0).fit(X, y)
    grid = np.repeat(X[:50, None], 60, axis=1)
    grid[:, :, 0] = np.linspace(-1.2, 1.2, 60)
    rows = grid.reshape(-1, 3)
    values = (model.predict_proba(rows)[:, 1] if Tree is DecisionTreeClassifier else model.predict(rows)).reshape(
        50, 60
    )
    assert (sign * np.diff(values, axis=1) >= 0).all()
    assert np.ptp(values, axis=1).max() > 0


# scikit-learn's models

PARAMETERS = [
    {},
    {"max_features": "sqrt", "min_samples_leaf": 3},
    {"max_features": 0.5, "max_depth": 4, "min_samples_split": 0.1},
    {"max_features": "log2", "max_leaf_nodes": 12, "min_impurity_decrease": 0.001},
    {"min_weight_fraction_leaf": 0.05, "max_features": 2, "min_samples_leaf": 0.02},
    {"ccp_alpha": 0.005},
    {"ccp_alpha": 0.002, "max_leaf_nodes": 20},
]


@pytest.mark.parametrize("parameters", PARAMETERS, ids=lambda p: "-".join(p) or "defaults")
@pytest.mark.parametrize("criterion", ["gini", "entropy", "log_loss"])
@pytest.mark.parametrize("Tree", CLASSIFIERS)
def test_a_seed_gives_scikit_learns_classification_tree(Tree, criterion, parameters):
    X, y = load_breast_cancer(return_X_y=True)
    model = Tree(criterion=criterion, random_state=3, **parameters).fit(X, y)
    assert_same_model(model, theirs(model).fit(X, y))


@pytest.mark.parametrize("parameters", PARAMETERS, ids=lambda p: "-".join(p) or "defaults")
@pytest.mark.parametrize("criterion", ["squared_error", "absolute_error", "poisson"])
@pytest.mark.parametrize("Tree", REGRESSORS)
def test_a_seed_gives_scikit_learns_regression_tree(Tree, criterion, parameters):
    X, y = load_diabetes(return_X_y=True)
    model = Tree(criterion=criterion, random_state=3, **parameters).fit(X, y)
    assert_same_model(model, theirs(model).fit(X, y))


@pytest.mark.parametrize("class_weight", ["balanced", {0: 1, 1: 5, 2: 0.5}])
@pytest.mark.parametrize("Tree", CLASSIFIERS)
def test_class_weights_are_scikit_learns(Tree, class_weight, rng):
    X, y = load_iris(return_X_y=True)
    X, sample_weight = X + rng.normal(size=X.shape), rng.integers(0, 3, size=len(y))
    model = Tree(class_weight=class_weight, random_state=0).fit(X, y, sample_weight)
    assert_same_model(model, theirs(model).fit(X, y, sample_weight))


@pytest.mark.parametrize("Tree", CLASSIFIERS)
def test_several_outputs_are_scikit_learns(Tree, rng):
    X = rng.normal(size=(120, 4))
    y = np.c_[np.where(X[:, 0] > 0, "a", "b"), np.array(list("wxyz"))[np.digitize(X[:, 1], [-1, 0, 1])]]
    weights = [{"a": 1, "b": 3}, {"w": 1, "x": 2, "y": 1, "z": 4}]
    model = Tree(random_state=0, max_depth=4, class_weight=weights).fit(X, y)
    want = theirs(model).fit(X, y)
    assert_same_model(model, want)
    np.testing.assert_array_equal(model.predict(X), want.predict(X))
    for got, wanted in zip(model.predict_proba(X), want.predict_proba(X), strict=True):
        np.testing.assert_array_equal(got, wanted)
    with np.errstate(divide="ignore"):
        for got, wanted in zip(model.predict_log_proba(X), want.predict_log_proba(X), strict=True):
            np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("Tree", REGRESSORS)
def test_several_targets_are_scikit_learns(Tree):
    X, y = load_linnerud(return_X_y=True)
    model = Tree(random_state=0).fit(X, y)
    want = theirs(model).fit(X, y)
    assert_same_model(model, want)
    np.testing.assert_array_equal(model.predict(X), want.predict(X))


@every_tree
def test_missing_values_go_where_scikit_learn_sends_them(Tree, rng):
    X, y = data_of(Tree, rng)
    X[rng.uniform(size=X.shape) < 0.2] = np.nan
    model = Tree(splitter="random" if Tree in (ExtraTreeClassifier, ExtraTreeRegressor) else "best", random_state=0)
    want = theirs(model).fit(X, y)
    assert_same_model(model.fit(X, y), want)
    assert set(model.tree_.missing_go_to_left) == {0, 1}
    all_missing = np.full((1, 5), np.nan)
    np.testing.assert_array_equal(model.predict(all_missing), want.predict(all_missing))


@every_tree
@pytest.mark.parametrize("container", [csc_matrix, csr_matrix, coo_matrix, csc_array])
def test_sparse_data_give_scikit_learns_tree(Tree, container, rng):
    X, y = data_of(Tree, rng)
    X = np.where(np.abs(X) > 0.8, X, 0)
    model = Tree(random_state=0).fit(container(X), y)
    assert_same_model(model, theirs(model).fit(container(X), y))
    np.testing.assert_array_equal(model.predict(csr_matrix(X)), model.predict(X))
    np.testing.assert_array_equal(model.apply(csr_matrix(X)), model.apply(X))
    assert (model.decision_path(csr_matrix(X)) != model.decision_path(X)).nnz == 0


@every_tree
def test_answers_about_new_data_are_scikit_learns(Tree, rng):
    X, y = data_of(Tree, rng)
    new = rng.normal(size=(2500, 5))
    ours = Tree(random_state=0).fit(X, y)
    want = theirs(ours).fit(X, y)
    methods = ["predict", "apply"] + (["predict_proba", "predict_log_proba"] if Tree in CLASSIFIERS else [])
    for method in methods:
        with np.errstate(divide="ignore"):
            for rows in new, new[:10]:  # many rows take another path than few
                got, wanted = getattr(ours, method)(rows), getattr(want, method)(rows)
                np.testing.assert_array_equal(got, wanted, err_msg=method)
                assert got.dtype == wanted.dtype
    got, wanted = ours.decision_path(new), want.decision_path(new)
    assert (got != wanted).nnz == 0
    assert (type(got), got.dtype, got.shape) == (type(wanted), wanted.dtype, wanted.shape)
    np.testing.assert_array_equal(ours.feature_importances_, want.feature_importances_)


def test_a_random_state_goes_on_as_scikit_learns_does(rng):
    X, y = data_of(ExtraTreeClassifier, rng)
    states = np.random.RandomState(4), np.random.RandomState(4)
    for _ in range(3):
        ours, want = (
            module.ExtraTreeClassifier(random_state=state).fit(X, y)
            for module, state in zip((sklearn.tree, ghostflow_learn.tree), states, strict=True)
        )
        np.testing.assert_array_equal(ours.tree_.threshold, want.tree_.threshold)


# Data of every kind


@every_tree
def test_a_constant_feature_and_a_single_sample_give_one_leaf(Tree):
    for X, y in (np.ones((8, 2)), [0, 1] * 4), ([[3.0, 4.0]], [1]):
        model = Tree(random_state=0).fit(X, y)
        assert model.get_n_leaves() == 1
        assert model.predict(X)[0] == (np.mean(y) if Tree in REGRESSORS else y[0])
        assert model.feature_importances_.tolist() == [0, 0]


@every_tree
def test_integers_booleans_lists_and_frames_are_read_alike(Tree, rng):
    pandas = pytest.importorskip("pandas")
    X = rng.integers(0, 9, size=(60, 3))
    y = X[:, 0] % 2
    want = Tree(random_state=0).fit(X, y).predict(X)
    for Z in X.tolist(), X.astype(np.int8), np.asfortranarray(X, dtype=np.float32), X.astype(object):
        np.testing.assert_array_equal(Tree(random_state=0).fit(Z, y).predict(Z), want)
    frame = pandas.DataFrame(X, columns=["a", "b", "c"])
    model = Tree(random_state=0).fit(frame, pandas.Series(y))
    assert model.feature_names_in_.tolist() == ["a", "b", "c"]
    np.testing.assert_array_equal(model.predict(frame), want)
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame[["b", "a", "c"]])


def test_a_read_only_memory_map_is_read(tmp_path, rng):
    X, y = data_of(DecisionTreeClassifier, rng)
    np.save(tmp_path / "X.npy", X.astype(np.float32))
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    assert_same_model(*(DecisionTreeClassifier(random_state=0).fit(Z, y) for Z in (mapped, X)))


@every_tree
def test_the_data_are_only_read(Tree, rng):
    X, y = data_of(Tree, rng)
    for Z in X.astype(np.float32), np.asfortranarray(X, dtype=np.float32):
        before = Z.copy()
        Tree(random_state=0).fit(Z, y).predict(Z)
        np.testing.assert_array_equal(Z, before)


def test_without_checks_float32_is_trusted(rng):
    X, y = data_of(DecisionTreeRegressor, rng)
    X, checked = X.astype(np.float32), DecisionTreeRegressor(random_state=0).fit(X, y)
    assert_same_model(DecisionTreeRegressor(random_state=0).fit(X, y, check_input=False), checked)
    for method in "predict", "apply", "decision_path":
        got, want = getattr(checked, method)(X, check_input=False), getattr(checked, method)(X)
        np.testing.assert_array_equal(
            got if method != "decision_path" else got.indices, want if method != "decision_path" else want.indices
        )
    with pytest.raises(ValueError, match="X.dtype should be np.float32, got float64"):
        checked.predict(X.astype(np.float64), check_input=False)
    with pytest.raises(ValueError, match="X has 4 features, but DecisionTreeRegressor is expecting 5"):
        checked.predict(X[:, :4], check_input=False)


def test_changes_of_the_nodes_are_seen_by_predict(rng):
    X, y = data_of(DecisionTreeRegressor, rng, n_samples=3000)
    model = DecisionTreeRegressor(max_depth=3, random_state=0).fit(X, y)
    model.tree_.value[:] = 7.0
    assert set(model.predict(X)) == set(model.predict(X[:9])) == {7.0}
    model.tree_.children_left[0] = model.tree_.children_right[0] = -1
    assert set(model.apply(X)) == set(model.apply(X[:9])) == {0}


@every_tree
def test_the_number_of_threads_changes_nothing(Tree, rng):
    X, y = data_of(Tree, rng, n_samples=3000)
    models = []
    for n_threads in 1, 2, 7:
        with config_context(n_threads=n_threads):
            models.append(Tree(random_state=0).fit(X, y))
    assert_same_model(models[1], models[0])
    assert_same_model(models[2], models[0])


@every_tree
def test_a_model_survives_a_pickle_and_a_clone(Tree, rng):
    X, y = data_of(Tree, rng)
    model = Tree(random_state=0, max_depth=3).fit(X, y)
    assert_same_model(pickle.loads(pickle.dumps(model)), model)
    assert_same_model(clone(model).fit(X, y), model)
    assert isinstance(model, getattr(sklearn.tree, Tree.__name__))


@every_tree
def test_a_gpu_array_is_answered_on_the_gpu(Tree, rng, on_gpu):
    X, y = data_of(Tree, rng)
    X = X.astype(np.float32)
    on_host = Tree(random_state=0).fit(X, y)
    model = Tree(random_state=0).fit(on_gpu(X), y)
    assert_same_model(model, on_host)
    for method in ("predict", "apply") + (("predict_proba",) if Tree in CLASSIFIERS else ()):
        answer = getattr(model, method)(on_gpu(X))
        assert type(answer).__module__.startswith("cupy")
        np.testing.assert_array_equal(answer.get(), getattr(on_host, method)(X))


# What is refused


@every_tree
def test_infinite_values_and_missing_ones_in_sparse_data_are_refused(Tree, rng):
    X, y = data_of(Tree, rng)
    for value in np.inf, -np.inf, 1e60:
        X[3, 2] = value
        with pytest.raises(ValueError, match="Input X contains infinity or a value too large for dtype"):
            Tree().fit(X, y)
    X[3, 2] = np.nan
    with pytest.raises(ValueError, match="Input X contains NaN"):
        Tree().fit(csc_matrix(X), y)


@pytest.mark.parametrize("Tree", [ExtraTreeClassifier, ExtraTreeRegressor])
def test_missing_values_are_refused_by_extra_trees_that_try_every_split(Tree):
    with pytest.raises(ValueError, match="Input X contains NaN"):
        Tree(splitter="best").fit([[np.nan], [1]], [0, 1])


@every_tree
@pytest.mark.parametrize(
    "fit, message",
    [
        ({"X": [[1], [2]], "y": None}, "requires y to be passed, but the target y is None"),
        ({"X": [[1], [2]], "y": [1, 2, 3]}, "Number of labels=3 does not match number of samples=2"),
        ({"X": [[1], [2]], "y": [np.nan, 1]}, "Input y contains NaN"),
        ({"X": [1, 2], "y": [1, 2]}, "Expected 2D array, got 1D array instead"),
        ({"X": np.empty((0, 2)), "y": []}, "Found array with 0 sample"),
        ({"X": [["a"], ["b"]], "y": [1, 2]}, "could not convert string to float"),
        ({"X": np.array([[1j], [2]]), "y": [1, 2]}, "Complex data not supported"),
        ({"X": [[1], [2]], "y": [1, 2], "sample_weight": [0, 0]}, "at least one non-zero number"),
        ({"X": [[1], [2]], "y": [1, 2], "sample_weight": [1]}, "sample_weight.shape == "),
        ({"X": [[1], [2]], "y": [1, 2], "sample_weight": [1, np.inf]}, "Input sample_weight contains infinity"),
    ],
)
def test_bad_data_are_refused_in_scikit_learns_words(Tree, fit, message):
    with pytest.raises(ValueError, match=message):
        Tree().fit(**fit)
    with pytest.raises(ValueError, match=message):
        theirs(Tree()).fit(**fit)


@every_tree
@pytest.mark.parametrize("change", [{"max_depth": 0}, {"criterion": "mse"}, {"max_features": 0}, {"ccp_alpha": -1.0}])
def test_bad_parameters_are_named(Tree, change):
    with pytest.raises(ValueError, match=f"The '{next(iter(change))}' parameter of {Tree.__name__} must be"):
        Tree(**change).fit([[1], [2]], [0, 1])


@pytest.mark.parametrize(
    "Tree, cst, y, message",
    [
        (DecisionTreeClassifier, [1, 0], [0, 1, 1], r"monotonic_cst has shape 2 but the input data X has 1 features"),
        (DecisionTreeRegressor, [2], [0, 1, 1], r"must be None or an array-like of -1, 0 or 1, but got \[2\]"),
        (DecisionTreeClassifier, [1], [0, 1, 2], "not supported with multiclass classification"),
        (DecisionTreeRegressor, [1], [[0, 1], [1, 2], [2, 1]], "not supported with multiple outputs"),
    ],
)
def test_constraints_that_make_no_sense_are_refused(Tree, cst, y, message):
    with pytest.raises(ValueError, match=message):
        Tree(monotonic_cst=cst).fit([[1], [2], [3]], y)


def test_counts_are_not_negative_and_not_all_zero():
    with pytest.raises(ValueError, match="negative which is not allowed for Poisson regression"):
        DecisionTreeRegressor(criterion="poisson").fit([[1], [2]], [-1, 2])
    with pytest.raises(ValueError, match="Sum of y is not positive"):
        DecisionTreeRegressor(criterion="poisson").fit([[1], [2]], [0, 0])


def test_a_real_target_is_no_label():
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        DecisionTreeClassifier().fit([[1], [2]], [0.5, 1.2])


def test_almost_as_many_classes_as_samples_are_announced():
    with pytest.warns(UserWarning, match="The number of unique classes is greater than 50%"):
        DecisionTreeClassifier().fit(np.arange(30)[:, None], np.arange(30))


@pytest.mark.parametrize("Tree", REGRESSORS)
def test_the_deprecated_name_of_the_squared_error_still_works(Tree):
    with pytest.warns(FutureWarning, match='"friedman_mse"` for `criterion` is deprecated'):
        model = Tree(criterion="friedman_mse")
    assert model.criterion == "squared_error"


@every_tree
def test_an_unfitted_tree_says_so(Tree):
    for call in (
        lambda m: m.predict([[1]]),
        lambda m: m.apply([[1]]),
        lambda m: m.get_depth(),
        lambda m: m.get_n_leaves(),
    ):
        with pytest.raises(NotFittedError):
            call(Tree())
    with pytest.raises(NotFittedError):
        _ = Tree().feature_importances_


def test_nothing_warns_on_usual_data(rng):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for Tree in CLASSIFIERS + REGRESSORS:
            X, y = data_of(Tree, rng)
            Tree(random_state=0).fit(X, y).predict(X)
