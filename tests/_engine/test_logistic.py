import re

import numba
import numpy as np
import pytest
import scipy.optimize
import scipy.sparse as sp
from scipy.special import expit

from ghostflow_learn._engine.cpu import logistic
from ghostflow_learn._engine.cpu._jit import FASTMATH

SHAPES = [(1, 1, 1), (7, 3, 1), (31, 4, 3), (1500, 5, 1), (1500, 33, 4), (400, 2, 12)]


def problem(rng, n_samples, n_features, n_outputs, has_intercept=True):
    X = rng.normal(size=(n_samples, n_features))
    codes = rng.integers(max(2, n_outputs), size=n_samples).astype(np.int32)
    weights = rng.normal(size=(n_features + has_intercept, n_outputs))
    return X, codes, rng.uniform(0.5, 2, size=n_samples), weights


@pytest.mark.parametrize("has_intercept", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_loss_gradient_agrees_with_reference(agrees, rng, shape, has_intercept):
    X, codes, sample_weight, weights = problem(rng, *shape, has_intercept)
    weights = agrees.as_is(weights)
    agrees("logistic.loss_gradient", X, codes, None, weights, rtol=3e-5, atol=2e-4)
    agrees("logistic.loss_gradient", X, codes, sample_weight, weights, rtol=3e-5, atol=2e-4)


def test_loss_gradient_of_huge_predictions_is_finite(engine, dtype):
    """exp(1000) overflows; the loss of a sample that is so sure, and wrong, is 1000."""
    X, codes = engine.asarray(np.array([[1000.0], [-1000.0]], dtype)), engine.asarray(np.array([0, 0], np.int32))
    got = engine.to_numpy(engine.logistic.loss_gradient(X, codes, None, engine.asarray(np.ones((1, 1)))))
    np.testing.assert_allclose(got, [1000, 1000])
    got = engine.to_numpy(engine.logistic.loss_gradient(X, codes, None, engine.asarray(np.array([[0.0, 1.0, 0.0]]))))
    np.testing.assert_allclose(got, [1000 + np.log(2), -500, 1000, -500])


@pytest.mark.parametrize("n_outputs", [1, 3])
def test_gradient_is_the_slope_of_the_loss(reference, rng, n_outputs):
    X, codes, sample_weight, weights = problem(rng, 20, 3, n_outputs)

    def sums(w):
        return reference.logistic.loss_gradient(X, codes, sample_weight, w.reshape(weights.shape))

    slope = scipy.optimize.approx_fprime(weights.ravel(), lambda w: sums(w)[0])
    np.testing.assert_allclose(sums(weights)[1:], slope, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("n_outputs", [1, 3])
def test_hessian_is_the_slope_of_the_gradient(reference, rng, n_outputs):
    X, codes, sample_weight, weights = problem(rng, 20, 3, n_outputs)

    def gradient(w):
        return reference.logistic.loss_gradient(X, codes, sample_weight, w.reshape(weights.shape))[1:]

    slope = scipy.optimize.approx_fprime(weights.ravel(), gradient)
    proba = reference.logistic.probabilities(X, weights)
    hessian = reference.logistic.hessian(X, sample_weight, proba, True)[1:].reshape(slope.shape)
    np.testing.assert_allclose(hessian, slope, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("shape", SHAPES)
def test_second_derivatives_agree_with_reference(agrees, reference, rng, shape):
    X, _, sample_weight, weights = problem(rng, *shape)
    agrees("logistic.probabilities", X, agrees.as_is(weights), rtol=1e-4, atol=1e-6)
    proba = reference.logistic.probabilities(X, weights)
    for weight in (None, sample_weight):
        agrees("logistic.hessian", X, weight, proba, True, rtol=1e-4, atol=1e-3)
        agrees("logistic.hessian_product", X, weight, proba, agrees.as_is(weights), rtol=1e-4, atol=2e-3)


def test_hessian_counts_the_weight_without_curvature(engine):
    proba = engine.asarray(np.array([[1.0], [0.0], [0.5]]))
    sums = engine.logistic.hessian(engine.asarray(np.ones((3, 1))), engine.asarray(np.array([1.0, 2, 4])), proba, False)
    np.testing.assert_allclose(engine.to_numpy(sums), [3, 1])


@pytest.mark.parametrize("n_outputs", [1, 4])
def test_sparse_rows_give_what_dense_ones_do(rng, dtype, n_outputs):
    X, codes, sample_weight, weights = problem(rng, 300, 9, n_outputs)
    X = np.where(X > 0.5, X, 0).astype(dtype)
    proba = logistic.probabilities(X, weights)
    tolerance = {"rtol": 1e-4, "atol": 1e-3} if dtype == np.float32 else {"rtol": 1e-10, "atol": 1e-10}
    for weight in (None, sample_weight.astype(dtype)):
        for op, args in {
            "loss_gradient": (codes, weight, weights),
            "hessian": (weight, proba, True),
            "hessian_product": (weight, proba, weights),
        }.items():
            dense, sparse = (getattr(logistic, op)(rows, *args) for rows in (X, sp.csr_matrix(X)))
            np.testing.assert_allclose(sparse, dense, err_msg=op, **tolerance)
    np.testing.assert_allclose(logistic.probabilities(sp.csr_matrix(X), weights), proba, **tolerance)


def test_probabilities_of_two_classes_are_those_of_the_second(engine, rng):
    X, _, _, weights = problem(rng, 10, 2, 1)
    got = engine.to_numpy(engine.logistic.probabilities(engine.asarray(X), engine.asarray(weights)))
    np.testing.assert_allclose(got, expit(X @ weights[:2] + weights[2]))


@pytest.mark.parametrize("kernel", [logistic._binary_residual, logistic._softmax_residual])
def test_the_loss_of_each_sample_is_computed_in_packed_instructions(kernel, rng):
    fresh = numba.njit(nogil=True, error_model="numpy", fastmath=FASTMATH)(kernel.py_func)
    is_binary = kernel is logistic._binary_residual
    raw, codes = rng.normal(size=(3, 8)), np.zeros(8, dtype=np.int32)
    fresh(raw[0] if is_binary else raw, codes, np.empty(0), 0.0 if is_binary else np.zeros(3))
    (assembly,) = fresh.inspect_asm().values()
    assert len(re.findall(r"\tvf\w*madd\w*pd\t.*[yz]mm", assembly)) > 10
