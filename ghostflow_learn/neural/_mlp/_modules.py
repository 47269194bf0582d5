"""Epochs of a module on the tensor engine: a perceptron with parts that scikit-learn's has not."""

import copy
import inspect
import math
import time

from sklearn.base import clone

from ghostflow_learn._engine._neural import adam_rates
from ghostflow_learn._validation._mlp import AdamOptimizer, SGDOptimizer

from .. import _schedulers
from .._callbacks import Callback, LRScheduler, ProgressBar
from .._hints import hint
from .._layers import MLP
from .._modes import no_grad
from .._net.params import accepted, named
from .._optimizer import Optimizer
from .._optimizers import SGD, Adam, get_optimizer
from .._tensor import Tensor
from .._training import evaluate, groups, infer, require_steps, snapshot, train_epoch

AT_ONCE = 4096  # samples of a call of the module where it does not train


class SklearnAdam(Adam):
    """Adam that adds eps where scikit-learn does."""

    def update(self, ops, flat, grads, found, lr, scale):
        rates = adam_rates(lr, *self.betas, self.eps, self.t, like_sklearn=True)
        ops.adam(flat, grads, self._state["m"], self._state["v"], rates, found.start, found.stop, scale)


class ModuleTrainer:
    """What :func:`run_epochs` drives.

    Parameters
    ----------
    model : BaseMLP
        Has ``module_``, ``optimizer_``, ``callbacks_`` and ``history_``.
    task : training.Task
        Its ``loss_of`` is an Objective.
    samples : Samples
    weight : array of shape (n_samples,) or None
        On the host.
    batch_size : int
    schedule : AdamOptimizer or SGDOptimizer
        scikit-learn's, for its learning rates and for when to stop.
    """

    def __init__(self, model, task, samples, weight, batch_size, schedule):
        self.model, self.task, self.samples, self.weight = model, task, samples, weight
        self.batch_size, self.schedule, self.n_samples = batch_size, schedule, len(samples)

    @property
    def rate(self):
        return self.model.optimizer_.lr

    def train(self, order):
        model = self.model
        self.start, self.lr = time.perf_counter(), self.rate
        self.tell("on_epoch_begin")
        hooks = [lambda event=event: self.tell(event) for event in ("on_gradients", "on_batch_end")]
        hooks = hooks if model.callbacks_ else (None, None)
        return train_epoch(self.task, model.optimizer_, self._batches(order), *hooks, model.accumulate_grad_batches)

    def _batches(self, order):
        size = self.batch_size
        of_epoch = [order[start : start + size] for start in range(0, len(order), size)]
        for step in groups(of_epoch, self.model.accumulate_grad_batches):
            self.task.loss_of.step_weight = sum(self._weight_of(rows) for rows in step)
            for rows in step:
                yield self.samples[rows]

    def _weight_of(self, rows):
        return float(len(rows) if self.weight is None else self.weight[rows].sum())

    def has_diverged(self, loss):
        return not math.isfinite(loss)

    def snapshot(self):
        return snapshot(self.task.module)

    def end_epoch(self, progress):
        """Note the epoch in the history; True if a callback asks to stop."""
        record = {"epoch": len(self.model.history_) + 1, "lr": self.lr, "train_loss": progress.loss}
        if progress.validation_losses is not None:
            record["valid_loss"] = progress.validation_losses[-1]
        if progress.validation_scores is not None:
            record["valid_score"] = progress.validation_scores[-1]
        record["seconds"] = time.perf_counter() - self.start
        self.model.history_.append(record)
        self.schedule.iteration_ends(progress.t)
        self._follow_schedule()
        self.task.module.eval()
        return self.tell("on_epoch_end")

    def stops(self, message, verbose):
        stopped = self.schedule.trigger_stopping(message, verbose)
        self._follow_schedule()
        return stopped

    def _follow_schedule(self):
        if isinstance(self.schedule, SGDOptimizer):
            self.model.optimizer_.lr = self.schedule.learning_rate

    def tell(self, event):
        """Call all callbacks; True if one of them returned True."""
        return True in [getattr(callback, event)(self.model) for callback in self.model.callbacks_.values()]


def new_module(model, recipe, rng, engine):
    """A packed MLP with the weights that `model` has; dropout and own layers draw from a copy of `rng`."""
    sizes, activations, rates, norm, residual, dtype = recipe
    module = MLP(sizes[-1], sizes[1:-1], activations, rates, norm, residual)
    module.seed(copy.deepcopy(rng)).eval()
    with no_grad():
        module(Tensor(engine.xp.zeros((1, sizes[0]), dtype), engine=engine))
    for linear, W, b in zip(module.linears(), model.coefs_, model.intercepts_):
        linear.W.data[...], linear.b.data[...] = engine.asarray(W), engine.asarray(b)
    return module.pack(engine)


def load_from(old, module):
    """All values of the network that goes on, into the layers that are asked for now."""
    state, wanted = old.state_dict(), module.state_dict()
    if {name: value.shape for name, value in state.items()} != {name: value.shape for name, value in wanted.items()}:
        raise ValueError(
            f"the fitted network has other layers: {sorted(set(state) ^ set(wanted))} are not in both. Set "
            "warm_start=False to fit another, or keep norm and activation."
        )
    module.load_state_dict(state)


def new_optimizer(model, module):
    """The optimizer asked for; by default that of `solver`, whose steps are scikit-learn's."""
    if model.optimizer is None:
        optimizer = _of_solver(model, module)
    else:
        make = get_optimizer(model.optimizer)
        known = accepted(make, 1)
        optimizer = make(module, lr=model.learning_rate_init) if known is None or "lr" in known else make(module)
        if not isinstance(optimizer, Optimizer):
            raise TypeError(
                f"optimizer must be a name, a class of optim, or a function (module, lr) that makes an optimizer. "
                f"{model.optimizer!r} made {optimizer!r}."
            )
    clips = {"clip_norm": model.clip_norm, "clip_value": model.clip_value}
    require_steps(optimizer, model.accumulate_grad_batches)
    if optimizer.needs_closure and (any(clips.values()) or any(layer.dropout for layer in module.layers[:-1])):
        raise ValueError(
            f"{type(optimizer).__name__} needs the loss to be one function: it takes neither dropout nor clipping. Set "
            "dropout=0, clip_norm=None and clip_value=None, or take another optimizer."
        )
    vars(optimizer).update({name: limit for name, limit in clips.items() if limit is not None})
    return optimizer


def _of_solver(model, module):
    if model.solver == "adam":
        betas = (model.beta_1, model.beta_2)
        return SklearnAdam(module, model.learning_rate_init, betas=betas, eps=model.epsilon)
    nesterov = model.nesterovs_momentum and model.momentum > 0
    return SGD(module, model.learning_rate_init, momentum=model.momentum, nesterov=nesterov)


def new_schedule(model):
    """scikit-learn's rates of "sgd", unless another scheduler sets them."""
    if model.optimizer is None and model.solver == "sgd" and model.scheduler is None:
        return SGDOptimizer([], model.learning_rate_init, model.learning_rate, power_t=model.power_t)
    return AdamOptimizer([], model.learning_rate_init)


def new_callbacks(model, has_validation):
    """Copies of the callbacks by name, with those of `scheduler` and `progress_bar`."""
    callbacks = dict(named(model.callbacks))
    for callback in callbacks.values():
        if not isinstance(callback, Callback):
            raise TypeError(f"callbacks must be Callbacks of neural, such as EarlyStopping(). Got {callback!r}.")
    if model.scheduler is not None:
        callbacks["scheduler"] = _scheduler(model, has_validation)
    if model.progress_bar and not any(isinstance(callback, ProgressBar) for callback in callbacks.values()):
        callbacks["progress_bar"] = ProgressBar()
    return {name: clone(callback, safe=False) for name, callback in callbacks.items()}


def _scheduler(model, has_validation):
    policy = model.scheduler
    if isinstance(policy, LRScheduler):
        return policy
    if isinstance(policy, str):
        if policy not in _schedulers.__all__:
            raise ValueError(f"There is no schedule {policy!r}.{hint(policy, _schedulers.__all__)}")
        policy = getattr(_schedulers, policy)
    params = {}
    if policy in (_schedulers.CosineAnnealingLR, _schedulers.OneCycle):
        params["n_steps"] = model.max_iter
    if policy is _schedulers.OneCycle:
        params["max_lr"] = model.learning_rate_init
    if isinstance(policy, type):
        _check_is_complete(policy, params)
    return LRScheduler(policy, params, monitor="valid_loss" if has_validation else "train_loss")


def _check_is_complete(policy, params):
    of_policy = list(inspect.signature(policy).parameters.values())[1:]
    missing = [p.name for p in of_policy if p.default is p.empty and p.name not in params]
    if missing:
        example = f"LRScheduler({policy.__name__!r}, {{{missing[0]!r}: ...}})"
        raise ValueError(f"{policy.__name__} needs {', '.join(missing)}. Pass scheduler={example}.")


def outputs_of(module, function, samples):
    """What `function` of a batch, some of the layers of the module, gives for all samples when it does not train."""
    was_training = module.training
    module.eval()
    try:
        return infer(function, samples, AT_ONCE)
    finally:
        module.train(was_training)


def validation_loss(task, samples):
    """The loss without the penalty."""
    return evaluate(task._replace(loss_of=task.loss_of.loss), samples, AT_ONCE)
