"""Derivatives of the losses of boosting, rounded into words.

Repeated bit for bit elsewhere: no operation is reordered.
"""

import numpy as np
from numba import types
from numba.extending import intrinsic

from ._jit import kernel
from ._math import LOG2E, ROUND64, _bits_of64, _float64_of

exact = kernel(fastmath=False)
apart = kernel(fastmath=False, apart=True, allocates=False)
inner = kernel(fastmath=False, apart=True, python=False, allocates=False)  # helpers that Python never calls
inlined = kernel(fastmath=False, inline="always")  # helpers: each is compiled once, inside what calls it
CHUNK = 512  # samples whose derivatives wait in the first-level cache to be packed


@intrinsic
def fma(typingctx, a, b, c):
    """a b + c, rounded once."""

    def codegen(context, builder, signature, args):
        return builder.fma(*args)

    return types.float64(types.float64, types.float64, types.float64), codegen


@exact
def exp(x):
    """As `_math.exp64`, with every fused operation written out."""
    x = -745.0 if x < -745.0 else (710.0 if x > 710.0 else x)
    shifted = fma(x, LOG2E, ROUND64)
    n = shifted - ROUND64
    r = fma(n, -1.42860682030941723212e-6, fma(n, -6.93145751953125e-1, x))
    p = 2.0912732273907833e-09
    p = fma(p, r, 2.5105260192298987e-08)
    p = fma(p, r, 2.755728083678705e-07)
    p = fma(p, r, 2.7557255294683384e-06)
    p = fma(p, r, 2.480158731651478e-05)
    p = fma(p, r, 0.00019841269874900876)
    p = fma(p, r, 0.0013888888888888215)
    p = fma(p, r, 0.008333333333326119)
    p = fma(p, r, 0.041666666666666664)
    p = fma(p, r, 0.1666666666666667)
    p = fma(p, r, 0.5)
    p = fma(p * r, r, r) + 1.0
    y = _float64_of(_bits_of64(p) + (_bits_of64(shifted) << np.int64(52)))
    y = 0.0 if x < -708.39 else y
    return np.inf if x > 709.782712893384 else y


# First and second derivatives of the losses.


@inlined
def squared_error(quantile, y, raw, gradient, hessian):
    for i in range(len(y)):
        gradient[i] = raw[i] - y[i]
        hessian[i] = 1.0


@inlined
def absolute_error(quantile, y, raw, gradient, hessian):
    for i in range(len(y)):
        gradient[i] = 1.0 if raw[i] > y[i] else -1.0
        hessian[i] = 1.0


@inlined
def pinball(quantile, y, raw, gradient, hessian):
    for i in range(len(y)):
        gradient[i] = -quantile if y[i] >= raw[i] else 1.0 - quantile
        hessian[i] = 1.0


@inlined
def poisson(quantile, y, raw, gradient, hessian):
    for i in range(len(y)):
        hessian[i] = exp(raw[i])
    for i in range(len(y)):
        gradient[i] = hessian[i] - y[i]


@inlined
def gamma(quantile, y, raw, gradient, hessian):
    for i in range(len(y)):
        hessian[i] = exp(-raw[i])
    for i in range(len(y)):
        hessian[i] = y[i] * hessian[i]
        gradient[i] = 1.0 - hessian[i]


@inlined
def binomial(quantile, y, raw, gradient, hessian):
    for i in range(len(y)):
        hessian[i] = exp(-raw[i])
    for i in range(len(y)):
        p = 1.0 / (1.0 + hessian[i])
        gradient[i] = p - y[i]
        hessian[i] = p * (1.0 - p)


@inlined
def weigh(gradient, hessian, weight, n):
    """Times the weights; none are given as an array of no length."""
    if len(weight):
        for i in range(n):
            gradient[i] = gradient[i] * weight[i]
            hessian[i] = hessian[i] * weight[i]


@inlined
def write(gradient, hessian, per_unit, shifts, seed, first, words):
    """Round up or down at random and pack."""
    per_gradient, per_hessian = per_unit
    gradient_shift, hessian_shift = np.int64(shifts[0]), np.int64(shifts[1])
    for i in range(len(words)):
        h = np.uint32(np.uint32(np.uint32(first + i) * np.uint32(0x9E3779B1)) + seed)
        h = np.uint32((h ^ (h >> np.uint32(16))) * np.uint32(0x85EBCA6B))
        h = np.uint32((h ^ (h >> np.uint32(13))) * np.uint32(0xC2B2AE35))
        h = np.uint32(h ^ (h >> np.uint32(16)))
        up_gradient = np.float64(np.int32(h >> np.uint32(16))) * (1.0 / 65536.0)
        up_hessian = np.float64(np.int32(h & np.uint32(0xFFFF))) * (1.0 / 65536.0)
        g = np.int64(np.int32(np.floor(gradient[i] * per_gradient + up_gradient)))
        word = (g << gradient_shift) + np.int64(1)
        if hessian_shift > 0:
            word += np.int64(np.int32(np.floor(max(hessian[i], 0.0) * per_hessian + up_hessian))) << hessian_shift
        words[i] = word


@exact
def pack_given(gradient, hessian, per_unit, shifts, seed, words, start, stop):
    write(gradient[start:stop], hessian[start:stop], per_unit, shifts, seed, start, words[start:stop])


@inlined
def _pack(derive, quantile, y, raw, weight, per_unit, shifts, seed, words, start, stop):
    gradient, hessian = np.empty(CHUNK), np.empty(CHUNK)
    for first in range(start, stop, CHUNK):
        last = min(first + CHUNK, stop)
        derive(quantile, y[first:last], raw[first:last], gradient, hessian)
        weigh(gradient, hessian, weight[first:last], last - first)
        write(gradient, hessian, per_unit, shifts, seed, first, words[first:last])


@inlined
def _largest(derive, y, raw, weight, start, stop):
    """The largest absolute gradient and hessian."""
    gradient, hessian = np.empty(CHUNK), np.empty(CHUNK)
    most_gradient = most_hessian = 0.0
    for first in range(start, stop, CHUNK):
        last = min(first + CHUNK, stop)
        derive(0.5, y[first:last], raw[first:last], gradient, hessian)
        weigh(gradient, hessian, weight[first:last], last - first)
        for i in range(last - first):
            most_gradient = max(most_gradient, abs(gradient[i]))
            most_hessian = max(most_hessian, hessian[i])
    return most_gradient, most_hessian


# A kernel for each loss: a fit waits for the compiler of its own loss alone.


@exact
def pack_squared_error(quantile, y, raw, weight, per_unit, shifts, seed, words, start, stop):
    _pack(squared_error, quantile, y, raw, weight, per_unit, shifts, seed, words, start, stop)


@exact
def pack_absolute_error(quantile, y, raw, weight, per_unit, shifts, seed, words, start, stop):
    _pack(absolute_error, quantile, y, raw, weight, per_unit, shifts, seed, words, start, stop)


@exact
def pack_pinball(quantile, y, raw, weight, per_unit, shifts, seed, words, start, stop):
    _pack(pinball, quantile, y, raw, weight, per_unit, shifts, seed, words, start, stop)


@exact
def pack_poisson(quantile, y, raw, weight, per_unit, shifts, seed, words, start, stop):
    _pack(poisson, quantile, y, raw, weight, per_unit, shifts, seed, words, start, stop)


@exact
def pack_gamma(quantile, y, raw, weight, per_unit, shifts, seed, words, start, stop):
    _pack(gamma, quantile, y, raw, weight, per_unit, shifts, seed, words, start, stop)


@exact
def pack_binomial(quantile, y, raw, weight, per_unit, shifts, seed, words, start, stop):
    _pack(binomial, quantile, y, raw, weight, per_unit, shifts, seed, words, start, stop)


@exact
def largest_squared_error(y, raw, weight, start, stop):
    return _largest(squared_error, y, raw, weight, start, stop)


@exact
def largest_poisson(y, raw, weight, start, stop):
    return _largest(poisson, y, raw, weight, start, stop)


@exact
def largest_gamma(y, raw, weight, start, stop):
    return _largest(gamma, y, raw, weight, start, stop)


PACK = {
    "squared_error": pack_squared_error,
    "absolute_error": pack_absolute_error,
    "quantile": pack_pinball,
    "poisson": pack_poisson,
    "gamma": pack_gamma,
    "binomial": pack_binomial,
}
LARGEST = {"squared_error": largest_squared_error, "poisson": largest_poisson, "gamma": largest_gamma}


@exact
def pack_multinomial(y, raw, weight, per_unit, shifts, seeds, words, start, stop):
    """Words of all classes, a chunk of samples at a time."""
    n_classes = len(raw)
    p, total, most, hessian = np.empty((n_classes, CHUNK)), np.empty(CHUNK), np.empty(CHUNK), np.empty(CHUNK)
    for first in range(start, stop, CHUNK):
        n = min(CHUNK, stop - first)
        _softmax(raw, first, n, p, total, most)
        for k in range(n_classes):
            of_class = p[k]
            for i in range(n):
                hessian[i] = of_class[i] * (1.0 - of_class[i])
                of_class[i] -= 1.0 if y[first + i] == k else 0.0
            weigh(of_class, hessian, weight[first : first + n], n)
            write(of_class, hessian, per_unit, shifts, seeds[k], first, words[k, first : first + n])


@inlined
def _softmax(raw, first, n, p, total, most):
    for i in range(n):
        total[i], most[i] = 0.0, -np.inf
    for k in range(len(raw)):
        of_class = raw[k, first : first + n]
        for i in range(n):
            most[i] = max(most[i], of_class[i])
    for k in range(len(raw)):
        of_class, out = raw[k, first : first + n], p[k]
        for i in range(n):
            out[i] = exp(of_class[i] - most[i])
            total[i] += out[i]
    for k in range(len(raw)):
        out = p[k]
        for i in range(n):
            out[i] /= total[i]
