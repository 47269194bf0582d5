import cupy as cp

from ._launch import THREADS_PER_BLOCK, launch

CHUNK = 2**25  # values of X that are multiplied at a time: what is rounded in float32 stays small


def loss_gradient(X, codes, sample_weight, weights):
    (n_samples, n_features), n_outputs = X.shape, weights.shape[1]
    raw, intercept = _raw(X, weights)
    partials = cp.zeros(-(-n_samples // THREADS_PER_BLOCK))
    args = (raw, intercept, codes, sample_weight, partials, n_samples, n_outputs)
    launch("logistic", "residual", n_samples, args)
    sums = [partials.sum(keepdims=True), _products(X, raw).ravel()]
    if len(weights) > n_features:
        sums.append(raw.sum(axis=0, dtype=cp.float64))
    return cp.concatenate(sums)


def probabilities(X, weights):
    raw, intercept = _raw(X, weights)
    launch("logistic", "to_probabilities", len(X), (raw, intercept, *raw.shape))
    return raw


def hessian(X, sample_weight, proba, fit_intercept):
    n_outputs = proba.shape[1]
    size = (X.shape[1] + fit_intercept) * n_outputs
    flat, total = cp.zeros(1), cp.zeros((size, size))
    for rows in _chunks(X, size):
        A, p = cp.ones((len(X[rows]), size // n_outputs)), proba[rows].astype(cp.float64)
        A[:, : X.shape[1]] = X[rows]
        weight = cp.ones((len(A), 1)) if sample_weight is None else sample_weight[rows, None].astype(cp.float64)
        if n_outputs == 1:
            curvature = p * (1 - p)
            flat += cp.where(curvature <= 0, weight, 0).sum()
            total += A.T @ (A * (weight * curvature))
        else:
            B = (A[:, :, None] * p[:, None, :]).reshape(len(A), size)
            total -= B.T @ (B * weight)
            for k in range(n_outputs):
                total[k::n_outputs, k::n_outputs] += A.T @ (A * (weight * p[:, k, None]))
    return cp.concatenate([flat, total.ravel()])


def hessian_product(X, sample_weight, proba, direction):
    raw, intercept = _raw(X, direction)
    change = raw + intercept
    if proba.shape[1] == 1:
        change *= proba * (1 - proba)
    else:
        change = proba * (change - (proba * change).sum(axis=1, keepdims=True))
    if sample_weight is not None:
        change *= sample_weight[:, None]
    product = _products(X, change)
    if len(direction) > X.shape[1]:
        product = cp.concatenate([product, change.sum(axis=0, dtype=cp.float64)[None]])
    return product


def _raw(X, weights):
    """(X W without the intercept, the intercept), in the dtype of X."""
    weights = weights.astype(X.dtype)
    n_features = X.shape[1]
    has_intercept = len(weights) > n_features
    intercept = weights[n_features] if has_intercept else cp.zeros(weights.shape[1], dtype=X.dtype)
    return X @ weights[:n_features], intercept


def _products(X, R):
    """X' R, summed in float64 over chunks of rows."""
    total = cp.zeros((X.shape[1], R.shape[1]))
    for rows in _chunks(X, X.shape[1]):
        total += X[rows].T @ R[rows]
    return total


def _chunks(X, width):
    n_rows = max(1, CHUNK // max(1, width))
    return [slice(start, start + n_rows) for start in range(0, len(X), n_rows)]
