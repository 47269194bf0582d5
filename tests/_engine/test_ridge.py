import numpy as np
import pytest

PENALTIES = np.array([0.1, 1.0, 10.0])


def spectrum(X, Y, sample_weight, offset):
    """What `loo_errors` is given, from its definitions."""
    A = np.sqrt(sample_weight)[:, None] * (X - offset)
    B = np.sqrt(sample_weight)[:, None] * (Y - np.average(Y, axis=0, weights=sample_weight) * np.any(offset != 0))
    values, V = np.linalg.eigh(A.T @ A)
    coefs = np.stack([np.linalg.solve(A.T @ A + alpha * np.eye(X.shape[1]), A.T @ B) for alpha in PENALTIES])
    return coefs, V, 1 / (values[:, None] + PENALTIES)


@pytest.mark.parametrize("n_samples, n_features, n_targets", [(2, 1, 1), (33, 5, 2), (7000, 20, 1)])
def test_loo_errors_agree_with_reference(agrees, rng, n_samples, n_features, n_targets):
    X, Y = rng.normal(3, size=(n_samples, n_features)), rng.normal(size=(n_samples, n_targets))
    weight = rng.uniform(0.5, 2, size=n_samples)
    x_mean, y_mean = (np.average(A, axis=0, weights=weight) for A in (X, Y))
    for args in (
        (X, Y, *spectrum(X, Y, np.ones(n_samples), np.zeros(n_features))),
        (X, Y, *spectrum(X, Y, weight, x_mean), weight, x_mean, y_mean),
    ):
        agrees("ridge.loo_errors", *map(agrees.as_is, args), rtol=1e-8)


def test_loo_errors_are_those_of_models_fitted_without_the_sample(engine, rng):
    X, Y = rng.normal(3, size=(12, 3)), rng.normal(size=(12, 2))
    weight = np.ones(12)
    x_mean, y_mean = X.mean(axis=0), Y.mean(axis=0)
    args = (X, Y, *spectrum(X, Y, weight, x_mean), weight, x_mean, y_mean)
    errors = engine.to_numpy(engine.ridge.loo_errors(*map(engine.asarray, args)))
    for i in range(12):
        A, B = np.delete(X, i, axis=0), np.delete(Y, i, axis=0)
        coefs, _, _ = spectrum(A, B, np.ones(11), A.mean(axis=0))
        for a, coef in enumerate(coefs):
            want = Y[i] - B.mean(axis=0) - (X[i] - A.mean(axis=0)) @ coef
            np.testing.assert_allclose(errors[i, :, a], want, rtol=1e-9)
