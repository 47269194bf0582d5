"""What the NeuralNet estimators share: parameters with double underscores, and a fit of any module."""

import copy
import logging
import time
import warnings
from numbers import Integral, Real

import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state

from ..._base import BaseEstimator
from ..._engine import get_engine
from ..._validation import (
    CallbackSupportMixin,
    Interval,
    StrOptions,
    check_fit,
    check_is_fitted,
    check_predict,
    check_weight,
)
from .. import _functions as F
from .._data import DataLoader
from .._losses import Loss, find_loss, get_loss
from .._modes import no_grad
from .._module import Module
from .._optimizers import get_optimizer
from .._tensor import Tensor
from .._training import (
    DivergedError,
    Samples,
    Task,
    evaluate,
    infer,
    require_finite,
    require_finite_predictions,
    require_known,
    require_steps,
    train_epoch,
)
from .params import DunderParams, accepted, check_accepted, check_complete, copied
from .parts import Part, given, on_host
from .tasks import FitTasks

logger = logging.getLogger("ghostflow_learn.neural")
FILLED_IN = ("n_outputs", "n_features")  # parameters of a module that come from the data
SOME = 256  # samples that show whether a model predicts numbers


class NeuralNet(DunderParams, CallbackSupportMixin, BaseEstimator):
    """The base of NeuralNetClassifier, NeuralNetBinaryClassifier and NeuralNetRegressor."""

    _parameter_constraints: dict = {
        "module": "no_validation",
        "criterion": [str, callable],
        "optimizer": [str, callable],
        "lr": [Interval(Real, 0, None, closed="neither")],
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left"), None],
        "accumulate_grad_batches": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither"), None],
        "callbacks": [list, tuple, None],
        "nonlinearity": [StrOptions({"auto"}), callable, None],
        "dtype": [StrOptions({"float32", "float64"})],
        "warm_start": ["boolean"],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
    }

    def get_loss(self, prediction, target, sample_weight=None):
        """The loss of a batch, a Tensor; a subclass may add to it.

        Parameters
        ----------
        prediction : Tensor
            What :meth:`infer` returned.
        target : array
            Class codes or numbers, where the prediction is.
        sample_weight : array or None, default=None

        Returns
        -------
        loss : Tensor
        """
        return self.criterion_(prediction, target, sample_weight)

    def infer(self, X):
        """What the module predicts for a batch, before any nonlinearity; a subclass may change how it is called.

        Parameters
        ----------
        X : Tensor

        Returns
        -------
        prediction : Tensor
        """
        return self.module_(X)

    def training_data(self, which):
        """During a fit, the data that callbacks may score.

        Parameters
        ----------
        which : {"train", "valid"}

        Returns
        -------
        X, y : arrays
        """
        part = self._parts[which]
        if part is None:
            raise ValueError("There are no validation data. Set validation_fraction=0.1, or pass X_val, y_val to fit.")
        return part.X, part.y

    @property
    def history(self):
        """The history as a pandas DataFrame, one row an epoch."""
        import pandas as pd

        check_is_fitted(self, "history_")
        return pd.DataFrame(self.history_).set_index("epoch")

    def plot_history(self, ax=None):
        """Plot the losses of all epochs; needs matplotlib.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; by default the current axes.

        Returns
        -------
        ax : matplotlib Axes
        """
        import matplotlib.pyplot as plt

        check_is_fitted(self, "history_")
        ax = plt.gca() if ax is None else ax
        for name, label in (("train_loss", "training"), ("valid_loss", "validation")):
            if name in self.history_[0]:
                ax.plot([r["epoch"] for r in self.history_], [r[name] for r in self.history_], label=label)
        ax.set(xlabel="epoch", ylabel="loss")
        ax.legend()
        return ax

    def summary(self):
        """A table of the layers of the fitted module, their outputs for one sample, and their numbers of parameters.

        Returns
        -------
        table : str
        """
        check_is_fitted(self, "module_")
        return self.module_.summary(np.zeros((1, *self._shape), self.dtype))

    def _fit(self, X, y, sample_weight, validation, fresh, n_epochs):
        """Train on data as they came; `validation` is (X, y, sample_weight), or None for no validation at all."""
        self._check_names()
        tasks = FitTasks(self, X, y, sample_weight, n_epochs)
        X, y = self._check(X, y, reset=fresh)
        engine, rng = get_engine(X), self._rng(fresh)
        if fresh and validation is not None:
            self._learn_target(on_host(y))
        train, valid = self._part(X, y, sample_weight), None
        if given(validation):
            valid = self._part(*self._check(*validation[:2], reset=False), validation[2])
        elif validation is not None and self.validation_fraction is not None:
            train, valid = self._split(train, rng)
        self._parts = {"train": train, "valid": valid}
        try:
            if fresh:
                self._start(engine, train, rng)
            else:
                self._go_on(engine)
            self._train(engine, rng, train, valid, tasks, n_epochs)
        finally:
            del self._parts
        return self

    def _rng(self, fresh):
        """A partial_fit draws on from where the last one stopped."""
        if fresh or not hasattr(self, "_random"):
            self._random = check_random_state(self.random_state)
        return self._random

    def _check(self, X, y, *, reset):
        return check_fit(self, X, y, reset=reset, **self._data_checks(), **self._target_checks)

    def _data_checks(self):
        return {"dtype": (np.dtype(self.dtype).type,), "accept_sparse": "csr", "allow_nd": True}

    def _part(self, X, y, sample_weight):
        """Without the samples whose weight is 0: they count no more than if they were not there."""
        y = on_host(y)
        part = Part(X, y, self._encode(y), None)
        if sample_weight is not None:
            weight = check_weight(sample_weight, X, dtype=np.dtype(self.dtype), ensure_non_negative=True)
            part.weight = on_host(weight)
        part.weight = self._with_class_weight(part.weight, y)
        if part.weight is not None and not part.weight.all():
            part = part.take(np.flatnonzero(part.weight))
        return part

    def _with_class_weight(self, weight, y):
        return weight

    def _split(self, part, rng):
        rows = np.arange(part.X.shape[0])
        split = train_test_split(
            rows, test_size=self.validation_fraction, stratify=self._strata(part), random_state=rng
        )
        return [part.take(np.sort(some)) for some in split]

    def _strata(self, part):
        return None

    def _start(self, engine, train, rng):
        try:
            self._initialize(engine, train, rng)
        except Exception:
            vars(self).pop("module_", None)  # it is not what was asked for: neither predict nor a warm start may use it
            raise

    def _go_on(self, engine):
        if self.module_.flat is None or self.module_.engine is not engine:
            self.module_.pack(engine)
        self._tell("on_train_begin")

    def _initialize(self, engine, train, rng):
        self._shape = train.X.shape[1:]
        self.criterion_ = self._new_criterion()
        module = self._new_module(train)
        module.seed(rng)
        self.module_ = module.eval()
        X = Samples(engine, train.X[: self.batch_size])[:][0]
        with no_grad():
            self._check_output(self.infer(X), len(X))
        self._check_dtype(module)
        module.pack(engine)
        self.optimizer_ = self._new_optimizer(module)
        require_steps(self.optimizer_, self.accumulate_grad_batches)
        self.callbacks_ = copied(self.callbacks)
        self.history_ = []
        self._tell("on_train_begin")

    def _new_criterion(self):
        criterion, params = find_loss(self.criterion), self._inner("criterion")
        if isinstance(criterion, type):
            check_accepted("criterion", criterion, params)
        criterion = copy.copy(get_loss(criterion, **params))
        if isinstance(criterion, Loss):
            criterion.trusts_codes = True
        return criterion

    def _new_optimizer(self, module):
        optimizer, params = get_optimizer(self.optimizer), self._inner("optimizer")
        check_accepted("optimizer", optimizer, params, 1, ("lr",))
        return optimizer(module, lr=self.lr, **params)

    def _new_module(self, train):
        params = self._inner("module")
        if isinstance(self.module, Module):
            if params:
                raise ValueError(f"module__{next(iter(params))} needs a class as module. Got an instance of it.")
            return copy.deepcopy(self.module)
        if not callable(self.module):
            raise TypeError(f"module must be a class of modules, or a module. Got {self.module!r} instead.")
        check_accepted("module", self.module, params)
        known = accepted(self.module) or ()
        from_data = {"n_outputs": self._n_outputs(train), "n_features": int(np.prod(self._shape))}
        params |= {name: from_data[name] for name in FILLED_IN if name in known and name not in params}
        check_complete("module", self.module, params)
        module = self.module(**params)
        if not isinstance(module, Module):
            raise TypeError(f"module must make a Module. {self.module!r} made {module!r}.")
        return module

    def _check_output(self, output, n_samples):
        name, n_outputs = type(self.module_).__name__, self._n_outputs(self._parts["train"])
        wanted = [(n_samples, n_outputs)] + ([(n_samples,)] if n_outputs == 1 else [])
        if not isinstance(output, Tensor):
            raise TypeError(
                f"{name} must return a Tensor. Got {type(output).__name__} instead; see infer and get_loss."
            )
        if output.shape not in wanted:
            raise ValueError(
                f"{name} must return shape {' or '.join(map(str, wanted))} for {n_samples} samples: "
                f"{self._outputs_mean}. Got {output.shape} instead. Change the size of its last layer."
            )

    def _check_dtype(self, module):
        found = {str(p.dtype) for p in module.parameters()} - {self.dtype}
        if found:
            raise TypeError(
                f"{type(module).__name__} has parameters of dtype {found.pop()}, but dtype={self.dtype!r}. Leave out "
                "the dtype of its layers, or set that of the estimator."
            )

    def _train(self, engine, rng, train, valid, tasks, n_epochs):
        loader = self._loader(self._samples(engine, train), rng)
        valid = None if valid is None else self._samples(engine, valid)
        try:
            self._epochs(loader, valid, tasks, n_epochs)
            self._tell("on_train_end")
            some = Samples(engine, train.X[:SOME])
            require_finite_predictions(Task(self.module_, self._columns, self.get_loss), some, self.optimizer_)
        except DivergedError:
            del self.module_  # it may be full of NaN: nobody is to predict with it
            raise
        self.module_.eval()
        tasks.end()

    def _samples(self, engine, part):
        return Samples(engine, part.X, part.target, part.weight)

    def _epochs(self, loader, valid, tasks, n_epochs):
        try:
            for _ in range(n_epochs):
                tasks.begin_epoch()
                asked = self._epoch(loader, valid)
                if tasks.end_epoch() or asked:
                    break
        except KeyboardInterrupt:
            warnings.warn("Training interrupted by user. The model is as it was trained so far.")

    def _loader(self, samples, rng):
        params = self._inner("iterator")
        check_accepted("iterator", DataLoader, params, 1, ("batch_size", "random_state"))
        params.setdefault("shuffle", self.shuffle and "sampler" not in params)
        return DataLoader(samples, self.batch_size, random_state=rng, **params)

    def _epoch(self, loader, valid):
        """Train for one epoch; True if a callback asks to stop."""
        task, start = Task(self.module_, self._columns, self.get_loss), time.perf_counter()
        record = {"epoch": len(self.history_) + 1, "lr": self.optimizer_.lr}
        self._tell("on_epoch_begin")
        hooks = [lambda event=event: self._tell(event) for event in ("on_gradients", "on_batch_end")]
        hooks, steps = hooks if self.callbacks_ else (None, None), self.accumulate_grad_batches
        record["train_loss"] = train_epoch(task, self.optimizer_, loader, *hooks, steps)
        require_finite(record["train_loss"], record["epoch"], self.optimizer_)
        if valid is not None:
            record["valid_loss"] = evaluate(task, valid, self.batch_size)
        record["seconds"] = time.perf_counter() - start
        self.module_.eval()
        self.history_.append(record)
        stop = self._tell("on_epoch_end")
        line = "  ".join(f"{k} {v:.6g}" if isinstance(v, float) else f"{k} {v}" for k, v in record.items())
        print(line) if self.verbose else logger.info(line)
        return stop

    def _tell(self, event):
        """Call all callbacks; True if one of them returned True."""
        answers = [getattr(callback, event)(self) for callback in self.callbacks_.values()]
        return True in answers

    def _columns(self, X):
        """The prediction for a batch as (n_samples, n_outputs)."""
        prediction = self.infer(X)
        return prediction.reshape(-1, 1) if prediction.ndim == 1 else prediction

    def _predicted(self, X):
        """The engine, and what the module predicts for X after the nonlinearity, where the engine computes."""
        X, function = self._checked(X), self._nonlinearity()
        return self._computed(X, lambda net, rows: function(net._columns(rows)))

    def _checked(self, X):
        parts = [part.X for part in getattr(self, "_parts", {}).values() if part is not None]
        if not any(X is known for known in parts):  # data of a callback have been checked, and lost their names
            check_is_fitted(self, "module_")
            X = check_predict(self, X, **self._data_checks())
        return X

    def _computed(self, X, function):
        """The engine, and `function(net, rows)` of all rows of X, where the engine computes; `net` is there, too."""
        engine, net = get_engine(X), self
        if self.module_.engine is not engine:
            net = copy.copy(self)
            net.module_ = copy.deepcopy(self.module_).pack(engine)
        values = infer(lambda rows: function(net, rows), Samples(engine, X), self.batch_size)
        require_known(net.module_)
        return engine, values

    def _nonlinearity(self):
        if self.nonlinearity is None:
            return lambda x: x
        if self.nonlinearity != "auto":
            return self.nonlinearity
        output = getattr(self.criterion_, "output", self._default_output)
        return {"logits": self._link, "log_proba": F.exp, "log_mean": F.exp}.get(output, lambda x: x)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
