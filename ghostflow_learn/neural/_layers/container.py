"""Modules made of others."""

from .._module import Module
from .linear import Dropout, Linear
from .normalization import BatchNorm1d, LayerNorm


class Sequential(Module):
    """Modules one after the other.

    Parameters
    ----------
    *layers : Modules, or functions of a Tensor

    Examples
    --------
    >>> import numpy as np
    >>> from ghostflow_learn.neural import nn
    >>> model = nn.Sequential(nn.Linear(8), nn.ReLU(), nn.Linear(2))
    >>> model(np.ones((5, 3), np.float32)).shape
    (5, 2)
    >>> len(model), type(model[1]).__name__
    (3, 'ReLU')
    """

    def __init__(self, *layers):
        for layer in layers:
            if not callable(layer) or isinstance(layer, type):
                raise TypeError(f"Sequential takes modules and functions. Got {layer!r}; maybe it lacks its ().")
        self.layers = list(layers)

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x

    def __len__(self):
        return len(self.layers)

    def __iter__(self):
        return iter(self.layers)

    def __getitem__(self, i):
        return Sequential(*self.layers[i]) if isinstance(i, slice) else self.layers[i]


class Residual(Module):
    """``x + f(x)``, where f is modules one after the other.

    Parameters
    ----------
    *layers : Modules, or functions of a Tensor
        The result must have the shape of x.
    """

    def __init__(self, *layers):
        self.inner = Sequential(*layers)

    def forward(self, x):
        change = self.inner(x)
        if change.shape != x.shape:
            raise ValueError(
                f"Residual adds what its layers return to its input. They return shape {change.shape} for an input of "
                f"shape {x.shape}. Change their last size, or put a Linear in front."
            )
        return x + change


class MLP(Module):
    """Linear layers with an activation between them; what the estimators train where they are given no module.

    Parameters
    ----------
    n_outputs : int
    hidden : tuple of int, default=(100,)
        Sizes of the hidden layers.
    activation : str, default="relu"
        A name that :class:`Linear` takes.
    dropout : float in [0, 1), default=0.0
        After each hidden layer.
    norm : {None, "batch", "layer"}, default=None
        In front of each hidden layer.
    """

    def __init__(self, n_outputs, hidden=(100,), activation="relu", dropout=0.0, norm=None):
        norms = {None: None, "batch": BatchNorm1d, "layer": LayerNorm}
        if norm not in norms:
            raise ValueError(f"norm must be None, 'batch' or 'layer'. Got {norm!r} instead.")
        layers = []
        for size in hidden:
            layers += [] if norm is None else [norms[norm]()]
            layers += [Linear(size, activation=activation)]
            layers += [Dropout(dropout)] if dropout else []
        self.layers = Sequential(*layers, Linear(n_outputs))

    def forward(self, x):
        return self.layers(x)
