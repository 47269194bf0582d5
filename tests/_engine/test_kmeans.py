import numpy as np
import pytest

SHAPES = [(1, 1, 1), (31, 3, 2), (33, 5, 33), (257, 33, 4), (1000, 16, 40)]


@pytest.mark.parametrize("n_samples, n_features, n_clusters", SHAPES)
def test_assign_finds_the_nearest_center(agrees, rng, n_samples, n_features, n_clusters):
    X, centers = rng.normal(size=(n_samples, n_features)), rng.normal(size=(n_clusters, n_features))
    (labels, sq_dists), _ = agrees("kmeans.assign", X, centers, chosen=[0])
    np.testing.assert_allclose(((X - centers[labels]) ** 2).sum(axis=1), sq_dists, rtol=1e-4, atol=1e-5)


def test_assign_gives_ties_to_the_lowest_index(agrees):
    labels, _ = agrees("kmeans.assign", np.zeros((3, 2)), np.ones((40, 2)))[0]
    assert labels.tolist() == [0, 0, 0]


@pytest.mark.parametrize("n_samples, n_features, n_clusters", SHAPES)
def test_update_sums_the_samples_of_each_cluster(agrees, rng, n_samples, n_features, n_clusters):
    agrees(
        "kmeans.update",
        rng.normal(size=(n_samples, n_features)),
        rng.uniform(size=n_samples),
        rng.integers(n_clusters, size=n_samples).astype(np.int32),
        n_clusters,
    )
