"""Schedules: how the learning rate of an optimizer changes with time, counted in epochs or in steps."""

import math

__all__ = ["CosineAnnealingLR", "ExponentialLR", "LinearWarmup", "OneCycle", "ReduceLROnPlateau", "StepLR"]


class Schedule:
    """A learning rate that is a function of time: `rate(t)`, with t the number of calls of `step`.

    Parameters
    ----------
    optimizer : Optimizer
        Its ``lr`` is the base rate; it is set at once to ``rate(0)``. Factors of parameter groups stay as they are.
    """

    def __init__(self, optimizer):
        self.optimizer, self.base_lr, self.t = optimizer, optimizer.lr, 0
        optimizer.lr = self.rate(0)

    def rate(self, t):
        """The learning rate at time `t`."""
        raise NotImplementedError

    def step(self):
        """One unit of time has passed."""
        self.t += 1
        self.optimizer.lr = self.rate(self.t)

    def state_dict(self):
        """What `load_state_dict` needs to go on from here."""
        return {"t": self.t, "base_lr": self.base_lr}

    def load_state_dict(self, state):
        """Go on from a state that `state_dict` returned."""
        self.t, self.base_lr = state["t"], state["base_lr"]
        self.optimizer.lr = self.rate(self.t)


class StepLR(Schedule):
    """The rate is multiplied by `gamma` every `step_size` units of time.

    Parameters
    ----------
    optimizer : Optimizer
    step_size : int >= 1
    gamma : float, default=0.1
    """

    def __init__(self, optimizer, step_size, gamma=0.1):
        self.step_size, self.gamma = _at_least_1("step_size", step_size), gamma
        super().__init__(optimizer)

    def rate(self, t):
        return self.base_lr * self.gamma ** (t // self.step_size)


class ExponentialLR(Schedule):
    """The rate is multiplied by `gamma` every unit of time.

    Parameters
    ----------
    optimizer : Optimizer
    gamma : float
    """

    def __init__(self, optimizer, gamma):
        self.gamma = gamma
        super().__init__(optimizer)

    def rate(self, t):
        return self.base_lr * self.gamma**t


class CosineAnnealingLR(Schedule):
    """Half a cosine from the base rate down to `min_lr` in `n_steps` units of time, and back up after them.

    Parameters
    ----------
    optimizer : Optimizer
    n_steps : int >= 1
    min_lr : float, default=0.0

    References
    ----------
    Loshchilov, Hutter: SGDR: Stochastic gradient descent with warm restarts. ICLR 2017, arXiv:1608.03983
    """

    def __init__(self, optimizer, n_steps, min_lr=0.0):
        self.n_steps, self.min_lr = _at_least_1("n_steps", n_steps), min_lr
        super().__init__(optimizer)

    def rate(self, t):
        return _cosine(self.base_lr, self.min_lr, t / self.n_steps)


class LinearWarmup(Schedule):
    """The rate grows on a line from ``start_factor * base rate`` to the base rate, then follows another schedule.

    Parameters
    ----------
    optimizer : Optimizer
    n_steps : int >= 1
        Units of time until the base rate is reached.
    start_factor : float, default=0.0
    after : callable or None, default=None
        Makes the schedule that follows from the optimizer, such as ``lambda opt: CosineAnnealingLR(opt, 100)``. Its
        time starts when the warm-up is over. None keeps the base rate.
    """

    def __init__(self, optimizer, n_steps, start_factor=0.0, after=None):
        self.n_steps, self.start_factor = _at_least_1("n_steps", n_steps), start_factor
        self.after = after(optimizer) if after is not None else None
        if not (self.after is None or isinstance(self.after, Schedule)):
            raise TypeError(
                f"after must make a schedule whose rate is a function of time. Got {type(self.after).__name__} instead."
            )
        if self.after is not None:
            optimizer.lr = self.after.base_lr
        super().__init__(optimizer)

    def rate(self, t):
        if t < self.n_steps:
            return self.base_lr * (self.start_factor + (1 - self.start_factor) * t / self.n_steps)
        return self.base_lr if self.after is None else self.after.rate(t - self.n_steps)

    def state_dict(self):
        """What `load_state_dict` needs to go on from here."""
        return {**super().state_dict(), "after": None if self.after is None else self.after.state_dict()}

    def load_state_dict(self, state):
        """Go on from a state that `state_dict` returned."""
        if self.after is not None:
            self.after.load_state_dict(state["after"])
        super().load_state_dict(state)


class OneCycle(Schedule):
    """Up from ``max_lr / div_factor`` to `max_lr`, then down to almost nothing; usually one unit of time is a step.

    Parameters
    ----------
    optimizer : Optimizer
    max_lr : float
    n_steps : int >= 1
        Length of the whole cycle. The last rate stays after it.
    warmup_fraction : float in (0, 1), default=0.3
        Part of the cycle in which the rate rises.
    div_factor : float, default=25.0
        `max_lr` divided by the first rate.
    final_div_factor : float, default=1e4
        The first rate divided by the last.

    References
    ----------
    Smith, Topin: Super-convergence: very fast training of neural networks using large learning rates (2019),
    doi:10.1117/12.2520589
    """

    def __init__(self, optimizer, max_lr, n_steps, warmup_fraction=0.3, div_factor=25.0, final_div_factor=1e4):
        if not 0 < warmup_fraction < 1:
            raise ValueError(f"warmup_fraction must lie between 0 and 1. Got {warmup_fraction!r} instead.")
        self.max_lr, self.n_steps, self.warmup_fraction = max_lr, _at_least_1("n_steps", n_steps), warmup_fraction
        self.first_lr = max_lr / div_factor
        self.last_lr = self.first_lr / final_div_factor
        super().__init__(optimizer)

    def rate(self, t):
        top, end = self.warmup_fraction * self.n_steps - 1, self.n_steps - 1
        if t <= top:
            return _cosine(self.first_lr, self.max_lr, t / top if top > 0 else 1.0)
        return _cosine(self.max_lr, self.last_lr, min(1.0, (t - top) / (end - top)))


class ReduceLROnPlateau:
    """The rate is multiplied by `factor` when a metric has not improved for more than `patience` calls of `step`.

    Parameters
    ----------
    optimizer : Optimizer
    factor : float in (0, 1), default=0.1
    patience : int >= 0, default=10
    threshold : float, default=1e-4
        Part of the best value by which a better one has to differ.
    lower_is_better : bool, default=True
    cooldown : int >= 0, default=0
        Calls after a reduction during which none is counted.
    min_lr : float, default=0.0
    """

    def __init__(
        self, optimizer, factor=0.1, patience=10, threshold=1e-4, lower_is_better=True, cooldown=0, min_lr=0.0
    ):
        if not 0 < factor < 1:
            raise ValueError(f"factor must lie between 0 and 1. Got {factor!r} instead.")
        self.optimizer, self.factor, self.patience, self.threshold = optimizer, factor, patience, threshold
        self.lower_is_better, self.cooldown, self.min_lr = lower_is_better, cooldown, min_lr
        self.best, self.n_bad, self.n_to_cool = None, 0, 0

    def step(self, metric):
        """Compare `metric` (float) with the best so far; reduce the rate where it has stopped improving."""
        metric = float(metric)
        if self._improves(metric):
            self.best, self.n_bad = metric, 0
        else:
            self.n_bad += 1
        if self.n_to_cool > 0:
            self.n_to_cool, self.n_bad = self.n_to_cool - 1, 0
        if self.n_bad > self.patience:
            self.optimizer.lr = max(self.optimizer.lr * self.factor, self.min_lr)
            self.n_bad, self.n_to_cool = 0, self.cooldown

    def _improves(self, metric):
        if self.best is None:
            return not math.isnan(metric)
        margin = self.threshold * abs(self.best)
        return metric < self.best - margin if self.lower_is_better else metric > self.best + margin

    def state_dict(self):
        """What `load_state_dict` needs to go on from here."""
        return {"best": self.best, "n_bad": self.n_bad, "n_to_cool": self.n_to_cool, "lr": self.optimizer.lr}

    def load_state_dict(self, state):
        """Go on from a state that `state_dict` returned."""
        self.best, self.n_bad, self.n_to_cool = state["best"], state["n_bad"], state["n_to_cool"]
        self.optimizer.lr = state["lr"]


def _cosine(start, end, part):
    return end + (start - end) * (1 + math.cos(math.pi * part)) / 2


def _at_least_1(name, value):
    if value < 1:
        raise ValueError(f"{name} must be at least 1. Got {value!r} instead.")
    return value
