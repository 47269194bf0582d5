import numpy as np
import pytest

TYPES = ("full", "tied", "diag", "spherical")
SHAPES = [(1, 1, 1), (33, 2, 3), (700, 5, 4), (300, 40, 9)]


def mixture(rng, n_samples, n_features, n_components, covariance_type):
    """X, means, precisions_cholesky, constant"""
    shape = {
        "full": (n_components, n_features, n_features),
        "tied": (n_features, n_features),
        "diag": (n_components, n_features),
        "spherical": (n_components,),
    }[covariance_type]
    factors = rng.uniform(0.5, 1.5, size=shape)
    if covariance_type in ("full", "tied"):
        factors = np.triu(factors) / n_features
    constant = np.log(rng.dirichlet(np.ones(n_components)))
    means = rng.normal(size=(n_components, n_features))
    return rng.normal(size=(n_samples, n_features)), means, factors, constant


@pytest.fixture(params=SHAPES, ids=str)
def shape(request):
    return request.param


@pytest.mark.parametrize("covariance_type", TYPES)
def test_posterior_agrees_with_the_reference(agrees, rng, shape, covariance_type):
    args = mixture(rng, *shape, covariance_type)
    (log_norm, log_resp), _ = agrees("gaussian_mixture.posterior", *args, covariance_type, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(np.exp(log_resp).sum(axis=1), 1, rtol=1e-5)
    assert log_norm.shape == shape[:1]


@pytest.mark.parametrize("covariance_type", TYPES)
def test_step_agrees_with_the_reference(agrees, rng, shape, covariance_type):
    X, means, factors, constant = mixture(rng, *shape, covariance_type)
    about = means + rng.normal(size=means.shape) / 4
    args = (X, means, factors, constant, about, covariance_type)
    agrees("gaussian_mixture.step", *args, rtol=2e-4, atol=2e-3 * shape[0] / 100)


@pytest.mark.parametrize("covariance_type", TYPES)
def test_moments_agree_with_the_reference(agrees, rng, shape, covariance_type):
    n_samples, n_features, n_components = shape
    resp = rng.dirichlet(np.ones(n_components), size=n_samples)
    about = rng.normal(size=(n_components, n_features))
    args = (rng.normal(size=(n_samples, n_features)), resp, about, covariance_type)
    agrees("gaussian_mixture.moments", *args, rtol=1e-4, atol=1e-3)


def test_a_step_over_many_blocks_is_the_sum_of_its_posterior(engine, rng):
    X, means, factors, constant = (engine.asarray(a) for a in mixture(rng, 5_000, 6, 3, "full"))
    log_norm, log_resp = engine.gaussian_mixture.posterior(X, means, factors, constant, "full")
    want = engine.gaussian_mixture.moments(X, engine.xp.exp(log_resp), means, "full")
    totals, *got = engine.gaussian_mixture.step(X, means, factors, constant, means, "full")
    for g, w in zip(got, want, strict=True):
        np.testing.assert_allclose(engine.to_numpy(g), engine.to_numpy(w), rtol=1e-10, atol=1e-9)
    surprise = float((engine.xp.exp(log_resp) * log_resp).sum())
    np.testing.assert_allclose(engine.to_numpy(totals), [float(log_norm.sum()), surprise], rtol=1e-10)


def test_components_in_groups_give_what_they_give_at_once(reference, rng):
    from ghostflow_learn._engine import _gaussians as gaussians

    X, *model = mixture(rng, 50, 4, 7, "full")
    want = reference.gaussian_mixture.step(X, *model, model[0], "full")
    got = gaussians.step(np, X.T.copy(), *model, model[0], "full", gaussians.Tile(50, 3))
    for g, w in zip(got, want, strict=True):
        np.testing.assert_allclose(g, w, rtol=1e-11, atol=1e-11)


def test_the_density_does_not_cancel_far_from_zero(engine):
    """Squares of values near 1e8 have no digit left of a distance of 1."""
    X, means = np.array([[1e8 + 1.0]]), np.array([[1e8], [1e8 + 3]])
    for covariance_type, shape in (("full", (2, 1, 1)), ("tied", (1, 1)), ("diag", (2, 1)), ("spherical", (2,))):
        args = map(engine.asarray, (X, means, np.ones(shape), np.zeros(2)))
        log_norm, log_resp = engine.gaussian_mixture.posterior(*args, covariance_type)
        log_prob = engine.to_numpy(log_resp + log_norm[:, None])[0]
        np.testing.assert_allclose(log_prob, [-0.5, -2.0], rtol=1e-7)


def test_a_component_without_weight_has_no_sample(engine, rng):
    X, means, factors, constant = mixture(rng, 40, 2, 2, "diag")
    constant[1] = -np.inf
    args = list(map(engine.asarray, (X, means, factors, constant)))
    totals, weight, *_ = engine.gaussian_mixture.step(*args, args[1], "diag")
    np.testing.assert_allclose(engine.to_numpy(weight), [40, 0])
    assert engine.to_numpy(totals)[1] == 0
