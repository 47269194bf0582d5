from collections import namedtuple

import numpy as np
from scipy.sparse import issparse

from .._clusters import Clusters
from . import _kmeans_csr as csr
from ._blas import one_thread
from ._jit import FASTMATH, kernel
from ._kmeans_bounds import TILE, Nearest, drifted, known, noise, pending, settle, start
from ._launch import GRAIN, launch, launch_reduce

CHUNK = 1024  # samples that k-means++ draws from at a time
MOVED = 8  # multiply-adds in the time that one value takes from memory
SKIPPED = 16  # multiply-adds in the time that it takes to skip a sample
FINITE = FASTMATH | {"nnan"}  # data are finite: a minimum that need not look for NaN vectorises

# scaled  : (n_clusters, n_features)  -2 (center - offset)
# norms   : (n_clusters,)             squared norms of center - offset
# largest : float                     of the norms
# offset  : (n_features,)             near the middle of the centers: about it, scores keep their digits
# noise   : float                     see _kmeans_bounds.noise
Centers = namedtuple("Centers", "scaled norms largest offset noise")


def mean_variance(X):
    n_samples, n_features = X.shape
    (sums,) = launch_reduce(_sum_powers, n_samples, (X,), [((2, n_features), np.float64)], MOVED * n_features)
    return float(((sums[1] - sums[0] ** 2 / n_samples) / n_samples).clip(min=0).mean())


def seed(X, sample_weight, first, draws):
    closest = np.full(X.shape[0], np.inf, dtype=X.dtype)
    chosen = np.full(len(draws) + 1, first, dtype=np.int64)
    trials = chosen[:1]
    for i in range(len(chosen)):
        # One pass over X for each sample chosen: it takes in the last one and weighs the trials for the next.
        potentials = _try(X, sample_weight, closest, chosen[max(0, i - 1)], trials)
        best = potentials.sum(axis=0).argmin()
        chosen[i] = trials[best]
        if i < len(draws):
            cumulative = potentials[:, best].cumsum()
            trials = _locate(X, sample_weight, closest, chosen[i], cumulative, draws[i] * cumulative[-1])
    return chosen


def assign(X, centers):
    labels = np.empty(X.shape[0], dtype=np.int32)
    sq_dists = np.empty(X.shape[0], dtype=X.dtype)
    row_cost = _row_cost(X, len(centers))
    if X.shape[0] * row_cost < GRAIN and not issparse(X):
        _label_few(X, centers, labels, sq_dists)
        return labels, sq_dists
    with one_thread():
        args = (_raw(X), centers, _prepared(X, centers, _middle(centers)), labels, sq_dists)
        launch(csr.label if issparse(X) else _label, X.shape[0], args, row_cost)
    return labels, sq_dists


def update(X, sample_weight, labels, n_clusters):
    partials = [((n_clusters, X.shape[1]), np.float64), ((n_clusters,), np.float64)]
    accumulate = csr.accumulate if issparse(X) else _accumulate
    args = (_raw(X), sample_weight, labels)
    return tuple(launch_reduce(accumulate, X.shape[0], args, partials, _row_cost(X, 1)))


def regroup(X, sample_weight, centers, previous=None):
    n_samples, n_features = X.shape
    if previous is None:
        labels, state = start(X, centers, _middle(centers))
    else:
        labels, state = previous.labels, drifted(previous.state, centers)
    partials = [(state.totals.shape, np.float64), ((2,), np.int64)]
    args = (_raw(X), sample_weight, centers, _prepared(X, centers, state.offset), known(state), labels)
    row_cost = SKIPPED + _row_cost(X, len(centers)) * state.n_examined / n_samples
    step = csr.regroup if issparse(X) else _regroup
    change, (n_changed, n_examined) = launch_reduce(step, n_samples, args, partials, row_cost)
    totals = state.totals + change
    totals[totals[:, -1] == 0] = 0  # what rounding leaves behind in a cluster without samples
    state = state._replace(totals=totals, n_calls=state.n_calls + 1, n_examined=int(n_examined))
    return Clusters(labels, totals[:, :n_features], totals[:, n_features], int(n_changed), state)


def sq_dists(X, centers, labels):
    result = np.empty(X.shape[0])
    launch(csr.measure if issparse(X) else _measure, X.shape[0], (_raw(X), centers, labels, result), _row_cost(X, 1))
    return result


def distances(X, centers):
    result = np.empty((X.shape[0], len(centers)), dtype=X.dtype)
    measure_all = csr.measure_all if issparse(X) else _measure_all
    launch(measure_all, X.shape[0], (_raw(X), centers, result), _row_cost(X, len(centers)))
    return result


def _raw(X):
    """What kernels take: an array, or the three arrays of a sparse matrix."""
    return csr.Csr(X.data, X.indices, X.indptr) if issparse(X) else X


def _row_cost(X, n_clusters):
    n_values = X.nnz / max(1, X.shape[0]) if issparse(X) else X.shape[1]
    return n_values * (n_clusters + MOVED)


def _prepared(X, centers, offset):
    if issparse(X):
        norms, longest = np.square(centers).sum(axis=1), np.diff(X.indptr).max(initial=0)
        return csr.Centers((-2 * centers).T.copy(), norms, float(norms.max()), noise(longest, X.dtype))
    shifted = centers - offset
    norms = np.add.reduce(np.square(shifted), axis=1)
    return Centers(-2 * shifted, norms, float(np.maximum.reduce(norms)), offset, noise(X.shape[1], X.dtype))


def _middle(centers):
    """Near the mean of the centers, but rounded to a power of two above their spread, so that subtracting it from
    integers or other short numbers rounds nothing: what is a tie stays one."""
    middle = np.add.reduce(centers, axis=0) / centers.dtype.type(len(centers))
    exponent = np.frexp(np.maximum.reduce(np.abs(centers - middle), axis=0))[1]
    return np.ldexp(np.rint(np.ldexp(middle, -exponent)), exponent)


def _try(X, sample_weight, closest, last, trials):
    """Take the sample `last` into `closest`; the sums (n_chunks, n_trials) that each trial would leave."""
    candidates = _rows(X, np.concatenate(([last], trials)))
    n_chunks = -(-X.shape[0] // CHUNK)
    potentials = np.zeros((n_chunks, len(trials)))
    args = (_raw(X), sample_weight, candidates, closest, CHUNK, potentials)
    cost = min(CHUNK, X.shape[0]) * _row_cost(X, len(candidates))
    launch(csr.weigh if issparse(X) else _weigh, n_chunks, args, cost)
    return potentials


def _locate(X, sample_weight, closest, last, cumulative, targets):
    """Where the running sum of weight times squared distance reaches each of `targets`; `last` is not in `closest`."""
    locate = csr.locate if issparse(X) else _find
    center = _rows(X, [last])[0]
    chunks = cumulative.searchsorted(targets).clip(max=len(cumulative) - 1)
    found = np.empty(len(targets), dtype=np.int64)
    for t, c in enumerate(chunks):
        target = targets[t] - (cumulative[c - 1] if c else 0.0)
        stop = min((c + 1) * CHUNK, X.shape[0])
        found[t] = locate(_raw(X), sample_weight, closest, center, target, c * CHUNK, stop)
    return found


def _rows(X, indices):
    return X[indices].toarray() if issparse(X) else X[indices]


@kernel
def _sum_powers(X, sums, start, stop):
    # About the first sample, so that a common offset costs no digits.
    for i in range(start, stop):
        for j in range(X.shape[1]):
            diff = np.float64(X[i, j]) - X[0, j]
            sums[0, j] += diff
            sums[1, j] += diff * diff


@kernel(inline="always")
def _nearest_two(X, rows, centers, tile, scores, nearest):
    for r in range(len(rows)):
        x, shifted, sq_norm = X[rows[r]], tile[r], X.dtype.type(0)
        for j in range(len(x)):
            shifted[j] = x[j] - centers.offset[j]
            sq_norm += shifted[j] * shifted[j]
        nearest.sq_norm[r] = sq_norm
    np.dot(centers.scaled, tile.T, scores)
    _two_smallest(scores, centers.norms, nearest.first, nearest.second, nearest.label)


@kernel(fastmath=FINITE)
def _two_smallest(scores, norms, first, second, label):
    # Lanes are samples; two centers a turn halve the traffic of what is kept.
    n_clusters, n_lanes = scores.shape
    one = scores[0]
    for r in range(n_lanes):
        first[r], second[r], label[r] = one[r] + norms[0], np.inf, 0
    for k in range(1, n_clusters, 2):
        other = min(k + 1, n_clusters - 1)
        one, two, c, d = scores[k], scores[other], norms[k], norms[other]
        at_one, at_two = label.dtype.type(k), label.dtype.type(other)
        alone = second.dtype.type(np.inf if other == k else 0)
        for r in range(n_lanes):
            a, b, best = one[r] + c, two[r] + d + alone, first[r]
            low, high, at = (b, a, at_two) if b < a else (a, b, at_one)
            runner_up = min(high, max(best, low))
            second[r] = min(second[r], runner_up)
            label[r] = at if low < best else label[r]
            first[r] = min(low, best)


@kernel(fastmath=FINITE)
def _regroup(X, sample_weight, centers, prepared, known, labels, totals, counts, start, stop):
    n_clusters, n_features = centers.shape
    n_lanes = min(TILE, stop - start)
    tile, scores = np.zeros((n_lanes, n_features), dtype=X.dtype), np.empty((n_clusters, n_lanes), dtype=X.dtype)
    best = np.empty((4, n_lanes), dtype=X.dtype)
    nearest = Nearest(best[0], best[1], best[2], best[3])
    rows, left = np.empty(n_lanes, dtype=np.int64), np.empty(n_lanes, dtype=np.int64)
    while start < stop:
        n_rows = 0
        while start < stop and n_rows < n_lanes:
            n_new, start = pending(labels, known, rows[n_rows:], start, stop)
            n_rows += _keep_doubtful(X, rows[n_rows : n_rows + n_new], labels, centers, prepared, known)
        if n_rows == 0:
            return
        _nearest_two(X, rows[:n_rows], prepared, tile, scores, nearest)
        settle(nearest, prepared.largest, prepared.noise, rows[:n_rows], labels, known, left)
        counts[1] += n_rows
        for r in range(n_rows):
            i = rows[r]
            if left[r] != labels[i]:
                counts[0] += 1
                for sign in (1, -1):
                    k = labels[i] if sign > 0 else left[r]
                    if k >= 0:
                        _add(X[i], sign * np.float64(sample_weight[i]), sign, totals[k])


@kernel(inline="always")
def _keep_doubtful(X, rows, labels, centers, prepared, known):
    """Move those of `rows` to the front whose label the suspects do not settle; returns how many."""
    n_doubtful, n_suspects = 0, known.suspects.shape[1]
    for r in range(len(rows)):
        i, own, call = rows[r], labels[rows[r]], known.call[rows[r]]
        second = np.float64(known.bounds[i, 1])
        # Before X is read: the own center may have come closer by as much as it has moved, no more.
        doubtful = own < 0 or not known.others[call] < second - known.bounds[i, 0] + known.moved[call, own]
        s, limit, reach = -1, 0.0, 0.0  # first the own center, then the suspects: one loop compiles faster than two
        while not doubtful and s < n_suspects:
            k = own if s < 0 else known.suspects[call, s]
            if s >= 0 and known.moved[call, k] < reach:
                break
            sq_dist = np.float64(_sq_dist(X[rows[r]], centers[k]))
            if s < 0:
                limit = sq_dist + 8 * prepared.noise * (sq_dist + prepared.largest)
                reach = second - np.sqrt(limit)
                doubtful = not known.others[call] < reach
            else:
                doubtful = k != own and not sq_dist > limit
            s += 1
        if doubtful:
            rows[n_doubtful] = i
            n_doubtful += 1
    return n_doubtful


@kernel(inline="always")
def _add(x, weight, count, total):
    for j in range(len(x)):
        total[j] += weight * x[j]
    total[-2] += weight
    total[-1] += count if weight != 0 else 0


@kernel(fastmath=FINITE)
def _label(X, centers, prepared, labels, sq_dists, start, stop):
    n_clusters, n_features = centers.shape
    n_lanes = min(TILE, stop - start)
    tile, scores = np.zeros((n_lanes, n_features), dtype=X.dtype), np.empty((n_clusters, n_lanes), dtype=X.dtype)
    best = np.empty((4, n_lanes), dtype=X.dtype)
    nearest = Nearest(best[0], best[1], best[2], best[3])
    for first in range(start, stop, n_lanes):
        rows = np.arange(first, min(first + n_lanes, stop))
        _nearest_two(X, rows, prepared, tile, scores, nearest)
        for r in range(len(rows)):
            k = int(nearest.label[r])
            labels[rows[r]] = k
            sq_dists[rows[r]] = _sq_dist(X[rows[r]], centers[k])


@kernel
def _label_few(X, centers, labels, sq_dists):
    # What `_label` prepares before its first sample takes longer than this.
    for i in range(len(X)):
        labels[i], sq_dists[i] = 0, _sq_dist(X[i], centers[0])
        for k in range(1, len(centers)):
            sq_dist = _sq_dist(X[i], centers[k])
            if sq_dist < sq_dists[i]:
                labels[i], sq_dists[i] = k, sq_dist


@kernel(inline="always")
def _sq_dist(x, center):
    total = x.dtype.type(0)
    for j in range(len(x)):
        diff = x[j] - center[j]
        total += diff * diff
    return total


@kernel
def _accumulate(X, sample_weight, labels, sums, weight, start, stop):
    for i in range(start, stop):
        k = labels[i]
        for j in range(X.shape[1]):
            sums[k, j] += np.float64(sample_weight[i]) * X[i, j]
        weight[k] += sample_weight[i]


@kernel
def _measure(X, centers, labels, sq_dists, start, stop):
    for i in range(start, stop):
        sq_dists[i] = _sq_dist(X[i], centers[labels[i]])


@kernel
def _measure_all(X, centers, distances, start, stop):
    for i in range(start, stop):
        for k in range(len(centers)):
            distances[i, k] = np.sqrt(_sq_dist(X[i], centers[k]))


@kernel
def _weigh(X, sample_weight, candidates, closest, chunk, potentials, start, stop):
    sq_dists = np.empty((len(candidates), 4), dtype=X.dtype)
    for c in range(start, stop):
        last = min((c + 1) * chunk, len(X)) - 1
        for i in range(c * chunk, last + 1, 4):
            x0, x1, x2, x3 = X[i], X[min(i + 1, last)], X[min(i + 2, last)], X[min(i + 3, last)]
            for t in range(len(candidates)):
                _four_sq_dists(x0, x1, x2, x3, candidates[t], sq_dists[t])
            for r in range(min(4, last + 1 - i)):
                closest[i + r] = min(closest[i + r], sq_dists[0, r])
                for t in range(1, len(candidates)):
                    nearer = min(closest[i + r], sq_dists[t, r])
                    potentials[c, t - 1] += np.float64(sample_weight[i + r]) * nearer


@kernel(inline="always")
def _four_sq_dists(x0, x1, x2, x3, y, sq_dists):
    # One load of y serves four sums that do not wait for each other.
    s0 = s1 = s2 = s3 = y.dtype.type(0)
    for j in range(len(y)):
        d0, d1, d2, d3 = x0[j] - y[j], x1[j] - y[j], x2[j] - y[j], x3[j] - y[j]
        s0 += d0 * d0
        s1 += d1 * d1
        s2 += d2 * d2
        s3 += d3 * d3
    sq_dists[0], sq_dists[1], sq_dists[2], sq_dists[3] = s0, s1, s2, s3


@kernel
def _find(X, sample_weight, closest, center, target, start, stop):
    running = 0.0
    for i in range(start, stop):
        running += np.float64(sample_weight[i]) * min(closest[i], _sq_dist(X[i], center))
        if running >= target:
            return i
    return stop - 1
