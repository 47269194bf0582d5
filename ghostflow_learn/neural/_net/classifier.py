"""Classifiers that train any module: one output for each class."""

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets

from ..._validation import StrOptions, check_partial_fit_classes, encode_labels, fit_context, take_labels
from .. import _functions as F
from .._layers import MLP
from .base import NeuralNet


class Classifier(ClassifierMixin, NeuralNet):
    """What both classifiers share: labels and their codes."""

    _parameter_constraints: dict = {
        **NeuralNet._parameter_constraints,
        "class_weight": [StrOptions({"balanced"}), dict, None],
    }
    _target_checks = {}
    _default_output = "logits"

    def _learn_target(self, y):
        check_classification_targets(y)
        self.classes_ = encode_labels(y)[0]
        self._weigh_classes(y)

    def _weigh_classes(self, y):
        weights = self.class_weight and compute_class_weight(self.class_weight, classes=self.classes_, y=y)
        self._by_class = None if weights is None else weights.astype(self.dtype)

    def _first_classes(self, classes):
        """Take the classes of a first partial_fit; True if it is one."""
        first = check_partial_fit_classes(self, classes)
        if self.class_weight == "balanced":
            raise ValueError("class_weight='balanced' needs all of y at once. Pass a dict to partial_fit, or use fit.")
        if first:
            self._weigh_classes(self.classes_)
        return first

    def _codes(self, y):
        check_classification_targets(y)
        unseen = np.setdiff1d(y, self.classes_)
        if len(unseen):
            raise ValueError(
                f"y has labels {unseen.tolist()} that are not among the classes {self.classes_.tolist()} of the fit. "
                "Name all of them in the first partial_fit, or fit anew."
            )
        return np.searchsorted(self.classes_, y)

    def _with_class_weight(self, weight, y):
        if self._by_class is None:
            return weight
        by_sample = self._by_class[self._codes(y)]
        return by_sample if weight is None else weight * by_sample

    def _strata(self, part):
        return self._codes(part.y)


class NeuralNetClassifier(Classifier):
    """Trains a module whose outputs are the logits of two or more classes.

    The loss is the mean over the samples of ``-log softmax(module(x))[y]``, or any other. A layer without a size for
    its input takes it from the data, and ``n_outputs`` is filled in.

    Parameters
    ----------
    module : class of Modules, or a Module, default=MLP
        What is trained. A class is made with the parameters ``module__x``; ``n_outputs`` and ``n_features`` are filled
        in from the data where it takes them. Of a Module a copy is trained.
    criterion : str, class or callable, default="cross_entropy"
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
    class_weight : dict, "balanced" or None, default=None
        Multiplies the weights of the samples of each class.
    nonlinearity : {"auto"}, callable or None, default="auto"
        From what the module predicts to probabilities, a function of a Tensor.
        By default what belongs to the criterion: softmax for logits, exp for log probabilities.
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
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
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
    >>> from ghostflow_learn.datasets import load_iris
    >>> from ghostflow_learn.neural import NeuralNetClassifier, nn
    >>> X, y = load_iris(return_X_y=True)
    >>> class Small(nn.Module):
    ...     def __init__(self, n_outputs, width=16):
    ...         self.hidden, self.out = nn.Linear(width, activation="tanh"), nn.Linear(n_outputs)
    ...     def forward(self, x):
    ...         return self.out(self.hidden(x))
    >>> net = NeuralNetClassifier(Small, module__width=8, random_state=0).fit(X, y)
    >>> bool(net.score(X, y) > 0.95)
    True
    >>> print(net.summary())
    module            output  parameters
    Small             (1, 3)
      hidden: Linear  (1, 8)          40
      out: Linear     (1, 3)          27
    total                             67
    """

    def __init__(
        self,
        module=MLP,
        criterion="cross_entropy",
        optimizer="adam",
        *,
        lr=0.01,
        max_epochs=50,
        batch_size=128,
        accumulate_grad_batches=1,
        shuffle=True,
        validation_fraction=None,
        callbacks=None,
        class_weight=None,
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
        self.class_weight = class_weight
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
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), default=None
        X_val, y_val, sample_weight_val : the same, default=None
            Validation data, instead of a part of `X`.

        Returns
        -------
        self : NeuralNetClassifier
        """
        fresh = not (self.warm_start and hasattr(self, "module_"))
        return self._fit(X, y, sample_weight, (X_val, y_val, sample_weight_val), fresh, self.max_epochs)

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Train for one epoch, without validation.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features), or array of shape (n_samples, ...)
        y : array-like of shape (n_samples,)
        classes : array-like of shape (n_classes,), default=None
            All labels there will be. The first call needs them.
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        self : NeuralNetClassifier
        """
        fresh = not hasattr(self, "module_")
        self._first_classes(classes)
        return self._fit(X, y, sample_weight, None, fresh, 1)

    def predict(self, X):
        """The most probable class of each sample.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features), or array of shape (n_samples, ...)

        Returns
        -------
        y : array of shape (n_samples,)
        """
        engine, proba = self._probabilities(X)
        return take_labels(engine, self.classes_, proba.argmax(axis=1), like=X)

    def predict_proba(self, X):
        """Probability of each class, in the order of `classes_`.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features), or array of shape (n_samples, ...)

        Returns
        -------
        proba : array of shape (n_samples, n_classes)
        """
        engine, proba = self._probabilities(X)
        return engine.hand_back(proba, like=X)

    def predict_log_proba(self, X):
        """Logarithm of `predict_proba`.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features), or array of shape (n_samples, ...)

        Returns
        -------
        log_proba : array of shape (n_samples, n_classes)
        """
        engine, proba = self._probabilities(X)
        with np.errstate(divide="ignore"):
            return engine.hand_back(engine.xp.log(proba), like=X)

    def _probabilities(self, X):
        return self._predicted(X)

    def _encode(self, y):
        return self._codes(y)

    def _n_outputs(self, train):
        return len(self.classes_)

    @property
    def _outputs_mean(self):
        return f"one output for each of {len(self.classes_)} classes"

    def _link(self, x):
        return F.softmax(x, axis=1)
