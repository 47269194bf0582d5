"""What a multilayer perceptron is made of, on every engine.

Parameters lie in one flat array in scikit-learn's order: the weights of every layer, (n_in, n_out) each, then the
biases of every layer. Gradients and the state of the optimizer have the same layout.
"""

from collections import namedtuple
from itertools import pairwise

import numpy as np

HIDDEN = ("identity", "relu", "tanh", "logistic")  # their place is their number in kernels
OUTPUTS = ("identity", "exp", "logistic", "softmax")  # with squared error, Poisson deviance, log loss, log loss

Network = namedtuple("Network", "sizes activation output")
Network.__doc__ = """The shape of a perceptron.

Parameters
----------
sizes : tuple of int
    Features, units of each hidden layer, outputs.
activation : str
    Of hidden layers, one of `HIDDEN`.
output : str
    Activation of the last layer, one of `OUTPUTS`; it determines the loss.
"""

Adam = namedtuple("Adam", "rate beta_1 beta_2 epsilon t")
Adam.__doc__ = """Adam's next epoch; its state is two arrays, first and second moments. `t` counts the steps done."""

Sgd = namedtuple("Sgd", "rate momentum nesterov")
Sgd.__doc__ = """The next epoch of stochastic gradient descent; its state is one array, the velocity."""

Data = namedtuple("Data", "X Y sample_weight")
Data.__doc__ = """What is learnt from; `sample_weight` may be None."""

Training = namedtuple("Training", "data batch_size params state network alpha")
Training.__doc__ = """What stays from epoch to epoch. An engine may add what it wants to keep at hand.

Parameters
----------
data : Data
batch_size : int
params : (n_params,), dtype of X
state : tuple of (n_params,) arrays, dtype of X
    Of the optimizer: two for Adam, one for Sgd.
network : Network
alpha : float
    Factor of half the squared weights; the sum of the weights of a batch divides it.
"""


def n_weights(network):
    """Where the biases begin in the flat array."""
    return sum(n_in * n_out for n_in, n_out in pairwise(network.sizes))


def layers(flat, network):
    """[(weights, biases), ...], views of a flat array of any engine."""
    pairs, at, at_bias = [], 0, n_weights(network)
    for n_in, n_out in pairwise(network.sizes):
        W = flat[at : at + n_in * n_out].reshape(n_in, n_out)
        pairs.append((W, flat[at_bias : at_bias + n_out]))
        at, at_bias = at + n_in * n_out, at_bias + n_out
    return pairs


def adam_rate(rule, t):
    """The rate of step `t`, counted from 1, with both corrections for the zeros that moments start from."""
    return rule.rate * np.sqrt(1 - rule.beta_2**t) / (1 - rule.beta_1**t)
