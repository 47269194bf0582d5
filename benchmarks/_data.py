"""Data with structure, so that a score means something; the same for every contender and every run."""

import numpy as np
from sklearn.datasets import load_iris

SEED = 20


def iris(scale=1.0):
    """The 150 flowers, whatever the scale: the size at which overhead is all there is."""
    return load_iris(return_X_y=True)


def regression(n_samples, n_features, scale=1.0):
    """Correlated columns, a linear signal, as much noise as signal."""
    rng, n_samples = np.random.default_rng(SEED), int(n_samples * scale)
    X = low_rank_plus_noise(rng, n_samples, n_features)
    signal = X @ rng.standard_normal(n_features)
    y = signal + signal.std() * rng.standard_normal(n_samples)
    return X, y


def classification(n_samples, n_features, n_classes, scale=1.0):
    """Labels drawn from a multinomial logistic model of correlated columns."""
    rng, n_samples = np.random.default_rng(SEED), int(n_samples * scale)
    X = low_rank_plus_noise(rng, n_samples, n_features)
    scores = X @ rng.standard_normal((n_features, n_classes))
    return X, (2 * scores / scores.std() + rng.gumbel(size=scores.shape)).argmax(axis=1)


def low_rank_plus_noise(rng, n_samples, n_features, rank=10, dtype=np.float64):
    """Ten hidden factors seen through every column, and noise; columns of unlike scales and means."""
    factors = rng.standard_normal((n_samples, rank)).astype(dtype) * np.linspace(2, 0.5, rank, dtype=dtype)
    X = factors @ rng.standard_normal((rank, n_features)).astype(dtype)
    X += rng.standard_normal((n_samples, n_features), dtype=dtype)
    return X + rng.standard_normal(n_features).astype(dtype)


def overlapping_blobs(n_samples, n_features, n_blobs, dtype, scale=1.0):
    """More blobs than clusters are asked for, overlapping: no run converges in a few steps."""
    rng, n_samples = np.random.default_rng(SEED), int(n_samples * scale)
    centers = rng.uniform(-1, 1, (n_blobs, n_features)) * 20 / np.sqrt(n_features)
    X = rng.standard_normal((n_samples, n_features), dtype=dtype) * dtype(2.0)
    X += centers.astype(dtype)[rng.integers(n_blobs, size=n_samples)]
    return X


def interactions(n_samples, n_features, n_classes, scale=1.0, seed=SEED):
    """What trees are for: steps, products and waves of a few columns of unlike scales, and noise.

    `n_classes` of 0 is a regression. Another `seed` draws other samples of the same problem.
    """
    rng, n_samples = np.random.default_rng(seed), int(n_samples * scale)
    X = rng.standard_normal((n_samples, n_features))
    n_outputs = {0: 1, 2: 1}.get(n_classes, n_classes)
    scores = np.empty((n_samples, n_outputs))
    problem = np.random.default_rng(SEED)
    for k in range(n_outputs):
        a, b, c, d, e = problem.permutation(n_features)[:5]
        scores[:, k] = X[:, a] * X[:, b] + np.sin(2 * X[:, c]) + (X[:, d] > 0.5) * X[:, e] + 0.5 * X[:, a]
    X *= np.exp(problem.uniform(-3, 3, n_features))
    if n_classes == 0:
        return X, scores[:, 0] + 0.5 * rng.standard_normal(n_samples)
    if n_classes == 2:
        return X, (scores[:, 0] + rng.logistic(size=n_samples) * 0.5 > 0).astype(np.int64)
    return X, (2 * scores + rng.gumbel(size=scores.shape)).argmax(axis=1)


def categories(n_samples, n_features, n_categories, scale=1.0, seed=SEED):
    """Classes that depend on an effect of each category of each column; rare categories among common ones."""
    rng, n_samples = np.random.default_rng(seed), int(n_samples * scale)
    effects = np.random.default_rng(SEED).standard_normal((n_features, n_categories))
    X = np.minimum(rng.exponential(n_categories / 4, (n_samples, n_features)).astype(int), n_categories - 1)
    score = effects[np.arange(n_features), X].sum(axis=1) / np.sqrt(n_features)
    return X.astype(np.float64), (score + rng.logistic(size=n_samples) * 0.5 > 0).astype(np.int64)


def scattered(n_samples, n_features, scale=1.0):
    """Clusters, with 2 % of the samples scattered between them: those are told apart."""
    rng = np.random.default_rng(SEED)
    n_samples = max(50, int(n_samples * scale))
    centers = rng.uniform(-5, 5, size=(8, n_features))
    X = centers[rng.integers(8, size=n_samples)] + rng.standard_normal((n_samples, n_features))
    is_scattered = rng.uniform(size=n_samples) < 0.02
    X[is_scattered] = rng.uniform(-10, 10, size=(is_scattered.sum(), n_features))
    return X, is_scattered
