"""Activations as modules, for use in `Sequential`; the functions are in `nn.functional`."""

import numpy as np

from .. import _functions as F
from .._module import Module, Parameter
from .linear import Sized, features_of


class ReLU(Module):
    """``max(x, 0)``."""

    def forward(self, x):
        return F.relu(x)


class LeakyReLU(Module):
    """x where it is positive, ``slope * x`` where it is not.

    Parameters
    ----------
    slope : float >= 0, default=0.01
    """

    def __init__(self, slope=0.01):
        self.slope = slope

    def forward(self, x):
        return F.leaky_relu(x, slope=self.slope)


class ELU(Module):
    """x where it is positive, ``alpha * (exp(x) - 1)`` where it is not.

    Parameters
    ----------
    alpha : float >= 0, default=1.0
    """

    def __init__(self, alpha=1.0):
        self.alpha = alpha

    def forward(self, x):
        return F.elu(x, alpha=self.alpha)


class SELU(Module):
    """A scaled `ELU` that keeps mean 0 and variance 1, with weights from ``lecun_normal`` (arXiv:1706.02515)."""

    def forward(self, x):
        return F.selu(x)


class Sigmoid(Module):
    """``1 / (1 + exp(-x))``."""

    def forward(self, x):
        return F.sigmoid(x)


class Tanh(Module):
    """The hyperbolic tangent."""

    def forward(self, x):
        return F.tanh(x)


class GELU(Module):
    """x times the probability that a standard normal variable is below x (arXiv:1606.08415)."""

    def forward(self, x):
        return F.gelu(x)


class Swish(Module):
    """x times its sigmoid; also named SiLU (arXiv:1710.05941)."""

    def forward(self, x):
        return F.swish(x)


SiLU = Swish


class Mish(Module):
    """``x * tanh(log(1 + exp(x)))`` (arXiv:1908.08681)."""

    def forward(self, x):
        return F.mish(x)


class Softplus(Module):
    """``log(1 + exp(x))``."""

    def forward(self, x):
        return F.softplus(x)


class Softmax(Module):
    """Probabilities along an axis: positive, with sum 1.

    Parameters
    ----------
    axis : int, default=-1
    """

    def __init__(self, axis=-1):
        self.axis = axis

    def forward(self, x):
        return F.softmax(x, axis=self.axis)


class LogSoftmax(Module):
    """The logarithm of `Softmax`, without overflow.

    Parameters
    ----------
    axis : int, default=-1
    """

    def __init__(self, axis=-1):
        self.axis = axis

    def forward(self, x):
        return F.log_softmax(x, axis=self.axis)


class PReLU(Sized):
    """x where it is positive, ``slope * x`` where it is not, with a slope to be learnt for each feature.

    Parameters
    ----------
    n_in : int or None, default=None
        Number of features; by default that of the first batch.
    slope : float, default=0.25
        Where the slopes start.

    References
    ----------
    He et al.: Delving deep into rectifiers. ICCV 2015, doi:10.1109/ICCV.2015.123
    """

    def __init__(self, n_in=None, slope=0.25):
        self.n_in, self.slope = n_in, slope

    def build(self, x=None):
        n_in, dtype, engine = features_of(self, x)
        self.slopes = Parameter(np.full(n_in, self.slope, dtype), kind="norm", engine=engine)

    def forward(self, x):
        return F.prelu(x, self.slopes)
