"""Modules made of others."""

from .._module import Module


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
