"""The fit loop as functions of a module, a loss, an optimizer and batches; no estimator in it."""

import math
from collections import namedtuple
from itertools import islice

import numpy as np
from scipy.sparse import issparse

from ._modes import no_grad
from ._tensor import Tensor

Task = namedtuple("Task", "module forward loss_of")
Task.__doc__ = """What is trained: a module, `forward(X) -> prediction` and `loss_of(prediction, y, sample_weight)`.

The loss is a Tensor of one number, a weighted mean over the samples."""


class DivergedError(ValueError):
    """Training has diverged: the parameters are of no use."""


class Samples:
    """Rows of X, as Tensors, and their targets and weights, where an engine computes; sparse rows become dense."""

    def __init__(self, engine, X, y=None, sample_weight=None):
        self.engine = engine
        self.X = X if issparse(X) else engine.asarray(X)
        self.others = tuple(None if array is None else engine.asarray(array) for array in (y, sample_weight))

    def __len__(self):
        return self.X.shape[0]

    def __getitem__(self, rows):
        if isinstance(rows, np.ndarray) and not issparse(self.X):
            rows = self.engine.asarray(rows)
        X = self.X[rows]
        X = self.engine.asarray(X.toarray()) if issparse(X) else X
        return Tensor(X, engine=self.engine), *(None if array is None else array[rows] for array in self.others)


def slices(n_samples, batch_size):
    """Consecutive rows, at most `batch_size` at a time; at least one slice, so that no data give an empty answer."""
    size = batch_size or max(1, n_samples)
    return [slice(start, min(start + size, n_samples)) for start in range(0, max(1, n_samples), size)]


def train_epoch(task, optimizer, batches, on_gradients=None, on_batch=None, accumulate=1):
    """One pass over the data.

    Parameters
    ----------
    task : Task
        Its module is switched to training.
    optimizer : Optimizer
    batches : iterable of (X, y, sample_weight)
    on_gradients : callable, default=None
        Called between backward and step.
    on_batch : callable, default=None
        Called after each step.
    accumulate : int >= 1, default=1
        Batches of a step: its gradient is that of the mean over all their samples. The last step may have fewer.

    Returns
    -------
    loss : float
        The mean over the samples, each with the parameters its batch was trained on.
    """
    task.module.train()
    total = _Mean()
    for group in groups(batches, accumulate):
        losses = train_step(task, optimizer, group, on_gradients)
        for loss, batch in zip(losses, group):
            total.add(loss, _weight_of(batch))
        if on_batch is not None:
            on_batch()
    require_known(task.module)
    return total.value()


def train_step(task, optimizer, batches, on_gradients=None):
    """One step on one batch, or on several whose gradients are averaged; returns their losses, on the device."""
    weights = [_weight_of(batch) for batch in batches]

    def gradients():
        optimizer.zero_grad()
        losses = []
        for (X, y, sample_weight), weight in zip(batches, weights):
            loss = task.loss_of(task.forward(X), y, sample_weight)
            _require_number(loss)
            losses.append(loss)
            (loss if len(batches) == 1 else loss * (weight / sum(weights))).backward()
        if on_gradients is not None:
            on_gradients()
        return losses

    if optimizer.needs_closure:
        return [optimizer.step(lambda: gradients()[0])]
    losses = gradients()
    optimizer.step()
    return [loss.data for loss in losses]


def groups(batches, size):
    """Lists of `size` batches, one after the other; the last may be shorter."""
    batches = iter(batches)
    while group := list(islice(batches, size)):
        yield group


def require_steps(optimizer, accumulate):
    """Raise where an optimizer that evaluates the loss itself is to accumulate gradients."""
    if optimizer.needs_closure and accumulate > 1:
        raise ValueError(
            f"{type(optimizer).__name__} takes all samples at once, so it cannot accumulate gradients. Set "
            "accumulate_grad_batches=1, or take another optimizer."
        )


def require_known(module):
    """Raise where an Embedding has got integers it has no vectors for: they have become NaN on a GPU."""
    for layer in module.modules():
        if hasattr(layer, "require_known"):
            try:
                layer.require_known()
            except ValueError as error:
                raise DivergedError(str(error)) from None


def evaluate(task, samples, batch_size):
    """The mean loss over samples, without training."""
    task.module.eval()
    total = _Mean()
    with no_grad():
        for rows in slices(len(samples), batch_size):
            X, y, sample_weight = samples[rows]
            loss = task.loss_of(task.forward(X), y, sample_weight)
            total.add(loss.data, _weight_of((X, y, sample_weight)))
    require_known(task.module)
    return total.value()


def infer(forward, samples, batch_size):
    """What `forward` gives for all samples, batch by batch, on the device; nothing is recorded."""
    with no_grad():
        parts = [forward(samples[rows][0]).data for rows in slices(len(samples), batch_size)]
    return parts[0] if len(parts) == 1 else samples.engine.xp.concatenate(parts)


def snapshot(module):
    """A copy of all parameters and buffers, on the device."""
    return module.flat.copy(), [buffer.data.copy() for buffer in module.buffers()]


def restore(module, values):
    """Put back what `snapshot` copied."""
    flat, buffers = values
    module.flat[...] = flat
    for buffer, value in zip(module.buffers(), buffers):
        buffer.data[...] = value


def require_finite_predictions(task, samples, optimizer):
    """Raise where the very last steps have made training diverge, which no loss has shown."""
    task.module.eval()
    values = infer(task.forward, samples, None)
    require_known(task.module)
    if not samples.engine.xp.isfinite(values).all():
        raise DivergedError(_diverged("The module predicts values that are not finite", optimizer))


def require_finite(loss, epoch, optimizer):
    """Raise where training has diverged, before anybody predicts with the model."""
    if not math.isfinite(loss):
        raise DivergedError(_diverged(f"The training loss is {loss} in epoch {epoch}", optimizer))


def _diverged(what, optimizer):
    return (
        f"{what}: training has diverged. Lower lr={optimizer.lr:g}, scale the features (StandardScaler), or limit the "
        "gradients (clip_norm=1.0 of the optimizer)."
    )


def _require_number(loss):
    if not isinstance(loss, Tensor) or loss.size != 1:
        came = f"a Tensor of shape {loss.shape}" if isinstance(loss, Tensor) else repr(loss)
        raise ValueError(f"A loss must be a Tensor of one number, to be differentiated. Got {came}; take its mean().")


def _weight_of(batch):
    X, _, sample_weight = batch
    return len(X) if sample_weight is None else sample_weight.sum()


class _Mean:
    """A weighted mean whose sums stay on the device until it is asked for."""

    def __init__(self):
        self.sum = self.weight = 0.0

    def add(self, value, weight):
        self.sum = self.sum + _exact(value) * _exact(weight)
        self.weight = self.weight + _exact(weight)

    def value(self):
        weight = float(self.weight)
        return float(self.sum) / weight if weight else float("nan")


def _exact(value):
    return value.astype(np.float64) if hasattr(value, "astype") else float(value)
