"""KMeans with its initialisation, MiniBatchKMeans."""

from functools import partial

import numpy as np

from _data import iris, overlapping_blobs
from _harness import Workload, main

BAR = "1.5 times as fast as the best of scikit-learn and scikit-learn-intelex"
ON_IRIS = "no slower than scikit-learn"


def blobs(*args):
    return overlapping_blobs(*args), None


def inertia(model, X, y):
    return "inertia", model.inertia_


def kmeans(n_clusters):
    return {"n_clusters": n_clusters, "n_init": 1, "max_iter": 50, "random_state": 0}


class FaissKMeans:
    """faiss: float32, random initial centers, always `max_iter` iterations, and here all rows, not a sample of them."""

    def __init__(self, n_clusters, n_init, max_iter, random_state):
        import faiss

        self.train = partial(faiss.Kmeans, k=n_clusters, nredo=n_init, niter=max_iter, seed=random_state)

    def fit(self, X, y):
        kmeans = self.train(X.shape[1], max_points_per_centroid=len(X))
        kmeans.train(X)
        self.inertia_ = kmeans.obj[-1]
        return self


WORKLOADS = [
    Workload(
        name="kmeans_50",
        estimator="cluster.KMeans",
        data=partial(blobs, 1_000_000, 16, 80, np.float64),
        score=inertia,
        params=kmeans(50),
        bar=BAR,
    ),
    Workload(
        name="kmeans_100_float32",
        estimator="cluster.KMeans",
        data=partial(blobs, 100_000, 128, 160, np.float32),
        score=inertia,
        params=kmeans(100),
        bar=BAR,
        others={"faiss": partial(FaissKMeans, **kmeans(100))},
    ),
    Workload(
        name="kmeans_memory",
        estimator="cluster.KMeans",
        data=partial(blobs, 1_000_000, 50, 20, np.float64),
        score=inertia,
        params=kmeans(8),
        bar="memory under 10 % of X",
    ),
    Workload("iris_kmeans", "cluster.KMeans", iris, inertia, kmeans(3), ON_IRIS),
    Workload(
        name="iris_minibatch_kmeans",
        estimator="cluster.MiniBatchKMeans",
        data=iris,
        score=inertia,
        params={"n_clusters": 3, "n_init": 1, "random_state": 0},
        bar=ON_IRIS,
    ),
]

if __name__ == "__main__":
    main(WORKLOADS, "cluster")
