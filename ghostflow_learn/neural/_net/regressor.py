"""A regressor that trains any module."""

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils import column_or_1d

from ..._validation import fit_context
from .._layers import MLP
from .base import NeuralNet


class NeuralNetRegressor(RegressorMixin, NeuralNet):
    """Trains a module whose outputs are the targets.

    The loss is the mean over samples and targets of ``(module(x) - y)^2``, or any other. With the quantile loss there
    is one output for each level.

    Parameters
    ----------
    module : class of Modules, or a Module, default=MLP
        What is trained. A class is made with the parameters ``module__x``; ``n_outputs`` and ``n_features`` are filled
        in from the data where it takes them. Of a Module a copy is trained.
    criterion : str, class or callable, default="mse"
        The loss: a name or class of ``nn.losses``, made with ``criterion__x``, or a function of prediction, target and
        sample_weight, which may be None, that returns a Tensor of one number.
    optimizer : str or class, default="adam"
        A name or class of ``optim``, made with ``optimizer__x``.
    lr : float > 0, default=0.01
        Learning rate.
    max_epochs : int >= 1, default=50
        Passes over the data.
    batch_size : int or None, default=128
        Samples of a step, and of a call of the module in prediction. None takes all at once.
    accumulate_grad_batches : int >= 1, default=1
        Batches whose gradients a step averages: that of a batch so many times as large, in the memory of one.
    shuffle : bool, default=True
        Take the samples in a new order each epoch.
    validation_fraction : float in (0, 1) or None, default=None
        Part of the training data that is set aside to compute ``valid_loss``, where `fit` gets no `X_val`.
    callbacks : list of Callbacks, or of (name, Callback), default=None
        Each without a name gets that of its class in lower case.
    nonlinearity : {"auto"}, callable or None, default="auto"
        From what the module predicts to the prediction, a function of a Tensor.
        By default what belongs to the criterion: exp for the Poisson loss, nothing for others.
        None takes the prediction as it is.
    dtype : {"float32", "float64"}, default="float32"
        Of the data and the parameters.
    warm_start : bool, default=False
        Go on from the last fit, with what its optimizer remembers.
    verbose : int, default=0
        Print a line for each epoch.
    random_state : int, RandomState or None, default=None
        Initial values, dropout, order of the samples, and validation data.
    **params
        ``module__x``, ``criterion__x``, ``optimizer__x``, and ``iterator__x`` of :class:`DataLoader`, such as
        ``iterator__drop_last=True``.

    Attributes
    ----------
    module_ : Module
    criterion_ : callable
    optimizer_ : Optimizer
    callbacks_ : dict
        Copies of the callbacks, by name.
    history_ : list of dict
        For each epoch: ``epoch``, ``lr``, ``train_loss``, ``valid_loss`` where there are validation data, ``seconds``,
        and what callbacks add. `history` is the same as a DataFrame.
    n_features_in_ : int
        Number of features seen during `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where `X` has names that are all strings.

    Notes
    -----
    Ctrl-C ends the fit and keeps the model. A loss that is not finite raises. The model of a seed is the same on any
    number of threads. Modules, losses and callbacks need to be importable to be pickled. scikit-learn's own callbacks,
    where it has them, are told of each epoch: see ``set_callbacks``. In float32 a weight of two equals two samples, and
    a row alone is answered as in a batch, but for rounding, of about 1e-6; in float64 to 1e-12.

    Examples
    --------
    >>> import numpy as np
    >>> from ghostflow_learn.neural import NeuralNetRegressor
    >>> X = np.linspace(-3, 3, 200)[:, None]
    >>> net = NeuralNetRegressor(module__activation="tanh", max_epochs=200, random_state=0).fit(X, np.sin(X).ravel())
    >>> bool(net.score(X, np.sin(X).ravel()) > 0.95)
    True
    """

    _target_checks = {"multi_output": True, "y_numeric": True}
    _default_output = "mean"

    def __init__(
        self,
        module=MLP,
        criterion="mse",
        optimizer="adam",
        *,
        lr=0.01,
        max_epochs=50,
        batch_size=128,
        accumulate_grad_batches=1,
        shuffle=True,
        validation_fraction=None,
        callbacks=None,
        nonlinearity="auto",
        dtype="float32",
        warm_start=False,
        verbose=0,
        random_state=None,
        **params,
    ):
        self.module = module
        self.criterion = criterion
        self.optimizer = optimizer
        self.lr = lr
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.accumulate_grad_batches = accumulate_grad_batches
        self.shuffle = shuffle
        self.validation_fraction = validation_fraction
        self.callbacks = callbacks
        self.nonlinearity = nonlinearity
        self.dtype = dtype
        self.warm_start = warm_start
        self.verbose = verbose
        self.random_state = random_state
        self._take_further(params)

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None, *, X_val=None, y_val=None, sample_weight_val=None):
        """Train the module.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features), or array of shape (n_samples, ...)
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
        sample_weight : array-like of shape (n_samples,), default=None
        X_val, y_val, sample_weight_val : the same, default=None
            Validation data, instead of a part of `X`.

        Returns
        -------
        self : NeuralNetRegressor
        """
        fresh = not (self.warm_start and hasattr(self, "module_"))
        return self._fit(X, y, sample_weight, (X_val, y_val, sample_weight_val), fresh, self.max_epochs)

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, sample_weight=None):
        """Train for one epoch, without validation.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features), or array of shape (n_samples, ...)
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        self : NeuralNetRegressor
        """
        fresh = not hasattr(self, "module_")
        return self._fit(X, y, sample_weight, None, fresh, 1)

    def predict(self, X):
        """The targets of each sample, float32 where `X` is, else float64.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features), or array of shape (n_samples, ...)

        Returns
        -------
        y : array of shape (n_samples,), (n_samples, n_targets), or (n_samples, n_levels)
        """
        engine, y = self._predicted(X)
        exact = np.float64 if getattr(X, "dtype", None) != np.float32 else np.float32
        return engine.hand_back((y[:, 0] if y.shape[1] == 1 else y).astype(exact), like=X)

    def _learn_target(self, y):
        pass

    def _encode(self, y):
        y = column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y
        target = y.reshape(len(y), -1).astype(self.dtype)
        if not np.isfinite(target).all():
            raise ValueError(f"y has values too large for {self.dtype}. Scale it, or set dtype='float64'.")
        return target

    def _n_outputs(self, train):
        return len(getattr(self.criterion_, "levels", train.target.T))

    @property
    def _outputs_mean(self):
        return "one output for each target" + (" or level" if hasattr(self.criterion_, "levels") else "")

    def _link(self, x):
        return x

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
