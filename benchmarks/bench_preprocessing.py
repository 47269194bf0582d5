"""The scalers: fit_transform."""

import numpy as np

from _data import SEED, iris, low_rank_plus_noise
from _harness import Workload, fit_transform, main

SCALERS = {
    "standard_scaler": "StandardScaler",
    "min_max_scaler": "MinMaxScaler",
    "max_abs_scaler": "MaxAbsScaler",
    "robust_scaler": "RobustScaler",
}


def table(scale):
    return low_rank_plus_noise(np.random.default_rng(SEED), int(500_000 * scale), 50), None


def spread(model, X, y):
    """Of what comes out: the mean absolute value of the first 1000 rows."""
    return "mean magnitude", np.abs(model.transform(X[:1000])).mean()


WORKLOADS = [
    Workload(name, f"preprocessing.{cls}", table, spread, run=fit_transform) for name, cls in SCALERS.items()
] + [
    Workload(f"iris_{name}", f"preprocessing.{cls}", iris, spread, {}, "no slower than scikit-learn", fit_transform)
    for name, cls in SCALERS.items()
]

if __name__ == "__main__":
    main(WORKLOADS, "preprocessing")
