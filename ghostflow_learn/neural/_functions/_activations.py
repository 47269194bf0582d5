"""Activations: elementwise ops of the engine, and softmax."""

from .._tensor import differentiable
from ._arrays import floats


@differentiable
def relu(engine, x):
    """max(x, 0); the derivative at 0 is 0."""
    return _activation(engine, x, "relu")


@differentiable
def leaky_relu(engine, x, slope=0.01):
    """x where it is positive, `slope` times x where it is not."""
    return _activation(engine, x, "leaky_relu", slope)


@differentiable
def elu(engine, x, alpha=1.0):
    """x where it is positive, `alpha` (e^x - 1) where it is not."""
    return _activation(engine, x, "elu", alpha)


@differentiable
def selu(engine, x):
    """A scaled elu that keeps mean 0 and variance 1."""
    return _activation(engine, x, "selu")


@differentiable
def sigmoid(engine, x):
    """1 / (1 + e^-x)."""
    return _activation(engine, x, "sigmoid")


@differentiable
def tanh(engine, x):
    """The hyperbolic tangent."""
    return _activation(engine, x, "tanh")


@differentiable
def gelu(engine, x):
    """x times the probability that a standard normal variable is below x."""
    return _activation(engine, x, "gelu")


@differentiable
def swish(engine, x):
    """x times its sigmoid."""
    return _activation(engine, x, "swish")


@differentiable
def mish(engine, x):
    """x tanh(log(1 + e^x))."""
    return _activation(engine, x, "mish")


@differentiable
def softplus(engine, x):
    """log(1 + e^x)."""
    return _activation(engine, x, "softplus")


@differentiable(fused=True)
def prelu(engine, x, slopes):
    """x where it is positive, `slopes`, one for each of the last axis, times x where it is not."""
    rows, slopes = floats(engine, x).reshape(-1, x.shape[-1]), floats(engine, slopes)

    def vjp(g, needed):
        g = floats(engine, g).reshape(rows.shape)
        for_x, for_slopes = engine.nn_dense.prelu_backward(g, rows, slopes)
        return for_x.reshape(x.shape), for_slopes

    return engine.nn_dense.prelu(rows, slopes).reshape(x.shape), vjp


@differentiable
def softmax(engine, x, axis=-1):
    """e^x divided by its sum along `axis`: probabilities."""
    e = engine.xp.exp(x - x.max(axis=axis, keepdims=True))
    y = e / e.sum(axis=axis, keepdims=True)

    def vjp(g, needed):
        return (y * (g - (g * y).sum(axis=axis, keepdims=True)),)

    return y, vjp


@differentiable
def log_softmax(engine, x, axis=-1):
    """The logarithm of softmax, without overflow."""
    xp = engine.xp
    shifted = x - x.max(axis=axis, keepdims=True)
    y = shifted - xp.log(xp.exp(shifted).sum(axis=axis, keepdims=True))

    def vjp(g, needed):
        return (g - xp.exp(y) * g.sum(axis=axis, keepdims=True),)

    return y, vjp


def _activation(engine, x, name, slope=0.0):
    x = floats(engine, x)
    y = engine.nn_dense.activate(x, name, slope)
    return y, lambda g, needed: (engine.nn_dense.activate_backward(floats(engine, g), x, y, name, slope),)
