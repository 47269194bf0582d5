import numpy as np
import pytest
import sklearn.neighbors
from scipy.sparse import csr_array

from ghostflow_learn.neighbors import NearestCentroid

LEARNT = ("centroids_", "class_prior_", "deviations_", "within_class_std_dev_")


@pytest.fixture
def data(rng):
    y = rng.integers(3, size=200)
    return rng.normal(size=(200, 5)) + y[:, None] * [1.0, 0.5, 0.0, 0.0, 2.0], y


def test_centroids_are_means_or_medians():
    X, y = [[0.0], [1.0], [5.0], [10.0], [12.0]], [0, 0, 0, 1, 1]
    assert NearestCentroid().fit(X, y).centroids_.tolist() == [[2.0], [11.0]]
    assert NearestCentroid("manhattan").fit(X, y).centroids_.tolist() == [[1.0], [11.0]]


@pytest.mark.parametrize("kind", ["dense", "sparse"])
@pytest.mark.parametrize("metric", ["euclidean", "manhattan"])
@pytest.mark.parametrize("priors", ["uniform", "empirical", [0.2, 0.3, 0.5]], ids=["uniform", "empirical", "given"])
def test_the_model_is_scikit_learns(data, kind, metric, priors):
    X, y = data
    X = csr_array(np.where(X > 0.3, X, 0)) if kind == "sparse" else X
    for shrink_threshold in None, 0.8:
        params = {"metric": metric, "shrink_threshold": shrink_threshold, "priors": priors}
        ours, theirs = (cls(**params).fit(X, y) for cls in (NearestCentroid, sklearn.neighbors.NearestCentroid))
        for name in LEARNT:
            np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-9, atol=1e-12, err_msg=name)
        np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
        for method in ("decision_function", "predict_proba", "predict_log_proba"):
            assert hasattr(ours, method) == (metric == "euclidean")
            if metric == "euclidean":
                np.testing.assert_allclose(getattr(ours, method)(X), getattr(theirs, method)(X), rtol=1e-8)


def test_shrinking_drops_the_features_that_do_not_tell_classes_apart(data):
    model = NearestCentroid(shrink_threshold=3.0).fit(*data)
    assert (model.deviations_[:, 2:4] == 0).all()
    assert (np.ptp(model.centroids_[:, 2:4], axis=0) < 1e-12).all()
    assert (np.ptp(model.centroids_[:, [0, 4]], axis=0) > 0.5).all()


@pytest.mark.parametrize("metric", ["euclidean", "manhattan"])
def test_on_a_gpu_it_learns_what_it_learns_on_the_cpu(on_gpu, data, metric):
    X, y = data
    cpu, gpu = NearestCentroid(metric).fit(X, y), NearestCentroid(metric).fit(on_gpu(X), on_gpu(y))
    for name in LEARNT:
        np.testing.assert_allclose(getattr(gpu, name), getattr(cpu, name), rtol=1e-10)
    labels = gpu.predict(on_gpu(X))
    assert type(labels) is type(on_gpu(X))
    np.testing.assert_array_equal(labels.get(), cpu.predict(X))


def test_what_cannot_be_learnt_is_named(data):
    X, y = data
    with pytest.raises(ValueError, match="The number of classes has to be greater than one; got 1 class"):
        NearestCentroid().fit(X, np.zeros(200))
    with pytest.raises(ValueError, match="priors must be non-negative"):
        NearestCentroid(priors=[-1, 1, 1]).fit(X, y)
    with pytest.warns(UserWarning, match="The priors do not sum to 1"):
        NearestCentroid(priors=[1, 1, 2]).fit(X, y)
    with (
        pytest.warns(UserWarning, match="at least 1 zero standard deviation"),
        pytest.raises(ValueError, match="All features have zero variance"),
    ):
        NearestCentroid().fit(np.ones((4, 2)), [0, 0, 1, 1])
