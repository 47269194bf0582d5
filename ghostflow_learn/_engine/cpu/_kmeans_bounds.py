"""Bounds that tell which samples keep their label when centers move, so that nobody measures them again.

By the triangle inequality the gap between a sample's distances to its own and to the next center shrinks by at most
what the own center and the fastest of the others move. `slack` is the gap when it was measured plus the drift until
then; the label holds while the drift of its center is below. One number per sample instead of Hamerly's two, and
nothing is written for a sample that is skipped. (Hamerly, Making k-means even faster, doi:10.1137/1.9781611972801.12.)
Rounding is on the safe side: labels are those of an iteration without bounds.
"""

from collections import namedtuple

import numpy as np

from ._jit import kernel

TILE = 96  # samples whose distances to all centers are looked at together; a power of two is slower in BLAS

# What `regroup` carries from one call to the next.
#   slack  : (n_samples,) float32
#   drift  : (n_clusters,) float64  how far a center and the fastest other one have moved, summed over the calls
#   totals : (n_clusters, n_features + 2) float64  weighted sums, weight, number of samples of non-zero weight
#   offset : (n_features,)                         about which scores are computed
State = namedtuple("State", "slack drift totals centers offset n_examined")

# The outcome for a tile of samples, each (TILE,) in the dtype of X.
#   first, second : the two smallest of ||center||^2 - 2 x center
#   label         : the center of the first
#   sq_norm       : ||x||^2
Nearest = namedtuple("Nearest", "first second label sq_norm")


def start(X, centers, offset):
    """The labels and state of a first call: nothing is known."""
    n_samples, n_features = X.shape
    totals = np.zeros((len(centers), n_features + 2))
    slack = np.full(n_samples, -np.inf, dtype=np.float32)
    state = State(slack, np.zeros(len(centers)), totals, centers, offset, n_samples)
    return np.full(n_samples, -1, dtype=np.int32), state


def drifted(state, centers):
    """`state` after its centers have moved to `centers`."""
    shift = np.sqrt(np.square(np.subtract(centers, state.centers, dtype=np.float64)).sum(axis=1))
    fastest = shift.argmax()
    moved = shift + shift[fastest]
    alone = shift[fastest]
    shift[fastest] = 0
    moved[fastest] = alone + shift.max()
    return state._replace(drift=state.drift + moved * (1 + 1e-7), centers=centers)


def noise(n_terms, dtype):
    """Rounding error of a squared distance over `n_terms`, relative to the squared norms in it, generously."""
    return 4 * (n_terms + 4) * float(np.finfo(dtype).eps)


@kernel(inline="always")
def pending(labels, slack, drift, rows, start, stop):
    """Fill `rows` with samples whose label may change; returns how many there are and where to go on."""
    n_rows = 0
    for i in range(start, stop):
        if labels[i] < 0 or not slack[i] > drift[labels[i]]:
            rows[n_rows] = i
            n_rows += 1
            if n_rows == len(rows):
                return n_rows, i + 1
    return n_rows, stop


@kernel(inline="always")
def settle(nearest, largest, noise, drift, rows, labels, slack, left):
    """Write labels and slack of `rows`; `left` becomes the label that each had before."""
    for r in range(len(rows)):
        i, label, sq_norm = rows[r], int(nearest.label[r]), np.float64(nearest.sq_norm[r])
        error = noise * (sq_norm + largest)
        first = np.sqrt(max(0.0, nearest.first[r] + sq_norm) + error)
        second = np.sqrt(max(0.0, nearest.second[r] + sq_norm - error))
        bound = second - first + drift[label]
        slack[i] = bound - 2.4e-7 * abs(bound)  # rounded down to float32
        left[r] = labels[i]
        labels[i] = label
