import numpy as np

from ._jit import kernel
from ._launch import PARTIALS, launch_reduce, run_blocks
from ._math import exp, log, log1p

BUFFER = 2**15  # values in the rows of X that are read twice in a row: they stay in a core's L2 cache
LEAST_ROWS = 64  # fewer would be bound by the gradient that they are added to
POINTWISE = 20  # multiply-adds that the loss of one sample costs, for each output


def loss_gradient(X, codes, sample_weight, weights):
    (n_samples, n_features), n_outputs = X.shape, weights.shape[1]
    sample_weight = np.empty(0, dtype=X.dtype) if sample_weight is None else sample_weight
    has_intercept = len(weights) > n_features
    intercept = weights[n_features] if has_intercept else np.zeros(n_outputs)
    is_sparse = not isinstance(X, np.ndarray)
    if is_sparse:
        one_pass = _sparse
        rows, row_values, n_rows = (X.data, X.indices, X.indptr), X.nnz / n_samples, 1
    else:
        one_pass = _binary if n_outputs == 1 else _multinomial
        rows, row_values, n_rows = (X,), n_features, max(LEAST_ROWS, BUFFER // n_features)
    coef = np.ascontiguousarray(weights[:n_features] if is_sparse else weights[:n_features].T, dtype=X.dtype)
    ones = np.ones(min(n_rows, n_samples), dtype=X.dtype)
    args = (*rows, codes, sample_weight, ones, coef, intercept.astype(X.dtype))
    partials = [((1,), np.float64), (coef.shape, np.float64), ((n_outputs,), np.float64)]
    row_cost = n_outputs * (2 * row_values + POINTWISE)
    loss, gradient, total = launch_reduce(one_pass, n_samples, args, partials, row_cost)
    gradient = gradient if is_sparse else gradient.T
    return np.concatenate((loss, gradient, total) if has_intercept else (loss, gradient), axis=None)


# Rows are taken len(ones) at a time; `ones` are their weights where `sample_weight` is empty. Sums of arrays are
# written out in loops: `a += b` takes Numba three seconds to compile.


@kernel
def _binary(X, codes, sample_weight, ones, coef_t, intercept, loss, gradient, total, start, stop):
    for first in range(start, stop, len(ones)):
        last = min(first + len(ones), stop)
        rows, weight = X[first:last], sample_weight[first:last] if len(sample_weight) else ones[: last - first]
        raw = np.dot(rows, coef_t[0])
        loss[0] += _binary_residual(raw, codes[first:last], weight, intercept[0])
        step = np.dot(raw, rows)
        for j in range(len(step)):
            gradient[0, j] += step[j]
        for i in range(len(raw)):
            total[0] += raw[i]


@kernel
def _binary_residual(raw, codes, sample_weight, intercept):
    """The loss; `raw` becomes its derivative."""
    loss = 0.0
    for i in range(raw.size):
        z, y = raw[i] + intercept, codes[i]
        t = exp(-abs(z))
        raw[i] = sample_weight[i] * ((1 if z >= 0 else t) / (1 + t) - y)
        loss += sample_weight[i] * (log1p(t) + (z if z > 0 else z * 0) - y * z)
    return loss


@kernel
def _multinomial(X, codes, sample_weight, ones, coef_t, intercept, loss, gradient, total, start, stop):
    for first in range(start, stop, len(ones)):
        last = min(first + len(ones), stop)
        rows, weight = X[first:last], sample_weight[first:last] if len(sample_weight) else ones[: last - first]
        raw = np.dot(coef_t, rows.T)  # one output after the other, so that loops along samples vectorise
        loss[0] += _softmax_residual(raw, codes[first:last], weight, intercept)
        step = np.dot(raw, rows)
        for k in range(len(step)):
            for j in range(step.shape[1]):
                gradient[k, j] += step[k, j]
            for i in range(raw.shape[1]):
                total[k] += raw[k, i]


@kernel
def _softmax_residual(raw, codes, sample_weight, intercept):
    """The loss; `raw`, (n_outputs, n_rows), becomes its derivative."""
    n_outputs, n_rows = raw.shape
    top, total, loss = np.empty_like(raw[0]), np.zeros_like(raw[0]), 0.0
    for k in range(n_outputs):
        for i in range(n_rows):
            raw[k, i] += intercept[k]
            top[i] = raw[k, i] if k == 0 or raw[k, i] > top[i] else top[i]
    for i in range(n_rows):
        loss += sample_weight[i] * (top[i] - raw[codes[i], i])
    for k in range(n_outputs):
        for i in range(n_rows):
            raw[k, i] = exp(raw[k, i] - top[i])
            total[i] += raw[k, i]
    for i in range(n_rows):
        loss += sample_weight[i] * log(total[i])
        total[i] = sample_weight[i] / total[i]
    for k in range(n_outputs):
        for i in range(n_rows):
            raw[k, i] *= total[i]
    for i in range(n_rows):
        raw[codes[i], i] -= sample_weight[i]
    return loss


@kernel
def _sparse(data, indices, indptr, codes, sample_weight, ones, coef, intercept, loss, gradient, total, start, stop):
    n_outputs = coef.shape[1]
    raw = np.empty((n_outputs, 1), dtype=data.dtype)
    for i in range(start, stop):
        raw[:] = 0
        for at in range(indptr[i], indptr[i + 1]):
            for k in range(n_outputs):
                raw[k, 0] += data[at] * coef[indices[at], k]
        code, weight = codes[i : i + 1], sample_weight[i : i + 1] if len(sample_weight) else ones
        if n_outputs == 1:
            loss[0] += _binary_residual(raw[0], code, weight, intercept[0])
        else:
            loss[0] += _softmax_residual(raw, code, weight, intercept)
        for at in range(indptr[i], indptr[i + 1]):
            for k in range(n_outputs):
                gradient[indices[at], k] += data[at] * raw[k, 0]
        for k in range(n_outputs):
            total[k] += raw[k, 0]


def probabilities(X, weights):
    raw = _raw(X, weights)
    if raw.shape[1] == 1:
        np.negative(raw, out=raw)
        with np.errstate(over="ignore"):
            np.exp(raw, out=raw)
        return np.reciprocal(np.add(raw, 1, out=raw), out=raw)
    raw -= raw.max(axis=1, keepdims=True)
    np.exp(raw, out=raw)
    raw /= raw.sum(axis=1, keepdims=True)
    return raw


def hessian(X, sample_weight, proba, fit_intercept):
    n_samples, n_features = X.shape
    n_outputs = proba.shape[1]
    size = (n_features + fit_intercept) * n_outputs

    def partial(start, stop):
        flat, total = 0.0, np.zeros((size, size))
        for rows in _pieces(start, stop, size):
            p, A = proba[rows].astype(np.float64), _design(X[rows], fit_intercept)
            weight = np.ones((len(A), 1)) if sample_weight is None else sample_weight[rows, None].astype(np.float64)
            flat += weight[p[:, :1] * (1 - p[:, :1]) <= 0].sum() if n_outputs == 1 else 0
            total += _curvature(A, p, weight)
        return np.append(flat, total)

    return sum(run_blocks(partial, n_samples, size**2 / 2, max(1, PARTIALS // (8 * size**2))))


def _curvature(A, proba, weight):
    """The sum over samples of (diag(p) - p p') kron a a'; for two classes of p (1 - p) a a'."""
    (n_rows, n_dof), n_outputs = A.shape, proba.shape[1]
    if n_outputs == 1:
        return _weighted_gram(A, weight * proba * (1 - proba))
    total = -_weighted_gram((A[:, :, None] * proba[:, None, :]).reshape(n_rows, n_dof * n_outputs), weight)
    for k in range(n_outputs):
        total[k::n_outputs, k::n_outputs] += _weighted_gram(A, weight * proba[:, k, None])
    return total


def _weighted_gram(A, weight):
    if (weight < 0).any():
        return A.T @ (A * weight)
    A = A * np.sqrt(weight)
    return A.T @ A  # one operand twice: BLAS computes half of it


def hessian_product(X, sample_weight, proba, direction):
    n_samples, n_features = X.shape
    n_outputs = direction.shape[1]

    def partial(start, stop):
        total = np.zeros(direction.shape)
        for rows in _pieces(start, stop, n_features):
            change = _scaled(_raw_of(X[rows], direction), proba[rows])
            if sample_weight is not None:
                change *= sample_weight[rows, None]
            total[:n_features] += X[rows].T @ change
            total[n_features:] += change.sum(axis=0)
        return total

    return sum(run_blocks(partial, n_samples, 2 * n_features * n_outputs, max(1, PARTIALS // direction.nbytes)))


def _scaled(change, proba):
    """`change` in raw predictions to change in probabilities."""
    if proba.shape[1] == 1:
        return change * (proba * (1 - proba))
    return proba * (change - (proba * change).sum(axis=1, keepdims=True))


def _raw(X, weights):
    out = np.empty((X.shape[0], weights.shape[1]), dtype=X.dtype)

    def rows(start, stop):
        out[start:stop] = _raw_of(X[start:stop], weights)

    run_blocks(rows, len(out), X.shape[1] * weights.shape[1])
    return out


def _raw_of(X, weights):
    n_features = X.shape[1]
    raw = X @ weights[:n_features].astype(X.dtype)
    return raw + weights[n_features] if len(weights) > n_features else raw


def _design(X, fit_intercept):
    """The rows of X as dense float64, with a column of ones for an intercept."""
    A = np.ones((X.shape[0], X.shape[1] + fit_intercept))
    A[:, : X.shape[1]] = X if isinstance(X, np.ndarray) else X.toarray()
    return A


def _pieces(start, stop, width):
    n_rows = max(LEAST_ROWS, 8 * BUFFER // width)
    return [slice(first, min(first + n_rows, stop)) for first in range(start, stop, n_rows)]
