from collections import namedtuple

import numpy as np
from numba.extending import overload
from numba.np.numpy_support import as_dtype

from ._jit import kernel
from ._launch import launch_reduce
from ._math import exp, log, log1p, of_rank, rank

# Losses of one number: each is a type, by which Numba compiles the loop for it alone.
_Binary = namedtuple("_Binary", "delta")
_Squared = namedtuple("_Squared", "delta")
_Absolute = namedtuple("_Absolute", "delta")
_Huber = namedtuple("_Huber", "delta")
_Poisson = namedtuple("_Poisson", "delta")
COST = 4  # of the loss of one number, in multiply-adds
CLASS_COST = 1.5  # of one of several numbers of a sample
ROW_COST = 150  # of such a sample, beside that of its numbers


def softmax_cross_entropy(logits, target, sample_weight=None, smoothing=0.0):
    gradient = np.empty(logits.shape, logits.dtype)
    weight = _weights(sample_weight, logits, 1)
    kernel = _softmax_of_codes if target.ndim == 1 else _softmax_of_probabilities
    return _reduced(kernel, logits, (logits, target, weight, float(smoothing), gradient)), gradient


def focal(logits, target, sample_weight=None, gamma=2.0):
    gradient = np.empty(logits.shape, logits.dtype)
    weight = _weights(sample_weight, logits, 1)
    return _reduced(_focal, logits, (logits, target, weight, float(gamma), gradient)), gradient


def binary_cross_entropy(logits, target, sample_weight=None):
    return _of_numbers(logits, target, sample_weight, _Binary(0.0))


def squared_error(prediction, target, sample_weight=None):
    return _of_numbers(prediction, target, sample_weight, _Squared(0.0))


def absolute_error(prediction, target, sample_weight=None):
    return _of_numbers(prediction, target, sample_weight, _Absolute(0.0))


def huber(prediction, target, sample_weight=None, delta=1.0):
    return _of_numbers(prediction, target, sample_weight, _Huber(float(delta)))


def poisson(prediction, target, sample_weight=None):
    return _of_numbers(prediction, target, sample_weight, _Poisson(0.0))


def quantile(prediction, target, sample_weight=None, levels=(0.5,)):
    gradient, weight = np.empty(prediction.shape, prediction.dtype), _weights(sample_weight, prediction, len(levels))
    args = (prediction, target, weight, np.array(levels, dtype=prediction.dtype), gradient)
    return _reduced(_quantile, prediction, args), gradient


def nll(log_prob, target, sample_weight=None):
    weight, rows = _weights(sample_weight, log_prob, 1), np.arange(len(target))
    gradient = np.zeros(log_prob.shape, log_prob.dtype)
    gradient[rows, target] = -weight
    return -np.float64((weight * log_prob[rows, target]).sum(dtype=np.float64)), gradient


def _weights(sample_weight, prediction, n_outputs):
    """The part of each sample, and of each of its outputs, in the loss."""
    n_samples = len(prediction)
    with np.errstate(invalid="ignore", divide="ignore"):
        if sample_weight is None:
            return np.full(n_samples, np.float64(1) / (n_samples * n_outputs), dtype=prediction.dtype)
        total = sample_weight.sum(dtype=np.float64) * n_outputs
        return (sample_weight / total).astype(prediction.dtype)


def _reduced(kernel, prediction, args):
    cost = COST if prediction.ndim == 1 else ROW_COST + CLASS_COST * prediction[:1].size
    (loss,) = launch_reduce(kernel, len(prediction), args, [((1,), np.float64)], row_cost=cost)
    return loss[0]


def _of_numbers(prediction, target, sample_weight, kind):
    gradient, n_outputs = np.empty(prediction.shape, prediction.dtype), max(1, prediction[:1].size)
    weight = _weights(sample_weight, prediction, n_outputs)
    weight = np.repeat(weight, n_outputs) if n_outputs > 1 else weight
    args = (prediction.reshape(-1), target.reshape(-1), weight, gradient.reshape(-1), kind)
    return _reduced(_loss_of_numbers, prediction.reshape(-1), args), gradient


@kernel
def _loss_of_numbers(p, y, weight, gradient, kind, loss, start, stop):
    p, y, weight, gradient = p[start:stop], y[start:stop], weight[start:stop], gradient[start:stop]
    total = 0.0
    for k in range(p.size):
        value, slope = _value_and_slope(p[k], y[k], kind)
        gradient[k] = slope * weight[k]
        total += np.float64(value * weight[k])
    loss[0] += total


def _value_and_slope(p, y, kind): ...


@overload(_value_and_slope, jit_options={"forceinline": True})
def _choose(p, y, kind):
    return _FORMULAS[kind.instance_class](as_dtype(p).type)


def _binary(T):
    def formula(p, y, kind):
        t = exp(-abs(p))
        value = (p if p > T(0) else T(0)) - p * y + log1p(t)
        return value, (t if p < T(0) else T(1)) / (T(1) + t) - y

    return formula


def _squared(T):
    def formula(p, y, kind):
        diff = p - y
        return diff * diff, diff + diff

    return formula


def _absolute(T):
    def formula(p, y, kind):
        diff = p - y
        slope = T(1) if diff > T(0) else diff
        return abs(diff), T(-1) if diff < T(0) else slope

    return formula


def _huber(T):
    def formula(p, y, kind):
        diff, delta = p - y, T(kind.delta)
        slope = delta if diff > delta else diff
        slope = -delta if slope < -delta else slope
        return slope * (diff - slope * T(0.5)), slope

    return formula


def _poisson(T):
    def formula(p, y, kind):
        mean = exp(p)
        surprise = y * (log(y) - p) if y > T(0) else y  # NaN stays
        return surprise - y + mean, mean - y

    return formula


_FORMULAS = {_Binary: _binary, _Squared: _squared, _Absolute: _absolute, _Huber: _huber, _Poisson: _poisson}


@kernel
def _softmax_of_codes(Z, target, weight, smoothing, G, loss, start, stop):
    Z, target, weight, G = Z[start:stop], target[start:stop], weight[start:stop], G[start:stop]
    n_samples, n_classes = Z.shape
    off, on = Z.dtype.type(smoothing / n_classes), Z.dtype.type(1 - smoothing)
    sum_of_row = Z.dtype.type(0)
    for i in range(n_samples):
        z, g, w = Z[i], G[i], weight[i]
        highest, total = _exponentials(z, g)
        if smoothing > 0:
            sum_of_row = Z.dtype.type(0)
            for j in range(n_classes):
                sum_of_row += z[j] - highest
        log_total = log(total)
        loss[0] += w * (log_total - on * (z[target[i]] - highest) - off * sum_of_row)
        scale, spread = w / total, w * off
        for j in range(n_classes):
            g[j] = g[j] * scale - spread
        g[target[i]] -= w * on


@kernel
def _softmax_of_probabilities(Z, target, weight, smoothing, G, loss, start, stop):
    Z, target, weight, G = Z[start:stop], target[start:stop], weight[start:stop], G[start:stop]
    n_samples, n_classes = Z.shape
    off, on = Z.dtype.type(smoothing / n_classes), Z.dtype.type(1 - smoothing)
    for i in range(n_samples):
        z, g, y, w = Z[i], G[i], target[i], weight[i]
        highest, total = _exponentials(z, g)
        log_total, scale = log(total), w / total
        row = Z.dtype.type(0)
        for j in range(n_classes):
            wanted = on * y[j] + off
            row += wanted * (log_total + highest - z[j])
            g[j] = g[j] * scale - w * wanted
        loss[0] += w * row


@kernel(python=False)
def _exponentials(z, e):
    """e = exp(z - max(z)); returns the maximum and the sum of e."""
    total, largest = z.dtype.type(0), rank(z[0])
    for j in range(z.size):
        r = rank(z[j])
        largest = r if r > largest else largest
    highest = of_rank(largest)
    for j in range(z.size):
        e[j] = exp(z[j] - highest)
    for j in range(z.size):
        total += e[j]
    return highest, total


@kernel
def _focal(Z, target, weight, gamma, G, loss, start, stop):
    Z, target, weight, G = Z[start:stop], target[start:stop], weight[start:stop], G[start:stop]
    n_samples, n_classes = Z.shape
    one = Z.dtype.type(1)
    gamma = Z.dtype.type(gamma)
    for i in range(n_samples):
        z, g, own = Z[i], G[i], target[i]
        highest, total = _exponentials(z, g)
        log_p, p = z[own] - highest - log(total), g[own] / total
        g[own] = 0
        others = g.sum()  # 1 - p, exact where p is nearly 1
        rest = others / total
        factor = exp(gamma * log(rest)) if gamma > 0 else one + (rest - rest)
        slope = (gamma * factor / rest * p * log_p if rest > 0 else rest) - factor
        loss[0] -= weight[i] * factor * log_p
        scale = -weight[i] * slope / total
        for j in range(n_classes):
            g[j] *= scale
        g[own] = weight[i] * slope * rest


@kernel
def _quantile(P, y, weight, levels, G, loss, start, stop):
    P, y, weight, G = P[start:stop], y[start:stop], weight[start:stop], G[start:stop]
    n_samples, n_levels = P.shape
    one = P.dtype.type(1)
    for i in range(n_samples):
        for j in range(n_levels):
            diff = P[i, j] - y[i]
            slope = one - levels[j] if diff > 0 else diff  # 0 and NaN are their own slopes
            slope = -levels[j] if diff < 0 else slope
            G[i, j] = weight[i] * slope
            loss[0] += weight[i] * slope * diff
