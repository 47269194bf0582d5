"""Stochastic average gradients for logistic regression, with scikit-learn's draws of samples."""

import numpy as np
from scipy.sparse import issparse
from scipy.special import expit, softmax

SPARSE_INTERCEPT_DECAY = 0.01  # smaller steps of the intercept, which would oscillate on sparse data


def minimize(
    X, codes, sample_weight, weights, memory, alpha, beta, step, max_iter, tol, seed, saga=False, on_pass=None
):
    """Minimize sum_i w_i loss_i + alpha / 2 ||coef||_2^2 + beta ||coef||_1.

    Parameters
    ----------
    X : (n_samples, n_features) float32 or float64, or a CSR matrix where the engine computes on the host
    codes : (n_samples,) int32
    sample_weight : (n_samples,), dtype of X, or None
    weights : (n_features or n_features + 1, n_outputs) float64
        Where to start; see :mod:`~.logistic`.
    memory : (n_samples, n_outputs + 1) float64
        The last derivative of each sample's loss, and in the last column whether it has been drawn; zeros at first.
    alpha, beta : float
        `beta` is for SAGA only.
    step : float
        Step size.
    max_iter : int
        Passes over the data at most; one pass is n_samples draws with replacement.
    tol : float
        Stop after a pass in which no coefficient changed by more than `tol` times the largest one.
    seed : int in [1, 2^32)
        Of the xorshift generator that draws the samples.
    saga : bool, default=False
        The unbiased steps of SAGA.
    on_pass : callable, optional
        Called with the number of the pass and the largest relative change.

    Returns
    -------
    weights : shape of `weights`, float64
        Not finite if the step was too long.
    memory : shape of `memory`, float64
    n_iter : int64
        Passes over the data.
    """
    decay = SPARSE_INTERCEPT_DECAY if issparse(X) else 1.0
    X = (X.toarray() if issparse(X) else X).astype(np.float64)
    n_samples, n_features = X.shape
    weights, memory, n_iter, change = weights.copy(), memory.copy(), 0, np.inf
    coef, intercept = weights[:n_features], weights[n_features:]
    sums = X.T @ memory[:, :-1], memory[:, :-1].sum(axis=0)
    while n_iter < max_iter and change > tol:
        n_iter, before = n_iter + 1, coef.copy()
        for _ in range(n_samples):
            seed = _next(seed)
            i = seed % 2**31 % n_samples
            memory[i, -1] = 1
            n_seen = memory[:, -1].sum()
            residual = _residual(X[i] @ coef + intercept.sum(axis=0), codes[i])
            diff = residual * (1 if sample_weight is None else sample_weight[i]) - memory[i, :-1]
            memory[i, :-1] += diff
            unbiased = step * (1 - 1 / n_seen) * diff if saga else 0 * diff
            sums[0][:] += np.outer(X[i], diff)
            sums[1][:] += diff
            coef *= 1 - step * alpha / n_samples
            coef -= np.outer(X[i], unbiased) + step / n_seen * sums[0]
            coef[:] = np.sign(coef) * np.maximum(np.abs(coef) - step * beta / n_samples, 0)
            intercept -= step * decay / n_seen * sums[1] + unbiased
        change = _relative_change(before, coef)
        if on_pass is not None:
            on_pass(n_iter, change)
    return weights, memory, np.int64(n_iter)


def _residual(raw, code):
    return expit(raw) - code if raw.size == 1 else softmax(raw) - (np.arange(raw.size) == code)


def _relative_change(before, after):
    change, largest = np.abs(after - before).max(), np.abs(after).max()
    if largest == 0:
        return 0.0 if change == 0 else np.inf
    return change / largest


def _next(seed):
    """The next state of a 32-bit xorshift generator."""
    seed ^= seed << 13 & 0xFFFFFFFF
    seed ^= seed >> 17
    return seed ^ (seed << 5 & 0xFFFFFFFF)
