import pickle
import signal
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.linear_model as theirs
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import log_softmax
from sklearn.datasets import load_breast_cancer, load_iris, make_classification
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss
from sklearn.preprocessing import scale

from ghostflow_learn import config_context, profile
from ghostflow_learn.linear_model import LogisticRegression

SOLVERS = ["lbfgs", "newton-cg", "newton-cholesky", "sag", "saga", "liblinear"]
SMOOTH = SOLVERS[:-1]
PRECISE = {"tol": 1e-9, "max_iter": 5000, "random_state": 0}
CLASSES = [2, 3]


def problem(n_classes, n_samples=120, n_features=5, seed=0):
    return make_classification(
        n_samples, n_features, n_informative=4, n_redundant=0, n_classes=n_classes, flip_y=0.2, random_state=seed
    )


def losses(model, X, y):
    """The loss of each sample, from `decision_function` alone."""
    scores = model.decision_function(X)
    if scores.ndim == 1:
        return np.logaddexp(0, np.where(y == model.classes_[1], -scores, scores))
    return -log_softmax(scores, axis=1)[np.arange(len(y)), np.searchsorted(model.classes_, y)]


def same_model(ours, other, rtol=1e-6, atol=1e-8):
    for name in ("coef_", "intercept_", "n_iter_", "classes_"):
        got, want = getattr(ours, name), getattr(other, name)
        if name == "intercept_" and np.ndim(want) == 0:  # scikit-learn's with liblinear and no intercept
            want = np.array([want])
        assert (got.dtype, got.shape) == (want.dtype, want.shape), name
        assert_allclose(got, want, rtol=rtol, atol=atol, err_msg=name)


# Closed forms


TABLE = np.array([[40, 10], [20, 30]])  # samples of each class (column) in each of two groups


def of_table(table):
    group, y = (np.repeat(index, table.ravel()) for index in np.indices(table.shape).reshape(2, -1))
    return group[:, None].astype(float), y


@pytest.mark.parametrize("solver", SMOOTH)
def test_without_penalty_the_coefficient_of_two_groups_is_their_log_odds_ratio(solver):
    X, y = of_table(TABLE)
    model = LogisticRegression(C=np.inf, solver=solver, **PRECISE).fit(X, y)
    assert model.intercept_ == pytest.approx(np.log(10 / 40), rel=1e-5)
    assert model.coef_[0] == pytest.approx(np.log(30 / 20) - np.log(10 / 40), rel=1e-5)


@pytest.mark.parametrize("solver", SMOOTH)
def test_without_penalty_the_probabilities_in_two_groups_are_their_frequencies(solver):
    table = np.array([[40, 10, 50], [20, 30, 10]])
    X, y = of_table(table)
    model = LogisticRegression(C=np.inf, solver=solver, **PRECISE).fit(X, np.array(["a", "b", "c"])[y])
    assert_allclose(model.predict_proba([[0.0], [1.0]]), table / table.sum(axis=1, keepdims=True), rtol=1e-4)
    assert list(model.predict([[0.0], [1.0]])) == ["c", "b"]


# Optimality and invariance


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("n_classes", CLASSES)
@pytest.mark.parametrize("solver", SMOOTH)
def test_gradient_is_zero_at_the_solution(rng, solver, n_classes, fit_intercept):
    X, y = problem(n_classes)
    weight = rng.uniform(0.5, 2, size=len(y))
    model = LogisticRegression(C=0.3, fit_intercept=fit_intercept, solver=solver, **PRECISE).fit(X, y, weight)
    proba = model.predict_proba(X)
    residual = (proba - (y[:, None] == model.classes_)) * weight[:, None]
    residual = residual[:, 1:] if n_classes == 2 else residual
    assert_allclose(0.3 * residual.T @ X + model.coef_, 0, atol=1e-5)
    if fit_intercept:
        assert_allclose(residual.sum(axis=0), 0, atol=1e-4)


@pytest.mark.parametrize("n_classes", CLASSES)
@pytest.mark.parametrize("l1_ratio", [0.4, 1.0])
def test_saga_solution_satisfies_the_conditions_of_an_l1_penalty(n_classes, l1_ratio):
    X, y = problem(n_classes)
    model = LogisticRegression(C=0.05, l1_ratio=l1_ratio, solver="saga", **PRECISE).fit(X, y)
    residual = model.predict_proba(X) - (y[:, None] == model.classes_)
    residual = residual[:, 1:] if n_classes == 2 else residual
    gradient = 0.05 * residual.T @ X + (1 - l1_ratio) * model.coef_
    is_zero = model.coef_ == 0
    assert 0 < is_zero.sum() < is_zero.size
    assert_allclose(gradient[~is_zero], -l1_ratio * np.sign(model.coef_[~is_zero]), atol=1e-5)
    assert np.abs(gradient[is_zero]).max() <= l1_ratio


@pytest.mark.parametrize("dual", [True, False])
def test_liblinear_penalises_the_scaled_intercept(dual):
    X, y = problem(2)
    model = LogisticRegression(C=0.3, solver="liblinear", intercept_scaling=5.0, dual=dual, **PRECISE).fit(X, y)
    residual = model.predict_proba(X)[:, 1] - y
    assert_allclose(0.3 * residual @ X + model.coef_[0], 0, atol=1e-5)
    assert_allclose(0.3 * residual.sum() * 5.0 + model.intercept_ / 5.0, 0, atol=1e-5)


def test_liblinear_solution_satisfies_the_conditions_of_an_l1_penalty():
    X, y = problem(2)
    model = LogisticRegression(C=0.05, l1_ratio=1, solver="liblinear", fit_intercept=False, **PRECISE).fit(X, y)
    gradient = 0.05 * (model.predict_proba(X)[:, 1] - y) @ X
    coef = model.coef_[0]
    assert 0 < (coef == 0).sum() < coef.size
    assert_allclose(gradient[coef != 0], -np.sign(coef[coef != 0]), atol=1e-5)
    assert np.abs(gradient[coef == 0]).max() <= 1


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_weight_of_two_is_a_sample_twice(solver):
    X, y = problem(2)
    weight = np.random.default_rng(0).integers(0, 3, size=len(y))
    weighted = LogisticRegression(solver=solver, **PRECISE).fit(X, y, weight)
    repeated = LogisticRegression(solver=solver, **PRECISE).fit(np.repeat(X, weight, axis=0), np.repeat(y, weight))
    assert_allclose(weighted.coef_, repeated.coef_, rtol=2e-4, atol=1e-5)


@pytest.mark.parametrize("solver", SOLVERS)
def test_class_weight_is_a_weight_of_samples(solver):
    X, y = problem(2)
    y = np.where(np.arange(len(y)) < 40, 0, y)
    balanced = LogisticRegression(solver=solver, class_weight="balanced", random_state=0).fit(X, y)
    named = LogisticRegression(solver=solver, class_weight={0: len(y) / 2 / (y == 0).sum(), 1: len(y) / 2 / y.sum()})
    weight = np.where(y == 0, len(y) / 2 / (y == 0).sum(), len(y) / 2 / y.sum())
    weighted = LogisticRegression(solver=solver, random_state=0).fit(X, y, weight)
    same_model(balanced, named.set_params(random_state=0).fit(X, y))
    same_model(balanced, weighted)


@pytest.mark.parametrize("n_classes", CLASSES)
@pytest.mark.parametrize("solver", ["lbfgs", "newton-cg", "newton-cholesky"])
def test_threads_do_not_change_a_bit(solver, n_classes):
    X, y = problem(n_classes, n_samples=30_000, n_features=30)
    models = []
    for n_threads in (1, 3):
        with config_context(n_threads=n_threads), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            models.append(LogisticRegression(solver=solver, max_iter=4).fit(X, y))
    assert_array_equal(models[0].coef_, models[1].coef_)
    assert_array_equal(models[0].intercept_, models[1].intercept_)


# Agreement with scikit-learn


@pytest.mark.parametrize("n_classes", CLASSES)
@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"C": np.inf},
        {"fit_intercept": False, "C": 0.1},
        {"solver": "newton-cholesky"},
        {"solver": "newton-cholesky", "C": np.inf, "class_weight": "balanced"},
        {"solver": "sag"},
        {"solver": "saga", "l1_ratio": 0.5, "C": 0.1},
        {"solver": "saga", "l1_ratio": 1, "C": 0.1, "fit_intercept": False},
    ],
    ids=str,
)
@pytest.mark.parametrize("sparse", [False, True])
def test_iterates_are_those_of_scikit_learn(parameters, n_classes, sparse):
    X, y = problem(n_classes)
    X = sp.csr_matrix(np.where(X > 0.5, X, 0)) if sparse else X
    parameters = {"max_iter": 2000, "random_state": 3, **parameters}
    ours, other = (
        module.fit(X, y) for module in (LogisticRegression(**parameters), theirs.LogisticRegression(**parameters))
    )
    same_model(ours, other, rtol=1e-5, atol=1e-7)
    assert_allclose(ours.predict_proba(X), other.predict_proba(X), atol=1e-6)
    assert_allclose(ours.predict_log_proba(X), other.predict_log_proba(X), atol=1e-5)
    assert_array_equal(ours.predict(X), other.predict(X))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("parameters", [{}, {"dual": True}, {"l1_ratio": 1}, {"l1_ratio": 1, "C": 0.05}], ids=str)
@pytest.mark.parametrize("more", [{}, {"fit_intercept": False}, {"intercept_scaling": 10.0}, {"C": 50.0}], ids=str)
@pytest.mark.parametrize("sparse", [False, True])
def test_liblinear_is_scikit_learns_draw_for_draw(parameters, more, sparse):
    X, y = problem(2)
    X = sp.csr_matrix(np.where(X > 0.5, X, 0)) if sparse else X.astype(np.float32)
    parameters = {"solver": "liblinear", "random_state": 1, "max_iter": 1000, **parameters, **more}
    weight = np.random.default_rng(0).uniform(-0.2, 2, size=len(y))
    ours, other = (
        module.fit(X, y, weight)
        for module in (LogisticRegression(**parameters), theirs.LogisticRegression(**parameters))
    )
    same_model(ours, other)


def test_newton_cg_finds_what_scikit_learn_finds():
    X, y = problem(3)
    parameters = {"solver": "newton-cg", "tol": 1e-8}
    ours, other = (
        module.fit(X, y) for module in (LogisticRegression(**parameters), theirs.LogisticRegression(**parameters))
    )
    assert_allclose(ours.coef_, other.coef_, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("solver", SOLVERS)
def test_float32_stays_float32_and_close(solver):
    X, y = problem(2)
    single, double = (LogisticRegression(solver=solver, random_state=0).fit(X.astype(d), y) for d in ("f4", "f8"))
    assert single.coef_.dtype == (np.float64 if solver == "liblinear" else np.float32)
    assert_allclose(single.coef_, double.coef_, rtol=1e-3, atol=1e-3)


# Edges


@pytest.mark.parametrize("solver", SMOOTH)
def test_more_features_than_samples(solver):
    X, y = problem(2, n_samples=15, n_features=40)
    assert LogisticRegression(solver=solver, max_iter=1000, random_state=0).fit(X, y).score(X, y) == 1


def test_constant_feature_gets_no_weight():
    X, y = problem(2)
    X[:, 2] = 7.0
    assert LogisticRegression(tol=1e-8).fit(scale(X), y).coef_[0, 2] == 0


def test_read_only_memory_mapped_and_fortran_ordered_data(tmp_path):
    X, y = problem(3)
    np.save(tmp_path / "X.npy", X)
    want = LogisticRegression().fit(X, y)
    for same in (np.load(tmp_path / "X.npy", mmap_mode="r"), np.asfortranarray(X)):
        same_model(LogisticRegression().fit(same, y), want)
        assert_allclose(want.predict_proba(same), want.predict_proba(X))


@pytest.mark.parametrize("X", [np.array([[1, 2], [2, 1], [3, 3]], object), np.array([[2**40, 1], [0, 1], [1, 0]])])
def test_objects_and_huge_integers_become_floats(X):
    assert LogisticRegression().fit(X, [0, 1, 0]).coef_.dtype == np.float64


@pytest.mark.parametrize("solver", SOLVERS)
def test_no_iterations_leave_zeros(solver):
    X, y = problem(2)
    with pytest.warns(ConvergenceWarning):
        model = LogisticRegression(solver=solver, max_iter=0).fit(X, y)
    assert model.n_iter_ == [0]
    if solver != "lbfgs":  # which makes its first step, as SciPy's does
        assert_array_equal(model.coef_, np.zeros((1, 5)))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("solver", SMOOTH)
def test_warm_start_begins_at_the_last_solution(solver):
    """Steps of stochastic gradients are long as long as few samples were seen: the first pass leads away again."""
    X, y = problem(3)
    far = 1.0 if solver in ("sag", "saga") else 0.1
    model = LogisticRegression(solver=solver, random_state=0, max_iter=500).fit(X, y)
    solution = model.coef_
    warm = model.set_params(max_iter=1, warm_start=True).fit(X, y).coef_
    cold = model.set_params(warm_start=False).fit(X, y).coef_
    assert np.abs(warm - solution).max() < far * np.abs(cold - solution).max()


def test_warm_start_refuses_another_shape():
    X, y = problem(3)
    model = LogisticRegression(warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match=r"Initialization coef is of shape \(3, 6\), expected shape \(1, 6\)"):
        model.fit(X, y > 0)


def test_sparsified_coefficients_predict_the_same():
    X, y = problem(3)
    model = LogisticRegression(l1_ratio=1, C=0.1, solver="saga", random_state=0, max_iter=1000).fit(X, y)
    want = model.predict_proba(X), model.decision_function(X)
    assert sp.issparse(model.sparsify().coef_)
    assert_allclose(model.predict_proba(X), want[0])
    assert_allclose(model.decision_function(sp.csr_matrix(X)), want[1])
    assert isinstance(model.densify().coef_, np.ndarray)


def test_a_pickled_model_predicts_the_same():
    X, y = problem(3)
    model = LogisticRegression().fit(X, y)
    assert_array_equal(pickle.loads(pickle.dumps(model)).predict_proba(X), model.predict_proba(X))


def test_ctrl_c_ends_a_long_fit_and_leaves_the_process_usable():
    X, y = problem(2, n_samples=400_000)
    LogisticRegression(solver="saga", max_iter=1000, random_state=0).fit(X[:1000], y[:1000])  # compiles
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    with pytest.raises(KeyboardInterrupt):
        LogisticRegression(solver="saga", tol=0, max_iter=10**9, random_state=0).fit(X, y)
    assert LogisticRegression().fit(X, y).score(X, y) > 0.6


# Callbacks


def test_callbacks_see_the_model_after_each_iteration():
    X, y = problem(3)
    recorder = pytest.importorskip("sklearn.callback.tests._utils").RecordingCallback()
    model = LogisticRegression(max_iter=4)
    with pytest.warns(ConvergenceWarning):
        model.set_callbacks(recorder).fit(X, y)
    ends = [r for r in recorder.record if r["name"] == "on_fit_task_end" and "iter" in r["context"].task_name]
    assert len(ends) == 4 + 1  # the last task is empty, as in scikit-learn
    for max_iter, end in enumerate(ends[:4], start=1):
        with pytest.warns(ConvergenceWarning):
            alone = LogisticRegression(max_iter=max_iter).fit(X, y)
        seen = end["kwargs"]["fitted_estimator"]
        assert_array_equal(seen.coef_, alone.coef_)
        assert_array_equal(seen.predict(X), alone.predict(X))


def test_callbacks_of_a_solver_that_has_none_are_refused_with_a_warning():
    with pytest.warns(UserWarning, match="Callbacks are only supported in LogisticRegression for solver='lbfgs'"):
        LogisticRegression(solver="sag").set_callbacks()


# Learning quality


@pytest.mark.parametrize("solver", SOLVERS)
def test_learns_more_than_the_frequencies(solver):
    X, y = load_breast_cancer(return_X_y=True)
    X = scale(X)
    model = LogisticRegression(solver=solver, max_iter=500, random_state=0).fit(X[::2], y[::2])
    prior = DummyClassifier().fit(X[::2], y[::2])
    assert log_loss(y[1::2], model.predict_proba(X[1::2])) < 0.2 * log_loss(y[1::2], prior.predict_proba(X[1::2]))
    assert model.score(X[1::2], y[1::2]) > 0.95


def test_objective_falls_with_every_iteration():
    X, y = load_iris(return_X_y=True)
    values = []
    for max_iter in range(1, 12):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model = LogisticRegression(max_iter=max_iter).fit(X, y)
        values.append(losses(model, X, y).sum() + (model.coef_**2).sum() / 2)
    assert all(np.diff(values) < 0)


# GPU


@pytest.mark.parametrize("solver", SMOOTH)
@pytest.mark.parametrize("n_classes", CLASSES)
def test_a_gpu_finds_what_the_cpu_finds(on_gpu, solver, n_classes):
    X, y = problem(n_classes, n_samples=300)
    parameters = {"solver": solver, "random_state": 0, "max_iter": 5}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        want = LogisticRegression(**parameters).fit(X, y, np.linspace(1, 2, 300))
        got = LogisticRegression(**parameters).fit(on_gpu(X), on_gpu(y), on_gpu(np.linspace(1, 2, 300)))
    same_model(got, want, rtol=1e-6)
    proba = got.predict_proba(on_gpu(X))
    assert type(proba).__module__.startswith("cupy")
    assert_allclose(proba.get(), want.predict_proba(X), rtol=1e-6)
    assert_array_equal(got.predict(on_gpu(X)).get(), want.predict(X))


def test_an_iteration_of_lbfgs_waits_for_the_gpu_once(on_gpu, counting):
    X, y = problem(3, n_samples=300)
    X, y = on_gpu(X), on_gpu(y)
    events = {}
    for max_iter in (3, 8):
        with warnings.catch_warnings(), counting() as events[max_iter]:
            warnings.simplefilter("ignore", ConvergenceWarning)
            LogisticRegression(max_iter=max_iter).fit(X, y)
    evaluations = 5  # the unit step is accepted in each of these iterations
    assert events[8]["sync"] - events[3]["sync"] <= evaluations
    assert events[8]["d2h"] - events[3]["d2h"] == evaluations


def test_what_has_no_kernel_is_reported(on_gpu):
    X, y = problem(2)
    with profile() as table:
        LogisticRegression(solver="liblinear", dual=True).fit(on_gpu(X), on_gpu(y))
    assert {row.op: row.engine for row in table.rows}["liblinear.dual"] == "cpu"


# Messages


def test_no_convergence_is_said_as_scikit_learn_says_it():
    X, y = load_iris(return_X_y=True)
    messages = []
    for module in (LogisticRegression, theirs.LogisticRegression):
        with pytest.warns(ConvergenceWarning) as caught:
            module(max_iter=3).fit(X, y)
        messages.append(str(caught[0].message))
    assert messages[0].split() == messages[1].split()


@pytest.mark.parametrize(
    "parameters, message",
    [
        ({"solver": "liblinear"}, "The 'liblinear' solver does not support multiclass"),
        ({"l1_ratio": 1}, "Solver lbfgs supports only 'l2' or None penalties, got l1 penalty."),
        ({"l1_ratio": 0.5, "solver": "liblinear"}, "Only 'saga' solver supports elasticnet penalty"),
        ({"dual": True}, "Solver lbfgs supports only dual=False, got dual=True"),
        ({"C": np.inf, "solver": "liblinear"}, "is not supported for the liblinear solver"),
        ({"C": -1.0}, "The 'C' parameter of LogisticRegression must be a float in the range"),
    ],
)
def test_impossible_parameters_are_refused(parameters, message):
    X, y = problem(3)
    with pytest.raises(ValueError, match=message):
        LogisticRegression(**parameters).fit(X, y)


@pytest.mark.parametrize(
    "X, y, message",
    [
        (np.array([[np.nan], [1.0]]), [0, 1], "Input X contains NaN"),
        (np.array([[np.inf], [1.0]]), [0, 1], "Input X contains infinity"),
        (np.empty((0, 3)), [], "Found array with 0 sample"),
        (np.ones((1, 2)), [1], "This solver needs samples of at least 2 classes"),
        (np.ones((3, 2)), [1, 1, 1], "at least 2 classes in the data, but the data contains only one class"),
        (np.ones(3), [0, 1, 0], "Expected 2D array, got 1D array instead"),
        (np.ones((2, 2), complex), [0, 1], "Complex data not supported"),
        (np.array([["a"], ["b"]]), [0, 1], "could not convert string to float"),
        (np.ones((2, 1)), [0, np.nan], "Input y contains NaN"),
        (np.ones((2, 1)), [0.1, 0.7], "Unknown label type: continuous"),
        (np.ones((2, 1)), [0, 1, 2], "inconsistent numbers of samples"),
    ],
)
def test_bad_data_is_refused_in_scikit_learns_words(X, y, message):
    with pytest.raises(ValueError, match=message):
        LogisticRegression().fit(X, y)


def test_weights_that_are_all_zero_are_refused():
    X, y = problem(2)
    with pytest.raises(ValueError, match="Sample weights must contain at least one non-zero number"):
        LogisticRegression().fit(X, y, np.zeros(len(y)))


def test_predict_refuses_another_number_of_features():
    X, y = problem(2)
    model = LogisticRegression().fit(X, y)
    with pytest.raises(ValueError, match="X has 4 features, but LogisticRegression is expecting 5 features"):
        model.predict_proba(X[:, 1:])


@pytest.mark.parametrize("solver", ["sag", "saga"])
def test_overflow_of_stochastic_gradients_is_explained(solver):
    X, y = problem(2)
    model = LogisticRegression(solver=solver, warm_start=True, random_state=0, max_iter=1000).fit(X, y)
    model.coef_[:] = np.nan
    with pytest.raises(ValueError, match="Floating-point under-/overflow occurred at epoch #1"):
        model.fit(X, y)


def test_verbose_prints_scikit_learns_lines(capsys):
    X, y = problem(2)
    for module in (LogisticRegression, theirs.LogisticRegression):
        module(solver="newton-cholesky", verbose=1).fit(X, y)
        module(solver="saga", verbose=1, random_state=0).fit(X, y)
        lines = capsys.readouterr().out.splitlines()
        assert lines[0] == "Newton iter=1"
        assert any(line.startswith("  Solver did converge at loss = ") for line in lines)
        assert lines[-1].startswith("convergence after")
