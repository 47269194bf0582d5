import numpy as np
from scipy.sparse import issparse

from ._jit import kernel
from ._launch import LONGEST
from ._math import exp

SPARSE_INTERCEPT_DECAY = 0.01  # smaller steps of the intercept, which would oscillate on sparse data
SMALLEST_SCALE = 1e-9  # of the coefficients, before they are multiplied out


def minimize(
    X, codes, sample_weight, weights, memory, alpha, beta, step, max_iter, tol, seed, saga=False, on_pass=None
):
    n_samples, n_features = X.shape
    memory, has_intercept = memory.copy(), len(weights) > n_features
    gradients, seen = np.ascontiguousarray(memory[:, :-1]), memory[:, -1].astype(np.bool_)
    coef = weights[:n_features].T.copy()
    intercept = weights[n_features].copy() if has_intercept else np.zeros(len(coef))
    sample_weight = np.ones(n_samples) if sample_weight is None else sample_weight.astype(np.float64)
    state = (coef, intercept, (X.T @ gradients).T.copy(), gradients.sum(axis=0), gradients, seen, np.array([seed]))
    decay = (SPARSE_INTERCEPT_DECAY if issparse(X) else 1.0) * has_intercept
    steps = (step, 1 - step * alpha / n_samples, step * beta / n_samples, decay, saga)
    rows, draw = ((X.data, X.indices, X.indptr), _draw_sparse) if issparse(X) else ((X,), _draw)
    row_cost = max(1, 2 * len(coef) * (X.nnz if issparse(X) else X.size) // n_samples)
    n_iter, change, before = 0, np.inf, coef.copy()
    while n_iter < max_iter and change > tol:
        n_iter += 1
        for n_draws in _short(n_samples, row_cost):
            draw(*rows, codes, sample_weight, *state, *steps, n_draws)
        change = _relative_change(before, coef)
        if on_pass is not None:
            on_pass(n_iter, change)
    weights = np.vstack([coef.T, intercept])[: len(weights)]
    return weights, np.column_stack([gradients, seen]), np.int64(n_iter)


@kernel
def _relative_change(before, after):
    """The largest change relative to the largest coefficient; `before` becomes `after`. NaN if one is not finite."""
    change, largest = 0.0, 0.0
    for k in range(len(after)):
        for j in range(after.shape[1]):
            w = after[k, j]
            if not abs(w) < np.inf:
                return np.nan
            change, largest = max(change, abs(w - before[k, j])), max(largest, abs(w))
            before[k, j] = w
    if largest == 0:
        return 0.0 if change == 0 else np.inf
    return change / largest


def _short(n_samples, row_cost):
    """Numbers of draws that add up to `n_samples`, short enough for Ctrl-C to be seen between them."""
    longest = max(1, LONGEST // row_cost)
    return [min(longest, n_samples - done) for done in range(0, n_samples, longest)]


@kernel
def _drawn(seed, n_samples):
    state = seed[0]
    state ^= (state << 13) & 0xFFFFFFFF
    state ^= state >> 17
    state ^= (state << 5) & 0xFFFFFFFF
    seed[0] = state
    return (state & 0x7FFFFFFF) % n_samples


@kernel
def _to_residual(raw, code, weight):
    """Raw predictions of one sample become the derivatives of its loss."""
    if raw.size == 1:
        raw[0] = weight * (1 / (1 + exp(-raw[0])) - code)
        return
    top = raw.max()
    total = 0.0
    for k in range(raw.size):
        raw[k] = exp(raw[k] - top)
        total += raw[k]
    for k in range(raw.size):
        raw[k] = weight * (raw[k] / total - (k == code))


@kernel
def _shrunk(w, threshold):
    return max(w - threshold, 0.0) - max(-w - threshold, 0.0)


@kernel
def _draw(X, codes, sample_weight, coef, intercept, gradient_sum, intercept_sum, gradients, seen, seed,
          step, shrink, threshold, decay, saga, n_draws):  # fmt: skip
    (n_samples, n_features), n_outputs = X.shape, len(coef)
    n_seen = seen.sum()
    raw = np.empty(n_outputs)
    for _ in range(n_draws):
        i = _drawn(seed, n_samples)
        n_seen += not seen[i]
        seen[i] = True
        for k in range(n_outputs):
            raw[k] = intercept[k]
            for j in range(n_features):
                raw[k] += X[i, j] * coef[k, j]
        _to_residual(raw, codes[i], sample_weight[i])
        pull = step / n_seen
        for k in range(n_outputs):
            diff = raw[k] - gradients[i, k]
            gradients[i, k] = raw[k]
            unbiased = step * (1 - 1 / n_seen) * diff if saga else 0.0
            for j in range(n_features):
                gradient_sum[k, j] += diff * X[i, j]
                w = shrink * coef[k, j] - unbiased * X[i, j] - pull * gradient_sum[k, j]
                coef[k, j] = _shrunk(w, threshold) if threshold > 0 else w
            if decay > 0:
                intercept_sum[k] += diff
                intercept[k] -= pull * decay * intercept_sum[k] + unbiased


@kernel
def _draw_sparse(data, indices, indptr, codes, sample_weight, coef, intercept, gradient_sum, intercept_sum, gradients,
                 seen, seed, step, shrink, threshold, decay, saga, n_draws):  # fmt: skip
    # coef is scaled by `scale`, and steps along gradient_sum that feature j has missed, from draw last[j] on, are
    # made when the feature is next met: pulls[t] and thresholds[t] add up all of them up to draw t.
    n_samples, (n_outputs, n_features) = len(codes), coef.shape
    n_seen, scale = seen.sum(), 1.0
    raw, last = np.empty(n_outputs), np.zeros(n_features, dtype=np.int64)
    pulls, thresholds = np.zeros(n_draws + 1), np.zeros(n_draws + 1)
    for t in range(n_draws):
        i = _drawn(seed, n_samples)
        n_seen += not seen[i]
        seen[i] = True
        raw[:] = 0
        for at in range(indptr[i], indptr[i + 1]):
            j = indices[at]
            _catch_up(coef, gradient_sum, j, last[j], t, pulls, thresholds, threshold > 0)
            last[j] = t
            for k in range(n_outputs):
                raw[k] += data[at] * coef[k, j]
        for k in range(n_outputs):
            raw[k] = scale * raw[k] + intercept[k]
        _to_residual(raw, codes[i], sample_weight[i])
        scale *= shrink
        for k in range(n_outputs):
            diff = raw[k] - gradients[i, k]
            gradients[i, k] = raw[k]
            unbiased = step * (1 - 1 / n_seen) * diff if saga else 0.0
            for at in range(indptr[i], indptr[i + 1]):
                coef[k, indices[at]] -= unbiased / scale * data[at]
                gradient_sum[k, indices[at]] += diff * data[at]
            if decay > 0:
                intercept_sum[k] += diff
                intercept[k] -= step / n_seen * decay * intercept_sum[k] + unbiased
        pulls[t + 1] = pulls[t] + step / (scale * n_seen)
        thresholds[t + 1] = thresholds[t] + threshold / scale
        if scale < SMALLEST_SCALE or t == n_draws - 1:
            for j in range(n_features):
                _catch_up(coef, gradient_sum, j, last[j], t + 1, pulls, thresholds, threshold > 0)
                last[j] = t + 1
                for k in range(n_outputs):
                    coef[k, j] *= scale
            pulls[t + 1] = thresholds[t + 1] = 0.0
            scale = 1.0


@kernel
def _catch_up(coef, gradient_sum, j, since, now, pulls, thresholds, thresholded):
    """The steps along the sums of gradients that feature j has missed in draws [since, now)."""
    pull, threshold = pulls[now] - pulls[since], thresholds[now] - thresholds[since]
    for k in range(len(coef)):
        g = gradient_sum[k, j]
        if not thresholded:
            coef[k, j] -= pull * g
        elif abs(g * pull) < threshold:
            coef[k, j] = _shrunk(coef[k, j] - pull * g, threshold)  # all at once: thresholds outweigh the gradients
        else:
            for t in range(now, since, -1):
                w = coef[k, j] - (pulls[t] - pulls[t - 1]) * g
                coef[k, j] = _shrunk(w, thresholds[t] - thresholds[t - 1])
