import re

import numpy as np
import pytest
import scipy.sparse
import sklearn.decomposition

from ghostflow_learn import config_context
from ghostflow_learn.decomposition import TruncatedSVD

ALGORITHMS = ["arpack", "randomized"]
ATTRIBUTES = ["components_", "explained_variance_", "explained_variance_ratio_", "singular_values_"]


def assert_same_model(ours, theirs, rtol=1e-8):
    for name in ATTRIBUTES:
        got, want = getattr(ours, name), getattr(theirs, name)
        assert (got.dtype, got.shape) == (want.dtype, want.shape), name
        np.testing.assert_allclose(got, want, rtol=rtol, atol=rtol * np.abs(want).max(), err_msg=name)


@pytest.fixture
def counts(rng):
    """Counts of 60 words in 200 documents on four topics."""
    topics = rng.dirichlet(np.full(60, 0.1), size=4)
    return scipy.sparse.csr_array(rng.poisson(20 * rng.dirichlet(np.full(4, 0.2), size=200) @ topics).astype(float))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_diagonal_matrix_has_its_entries_for_singular_values(algorithm):
    X = np.diag([1.0, 7.0, 3.0, 5.0])
    svd = TruncatedSVD(n_components=2, algorithm=algorithm, random_state=0)
    projected = svd.fit_transform(X)
    np.testing.assert_allclose(svd.singular_values_, [7, 5])
    np.testing.assert_allclose(svd.components_, [[0, 1, 0, 0], [0, 0, 0, 1]], atol=1e-10)
    np.testing.assert_allclose(projected, X @ svd.components_.T, atol=1e-10)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_no_matrix_of_that_rank_is_closer(counts, algorithm):
    svd = TruncatedSVD(n_components=4, algorithm=algorithm, random_state=0, n_iter=20)
    X = counts.toarray()
    error = np.linalg.norm(X - svd.inverse_transform(svd.fit_transform(counts)))
    least = np.sqrt(np.square(np.linalg.svd(X, compute_uv=False)[4:]).sum())
    assert error == pytest.approx(least, rel=1e-6)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    "container", [np.asarray, scipy.sparse.csr_array, scipy.sparse.csc_array, scipy.sparse.coo_array]
)
@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("params", [{}, {"n_iter": 1}, {"algorithm": "arpack"}, {"algorithm": "arpack", "tol": 1e-3}])
def test_the_model_is_scikit_learns(counts, params, container, dtype, wide):
    X = container((counts.T if wide else counts).toarray().astype(dtype))
    params = {"n_components": 4, "random_state": 3, **params}
    ours, theirs = TruncatedSVD(**params), sklearn.decomposition.TruncatedSVD(**params)
    got, want = ours.fit_transform(X), theirs.fit_transform(X)
    rtol = 1e-6 if dtype == np.float64 else 2e-3
    assert_same_model(ours, theirs, rtol)
    assert got.dtype == want.dtype
    np.testing.assert_allclose(got, want, atol=rtol * np.abs(want).max())
    np.testing.assert_allclose(ours.transform(X), theirs.transform(X), atol=rtol * np.abs(want).max())


@pytest.mark.parametrize("normalizer", ["auto", "QR", "LU", "none"])
@pytest.mark.parametrize("n_oversamples", [1, 10])
def test_each_normalizer_spans_what_scikit_learns_does(rng, normalizer, n_oversamples):
    X = rng.normal(size=(150, 60))
    params = {
        "n_components": 3,
        "power_iteration_normalizer": normalizer,
        "n_oversamples": n_oversamples,
        "random_state": 0,
    }
    assert_same_model(TruncatedSVD(**params).fit(X), sklearn.decomposition.TruncatedSVD(**params).fit(X))


def test_the_variance_explained_by_all_components_is_one(counts):
    svd = TruncatedSVD(n_components=59, n_iter=10, random_state=0).fit(counts)
    assert svd.explained_variance_ratio_.sum() == pytest.approx(1, abs=0.01)


def test_topics_are_found_from_words(counts):
    """Four topics explain nearly all there is beyond Poisson noise, which spreads over 60 words."""
    svd = TruncatedSVD(n_components=8, n_iter=10, random_state=0).fit(counts)
    assert svd.singular_values_[3] > 1.5 * svd.singular_values_[4]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_bits_do_not_depend_on_the_number_of_threads(rng, algorithm):
    X = scipy.sparse.random_array((5000, 300), density=0.1, format="csr", rng=rng)

    def fitted(data, n_threads):
        with config_context(n_threads=n_threads):
            return TruncatedSVD(5, algorithm=algorithm, random_state=0, tol=1e-3).fit(data)

    for data in (X, X.toarray()):
        one, *others = (fitted(data, n_threads) for n_threads in (1, 2, 5))
        for other in others:
            for name in ATTRIBUTES:
                np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_gpu_finds_the_model_of_the_cpu(on_gpu, counts, algorithm):
    X = counts.toarray()
    params = {"n_components": 4, "algorithm": algorithm, "random_state": 0}
    cpu, gpu = TruncatedSVD(**params).fit(X), TruncatedSVD(**params)
    projected = gpu.fit_transform(on_gpu(X))
    assert_same_model(gpu, cpu)
    np.testing.assert_allclose(projected.get(), cpu.transform(X), atol=1e-8)
    np.testing.assert_allclose(
        gpu.inverse_transform(projected).get(), cpu.inverse_transform(projected.get()), atol=1e-8
    )


def test_sparse_data_stay_on_the_cpu_where_a_gpu_is_asked_for(on_gpu, counts):
    with config_context(device="cuda"):
        svd = TruncatedSVD(2, random_state=0).fit(counts)
    assert_same_model(svd, TruncatedSVD(2, random_state=0).fit(counts))
    with config_context(device="cuda", fallback="raise"), pytest.raises(NotImplementedError, match="sparse matrix"):
        TruncatedSVD(2).fit(counts)


@pytest.mark.parametrize(
    "params, message",
    [
        ({"n_components": 61}, "n_components(61) must be <= n_features(60)."),
        (
            {"n_components": 60, "algorithm": "arpack"},
            "n_components=60 must be strictly less than min(n_samples=200, n",
        ),
        ({"n_components": 0}, "The 'n_components' parameter of TruncatedSVD must be an int in the range [1, inf)"),
    ],
)
def test_errors_say_what_is_wrong(counts, params, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        TruncatedSVD(**params).fit(counts)
