"""A multilayer perceptron: hidden layers that are alike, and one that gives the outputs."""

import copy
from numbers import Real

from ..._engine._neural import ACTIVATIONS as WITH_LINEAR  # in one kernel with the product
from .._hints import hint
from .._module import Module
from .activation import (
    ELU,
    GELU,
    SELU,
    LeakyReLU,
    LogSoftmax,
    Mish,
    PReLU,
    ReLU,
    Sigmoid,
    Softmax,
    Softplus,
    Swish,
    Tanh,
)
from .container import Sequential
from .linear import Dropout, Linear
from .normalization import BatchNorm1d, LayerNorm

NORMS = {"batch": BatchNorm1d, "layer": LayerNorm}
BY_NAME = {
    "relu": ReLU,
    "leaky_relu": LeakyReLU,
    "elu": ELU,
    "selu": SELU,
    "sigmoid": Sigmoid,
    "logistic": Sigmoid,
    "tanh": Tanh,
    "gelu": GELU,
    "swish": Swish,
    "silu": Swish,
    "mish": Mish,
    "softplus": Softplus,
    "prelu": PReLU,
    "softmax": Softmax,
    "log_softmax": LogSoftmax,
}
ACTIVATIONS = ("identity", *BY_NAME)


class HiddenLayer(Module):
    """``dropout(activation(norm(x W + b)))``, and x added to it in a residual layer."""

    def __init__(self, size, activation, dropout, norm, residual):
        self.residual = residual
        is_fused = norm is None and isinstance(activation, str) and activation in WITH_LINEAR
        self.linear = Linear(size, activation=activation if is_fused else "identity")
        self.norm = None if norm is None else NORMS[norm]()
        self.activation = None if is_fused or activation == "identity" else _function(activation)
        self.dropout = Dropout(dropout) if dropout else None

    def forward(self, x):
        h = self.linear(x)
        h = h if self.norm is None else self.norm(h)
        if self.activation is not None:
            shape, h = h.shape, self.activation(h)
            if h.shape != shape:
                raise ValueError(
                    f"An activation must keep the shape of its input, {shape}. {self.activation!r} returned {h.shape}."
                )
        h = h if self.dropout is None else self.dropout(h)
        return x + h if self.residual else h


class MLP(Module):
    """Linear layers with an activation between them; what the estimators train where they are given no module.

    Parameters
    ----------
    n_outputs : int
    hidden : tuple of int, default=(100,)
        Sizes of the hidden layers.
    activation : str, callable, or list of them, default="relu"
        Of each hidden layer, or one for each: a name that :class:`Linear` takes, "prelu", "softmax", "log_softmax", a
        function of a Tensor, a module or a class of modules.
    dropout : float in [0, 1), or list of them, default=0.0
        Rate after each hidden layer, or after each its own.
    norm : {None, "batch", "layer"}, default=None
        In each hidden layer, in front of its activation.
    residual : bool, default=False
        Add its input to what comes out of each hidden layer that has the size of the hidden layer before it.

    Attributes
    ----------
    layers : Sequential
        The hidden layers, each with a ``linear``, and the Linear that gives the outputs.
    """

    def __init__(self, n_outputs, hidden=(100,), activation="relu", dropout=0.0, norm=None, residual=False):
        if norm is not None and norm not in NORMS:
            raise ValueError(f"norm must be None, 'batch' or 'layer'. Got {norm!r} instead.")
        activations, rates = one_for_each("activation", activation, hidden), rates_of(dropout, hidden)
        for each in activations:
            check_activation(each)
        skips = [residual and i > 0 and size == hidden[i - 1] for i, size in enumerate(hidden)]
        if residual and not any(skips):
            raise ValueError(
                f"residual=True needs two hidden layers of one size, one after the other. Got sizes {tuple(hidden)}."
            )
        parts = zip(hidden, activations, rates, skips)
        blocks = [HiddenLayer(size, activation, rate, norm, skip) for size, activation, rate, skip in parts]
        self.layers = Sequential(*blocks, Linear(n_outputs))

    def forward(self, x):
        return self.layers(x)

    def linears(self):
        """The Linear of each layer, that of the outputs last."""
        return [*(layer.linear for layer in self.layers[:-1]), self.layers[-1]]


def one_for_each(name, value, hidden):
    """A value for each hidden layer: the items of a list, or the same one."""
    if not isinstance(value, (list, tuple)):
        return (value,) * len(hidden)
    if len(value) != len(hidden):
        raise ValueError(
            f"{name} has {len(value)} entries for {len(hidden)} hidden layers of sizes {tuple(hidden)}. Pass one for "
            "each, or one for all."
        )
    return tuple(value)


def rates_of(dropout, hidden):
    """The dropout rate of each hidden layer."""
    rates = one_for_each("dropout", dropout, hidden)
    for rate in rates:
        if not isinstance(rate, Real) or not 0 <= rate < 1:
            raise ValueError(f"dropout must lie in [0, 1), or be a list of such rates. Got {rate!r} instead.")
    return rates


def check_activation(activation):
    """Raise ValueError for a name that is none, TypeError for what cannot be called."""
    if isinstance(activation, str):
        if activation not in ACTIVATIONS:
            raise ValueError(f"There is no activation {activation!r}.{hint(activation, ACTIVATIONS)}")
    elif not callable(activation):
        raise TypeError(f"activation must be a name, a function of a Tensor or a module. Got {activation!r} instead.")


def _function(activation):
    """What is called: a module of this layer's own, or a function."""
    activation = BY_NAME[activation] if isinstance(activation, str) else activation
    if isinstance(activation, type):
        return activation()
    return copy.deepcopy(activation) if isinstance(activation, Module) else activation
