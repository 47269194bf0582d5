import math
from functools import lru_cache

import numpy as np

from .._neural import pieces
from ._jit import kernel
from ._launch import launch

COST = 2  # of one parameter, in multiply-adds: it is memory that limits


def sgd(params, grads, velocity, rates, start, stop, scale=None):
    if velocity is None:
        _launch(_descend, start, stop, (params, grads), rates, scale)
    else:
        _launch(_sgd, start, stop, (params, grads, velocity), rates, scale)
    return params, velocity


def adam(params, grads, m, v, rates, start, stop, scale=None):
    _launch(_adam, start, stop, (params, grads, m, v), rates, scale)
    return params, m, v


def amsgrad(params, grads, m, v, v_max, rates, start, stop, scale=None):
    _launch(_amsgrad, start, stop, (params, grads, m, v, v_max), rates, scale)
    return params, m, v, v_max


def rmsprop(params, grads, square, velocity, rates, start, stop, scale=None):
    if velocity is None:
        _launch(_rmsprop, start, stop, (params, grads, square), rates, scale)
    else:
        _launch(_rmsprop_momentum, start, stop, (params, grads, square, velocity), rates, scale)
    return params, square, velocity


def _launch(kernel, start, stop, arrays, rates, scale):
    launch(kernel, stop - start, (*(a[start:stop] for a in arrays), rates, _number(scale)), row_cost=COST)


def _number(scale):
    return 1.0 if scale is None else float(scale[0])


@kernel
def _descend(p, g, rates, scale, start, stop):
    p, g = p[start:stop], g[start:stop]
    kind = p.dtype.type
    lr, keep, decay, scale = kind(rates.lr), kind(1 - rates.shrink), kind(rates.decay), kind(scale)
    for k in range(p.size):
        p[k] = p[k] * keep - lr * (g[k] * scale + decay * p[k])


@kernel
def _sgd(p, g, v, rates, scale, start, stop):
    p, g, v = p[start:stop], g[start:stop], v[start:stop]
    kind = p.dtype.type
    lr, keep, decay, scale = kind(rates.lr), kind(1 - rates.shrink), kind(rates.decay), kind(scale)
    momentum = kind(rates.momentum)
    # p += ahead v - behind lr g: v itself, or with Nesterov the v of the next step as far as it is known.
    ahead, behind = (momentum, kind(1)) if rates.nesterov else (kind(1), kind(0))
    for k in range(p.size):
        step = lr * (g[k] * scale + decay * p[k])
        u = momentum * v[k] - step
        v[k] = u
        p[k] = p[k] * keep + (ahead * u - behind * step)


@kernel
def _adam(p, g, m, v, rates, scale, start, stop):
    p, g, m, v = p[start:stop], g[start:stop], m[start:stop], v[start:stop]
    kind = p.dtype.type
    beta1, beta2, eps, step = kind(rates.beta1), kind(rates.beta2), kind(rates.eps), kind(rates.step)
    gain1, gain2 = kind(1 - rates.beta1), kind(1 - rates.beta2)  # in float64: 1 - float32(0.999) is off by 5e-5
    root, keep = kind(rates.root_correction), kind(1 - rates.shrink)
    decay, scale = kind(rates.decay), kind(scale)
    for k in range(p.size):
        u = g[k] * scale + decay * p[k]
        first = beta1 * m[k] + gain1 * u
        second = beta2 * v[k] + gain2 * u * u
        m[k], v[k] = first, second
        p[k] = p[k] * keep - step * first / (root * math.sqrt(second) + eps)


@kernel
def _amsgrad(p, g, m, v, v_max, rates, scale, start, stop):
    p, g, m, v, v_max = p[start:stop], g[start:stop], m[start:stop], v[start:stop], v_max[start:stop]
    kind = p.dtype.type
    beta1, beta2, eps, step = kind(rates.beta1), kind(rates.beta2), kind(rates.eps), kind(rates.step)
    gain1, gain2 = kind(1 - rates.beta1), kind(1 - rates.beta2)
    root, keep = kind(rates.root_correction), kind(1 - rates.shrink)
    decay, scale = kind(rates.decay), kind(scale)
    for k in range(p.size):
        u = g[k] * scale + decay * p[k]
        first = beta1 * m[k] + gain1 * u
        second = beta2 * v[k] + gain2 * u * u
        largest = v_max[k] if second < v_max[k] else second
        m[k], v[k], v_max[k] = first, second, largest
        p[k] = p[k] * keep - step * first / (root * math.sqrt(largest) + eps)


@kernel
def _rmsprop(p, g, s, rates, scale, start, stop):
    p, g, s = p[start:stop], g[start:stop], s[start:stop]
    kind = p.dtype.type
    lr, alpha, gain, eps = kind(rates.lr), kind(rates.alpha), kind(1 - rates.alpha), kind(rates.eps)
    keep, decay, scale = kind(1 - rates.shrink), kind(rates.decay), kind(scale)
    for k in range(p.size):
        u = g[k] * scale + decay * p[k]
        square = alpha * s[k] + gain * u * u
        s[k] = square
        p[k] = p[k] * keep - lr * u / (math.sqrt(square) + eps)


@kernel
def _rmsprop_momentum(p, g, s, v, rates, scale, start, stop):
    p, g, s, v = p[start:stop], g[start:stop], s[start:stop], v[start:stop]
    kind = p.dtype.type
    lr, alpha, gain, eps = kind(rates.lr), kind(rates.alpha), kind(1 - rates.alpha), kind(rates.eps)
    keep, decay, scale, momentum = kind(1 - rates.shrink), kind(rates.decay), kind(scale), kind(rates.momentum)
    for k in range(p.size):
        u = g[k] * scale + decay * p[k]
        square = alpha * s[k] + gain * u * u
        step = momentum * v[k] + u / (math.sqrt(square) + eps)
        s[k], v[k] = square, step
        p[k] = p[k] * keep - lr * step


def lamb(params, grads, m, v, rates, segments, scale=None):
    bounds, _ = _pieces(segments)
    squares = np.zeros((len(bounds), 2))
    _launch_pieces(_lamb_moments, bounds, (params, grads, m, v, bounds, rates, _number(scale), squares))
    norms = np.sqrt(_of_segments(squares, segments))
    _launch_pieces(_lamb_step, bounds, (params, m, v, bounds, rates, norms))
    return params, m, v


def lars(params, grads, velocity, rates, segments, scale=None):
    bounds, _ = _pieces(segments)
    squares = np.zeros((len(bounds), 2))
    _launch_pieces(_lars_squares, bounds, (params, grads, bounds, squares))
    norms = np.sqrt(_of_segments(squares, segments))
    norms[:, 1] *= abs(_number(scale))
    _launch_pieces(_lars_step, bounds, (params, grads, velocity, bounds, rates, _number(scale), norms))
    return params, velocity


def squared_norm(flat, segments):
    bounds, _ = _pieces(segments)
    squares = np.zeros((len(bounds), 1))
    _launch_pieces(_squares, bounds, (flat, bounds, squares))
    return _of_segments(squares, segments)[:, 0]


@lru_cache(maxsize=64)
def _pieces(segments):
    bounds, firsts = pieces(segments)
    return np.array(bounds, dtype=np.int64).reshape(-1, 3), tuple(firsts)


def _launch_pieces(kernel, bounds, args):
    n_values = bounds[:, 1].sum() - bounds[:, 0].sum()
    launch(kernel, len(bounds), args, row_cost=COST * n_values / max(1, len(bounds)))


def _of_segments(squares, segments):
    """(n_segments, n_columns) sums over the pieces of each segment, in order."""
    _, firsts = _pieces(segments)
    sums = np.zeros((len(segments), squares.shape[1]))
    for k in range(len(segments)):
        sums[k] = squares[firsts[k] : firsts[k + 1]].sum(axis=0)
    return sums


@kernel
def _squares(flat, bounds, squares, start, stop):
    for b in range(start, stop):
        squares[b, 0] = _sum_of_squares(flat[bounds[b, 0] : bounds[b, 1]])


@kernel(python=False)
def _sum_of_squares(x):
    total = 0.0
    for k in range(x.size):
        total += np.float64(x[k]) * np.float64(x[k])
    return total


@kernel
def _lamb_moments(params, grads, m, v, bounds, rates, scale, squares, start, stop):
    kind = params.dtype.type
    beta1, beta2, gain1, gain2 = kind(rates.beta1), kind(rates.beta2), kind(1 - rates.beta1), kind(1 - rates.beta2)
    correction, root, eps = kind(rates.correction), kind(rates.root_correction), kind(rates.eps)
    decay, scale = kind(rates.decay), kind(scale)
    for b in range(start, stop):
        first, last = bounds[b, 0], bounds[b, 1]
        p, g, m_b, v_b = params[first:last], grads[first:last], m[first:last], v[first:last]
        for k in range(p.size):
            u = g[k] * scale
            m_b[k] = beta1 * m_b[k] + gain1 * u
            v_b[k] = beta2 * v_b[k] + gain2 * u * u
        total = 0.0
        for k in range(p.size):
            u = np.float64(correction * m_b[k] / (root * math.sqrt(v_b[k]) + eps) + decay * p[k])
            total += u * u
        squares[b, 0], squares[b, 1] = _sum_of_squares(p), total


@kernel
def _lamb_step(params, m, v, bounds, rates, norms, start, stop):
    kind = params.dtype.type
    correction, root, eps = kind(rates.correction), kind(rates.root_correction), kind(rates.eps)
    decay = kind(rates.decay)
    for b in range(start, stop):
        first, last = bounds[b, 0], bounds[b, 1]
        p, m_b, v_b = params[first:last], m[first:last], v[first:last]
        p_norm, norm = norms[bounds[b, 2], 0], norms[bounds[b, 2], 1]
        ratio = p_norm / norm if p_norm > 0 and norm > 0 else 1.0
        lr = kind(rates.lr * ratio)
        for k in range(p.size):
            p[k] -= lr * (correction * m_b[k] / (root * math.sqrt(v_b[k]) + eps) + decay * p[k])


@kernel
def _lars_squares(params, grads, bounds, squares, start, stop):
    for b in range(start, stop):
        first, last = bounds[b, 0], bounds[b, 1]
        squares[b, 0] = _sum_of_squares(params[first:last])
        squares[b, 1] = _sum_of_squares(grads[first:last])


@kernel
def _lars_step(params, grads, velocity, bounds, rates, scale, norms, start, stop):
    kind = params.dtype.type
    scale, decay, momentum = kind(scale), kind(rates.decay), kind(rates.momentum)
    for b in range(start, stop):
        first, last = bounds[b, 0], bounds[b, 1]
        p, g, u = params[first:last], grads[first:last], velocity[first:last]
        p_norm, g_norm = norms[bounds[b, 2], 0], norms[bounds[b, 2], 1]
        ratio = 1.0
        if p_norm > 0 and g_norm > 0:
            ratio = rates.trust * p_norm / (g_norm + rates.decay * p_norm + rates.eps)
        lr = kind(rates.lr * ratio)
        for k in range(p.size):
            step = momentum * u[k] + lr * (g[k] * scale + decay * p[k])
            u[k] = step
            p[k] -= step
