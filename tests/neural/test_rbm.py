import itertools

import numpy as np
import pytest
import scipy.sparse
import sklearn.neural_network
from scipy.special import expit, logsumexp
from sklearn.exceptions import NotFittedError

from ghostflow_learn import config_context
from ghostflow_learn.neural_network import BernoulliRBM

ATTRIBUTES = ["components_", "intercept_hidden_", "intercept_visible_", "h_samples_"]


def every(n):
    """All binary vectors of length n."""
    return np.array(list(itertools.product([0.0, 1.0], repeat=n)))


def log_likelihood(rbm, X):
    """Exact log P(v) of each row, by the sum over every state of the machine."""

    def unnormalised(v):
        h = every(len(rbm.intercept_hidden_))
        energies = v @ rbm.components_.T @ h.T + h @ rbm.intercept_hidden_ + (v @ rbm.intercept_visible_)[:, None]
        return logsumexp(energies, axis=1)

    return unnormalised(X) - logsumexp(unnormalised(every(X.shape[1])))


def assert_same_model(ours, theirs, atol):
    for name in ATTRIBUTES:
        got, want = getattr(ours, name), getattr(theirs, name)
        assert (got.dtype, got.shape) == (want.dtype, want.shape), name
        np.testing.assert_allclose(got, want, rtol=0, atol=atol, err_msg=name)


@pytest.fixture
def X(rng):
    """200 samples of 12 values between 0 and 1 that come in three patterns."""
    patterns = rng.random((3, 12)) < 0.5
    return np.where(rng.random((200, 12)) < 0.1, rng.random((200, 12)), patterns[rng.integers(3, size=200)])


@pytest.fixture
def small():
    """A machine of 4 visible and 3 hidden units with weights of order 1."""
    rng = np.random.RandomState(1)
    rbm = BernoulliRBM(n_components=3, n_iter=0, random_state=0).fit(every(4))
    rbm.components_ = rng.normal(size=(3, 4))
    rbm.intercept_hidden_, rbm.intercept_visible_ = rng.normal(size=3), rng.normal(size=4)
    return rbm


def test_hidden_units_are_the_logistic_function_of_their_input(small):
    expected = expit(every(4) @ small.components_.T + small.intercept_hidden_)
    np.testing.assert_allclose(small.transform(every(4)), expected, rtol=1e-14)


def test_a_unit_without_doubt_is_0_or_1_without_a_warning(small):
    small.components_ = np.array([[1e4], [-1e4], [0.0]]) * np.ones(4)
    np.testing.assert_allclose(small.transform(np.ones((1, 4)))[0, :2], [1, 0], atol=1e-300)
    assert np.isfinite(small.score_samples(1e5 * np.ones((1, 4)))).all()


def test_the_pseudo_likelihood_is_the_exact_conditional_probability(small):
    v = every(4)
    for seed in range(5):
        small.random_state = seed
        j = np.random.RandomState(seed).randint(0, 4, len(v))
        flipped = v.copy()
        flipped[np.arange(len(v)), j] = 1 - flipped[np.arange(len(v)), j]
        this, other = log_likelihood(small, v), log_likelihood(small, flipped)
        np.testing.assert_allclose(small.score_samples(v), 4 * (this - np.logaddexp(this, other)), rtol=1e-12)


def test_one_step_moves_along_the_difference_of_correlations(small):
    v, start = every(4), [getattr(small, name).copy() for name in ATTRIBUTES]
    W, b, a, h = start
    small.set_params(learning_rate=0.3, random_state=5).partial_fit(v)
    rng = np.random.RandomState(5)
    v_model = rng.uniform(size=(10, 4)) < expit(h @ W + a)
    h_data, h_model = expit(v @ W.T + b), expit(v_model @ W.T + b)
    np.testing.assert_allclose(small.components_, W + 0.3 / 16 * (h_data.T @ v - h_model.T @ v_model), rtol=1e-12)
    np.testing.assert_allclose(small.intercept_hidden_, b + 0.3 / 16 * (h_data.sum(0) - h_model.sum(0)), rtol=1e-12)
    np.testing.assert_allclose(small.intercept_visible_, a + 0.3 / 16 * (v.sum(0) - v_model.sum(0)), rtol=1e-12)
    np.testing.assert_array_equal(small.h_samples_, rng.uniform(size=(10, 3)) < h_model)


def test_gibbs_samples_settle_in_the_distribution_of_the_machine(small):
    v = np.zeros((20_000, 4))
    for _ in range(30):
        v = small.gibbs(v)
    assert v.dtype == bool
    found = np.bincount(v @ [8, 4, 2, 1], minlength=16) / len(v)
    np.testing.assert_allclose(found, np.exp(log_likelihood(small, every(4))), atol=0.012)


@pytest.mark.parametrize("container", [np.asarray, scipy.sparse.csr_array, scipy.sparse.csr_matrix])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("params", [{}, {"batch_size": 7, "learning_rate": 0.5}, {"batch_size": 500}, {"n_iter": 0}])
def test_one_seed_is_one_model_here_and_in_scikit_learn(X, params, dtype, container):
    X, params = container(X.astype(dtype)), {"n_components": 9, **params}
    rngs = np.random.RandomState(3), np.random.RandomState(3)
    ours = BernoulliRBM(random_state=rngs[0], **params).fit(X)
    theirs = sklearn.neural_network.BernoulliRBM(random_state=rngs[1], **params).fit(X)
    atol = 1e-12 if dtype == np.float64 else 1e-3  # chains amplify rounding: theirs is as far from its float64 model
    assert_same_model(ours, theirs, atol)
    assert rngs[0].uniform() == rngs[1].uniform()
    ours.random_state = theirs.random_state = 0
    assert ours.transform(X).dtype == theirs.transform(X).dtype == dtype
    np.testing.assert_allclose(ours.transform(X), theirs.transform(X), rtol=0, atol=atol)
    np.testing.assert_allclose(ours.score_samples(X), theirs.score_samples(X), rtol=10 * atol, atol=10 * atol)
    if dtype == np.float64:
        np.testing.assert_array_equal(ours.gibbs(X), theirs.gibbs(X))


def test_partial_fit_goes_on_as_scikit_learns_does(X):
    ours, theirs = BernoulliRBM(random_state=0), sklearn.neural_network.BernoulliRBM(random_state=0)
    for batch in np.array_split(X, 8):
        assert ours.partial_fit(batch) is ours
        theirs.partial_fit(batch)
    assert_same_model(ours, theirs, 1e-12)
    ours.fit(X.astype(np.float32)).partial_fit(X)
    theirs.fit(X.astype(np.float32)).partial_fit(X)
    assert_same_model(ours, theirs, 1e-5)


def test_the_progress_is_printed_in_scikit_learns_words_and_does_not_change_its_draws(X, capsys):
    lines = []
    for cls in BernoulliRBM, sklearn.neural_network.BernoulliRBM:
        rng = np.random.RandomState(0)
        cls(n_components=5, n_iter=3, verbose=True, random_state=rng).fit(X)
        lines.append([line.partition(", time = ")[0] for line in capsys.readouterr().out.splitlines()])
        lines[-1].append(rng.uniform())
    assert lines[0] == lines[1]
    assert len(lines[0]) == 4


def test_numbers_drawn_in_many_portions_are_the_same(X, monkeypatch):
    at_once = BernoulliRBM(n_components=9, random_state=0).fit(X)
    monkeypatch.setattr("ghostflow_learn.neural._rbm.DRAWS", 700)
    monkeypatch.setattr("ghostflow_learn.neural._rbm.BLOCK", 50)
    in_portions = BernoulliRBM(n_components=9, random_state=0).fit(X)
    assert_same_model(in_portions, at_once, 0)
    np.testing.assert_allclose(in_portions.score_samples(X), at_once.score_samples(X), rtol=1e-12)


def test_the_model_is_the_same_at_any_number_of_threads(rng):
    X = rng.random((600, 400)) < 0.3
    params = {"n_components": 300, "batch_size": 300, "n_iter": 2, "random_state": 0}
    models = []
    for n_threads in 1, 4:
        with config_context(n_threads=n_threads):
            models.append(BernoulliRBM(**params).fit(X))
    assert_same_model(*models, 0)


def test_the_data_are_left_as_they_were(X):
    before = X.copy()
    BernoulliRBM(n_components=3, random_state=0).fit(X).partial_fit(X)
    np.testing.assert_array_equal(X, before)


@pytest.mark.parametrize("shape", [(1, 3), (5, 1), (1, 1), (3, 40)])
@pytest.mark.parametrize("value", [0.0, 1.0, 0.5])
def test_few_samples_few_features_and_constant_ones_fit_as_in_scikit_learn(shape, value):
    X, params = np.full(shape, value), {"n_components": 2, "batch_size": 2, "random_state": 0}
    ours, theirs = BernoulliRBM(**params).fit(X), sklearn.neural_network.BernoulliRBM(**params).fit(X)
    assert_same_model(ours, theirs, 1e-12)
    np.testing.assert_allclose(ours.score_samples(X), theirs.score_samples(X), rtol=1e-10)


def test_it_learns_what_independent_units_cannot(rng):
    # Bars: rows of a 3 x 3 image are switched as a whole.
    X = np.repeat(rng.random((500, 3)) < 0.4, 3, axis=1).astype(float)
    rbm = BernoulliRBM(n_components=6, n_iter=200, batch_size=50, random_state=0).fit(X)
    p = X.mean(axis=0)
    independent = (X * np.log(p) + (1 - X) * np.log(1 - p)).sum(axis=1).mean()
    best = 3 * (0.4 * np.log(0.4) + 0.6 * np.log(0.6))
    assert independent < -5.5
    assert log_likelihood(rbm, X).mean() > best - 1


def test_a_wrong_parameter_is_named():
    with pytest.raises(ValueError, match="'learning_rate' parameter of BernoulliRBM must be a float"):
        BernoulliRBM(learning_rate=0).fit(every(2))
    with pytest.raises(ValueError, match="'n_components' parameter of BernoulliRBM must be an int"):
        BernoulliRBM(n_components=0).partial_fit(every(2))


@pytest.mark.parametrize("method", ["transform", "score_samples", "gibbs"])
def test_a_machine_that_is_not_fitted_says_so(method):
    with pytest.raises(NotFittedError, match="This BernoulliRBM instance is not fitted yet"):
        getattr(BernoulliRBM(), method)(every(2))


def test_other_features_than_in_fit_are_refused(small):
    for method in small.transform, small.score_samples, small.partial_fit:
        with pytest.raises(ValueError, match="X has 2 features, but BernoulliRBM is expecting 4"):
            method(every(2))


def test_data_on_a_gpu_give_the_model_of_the_cpu_and_answers_on_the_gpu(X, on_gpu):
    host, device = (BernoulliRBM(n_components=9, n_iter=3, random_state=0) for _ in range(2))
    host.fit(X).partial_fit(X)
    device.fit(on_gpu(X)).partial_fit(on_gpu(X))
    assert_same_model(device, host, 1e-10)
    for method in "transform", "score_samples", "gibbs":
        answer = getattr(device, method)(on_gpu(X))
        assert type(answer) is type(on_gpu(X))
        np.testing.assert_allclose(answer.get(), getattr(host, method)(X), rtol=1e-8, atol=1e-10)


def test_a_pass_on_a_gpu_does_not_wait_for_it(X, on_gpu, counting):
    with counting() as events:
        BernoulliRBM(n_components=9, n_iter=5, random_state=0).fit(on_gpu(X))
    assert events["host_iter"] == 0
    assert events["d2h_bytes"] < 8 * (12 * 9 + 12 + 9 + 10 * 9) + 100
