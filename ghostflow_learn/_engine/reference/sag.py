"""Stochastic average gradients, with scikit-learn's draws of samples."""

import numpy as np
from scipy.sparse import issparse

SPARSE_INTERCEPT_DECAY = 0.01  # smaller steps of the intercept, which would oscillate on sparse data


def largest_sq_norm(X, offset=None):
    """The largest squared length of a row of X - offset.

    Parameters
    ----------
    X : (n_samples, n_features) float32 or float64, or a CSR matrix where the engine computes on the host
    offset : (n_features,) float64, optional

    Returns
    -------
    sq_norm : float64
    """
    return np.square(_shifted(X, offset)).sum(axis=1).max()


def least_squares(X, y, sample_weight, alpha, step, max_iter, tol, seed, saga=False, offset=None, fit_intercept=False):
    """Minimize sum_i w_i (y_i - (x_i - offset)' coef - intercept)^2 + alpha ||coef||^2.

    Parameters
    ----------
    X : (n_samples, n_features) float32 or float64, or a CSR matrix where the engine computes on the host
    y : (n_samples,) float64
    sample_weight : (n_samples,) float64, optional
    alpha : float
    step : float
        Step size.
    max_iter : int, at least 1
        Passes over the data at most; one pass is n_samples draws with replacement.
    tol : float
        Stop after a pass in which no coefficient changed by more than `tol` times the largest one.
    seed : int in [1, 2^32)
        Of the xorshift generator that draws the samples.
    saga : bool, default=False
        The unbiased steps of SAGA.
    offset : (n_features,) float64, optional
        Subtracted from each row of X, which is dense then.
    fit_intercept : bool, default=False

    Returns
    -------
    solution : (n_features + 1,) float64
        The coefficients, then the intercept: 0 unless it is fitted. Not finite if the step was too long.
    n_iter : int64
        Passes over the data.
    """
    decay = SPARSE_INTERCEPT_DECAY if issparse(X) else 1.0
    X = _shifted(X, offset)
    n_samples, n_features = X.shape
    sample_weight = np.ones(n_samples) if sample_weight is None else sample_weight
    coef, gradient_sum, gradients = np.zeros(n_features), np.zeros(n_features), np.zeros(n_samples)
    intercept = intercept_gradient_sum = 0.0
    seen = set()
    for n_iter in range(1, max_iter + 1):  # noqa: B007
        previous = coef
        for _ in range(n_samples):
            seed = _next(seed)
            i = seed % 2**31 % n_samples
            seen.add(i)
            change = (X[i] @ coef + intercept - y[i]) * sample_weight[i] - gradients[i]
            gradients[i] += change
            gradient_sum += change * X[i]
            unbiased = step * (1 - 1 / len(seen)) * change if saga else 0.0
            coef = (1 - step * alpha / n_samples) * coef - unbiased * X[i] - step / len(seen) * gradient_sum
            if fit_intercept:
                intercept_gradient_sum += change
                intercept -= step * decay / len(seen) * intercept_gradient_sum + unbiased
        if not np.abs(coef - previous).max() > tol * np.abs(coef).max():
            break
    return np.append(coef, intercept), np.int64(n_iter)


def _shifted(X, offset):
    X = (X.toarray() if issparse(X) else X).astype(np.float64)
    return X if offset is None else X - offset


def _next(seed):
    """The next state of a 32-bit xorshift generator."""
    seed ^= seed << 13 & 0xFFFFFFFF
    seed ^= seed >> 17
    return seed ^ (seed << 5 & 0xFFFFFFFF)
