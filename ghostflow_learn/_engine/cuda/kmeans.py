import cupy as cp

from .._clusters import Clusters
from . import columns
from ._launch import launch

SAMPLES_PER_BLOCK = 128  # of kernels that read X in tiles
ROWS_PER_PARTIAL = 64  # at least, so that adding the partials stays cheap
PARTIAL_BYTES = 2**26  # all partials of an update together
WHOLE = 2.0**62  # a running sum in fixed point: exact, so that the order in which a scan adds does not matter


def mean_variance(X):
    _, _, ssd = columns.moments(X)
    return float(ssd.mean() / len(X))


def seed(X, sample_weight, first, draws):
    draws, chosen = cp.asarray(draws), [cp.full((), first, dtype=cp.int64)]
    infinite = cp.full(len(X), cp.inf, dtype=X.dtype)
    closest, potentials = _weigh(X, sample_weight, infinite, X[first : first + 1])
    best = cp.zeros((), dtype=cp.int64)
    for i in range(len(draws)):
        closest, potential = closest.take(best, axis=0), potentials.take(best)
        trials = _draw(sample_weight * closest, potential, draws[i])
        closest, potentials = _weigh(X, sample_weight, closest, X[trials])
        best = potentials.argmin()
        chosen.append(trials.take(best))
    return cp.stack(chosen)


def assign(X, centers):
    labels = cp.empty(len(X), dtype=cp.int32)
    sq_dists = cp.empty(len(X), dtype=X.dtype)
    args = (X, centers, labels, sq_dists, *X.shape, len(centers))
    launch("kmeans", "assign", len(X), args, block=SAMPLES_PER_BLOCK)
    return labels, sq_dists


def update(X, sample_weight, labels, n_clusters):
    n_samples, n_features = X.shape
    n_sums = n_clusters * (n_features + 1)
    n_partials = max(1, min(4096, n_samples // ROWS_PER_PARTIAL, PARTIAL_BYTES // (8 * n_sums)))
    partials = cp.zeros((n_partials, n_clusters, n_features + 1))
    args = (X, sample_weight, labels, partials, n_samples, n_features, n_clusters, n_partials)
    launch("kmeans", "accumulate", n_samples, args, block=(32, 8), grid=-(-n_partials // 8))
    sums = cp.empty((n_clusters, n_features + 1))
    launch("kmeans", "add_partials", n_sums, (partials, sums, n_partials, n_sums))
    return cp.ascontiguousarray(sums[:, :-1]), cp.ascontiguousarray(sums[:, -1])


def regroup(X, sample_weight, centers, previous=None):
    labels, _ = assign(X, centers)
    n_changed = len(X) if previous is None else (labels != previous.labels).sum()
    return Clusters(labels, *update(X, sample_weight, labels, len(centers)), n_changed, None)


def sq_dists(X, centers, labels):
    result = cp.empty(len(X))
    launch("kmeans", "sq_dists_of_labels", 32 * len(X), (X, centers, labels, result, *X.shape))
    return result


def distances(X, centers):
    result = cp.empty((len(X), len(centers)), dtype=X.dtype)
    args = (X, centers, result, *X.shape, len(centers))
    launch("kmeans", "distances", len(X), args, block=SAMPLES_PER_BLOCK)
    return result


def _weigh(X, sample_weight, closest, trials):
    """Squared distances (n_trials, n_samples) to the nearest center if each trial became one; their weighted sums."""
    n_samples, n_trials = len(X), len(trials)
    trial_closest = cp.empty((n_trials, n_samples), dtype=X.dtype)
    partials = cp.zeros((-(-n_samples // SAMPLES_PER_BLOCK), n_trials))
    args = (X, sample_weight, closest, trials, trial_closest, partials, *X.shape, n_trials)
    launch("kmeans", "weigh_trials", n_samples, args, block=SAMPLES_PER_BLOCK)
    return trial_closest, partials.sum(axis=0)


def _draw(weighted, total, draw):
    """Where the running sum of `weighted`, which is `total` in the end, reaches each share in `draw`."""
    scale = cp.where(total > 0, WHOLE / total, 0)
    running = cp.cumsum((weighted * scale).astype(cp.int64))
    targets = cp.ceil(draw * running[-1]).astype(cp.int64)
    return cp.searchsorted(running, targets).clip(max=len(running) - 1)
