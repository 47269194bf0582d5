import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.linear_model as theirs
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import lsq_linear
from sklearn.datasets import load_breast_cancer, load_iris, make_multilabel_classification
from sklearn.exceptions import ConvergenceWarning

from ghostflow_learn import config_context
from ghostflow_learn.linear_model import Ridge, RidgeClassifier

SOLVERS = ["auto", "svd", "cholesky", "lsqr", "sparse_cg", "sag", "saga", "lbfgs"]
SHAPES = {"tall": (150, 5), "wide": (12, 30), "one feature": (40, 1)}
PRECISE = {"tol": 1e-12, "max_iter": 100_000, "random_state": 0}


def regression(rng, n_samples, n_features, n_targets=None):
    shape = (n_samples,) if n_targets is None else (n_samples, n_targets)
    return rng.normal(1, size=(n_samples, n_features)), rng.normal(1, size=shape)


def ridge(solver, **parameters):
    return {"solver": solver, "positive": solver == "lbfgs", **parameters}


def same_model(ours, other):
    """The last steps of Krylov iterations magnify rounding: they may end one step apart, within their `tol` of 1e-4."""
    krylov = ours.solver_ in ("lsqr", "sparse_cg")
    assert ours.solver_ == other.solver_
    if other.n_iter_ is None:
        assert ours.n_iter_ is None
    else:
        assert_allclose(ours.n_iter_, other.n_iter_, atol=2 if krylov else 0)
    for name in ("coef_", "intercept_"):
        got, want = getattr(ours, name), getattr(other, name)
        assert np.shape(got) == np.shape(want)
        assert_allclose(got, want, rtol=0 if krylov else 1e-5, atol=1e-4 if krylov else 1e-6)


# Optimality and invariance


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("solver", SOLVERS[:-1])
def test_gradient_is_zero_at_the_solution(rng, solver, shape, fit_intercept):
    X, y = regression(rng, *shape)
    weight = rng.uniform(0.5, 1.5, size=len(X))
    model = Ridge(2.0, fit_intercept=fit_intercept, solver=solver, **PRECISE).fit(X, y, weight)
    residuals = weight * (model.predict(X) - y)
    assert_allclose(X.T @ residuals + 2 * model.coef_, 0, atol=1e-5)
    if fit_intercept:
        assert residuals.sum() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_positive_coefficients_are_those_of_a_bounded_least_squares(rng, shape):
    X, y = regression(rng, *shape)
    model = Ridge(2.0, positive=True, fit_intercept=False, tol=1e-12).fit(X, y)
    A = np.vstack((X, np.sqrt(2) * np.eye(X.shape[1])))
    want = lsq_linear(A, np.append(y, np.zeros(X.shape[1])), (0, np.inf), tol=1e-14).x
    assert_allclose(model.coef_, want, atol=1e-5)
    assert model.solver_ == "lbfgs"


@pytest.mark.parametrize("solver", ["cholesky", "svd", "lsqr", "sparse_cg"])
def test_weights_count_as_repetitions(rng, solver):
    X, y = regression(rng, 60, 4)
    weight = rng.integers(0, 4, size=60)
    weighted = Ridge(solver=solver, tol=1e-12).fit(X, y, weight)
    repeated = Ridge(solver=solver, tol=1e-12).fit(X.repeat(weight, axis=0), y.repeat(weight))
    assert_allclose(weighted.coef_, repeated.coef_, rtol=1e-8)


@pytest.mark.parametrize("solver", ["sag", "saga"])
def test_large_weights_do_not_make_sag_diverge(rng, solver):
    """In scikit-learn they do."""
    X, y = regression(rng, 40, 6)
    weight = rng.uniform(1, 20, size=40)
    model = Ridge(solver=solver, **PRECISE).fit(X, y, weight)
    assert_allclose(model.coef_, Ridge().fit(X, y, weight).coef_, rtol=1e-6)


# Agreement with scikit-learn: solution, iterations, name of the solver


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n_targets", [None, 1, 3])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("solver", SOLVERS)
def test_agrees_with_scikit_learn(rng, solver, shape, fit_intercept, n_targets, weighted):
    X, y = regression(rng, *shape, n_targets)
    weight = rng.uniform(0.1, 1, size=len(X)) if weighted else None
    alpha = [1.0, 2.0, 3.0] if n_targets == 3 else 2.0
    parameters = ridge(solver, alpha=alpha, fit_intercept=fit_intercept, random_state=3)
    ours, other = Ridge(**parameters).fit(X, y, weight), theirs.Ridge(**parameters).fit(X, y, weight)
    same_model(ours, other)
    assert_allclose(ours.predict(X), other.predict(X), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("solver", SOLVERS)
def test_sparse_data_agrees_with_scikit_learn(rng, solver, shape, fit_intercept, weighted):
    X, y = regression(rng, *shape, 2)
    X = sp.csr_array(np.where(X > 1, X, 0))
    weight = rng.uniform(0.1, 1, size=X.shape[0]) if weighted else None
    parameters = ridge(solver, fit_intercept=fit_intercept, random_state=3)
    try:
        other = theirs.Ridge(**parameters).fit(X, y, weight)
    except (ValueError, TypeError) as error:
        with pytest.raises(type(error), match=str(error)[:40]):
            Ridge(**parameters).fit(X, y, weight)
        return
    same_model(Ridge(**parameters).fit(X, y, weight), other)


def test_sag_fits_the_intercept_of_sparse_data_as_scikit_learn_does(rng):
    X, y = regression(rng, 200, 5)
    X = sp.csr_array(np.where(X > 1, X, 0))
    parameters = {"solver": "sag", "tol": 1e-3, "random_state": 0}
    with pytest.warns(UserWarning, match='"sag" solver requires many iterations'):
        ours = Ridge(**parameters).fit(X, y)
    with pytest.warns(UserWarning, match='"sag" solver requires many iterations'):
        other = theirs.Ridge(**parameters).fit(X, y)
    assert_array_equal(ours.n_iter_, other.n_iter_)
    assert_allclose(np.append(ours.coef_, ours.intercept_), np.append(other.coef_, other.intercept_), rtol=1e-8)


@pytest.mark.parametrize("shape", [(60, 4), (5, 20)], ids=["tall", "wide"])
def test_singular_data_without_penalty_has_the_shortest_solution(rng, shape):
    X, y = regression(rng, *shape)
    X[:, 1] = X[:, 0]
    model = Ridge(0.0, fit_intercept=False, solver="svd").fit(X, y)
    assert_allclose(model.coef_, np.linalg.pinv(X) @ y, rtol=1e-8)


def test_cholesky_hands_singular_data_to_svd(rng):
    X, y = regression(rng, 60, 4)
    X[:, 1] = X[:, 0]
    model = Ridge(0.0).fit(X, y)
    assert model.solver_ == "svd"
    assert_allclose(model.coef_, Ridge(0.0, solver="svd").fit(X, y).coef_)


def test_constant_feature_gets_no_coefficient(rng):
    X, y = regression(rng, 60, 4)
    X[:, 2] = 5
    assert Ridge().fit(X, y).coef_[2] == pytest.approx(0, abs=1e-15)


# Precision and threads


@pytest.mark.parametrize("solver", SOLVERS)
def test_float32_stays_float32_and_is_as_good(rng, solver):
    X, y = regression(rng, 2000, 4)
    X = (X + 100).astype(np.float32)
    parameters = ridge(solver, tol=1e-8, max_iter=5000, random_state=0)
    single, double = Ridge(**parameters).fit(X, y), Ridge(**parameters).fit(X.astype(np.float64), y)
    assert single.coef_.dtype == np.float32
    assert single.predict(X).dtype == np.float32
    assert_allclose(single.coef_, double.coef_, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("solver", SOLVERS)
def test_same_bits_at_any_number_of_threads(rng, solver):
    X, y = regression(rng, 12_000, 6, 2)
    models = []
    for n_threads in (1, 3):
        with config_context(n_threads=n_threads):
            models.append(Ridge(**ridge(solver, random_state=0, tol=1e-3)).fit(X, y))
    assert_array_equal(models[0].coef_, models[1].coef_)


# The GPU


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("shape", [(400, 5), (9, 30)], ids=["tall", "wide"])
def test_gpu_agrees_with_cpu(rng, on_gpu, solver, shape):
    X, y = regression(rng, *shape, 2)
    weight = rng.uniform(0.5, 1, size=len(X))
    parameters = ridge(solver, alpha=[1.0, 2.0], random_state=0)
    cpu, gpu = Ridge(**parameters).fit(X, y, weight), Ridge(**parameters).fit(on_gpu(X), on_gpu(y), on_gpu(weight))
    assert isinstance(gpu.coef_, np.ndarray)
    assert isinstance(gpu.intercept_, np.ndarray)
    assert_allclose(gpu.coef_, cpu.coef_, rtol=1e-6, atol=1e-9)
    assert_allclose(gpu.predict(on_gpu(X)).get(), cpu.predict(X), rtol=1e-6)


@pytest.mark.parametrize("solver", ["cholesky", "svd"])
def test_gpu_fit_brings_back_only_small_arrays(rng, on_gpu, counting, solver):
    X, y = (on_gpu(A) for A in regression(rng, 5000, 4))
    with counting() as events:
        Ridge(solver=solver).fit(X, y)
    assert events["d2h_bytes"] < 2000


def test_sag_on_a_gpu_is_refused_where_fallbacks_are(rng, on_gpu):
    X, y = (on_gpu(A) for A in regression(rng, 50, 4))
    with config_context(fallback="raise"), pytest.raises(NotImplementedError, match="sag"):
        Ridge(solver="sag").fit(X, y)


# The classifier


@pytest.mark.parametrize("class_weight", [None, "balanced", {0: 2.0, 1: 0.5}])
@pytest.mark.parametrize("load", [load_iris, load_breast_cancer])
def test_classifier_agrees_with_scikit_learn(load, class_weight):
    X, y = load(return_X_y=True)
    if load is load_iris and isinstance(class_weight, dict):
        class_weight = {**class_weight, 2: 1.0}
    ours = RidgeClassifier(class_weight=class_weight).fit(X, y)
    other = theirs.RidgeClassifier(class_weight=class_weight).fit(X, y)
    assert ours.coef_.shape == other.coef_.shape
    assert_allclose(ours.coef_, other.coef_, rtol=1e-6)
    assert_allclose(ours.decision_function(X), other.decision_function(X), rtol=1e-6, atol=1e-9)
    assert_array_equal(ours.predict(X), other.predict(X))
    assert ours.score(X, y) > 0.7


def test_classifier_takes_strings_and_several_labels():
    X, y = load_iris(return_X_y=True)
    names = np.array(["setosa", "versicolor", "virginica"])
    assert_array_equal(RidgeClassifier().fit(X, names[y]).predict(X), names[RidgeClassifier().fit(X, y).predict(X)])
    X, Y = make_multilabel_classification(random_state=0)
    assert_array_equal(RidgeClassifier().fit(X, Y).predict(X), theirs.RidgeClassifier().fit(X, Y).predict(X))


def test_classifier_on_gpu_agrees_with_cpu(on_gpu):
    X, y = load_iris(return_X_y=True)
    model = RidgeClassifier(class_weight="balanced").fit(on_gpu(X), on_gpu(y))
    assert_array_equal(
        model.predict(on_gpu(X)).get(), theirs.RidgeClassifier(class_weight="balanced").fit(X, y).predict(X)
    )
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    assert_array_equal(RidgeClassifier().fit(on_gpu(X), names).predict(on_gpu(X))[:3], names[:3])


# Errors and warnings


@pytest.mark.parametrize(
    "parameters, message",
    [
        ({"solver": "lbfgs"}, "'lbfgs' solver can be used only when positive=True"),
        ({"solver": "sag", "positive": True}, "solver='sag' does not support positive fitting"),
        ({"alpha": [1.0, 2.0]}, "Number of targets and number of penalties do not correspond: 2 != 1"),
        ({"alpha": -1.0}, "The 'alpha' parameter of Ridge must be"),
        ({"solver": "newton"}, "The 'solver' parameter of Ridge must be"),
    ],
)
def test_bad_parameters_are_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        Ridge(**parameters).fit(np.eye(3), np.ones(3))


def test_divergence_of_sag_says_what_to_do(rng):
    X, y = regression(rng, 50, 3)
    X, y = 1e3 * X, 1e307 * y
    with (
        np.errstate(all="ignore"),
        pytest.raises(ValueError, match="Floating-point under-/overflow occurred at epoch #1"),
    ):
        Ridge(solver="sag").fit(X, y)


@pytest.mark.parametrize("solver", ["sag", "lbfgs"])
def test_too_few_iterations_warn(rng, solver):
    X, y = regression(rng, 50, 3)
    with pytest.warns(ConvergenceWarning, match="did not converge"):
        Ridge(**ridge(solver, max_iter=1, tol=1e-12, random_state=0)).fit(X, y + X @ [1, 2, 3])


@pytest.mark.parametrize("solver", ["cholesky", "lbfgs", "svd", "lsqr"])
@pytest.mark.parametrize("n_samples, n_features", [(300_000, 4), (1100, 1200)])
def test_values_that_are_not_finite_are_refused_in_much_data(rng, solver, n_samples, n_features):
    X, y = regression(rng, n_samples, n_features)
    X[n_samples // 2, 1], y[0] = np.nan, np.nan
    for args in ((X, y), (X, np.nan_to_num(y))):
        with pytest.raises(ValueError, match=r"Input X contains NaN.\nRidge does not accept"):
            Ridge(**ridge(solver)).fit(*args)
    with pytest.raises(ValueError, match="Input y contains NaN"):
        Ridge(**ridge(solver)).fit(np.nan_to_num(X), y)


@pytest.mark.parametrize("solver", SOLVERS)
def test_values_that_are_not_finite_are_refused(rng, solver):
    X, y = regression(rng, 20, 3)
    y[2] = np.nan
    with pytest.raises(ValueError, match="Input y contains NaN"):
        Ridge(**ridge(solver)).fit(X, y)
    with pytest.raises(ValueError, match="Negative values in data passed to `sample_weight`"):
        Ridge(**ridge(solver)).fit(X, np.ones(20), np.linspace(-1, 1, 20))
