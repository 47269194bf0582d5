"""Autoencoders: an encoder, a decoder, and what is done to the input in training."""

import numpy as np

from .. import _functions as F
from .._module import Module, Parameter
from .container import Sequential
from .linear import Linear


class TiedLinear(Module):
    """``activation(x W' + b)`` with the weights W of another layer, and a bias of its own.

    Parameters
    ----------
    layer : Linear
        It is called before this one.
    activation : str, default="identity"
        As of :class:`Linear`.
    """

    def __init__(self, layer, activation="identity"):
        self.layer, self.activation = layer, activation

    def build(self, x):
        W = self.layer.W
        self.b = Parameter(np.zeros(W.shape[0], W.dtype), kind="bias", engine=W.engine)

    def forward(self, x):
        return F.linear(x, self.layer.W.T, self.b, activation=self.activation)


class Corruption(Module):
    """In training, normal noise added to x, then a random part of its elements set to 0.

    Parameters
    ----------
    noise : float >= 0, default=0.0
        Standard deviation.
    masking : float in [0, 1), default=0.0
        The part.
    """

    def __init__(self, noise=0.0, masking=0.0):
        self.noise, self.masking, self.n_draws = noise, masking, 0

    def forward(self, x):
        if not self.training:
            return x
        if self.noise:
            x = x + self.rng.normal(scale=self.noise, size=x.shape).astype(x.dtype)
        if self.masking:
            self.n_draws += 1
            kept = 1 - self.masking  # dropout divides by it
            x = F.dropout(x, rate=self.masking, seed=self.own_seed, counter=self.n_draws) * kept
        return x


class Autoencoder(Module):
    """A module, and another one that makes the input again from what the first returns.

    Parameters
    ----------
    encoder, decoder : Modules
    corruption : Module, default=None
        In front of the encoder.
    """

    def __init__(self, encoder, decoder, corruption=None):
        self.encoder, self.decoder, self.corruption = encoder, decoder, corruption

    def forward(self, x):
        if self.corruption is not None:
            x = self.corruption(x)
        return self.decoder(self.encoder(x))


def dense_encoder(n_components, hidden, activation):
    """Linear layers with an activation, and a last one without."""
    return Sequential(*(Linear(size, activation=activation) for size in hidden), Linear(n_components))


def dense_decoder(n_features, hidden, activation, output_activation):
    """The encoder in reverse."""
    layers = [Linear(size, activation=activation) for size in reversed(hidden)]
    return Sequential(*layers, Linear(n_features, activation=output_activation))


def tied_decoder(encoder, activation, output_activation):
    """The layers of the encoder in reverse, with its weights."""
    first, *others = encoder
    layers = [TiedLinear(layer, activation) for layer in reversed(others)]
    return Sequential(*layers, TiedLinear(first, output_activation))
