import numpy as np
import pytest

SHAPES = [(1, 1, 1), (31, 3, 2), (257, 33, 9), (1000, 40, 20)]


@pytest.fixture(params=SHAPES, ids=str)
def data(request, rng):
    """X, mean, var, log_prior"""
    n_samples, n_features, n_classes = request.param
    mean, var = rng.normal(size=(n_classes, n_features)), rng.uniform(0.5, 2, size=(n_classes, n_features))
    return rng.normal(size=(n_samples, n_features)), mean, var, np.log(rng.dirichlet(np.ones(n_classes)))


def test_joint_log_likelihood_agrees_with_the_reference(agrees, data):
    agrees("naive_bayes.joint_log_likelihood", *data, rtol=1e-4)


def test_classify_finds_the_largest_likelihood(agrees, reference, data):
    (codes,), _ = agrees("naive_bayes.classify", *data, chosen=[0])
    jll = reference.naive_bayes.joint_log_likelihood(*data)
    np.testing.assert_allclose(jll[np.arange(len(codes)), codes], jll.max(axis=1), rtol=1e-4)


def test_ties_go_to_the_first_class_and_nan_before_all(agrees):
    ones, codes = np.ones((10, 2)), []
    for broken in (None, 9):
        var = ones.copy()
        if broken is not None:
            var[broken] = 0
        codes.append(agrees("naive_bayes.classify", ones[:3], ones, var, np.zeros(10))[0][0].tolist())
    assert codes == [[0, 0, 0], [9, 9, 9]]


def test_likelihood_does_not_cancel_far_from_zero(engine):
    """x^2 - 2 x mean + mean^2 of values near 1e9 has no digit left of a distance of 1."""
    X, mean = np.array([[1e9 + 1.0]]), np.array([[1e9], [1e9 + 3]])
    jll = engine.naive_bayes.joint_log_likelihood(*map(engine.asarray, (X, mean, np.ones((2, 1)), np.zeros(2))))
    np.testing.assert_allclose(engine.to_numpy(jll)[0], -0.5 * np.log(2 * np.pi) - np.array([0.5, 2.0]), rtol=1e-12)


def test_float32_data_with_a_float64_model_is_computed_in_float64(engine, rng):
    X, mean = rng.normal(size=(50, 3)).astype(np.float32), rng.normal(size=(2, 3))
    jll = engine.naive_bayes.joint_log_likelihood(*map(engine.asarray, (X, mean, np.ones((2, 3)), np.zeros(2))))
    want = -1.5 * np.log(2 * np.pi) - 0.5 * ((X[:, None] - mean) ** 2).sum(axis=2)
    np.testing.assert_allclose(engine.to_numpy(jll), want, rtol=1e-12)
