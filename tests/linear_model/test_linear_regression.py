import tracemalloc

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.linear_model as theirs
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_diabetes

from ghostflow_learn import config_context
from ghostflow_learn.linear_model import LinearRegression

SHAPES = {"tall": (200, 6), "square": (7, 7), "wide": (9, 30), "one sample": (1, 3), "one feature": (40, 1)}


def regression(rng, n_samples, n_features, n_targets=None):
    shape = (n_samples,) if n_targets is None else (n_samples, n_targets)
    return rng.normal(2, size=(n_samples, n_features)), rng.normal(1, size=shape)


def same_model(ours, other, rtol=1e-9, atol=1e-9):
    for name in ("coef_", "intercept_"):
        got, want = getattr(ours, name), getattr(other, name)
        assert np.shape(got) == np.shape(want), name
        assert np.asarray(got).dtype == np.asarray(want).dtype, name
        assert_allclose(got, want, rtol=rtol, atol=atol, err_msg=name)


# A closed form, and what the minimum has to satisfy


def test_exact_line_is_found():
    X = np.arange(5.0)[:, None]
    model = LinearRegression().fit(X, 3 * X[:, 0] - 2)
    assert_allclose([model.coef_[0], model.intercept_], [3, -2])
    assert_allclose(model.predict([[10.0]]), [28])


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_residuals_are_orthogonal_to_the_features(rng, shape, fit_intercept):
    X, y = regression(rng, *shape)
    weight = rng.uniform(0.5, 2, size=len(X))
    model = LinearRegression(fit_intercept=fit_intercept).fit(X, y, weight)
    residuals = weight * (y - model.predict(X))
    assert_allclose(X.T @ residuals, 0, atol=1e-9)
    if fit_intercept:
        assert residuals.sum() == pytest.approx(0, abs=1e-9)


def test_of_several_solutions_the_shortest_is_taken(rng):
    X, y = regression(rng, 10, 40)
    model = LinearRegression(fit_intercept=False).fit(X, y)
    assert_allclose(model.coef_, np.linalg.pinv(X) @ y, rtol=1e-9)


def test_weights_count_as_repetitions(rng):
    X, y = regression(rng, 60, 4)
    weight = rng.integers(0, 4, size=60)
    weighted = LinearRegression().fit(X, y, weight)
    same_model(weighted, LinearRegression().fit(X.repeat(weight, axis=0), y.repeat(weight)))


def test_positive_coefficients_satisfy_the_kkt_conditions(rng):
    X, y = regression(rng, 300, 8, 2)
    model = LinearRegression(positive=True).fit(X, y)
    gradient = (X - X.mean(axis=0)).T @ (model.predict(X) - y)
    assert (model.coef_ >= 0).all()
    assert (model.coef_ == 0).any()
    assert (model.coef_ > 0).any()
    assert (gradient > -1e-9).all()
    assert_allclose(gradient[model.coef_.T > 0], 0, atol=1e-9)


# Agreement with scikit-learn


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n_targets", [None, 1, 3])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_agrees_with_scikit_learn(rng, shape, fit_intercept, n_targets, weighted):
    X, y = regression(rng, *shape, n_targets)
    weight = rng.uniform(0.1, 2, size=len(X)) if weighted else None
    ours = LinearRegression(fit_intercept=fit_intercept).fit(X, y, weight)
    other = theirs.LinearRegression(fit_intercept=fit_intercept).fit(X, y, weight)
    same_model(ours, other)
    assert ours.rank_ == other.rank_
    assert_allclose(ours.singular_, other.singular_, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("n_samples", [500, 20_000])
def test_collinear_and_constant_features_share_as_in_scikit_learn(rng, n_samples):
    """One-hot columns beside an intercept: the rank is short, and X'X alone could not tell."""
    codes = rng.integers(0, 4, size=n_samples)
    X = np.column_stack((np.eye(4)[codes], rng.normal(size=(n_samples, 2)), np.full(n_samples, 7.0)))
    y = rng.normal(size=n_samples) + codes
    ours, other = LinearRegression().fit(X, y), theirs.LinearRegression().fit(X, y)
    assert ours.rank_ == other.rank_ == 5
    same_model(ours, other)
    assert_allclose(ours.singular_, other.singular_, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("tilt", [1e-3, 1e-5, 1e-8])
def test_ill_conditioned_data_keeps_its_digits(rng, tilt):
    """Two features that differ by `tilt`: the normal equations would lose twice as many digits."""
    x, noise = rng.normal(size=(2, 5000))
    X = np.column_stack((x, x + tilt * noise))
    y = X @ [1.0, 2.0]
    model = LinearRegression(tol=1e-12).fit(X, y)
    assert_allclose(model.coef_, [1, 2], rtol=1e-14 / tilt)
    assert_allclose(model.singular_, theirs.LinearRegression(tol=1e-12).fit(X, y).singular_, rtol=1e-13 / tilt)


def test_features_of_very_different_units_are_no_ill_condition(rng):
    X, _ = regression(rng, 5000, 4)
    X *= [1e-3, 1.0, 1e2, 1e5]
    y = X @ [1e3, 1.0, 1e-2, 1e-5]
    ours, other = LinearRegression(tol=1e-12).fit(X, y), theirs.LinearRegression(tol=1e-12).fit(X, y)
    assert_allclose(ours.coef_, [1e3, 1.0, 1e-2, 1e-5], rtol=1e-9)
    assert_allclose(ours.singular_, other.singular_, rtol=1e-9)


@pytest.mark.parametrize("tol", [0, 1e-6, 0.3, 1, 5])
def test_tol_cuts_small_singular_values(rng, tol):
    X, y = regression(rng, 100, 4)
    X *= [1, 1, 0.1, 1e-9]
    ours, other = LinearRegression(tol=tol).fit(X, y), theirs.LinearRegression(tol=tol).fit(X, y)
    assert ours.rank_ == other.rank_
    same_model(ours, other, rtol=1e-6)


@pytest.mark.parametrize("sparse", [sp.csr_matrix, sp.csc_array, sp.coo_array])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("n_targets", [None, 2])
def test_sparse_data_agrees_with_scikit_learn(rng, sparse, fit_intercept, n_targets):
    X, y = regression(rng, 80, 5, n_targets)
    X = sparse(np.where(X > 2, X, 0))
    weight = rng.uniform(0.1, 2, size=80)
    ours = LinearRegression(fit_intercept=fit_intercept).fit(X, y, weight)
    same_model(ours, theirs.LinearRegression(fit_intercept=fit_intercept).fit(X, y, weight), rtol=1e-7)
    assert_allclose(ours.predict(X), ours.predict(X.toarray()))


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_positive_agrees_with_scikit_learn(rng, shape):
    X, y = regression(rng, *shape, 2)
    same_model(LinearRegression(positive=True).fit(X, y), theirs.LinearRegression(positive=True).fit(X, y))


# Precision, threads, memory


def test_float32_data_far_from_zero_is_summed_in_float64(rng):
    X, _ = regression(rng, 50_000, 3)
    X = (X + 1000).astype(np.float32)
    y = (X - 1000) @ np.array([1, -2, 3], dtype=np.float32)
    model = LinearRegression().fit(X, y)
    assert model.coef_.dtype == model.singular_.dtype == np.float32
    assert_allclose(model.coef_, [1, -2, 3], rtol=1e-6)


@pytest.mark.parametrize("tilt", [1, 1e-9])
def test_same_bits_at_any_number_of_threads(rng, tilt):
    X, y = regression(rng, 30_000, 8, 2)
    X[:, 1] = X[:, 0] + tilt * X[:, 1]
    models = []
    for n_threads in (1, 2, 5):
        with config_context(n_threads=n_threads):
            models.append(LinearRegression().fit(X, y))
    for model in models[1:]:
        assert_array_equal(model.coef_, models[0].coef_)
        assert_array_equal(model.singular_, models[0].singular_)
    assert_array_equal(LinearRegression(n_jobs=3).fit(X, y).coef_, models[0].coef_)


def test_fit_takes_less_than_a_tenth_of_the_memory_of_x(rng):
    X, y = rng.normal(size=(400_000, 20)), rng.normal(size=400_000)
    LinearRegression().fit(X, y)
    tracemalloc.start()
    LinearRegression().fit(X, y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.1 * X.nbytes


@pytest.mark.parametrize("copy_X", [True, False])
def test_x_stays_as_it_is_also_where_it_cannot_be_written(rng, copy_X):
    X, y = regression(rng, 50, 3)
    X.flags.writeable = y.flags.writeable = False
    LinearRegression(copy_X=copy_X).fit(X, y, np.ones(50))


def test_fortran_order_and_lists_and_integers_are_taken(rng):
    X, y = rng.integers(-5, 5, size=(50, 3)), rng.integers(0, 9, size=50)
    model = LinearRegression().fit(X, y)
    for other in (np.asfortranarray(X, dtype=float), X.tolist(), X.astype(object)):
        assert_allclose(LinearRegression().fit(other, y.tolist()).coef_, model.coef_)


# The GPU


@pytest.mark.parametrize("shape", [(3000, 5), (9, 30)], ids=["tall", "wide"])
@pytest.mark.parametrize("tilt", [1, 1e-9])
def test_gpu_agrees_with_cpu(rng, on_gpu, shape, tilt):
    X, y = regression(rng, *shape)
    X[:, 1] = X[:, 0] + tilt * X[:, 1]
    weight = rng.uniform(0.5, 2, size=len(X))
    cpu = LinearRegression(tol=1e-12).fit(X, y, weight)
    gpu = LinearRegression(tol=1e-12).fit(on_gpu(X), on_gpu(y), on_gpu(weight))
    assert gpu.rank_ == cpu.rank_
    assert isinstance(gpu.coef_, np.ndarray)
    assert_allclose(gpu.predict(X), cpu.predict(X), rtol=1e-6)
    assert_allclose(gpu.singular_, cpu.singular_, rtol=1e-6, atol=1e-12)
    predicted = gpu.predict(on_gpu(X))
    assert type(predicted) is type(on_gpu(X))
    assert_allclose(predicted.get(), cpu.predict(X), rtol=1e-6)


def test_gpu_fit_brings_back_only_small_arrays(rng, on_gpu, counting):
    X, y = (on_gpu(A) for A in regression(rng, 5000, 4))
    with counting() as events:
        LinearRegression().fit(X, y)
    assert events["d2h_bytes"] < 2000


# Quality


def test_score_on_real_data_is_scikit_learns():
    X, y = load_diabetes(return_X_y=True)
    ours, other = LinearRegression().fit(X[::2], y[::2]), theirs.LinearRegression().fit(X[::2], y[::2])
    assert ours.score(X[1::2], y[1::2]) == pytest.approx(other.score(X[1::2], y[1::2]), abs=1e-9)
    assert ours.score(X[1::2], y[1::2]) > 0.4


# Errors


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("n_samples, n_features", [(20, 4), (300_000, 4), (1100, 1200)])
@pytest.mark.parametrize("params", [{}, {"fit_intercept": False}, {"positive": True}])
def test_values_that_are_not_finite_are_refused(rng, bad, n_samples, n_features, params):
    """Of much data with X first, as scikit-learn does, and with the whole of its message."""
    X, y = regression(rng, n_samples, n_features)
    bad_X, bad_y, weight = X.copy(), np.where(y == y[3], bad, y), np.zeros(n_samples)
    bad_X[n_samples // 2, 1], weight[0] = bad, 1
    for args in ((bad_X, y), (bad_X, bad_y), (bad_X, y, weight), (X, bad_y)):
        with pytest.raises(ValueError, match="Input [Xy] contains") as expected:
            theirs.LinearRegression(**params).fit(*args)
        with pytest.raises(ValueError, match="Input [Xy] contains") as raised:
            LinearRegression(**params).fit(*args)
        assert str(raised.value) == str(expected.value)


def test_large_values_whose_squares_overflow_are_not_refused(rng):
    X, y = regression(rng, 300_000, 4)
    model, scaled = LinearRegression().fit(X, y), LinearRegression().fit(X * 2.0**600, y)
    assert_allclose(scaled.coef_ * 2.0**600, model.coef_, rtol=1e-9)


@pytest.mark.parametrize(
    "X, y, weight, message",
    [
        (np.ones((3, 2)), np.ones(4), None, "inconsistent numbers of samples"),
        (np.ones(3), np.ones(3), None, "Expected 2D array, got 1D array"),
        (np.ones((0, 2)), np.ones(0), None, "0 sample"),
        (np.ones((3, 0)), np.ones(3), None, "0 feature"),
        (np.ones((3, 2), dtype=complex), np.ones(3), None, "Complex data not supported"),
        ([["a"], ["b"]], [1, 2], None, "could not convert string to float"),
        (np.ones((3, 2)), np.ones(3), [1, -1, 1], "Negative values in data passed to `sample_weight`"),
        (np.ones((3, 2)), np.ones(3), [0, 0, 0], "at least one non-zero"),
        (np.ones((3, 2)), np.ones(3), [1, 2], "sample_weight.shape"),
    ],
)
def test_bad_input_is_refused(X, y, weight, message):
    with pytest.raises(ValueError, match=message):
        LinearRegression().fit(X, y, weight)


def test_sparse_data_with_positive_is_refused():
    with pytest.raises(TypeError, match="Sparse data was passed"):
        LinearRegression(positive=True).fit(sp.eye_array(4).tocsr(), np.ones(4))


def test_wrong_number_of_features_at_predict_is_refused(rng):
    model = LinearRegression().fit(*regression(rng, 20, 3))
    with pytest.raises(ValueError, match="X has 2 features, but LinearRegression is expecting 3 features"):
        model.predict(np.ones((4, 2)))


@pytest.mark.parametrize("scale", [1e200, 1e-200, 1e-160])
def test_values_whose_squares_overflow_or_underflow_are_taken(rng, scale):
    X, y = regression(rng, 30, 3)
    want = LinearRegression().fit(X, y)
    model = LinearRegression().fit(scale * X, y)
    assert_allclose(model.coef_ * scale, want.coef_, rtol=1e-9)
    assert model.rank_ == 3
