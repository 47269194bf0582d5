"""Classification by a multilayer perceptron."""

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if

from ghostflow_learn._validation import StrOptions, check_partial_fit_classes, fit_context, take_labels

from ._base import BaseMLP
from ._classes import ClassTargets


class MLPClassifier(ClassifierMixin, ClassTargets):
    """A multilayer perceptron that classifies.

    Minimises the mean of ``-log P(class)`` plus ``alpha / (2 n) ||weights||^2``. The probabilities are the softmax of
    the outputs for three classes or more, else the logistic function of one; for several labels at once there is one
    logistic output for each. For data whose features are scaled alike.

    Parameters
    ----------
    hidden_layer_sizes : int or array-like of int, default=(100,)
        Units of each hidden layer.
    activation : str, callable, or list of them, default="relu"
        Of the hidden layers, or of each its own. scikit-learn's are "identity", "logistic", "tanh" and "relu". Beyond
        them: "gelu", "swish", "mish", "elu", "selu", "leaky_relu", "softplus", "prelu", "softmax" and "log_softmax", a
        function of a Tensor, a module or a class of modules.
    solver : {"lbfgs", "sgd", "adam"}, default="adam"
        "adam" and "sgd" learn from batches, "lbfgs" from all samples at once: better for a few hundred of them.
    alpha : float, default=0.0001
        Strength of the L2 penalty on weights; it is divided by the number (or weight) of the samples of a batch.
    batch_size : int or "auto", default="auto"
        Samples of a step; ``min(200, n_samples)`` for "auto". Not for "lbfgs".
    learning_rate : {"constant", "invscaling", "adaptive"}, default="constant"
        For "sgd": the rate stays, or is divided by ``(t_ + 1) ** power_t`` after each epoch, or by 5 each time
        `n_iter_no_change` epochs bring no improvement, until it is below 1e-6.
    learning_rate_init : float, default=0.001
        For "sgd" and "adam".
    power_t : float, default=0.5
        For "sgd" with "invscaling".
    max_iter : int, default=200
        Epochs, or iterations of "lbfgs".
    shuffle : bool, default=True
        Whether each epoch takes the samples in an order of its own.
    random_state : int, RandomState instance or None, default=None
        First weights, the split for early stopping and the order of samples: scikit-learn's draws.
    tol : float, default=0.0001
        An epoch is an improvement if the loss falls, or the validation score rises, by more. For "lbfgs" on the
        largest component of the gradient.
    verbose : bool, default=False
        Whether to print a line for each epoch or iteration.
    warm_start : bool, default=False
        Whether `fit` goes on with the network of the last fit.
    momentum : float, default=0.9
        For "sgd", in [0, 1].
    nesterovs_momentum : bool, default=True
        For "sgd".
    early_stopping : bool, default=False
        Whether to set `validation_fraction` of the samples aside, stop when their score no longer improves, and keep
        the weights with the best score. Not for "lbfgs".
    validation_fraction : float, default=0.1
        In [0, 1).
    beta_1 : float, default=0.9
        For "adam": how much of the first moment a step keeps, in [0, 1).
    beta_2 : float, default=0.999
        For "adam": how much of the second moment a step keeps, in [0, 1).
    epsilon : float, default=1e-08
        For "adam": added to the root of the second moment.
    n_iter_no_change : int or inf, default=10
        Epochs without an improvement after which "sgd" and "adam" stop.
    max_fun : int, default=15000
        For "lbfgs": evaluations of the loss.
    class_weight : dict, list of dict or "balanced", default=None
        Factors of the weights of the samples of each class; "balanced" makes them inversely proportional to the
        frequencies of the classes. With several labels a dict for each. Not in scikit-learn's, as the following.
    loss : str, class or callable, default="log_loss"
        A name or class of ``nn.losses``, such as "focal" or "cross_entropy", one of them, or a function ``(prediction,
        target, sample_weight)`` that returns a Tensor of one number. The prediction has a logit for each class, or
        label; the target codes of classes, or a column of 0 and 1 for each label.
    dropout : float in [0, 1), or list of them, default=0.0
        Part of the outputs of each hidden layer, or of each its own, that a training step leaves out.
    norm : {"batch", "layer"} or None, default=None
        Normalises what goes into the activation of each hidden layer, over the batch or over its units.
    residual : bool, default=False
        Whether to add its input to what comes out of a hidden layer that is as wide as the hidden layer before it.
    optimizer : str, class or callable, default=None
        In place of `solver` and its parameters: a name or class of ``neural.optim``, made with `learning_rate_init`, or
        a function ``(module, lr)`` that makes one. "lbfgs" takes all samples at once where `batch_size` is "auto".
    scheduler : str, class, callable or LRScheduler, default=None
        A schedule of ``neural.optim.schedules`` or its name, which steps after each epoch, a function that makes one
        from the optimizer, or a callback `LRScheduler` that holds its parameters. "CosineAnnealingLR" and "OneCycle"
        last `max_iter` epochs.
    clip_norm : float > 0, default=None
        The gradients of a step, all together, are scaled down to this norm where it is larger.
    clip_value : float > 0, default=None
        Each gradient is limited to plus or minus this value, before the norm is.
    accumulate_grad_batches : int, default=1
        Batches whose gradients a step averages: that of a batch so many times as large, in the memory of one.
    callbacks : list of Callback, or of (name, Callback), default=None
        Such as ``EarlyStopping()`` or ``Checkpoint()`` of `neural`. They read `module_`, `optimizer_` and `history_`.
    progress_bar : bool, default=False
        Whether to draw a bar on stderr.
    dtype : {"float32", "float64"} or None, default=None
        Of data and parameters; by default that of X.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted; the numbers of the columns for multilabel targets.
    n_layers_ : int
        Layers, input and output included.
    n_outputs_ : int
    out_activation_ : str
        Activation of the last layer.
    coefs_ : list of ndarray of shape (n_in, n_out)
        Weights of each layer, in the dtype of X.
    intercepts_ : list of ndarray of shape (n_out,)
    loss_ : float
        Of the last epoch, or at the minimum of "lbfgs".
    loss_curve_ : list of float
        Loss of each epoch; only with "sgd" and "adam", as the following.
    best_loss_ : float or None
        The least of them; None with `early_stopping`.
    validation_scores_ : list of float or None
        Score of each epoch, only with `early_stopping`.
    best_validation_score_ : float or None
        The largest of them, only with `early_stopping`.
    validation_loss_curve_ : list of float
        Loss of the validation data after each epoch, without the penalty; only if `fit` was given `X_val`, or with
        `module_` and `early_stopping`.
    module_ : Module
        The network, only where it was trained by the tensor engine; it predicts. `coefs_` are copies of its weights.
    optimizer_ : Optimizer
        Only with `module_`, as the following.
    callbacks_ : dict
        Only with `module_`: copies of the callbacks, by name.
    history_ : list of dict
        Only with `module_`: for each epoch "epoch", "lr", "train_loss", "valid_loss", "valid_score", "seconds".
    n_iter_ : int
        Epochs or iterations of the last fit.
    t_ : int
        Samples seen in training, each as often as it was.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where all of them are strings.

    Notes
    -----
    The same seed gives scikit-learn's `loss_curve_`, to rounding, and the same model at any number of threads. Float32
    data are trained in float32, in about half the time. Small networks run as one compiled loop over the steps of an
    epoch, wide ones as matrix products in blocks on all threads. A batch whose samples all weigh 0 is passed over. If
    the weights overflow, `fit` raises an error that names the epoch; with `early_stopping` it warns and keeps the best.
    Ctrl-C ends the training of "sgd" and "adam" and keeps the model.

    `dropout` to `progress_bar`, and activations and losses that scikit-learn lacks, make the network a module that the
    tensor engine trains, with the same first weights, batches, penalty (on the weights of linear layers alone) and
    stopping; small networks then take several times as long. Samples of weight 0 are left out there.

    References
    ----------
    D. P. Kingma and J. Ba, "Adam: a method for stochastic optimization", 2014, doi:10.48550/arXiv.1412.6980.
    X. Glorot and Y. Bengio, "Understanding the difficulty of training deep feedforward neural networks", AISTATS 2010.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from ghostflow_learn.neural_network import MLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> model = MLPClassifier(max_iter=500, random_state=0).fit(X, y)
    >>> round(model.score(X, y), 2)
    0.98
    >>> model.predict(X[:2])
    array([0, 0])
    """

    _parameter_constraints: dict = {
        **BaseMLP._parameter_constraints,
        "class_weight": [dict, list, StrOptions({"balanced"}), None],
    }

    def __init__(
        self,
        hidden_layer_sizes=(100,),
        activation="relu",
        *,
        solver="adam",
        alpha=0.0001,
        batch_size="auto",
        learning_rate="constant",
        learning_rate_init=0.001,
        power_t=0.5,
        max_iter=200,
        shuffle=True,
        random_state=None,
        tol=1e-4,
        verbose=False,
        warm_start=False,
        momentum=0.9,
        nesterovs_momentum=True,
        early_stopping=False,
        validation_fraction=0.1,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        n_iter_no_change=10,
        max_fun=15000,
        class_weight=None,
        loss="log_loss",
        dropout=0.0,
        norm=None,
        residual=False,
        optimizer=None,
        scheduler=None,
        clip_norm=None,
        clip_value=None,
        accumulate_grad_batches=1,
        callbacks=None,
        progress_bar=False,
        dtype=None,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.class_weight = class_weight
        self.loss = loss
        self.dropout = dropout
        self.norm = norm
        self.residual = residual
        self.optimizer = optimizer
        self.scheduler = scheduler
        self.clip_norm = clip_norm
        self.clip_value = clip_value
        self.accumulate_grad_batches = accumulate_grad_batches
        self.callbacks = callbacks
        self.progress_bar = progress_bar
        self.dtype = dtype

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None, *, X_val=None, y_val=None):
        """Train the network.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Classes, or for each label whether the sample has it.
        sample_weight : array-like of shape (n_samples,), optional
            Ones by default.
        X_val, y_val : array-like, optional
            Samples to validate on after each epoch. With `early_stopping` their score decides, and all of `X` is learnt
            from.

        Returns
        -------
        self : MLPClassifier
        """
        task = self._validated(X, y, sample_weight, incremental=False)
        return self._learn(task, self._validation_data(X_val, y_val))

    @available_if(lambda model: model._has_epochs())
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, sample_weight=None, classes=None):
        """Train for one epoch more on these samples.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
        sample_weight : array-like of shape (n_samples,), optional
            Ones by default.
        classes : array-like of shape (n_classes,), default=None
            All labels there will be. The first call needs them.

        Returns
        -------
        self : MLPClassifier
        """
        classes_given = check_partial_fit_classes(self, classes)
        return self._learn(self._validated(X, y, sample_weight, True, classes_given), incremental=True)

    def predict(self, X):
        """The most probable class of each sample, or every label that is more probable than not.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        y : array of shape (n_samples,) or (n_samples, n_labels)
        """
        engine, outputs = self._forward(X)
        if self._label_binarizer.y_type_.startswith("multilabel"):
            labels = self._label_binarizer.inverse_transform(engine.to_numpy(outputs))
            return labels if self._label_binarizer.sparse_input_ else engine.hand_back(labels, like=X)
        if self.out_activation_ == "softmax":
            codes = outputs.argmax(axis=1)
        else:
            codes = ((outputs[:, 0] > 0.5) & (len(self.classes_) > 1)).astype(np.int64)
        return take_labels(engine, self.classes_, codes, like=X)

    def predict_proba(self, X):
        """Probability of each class, or label.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        proba : array of shape (n_samples, n_classes)
            Columns in the order of `classes_`.
        """
        engine, proba = self._proba(X)
        return engine.hand_back(proba, like=X)

    def predict_log_proba(self, X):
        """Logarithm of `predict_proba`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        log_proba : array of shape (n_samples, n_classes)
        """
        engine, proba = self._proba(X)
        with np.errstate(divide="ignore"):
            return engine.hand_back(engine.xp.log(proba), like=X)

    def _proba(self, X):
        engine, proba = self._forward(X)
        return engine, engine.xp.hstack([1 - proba, proba]) if proba.shape[1] == 1 else proba

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
