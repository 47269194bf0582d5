"""A classifier of two classes that trains any module with one output."""

from numbers import Real

import numpy as np
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from ..._validation import Interval, fit_context, take_labels
from .. import _functions as F
from .._layers import MLP
from .classifier import Classifier


class NeuralNetBinaryClassifier(Classifier):
    """Trains a module whose only output is the logit of the second of two classes.

    The loss is the mean over the samples of ``-log sigmoid(+-module(x))``, or any other.

    Parameters
    ----------
    module : class of Modules, or a Module, default=MLP
        What is trained. A class is made with the parameters ``module__x``; ``n_outputs`` and ``n_features`` are filled
        in from the data where it takes them. Of a Module a copy is trained.
    criterion : str, class or callable, default="bce_with_logits"
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
    threshold : float, default=0.5
        Probability from which a sample is of the second class.
    nonlinearity : {"auto"}, callable or None, default="auto"
        From what the module predicts to the probability of the second class, a function of a Tensor.
        By default what belongs to the criterion: sigmoid for logits, nothing for probabilities.
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
    classes_ : ndarray of shape (2,)
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
    >>> from ghostflow_learn.datasets import load_breast_cancer
    >>> from ghostflow_learn.neural import NeuralNetBinaryClassifier
    >>> from ghostflow_learn.pipeline import make_pipeline
    >>> from ghostflow_learn.preprocessing import StandardScaler
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> net = make_pipeline(StandardScaler(), NeuralNetBinaryClassifier(random_state=0)).fit(X, y)
    >>> bool(net.score(X, y) > 0.97)
    True
    """

    _parameter_constraints: dict = {
        **Classifier._parameter_constraints,
        "threshold": [Interval(Real, 0, 1, closed="both")],
    }
    _outputs_mean = "one output, of the second class"

    def __init__(
        self,
        module=MLP,
        criterion="bce_with_logits",
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
        threshold=0.5,
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
        self.threshold = threshold
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
        self : NeuralNetBinaryClassifier
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
        self : NeuralNetBinaryClassifier
        """
        fresh = not hasattr(self, "module_")
        if self._first_classes(classes):
            self._require_two()
        return self._fit(X, y, sample_weight, None, fresh, 1)

    def predict(self, X):
        """The second class where its probability reaches `threshold`, else the first.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features), or array of shape (n_samples, ...)

        Returns
        -------
        y : array of shape (n_samples,)
        """
        engine, proba = self._predicted(X)
        codes = (proba[:, 0] >= self.threshold).astype(np.int64)
        return take_labels(engine, self.classes_, codes, like=X)

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
        engine, proba = self._predicted(X)
        return engine, engine.xp.concatenate([1 - proba, proba], axis=1)

    def _learn_target(self, y):
        check_classification_targets(y)
        if type_of_target(y, input_name="y") != "binary":
            raise ValueError(
                "Only binary classification is supported. The type of the target is "
                f"{type_of_target(y, input_name='y')}. Use NeuralNetClassifier."
            )
        super()._learn_target(y)
        self._require_two()

    def _require_two(self):
        if len(self.classes_) != 2:
            raise ValueError(
                f"NeuralNetBinaryClassifier needs two classes. Got {len(self.classes_)} class: {self.classes_.tolist()}"
            )

    def _encode(self, y):
        return self._codes(y).astype(self.dtype)[:, None]

    def _n_outputs(self, train):
        return 1

    def _link(self, x):
        return F.sigmoid(x)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags
