import numpy as np

from ._jit import kernel
from ._launch import launch


def joint_log_likelihood(X, mean, var, log_prior):
    jll = np.empty((len(X), len(mean)), dtype=np.result_type(X, mean))
    _launch(_joint_log_likelihood, X, mean, var, log_prior, jll)
    return jll


def classify(X, mean, var, log_prior):
    codes = np.empty(len(X), dtype=np.int64)
    _launch(_classify, X, mean, var, log_prior, codes)
    return codes


def _launch(kernel, X, mean, var, log_prior, out):
    with np.errstate(divide="ignore", invalid="ignore"):
        half_precision = np.ascontiguousarray(0.5 / var)
        constant = log_prior - 0.5 * np.log(2 * np.pi * var).sum(axis=1)
    args = (np.ascontiguousarray(X), np.ascontiguousarray(mean), half_precision, constant, out)
    launch(kernel, len(X), args, row_cost=2 * mean.size)


@kernel
def _joint_log_likelihood(X, mean, half_precision, constant, jll, start, stop):
    for i in range(start, stop):
        for k in range(len(constant)):
            jll[i, k] = constant[k] - _half_sq_dist(X[i], mean[k], half_precision[k])


@kernel
def _classify(X, mean, half_precision, constant, codes, start, stop):
    for i in range(start, stop):
        best, largest = 0, -np.inf
        for k in range(len(constant)):
            value = constant[k] - _half_sq_dist(X[i], mean[k], half_precision[k])
            if value > largest or np.isnan(value):
                best, largest = k, value
            if np.isnan(value):  # NaN wins, as in NumPy's argmax
                break
        codes[i] = best


@kernel
def _half_sq_dist(x, mean, half_precision):
    # (x - mean)^2, not x^2 - 2 x mean + mean^2: that cancels where a class lies far from 0.
    total = mean[0] * 0
    for j in range(len(x)):
        diff = x[j] - mean[j]
        total += diff * diff * half_precision[j]
    return total
