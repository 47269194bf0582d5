"""Functions that reduce axes: value and vjp side by side."""

import numpy as np

from .._tensor import differentiable
from ._arithmetic import sqrt


@differentiable
def sum(engine, x, axis=None, keepdims=False):
    """The sum along `axis`, an int, a tuple or None for all."""
    return x.sum(axis=axis, keepdims=keepdims), lambda g, needed: (_stretched(engine, g, x, axis, keepdims),)


@differentiable
def mean(engine, x, axis=None, keepdims=False):
    """The mean along `axis`."""
    n = _count(x, axis)

    def vjp(g, needed):
        return (_stretched(engine, g / n, x, axis, keepdims),)

    return x.mean(axis=axis, keepdims=keepdims), vjp


@differentiable
def var(engine, x, axis=None, keepdims=False, ddof=0):
    """The variance along `axis`: squared deviations over n - ddof."""
    n = _count(x, axis) - ddof
    deviation = x - x.mean(axis=axis, keepdims=True)

    def vjp(g, needed):
        return (_stretched(engine, g * (2 / n), x, axis, keepdims) * deviation,)

    return (deviation * deviation).sum(axis=axis, keepdims=keepdims) / n, vjp


def std(x, axis=None, keepdims=False, ddof=0):
    """The standard deviation along `axis`; its derivative is infinite where it is 0."""
    return sqrt(var(x, axis=axis, keepdims=keepdims, ddof=ddof))


@differentiable
def max(engine, x, axis=None, keepdims=False):
    """The largest value along `axis`; the gradient is shared among equals."""
    return _extremum(engine, x, x.max(axis=axis, keepdims=True), axis, keepdims)


@differentiable
def min(engine, x, axis=None, keepdims=False):
    """The smallest value along `axis`; the gradient is shared among equals."""
    return _extremum(engine, x, x.min(axis=axis, keepdims=True), axis, keepdims)


@differentiable
def prod(engine, x, axis=None, keepdims=False):
    """The product along `axis`; its gradient divides by x, so it needs x without zeros."""
    y = x.prod(axis=axis, keepdims=True)

    def vjp(g, needed):
        return (_kept(g, x, axis, keepdims) * y / x,)

    return _dropped(y, axis, keepdims), vjp


@differentiable
def cumsum(engine, x, axis):
    """Running sums along `axis`."""

    def vjp(g, needed):
        return (engine.xp.flip(engine.xp.flip(g, axis).cumsum(axis), axis),)

    return x.cumsum(axis), vjp


@differentiable
def logsumexp(engine, x, axis=None, keepdims=False):
    """log(sum(exp(x))) along `axis`, without overflow."""
    xp = engine.xp
    peak = xp.maximum(x.max(axis=axis, keepdims=True), _lowest(x))  # -inf - -inf would be NaN
    y = xp.log(xp.exp(x - peak).sum(axis=axis, keepdims=True)) + peak

    def vjp(g, needed):
        return (_kept(g, x, axis, keepdims) * xp.exp(x - y),)

    return _dropped(y, axis, keepdims), vjp


def _extremum(engine, x, y, axis, keepdims):
    def vjp(g, needed):
        chosen = x == y
        return (_kept(g, x, axis, keepdims) * chosen / chosen.sum(axis=axis, keepdims=True).astype(x.dtype),)

    return _dropped(y, axis, keepdims), vjp


def _axes(x, axis):
    """The axes of a reduction as non-negative ints."""
    if axis is None:
        return tuple(range(x.ndim))
    return tuple(a % x.ndim for a in (axis if isinstance(axis, tuple) else (axis,)))


def _count(x, axis):
    n = 1
    for a in _axes(x, axis):
        n *= x.shape[a]
    return n


def _kept(g, x, axis, keepdims):
    """`g` with the axes of the reduction as axes of size 1."""
    if keepdims:
        return g
    axes = _axes(x, axis)
    return g.reshape([1 if a in axes else n for a, n in enumerate(x.shape)])


def _dropped(y, axis, keepdims):
    """`y`, reduced with axes kept, without them unless `keepdims`."""
    if keepdims:
        return y
    axes = _axes(y, axis)
    return y.reshape([n for a, n in enumerate(y.shape) if a not in axes])


def _stretched(engine, g, x, axis, keepdims):
    return engine.xp.broadcast_to(_kept(g, x, axis, keepdims), x.shape)


def _lowest(x):
    return float(np.finfo(x.dtype).min)
