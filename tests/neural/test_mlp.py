"""MLPClassifier and MLPRegressor: a step by hand, the gradient, scikit-learn's models, edges, quality, errors."""

import os
import pickle
import signal
import threading

import numpy as np
import pytest
import sklearn.neural_network
from scipy import sparse
from sklearn.datasets import load_digits, load_iris, make_multilabel_classification, make_regression
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from ghostflow_learn import config_context
from ghostflow_learn.neural_network import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

ACTIVATIONS = ["identity", "logistic", "tanh", "relu"]
SOLVERS = ["adam", "sgd", "lbfgs"]
THEIRS = {MLPClassifier: sklearn.neural_network.MLPClassifier, MLPRegressor: sklearn.neural_network.MLPRegressor}


def digits(n_samples=400):
    X, y = load_digits(return_X_y=True)
    return X[:n_samples] / 16, y[:n_samples]


def numbers(n_targets=1):
    X, y = make_regression(200, 8, n_targets=n_targets, noise=5, random_state=0)
    return X, (y - y.mean(axis=0)) / y.std(axis=0)


TARGETS = {
    "classes": (MLPClassifier, *digits()),
    "two classes": (MLPClassifier, digits()[0], digits()[1] > 4),
    "labels": (MLPClassifier, *make_multilabel_classification(200, random_state=0)),
    "numbers": (MLPRegressor, *numbers()),
    "several numbers": (MLPRegressor, *numbers(3)),
}


def both(ours, X, y, sample_weight=None, **params):
    """Our model and scikit-learn's of the same parameters."""
    params = {"hidden_layer_sizes": (16, 8), "batch_size": 64, "max_iter": 12, "random_state": 3, **params}
    return [cls(**params).fit(X, y, sample_weight=sample_weight) for cls in (ours, THEIRS[ours])]


def assert_same_fit(ours, theirs, rtol=1e-9):
    if ours.solver != "lbfgs":
        np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=rtol)
        assert (ours.t_, ours._no_improvement_count) == (theirs.t_, theirs._no_improvement_count)
        for name in ("validation_scores_", "best_validation_score_", "best_loss_"):
            want = getattr(theirs, name)
            assert getattr(ours, name) == (want if want is None else pytest.approx(want, rel=rtol)), name
    assert ours.loss_ == pytest.approx(theirs.loss_, rel=rtol)
    assert (ours.n_iter_, ours.n_layers_, ours.n_outputs_) == (theirs.n_iter_, theirs.n_layers_, theirs.n_outputs_)
    assert ours.out_activation_ == theirs.out_activation_
    for got, want in zip(ours.coefs_ + ours.intercepts_, theirs.coefs_ + theirs.intercepts_, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-8)


def test_one_step_of_one_unit_by_hand():
    """y = relu(w x + b) v + c on one sample: every derivative is a product of two numbers."""
    model = MLPRegressor(
        hidden_layer_sizes=1, solver="sgd", momentum=0, learning_rate_init=0.1, alpha=0.2, random_state=0, max_iter=1
    )
    model.fit([[2.0]], [1.0])
    model.coefs_, model.intercepts_ = [np.array([[3.0]]), np.array([[0.5]])], [np.array([1.0]), np.array([0.25])]
    model.partial_fit([[2.0]], [1.0])
    h, error = 7.0, 7 * 0.5 + 0.25 - 1
    assert model.coefs_[1][0, 0] == pytest.approx(0.5 - 0.1 * (error * h + 0.2 * 0.5))
    assert model.intercepts_[1][0] == pytest.approx(0.25 - 0.1 * error)
    assert model.coefs_[0][0, 0] == pytest.approx(3 - 0.1 * (error * 0.5 * 2 + 0.2 * 3))
    assert model.intercepts_[0][0] == pytest.approx(1 - 0.1 * error * 0.5)
    assert model.loss_ == pytest.approx(error**2 / 2 + 0.2 / 2 * (9 + 0.25))


def test_a_linear_network_finds_least_squares():
    X, y = numbers()
    params = {"hidden_layer_sizes": 3, "activation": "identity", "solver": "lbfgs", "alpha": 0, "tol": 1e-9}
    model = MLPRegressor(**params, max_iter=2000, random_state=0)
    A = np.c_[X, np.ones(len(X))]
    np.testing.assert_allclose(model.fit(X, y).predict(X), A @ np.linalg.lstsq(A, y)[0], atol=1e-3)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("solver", SOLVERS)
def test_the_fit_is_scikit_learns_for_each_target(solver, target):
    ours, X, y = TARGETS[target]
    models = both(ours, X, y, solver=solver)
    assert_same_fit(*models)
    np.testing.assert_allclose(*(m.predict(X[:50]) for m in models), rtol=1e-6, atol=1e-8)
    assert models[0].predict(X).dtype == models[1].predict(X).dtype
    if ours is MLPClassifier:
        np.testing.assert_allclose(*(m.predict_proba(X) for m in models), rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(*(m.predict_log_proba(X) for m in models), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("solver", SOLVERS)
def test_the_fit_is_scikit_learns_for_each_activation(solver, activation):
    assert_same_fit(*both(MLPClassifier, *digits(), solver=solver, activation=activation))


@pytest.mark.parametrize("nesterov", [True, False])
@pytest.mark.parametrize("learning_rate", ["constant", "invscaling", "adaptive"])
def test_schedules_of_sgd_are_scikit_learns(learning_rate, nesterov):
    params = {"learning_rate": learning_rate, "nesterovs_momentum": nesterov, "learning_rate_init": 0.05}
    models = both(MLPClassifier, *digits(), solver="sgd", tol=1e-2, n_iter_no_change=2, max_iter=60, **params)
    assert_same_fit(*models)
    assert models[0]._optimizer.learning_rate == models[1]._optimizer.learning_rate


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("target", TARGETS)
def test_weights_of_samples_act_as_in_scikit_learn(target, solver):
    ours, X, y = TARGETS[target]
    weight = np.random.default_rng(0).uniform(0.1, 2, len(X))
    assert_same_fit(*both(ours, X, y, weight, solver=solver))


@pytest.mark.parametrize("solver", ["lbfgs", "adam"])
def test_poisson_is_scikit_learns(solver):
    X, y = numbers()
    assert_same_fit(*both(MLPRegressor, X, np.round(np.exp(y)), loss="poisson", solver=solver))


@pytest.mark.parametrize("target", TARGETS)
def test_early_stopping_is_scikit_learns(target):
    ours, X, y = TARGETS[target]
    weight = np.random.default_rng(0).uniform(0.1, 2, len(X))
    for sample_weight in (None, weight):
        models = both(ours, X, y, sample_weight, early_stopping=True, max_iter=80, learning_rate_init=0.01)
        assert_same_fit(*models)


def test_warm_start_and_partial_fit_go_on_as_scikit_learns_do():
    X, y = digits()
    for params in (
        {"warm_start": True},
        {"warm_start": True, "solver": "lbfgs"},
        {"warm_start": True, "solver": "sgd"},
    ):
        models = both(MLPClassifier, X, y, **params)
        assert_same_fit(*(model.fit(X[:300], y[:300]) for model in models))
    for solver in ("adam", "sgd"):
        models = [cls(16, solver=solver, random_state=0) for cls in (MLPClassifier, THEIRS[MLPClassifier])]
        for start in range(0, 400, 100):
            for model in models:
                model.partial_fit(X[start : start + 100], y[start : start + 100], classes=range(10))
        assert_same_fit(*models)


@pytest.mark.parametrize("container", [sparse.csr_matrix, sparse.csc_array])
@pytest.mark.parametrize("solver", SOLVERS)
def test_sparse_data_give_the_model_of_dense_ones(solver, container):
    X, y = digits()
    dense, _ = both(MLPClassifier, X, y, solver=solver)
    assert_same_fit(both(MLPClassifier, container(X), y, solver=solver)[0], dense)
    np.testing.assert_allclose(dense.predict_proba(container(X)), dense.predict_proba(X), atol=1e-12)


@pytest.mark.parametrize("solver", SOLVERS)
def test_float32_stays_float32_and_close_to_float64(solver):
    X, y = digits()
    model, theirs = both(MLPClassifier, X, y, solver=solver)
    single = MLPClassifier(**model.get_params()).fit(X.astype(np.float32), y)
    assert {array.dtype for array in single.coefs_ + single.intercepts_} == {np.dtype("float32")}
    assert single.predict_proba(X.astype(np.float32)).dtype == np.float32
    assert single.loss_ == pytest.approx(theirs.loss_, rel=1e-4)


def test_wide_layers_take_the_blocks_and_give_scikit_learns_model():
    X, y = digits(600)
    assert_same_fit(*both(MLPClassifier, X, y, hidden_layer_sizes=(300, 300), batch_size=300, max_iter=3))


@pytest.mark.parametrize("sizes", [(16,), (300, 300)])
@pytest.mark.parametrize("solver", SOLVERS)
def test_the_number_of_threads_changes_no_bit(solver, sizes):
    X, y = digits(600)
    models = []
    for n_threads in (1, 2, 5):
        with config_context(n_threads=n_threads):
            models.append(MLPClassifier(sizes, solver=solver, batch_size=300, max_iter=3, random_state=0).fit(X, y))
    for model in models[1:]:
        assert model.loss_ == models[0].loss_
        for a, b in zip(model.coefs_, models[0].coefs_):
            np.testing.assert_array_equal(a, b)


def test_a_pickle_goes_on_learning_where_it_was():
    X, y = digits()
    for solver in ("adam", "sgd"):
        model = MLPClassifier(16, solver=solver, random_state=0)
        for _ in range(3):
            model.partial_fit(X, y, classes=range(10))
        twin = pickle.loads(pickle.dumps(model))
        assert twin.partial_fit(X, y).loss_curve_ == model.partial_fit(X, y).loss_curve_


def test_one_sample_one_feature_one_class():
    assert MLPRegressor(max_iter=3, random_state=0).fit([[1.0]], [2.0]).predict([[1.0]]).shape == (1,)
    model = MLPClassifier(max_iter=3, random_state=0).fit([[1.0], [2.0]], ["a", "a"])
    assert model.predict([[3.0]]).tolist() == ["a"]
    assert model.predict_proba([[3.0]]).shape == (1, 2)


def test_a_batch_whose_samples_all_weigh_nothing_is_passed_over():
    X, y = digits(100)
    weight = np.r_[np.ones(50), np.zeros(50)]
    params = {"solver": "sgd", "batch_size": 50, "shuffle": False, "max_iter": 5, "random_state": 0}
    some = MLPClassifier(**params).fit(X, y, sample_weight=weight)
    only = MLPClassifier(**params).partial_fit(X[:50], y[:50], classes=np.unique(y))
    for _ in range(4):
        only.partial_fit(X[:50], y[:50])
    np.testing.assert_allclose(some.coefs_[0], only.coefs_[0], rtol=1e-12)


def test_labels_may_be_strings_and_float32_is_learnt_from_a_frame():
    X, y = load_iris(return_X_y=True, as_frame=True)
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    model = MLPClassifier(early_stopping=True, learning_rate_init=0.02, max_iter=400, random_state=0)
    assert model.fit(X.astype("float32"), names).score(X.astype("float32"), names) > 0.9
    assert model.feature_names_in_.tolist() == list(X.columns)


def test_it_learns_digits_as_well_as_scikit_learn():
    X, y = digits(1797)
    X, X_test, y, y_test = train_test_split(X.astype(np.float32), y, random_state=0)
    params = {"hidden_layer_sizes": (64,), "max_iter": 40, "random_state": 0}
    ours, theirs = (cls(**params).fit(X, y).score(X_test, y_test) for cls in (MLPClassifier, THEIRS[MLPClassifier]))
    assert ours > 0.94
    assert abs(ours - theirs) < 0.005


def test_what_is_printed_is_what_scikit_learn_prints(capsys):
    X, y = digits(100)
    printed = []
    params = {"verbose": True, "max_iter": 30, "tol": 0.5, "n_iter_no_change": 2, "random_state": 0}
    for learning_rate in ("constant", "adaptive"):
        for cls in (MLPClassifier, THEIRS[MLPClassifier]):
            cls(solver="sgd", learning_rate=learning_rate, early_stopping=True, **params).fit(X, y > 4)
            printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1] != ""
    assert printed[2] == printed[3]
    MLPClassifier(solver="lbfgs", **{**params, "max_iter": 2, "tol": 1e-4}).fit(X, y)
    assert capsys.readouterr().out.startswith("Iteration 1, loss = ")


def test_divergence_names_the_epoch_and_what_to_try():
    X, y = numbers()
    model = MLPRegressor(solver="sgd", learning_rate_init=10, activation="identity", random_state=0)
    with pytest.raises(ValueError, match="non-finite parameter weights.*in epoch .*lower learning_rate_init"):
        model.fit(X, y)
    model = MLPRegressor(solver="sgd", learning_rate_init=10, activation="identity", early_stopping=True)
    with pytest.warns(ConvergenceWarning, match="The loss became .* in epoch .* best validation score are kept"):
        model.fit(X, y)
    assert np.isfinite(model.predict(X)).all()


def test_errors_say_what_is_wrong():
    X, y = digits(100)
    with pytest.raises(ValueError, match="hidden_layer_sizes must be > 0, got \\[4, 0\\]"):
        MLPClassifier((4, 0)).fit(X, y)
    with pytest.raises(ValueError, match="loss='poisson' needs y >= 0, got a minimum of -1"):
        MLPRegressor("poisson").fit(X, y - 1.0)
    with pytest.raises(ValueError, match="`y` has classes not in `self.classes_`"):
        MLPClassifier().partial_fit(X, y, classes=[0, 1])
    with pytest.raises(ValueError, match="early_stopping"):
        MLPClassifier(early_stopping=True).partial_fit(X, y, classes=range(10))
    with pytest.raises(AttributeError, match="no attribute 'partial_fit'"):
        MLPClassifier(solver="lbfgs").partial_fit(X, y)
    model = MLPClassifier(8, warm_start=True, max_iter=2).fit(X, y)
    with pytest.raises(ValueError, match="layers of \\[64, 8, 10\\] units.*ask for \\[64, 9, 10\\].*warm_start=False"):
        model.set_params(hidden_layer_sizes=9).fit(X, y)
    with pytest.warns(UserWarning, match="batch_size=1000, samples to train on: 100"):
        MLPClassifier(batch_size=1000, max_iter=1).fit(X, y)


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_ctrl_c_keeps_the_model():
    X, y = digits(1000)
    model = MLPClassifier(16, max_iter=10**6, n_iter_no_change=np.inf, random_state=0)
    MLPClassifier(16, max_iter=1).fit(X, y)  # compiled before
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        model.fit(X, y)
    timer.join()
    assert model.n_iter_ == len(model.loss_curve_) > 1
    assert model.score(X, y) > 0.9


def test_a_gpu_trains_the_same_model(on_gpu):
    X, y = digits(200)
    for solver in SOLVERS:
        params = {"hidden_layer_sizes": 16, "solver": solver, "max_iter": 3, "random_state": 0}
        want = MLPClassifier(**params).fit(X, y)
        got = MLPClassifier(**params).fit(on_gpu(X), on_gpu(y))
        np.testing.assert_allclose(got.coefs_[0], want.coefs_[0], rtol=1e-6, atol=1e-9)
        assert type(got.predict(on_gpu(X))) is type(on_gpu(X))
