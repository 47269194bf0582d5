"""The engine that a function gets when it is run again on Tensors, so that its gradient can be differentiated."""

from functools import cache

from .._engine._neural import SELU_ALPHA, SELU_SCALE
from . import _functions as F
from ._tensor import Tensor

# What has no gradient: taken from the values.
CONSTANT = {"argmax", "argmin", "argsort", "floor", "isfinite", "ones", "ones_like", "sign", "zeros", "zeros_like"}
ALIASES = {"logistic": "sigmoid", "silu": "swish"}


class _Functions:
    """``engine.xp`` on Tensors: NumPy's names give the functions of the table."""

    def __init__(self, engine):
        self._engine = engine

    def __getattr__(self, name):
        if name in CONSTANT:
            return _of_values(getattr(self._engine.xp, name))
        try:
            return getattr(F, name)
        except AttributeError:
            raise NotImplementedError(
                f"create_graph=True needs the derivative of {name}, which is not in the table of functions."
            ) from None


class _Dense:
    """``engine.nn_dense`` on Tensors: what activations and products are made of."""

    @staticmethod
    def activate(z, activation, slope=0.0):
        name = ALIASES.get(activation, activation)
        if name == "identity":
            return z
        return getattr(F, name)(z, *([slope] if name in ("leaky_relu", "elu") else []))

    @staticmethod
    def activate_backward(g, z, y, activation, slope=0.0):
        return g * _derivative(z, y, ALIASES.get(activation, activation), slope)

    @staticmethod
    def linear(x, W, b, activation, slope=0.0):
        z = x @ W if b is None else x @ W + b
        return _Dense.activate(z, activation, slope), z

    @staticmethod
    def linear_backward(g, x, W, y, z, activation, slope, needed):
        dz = _Dense.activate_backward(g, z, y, activation, slope)
        return (
            dz @ W.T if needed[0] else None,
            x.T @ dz if needed[1] else None,
            dz.sum(axis=0) if needed[2] else None,
        )


def _derivative(z, y, name, slope):
    if name in _FROM_OUTPUT:
        return _FROM_OUTPUT[name](y, slope)
    if name == "swish":
        s = F.sigmoid(z)
        return s * (1 + z * (1 - s))
    if name == "mish":
        t = F.tanh(F.softplus(z))
        return t + z * (1 - t * t) * F.sigmoid(z)
    if name == "softplus":
        return F.sigmoid(z)
    raise NotImplementedError(f"create_graph=True cannot pass through {name}. Use tanh, swish or another activation.")


_FROM_OUTPUT = {
    "identity": lambda y, slope: 1.0,
    "relu": lambda y, slope: y > 0,
    "leaky_relu": lambda y, slope: F.where(y <= 0, slope, 1.0).astype(y.dtype),
    "elu": lambda y, slope: F.where(y <= 0, y + slope, 1.0),
    "selu": lambda y, slope: F.where(y <= 0, y + SELU_SCALE * SELU_ALPHA, SELU_SCALE),
    "sigmoid": lambda y, slope: y * (1 - y),
    "tanh": lambda y, slope: 1 - y * y,
}


class _TensorEngine:
    nn_dense = _Dense

    def __init__(self, engine):
        self.asarray, self.xp = engine.asarray, _Functions(engine)


def _of_values(function):
    def on_values(*args, **params):
        return function(*[a.data if isinstance(a, Tensor) else a for a in args], **params)

    return on_values


@cache
def engine_of_tensors(engine):
    """`engine`, with ``xp`` made of functions that record what they do."""
    return _TensorEngine(engine)
