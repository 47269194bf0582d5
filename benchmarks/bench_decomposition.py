"""PCA in its solvers, TruncatedSVD."""

import numpy as np

from _data import SEED, iris, low_rank_plus_noise
from _harness import Workload, main

BEST_OF_BOTH = "as fast as the best of scikit-learn and scikit-learn-intelex"
ON_IRIS = "no slower than scikit-learn"


def factors(n_samples, n_features, dtype=np.float64):
    def data(scale):
        return low_rank_plus_noise(
            np.random.default_rng(SEED), int(n_samples * scale), n_features, rank=30, dtype=dtype
        ), None

    return data


def explained(model, X, y):
    return "variance explained", model.explained_variance_ratio_.sum()


WORKLOADS = [
    Workload(
        name="pca_10",
        estimator="decomposition.PCA",
        data=factors(300_000, 100),
        score=explained,
        params={"n_components": 10},
        bar=BEST_OF_BOTH,
    ),
    Workload(
        name="pca_randomized_float32",
        estimator="decomposition.PCA",
        data=factors(20_000, 1000, np.float32),
        score=explained,
        params={"n_components": 20, "svd_solver": "randomized", "random_state": 0},
        bar=BEST_OF_BOTH,
    ),
    Workload(
        name="pca_memory",
        estimator="decomposition.PCA",
        data=factors(1_000_000, 50),
        score=explained,
        params={"n_components": 10},
        bar="memory under 10 % of X",
    ),
    Workload("iris_pca", "decomposition.PCA", iris, explained, {"n_components": 2}, ON_IRIS),
    Workload(
        name="iris_truncated_svd",
        estimator="decomposition.TruncatedSVD",
        data=iris,
        score=explained,
        params={"n_components": 2, "random_state": 0},
        bar=ON_IRIS,
    ),
]

if __name__ == "__main__":
    main(WORKLOADS, "decomposition")
