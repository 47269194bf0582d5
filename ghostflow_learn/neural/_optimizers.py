"""Optimizers: one kernel a step for each group of parameters, on the flat arrays of a module."""

from difflib import get_close_matches

from .._engine._neural import LarsRates, RmspropRates, SgdRates, adam_rates, lamb_rates
from ._lbfgs import LBFGS
from ._optimizer import Optimizer, check_fractions, check_positive, clip_grad_norm, clip_grad_value

__all__ = [
    "LAMB",
    "LARS",
    "LBFGS",
    "SGD",
    "AMSGrad",
    "Adam",
    "AdamW",
    "Optimizer",
    "RMSprop",
    "clip_grad_norm",
    "clip_grad_value",
    "get_optimizer",
]


class SGD(Optimizer):
    """Stochastic gradient descent: ``velocity = momentum * velocity - lr * g``, added to the parameters.

    Parameters
    ----------
    module : Module or list of Parameters
    lr : float, default=0.01
    momentum : float in [0, 1), default=0.0
    nesterov : bool, default=False
        Look ahead by one step of the momentum.
    **options
        `weight_decay`, an L2 penalty, `groups`, `clip_norm` and `clip_value`: see :class:`Optimizer`.
    """

    state_names = ("velocity",)

    def __init__(self, module, lr=0.01, *, momentum=0.0, nesterov=False, **options):
        check_fractions(momentum=momentum)
        if nesterov and momentum == 0:
            raise ValueError("nesterov=True needs momentum > 0. Got momentum=0; try 0.9.")
        self.momentum, self.nesterov = momentum, nesterov
        super().__init__(module, lr, **options)

    def remembers(self, name):
        return self.momentum > 0

    def update(self, ops, flat, grads, found, lr, scale):
        rates = SgdRates(lr, self.momentum, bool(self.nesterov), found.weight_decay)
        ops.sgd(flat, grads, self._state.get("velocity"), rates, found.start, found.stop, scale)


class Adam(Optimizer):
    """Steps of about the same length for every parameter: mean of the gradients by the root of their mean square.

    Parameters
    ----------
    module : Module or list of Parameters
    lr : float, default=0.001
    betas : (float, float), default=(0.9, 0.999)
        What the two running means keep of themselves each step.
    eps : float, default=1e-8
    amsgrad : bool, default=False
        Divide by the largest mean square so far.
    **options
        `weight_decay`, an L2 penalty, `groups`, `clip_norm` and `clip_value`: see :class:`Optimizer`.

    References
    ----------
    Kingma, Ba: Adam: a method for stochastic optimization. ICLR 2015, arXiv:1412.6980
    """

    state_names = ("m", "v", "v_max")
    decoupled = False

    def __init__(self, module, lr=1e-3, *, betas=(0.9, 0.999), eps=1e-8, amsgrad=False, **options):
        check_fractions(**{"betas[0]": betas[0], "betas[1]": betas[1]})
        check_positive(eps=eps)
        self.betas, self.eps, self.amsgrad = betas, eps, amsgrad
        super().__init__(module, lr, **options)

    def remembers(self, name):
        return name != "v_max" or self.amsgrad

    def update(self, ops, flat, grads, found, lr, scale):
        decay = {"shrink": lr * found.weight_decay} if self.decoupled else {"decay": found.weight_decay}
        rates = adam_rates(lr, *self.betas, self.eps, self.t, **decay)
        where, state = (found.start, found.stop, scale), self._state
        if self.amsgrad:
            ops.amsgrad(flat, grads, state["m"], state["v"], state["v_max"], rates, *where)
        else:
            ops.adam(flat, grads, state["m"], state["v"], rates, *where)


class AMSGrad(Adam):
    """:class:`Adam` that divides by the largest mean square so far.

    Parameters
    ----------
    module : Module or list of Parameters
    lr : float, default=0.001
    **options
        Those of :class:`Adam`, but for `amsgrad`.

    References
    ----------
    Reddi, Kale, Kumar: On the convergence of Adam and beyond. ICLR 2018, arXiv:1904.09237
    """

    def __init__(self, module, lr=1e-3, **options):
        super().__init__(module, lr, amsgrad=True, **options)


class AdamW(Adam):
    """:class:`Adam` whose weight decay takes part of the parameters away instead of entering the gradient.

    Parameters
    ----------
    module : Module or list of Parameters
    lr : float, default=0.001
    weight_decay : float, default=0.01
        Each step the parameters lose ``lr * weight_decay`` of themselves.
    **options
        Those of :class:`Adam`.

    References
    ----------
    Loshchilov, Hutter: Decoupled weight decay regularization. ICLR 2019, arXiv:1711.05101
    """

    decoupled = True

    def __init__(self, module, lr=1e-3, *, weight_decay=0.01, **options):
        super().__init__(module, lr, weight_decay=weight_decay, **options)


class RMSprop(Optimizer):
    """Gradients divided by the root of a running mean of their squares.

    Parameters
    ----------
    module : Module or list of Parameters
    lr : float, default=0.01
    alpha : float in [0, 1), default=0.99
        What the mean of squares keeps of itself each step.
    eps : float, default=1e-8
    momentum : float in [0, 1), default=0.0
    **options
        `weight_decay`, an L2 penalty, `groups`, `clip_norm` and `clip_value`: see :class:`Optimizer`.
    """

    state_names = ("square", "velocity")

    def __init__(self, module, lr=0.01, *, alpha=0.99, eps=1e-8, momentum=0.0, **options):
        check_fractions(alpha=alpha, momentum=momentum)
        check_positive(eps=eps)
        self.alpha, self.eps, self.momentum = alpha, eps, momentum
        super().__init__(module, lr, **options)

    def remembers(self, name):
        return name == "square" or self.momentum > 0

    def update(self, ops, flat, grads, found, lr, scale):
        rates = RmspropRates(lr, self.alpha, self.eps, self.momentum, found.weight_decay)
        state = self._state
        ops.rmsprop(flat, grads, state["square"], state.get("velocity"), rates, found.start, found.stop, scale)


class LAMB(Optimizer):
    """:class:`AdamW` whose step in each tensor is as long as a part of the tensor, for very large batches.

    A tensor that is 0, or whose step is, takes that of AdamW.

    Parameters
    ----------
    module : Module or list of Parameters
    lr : float, default=0.001
    betas : (float, float), default=(0.9, 0.999)
    eps : float, default=1e-6
    **options
        `weight_decay`, `groups`, `clip_norm` and `clip_value`: see :class:`Optimizer`.

    References
    ----------
    You et al.: Large batch optimization for deep learning: training BERT in 76 minutes. ICLR 2020, arXiv:1904.00962
    """

    state_names = ("m", "v")

    def __init__(self, module, lr=1e-3, *, betas=(0.9, 0.999), eps=1e-6, **options):
        check_fractions(**{"betas[0]": betas[0], "betas[1]": betas[1]})
        check_positive(eps=eps)
        self.betas, self.eps = betas, eps
        super().__init__(module, lr, **options)

    def update(self, ops, flat, grads, found, lr, scale):
        rates = lamb_rates(lr, *self.betas, self.eps, self.t, decay=found.weight_decay)
        ops.lamb(flat, grads, self._state["m"], self._state["v"], rates, found.segments, scale)


class LARS(Optimizer):
    """:class:`SGD` whose step in each tensor is as long as a part of the tensor, for very large batches.

    A tensor that is 0, or whose gradient is, takes that of SGD.

    Parameters
    ----------
    module : Module or list of Parameters
    lr : float, default=0.1
    momentum : float in [0, 1), default=0.9
    trust : float, default=0.001
        That part.
    eps : float, default=1e-8
    **options
        `weight_decay`, an L2 penalty, `groups`, `clip_norm` and `clip_value`: see :class:`Optimizer`.

    References
    ----------
    You, Gitman, Ginsburg: Large batch training of convolutional networks (2017), arXiv:1708.03888
    """

    state_names = ("velocity",)

    def __init__(self, module, lr=0.1, *, momentum=0.9, trust=0.001, eps=1e-8, **options):
        check_fractions(momentum=momentum)
        check_positive(eps=eps)
        self.momentum, self.trust, self.eps = momentum, trust, eps
        super().__init__(module, lr, **options)

    def update(self, ops, flat, grads, found, lr, scale):
        rates = LarsRates(lr, self.momentum, self.trust, found.weight_decay, self.eps)
        ops.lars(flat, grads, self._state["velocity"], rates, found.segments, scale)


def get_optimizer(name):
    """The optimizer of that name; a class is returned as it is."""
    by_name = {c.__name__.lower(): c for c in (SGD, Adam, AMSGrad, AdamW, RMSprop, LAMB, LARS, LBFGS)}
    if not isinstance(name, str):
        return name
    if name.lower() not in by_name:
        close = get_close_matches(name.lower(), by_name, 1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise ValueError(f"optimizer must be a class or one of {sorted(by_name)}. Got {name!r} instead.{hint}")
    return by_name[name.lower()]
