"""What an iteration may cost on a GPU, and what a fit may move: the one property of its speed that needs none."""

import numpy as np

from ghostflow_learn.cluster import KMeans


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
