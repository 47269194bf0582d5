"""What MLPClassifier and MLPRegressor share: the fit, from validated arrays to attributes."""

import warnings
from collections import namedtuple
from numbers import Integral, Real

import numpy as np
from scipy.sparse import issparse
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state

from ghostflow_learn._base import BaseEstimator
from ghostflow_learn._engine import get_engine
from ghostflow_learn._engine._mlp import HIDDEN, Data, Network, Training, layers
from ghostflow_learn._validation import (
    Interval,
    Options,
    StrOptions,
    check_fit,
    check_is_fitted,
    check_predict,
    check_weight,
)
from ghostflow_learn._validation._mlp import AdamOptimizer, SGDOptimizer

from .._callbacks import LRScheduler
from .._layers.perceptron import one_for_each
from .._net.params import CallbackParams
from ._fused import FusedTrainer, Optimizer
from ._lbfgs import minimize
from ._module_fit import ModuleFit, take
from ._stochastic import Progress, Settings, run_epochs

STOCHASTIC = ("sgd", "adam")

Task = namedtuple("Task", "X Y sample_weight output loss")
Task.__doc__ = """Validated data, `Y` and weights in the dtype of X, the last activation, and what `find_loss` gave."""


class BaseMLP(CallbackParams, ModuleFit, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """A perceptron; what it learns from, and how it is scored, are its subclasses'."""

    _parameter_constraints: dict = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [str, callable, list, tuple],
        "solver": [StrOptions({"lbfgs", "sgd", "adam"})],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"})],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "power_t": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "nesterovs_momentum": ["boolean"],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="left")],
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "beta_2": [Interval(Real, 0, 1, closed="left")],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), Options(Real, {np.inf})],
        "max_fun": [Interval(Integral, 1, None, closed="left")],
        "loss": [str, callable],
        "dropout": [Interval(Real, 0, 1, closed="left"), list, tuple],
        "norm": [StrOptions({"batch", "layer"}), None],
        "residual": ["boolean"],
        "optimizer": [str, callable, None],
        "scheduler": [str, callable, LRScheduler, None],
        "clip_norm": [Interval(Real, 0, None, closed="neither"), None],
        "clip_value": [Interval(Real, 0, None, closed="neither"), None],
        "accumulate_grad_batches": [Interval(Integral, 1, None, closed="left")],
        "callbacks": [list, tuple, None],
        "progress_bar": ["boolean"],
        "dtype": [StrOptions({"float32", "float64"}), None],
    }

    def _has_epochs(self):
        if self.solver not in STOCHASTIC and self.optimizer is None:
            raise AttributeError(
                f"partial_fit is only available for stochastic optimizers. {self.solver} is not stochastic."
            )
        return True

    def _starts_afresh(self, incremental):
        return not hasattr(self, "coefs_") or not (self.warm_start or incremental)

    def _learn(self, task, validation=None, incremental=False):
        """Fit on validated data; the first fit, or one without `warm_start`, draws the weights."""
        rng, afresh = check_random_state(self.random_state), self._starts_afresh(incremental)
        sizes, beyond = self._sizes(task), self._beyond(task.loss)
        self._check_beyond(beyond, sizes[1:-1])
        if afresh:
            self._initialize(sizes, task.output, task.X.dtype, rng)
        self._check_continues(sizes)
        engine = get_engine(task.X)
        if beyond:
            self._learn_by_module(engine, task, validation, rng, incremental, afresh)
        else:
            self._learn_fused(engine, task, validation, rng, incremental, afresh)
        if not all(np.isfinite(array).all() for array in self.coefs_ + self.intercepts_):
            raise ValueError(
                "Solver produced non-finite parameter weights. The input data may contain large values and need to be "
                "preprocessed. Scale X, and y in regression, for example with StandardScaler."
            )
        return self

    def _learn_fused(self, engine, task, validation, rng, incremental, afresh):
        if not afresh and self._has_norms():
            raise ValueError("the fitted network has norms. Set warm_start=False to fit another, or keep norm.")
        self._forget_modules()
        network = Network(self._sizes(task), self.activation, task.output)
        if self.solver == "lbfgs":
            params = self._minimize(engine, task, network)
        else:
            params = self._run(engine, task, validation, network, rng, incremental, afresh)
        self._take(engine.to_numpy(params))

    def _sizes(self, task):
        hidden = self.hidden_layer_sizes
        hidden = list(hidden) if hasattr(hidden, "__iter__") else [hidden]
        if any(size <= 0 for size in hidden):
            raise ValueError(f"hidden_layer_sizes must be > 0, got {hidden}.")
        return (task.X.shape[1], *map(int, hidden), self._n_outputs(task))

    def _initialize(self, sizes, output, dtype, rng):
        """scikit-learn's attributes before the first epoch, and its draws (Glorot and Bengio)."""
        self.n_iter_ = self.t_ = 0
        self.n_outputs_, self.n_layers_ = sizes[-1], len(sizes)
        self.out_activation_ = output
        self.coefs_, self.intercepts_ = [], []
        activations = one_for_each("activation", self.activation, sizes[1:-1])
        activations += activations[-1:] or (self.activation,)
        for n_in, n_out, activation in zip(sizes, sizes[1:], activations):
            is_logistic = isinstance(activation, str) and activation in ("logistic", "sigmoid")
            bound = np.sqrt((2.0 if is_logistic else 6.0) / (n_in + n_out))
            self.coefs_.append(rng.uniform(-bound, bound, (n_in, n_out)).astype(dtype, copy=False))
            self.intercepts_.append(rng.uniform(-bound, bound, n_out).astype(dtype, copy=False))

    def _check_continues(self, wanted):
        sizes = (len(self.coefs_[0]), *(W.shape[1] for W in self.coefs_))
        if sizes != wanted:
            raise ValueError(
                f"the fitted network has layers of {list(sizes)} units, these parameters and data ask for "
                f"{list(wanted)}. Set warm_start=False to fit another, or keep hidden_layer_sizes and the "
                "outputs of y."
            )

    def _packed(self, dtype):
        """All parameters in one new array, weights first."""
        return np.concatenate([a.ravel() for a in self.coefs_ + self.intercepts_], dtype=dtype)

    def _cut(self, flat):
        """Views of a flat array in the shapes of `coefs_` and `intercepts_`."""
        ends = np.cumsum([a.size for a in self.coefs_ + self.intercepts_])[:-1]
        return [a.reshape(b.shape) for a, b in zip(np.split(flat, ends), self.coefs_ + self.intercepts_)]

    def _take(self, flat):
        arrays = self._cut(flat)
        self.coefs_, self.intercepts_ = arrays[: len(self.coefs_)], arrays[len(self.coefs_) :]

    def _minimize(self, engine, task, network):
        """lbfgs, in float64 as SciPy's driver is."""
        X, Y, weight = (None if a is None else engine.asarray(a) for a in task[:3])
        X, Y, weight = (None if a is None else a.astype(np.float64, copy=False) for a in (X, Y, weight))
        limits = {"maxfun": self.max_fun, "maxiter": self.max_iter, "gtol": self.tol}
        start = self._packed(np.float64)
        found = minimize(engine, Data(X, Y, weight), start, network, self.alpha, limits, self.verbose)
        self.loss_, self.n_iter_ = found.loss, found.n_iter
        return found.params.astype(task.X.dtype, copy=False)

    def _run(self, engine, task, validation, network, rng, incremental, afresh):
        """Epochs of a stochastic solver; `loss_curve_` and the like are set even if Ctrl-C ends it."""
        if self.early_stopping and incremental:
            raise ValueError("partial_fit does not support early_stopping=True")
        progress = self._progress(afresh, has_losses=validation is not None)
        train, validation = self._split(engine, task, validation, rng)
        params = engine.asarray(self._packed(task.X.dtype))
        optimizer = Optimizer(self._optimizer_to_go_on_with(incremental), engine)
        progress.best = params.copy() if self.early_stopping else None
        settings = self._settings(train.X.shape[0], incremental)
        training = Training(train, settings.batch_size, params, optimizer.state, network, float(self.alpha))

        def check():
            """Score and loss on validation data, as far as somebody asks for them."""
            score = None
            if self.early_stopping:
                outputs = engine.nn_mlp.forward(validation.X, layers(params, network), network)
                score = self._score_of(engine, validation, outputs, network.output)
            asked = progress.validation_losses is not None
            return score, engine.nn_mlp.loss_gradient(validation, params, network, 0.0)[0] if asked else None

        run_epochs(FusedTrainer(engine, training, optimizer), progress, settings, rng, check)
        optimizer.put_back(engine, self._cut)
        self._optimizer = optimizer.theirs
        self._note(progress)
        return progress.best if self.early_stopping else params

    def _validation_data(self, X_val, y_val):
        """Checked validation data, or None. The features and labels are those of `fit`."""
        if (X_val is None) != (y_val is None):
            raise ValueError("X_val and y_val come together: got only one of them.")
        if X_val is None:
            return None
        if self.solver == "lbfgs" and self.optimizer is None:
            raise ValueError("X_val needs epochs to validate after: solver='lbfgs' has none. Use 'adam' or 'sgd'.")
        checks = {**self._dtype_check(), "accept_sparse": "csr", "multi_output": True}
        X_val, y_val = check_fit(self, X_val, y_val, reset=False, **checks)
        return Data(X_val, self._targets(X_val, y_val), None)

    def _dtype_check(self):
        return {} if self.dtype is None else {"dtype": (np.dtype(self.dtype).type,)}

    def _split(self, engine, task, validation, rng, keep_sparse=False):
        """Training data, and validation data or None, on the engine's device; sparse X may stay on the host."""

        def place(array):
            return array if array is None or (keep_sparse and issparse(array)) else engine.asarray(array)

        arrays = [place(array) for array in task[:3]]
        if validation is not None:
            if validation.Y.shape[1] != task.Y.shape[1]:
                raise ValueError(
                    f"y_val has {validation.Y.shape[1]} outputs, y has {task.Y.shape[1]}: both need the same columns."
                )
            dtype = task.X.dtype
            return Data(*arrays), Data(*(place(a).astype(dtype, copy=False) for a in validation[:2]), None)
        if not self.early_stopping:
            return Data(*arrays), None
        stratify = engine.to_numpy(task.Y).astype(bool) if self._is_stratified(task) else None
        parts = train_test_split(
            np.arange(task.X.shape[0]), random_state=rng, test_size=self.validation_fraction, stratify=stratify
        )
        if len(parts[1]) < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' or the size of your dataset."
            )
        return tuple(Data(*(take(engine, array, part) for array in arrays)) for part in parts)

    def _optimizer_to_go_on_with(self, incremental):
        if incremental and hasattr(self, "_optimizer"):
            return self._optimizer
        arrays = self.coefs_ + self.intercepts_
        if self.solver == "adam":
            return AdamOptimizer(arrays, self.learning_rate_init, self.beta_1, self.beta_2, self.epsilon)
        return SGDOptimizer(
            arrays,
            self.learning_rate_init,
            self.learning_rate,
            self.momentum,
            self.nesterovs_momentum,
            self.power_t,
        )

    def _progress(self, afresh, has_losses):
        """A new one, or that of the fit which this one continues."""
        progress = Progress(self.early_stopping, has_losses)
        if not afresh:
            progress.t = self.t_
            for name in ("loss_curve", "validation_scores", "best_validation_score", "best_loss"):
                if getattr(self, f"{name}_", None) is not None:
                    setattr(progress, name, getattr(self, f"{name}_"))
            progress.stale = getattr(self, "_no_improvement_count", 0)
            if has_losses:
                progress.validation_losses = getattr(self, "validation_loss_curve_", [])
        return progress

    def _note(self, progress):
        self.n_iter_, self.t_, self._no_improvement_count = progress.n_iter, progress.t, progress.stale
        self.loss_, self.loss_curve_, self.best_loss_ = progress.loss, progress.loss_curve, progress.best_loss
        self.validation_scores_ = progress.validation_scores
        self.best_validation_score_ = progress.best_validation_score
        if progress.validation_losses is not None:
            self.validation_loss_curve_ = progress.validation_losses
        elif hasattr(self, "validation_loss_curve_"):
            del self.validation_loss_curve_

    def _settings(self, n_samples, incremental, whole=False):
        """With `whole`, all samples are a batch unless `batch_size` says otherwise."""
        size = min(n_samples if whole else 200, n_samples) if self.batch_size == "auto" else self.batch_size
        if size > n_samples:
            warnings.warn(
                "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped. "
                f"batch_size={size}, samples to train on: {n_samples}."
            )
        own = {name: getattr(self, name) for name in Settings._fields if hasattr(self, name)}
        return Settings(**{**own, "batch_size": min(int(size), n_samples), "one_epoch": incremental})

    def transform(self, X, layer=-2):
        """What comes out of one of the layers: a representation of the samples that the network has learnt.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        layer : int, default=-2
            From 1, the first hidden layer, to ``n_layers_ - 1``, the outputs; -1 is the outputs, too, and -2 the last
            hidden layer. After the activation.

        Returns
        -------
        H : array of shape (n_samples, n_units)
        """
        check_is_fitted(self, "coefs_")
        n_layers = self.n_layers_
        at = layer + n_layers if isinstance(layer, Integral) and layer < 0 else layer
        if not isinstance(layer, Integral) or not 1 <= at < n_layers:
            raise ValueError(
                f"layer must be 1 to {n_layers - 1}, or -1 to {1 - n_layers} counted from the outputs, in this network "
                f"of {n_layers} layers. Got {layer!r} instead."
            )
        engine, H = self._forward(X) if at == n_layers - 1 else self._forward(X, at)
        return engine.hand_back(H, like=X)

    @property
    def _n_features_out(self):
        return len(self.coefs_[-1])

    def _forward(self, X, n_layers=None):
        """The engine, and the outputs of the network for X, not validated yet, or of its first layers."""
        if not hasattr(self, "coefs_"):
            check_is_fitted(self, "coefs_")
        if hasattr(self, "module_"):
            return self._outputs_of_module(X, n_layers)
        data = check_predict(self, X, accept_sparse="csr", **self._dtype_check())
        engine = get_engine(data)
        pairs = [
            (engine.asarray(W).astype(data.dtype, copy=False), engine.asarray(b).astype(data.dtype, copy=False))
            for W, b in zip(self.coefs_[:n_layers], self.intercepts_[:n_layers])
        ]
        output = self.out_activation_ if n_layers is None else "identity"
        network = Network((len(pairs[0][0]), *(len(b) for _, b in pairs)), self.activation, output)
        values = engine.nn_mlp.forward(engine.asarray(data), pairs, network)
        return engine, values if n_layers is None else engine.nn_dense.activate(values, self.activation, 0.0)

    def _no_counterpart(self):
        """Why scikit-learn's class cannot hold this model; None where it can."""
        names = [name for name in ("norm", "residual") if getattr(self, name)]
        if not isinstance(self.activation, str) or self.activation not in HIDDEN:
            names.append("activation")
        if getattr(self, "out_activation_", None) == "softmax" and self.n_outputs_ == 2:
            names.append("loss")
        if names:
            return f"scikit-learn's {type(self).__name__} has no {' or '.join(names)} such as this one's."
        return None

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def weight_of(sample_weight, X):
    """Checked weights in the dtype of X, or None where all samples weigh the same."""
    return None if sample_weight is None else check_weight(sample_weight, X)
