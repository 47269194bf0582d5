"""Layers that keep activations at one scale."""

import numpy as np

from .. import _functions as F
from .._modes import is_recomputing
from .._module import Buffer, Parameter
from .linear import Sized, features_of, wrong_width


class LayerNorm(Sized):
    """Each sample with mean 0 and standard deviation 1 over its last axis, times a gain, plus a bias.

    Parameters
    ----------
    n_in : int or None, default=None
        Length of the last axis; by default that of the first batch.
    eps : float, default=1e-5
        Added to the variance.

    References
    ----------
    Ba, Kiros, Hinton: Layer normalization (2016), arXiv:1607.06450
    """

    def __init__(self, n_in=None, *, eps=1e-5):
        self.n_in, self.eps = n_in, eps

    def build(self, x=None):
        _build_gain_and_bias(self, x)

    def forward(self, x):
        if x.shape[-1] != self.n_in:
            raise ValueError(wrong_width(self, x))
        if x.ndim == 2:
            return F.layer_norm(x, self.gain, self.bias, eps=self.eps)
        return F.layer_norm(x.reshape(-1, self.n_in), self.gain, self.bias, eps=self.eps).reshape(*x.shape)


class BatchNorm1d(Sized):
    """Each feature with mean 0 and standard deviation 1 over the batch, times a gain, plus a bias.

    At inference running means of both are used; also for a batch of one sample, which has no variance.

    Parameters
    ----------
    n_in : int or None, default=None
        Number of features; by default that of the first batch.
    eps : float, default=1e-5
        Added to the variance.
    momentum : float in (0, 1], default=0.1
        Part of the running statistics that each batch replaces.

    Attributes
    ----------
    running_mean, running_var : Buffers of shape (n_in,)
        There after the first call.

    References
    ----------
    Ioffe, Szegedy: Batch normalization. ICML 2015, arXiv:1502.03167
    """

    def __init__(self, n_in=None, *, eps=1e-5, momentum=0.1):
        if not 0 < momentum <= 1:
            raise ValueError(f"momentum must lie in (0, 1]. Got {momentum!r} instead.")
        self.n_in, self.eps, self.momentum = n_in, eps, momentum

    def build(self, x=None):
        dtype, engine = _build_gain_and_bias(self, x)
        self.running_mean = Buffer(np.zeros(self.n_in, dtype), engine=engine)
        self.running_var = Buffer(np.ones(self.n_in, dtype), engine=engine)

    def forward(self, x):
        if x.ndim != 2 or x.shape[1] != self.n_in:
            raise ValueError(wrong_width(self, x))
        if not self.training or len(x) == 1:
            inv_std = (self.running_var.data + self.eps) ** -0.5
            return (x - self.running_mean.data) * (self.gain * inv_std) + self.bias
        y, mean, var = F.batch_norm(x, self.gain, self.bias, eps=self.eps)
        if not is_recomputing():
            self._follow(mean, var * (len(x) / (len(x) - 1)))
        return y

    def _follow(self, mean, var):
        for running, new in ((self.running_mean.data, mean), (self.running_var.data, var)):
            running *= 1 - self.momentum
            running += self.momentum * new


def _build_gain_and_bias(layer, x):
    n_in, dtype, engine = features_of(layer, x)
    layer.n_in = n_in
    layer.gain = Parameter(np.ones(n_in, dtype), kind="norm", engine=engine)
    layer.bias = Parameter(np.zeros(n_in, dtype), kind="norm", engine=engine)
    return dtype, engine
