"""Where k-means starts from; the draws are scikit-learn's, so that one seed gives one model in both."""

import numpy as np
from scipy.sparse import issparse

from .._validation import check_array


def check_init(init, X, n_clusters):
    """`init` itself, or a copy in the dtype of `X` where it is an array of centers."""
    if isinstance(init, str) or callable(init):
        return init
    centers = check_array(init, dtype=X.dtype, copy=True)
    _check_shape(centers, X, n_clusters)
    return centers


def initial_centers(engine, X, sample_weight, init, n_clusters, rng):
    """Centers to start from, (n_clusters, n_features) where `X` is.

    Parameters
    ----------
    engine : module
    X : (n_samples, n_features) array of the engine, or sparse matrix
    sample_weight : (n_samples,) array of the engine
    init : {"k-means++", "random"}, callable or (n_clusters, n_features) array
    n_clusters : int
    rng : numpy.random.RandomState
    """
    if callable(init):
        return engine.asarray(_called(engine, X, init, n_clusters, rng))
    if not isinstance(init, str):
        return engine.asarray(init)
    weight = engine.to_numpy(sample_weight)
    p = weight / weight.sum()
    if init == "random":
        return rows(X, rng.choice(X.shape[0], size=n_clusters, replace=False, p=p))
    first = rng.choice(X.shape[0], p=p)
    draws = rng.uniform(size=(n_clusters - 1, 2 + int(np.log(n_clusters))))
    return rows(X, engine.kmeans.seed(X, sample_weight, first, draws))


def rows(X, indices):
    """The dense rows of `X` at `indices`."""
    return X[indices].toarray() if issparse(X) else X[indices]


def _called(engine, X, init, n_clusters, rng):
    # scikit-learn hands dense data to a callable about its mean, and reads the result so.
    mean = 0 if issparse(X) else engine.moments.mean(X).astype(X.dtype)
    centers = init(X if issparse(X) else X - mean, n_clusters, random_state=rng)
    centers = check_array(centers, dtype=X.dtype)
    _check_shape(centers, X, n_clusters)
    return engine.asarray(centers) + mean


def _check_shape(centers, X, n_clusters):
    for axis, size, what in ((0, n_clusters, "clusters"), (1, X.shape[1], "features of the data")):
        if centers.shape[axis] != size:
            raise ValueError(
                f"The shape of the initial centers {centers.shape} does not match the number of {what} {size}."
            )
