import numpy as np
from scipy.sparse import issparse

from ._jit import kernel
from ._launch import LONGEST, run_blocks

SPARSE_INTERCEPT_DECAY = 0.01  # smaller steps of the intercept, which would oscillate on sparse data
SMALLEST_SCALE = 1e-9  # of the coefficients, before they are multiplied out


def largest_sq_norm(X, offset=None):
    if issparse(X):
        sums = np.concatenate(([0.0], np.cumsum(np.square(X.data, dtype=np.float64))))
        return np.diff(sums[X.indptr]).max()
    offset = np.zeros(X.shape[1]) if offset is None else offset
    return np.max(run_blocks(lambda start, stop: _largest(X, offset, start, stop), len(X), X.shape[1]))


def least_squares(X, y, sample_weight, alpha, step, max_iter, tol, seed, saga=False, offset=None, fit_intercept=False):
    n_samples, n_features = X.shape
    sample_weight = np.ones(n_samples) if sample_weight is None else sample_weight.astype(np.float64)
    coef, gradient_sum, gradients = np.zeros(n_features), np.zeros(n_features), np.zeros(n_samples)
    seen, seed = np.zeros(n_samples, dtype=np.bool_), np.array([seed])
    intercept = np.zeros(3)  # itself, its sum of gradients, the decay of its steps
    intercept[2] = (SPARSE_INTERCEPT_DECAY if issparse(X) else 1.0) if fit_intercept else 0.0
    steps = (step, 1 - step * alpha / n_samples, saga)
    memory = (sample_weight, coef, intercept, gradient_sum, gradients, seen, seed)
    if issparse(X):
        draw, args = _draw_sparse, (X.data, X.indices, X.indptr, y, *memory, np.zeros(n_features), *steps)
    else:
        draw, args = _draw, (X, np.zeros(n_features) if offset is None else offset, y, *memory, *steps)
    row_cost = max(1, 2 * (X.nnz if issparse(X) else X.size) // n_samples)
    for n_iter in range(1, max_iter + 1):  # noqa: B007
        previous = coef.copy()
        for n_draws in _short(n_samples, row_cost):
            draw(*args, n_draws)
        if not np.abs(coef - previous).max() > tol * np.abs(coef).max():
            break
    return np.append(coef, intercept[0]), np.int64(n_iter)


def _short(n_samples, row_cost):
    """Numbers of draws that add up to `n_samples`, short enough for Ctrl-C to be seen between them."""
    longest = max(1, LONGEST // row_cost)
    return [min(longest, n_samples - done) for done in range(0, n_samples, longest)]


@kernel
def _largest(X, offset, start, stop):
    largest = 0.0
    for i in range(start, stop):
        sq_norm = 0.0
        for j in range(X.shape[1]):
            diff = X[i, j] - offset[j]
            sq_norm += diff * diff
        largest = max(largest, sq_norm)
    return largest


@kernel
def _drawn(seed, n_samples):
    state = seed[0]
    state ^= (state << 13) & 0xFFFFFFFF
    state ^= state >> 17
    state ^= (state << 5) & 0xFFFFFFFF
    seed[0] = state
    return (state & 0x7FFFFFFF) % n_samples


@kernel
def _draw(
    X, offset, y, sample_weight, coef, intercept, gradient_sum, gradients, seen, seed, step, shrink, saga, n_draws
):
    n_samples, n_features = X.shape
    n_seen = seen.sum()
    for _ in range(n_draws):
        i = _drawn(seed, n_samples)
        if not seen[i]:
            seen[i] = True
            n_seen += 1
        prediction = intercept[0]
        for j in range(n_features):
            prediction += (X[i, j] - offset[j]) * coef[j]
        change = (prediction - y[i]) * sample_weight[i] - gradients[i]
        gradients[i] += change
        unbiased = step * (1 - 1 / n_seen) * change if saga else 0.0
        pull = step / n_seen
        for j in range(n_features):
            x = X[i, j] - offset[j]
            gradient_sum[j] += change * x
            coef[j] = shrink * coef[j] - unbiased * x - pull * gradient_sum[j]
        if intercept[2] > 0:
            intercept[1] += change
            intercept[0] -= pull * intercept[2] * intercept[1] + unbiased


@kernel
def _draw_sparse(
    data,
    indices,
    indptr,
    y,
    sample_weight,
    coef,
    intercept,
    gradient_sum,
    gradients,
    seen,
    seed,
    pulled,
    step,
    shrink,
    saga,
    n_draws,
):
    # coef is scaled by `scale`, and the pull of feature j's gradient sum is applied when the feature is next met:
    # `pull` adds up all pulls so far, `pulled[j]` is what feature j has had of them.
    n_samples = len(y)
    n_seen = seen.sum()
    scale, pull = 1.0, 0.0
    for _ in range(n_draws):
        i = _drawn(seed, n_samples)
        if not seen[i]:
            seen[i] = True
            n_seen += 1
        prediction = 0.0
        for k in range(indptr[i], indptr[i + 1]):
            j = indices[k]
            coef[j] -= (pull - pulled[j]) * gradient_sum[j]
            pulled[j] = pull
            prediction += data[k] * coef[j]
        change = (scale * prediction + intercept[0] - y[i]) * sample_weight[i] - gradients[i]
        gradients[i] += change
        scale *= shrink
        unbiased = step * (1 - 1 / n_seen) * change if saga else 0.0
        for k in range(indptr[i], indptr[i + 1]):
            coef[indices[k]] -= unbiased / scale * data[k]
            gradient_sum[indices[k]] += change * data[k]
        pull += step / (scale * n_seen)
        if intercept[2] > 0:
            intercept[1] += change
            intercept[0] -= step / n_seen * intercept[2] * intercept[1] + unbiased
        if scale < SMALLEST_SCALE:
            _multiply_out(coef, gradient_sum, pulled, pull, scale)
            scale, pull = 1.0, 0.0
    _multiply_out(coef, gradient_sum, pulled, pull, scale)


@kernel
def _multiply_out(coef, gradient_sum, pulled, pull, scale):
    for j in range(len(coef)):
        coef[j] = scale * (coef[j] - (pull - pulled[j]) * gradient_sum[j])
        pulled[j] = 0.0
