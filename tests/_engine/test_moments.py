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


@pytest.mark.parametrize("n_samples, n_features, n_targets", SHAPES)
def test_scatter_agrees_with_reference(agrees, rng, n_samples, n_features, n_targets):
    X, Y = rng.normal(3, size=(n_samples, n_features)), rng.normal(size=(n_samples, n_targets))
    agrees("moments.scatter", X)
    agrees("moments.scatter", X, Y, rng.uniform(0.1, size=n_samples))


def test_scatter_with_weights_of_zero_in_the_first_rows(agrees, rng):
    X, Y = rng.normal(3, size=(5000, 33)), rng.normal(size=(5000, 1))
    agrees("moments.scatter", X, Y, np.repeat([0.0, 2.0], 2500))


def test_scatter_of_drifting_data_far_from_zero_loses_no_digits(engine, rng):
    """Sums of squares about zero, 1e16 a value, would leave two digits of a variance of 1."""
    X = rng.normal(size=(20_000, 3)) + np.linspace(0, 5, 20_000)[:, None]
    _, _, xx, _ = engine.moments.scatter(engine.asarray(X + 2.0**27))
    exact = X + 2.0**27 - np.float64(2.0**27)  # what is left of X after rounding
    centered = exact - exact.mean(axis=0)
    np.testing.assert_allclose(engine.to_numpy(xx), centered.T @ centered, rtol=1e-12)


@pytest.mark.parametrize("n_samples, n_features, n_targets", [*SHAPES, (5, 9, 2), (9000, 3, 1)])
def test_root_squares_to_the_gram(engine, rng, n_samples, n_features, n_targets):
    X, Y = rng.normal(3, size=(n_samples, n_features)), rng.normal(size=(n_samples, n_targets))
    every = [engine.asarray(a) for a in (X, Y, rng.uniform(size=n_samples), X.mean(axis=0), Y.mean(axis=0))]
    for args in (every, every[:2]):
        R, Z = engine.moments.root(*args)
        xx, xy = engine.moments.gram(*args)
        assert R.shape == (min(n_samples, n_features), n_features)
        np.testing.assert_allclose(*map(engine.to_numpy, (R.T @ R, xx)), rtol=1e-10, atol=1e-10)
        np.testing.assert_allclose(*map(engine.to_numpy, (R.T @ Z, xy)), rtol=1e-10, atol=1e-10)


def test_root_keeps_the_small_singular_values_that_a_gram_loses(engine, rng):
    X = rng.normal(size=(3000, 3)) @ np.diag([1, 1e-5, 1e-10])
    R, _ = engine.moments.root(engine.asarray(X), engine.asarray(np.zeros((3000, 1))))
    singular = np.linalg.svd(engine.to_numpy(R), compute_uv=False)
    np.testing.assert_allclose(singular, np.linalg.svd(X, compute_uv=False), rtol=1e-5)


def test_gram_of_float32_is_summed_in_float64(engine, rng):
    """A float32 sum of 1e5 squares near 1e4 would be off by more than 1e-4 of itself."""
    X = rng.normal(100, 1, size=(100_000, 2)).astype(np.float32)
    xx, _ = engine.moments.gram(engine.asarray(X))
    np.testing.assert_allclose(engine.to_numpy(xx), X.astype(np.float64).T @ X.astype(np.float64), rtol=1e-12)
