"""Layers of products: Linear, Embedding, and what stands between them."""

import numpy as np

from .. import _functions as F
from .._initializers import get_initializer, zeros
from .._modes import replayed
from .._module import Module, Parameter

RECTIFIERS = {"relu", "leaky_relu", "elu", "gelu", "swish", "silu", "mish", "softplus"}


class Sized(Module):
    """A layer whose parameters have sizes. With `n_in` they are known before the first batch."""

    n_in = dtype = None


def build_known(module):
    """Create the parameters of all layers that need no batch for it."""
    for layer in module.modules():
        if not layer._built and isinstance(layer, Sized) and layer.n_in is not None:
            layer.build()
            layer._built = True


def features_of(layer, x):
    """Number of features, dtype and engine of the parameters that `layer` makes for x; x is None if none is needed."""
    if x is None:
        return layer.n_in, np.dtype(layer.dtype or np.float32), None
    if x.dtype.kind != "f" or x.ndim < 2:
        raise TypeError(
            f"{type(layer).__name__} needs floats of shape (n_samples, ..., n_features). Got shape {x.shape} of dtype "
            f"{x.dtype}. Convert it with astype('float32') or reshape it."
        )
    if layer.n_in is not None and layer.n_in != x.shape[-1]:
        raise ValueError(wrong_width(layer, x))
    return x.shape[-1], layer.dtype or x.dtype, x.engine


def wrong_width(layer, x):
    return f"{type(layer).__name__} takes {layer.n_in} features. Got an input of shape {x.shape}."


class Linear(Sized):
    """``activation(x W + b)``, in one kernel.

    Parameters
    ----------
    n_in : int
        Number of features of x. May be left out, as in ``Linear(64)``: it is then that of the first batch.
    n_out : int
        Number of features of the result.
    activation : str, default="identity"
        "relu", "leaky_relu", "elu", "selu", "sigmoid", "tanh", "gelu", "swish", "mish" or "softplus".
    bias : bool, default=True
    init : str or callable, default=None
        Initial values of `W`: a name or function of `nn.init`. By default "he_uniform" where the activation is a
        rectifier, "lecun_normal" for selu, else "glorot_uniform". `b` starts at 0.
    dtype : dtype, default=None
        Of the parameters; by default that of the first batch, or float32 where they are needed before.

    Attributes
    ----------
    W : Parameter of shape (n_in, n_out)
        There after the first call.
    b : Parameter of shape (n_out,) or None

    Examples
    --------
    >>> import numpy as np
    >>> from ghostflow_learn.neural import nn
    >>> layer = nn.Linear(2, activation="relu").seed(0)
    >>> layer(np.ones((5, 3), np.float32)).shape
    (5, 2)
    >>> layer.W.shape
    (3, 2)
    """

    def __init__(self, n_in, n_out=None, *, activation="identity", bias=True, init=None, dtype=None):
        self.n_in, self.n_out = (None, n_in) if n_out is None else (n_in, n_out)
        self.activation, self.bias, self.dtype = activation, bias, dtype
        self.init = init if init is None else get_initializer(init)
        self.W = self.b = None

    def build(self, x=None):
        n_in, dtype, engine = features_of(self, x)
        init = self.init or get_initializer(_default_init(self.activation))
        self.W = Parameter(init((n_in, self.n_out), self.rng, dtype), engine=engine)
        self.b = Parameter(zeros(self.n_out, dtype=dtype), kind="bias", engine=engine) if self.bias else None
        self.n_in = n_in

    def forward(self, x):
        if x.shape[-1] != self.n_in:
            raise ValueError(wrong_width(self, x))
        if x.ndim == 2:
            return F.linear(x, self.W, self.b, activation=self.activation)
        rows = F.linear(x.reshape(-1, self.n_in), self.W, self.b, activation=self.activation)
        return rows.reshape(*x.shape[:-1], self.n_out)

    def __repr__(self):
        return f"Linear({self.n_in}, {self.n_out}, activation={self.activation!r})"


class Embedding(Sized):
    """A vector to be learnt for each of `n_in` integers.

    Parameters
    ----------
    n_in : int
        The integers are 0 to ``n_in - 1``; others raise. On a GPU, which would have to be waited for, their vectors are
        NaN instead, and :meth:`require_known` raises; the estimators call it after each epoch and prediction.
    n_out : int
        Length of the vectors.
    init : str or callable, default="normal"
    dtype : dtype, default="float32"

    Attributes
    ----------
    table : Parameter of shape (n_in, n_out)
        There after the first call.
    """

    _ends = None  # the least and the largest integer since the last look

    def __init__(self, n_in, n_out, *, init="normal", dtype="float32"):
        self.n_in, self.n_out, self.init, self.dtype = n_in, n_out, get_initializer(init), dtype
        self.table = None

    def build(self, x=None):
        engine = None if x is None else x.engine
        values = self.init((self.n_in, self.n_out), self.rng, np.dtype(self.dtype))
        self.table = Parameter(values, engine=engine)

    def forward(self, x):
        if x.dtype.kind not in "iu":
            raise TypeError(f"Embedding takes integers. Got dtype {x.dtype}. Convert it with astype('int64').")
        if x.size:
            xp, low, high = x.engine.xp, x.data.min(), x.data.max()
            if self._ends is not None:
                low, high = xp.minimum(self._ends[0], low), xp.maximum(self._ends[1], high)
            self._ends = low, high
            if xp is np:
                self.require_known()
        return F.embedding(x, self.table)

    def require_known(self):
        """Raise ValueError if any integer since the last call was not in 0 to ``n_in - 1``; a GPU is waited for."""
        ends, self._ends = self._ends, None
        if ends is not None and not 0 <= int(ends[0]) <= int(ends[1]) < self.n_in:
            raise ValueError(
                f"Embedding of {self.n_in} vectors takes integers in 0 to {self.n_in - 1}. "
                f"Got {int(ends[0])} to {int(ends[1])}."
            )

    def __getstate__(self):
        return {**super().__getstate__(), "_ends": None}


class Dropout(Module):
    """In training, zero a random part of the elements and divide the others by what is left of 1.

    Parameters
    ----------
    rate : float in [0, 1), default=0.5

    References
    ----------
    Srivastava et al.: Dropout: a simple way to prevent neural networks from overfitting. JMLR 15 (2014).
    """

    def __init__(self, rate=0.5):
        if not 0 <= rate < 1:
            raise ValueError(f"rate must lie in [0, 1). Got {rate!r} instead.")
        self.rate, self.n_draws = rate, 0

    def forward(self, x):
        if not self.training or self.rate == 0:
            return x
        return F.dropout(x, rate=self.rate, seed=self.own_seed, counter=replayed(self._next))

    def _next(self):
        self.n_draws += 1
        return self.n_draws


class Flatten(Module):
    """All axes of a sample as one."""

    def forward(self, x):
        return x.reshape(x.shape[0], int(np.prod(x.shape[1:])))


def _default_init(activation):
    if activation == "selu":
        return "lecun_normal"
    return "he_uniform" if activation in RECTIFIERS else "glorot_uniform"
