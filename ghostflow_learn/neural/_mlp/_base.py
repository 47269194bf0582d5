"""What MLPClassifier and MLPRegressor share: the fit, from validated arrays to attributes."""

import warnings
from collections import namedtuple
from itertools import pairwise
from numbers import Integral, Real

import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state

from ghostflow_learn._base import BaseEstimator
from ghostflow_learn._engine import get_engine
from ghostflow_learn._engine._mlp import Data, Network, Training
from ghostflow_learn._validation import Interval, Options, StrOptions, check_fit, check_predict, check_weight
from ghostflow_learn._validation._mlp import AdamOptimizer, SGDOptimizer

from ._lbfgs import minimize
from ._stochastic import Optimizer, Progress, Settings, run_epochs

STOCHASTIC = ("sgd", "adam")

Task = namedtuple("Task", "X Y sample_weight output")
Task.__doc__ = """Validated data, `Y` and weights in the dtype of X, and the last activation, which is the loss."""


class BaseMLP(BaseEstimator):
    """A perceptron; what it learns from, and how it is scored, are its subclasses'."""

    _parameter_constraints: dict = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions({"identity", "logistic", "tanh", "relu"})],
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
    }

    def _has_epochs(self):
        if self.solver not in STOCHASTIC:
            raise AttributeError(
                f"partial_fit is only available for stochastic optimizers. {self.solver} is not stochastic."
            )
        return True

    def _starts_afresh(self, incremental):
        return not hasattr(self, "coefs_") or not (self.warm_start or incremental)

    def _learn(self, task, validation=None, incremental=False):
        """Fit on validated data; the first fit, or one without `warm_start`, draws the weights."""
        rng, afresh = check_random_state(self.random_state), self._starts_afresh(incremental)
        network = Network(self._sizes(task), self.activation, task.output)
        if afresh:
            self._initialize(network, task.X.dtype, rng)
        self._check_continues(network)
        engine = get_engine(task.X)
        if self.solver == "lbfgs":
            params = self._minimize(engine, task, network)
        else:
            params = self._run(engine, task, validation, network, rng, incremental, afresh)
        self._take(engine.to_numpy(params))
        if not all(np.isfinite(array).all() for array in self.coefs_ + self.intercepts_):
            raise ValueError(
                "Solver produced non-finite parameter weights. The input data may contain large values and need to be "
                "preprocessed. Scale X, and y in regression, for example with StandardScaler."
            )
        return self

    def _sizes(self, task):
        hidden = self.hidden_layer_sizes
        hidden = list(hidden) if hasattr(hidden, "__iter__") else [hidden]
        if any(size <= 0 for size in hidden):
            raise ValueError(f"hidden_layer_sizes must be > 0, got {hidden}.")
        return (task.X.shape[1], *map(int, hidden), self._n_outputs(task))

    def _initialize(self, network, dtype, rng):
        """scikit-learn's attributes before the first epoch, and its draws (Glorot and Bengio)."""
        self.n_iter_ = self.t_ = 0
        self.n_outputs_, self.n_layers_ = network.sizes[-1], len(network.sizes)
        self.out_activation_ = network.output
        self.coefs_, self.intercepts_ = [], []
        for n_in, n_out in pairwise(network.sizes):
            bound = np.sqrt((2.0 if network.activation == "logistic" else 6.0) / (n_in + n_out))
            self.coefs_.append(rng.uniform(-bound, bound, (n_in, n_out)).astype(dtype, copy=False))
            self.intercepts_.append(rng.uniform(-bound, bound, n_out).astype(dtype, copy=False))

    def _check_continues(self, network):
        sizes = (len(self.coefs_[0]), *(W.shape[1] for W in self.coefs_))
        if sizes != network.sizes:
            raise ValueError(
                f"the fitted network has layers of {list(sizes)} units, these parameters and data ask for "
                f"{list(network.sizes)}. Set warm_start=False to fit another, or keep hidden_layer_sizes and the "
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
            score = self._score_of(engine, validation, params, network) if self.early_stopping else None
            asked = progress.validation_losses is not None
            return score, engine.nn_mlp.loss_gradient(validation, params, network, 0.0)[0] if asked else None

        run_epochs(engine, training, optimizer, progress, settings, rng, check)
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
        if self.solver == "lbfgs":
            raise ValueError("X_val needs epochs to validate after: solver='lbfgs' has none. Use 'adam' or 'sgd'.")
        X_val, y_val = check_fit(self, X_val, y_val, accept_sparse="csr", multi_output=True, reset=False)
        return Data(X_val, self._targets(X_val, y_val), None)

    def _split(self, engine, task, validation, rng):
        """Training data, and validation data or None, on the engine's device."""
        arrays = [None if a is None else engine.asarray(a) for a in task[:3]]
        if validation is not None:
            if validation.Y.shape[1] != task.Y.shape[1]:
                raise ValueError(
                    f"y_val has {validation.Y.shape[1]} outputs, y has {task.Y.shape[1]}: both need the same columns."
                )
            dtype = task.X.dtype
            return Data(*arrays), Data(*(engine.asarray(a).astype(dtype, copy=False) for a in validation[:2]), None)
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
        return tuple(Data(*(None if a is None else a[engine.asarray(part)] for a in arrays)) for part in parts)

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

    def _settings(self, n_samples, incremental):
        size = min(200, n_samples) if self.batch_size == "auto" else self.batch_size
        if size > n_samples:
            warnings.warn(
                "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped. "
                f"batch_size={size}, samples to train on: {n_samples}."
            )
        own = {name: getattr(self, name) for name in Settings._fields if hasattr(self, name)}
        return Settings(**{**own, "batch_size": min(int(size), n_samples), "one_epoch": incremental})

    def _forward(self, X):
        """The engine, and the outputs of the network for X, not validated yet."""
        data = check_predict(self, X, accept_sparse="csr")
        engine = get_engine(data)
        pairs = [
            (engine.asarray(W).astype(data.dtype, copy=False), engine.asarray(b).astype(data.dtype, copy=False))
            for W, b in zip(self.coefs_, self.intercepts_)
        ]
        network = Network(None, self.activation, self.out_activation_)
        return engine, engine.nn_mlp.forward(engine.asarray(data), pairs, network)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def weight_of(sample_weight, X):
    """Checked weights in the dtype of X, or None where all samples weigh the same."""
    return None if sample_weight is None else check_weight(sample_weight, X)
