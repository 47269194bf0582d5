"""Responsibilities to start from; the draws are scikit-learn's, so that one seed gives one model in both."""

import numpy as np

from ..cluster import KMeans


def start(engine, X, n_components, init_params, rng):
    """Responsibilities, (n_samples, n_components) in the dtype of `X` and where it is.

    Parameters
    ----------
    engine : module
    X : (n_samples, n_features) array of the engine
    n_components : int
    init_params : {"kmeans", "k-means++", "random", "random_from_data"}
    rng : numpy.random.RandomState
    """
    n_samples = len(X)
    if init_params == "random":
        resp = rng.uniform(size=(n_samples, n_components)).astype(X.dtype)
        resp /= resp.sum(axis=1)[:, None]
        return engine.asarray(resp)
    resp = np.zeros((n_samples, n_components), dtype=X.dtype)
    if init_params == "kmeans":
        labels = KMeans(n_clusters=n_components, n_init=1, random_state=rng).fit(X).labels_
        resp[np.arange(n_samples), labels] = 1
    elif init_params == "random_from_data":
        resp[rng.choice(n_samples, size=n_components, replace=False), np.arange(n_components)] = 1
    else:
        weight = np.full(n_samples, 1 / n_samples, dtype=X.dtype)
        first = rng.choice(n_samples, p=weight / weight.sum())
        draws = rng.uniform(size=(n_components - 1, 2 + int(np.log(n_components))))
        chosen = engine.kmeans.seed(X, engine.xp.ones(n_samples, dtype=X.dtype), first, draws)
        resp[engine.to_numpy(chosen), np.arange(n_components)] = 1
    return engine.asarray(resp)
