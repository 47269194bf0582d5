"""An autoencoder as a transformer: few numbers for each sample, from which the sample can be made again."""

import copy
from numbers import Integral, Real

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin

from .._engine import get_engine
from .._engine._neural import ACTIVATIONS
from .._validation import Interval, StrOptions, check_array, check_fit, check_is_fitted, check_weight, fit_context
from . import _functions as F
from ._layers.autoencoder import Autoencoder, Corruption, dense_decoder, dense_encoder, tied_decoder
from ._losses import BCELoss, BCEWithLogitsLoss, CrossEntropyLoss, PoissonLoss, find_loss
from ._module import Module
from ._net.base import NeuralNet
from ._training import Samples

SHARED = (
    "criterion",
    "optimizer",
    "lr",
    "max_epochs",
    "batch_size",
    "accumulate_grad_batches",
    "shuffle",
    "validation_fraction",
    "callbacks",
    "dtype",
    "warm_start",
    "verbose",
    "random_state",
)
RANGES = {BCELoss: (0, 1), BCEWithLogitsLoss: (0, 1), CrossEntropyLoss: (0, 1), PoissonLoss: (0, np.inf)}


class AutoencoderTransformer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, NeuralNet):
    """Learns a few numbers for each sample from which a decoder makes the sample again.

    The loss is the mean over samples and features of ``(decoder(encoder(x)) - x)^2``, or any other. Without hidden
    layers it spans what PCA does; with them it follows curved structure. Scale the features before.

    Parameters
    ----------
    n_components : int, default=2
        Outputs of the encoder.
    hidden_layer_sizes : int or array-like of int, default=(100,)
        Sizes of the hidden layers of the encoder; the decoder has them in reverse.
    activation : str, default="relu"
        Of the hidden layers: a name that ``nn.Linear`` takes. The components have none.
    output_activation : str, default="identity"
        Of what the decoder returns. "bce" needs "sigmoid" or the like; "bce_with_logits", "cross_entropy" and "poisson"
        bring their own, which only `inverse_transform` and the scores apply.
    tied : bool, default=False
        The decoder uses the weights of the encoder, transposed.
    encoder : Module, default=None
        Instead of the layers above: a copy is trained. It must return ``n_components`` columns.
    decoder : Module, default=None
        Instead of the encoder's mirror image; it must return ``n_features`` columns.
    noise : float >= 0, default=0.0
        Standard deviation of normal noise that the encoder sees on its input in training; the loss compares with the
        input without it.
    masking : float in [0, 1), default=0.0
        Part of the input that the encoder sees as 0 in training, at random in each step.
    criterion : str, class or callable, default="mse"
        The loss: a name or class of ``nn.losses``, made with ``criterion__x``, or a function of prediction, target and
        sample_weight, which may be None, that returns a Tensor of one number.
    optimizer : str or class, default="adam"
        A name or class of ``optim``, made with ``optimizer__x``, such as ``optimizer__weight_decay=1e-4``.
    lr : float > 0, default=0.01
        Learning rate.
    max_epochs : int >= 1, default=50
        Passes over the data.
    batch_size : int or None, default=128
        Samples of a step, and of a call of the modules in prediction. None takes all at once.
    accumulate_grad_batches : int >= 1, default=1
        Batches whose gradients a step averages: that of a batch so many times as large, in the memory of one.
    shuffle : bool, default=True
        Take the samples in a new order each epoch.
    validation_fraction : float in (0, 1) or None, default=None
        Part of the training data that is set aside to compute ``valid_loss``, where `fit` gets no `X_val`.
    callbacks : list of Callbacks, or of (name, Callback), default=None
        Such as ``[EarlyStopping()]``. Each without a name gets that of its class in lower case.
    dtype : {"float32", "float64"}, default="float32"
        Of the data, the parameters and the components.
    warm_start : bool, default=False
        Go on from the last fit, with what its optimizer remembers.
    verbose : int, default=0
        Print a line for each epoch.
    random_state : int, RandomState or None, default=None
        Initial values, noise, order of the samples, and validation data.
    **params
        ``criterion__x``, ``optimizer__x``, and ``iterator__x`` of :class:`DataLoader`.

    Attributes
    ----------
    module_ : Module
        With ``encoder`` and ``decoder``, which :func:`save` and :func:`to_onnx` take, too.
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
    number of threads. Of sparse data the batch at hand is made dense.

    References
    ----------
    Hinton, Salakhutdinov: Reducing the dimensionality of data with neural networks. Science 313 (2006),
    doi:10.1126/science.1127647
    Vincent et al.: Extracting and composing robust features with denoising autoencoders. ICML 2008,
    doi:10.1145/1390156.1390294

    Examples
    --------
    >>> import numpy as np
    >>> from ghostflow_learn.neural import AutoencoderTransformer
    >>> angle = np.linspace(0, 3, 300)
    >>> X = np.column_stack([np.cos(angle), np.sin(angle)])
    >>> model = AutoencoderTransformer(1, activation="tanh", random_state=0).fit(X)
    >>> model.transform(X).shape
    (300, 1)
    >>> bool(model.score(X) > -0.01)
    True
    """

    _parameter_constraints: dict = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "output_activation": [StrOptions(set(ACTIVATIONS))],
        "tied": ["boolean"],
        "encoder": [Module, None],
        "decoder": [Module, None],
        "noise": [Interval(Real, 0, None, closed="left")],
        "masking": [Interval(Real, 0, 1, closed="left")],
        **{name: NeuralNet._parameter_constraints[name] for name in SHARED},
    }
    _prefixes = ("criterion", "optimizer", "iterator")
    _outputs_mean = "one output for each feature"

    def __init__(
        self,
        n_components=2,
        hidden_layer_sizes=(100,),
        activation="relu",
        *,
        output_activation="identity",
        tied=False,
        encoder=None,
        decoder=None,
        noise=0.0,
        masking=0.0,
        criterion="mse",
        optimizer="adam",
        lr=0.01,
        max_epochs=50,
        batch_size=128,
        accumulate_grad_batches=1,
        shuffle=True,
        validation_fraction=None,
        callbacks=None,
        dtype="float32",
        warm_start=False,
        verbose=0,
        random_state=None,
        **params,
    ):
        self.n_components = n_components
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.output_activation = output_activation
        self.tied = tied
        self.encoder = encoder
        self.decoder = decoder
        self.noise = noise
        self.masking = masking
        self.criterion = criterion
        self.optimizer = optimizer
        self.lr = lr
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.accumulate_grad_batches = accumulate_grad_batches
        self.shuffle = shuffle
        self.validation_fraction = validation_fraction
        self.callbacks = callbacks
        self.dtype = dtype
        self.warm_start = warm_start
        self.verbose = verbose
        self.random_state = random_state
        self._take_further(params)

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, sample_weight=None, *, X_val=None, sample_weight_val=None):
        """Train encoder and decoder.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
        y : ignored
        sample_weight : array-like of shape (n_samples,), default=None
        X_val, sample_weight_val : as X and sample_weight, default=None
            Validation data, instead of a part of `X`.

        Returns
        -------
        self : AutoencoderTransformer
        """
        fresh = not (self.warm_start and hasattr(self, "module_"))
        return self._fit(X, None, sample_weight, (X_val, None, sample_weight_val), fresh, self.max_epochs)

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None, sample_weight=None):
        """Train for one epoch, without validation.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
        y : ignored
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        self : AutoencoderTransformer
        """
        return self._fit(X, None, sample_weight, None, not hasattr(self, "module_"), 1)

    def transform(self, X):
        """What the encoder makes of each sample.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        X_new : array of shape (n_samples, n_components)
        """
        engine, code = self._computed(self._checked(X), lambda net, rows: net.module_.encoder(rows))
        return engine.hand_back(code, like=X)

    def inverse_transform(self, X):
        """What the decoder makes of components.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components)

        Returns
        -------
        X_original : array of shape (n_samples, n_features)
        """
        check_is_fitted(self, "module_")
        code = check_array(X, dtype=(np.dtype(self.dtype).type,))
        if code.shape[1] != self._n_features_out:
            raise ValueError(
                f"X has {code.shape[1]} features, but inverse_transform expects {self._n_features_out}: what transform "
                "returns."
            )
        function = self._nonlinearity()
        engine, X_original = self._computed(code, lambda net, rows: function(net.module_.decoder(rows)))
        return engine.hand_back(X_original, like=X)

    def score_samples(self, X):
        """Minus the mean squared error of each sample made again: low for samples unlike those of the fit.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        scores : array of shape (n_samples,)
        """
        function = lambda net, rows: -F.square(net._reconstructed(rows) - rows).mean(axis=1)
        engine, scores = self._computed(self._checked(X), function)
        return engine.hand_back(scores, like=X)

    def score(self, X, y=None, sample_weight=None):
        """The mean of `score_samples`: minus the mean squared error, whatever the criterion is.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
        y : ignored
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        score : float
        """
        scores = self.score_samples(X)
        engine = get_engine(scores)
        weight = None if sample_weight is None else engine.to_numpy(check_weight(sample_weight, scores[:, None]))
        return float(np.average(engine.to_numpy(scores).astype(np.float64), weights=weight))

    def _reconstructed(self, X):
        return self._nonlinearity()(self._columns(X))

    def _learn_target(self, y):
        pass

    def _check(self, X, y, *, reset):
        return check_fit(self, X, reset=reset, **self._data_checks()), None

    def _data_checks(self):
        return super()._data_checks() | {"allow_nd": False}

    def _encode(self, y):
        return None

    def _part(self, X, y, sample_weight):
        criterion = find_loss(self.criterion)
        low, high = RANGES.get(criterion if isinstance(criterion, type) else type(criterion), (-np.inf, np.inf))
        if (low > -np.inf and X.min() < low) or (high < np.inf and X.max() > high):
            raise ValueError(
                f"criterion={self.criterion!r} needs X {'>= 0' if high == np.inf else 'in [0, 1]'}. Got "
                f"{float(X.min()):.3g} to {float(X.max()):.3g}. Use MinMaxScaler, or criterion='mse'."
            )
        return super()._part(X, y, sample_weight)

    def _samples(self, engine, part):
        return _OwnTargets(engine, part.X, None, part.weight)

    def _n_outputs(self, train):
        return train.X.shape[1]

    @property
    def _n_features_out(self):
        return self._n_components

    def _new_module(self, train):
        if self.tied and (self.encoder is not None or self.decoder is not None):
            raise ValueError("tied=True ties the layers made here: leave out encoder and decoder, or set tied=False.")
        sizes = self._hidden()
        encoder, decoder = copy.deepcopy(self.encoder), copy.deepcopy(self.decoder)
        if encoder is None:
            encoder = dense_encoder(self.n_components, sizes, self.activation)
        if self.tied:
            decoder = tied_decoder(encoder, self.activation, self.output_activation)
        elif decoder is None:
            decoder = dense_decoder(train.X.shape[1], sizes, self.activation, self.output_activation)
        corrupts = self.noise or self.masking
        return Autoencoder(encoder, decoder, Corruption(self.noise, self.masking) if corrupts else None)

    def _hidden(self):
        sizes = self.hidden_layer_sizes
        sizes = [int(size) for size in sizes] if hasattr(sizes, "__iter__") else [int(sizes)]
        if any(size <= 0 for size in sizes):
            raise ValueError(f"hidden_layer_sizes must be > 0, got {sizes}.")
        return sizes

    def _check_output(self, output, n_samples):
        super()._check_output(output, n_samples)
        X = self._parts["train"].X[:1]
        code = self.module_.encoder(Samples(get_engine(X), X)[:][0])
        if code.shape != (1, self.n_components):
            raise ValueError(
                f"The encoder must return shape (1, {self.n_components}) for one sample. Got {code.shape} instead. "
                "Change its last layer, or n_components."
            )
        self._n_components = self.n_components

    def _nonlinearity(self):
        if isinstance(self.criterion_, CrossEntropyLoss):
            return lambda x: F.softmax(x, axis=1)
        output = getattr(self.criterion_, "output", "mean")
        return {"logits": F.sigmoid, "log_mean": F.exp}.get(output, lambda x: x)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = [self.dtype]
        return tags


class _OwnTargets(Samples):
    """Samples that are their own targets."""

    def __getitem__(self, rows):
        X, _, weight = super().__getitem__(rows)
        return X, X.data, weight
