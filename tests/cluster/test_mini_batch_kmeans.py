from itertools import pairwise

import numpy as np
import pytest
import sklearn.cluster
from scipy.sparse import csr_array
from sklearn.datasets import make_blobs

from ghostflow_learn.cluster import KMeans, MiniBatchKMeans


@pytest.fixture
def blobs():
    return make_blobs(n_samples=1500, n_features=6, centers=12, cluster_std=2.5, random_state=3)[0]


def assert_same_model(ours, theirs, rtol=1e-9):
    np.testing.assert_allclose(ours.cluster_centers_, theirs.cluster_centers_, rtol=rtol, atol=rtol * 10)
    assert ours.cluster_centers_.dtype == theirs.cluster_centers_.dtype
    np.testing.assert_array_equal(getattr(ours, "labels_", 0), getattr(theirs, "labels_", 0))
    np.testing.assert_allclose(ours.inertia_, theirs.inertia_, rtol=max(rtol, 1e-9))
    assert (ours.n_steps_, getattr(ours, "n_iter_", 0)) == (theirs.n_steps_, getattr(theirs, "n_iter_", 0))


def test_a_first_batch_moves_the_centers_to_its_means():
    X = np.array([[0.0], [1.0], [9.0], [11.0]])
    model = MiniBatchKMeans(2, init=[[0.0], [10.0]], n_init=1).partial_fit(X)
    np.testing.assert_allclose(model.cluster_centers_, [[0.5], [10.0]])
    model.partial_fit(np.array([[2.0], [10.0]]))
    np.testing.assert_allclose(model.cluster_centers_, [[1.0], [10.0]])


def test_centers_are_means_of_all_samples_labelled_with_them(blobs):
    centers = blobs[:5].copy()
    model = MiniBatchKMeans(5, init=centers, n_init=1, reassignment_ratio=0)
    sums, counts = np.zeros_like(centers), np.zeros(5)
    for batch in np.array_split(blobs, 10):
        labels = ((batch[:, None] - centers) ** 2).sum(axis=2).argmin(axis=1)
        np.add.at(sums, labels, batch)
        counts += np.bincount(labels, minlength=5)
        centers = model.partial_fit(batch).cluster_centers_
        np.testing.assert_allclose(centers, sums / counts[:, None])


def test_more_batches_bring_the_inertia_down_to_that_of_kmeans(blobs):
    params = {"max_no_improvement": None, "batch_size": 100, "random_state": 0, "init": blobs[:8], "n_init": 1}
    inertias = [MiniBatchKMeans(8, max_iter=m, **params).fit(blobs).inertia_ for m in (1, 5, 40)]
    assert all(later < earlier for earlier, later in pairwise(inertias))
    assert inertias[-1] < 1.1 * KMeans(8, init=blobs[:8], n_init=1).fit(blobs).inertia_


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"init": "random", "batch_size": 64},
        {"tol": 1e-3, "max_no_improvement": None, "max_iter": 20},
        {"compute_labels": False, "batch_size": 200},
        {"n_clusters": 60, "batch_size": 30, "reassignment_ratio": 0.3, "init_size": 100},
        {"n_init": 3, "batch_size": 5000},
    ],
)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("container", [np.asarray, csr_array])
def test_the_same_seed_gives_the_model_of_scikit_learn(blobs, params, dtype, container):
    X = container(np.where(np.abs(blobs) > 3, blobs, 0).astype(dtype))
    params = {"n_clusters": 7, "random_state": 5, **params}
    ours, theirs = MiniBatchKMeans(**params).fit(X), sklearn.cluster.MiniBatchKMeans(**params).fit(X)
    assert_same_model(ours, theirs, rtol=1e-9 if dtype == "float64" else 1e-4)


def test_batches_are_drawn_by_weight_as_in_scikit_learn(blobs, rng):
    sample_weight = rng.uniform(size=len(blobs))
    ours = MiniBatchKMeans(5, random_state=0).fit(blobs, sample_weight=sample_weight)
    assert_same_model(ours, sklearn.cluster.MiniBatchKMeans(5, random_state=0).fit(blobs, sample_weight=sample_weight))


def test_partial_fit_goes_on_as_in_scikit_learn(blobs, rng):
    models = MiniBatchKMeans(6, random_state=0), sklearn.cluster.MiniBatchKMeans(6, random_state=0)
    for batch in np.array_split(blobs, 8):
        for model in models:
            model.partial_fit(batch, sample_weight=np.linspace(0.5, 1.5, len(batch)))
    assert_same_model(*models)
    for model in models:
        model.fit(blobs).partial_fit(blobs[:50])
    assert_same_model(*models)


def test_verbose_prints_the_lines_of_scikit_learn(blobs, capsys):
    params = {"n_clusters": 40, "batch_size": 50, "reassignment_ratio": 0.5, "random_state": 0, "verbose": 1}
    lines = []
    for cls in (MiniBatchKMeans, sklearn.cluster.MiniBatchKMeans):
        cls(**params).fit(blobs)
        lines.append([[w[:7] for w in line.split()] for line in capsys.readouterr().out.splitlines()])
    assert lines[0] == lines[1]
    assert any("Reassig" in words for words in lines[0])


def test_fit_on_a_gpu_gives_the_model_of_the_cpu(on_gpu, blobs):
    ours = MiniBatchKMeans(7, random_state=0, max_iter=3).fit(blobs)
    assert_same_model(MiniBatchKMeans(7, random_state=0, max_iter=3).fit(on_gpu(blobs)), ours)
    ours.partial_fit(blobs[:40])
    gpu = MiniBatchKMeans(7, random_state=0, max_iter=3).fit(on_gpu(blobs)).partial_fit(on_gpu(blobs[:40]))
    assert_same_model(gpu, ours)


def test_a_small_init_size_warns(blobs):
    with pytest.warns(RuntimeWarning, match="init_size=10 should be larger than n_clusters=20"):
        MiniBatchKMeans(20, init_size=10, random_state=0).fit(blobs)


def test_wrong_parameters_say_what_is_wrong(blobs):
    with pytest.raises(ValueError, match="n_samples=4 should be >= n_clusters=8"):
        MiniBatchKMeans().partial_fit(blobs[:4])
    with pytest.raises(ValueError, match="The 'batch_size' parameter of MiniBatchKMeans must be an int in the range"):
        MiniBatchKMeans(batch_size=0).fit(blobs)
    with pytest.raises(ValueError, match="sample_weight must not be negative"):
        MiniBatchKMeans(2, init=blobs[:2], n_init=1).fit(blobs, sample_weight=np.r_[-1, np.ones(len(blobs) - 1)])
    with pytest.raises(ValueError, match="X has 3 features, but MiniBatchKMeans is expecting 6 features"):
        MiniBatchKMeans(2).partial_fit(blobs).partial_fit(blobs[:, :3])
