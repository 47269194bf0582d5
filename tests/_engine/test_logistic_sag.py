import numpy as np
import pytest
import scipy.sparse as sp

OPTIONS = [{}, {"saga": True}]


def problem(rng, n_outputs, n_samples=60):
    X = rng.normal(1, size=(n_samples, 4))
    codes = rng.integers(max(2, n_outputs), size=n_samples).astype(np.int32)
    return X, codes, rng.uniform(0.5, 2, size=n_samples), np.zeros((n_samples, n_outputs + 1))


@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize("has_intercept", [True, False])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_minimize_agrees_with_reference(agrees, rng, options, has_intercept, n_outputs):
    X, codes, sample_weight, memory = problem(rng, n_outputs)
    memory, weights = agrees.as_is(memory), agrees.as_is(rng.normal(size=(4 + has_intercept, n_outputs)))
    beta = 0.5 if options else 0.0
    for weight in (None, sample_weight):
        args = (X, codes, weight, weights, memory, 1.0, beta, 0.05, 6, 1e-9, 42)
        agrees("logistic_sag.minimize", *args, rtol=1e-3, atol=1e-4, **options)


@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize("alpha", [1.0, 1000.0])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_minimize_on_sparse_data_agrees_with_reference(reference, rng, options, alpha, n_outputs):
    """Strong penalties shrink the common scale of the coefficients below what it is multiplied out at."""
    from ghostflow_learn._engine import cpu

    X, codes, sample_weight, memory = problem(rng, n_outputs)
    X, weights = sp.csr_matrix(np.where(X > 1, X, 0)), rng.normal(size=(5, n_outputs))
    args = (X, codes, sample_weight, weights, memory, alpha, 0.0, 0.05, 6, 1e-9, 42)
    for got, want in zip(
        cpu.logistic_sag.minimize(*args, **options), reference.logistic_sag.minimize(*args, **options)
    ):
        np.testing.assert_allclose(got, want, rtol=1e-7, atol=1e-12)


def test_minimize_goes_on_where_it_stopped(engine, rng):
    X, codes, _, memory = problem(rng, 1)
    X, codes, memory, weights = (engine.asarray(a) for a in (X, codes, memory, np.zeros((5, 1))))
    first, memory, n_iter = engine.logistic_sag.minimize(X, codes, None, weights, memory, 1.0, 0.0, 0.05, 300, 1e-4, 7)
    assert 3 < int(n_iter) < 300
    assert float(abs(weights).max()) == 0  # what it is given stays as it is
    _, _, n_iter = engine.logistic_sag.minimize(X, codes, None, first, memory, 1.0, 0.0, 0.05, 300, 1e-3, 7)
    assert int(n_iter) <= 2


def test_coefficients_that_all_become_zero_have_not_converged(engine):
    """Otherwise the intercept would be left on its way."""
    X, codes = engine.asarray(np.array([[1.0], [-1.0], [1.0]])), engine.asarray(np.array([0, 1, 1], np.int32))
    args = (engine.asarray(np.array([[1.0], [0.0]])), engine.asarray(np.zeros((3, 2))), 1.0, 100.0, 0.3, 50, 1e-3, 1)
    weights, _, n_iter = engine.logistic_sag.minimize(X, codes, None, *args, saga=True)
    assert engine.to_numpy(weights)[0] == 0
    assert int(n_iter) >= 2
