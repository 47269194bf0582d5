"""Layers: modules with parameters, and modules that hold others."""

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
    SiLU,
    Softmax,
    Softplus,
    Swish,
    Tanh,
)
from .container import Residual, Sequential
from .linear import Dropout, Embedding, Flatten, Linear
from .normalization import BatchNorm1d, LayerNorm
from .perceptron import MLP

__all__ = [
    "ELU",
    "GELU",
    "MLP",
    "SELU",
    "BatchNorm1d",
    "Dropout",
    "Embedding",
    "Flatten",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "LogSoftmax",
    "Mish",
    "PReLU",
    "ReLU",
    "Residual",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Swish",
    "Tanh",
]
