"""What optimizers share: groups of parameters as ranges of the flat arrays of a module, clipping, and their state."""

from numbers import Real

import numpy as np

from ._layers.linear import build_known
from ._module import Module, Parameter

GROUP_KEYS = ("params", "kind", "lr", "lr_factor", "weight_decay")


class Optimizer:
    """What optimizers share: the learning rate, groups of parameters, clipping, and what they remember.

    Parameters
    ----------
    module : Module or list of Parameters
        It is packed if it is not yet; a list must not be part of a packed module.
    lr : float > 0
        May be set anew at any time, by a schedule for one. That of a group keeps its ratio to it.
    weight_decay : float >= 0, default=0.0
    groups : list of dict, default=None
        Parameters with settings of their own: each dict has ``params`` (a list of Parameters) or ``kind`` ("weight",
        "bias" or "norm"), and ``lr`` or ``lr_factor``, ``weight_decay``. The first group that names a parameter counts.
    clip_norm : float > 0, default=None
        The gradients of a step are scaled down to this norm where it is larger.
    clip_value : float > 0, default=None
        Each gradient is limited to plus or minus this value, before its norm is.

    Examples
    --------
    >>> import numpy as np
    >>> from ghostflow_learn.neural import nn, optim
    >>> model = nn.Linear(2, 1).seed(0)
    >>> optimizer = optim.SGD(model, lr=0.1, groups=[{"kind": "bias", "lr_factor": 2.0}])
    >>> nn.losses.MSELoss()(model(np.ones((4, 2), np.float32)), np.ones((4, 1), np.float32)).backward()
    >>> optimizer.step()
    >>> optimizer.zero_grad()
    """

    state_names = ()
    needs_closure = False

    def __init__(self, module, lr, *, weight_decay=0.0, groups=None, clip_norm=None, clip_value=None):
        check_positive(lr=lr, clip_norm=clip_norm, clip_value=clip_value)
        if not weight_decay >= 0:
            raise ValueError(f"weight_decay must not be negative. Got {weight_decay!r} instead.")
        self.module, self.lr, self.weight_decay = _packed(module), lr, weight_decay
        self.clip_norm, self.clip_value = clip_norm, clip_value
        self.t, self._state, self._engine = 0, {}, None
        self._ranges = _ranges(self.module.parameters(), groups or (), lr, weight_decay)

    def zero_grad(self):
        """Forget the gradients of all parameters."""
        self.module.zero_grad()

    def step(self):
        """Change the parameters by the gradients that backward() has left."""
        if self.module.flat is None:  # it has been copied, or was in a pickle
            self.module.pack()
        engine = self.module.engine
        flat, grads = self.module.flat, self.module.settle_grad()
        self._follow(engine, flat)
        if self.clip_value is not None:
            engine.xp.clip(grads, -self.clip_value, self.clip_value, out=grads)
        scale = None if self.clip_norm is None else _scale_to(engine, grads, self.clip_norm)[0]
        self.t += 1
        for found in self._ranges:
            self.update(engine.nn_optim, flat, grads, found, self.lr * found.lr_factor, scale)

    def update(self, ops, flat, grads, found, lr, scale):
        """Change the parameters of one range of `flat`; `found` says which and has its `weight_decay`."""
        raise NotImplementedError

    def state_dict(self):
        """All that is needed to go on: NumPy arrays and numbers, no parameters."""
        return {"t": self.t, "lr": self.lr, **self._state_on_host()}

    def load_state_dict(self, state):
        """Go on from what `state_dict` returned, of an optimizer of the same kind on a module of the same sizes."""
        state = dict(state)
        self.t, self.lr = state.pop("t"), state.pop("lr")
        unknown = sorted(set(state) - set(self.state_names))
        if unknown:
            raise KeyError(f"{type(self).__name__} remembers {list(self.state_names)}; the state has {unknown} too.")
        for name, value in state.items():
            if value.shape != self.module.flat.shape:
                raise ValueError(f"{name} has shape {value.shape} in state; the module needs {self.module.flat.shape}.")
        self._engine = self.module.engine
        self._state = {name: self._engine.asarray(value.copy()) for name, value in state.items()}

    def __getstate__(self):
        return {**vars(self), "_engine": None, "_state": self._state_on_host()}

    def _state_on_host(self):
        to_numpy = np.asarray if self._engine is None else self._engine.to_numpy
        return {name: to_numpy(value).copy() for name, value in self._state.items()}

    def _follow(self, engine, flat):
        """What is remembered lives where the parameters do, also after the module has moved."""
        if engine is not self._engine:
            self._state = {name: engine.asarray(value) for name, value in self._state.items()}
            self._engine = engine
        for name in self.state_names:
            if name not in self._state and self.remembers(name):
                self._state[name] = engine.xp.zeros_like(flat)

    def remembers(self, name):
        """Whether the array of that name is needed, with these settings."""
        return True

    def __repr__(self):
        return f"{type(self).__name__}(lr={self.lr}, weight_decay={self.weight_decay})"


class _Range:
    """Neighbours in the flat arrays with the same settings."""

    def __init__(self, span, lr_factor, weight_decay):
        self.segments, self.lr_factor, self.weight_decay = ((span.start, span.stop),), lr_factor, weight_decay

    @property
    def start(self):
        return self.segments[0][0]

    @property
    def stop(self):
        return self.segments[-1][1]


class _Listed(Module):
    """Parameters that a user passed as a list."""

    def __init__(self, parameters):
        self.listed = parameters


def clip_grad_norm(module, max_norm):
    """Scale the gradients of a packed module down to `max_norm`, where their norm is larger.

    Returns
    -------
    norm : scalar on the device
        What it was.
    """
    grads, engine = module.settle_grad(), module.engine
    scale, norm = _scale_to(engine, grads, max_norm)
    grads *= scale
    return norm


def clip_grad_value(module, limit):
    """Limit each gradient of a packed module to ``[-limit, limit]``."""
    grads = module.settle_grad()
    module.engine.xp.clip(grads, -limit, limit, out=grads)


def _scale_to(engine, grads, max_norm):
    """The factor that brings the gradients to at most `max_norm`, (1,) on the device, and their norm."""
    xp = engine.xp
    norm = xp.sqrt(engine.nn_optim.squared_norm(grads, ((0, grads.size),)))
    return xp.minimum(1.0, max_norm / (norm + 1e-6)).astype(grads.dtype), norm[0]


def _packed(module):
    if isinstance(module, Module):
        build_known(module)
        return module if module.flat is not None else module.pack()
    parameters = list(module)
    if not parameters or not all(isinstance(p, Parameter) for p in parameters):
        raise TypeError(f"An optimizer needs a Module or a list of Parameters. Got {module!r} instead.")
    if any(p.slot is not None for p in parameters):
        raise ValueError(
            "These Parameters are packed into the arrays of another module or optimizer. Pass that module, and choose "
            "among its parameters by groups."
        )
    return _Listed(parameters).pack()


def _ranges(parameters, groups, lr, weight_decay):
    """Neighbours with the same settings are one range; the padding between them stays 0."""
    settings = [_settings_of(p, groups, lr, weight_decay) for p in parameters]
    _check_groups(groups, parameters)
    ranges = []
    for parameter, wanted in sorted(zip(parameters, settings), key=lambda pair: pair[0].span.start):
        last = ranges[-1] if ranges else None
        if last and (last.lr_factor, last.weight_decay) == wanted:
            last.segments += ((parameter.span.start, parameter.span.stop),)
        else:
            ranges.append(_Range(parameter.span, *wanted))
    return ranges


def _settings_of(parameter, groups, lr, weight_decay):
    for group in groups:
        if parameter.kind == group.get("kind") or any(parameter is p for p in group.get("params", ())):
            factor = group["lr"] / lr if "lr" in group else group.get("lr_factor", 1.0)
            return factor, group.get("weight_decay", weight_decay)
    return 1.0, weight_decay


def _check_groups(groups, parameters):
    for group in groups:
        unknown = sorted(set(group) - set(GROUP_KEYS))
        if unknown or ("params" in group) == ("kind" in group) or ("lr" in group and "lr_factor" in group):
            raise ValueError(
                "A group has either params or kind, and may have lr or lr_factor, and weight_decay. "
                f"Got {sorted(group)} instead."
            )
        if any(all(p is not own for own in parameters) for p in group.get("params", ())):
            raise ValueError("A group names a Parameter that is not one of the module's.")


def check_positive(**values):
    for name, value in values.items():
        if value is not None and not (isinstance(value, Real) and value > 0):
            raise ValueError(f"{name} must be positive. Got {value!r} instead.")


def check_fractions(**values):
    for name, value in values.items():
        if not (isinstance(value, Real) and 0 <= value < 1):
            raise ValueError(f"{name} must lie in [0, 1). Got {value!r} instead.")
