import numpy as np
import pytest
import sklearn.neighbors
from scipy.sparse import csr_array

from ghostflow_learn.neighbors import LocalOutlierFactor


@pytest.fixture
def X(rng):
    return np.vstack([rng.normal(size=(80, 3)), 8 + 0.1 * rng.normal(size=(40, 3)), [[4.0, 4.0, 4.0]]])


def test_the_sample_between_two_clusters_of_unlike_density_is_the_outlier(X):
    model = LocalOutlierFactor(contamination=1 / 121)
    assert np.flatnonzero(model.fit_predict(X) == -1).tolist() == [120]
    assert np.median(model.negative_outlier_factor_) == pytest.approx(-1, abs=0.1)


@pytest.mark.parametrize(
    "params",
    [{}, {"metric": "manhattan"}, {"metric": "cosine"}, {"contamination": 0.1}],
    ids=["defaults", "manhattan", "cosine", "a_tenth"],
)
def test_factors_are_scikit_learns(X, rng, params):
    ours, theirs = (
        c(novelty=True, **params).fit(X) for c in (LocalOutlierFactor, sklearn.neighbors.LocalOutlierFactor)
    )
    queries = rng.normal(size=(30, 3)) * 3
    np.testing.assert_allclose(ours.negative_outlier_factor_, theirs.negative_outlier_factor_, rtol=1e-9)
    np.testing.assert_allclose(ours.decision_function(queries), theirs.decision_function(queries), rtol=1e-8)
    np.testing.assert_array_equal(ours.predict(queries), theirs.predict(queries))
    np.testing.assert_array_equal(ours.predict(), theirs.predict())


def test_sparse_and_float32_give_the_same(X):
    want = LocalOutlierFactor().fit(X).negative_outlier_factor_
    np.testing.assert_allclose(LocalOutlierFactor().fit(csr_array(X)).negative_outlier_factor_, want, rtol=1e-6)
    single = LocalOutlierFactor().fit(X.astype(np.float32)).negative_outlier_factor_
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, want, rtol=1e-4)


def test_on_a_gpu_it_finds_what_it_finds_on_the_cpu(on_gpu, X):
    cpu, gpu = LocalOutlierFactor(novelty=True).fit(X), LocalOutlierFactor(novelty=True).fit(on_gpu(X))
    np.testing.assert_allclose(gpu.negative_outlier_factor_, cpu.negative_outlier_factor_, rtol=1e-9)
    scores = gpu.score_samples(on_gpu(X[:9]))
    assert type(scores) is type(on_gpu(X))
    np.testing.assert_allclose(scores.get(), cpu.score_samples(X[:9]), rtol=1e-9)


def test_what_is_not_available_and_what_may_mislead_is_said(X):
    with pytest.raises(AttributeError, match="predict"):
        LocalOutlierFactor().fit(X).predict(X)
    with pytest.raises(AttributeError, match="fit_predict"):
        LocalOutlierFactor(novelty=True).fit_predict(X)
    with pytest.warns(UserWarning, match="n_neighbors will be set to"):
        assert LocalOutlierFactor(500).fit(X).n_neighbors_ == 120
    with pytest.warns(UserWarning, match="Duplicate values"):
        LocalOutlierFactor(5).fit(np.vstack([np.zeros((50, 3)), X]))
