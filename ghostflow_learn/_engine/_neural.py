"""What neural networks hand from step to step, the same on every engine."""

import math
from collections import namedtuple

from ._boosting import HASH

IDENTITY, RELU, LEAKY_RELU, ELU, SELU, SIGMOID, TANH, GELU, SWISH, MISH, SOFTPLUS = range(11)
ACTIVATIONS = {
    "identity": IDENTITY,
    "relu": RELU,
    "leaky_relu": LEAKY_RELU,
    "elu": ELU,
    "selu": SELU,
    "sigmoid": SIGMOID,
    "logistic": SIGMOID,
    "tanh": TANH,
    "gelu": GELU,
    "swish": SWISH,
    "silu": SWISH,
    "mish": MISH,
    "softplus": SOFTPLUS,
}
FROM_INPUT = (GELU, SWISH, MISH, SOFTPLUS)  # their derivative needs what went in; that of the others what came out
SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772  # Klambauer et al., arXiv:1706.02515


def activation_code(name):
    """The number of an activation.

    Raises
    ------
    ValueError
        If there is none of that name; the message lists those there are.
    """
    if name not in ACTIVATIONS:
        raise ValueError(f"activation must be one of {sorted(ACTIVATIONS)}. Got {name!r}. Pass one of these names.")
    return ACTIVATIONS[name]


SgdRates = namedtuple("SgdRates", "lr momentum nesterov decay shrink", defaults=(0.0, False, 0.0, 0.0))
SgdRates.__doc__ = """Numbers of one step of ``nn_optim.sgd``.

Parameters
----------
lr : float
momentum : float, default=0
nesterov : bool, default=False
decay : float, default=0
    L2 penalty: this part of the parameters is added to the gradient.
shrink : float, default=0
    Decoupled decay: the parameters lose this part of themselves, usually ``lr * weight_decay``.
"""

AdamRates = namedtuple("AdamRates", "step beta1 beta2 eps root_correction decay shrink")
AdamRates.__doc__ = """Numbers of one step of ``nn_optim.adam`` and ``amsgrad``; :func:`adam_rates` makes them.

Parameters
----------
step : float
    Learning rate with the correction of the first moment.
beta1, beta2, eps : float
root_correction : float
    Factor of the root of the second moment before `eps` is added.
decay, shrink : float
    As in :class:`SgdRates`.
"""

LambRates = namedtuple("LambRates", "lr correction beta1 beta2 eps root_correction decay")
LambRates.__doc__ = """Numbers of one step of ``nn_optim.lamb``; :func:`lamb_rates` makes them.

Parameters
----------
lr : float
correction : float
    Factor of the first moment.
beta1, beta2, eps, root_correction : float
    As in :class:`AdamRates`.
decay : float
    This part of the parameters is added to the direction of the step.
"""

RmspropRates = namedtuple("RmspropRates", "lr alpha eps momentum decay shrink", defaults=(0.0, 0.0, 0.0))
RmspropRates.__doc__ = """Numbers of one step of ``nn_optim.rmsprop``.

Parameters
----------
lr : float
alpha : float
    What the mean of squares keeps of itself.
eps : float
momentum, decay, shrink : float, default=0
    As in :class:`SgdRates`.
"""

LarsRates = namedtuple("LarsRates", "lr momentum trust decay eps", defaults=(0.9, 0.001, 0.0, 1e-8))
LarsRates.__doc__ = """Numbers of one step of ``nn_optim.lars``.

Parameters
----------
lr : float
momentum : float, default=0.9
trust : float, default=0.001
decay : float, default=0
    L2 penalty.
eps : float, default=1e-8
"""


def adam_rates(lr, beta1, beta2, eps, t, *, decay=0.0, shrink=0.0, like_sklearn=False):
    """The numbers of step `t`, which counts from 1.

    With `like_sklearn` eps is added to the uncorrected root, as scikit-learn does.

    Examples
    --------
    >>> adam_rates(0.1, 0.5, 0.75, 1e-8, 1)
    AdamRates(step=0.2, beta1=0.5, beta2=0.75, eps=1e-08, root_correction=2.0, decay=0.0, shrink=0.0)
    """
    step, root = lr / (1 - beta1**t), math.sqrt(1 - beta2**t)
    if like_sklearn:
        return AdamRates(step * root, beta1, beta2, eps, 1.0, decay, shrink)
    return AdamRates(step, beta1, beta2, eps, 1 / root, decay, shrink)


def lamb_rates(lr, beta1, beta2, eps, t, *, decay=0.0):
    """The numbers of step `t`, which counts from 1."""
    return LambRates(lr, 1 / (1 - beta1**t), beta1, beta2, eps, 1 / math.sqrt(1 - beta2**t), decay)


MASK32 = 0xFFFFFFFF


def hash_start(seed, counter):
    """Where the counter generator starts for one draw of an array: a hash of two integers, 32 bits."""
    h = seed & MASK32
    for word in (seed >> 32 & MASK32, counter & MASK32, counter >> 32 & MASK32):
        h = mixed((h + word * HASH[0] + 1) & MASK32)
    return h


def mixed(h):
    """MurmurHash3's last step."""
    for shift, factor in ((16, HASH[1]), (13, HASH[2])):
        h = (h ^ (h >> shift)) * factor & MASK32
    return h ^ (h >> 16)


PIECE = 2**15  # values of a segment that are summed at a time


def pieces(segments):
    """Segments of a flat array in pieces of at most PIECE values.

    Parameters
    ----------
    segments : tuple of (start, stop)

    Returns
    -------
    bounds : list of (start, stop, segment)
    firsts : list of int
        Where the pieces of each segment begin, and their number at the end.
    """
    bounds, firsts = [], [0]
    for segment, (start, stop) in enumerate(segments):
        bounds += [(at, min(at + PIECE, stop), segment) for at in range(start, stop, PIECE)]
        firsts.append(len(bounds))
    return bounds, firsts
