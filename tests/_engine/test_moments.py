import numpy as np
import pytest

SHAPES = [(1, 1, 1), (7, 3, 2), (257, 5, 1), (5000, 33, 4)]


@pytest.mark.parametrize("n_samples, n_features, n_targets", SHAPES)
def test_mean_agrees_with_reference(agrees, rng, n_samples, n_features, n_targets):
    X = rng.normal(3, size=(n_samples, n_features))
    agrees("moments.mean", X)
    agrees("moments.mean", X, rng.uniform(0.1, size=n_samples))


@pytest.mark.parametrize("n_samples, n_features, n_targets", SHAPES)
def test_gram_agrees_with_reference(agrees, rng, n_samples, n_features, n_targets):
    X, Y = rng.normal(3, size=(n_samples, n_features)), rng.normal(size=(n_samples, n_targets))
    agrees("moments.gram", X, Y)
    agrees("moments.gram", X, Y, rng.uniform(size=n_samples), X.mean(axis=0), Y.mean(axis=0))


def test_gram_of_float32_is_summed_in_float64(engine, rng):
    """A float32 sum of 1e5 squares near 1e4 would be off by more than 1e-4 of itself."""
    X = rng.normal(100, 1, size=(100_000, 2)).astype(np.float32)
    xx, _ = engine.moments.gram(engine.asarray(X))
    np.testing.assert_allclose(engine.to_numpy(xx), X.astype(np.float64).T @ X.astype(np.float64), rtol=1e-12)
