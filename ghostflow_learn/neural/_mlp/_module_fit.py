"""How a perceptron learns on the tensor engine, where it has what scikit-learn's has not."""

import copy

import numpy as np
from scipy.sparse import issparse

from ghostflow_learn._engine import get_engine
from ghostflow_learn._engine._mlp import HIDDEN
from ghostflow_learn._validation import check_predict

from .._layers import MLP
from .._layers.perceptron import one_for_each, rates_of
from .._training import DivergedError, Samples, Task, require_finite_predictions, restore
from ._losses import LINKS, Objective
from ._modules import (
    ModuleTrainer,
    load_from,
    new_callbacks,
    new_module,
    new_optimizer,
    new_schedule,
    outputs_of,
    validation_loss,
)
from ._stochastic import run_epochs

OF_MODULES = ("module_", "optimizer_", "callbacks_", "history_", "_recipe", "_schedule")
SOME = 256  # samples that show whether a model predicts numbers


class ModuleFit:
    """The part of BaseMLP that trains a Module."""

    def _beyond(self, loss):
        """The parameters whose values scikit-learn's perceptrons do not know."""
        asked = {
            "activation": not isinstance(self.activation, str) or self.activation not in HIDDEN,
            "loss": not isinstance(loss, str),
            "dropout": any(self.dropout) if isinstance(self.dropout, (list, tuple)) else self.dropout > 0,
            "norm": self.norm is not None,
            "residual": self.residual,
            "optimizer": self.optimizer is not None,
            "scheduler": self.scheduler is not None,
            "clip_norm": self.clip_norm is not None,
            "clip_value": self.clip_value is not None,
            "accumulate_grad_batches": self.accumulate_grad_batches > 1,
            "callbacks": bool(self.callbacks),
            "progress_bar": self.progress_bar,
        }
        return [name for name, is_asked in asked.items() if is_asked]

    def _check_beyond(self, beyond, hidden):
        if not hidden and {"dropout", "norm", "residual"} & set(beyond):
            raise ValueError("dropout, norm and residual belong to hidden layers, and hidden_layer_sizes names none.")
        if beyond or isinstance(self.dropout, (list, tuple)):
            MLP(1, hidden, self.activation, self.dropout, self.norm, self.residual)  # raises if they do not go together
        if self.solver == "lbfgs" and self.optimizer is None and beyond:
            raise ValueError(
                f"solver='lbfgs' trains scikit-learn's networks; it does not go with {', '.join(beyond)}. Use 'adam' "
                "or 'sgd', or optimizer='lbfgs' with learning_rate_init=1."
            )
        own_rates = self.optimizer is None and self.solver == "sgd" and self.learning_rate != "constant"
        if self.scheduler is not None and own_rates:
            raise ValueError(
                f"learning_rate={self.learning_rate!r} and scheduler both set the learning rate. Set one of them."
            )

    def _learn_by_module(self, engine, task, validation, rng, incremental, afresh):
        """Epochs on the tensor engine; attributes as in the other way, and the module."""
        vars(self).pop("_optimizer", None)
        if afresh:
            self._forget_modules()
        self._parts = {}
        try:
            train, valid = self._split(engine, task, validation, rng, keep_sparse=True)
            if train.sample_weight is not None:
                train = _without_zeros(engine, train)
            self._parts = {"train": train, "valid": valid}
            self._prepare(engine, task, rng, incremental, valid is not None)
            objective = Objective(task.loss, task.output, task.Y.shape[1], self.alpha, self.module_.linears())
            fit = Task(self.module_, self.module_, objective)
            self._run_module(engine, fit, train, valid, rng, incremental, afresh)
        except Exception as error:
            if afresh or isinstance(error, DivergedError):  # not what was asked for, or full of NaN
                self._forget_modules()
                del self.coefs_, self.intercepts_
            raise
        finally:
            del self._parts

    def _prepare(self, engine, task, rng, incremental, has_validation):
        """Module, optimizer, schedule and callbacks: those of the last call, where this one goes on with them."""
        sizes, norm = self._sizes(task), self.norm
        activations = one_for_each("activation", self.activation, sizes[1:-1])
        recipe = (sizes, activations, rates_of(self.dropout, sizes[1:-1]), norm, self.residual, str(task.X.dtype))
        old, same = getattr(self, "module_", None), getattr(self, "_recipe", None) == recipe
        if old is None or not same:
            module = new_module(self, recipe, rng, engine)
            if old is not None:
                load_from(old, module)
        else:
            module = old if old.flat is not None and old.engine is engine else old.pack(engine)
        if not (incremental and same and hasattr(self, "optimizer_")):
            optimizer, schedule = new_optimizer(self, module), new_schedule(self)
            self.callbacks_ = new_callbacks(self, has_validation)
            self.optimizer_, self._schedule = optimizer, schedule
        self.module_, self._recipe = module, recipe
        self.history_ = getattr(self, "history_", [])

    def _run_module(self, engine, fit, train, valid, rng, incremental, afresh):
        if self.early_stopping and incremental:
            raise ValueError("partial_fit does not support early_stopping=True")
        output, link = self.out_activation_, LINKS[self.out_activation_]
        samples = Samples(engine, train.X, _targets(train, output), train.sample_weight)
        watched = None if valid is None else Samples(engine, valid.X, _targets(valid, output), valid.sample_weight)
        settings = self._settings(len(samples), incremental, self.optimizer_.needs_closure)
        weight = None if train.sample_weight is None else engine.to_numpy(train.sample_weight)
        trainer = ModuleTrainer(self, fit, samples, weight, settings.batch_size, self._schedule)
        progress = self._progress(afresh, has_losses=valid is not None)
        progress.best = trainer.snapshot() if self.early_stopping else None

        def check():
            if watched is None:
                return None, None
            score = None
            if self.early_stopping:
                found = outputs_of(self.module_, lambda X: link(self.module_(X)), watched)
                score = self._score_of(engine, valid, found, output)
            return score, validation_loss(fit, watched)

        trainer.tell("on_train_begin")
        with np.errstate(over="ignore", invalid="ignore"):  # where it diverges, an error says so
            run_epochs(trainer, progress, settings, rng, check)
        self._note(progress)
        if self.early_stopping:
            restore(self.module_, progress.best)
        trainer.tell("on_train_end")
        require_finite_predictions(fit, Samples(engine, train.X[:SOME]), self.optimizer_)
        linears = self.module_.eval().linears()
        self.coefs_ = [engine.to_numpy(linear.W.data).copy() for linear in linears]
        self.intercepts_ = [engine.to_numpy(linear.b.data).copy() for linear in linears]

    def _has_norms(self):
        return hasattr(self, "_recipe") and self._recipe[3] is not None

    def _forget_modules(self):
        for name in OF_MODULES:
            vars(self).pop(name, None)

    def training_data(self, which):
        """During a fit with `callbacks`, the data that they may score.

        Parameters
        ----------
        which : {"train", "valid"}

        Returns
        -------
        X, y : arrays
        """
        part = getattr(self, "_parts", {}).get(which)
        if part is None:
            raise ValueError("There are no validation data. Pass X_val and y_val to fit, or set early_stopping=True.")
        return part.X, self._labels(get_engine(part.Y).to_numpy(part.Y))

    def _outputs_of_module(self, X, n_layers=None):
        """The engine, and what comes out of the network, or out of its first layers."""
        parts = [part.X for part in getattr(self, "_parts", {}).values() if part is not None]
        if not any(X is known for known in parts):  # data of a callback have been checked, and lost their names
            dtype = np.dtype(self._recipe[-1]).type
            X = check_predict(self, X, accept_sparse="csr", dtype=(dtype,))
        engine, module = get_engine(X), self.module_
        if module.engine is not engine:
            module = copy.deepcopy(module).pack(engine)
        link, layers = LINKS[self.out_activation_], module if n_layers is None else module.layers[:n_layers]
        function = layers if n_layers is not None else lambda rows: link(layers(rows))
        return engine, outputs_of(module, function, Samples(engine, X))


def _targets(data, output):
    """Codes of classes for the softmax, else what the network is to predict."""
    return data.Y[:, 0].astype(np.int64) if output == "softmax" else data.Y


def _without_zeros(engine, data):
    """Without the samples whose weight is 0: they count no more than if they were not there."""
    weight = engine.to_numpy(data.sample_weight)
    if weight.all():
        return data
    rows = np.flatnonzero(weight)
    return type(data)(*(take(engine, array, rows) for array in data))


def take(engine, array, rows):
    """Rows, given on the host, of an array of the engine, or of a sparse matrix."""
    return None if array is None else array[rows if issparse(array) else engine.asarray(rows)]
