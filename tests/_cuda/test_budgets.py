"""What an iteration may cost on a GPU, and what a fit may move: the one property of its speed that needs none."""

import numpy as np
import pytest

from ghostflow_learn.cluster import KMeans
from ghostflow_learn.ensemble import (
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestRegressor,
)


def events_of(counting, fit):
    with counting() as events:
        model = fit()
    return model, events


def test_an_iteration_of_kmeans_waits_once_and_moves_no_data(on_gpu, counting, rng):
    X = on_gpu(rng.normal(size=(600, 5)).astype(np.float32))
    fit = lambda max_iter: KMeans(7, n_init=1, max_iter=max_iter, tol=0, random_state=0).fit(X)
    few, before = events_of(counting, lambda: fit(3))
    many, after = events_of(counting, lambda: fit(8))
    n_iter = many.n_iter_ - few.n_iter_
    assert n_iter == 5
    assert after["sync"] - before["sync"] == n_iter  # the stopping rule
    assert after["launch"] - before["launch"] == 3 * n_iter  # assign, accumulate, add_partials
    assert after["h2d"] == before["h2d"]
    assert after["d2h_bytes"] - before["d2h_bytes"] == 24 * n_iter  # three numbers
    assert after["host_iter"] == before["host_iter"]


def test_an_iteration_of_boosting_waits_for_batches_of_nodes_and_moves_no_data(on_gpu, counting, rng):
    X = on_gpu(rng.normal(size=(3000, 5)).astype(np.float32))
    y = (X[:, 0] * X[:, 1] > 0).astype(np.int32)
    limits = {"max_leaf_nodes": 31, "early_stopping": True, "scoring": "loss", "random_state": 0}
    fit = lambda max_iter: HistGradientBoostingClassifier(max_iter=max_iter, **limits).fit(X, y)
    _, before = events_of(counting, lambda: fit(1))
    model, after = events_of(counting, lambda: fit(3))
    assert [len(trees[0].nodes) for trees in model._predictors] == [61] * 3
    n_more = {kind: after[kind] - before[kind] for kind in after}
    assert n_more["sync"] == n_more["d2h"] <= 2 * 20  # for 30 splits an iteration, and two losses
    assert n_more["d2h_bytes"] < 2 * 10_000  # records of splits: the raw predictions alone take 24,000
    assert n_more["h2d_bytes"] < 2 * 20_000
    assert n_more["host_iter"] == 0


@pytest.mark.parametrize("method", ["predict", "apply", "score_samples"])
def test_forests_predict_where_the_data_are(on_gpu, counting, rng, method):
    X = on_gpu(rng.normal(size=(400, 5)).astype(np.float32))
    for model in RandomForestRegressor(3), GradientBoostingRegressor(n_estimators=3), IsolationForest(n_estimators=3):
        if hasattr(model, method):
            model.fit(X, X[:, 0])
            result, events = events_of(counting, lambda model=model: getattr(model, method)(X))
            assert type(result) is type(X)
            assert events["d2h_bytes"] <= 1  # whether all values are finite
