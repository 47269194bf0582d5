"""What networks are built of: modules, parameters, layers, functions, losses, initial values."""

from . import _functions as functional
from . import _initializers as init
from . import _losses as losses
from ._layers import (
    ELU,
    GELU,
    MLP,
    SELU,
    BatchNorm1d,
    Dropout,
    Embedding,
    Flatten,
    LayerNorm,
    LeakyReLU,
    Linear,
    LogSoftmax,
    Mish,
    PReLU,
    ReLU,
    Residual,
    Sequential,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Swish,
    Tanh,
)
from ._losses import (
    BCELoss,
    BCEWithLogitsLoss,
    CosineLoss,
    CrossEntropyLoss,
    FocalLoss,
    HuberLoss,
    MAELoss,
    MSELoss,
    NLLLoss,
    PoissonLoss,
    QuantileLoss,
    TripletLoss,
)
from ._module import Buffer, Module, Parameter
