import pickle
from itertools import pairwise

import numpy as np
import pytest
import sklearn.mixture
from scipy.sparse import csr_array
from scipy.stats import multivariate_normal
from sklearn.base import clone
from sklearn.datasets import load_iris, make_blobs
from sklearn.exceptions import ConvergenceWarning

from ghostflow_learn import config_context
from ghostflow_learn.mixture import GaussianMixture

TYPES = ("full", "tied", "diag", "spherical")
STARTS = ("kmeans", "k-means++", "random", "random_from_data")
every_type = pytest.mark.parametrize("covariance_type", TYPES)


@pytest.fixture
def blobs():
    X, _ = make_blobs(n_samples=600, n_features=4, centers=3, cluster_std=1.5, random_state=3)
    return X @ np.array([[2, 0.5, 0, 0], [0, 1, 0.3, 0], [0, 0, 1, 0], [0.2, 0, 0, 0.7]])


def assert_same_model(ours, theirs, rtol=1e-8):
    assert ours.n_iter_ == theirs.n_iter_
    assert ours.converged_ == theirs.converged_
    for name in ("weights_", "means_", "covariances_", "precisions_", "precisions_cholesky_", "lower_bounds_"):
        got, want = np.asarray(getattr(ours, name)), np.asarray(getattr(theirs, name))
        assert got.shape == want.shape, name
        np.testing.assert_allclose(got, want, rtol=rtol, atol=rtol, err_msg=name)


def test_one_component_has_the_moments_of_the_data(rng):
    X = rng.normal(size=(200, 3)) @ rng.normal(size=(3, 3)) + 5
    model = GaussianMixture(reg_covar=0).fit(X)
    np.testing.assert_allclose(model.means_[0], X.mean(axis=0))
    np.testing.assert_allclose(model.covariances_[0], np.cov(X.T, bias=True))
    assert model.weights_ == pytest.approx(1)
    want = multivariate_normal(model.means_[0], model.covariances_[0]).logpdf(X)
    np.testing.assert_allclose(model.score_samples(X), want)


@every_type
def test_the_likelihood_grows_and_its_last_value_is_the_lower_bound(blobs, covariance_type):
    model = GaussianMixture(4, covariance_type=covariance_type, tol=0, max_iter=30, random_state=0)
    with pytest.warns(ConvergenceWarning, match="Try different init parameters"):
        model.fit(blobs)
    assert all(later >= earlier - 1e-9 for earlier, later in pairwise(model.lower_bounds_))
    assert model.lower_bound_ == model.lower_bounds_[-1]
    assert model.score(blobs) == pytest.approx(model.lower_bound_, abs=1e-2)


@every_type
def test_precisions_are_the_inverse_of_covariances(blobs, covariance_type):
    model = GaussianMixture(3, covariance_type=covariance_type, random_state=0).fit(blobs)
    if covariance_type in ("full", "tied"):
        np.testing.assert_allclose(model.precisions_, np.linalg.inv(model.covariances_), rtol=1e-8, atol=1e-10)
    else:
        np.testing.assert_allclose(model.precisions_, 1 / model.covariances_)


def test_well_separated_blobs_are_found(blobs):
    X, y = make_blobs(n_samples=400, n_features=3, centers=4, cluster_std=0.3, random_state=0)
    model = GaussianMixture(4, n_init=3, random_state=0).fit(X)
    labels = model.predict(X)
    assert all(len(np.unique(labels[y == k])) == 1 for k in range(4))
    np.testing.assert_allclose(model.predict_proba(X).max(axis=1), 1, atol=1e-6)


@every_type
@pytest.mark.parametrize("init_params", STARTS)
def test_the_same_seed_gives_the_model_of_scikit_learn(blobs, covariance_type, init_params):
    params = {"n_components": 3, "covariance_type": covariance_type, "init_params": init_params, "random_state": 5}
    ours = GaussianMixture(**params).fit(blobs)
    theirs = sklearn.mixture.GaussianMixture(**params).fit(blobs)
    assert_same_model(ours, theirs, rtol=1e-6)
    np.testing.assert_array_equal(ours.predict(blobs), theirs.predict(blobs))
    np.testing.assert_allclose(ours.score_samples(blobs), theirs.score_samples(blobs), rtol=1e-6)
    np.testing.assert_allclose(ours.predict_proba(blobs), theirs.predict_proba(blobs), atol=1e-6)
    assert ours.bic(blobs) == pytest.approx(theirs.bic(blobs), rel=1e-7)
    assert ours.aic(blobs) == pytest.approx(theirs.aic(blobs), rel=1e-7)


@every_type
def test_what_is_given_is_where_it_starts(covariance_type):
    X = load_iris().data
    fitted = GaussianMixture(3, covariance_type=covariance_type, random_state=0).fit(X)
    given = {"weights_init": fitted.weights_, "means_init": fitted.means_, "precisions_init": fitted.precisions_}
    params = {"n_components": 3, "covariance_type": covariance_type, **given}
    start = GaussianMixture(max_iter=0, **params).fit(X)
    np.testing.assert_allclose(start.score_samples(X), fitted.score_samples(X))
    np.testing.assert_allclose(start.covariances_, fitted.covariances_, rtol=1e-8, atol=1e-10)
    assert_same_model(GaussianMixture(**params).fit(X), sklearn.mixture.GaussianMixture(**params).fit(X))


def test_the_best_of_several_starts_is_kept(blobs):
    params = {"n_components": 6, "init_params": "random_from_data"}
    rng = np.random.RandomState(0)
    each = [GaussianMixture(random_state=rng, **params).fit(blobs).lower_bound_ for _ in range(4)]
    best = GaussianMixture(n_init=4, random_state=np.random.RandomState(0), **params).fit(blobs)
    assert best.lower_bound_ == max(each) > min(each)


def test_samples_are_the_draws_of_scikit_learn_and_have_the_moments_of_the_model(blobs):
    for covariance_type in TYPES:
        model = GaussianMixture(2, covariance_type=covariance_type, random_state=0).fit(blobs)
        theirs = sklearn.mixture.GaussianMixture(2, covariance_type=covariance_type, random_state=0).fit(blobs)
        for got, want in zip(model.sample(50), theirs.sample(50), strict=True):
            assert got.dtype == want.dtype
            np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)
        X, y = model.sample(20_000)
        np.testing.assert_allclose(X[y == 1].mean(axis=0), model.means_[1], atol=0.2)


def test_a_warm_start_goes_on_where_it_was(blobs):
    whole = GaussianMixture(4, tol=1e-9, max_iter=12, init_params="random", random_state=0)
    parts = clone(whole).set_params(warm_start=True, max_iter=6)
    with pytest.warns(ConvergenceWarning):
        whole.fit(blobs)
    for _ in range(2):
        with pytest.warns(ConvergenceWarning):
            parts.fit(blobs)
    np.testing.assert_allclose(parts.means_, whole.means_, rtol=1e-10)
    np.testing.assert_allclose(parts.lower_bounds_, whole.lower_bounds_[6:], rtol=1e-10)


@every_type
def test_float32_stays_float32_and_near_float64(covariance_type):
    X = load_iris().data
    params = {"n_components": 3, "covariance_type": covariance_type, "random_state": 0}
    single, double = GaussianMixture(**params).fit(X.astype(np.float32)), GaussianMixture(**params).fit(X)
    for name in ("weights_", "means_", "covariances_", "precisions_", "precisions_cholesky_"):
        assert getattr(single, name).dtype == np.float32
        np.testing.assert_allclose(getattr(single, name), getattr(double, name), rtol=2e-3, atol=2e-3)
    assert single.score_samples(X.astype(np.float32)).dtype == np.float32
    assert single.score(X) == pytest.approx(double.score(X), abs=1e-4)


@every_type
def test_far_from_the_origin_nothing_is_lost(blobs, covariance_type):
    params = {"n_components": 3, "covariance_type": covariance_type, "random_state": 0}
    near, far = GaussianMixture(**params).fit(blobs), GaussianMixture(**params).fit(blobs + 1e6)
    np.testing.assert_allclose(far.means_ - 1e6, near.means_, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(far.covariances_, near.covariances_, rtol=1e-5, atol=1e-6)


def test_means_that_start_far_away_cost_no_digit(blobs):
    params = {"n_components": 2, "weights_init": [0.5, 0.5], "precisions_init": [np.eye(4) * 1e-16] * 2, "max_iter": 1}
    model = GaussianMixture(means_init=[[1e8] * 4, [1e8 + 1] * 4], tol=10, **params)
    with pytest.warns(ConvergenceWarning):
        model.fit(blobs)
    np.testing.assert_allclose(model.weights_ @ model.means_, blobs.mean(axis=0), rtol=1e-9)
    between = np.cov(model.means_.T, aweights=model.weights_, bias=True)
    within = np.einsum("k,kij->ij", model.weights_, model.covariances_)
    np.testing.assert_allclose(within + between, np.cov(blobs.T, bias=True), rtol=1e-5, atol=1e-5)


@every_type
def test_the_number_of_threads_changes_no_bit(rng, covariance_type):
    X, models = rng.normal(size=(20_000, 6)), []
    for n_threads in (1, 2, 7):
        with config_context(n_threads=n_threads):
            model = GaussianMixture(5, covariance_type=covariance_type, tol=0, max_iter=4, random_state=0)
            with pytest.warns(ConvergenceWarning):
                models.append(pickle.dumps((vars(model.fit(X)), model.predict_proba(X))))
    assert models[0] == models[1] == models[2]


@every_type
def test_the_reference_fits_the_same_model(blobs, covariance_type):
    model = GaussianMixture(3, covariance_type=covariance_type, random_state=0)
    with config_context(device="reference"):
        want = clone(model).fit(blobs)
    assert_same_model(model.fit(blobs), want)


@every_type
def test_fit_on_a_gpu_gives_the_model_of_the_cpu(on_gpu, blobs, covariance_type):
    params = {"n_components": 3, "covariance_type": covariance_type, "random_state": 0}
    want = GaussianMixture(**params).fit(blobs)
    X = on_gpu(blobs)
    got = GaussianMixture(**params).fit(X)
    assert type(got.means_) is np.ndarray
    assert_same_model(got, want)
    for method in ("predict", "predict_proba", "score_samples"):
        answer = getattr(got, method)(X)
        assert type(answer) is type(X), method
        np.testing.assert_allclose(answer.get(), getattr(want, method)(blobs), rtol=1e-7, atol=1e-9)
    assert got.score(X) == pytest.approx(want.score(blobs))


@pytest.mark.parametrize("init_params", STARTS[1:])
def test_each_start_on_a_gpu(on_gpu, blobs, init_params):
    params = {"n_components": 3, "init_params": init_params, "random_state": 0}
    assert_same_model(GaussianMixture(**params).fit(on_gpu(blobs)), GaussianMixture(**params).fit(blobs))


def test_an_iteration_on_a_gpu_waits_once(on_gpu, counting, blobs):
    X, events = on_gpu(blobs), []
    for max_iter in (2, 5):
        model = GaussianMixture(3, tol=0, max_iter=max_iter, init_params="random", random_state=0)
        with counting() as counted, pytest.warns(ConvergenceWarning):
            model.fit(X)
        events.append(counted)
    assert events[1]["sync"] - events[0]["sync"] == 3
    assert events[1]["d2h_bytes"] - events[0]["d2h_bytes"] == 3 * 8 * (2 + 3 + 12 + 48 + 12)


def test_verbose_prints_the_lines_of_scikit_learn(blobs, capsys):
    printed = []
    for cls in (GaussianMixture, sklearn.mixture.GaussianMixture):
        cls(3, n_init=2, verbose=1, verbose_interval=3, random_state=0).fit(blobs)
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1] != ""
    GaussianMixture(3, verbose=2, verbose_interval=1, random_state=0).fit(blobs)
    first, *iterations, last = capsys.readouterr().out.splitlines()
    assert first == "Initialization 0"
    assert all("time lapse" in line and "ll change" in line for line in iterations)
    assert last.startswith("Initialization converged. time lapse") and "lower bound" in last


def test_as_many_components_as_samples_and_one_feature():
    X = np.array([[0.0], [1.0], [5.0]])
    model = GaussianMixture(3, random_state=0).fit(X)
    np.testing.assert_allclose(np.sort(model.means_[:, 0]), X[:, 0], atol=1e-6)
    np.testing.assert_allclose(model.covariances_, 1e-6, rtol=1e-3)


def test_more_features_than_samples_fit_by_their_regularisation(rng):
    X = rng.normal(size=(6, 20))
    theirs = sklearn.mixture.GaussianMixture(1, reg_covar=0.1).fit(X)
    assert_same_model(GaussianMixture(1, reg_covar=0.1).fit(X), theirs)


@every_type
def test_equal_samples_without_regularisation_are_refused(covariance_type):
    model = GaussianMixture(1, covariance_type=covariance_type, reg_covar=0)
    with pytest.raises(ValueError, match="some components have ill-defined empirical covariance"):
        model.fit(np.zeros((10, 2)))
    with pytest.raises(ValueError, match="passing float64 data instead of float32"):
        model.fit(np.zeros((10, 2), dtype=np.float32))


@every_type
def test_data_whose_squares_overflow_are_refused(rng, covariance_type):
    model = GaussianMixture(2, covariance_type=covariance_type, init_params="random", random_state=0)
    with np.errstate(all="ignore"), pytest.raises(ValueError, match="infs or NaNs: squares of the data are too large"):
        model.fit(rng.normal(size=(20, 3)) * 1e200)


@every_type
def test_equal_samples_end_with_the_variance_of_the_regularisation(covariance_type):
    X = np.full((20, 2), 3.0)
    model = GaussianMixture(2, covariance_type=covariance_type, init_params="random", random_state=0).fit(X)
    np.testing.assert_allclose(model.means_, 3)
    np.testing.assert_allclose(model.covariances_.max(), 1e-6, rtol=1e-6)


@pytest.mark.parametrize(
    "params, message",
    [
        ({"n_components": 20}, "Expected n_samples >= n_components but got n_components = 20, n_samples = 10"),
        ({"n_components": 2, "weights_init": [0.5, 0.6]}, r"should be normalized, but got sum\(weights\) = 1.10000"),
        ({"n_components": 2, "weights_init": [1.5, -0.5]}, r"'weights' should be in the range \[0, 1\]"),
        ({"n_components": 2, "weights_init": [1.0]}, r"'weights' should have the shape of \(2,\), but got \(1,\)"),
        ({"means_init": [[0.0]]}, r"'means' should have the shape of \(1, 2\), but got \(1, 1\)"),
        ({"means_init": [[0.0, np.nan]]}, "Input contains NaN"),
        ({"precisions_init": [[[1.0, 2], [2, 1]]]}, "'full precision' should be symmetric, positive-definite"),
        ({"precisions_init": [-1.0], "covariance_type": "spherical"}, "'spherical precision' should be positive"),
        ({"covariance_type": "round"}, "'covariance_type' parameter of GaussianMixture must be a str among"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_wrong_parameters_say_what_is_wrong(rng, params, message):
    with pytest.raises(ValueError, match=message):
        GaussianMixture(**params).fit(rng.normal(size=(10, 2)))


@pytest.mark.parametrize(
    "X, message",
    [
        (np.array([[1.0, np.nan], [0, 0]]), "Input X contains NaN"),
        (np.ones((1, 2)), "minimum of 2 is required"),
        (np.ones(5), "Expected 2D array, got 1D array instead"),
    ],
    ids=["nan", "one sample", "one dimension"],
)
def test_bad_data_are_refused(X, message):
    with pytest.raises(ValueError, match=message):
        GaussianMixture().fit(X)


def test_sparse_data_are_refused():
    with pytest.raises(TypeError, match="Sparse data was passed"):
        GaussianMixture().fit(csr_array(np.eye(4)))


def test_no_sample_cannot_be_drawn(blobs):
    with pytest.raises(ValueError, match="Invalid value for 'n_samples': 0"):
        GaussianMixture().fit(blobs).sample(0)


def test_names_of_a_data_frame_are_kept(blobs):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(blobs, columns=list("abcd"))
    model = GaussianMixture(2, random_state=0).fit(frame)
    assert list(model.feature_names_in_) == list("abcd")
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame.rename(columns={"a": "z"}))
