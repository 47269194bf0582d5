"""GaussianMixture of each covariance type, BayesianGaussianMixture: a set number of iterations from the same start."""

from functools import partial

import numpy as np

from _data import SEED, iris
from _harness import Workload, main

BAR = "2.5 times as fast as scikit-learn"
ON_IRIS = "no slower than scikit-learn"


def tilted_blobs(n_samples, n_features, n_blobs, scale=1.0):
    """Overlapping Gaussians, each of another covariance."""
    rng, n_samples = np.random.default_rng(SEED), int(n_samples * scale)
    centers, labels = rng.standard_normal((n_blobs, n_features)) * 2, rng.integers(n_blobs, size=n_samples)
    X = rng.standard_normal((n_samples, n_features))
    for k in range(n_blobs):
        X[labels == k] = X[labels == k] @ rng.standard_normal((n_features, n_features)) / 2 + centers[k]
    return X, None


def lower_bound(model, X, y):
    return "lower bound", model.lower_bound_


def of_ten(covariance_type):
    """Ten components and as many iterations, whatever the rounding of the last bits."""
    return {"n_components": 10, "covariance_type": covariance_type, "max_iter": 10, "tol": 0.0, "random_state": 0}


DATA = partial(tilted_blobs, 200_000, 16, 10)

WORKLOADS = [
    Workload("gaussian_mixture_full", "mixture.GaussianMixture", DATA, lower_bound, of_ten("full"), BAR),
    Workload("gaussian_mixture_tied", "mixture.GaussianMixture", DATA, lower_bound, of_ten("tied")),
    Workload("gaussian_mixture_diag", "mixture.GaussianMixture", DATA, lower_bound, of_ten("diag")),
    Workload("gaussian_mixture_spherical", "mixture.GaussianMixture", DATA, lower_bound, of_ten("spherical")),
    Workload("bayesian_mixture", "mixture.BayesianGaussianMixture", DATA, lower_bound, of_ten("full")),
    Workload(
        name="iris_gaussian_mixture",
        estimator="mixture.GaussianMixture",
        data=iris,
        score=lower_bound,
        params={"n_components": 3, "random_state": 0},
        bar=ON_IRIS,
    ),
    Workload(
        name="iris_bayesian_mixture",
        estimator="mixture.BayesianGaussianMixture",
        data=iris,
        score=lower_bound,
        params={"n_components": 3, "random_state": 0},
        bar=ON_IRIS,
    ),
]

if __name__ == "__main__":
    main(WORKLOADS, "mixture")
