"""Bounds that tell which samples keep their label when centers move, so that nobody measures them again.

When a sample is measured, its distances to its own and to the next center are kept, with the number of that call. By
the triangle inequality its label holds while the gap between them is wider than what its own center and the fastest
other one have moved since; nothing is written for a sample that is skipped. Where the gap is too narrow, few centers
have as a rule come far enough to be closer than the own one: if those few, once measured, are not, the label holds as
well. (Hamerly, Making k-means even faster, doi:10.1137/1.9781611972801.12.)
Rounding is on the safe side: labels are those of an iteration without bounds.
"""

from collections import namedtuple

import numpy as np

from ._jit import kernel

TILE = 96  # samples whose distances to all centers are looked at together; a power of two is slower in BLAS
MEMORY = 32  # calls after which a sample is measured anew
SUSPECTS = 12  # centers, but no more than an eighth of them, that are measured before all are
SMALL = 2**12  # multiply-adds that measure all samples sooner than Python can tell which need it
FRESH = 8  # calls for which that pays: later, to measure all again is cheaper than to look at the suspects each time

# What `regroup` carries from one call to the next.
#   bounds : (n_samples, 2) float32  most that the own center, and least that any other, can be away
#   call   : (n_samples,) uint8      in which they were measured, modulo MEMORY
#   paths  : (MEMORY, n_clusters) float64  how far centers had moved until each call, all steps added up; inf where
#                                    the data is so small that all is measured each time
#   totals : (n_clusters, n_features + 2) float64  weighted sums, weight, number of samples of non-zero weight
#   offset : (n_features,)           about which scores are computed
State = namedtuple("State", "bounds call paths n_calls totals centers offset n_examined")

# What it hands to its kernels; all but the bounds and their calls has a row for each call, modulo MEMORY.
#   now      : int                    this call, modulo MEMORY
#   moved    : (, n_clusters)         how far a center has moved since
#   needed   : (, n_clusters)         gap that keeps the label of a sample of that cluster
#   suspects : (, <= SUSPECTS)        the centers that have moved most, in that order
#   others   : (,)                    how far any other center has moved, at most; inf where suspects do not pay
Known = namedtuple("Known", "bounds call now moved needed suspects others")

# The outcome for a tile of samples, each (TILE,) in the dtype of X.
#   first, second : the two smallest of ||center||^2 - 2 x center
#   label         : the center of the first
#   sq_norm       : ||x||^2
Nearest = namedtuple("Nearest", "first second label sq_norm")

NOBODY, NEVER = np.empty((1, 0), dtype=np.int64), np.full(1, np.inf)  # suspects and others where nothing is known


def start(X, centers, offset):
    """The labels and state of a first call: nothing is known."""
    n_samples, n_features = X.shape
    bounds, call = np.zeros((n_samples, 2), dtype=np.float32), np.zeros(n_samples, dtype=np.uint8)
    is_small = n_samples * n_features * len(centers) <= SMALL
    paths, totals = np.full((1, len(centers)), np.inf if is_small else 0.0), np.zeros((len(centers), n_features + 2))
    state = State(bounds, call, paths, 0, totals, centers, offset, n_samples)
    return np.full(n_samples, -1, dtype=np.int32), state


def drifted(state, centers):
    """`state` after its centers have moved to `centers`."""
    if _is_small(state):
        return state._replace(centers=centers)
    shift = np.sqrt(np.square(np.subtract(centers, state.centers, dtype=np.float64)).sum(axis=1))
    path = state.paths[(state.n_calls - 1) % MEMORY] + shift * (1 + 1e-7)
    paths, now = state.paths, state.n_calls % MEMORY
    if now < len(paths):
        paths[now] = path
    else:
        paths = np.vstack([paths, path])
    return state._replace(paths=paths, centers=centers)


def known(state):
    """What the bounds are worth by now."""
    if _is_small(state):
        return Known(state.bounds, state.call, 0, state.paths, state.paths, NOBODY, NEVER)
    n_clusters, now = state.paths.shape[1], state.n_calls % MEMORY
    moved = state.paths[now] - state.paths
    moved[now] = np.inf  # the samples of MEMORY calls ago are due
    order = np.argsort(-moved, axis=1)
    each, fastest, next_one = np.arange(len(order)), order[:, 0], order[:, min(1, n_clusters - 1)]
    needed = moved + moved[each, fastest][:, None]
    needed[each, fastest] = moved[each, fastest] + moved[each, next_one]
    n_suspects = min(SUSPECTS, n_clusters // 8)
    pays = ((now - each) % MEMORY <= FRESH) & (n_suspects > 0)
    others = np.where(pays, moved[each, order[:, n_suspects]], np.inf)
    return Known(state.bounds, state.call, now, moved, needed, order[:, :n_suspects].copy(), others)


def _is_small(state):
    return state.paths[0, 0] == np.inf


def noise(n_terms, dtype):
    """Rounding error of a squared distance over `n_terms`, relative to the squared norms in it, generously."""
    return 4 * (n_terms + 4) * float(np.finfo(dtype).eps)


@kernel(inline="always")
def pending(labels, known, rows, start, stop):
    """Fill `rows` with samples whose label may change; returns how many there are and where to go on."""
    n_rows = 0
    for i in range(start, stop):
        gap = np.float64(known.bounds[i, 1]) - known.bounds[i, 0]
        if labels[i] < 0 or not gap > known.needed[known.call[i], labels[i]]:
            rows[n_rows] = i
            n_rows += 1
            if n_rows == len(rows):
                return n_rows, i + 1
    return n_rows, stop


@kernel(inline="always")
def settle(nearest, largest, noise, rows, labels, known, left):
    """Write labels and bounds of `rows`; `left` becomes the label that each had before."""
    for r in range(len(rows)):
        i, sq_norm = rows[r], np.float64(nearest.sq_norm[r])
        error = noise * (sq_norm + largest)
        known.bounds[i, 0] = np.sqrt(max(0.0, nearest.first[r] + sq_norm) + error) * (1 + 1.2e-7)  # float32 rounds
        known.bounds[i, 1] = np.sqrt(max(0.0, nearest.second[r] + sq_norm - error)) * (1 - 1.2e-7)
        known.call[i] = known.now
        left[r] = labels[i]
        labels[i] = int(nearest.label[r])
