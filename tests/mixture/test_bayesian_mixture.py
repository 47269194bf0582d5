import numpy as np
import pytest
import sklearn.mixture
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning

from ghostflow_learn import config_context
from ghostflow_learn.mixture import BayesianGaussianMixture

TYPES = ("full", "tied", "diag", "spherical")
PRIORS = ("dirichlet_process", "dirichlet_distribution")
every_type = pytest.mark.parametrize("covariance_type", TYPES)
FITTED = (
    *("weights_", "means_", "covariances_", "precisions_", "precisions_cholesky_", "weight_concentration_"),
    *("mean_precision_", "mean_prior_", "degrees_of_freedom_", "covariance_prior_", "lower_bounds_"),
)


def assert_same_model(ours, theirs, rtol=1e-7):
    assert ours.n_iter_ == theirs.n_iter_
    for name in FITTED:
        got, want = getattr(ours, name), getattr(theirs, name)
        np.testing.assert_allclose(got, np.reshape(want, np.shape(got)), rtol=rtol, atol=rtol, err_msg=name)


def test_components_that_the_data_do_not_need_lose_their_weight(rng):
    X = np.concatenate([rng.normal(size=(200, 2)), rng.normal(size=(200, 2)) + 20])
    model = BayesianGaussianMixture(n_components=6, weight_concentration_prior=1e-3, max_iter=500, random_state=0)
    weights = np.sort(model.fit(X).weights_)
    np.testing.assert_allclose(weights[-2:], 0.5, atol=0.02)
    assert weights[:4].sum() < 0.02


def test_a_strong_prior_keeps_the_means(rng):
    X = rng.normal(size=(50, 2)) + 3
    model = BayesianGaussianMixture(mean_precision_prior=1e9, mean_prior=[0.0, 1.0]).fit(X)
    np.testing.assert_allclose(model.means_, [[0, 1]], atol=1e-6)


@every_type
@pytest.mark.parametrize("prior", PRIORS)
def test_the_same_seed_gives_the_model_of_scikit_learn(covariance_type, prior):
    X = load_iris().data
    params = {
        "n_components": 4,
        "covariance_type": covariance_type,
        "weight_concentration_prior_type": prior,
        "init_params": "random_from_data",
        "random_state": 1,
        "max_iter": 25,
        "tol": 1e-9,
    }
    ours, theirs = BayesianGaussianMixture(**params), sklearn.mixture.BayesianGaussianMixture(**params)
    for model in (ours, theirs):
        with pytest.warns(ConvergenceWarning):
            model.fit(X)
    assert_same_model(ours, theirs)
    np.testing.assert_allclose(ours.score_samples(X), theirs.score_samples(X), rtol=1e-6)
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    for got, want in zip(ours.sample(20), theirs.sample(20), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)


@every_type
def test_given_priors_act_as_in_scikit_learn(rng, covariance_type):
    X = rng.normal(size=(80, 3)) * [1, 2, 3]
    covariance = {"full": np.eye(3), "tied": 2 * np.eye(3), "diag": np.ones(3), "spherical": 1.5}[covariance_type]
    params = {
        "n_components": 2,
        "covariance_type": covariance_type,
        "weight_concentration_prior": 3.0,
        "mean_precision_prior": 2.0,
        "mean_prior": [1.0, 0, 0],
        "degrees_of_freedom_prior": 5.0,
        "covariance_prior": covariance,
        "random_state": 0,
    }
    theirs = sklearn.mixture.BayesianGaussianMixture(**params).fit(X)
    assert_same_model(BayesianGaussianMixture(**params).fit(X), theirs)


@every_type
def test_fit_on_a_gpu_gives_the_model_of_the_cpu(on_gpu, covariance_type):
    X = load_iris().data
    params = {"n_components": 3, "covariance_type": covariance_type, "random_state": 0}
    assert_same_model(BayesianGaussianMixture(**params).fit(on_gpu(X)), BayesianGaussianMixture(**params).fit(X))


def test_a_warm_start_goes_on_where_it_was():
    X, params = load_iris().data, {"n_components": 3, "tol": 1e-12, "init_params": "random", "random_state": 0}
    whole, parts = (BayesianGaussianMixture(**params, max_iter=n) for n in (8, 4))
    with pytest.warns(ConvergenceWarning):
        whole.fit(X)
    parts.set_params(warm_start=True)
    for _ in range(2):
        with pytest.warns(ConvergenceWarning):
            parts.fit(X)
    np.testing.assert_allclose(parts.lower_bounds_, whole.lower_bounds_[4:], rtol=1e-12)


def test_the_number_of_threads_changes_no_bit(rng):
    X, models = rng.normal(size=(20_000, 6)), []
    for n_threads in (1, 2, 7):
        with config_context(n_threads=n_threads), pytest.warns(ConvergenceWarning):
            models.append(BayesianGaussianMixture(n_components=4, tol=0, max_iter=3, random_state=0).fit(X))
    for model in models[1:]:
        for name in FITTED:
            np.testing.assert_array_equal(getattr(model, name), getattr(models[0], name))


@pytest.mark.parametrize(
    "params, message",
    [
        ({"degrees_of_freedom_prior": 0.5}, "should be greater than 1, but got 0.500"),
        ({"mean_prior": [0.0]}, r"'means' should have the shape of \(2,\), but got \(1,\)"),
        ({"covariance_prior": np.eye(3)}, r"'full covariance_prior' should have the shape of \(2, 2\)"),
        ({"covariance_prior": -np.eye(2)}, "'full precision' should be symmetric, positive-definite"),
        ({"covariance_prior": [-1.0, 1], "covariance_type": "diag"}, "'diag precision' should be positive"),
        ({"weight_concentration_prior": 0.0}, "'weight_concentration_prior' parameter of BayesianGaussianMixture"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_wrong_priors_say_what_is_wrong(rng, params, message):
    with pytest.raises(ValueError, match=message):
        BayesianGaussianMixture(**params).fit(rng.normal(size=(10, 2)))
