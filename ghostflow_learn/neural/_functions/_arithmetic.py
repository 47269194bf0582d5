"""Elementwise functions: value and vjp side by side."""

from math import log as _number_log

from .._tensor import differentiable

LN2, LN10 = _number_log(2), _number_log(10)


@differentiable
def add(engine, a, b):
    """a + b."""
    return a + b, lambda g, needed: (g, g)


@differentiable
def subtract(engine, a, b):
    """a - b."""
    return a - b, lambda g, needed: (g, -g if needed[1] else None)


@differentiable
def multiply(engine, a, b):
    """a * b."""
    return a * b, lambda g, needed: (g * b if needed[0] else None, g * a if needed[1] else None)


@differentiable
def divide(engine, a, b):
    """a / b."""
    return a / b, lambda g, needed: (g / b if needed[0] else None, -g * a / (b * b) if needed[1] else None)


@differentiable
def negative(engine, x):
    """-x."""
    return -x, lambda g, needed: (-g,)


@differentiable
def power(engine, a, b):
    """a to the power b; the gradient of b takes a log, so it needs a > 0."""

    def vjp(g, needed):
        for_a = g * (b * a ** (b - 1)) if needed[0] else None
        return for_a, g * a**b * engine.xp.log(a) if needed[1] else None

    return a**b, vjp


@differentiable
def absolute(engine, x):
    """|x|; the derivative at 0 is 0."""
    return engine.xp.absolute(x), lambda g, needed: (g * engine.xp.sign(x),)


@differentiable
def square(engine, x):
    """x * x."""
    return x * x, lambda g, needed: (g * x * 2,)


@differentiable
def sqrt(engine, x):
    """The square root."""
    y = engine.xp.sqrt(x)
    return y, lambda g, needed: (g / (y * 2),)


@differentiable
def exp(engine, x):
    """e to the power x."""
    y = engine.xp.exp(x)
    return y, lambda g, needed: (g * y,)


@differentiable
def expm1(engine, x):
    """e to the power x, minus 1, exact near 0."""
    y = engine.xp.expm1(x)
    return y, lambda g, needed: (g * (y + 1),)


@differentiable
def log(engine, x):
    """The natural logarithm."""
    return engine.xp.log(x), lambda g, needed: (g / x,)


@differentiable
def log1p(engine, x):
    """The logarithm of 1 + x, exact near 0."""
    return engine.xp.log1p(x), lambda g, needed: (g / (x + 1),)


@differentiable
def log2(engine, x):
    """The logarithm of base 2."""
    return engine.xp.log2(x), lambda g, needed: (g / (x * LN2),)


@differentiable
def log10(engine, x):
    """The logarithm of base 10."""
    return engine.xp.log10(x), lambda g, needed: (g / (x * LN10),)


@differentiable
def sin(engine, x):
    """The sine of x in radians."""
    return engine.xp.sin(x), lambda g, needed: (g * engine.xp.cos(x),)


@differentiable
def cos(engine, x):
    """The cosine of x in radians."""
    return engine.xp.cos(x), lambda g, needed: (-g * engine.xp.sin(x),)


@differentiable
def tan(engine, x):
    """The tangent of x in radians."""
    y = engine.xp.tan(x)
    return y, lambda g, needed: (g * (y * y + 1),)


@differentiable
def sinh(engine, x):
    """The hyperbolic sine."""
    return engine.xp.sinh(x), lambda g, needed: (g * engine.xp.cosh(x),)


@differentiable
def cosh(engine, x):
    """The hyperbolic cosine."""
    return engine.xp.cosh(x), lambda g, needed: (g * engine.xp.sinh(x),)


@differentiable
def arcsin(engine, x):
    """The inverse sine, in radians."""
    return engine.xp.arcsin(x), lambda g, needed: (g / engine.xp.sqrt(1 - x * x),)


@differentiable
def arccos(engine, x):
    """The inverse cosine, in radians."""
    return engine.xp.arccos(x), lambda g, needed: (-g / engine.xp.sqrt(1 - x * x),)


@differentiable
def arctan(engine, x):
    """The inverse tangent, in radians."""
    return engine.xp.arctan(x), lambda g, needed: (g / (x * x + 1),)


@differentiable
def logaddexp(engine, a, b):
    """log(exp(a) + exp(b)) without overflow."""
    y = engine.xp.logaddexp(a, b)

    def vjp(g, needed):
        exp = engine.xp.exp
        return g * exp(a - y) if needed[0] else None, g * exp(b - y) if needed[1] else None

    return y, vjp


@differentiable
def maximum(engine, a, b):
    """The larger one; the gradient is shared where they are equal."""
    return engine.xp.maximum(a, b), lambda g, needed: _to_the_winner(g, a > b, a < b)


@differentiable
def minimum(engine, a, b):
    """The smaller one; the gradient is shared where they are equal."""
    return engine.xp.minimum(a, b), lambda g, needed: _to_the_winner(g, a < b, a > b)


def _to_the_winner(g, first, second):
    half = g * 0.5
    return half + half * first - half * second, half - half * first + half * second


@differentiable
def clip(engine, x, low=None, high=None):
    """x limited to [low, high], numbers or None; the gradient is 0 outside."""

    def vjp(g, needed):
        inside = True if low is None else x >= low
        return (g * (inside & (x <= high) if high is not None else inside),)

    return engine.xp.clip(x, low, high), vjp


@differentiable
def where(engine, condition, a, b):
    """a where the boolean array `condition` is True, else b."""
    where = engine.xp.where

    def vjp(g, needed):
        return None, where(condition, g, 0) if needed[1] else None, where(condition, 0, g) if needed[2] else None

    return where(condition, a, b), vjp


@differentiable
def astype(engine, x, dtype):
    """x converted to another floating dtype; the gradient is converted back."""
    return x.astype(dtype), lambda g, needed: (g,)
