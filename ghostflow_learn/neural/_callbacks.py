"""Callbacks: what happens during a fit of a NeuralNet or a perceptron, beside training."""

import math
import multiprocessing
import os
import sys
import time

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.metrics import get_scorer

from . import _schedulers
from ._hints import hint
from ._optimizers import clip_grad_norm, clip_grad_value
from ._training import restore, snapshot

__all__ = [
    "Callback",
    "Checkpoint",
    "EarlyStopping",
    "EpochScoring",
    "GradientClipping",
    "LRScheduler",
    "ProgressBar",
]


class Callback(BaseEstimator):
    """What a callback may do; all methods do nothing here. Parameters are those of its constructor.

    The estimator fits with copies of its callbacks, which it keeps as ``callbacks_``. What a callback may read are
    ``net.module_``, ``net.optimizer_`` and ``net.history_``, whose last entry is the epoch at hand.
    """

    def on_train_begin(self, net):
        """Before the first epoch of a fit."""

    def on_epoch_begin(self, net):
        """Before each epoch."""

    def on_gradients(self, net):
        """Between backward and the step of the optimizer."""

    def on_batch_end(self, net):
        """After each step."""

    def on_epoch_end(self, net):
        """After each epoch. True asks to stop."""

    def on_train_end(self, net):
        """After the last epoch, also where the fit was interrupted."""


class EarlyStopping(Callback):
    """Stops when a value has not improved for some epochs, and goes back to the best of them.

    Parameters
    ----------
    monitor : str, default="valid_loss"
        A column of the history. "valid_loss" needs `validation_fraction`, or `X_val` in `fit`.
    patience : int >= 1, default=5
        Epochs without improvement after which to stop.
    threshold : float >= 0, default=1e-4
        What a value must differ by from the best to be better.
    lower_is_better : bool, default=True
    restore_best : bool, default=True
        Put back the parameters of the best epoch at the end.

    Attributes
    ----------
    best_epoch_ : int
        Counted from 1.
    best_score_ : float
    """

    def __init__(self, monitor="valid_loss", patience=5, threshold=1e-4, lower_is_better=True, restore_best=True):
        self.monitor = monitor
        self.patience = patience
        self.threshold = threshold
        self.lower_is_better = lower_is_better
        self.restore_best = restore_best

    def on_train_begin(self, net):
        self.best_epoch_, self.best_score_, self._waited, self._best = 0, math.nan, 0, None

    def on_epoch_end(self, net):
        score = monitored(net, self.monitor)
        if not is_better(score, self.best_score_, self.lower_is_better, self.threshold):
            self._waited += 1
            return self._waited >= self.patience
        self.best_epoch_, self.best_score_, self._waited = net.history_[-1]["epoch"], score, 0
        self._best = snapshot(net.module_) if self.restore_best else None
        return False

    def on_train_end(self, net):
        if self._best is not None:
            restore(net.module_, self._best)
        self._best = None


class Checkpoint(Callback):
    """Writes the parameters to a file whenever a value improves; ``net.module_.load_state_dict`` reads them.

    Parameters
    ----------
    path : str
        A ``.npz`` file: ``dict(numpy.load(path))`` is a state dict. It is replaced as a whole, so that an interruption
        leaves the file of the epoch before.
    monitor : str or None, default="valid_loss"
        A column of the history. None writes after each epoch.
    lower_is_better : bool, default=True

    Attributes
    ----------
    best_score_ : float
    """

    def __init__(self, path="checkpoint.npz", monitor="valid_loss", lower_is_better=True):
        self.path = path
        self.monitor = monitor
        self.lower_is_better = lower_is_better

    def on_train_begin(self, net):
        self.best_score_ = math.nan

    def on_epoch_end(self, net):
        if self.monitor is not None:
            score = monitored(net, self.monitor)
            if not is_better(score, self.best_score_, self.lower_is_better):
                return
            self.best_score_ = score
        beside = f"{os.fspath(self.path)}.part"
        with open(beside, "wb") as file:
            np.savez(file, **net.module_.state_dict())
        os.replace(beside, self.path)


class LRScheduler(Callback):
    """Changes the learning rate by a schedule.

    Parameters
    ----------
    policy : str, class or callable, default="ExponentialLR"
        A schedule of ``optim.schedules``, its name, or a function that makes one from the optimizer.
    params : dict or None, default=None
        Further parameters of the schedule, such as ``{"gamma": 0.9}``.
    step_every : {"epoch", "batch"}, default="epoch"
        The unit of time of the schedule.
    monitor : str, default="valid_loss"
        The column of the history that ReduceLROnPlateau looks at.
    """

    def __init__(self, policy="ExponentialLR", params=None, step_every="epoch", monitor="valid_loss"):
        self.policy = policy
        self.params = params
        self.step_every = step_every
        self.monitor = monitor

    def on_train_begin(self, net):
        if self.step_every not in ("epoch", "batch"):
            raise ValueError(f"step_every must be 'epoch' or 'batch'. Got {self.step_every!r} instead.")
        policy = self.policy
        if isinstance(policy, str):
            if policy not in _schedulers.__all__:
                raise ValueError(f"There is no schedule {policy!r}.{hint(policy, _schedulers.__all__)}")
            policy = getattr(_schedulers, policy)
        if getattr(self, "_schedule", None) is None or self._schedule.optimizer is not net.optimizer_:
            self._schedule = policy(net.optimizer_, **(self.params or {}))
        if self._on_plateau() and self.step_every == "batch":
            raise ValueError("ReduceLROnPlateau needs step_every='epoch': there is one value an epoch.")

    def on_batch_end(self, net):
        if self.step_every == "batch":
            self._schedule.step()

    def on_epoch_end(self, net):
        if self._on_plateau():
            self._schedule.step(monitored(net, self.monitor))
        elif self.step_every == "epoch":
            self._schedule.step()

    def _on_plateau(self):
        return isinstance(self._schedule, _schedulers.ReduceLROnPlateau)


class EpochScoring(Callback):
    """Adds a score of scikit-learn's to the history after each epoch.

    Parameters
    ----------
    scoring : str or callable, default="accuracy"
        A name of scikit-learn's, or ``scorer(net, X, y)``.
    name : str or None, default=None
        The column of the history; by default that of the scorer, with "valid\\_" or "train\\_" in front.
    on_train : bool, default=False
        Score the training data. By default the validation data.
    """

    def __init__(self, scoring="accuracy", name=None, on_train=False):
        self.scoring = scoring
        self.name = name
        self.on_train = on_train

    def on_train_begin(self, net):
        self._scorer = get_scorer(self.scoring)

    def on_epoch_end(self, net):
        name = self.name
        if name is None:
            scorer = self.scoring if isinstance(self.scoring, str) else getattr(self.scoring, "__name__", "score")
            name = f"{'train' if self.on_train else 'valid'}_{scorer}"
        X, y = net.training_data("train" if self.on_train else "valid")
        net.history_[-1][name] = float(self._scorer(net, X, y))


class GradientClipping(Callback):
    """Limits the gradients before each step.

    Parameters
    ----------
    max_norm : float > 0 or None, default=1.0
        Gradients are scaled down to this norm where it is larger.
    max_value : float > 0 or None, default=None
        Each is limited to plus or minus this value, before the norm is.
    """

    def __init__(self, max_norm=1.0, max_value=None):
        self.max_norm = max_norm
        self.max_value = max_value

    def on_train_begin(self, net):
        for name, value in (("max_norm", self.max_norm), ("max_value", self.max_value)):
            if value is not None and not value > 0:
                raise ValueError(f"{name} must be positive, or None. Got {value!r} instead.")

    def on_gradients(self, net):
        if self.max_value is not None:
            clip_grad_value(net.module_, self.max_value)
        if self.max_norm is not None:
            clip_grad_norm(net.module_, self.max_norm)


class ProgressBar(Callback):
    """A bar on stderr with the epochs done, the loss and the time left; silent in workers of a search.

    Parameters
    ----------
    width : int, default=30
        Characters of the bar.
    """

    def __init__(self, width=30):
        self.width = width

    def on_train_begin(self, net):
        self._start, self._drawn, self._epochs_before = time.monotonic(), 0.0, len(net.history_)
        self._hidden = multiprocessing.parent_process() is not None

    def on_epoch_end(self, net):
        if not self._hidden and time.monotonic() - self._drawn >= 0.1:  # ten times a second is enough
            self._draw(net)

    def on_train_end(self, net):
        if not self._hidden and len(net.history_) > self._epochs_before:
            self._draw(net)
            sys.stderr.write("\n")

    def _draw(self, net):
        self._drawn, done = time.monotonic(), len(net.history_) - self._epochs_before
        n_epochs = net.max_epochs if hasattr(net, "max_epochs") else net.max_iter
        record, filled = net.history_[-1], round(self.width * done / n_epochs)
        left = (self._drawn - self._start) / done * (n_epochs - done)
        values = "  ".join(f"{name} {record[name]:.4f}" for name in ("train_loss", "valid_loss") if name in record)
        bar = "#" * filled + "." * (self.width - filled)
        sys.stderr.write(f"\r[{bar}] {done}/{n_epochs}  {values}  {left:.0f} s left ")
        sys.stderr.flush()


def monitored(net, name):
    """The value of that name in the last epoch of the history."""
    record = net.history_[-1]
    if name not in record:
        more = " Set validation_fraction=0.1, or pass X_val and y_val to fit." if name.startswith("valid") else ""
        raise ValueError(f"The history has no column {name!r}.{hint(name, record)}{more}")
    return record[name]


def is_better(score, best, lower_is_better, threshold=0.0):
    """Whether a score improves on the best; NaN never does, and anything does on NaN."""
    if math.isnan(best):
        return not math.isnan(score)
    return score < best - threshold if lower_is_better else score > best + threshold
