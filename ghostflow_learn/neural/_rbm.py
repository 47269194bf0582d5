"""Restricted Boltzmann machine of binary units."""

import time
from collections import namedtuple
from numbers import Integral, Real

import numpy as np
from scipy.sparse import issparse
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state, gen_even_slices

from .._base import BaseEstimator
from .._engine import get_engine
from .._validation import Interval, check_fit, check_is_fitted, check_predict, fit_context

DRAWS = 2**18  # uniform numbers drawn, and sent to a GPU, at a time
BLOCK = 2**18  # hidden units whose energies are compared at a time

# weights : (n_features, n_components); hidden, visible : intercepts; h : (batch_size, n_components), the Markov chains
_Machine = namedtuple("_Machine", ["weights", "hidden", "visible", "h"])


class BernoulliRBM(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Restricted Boltzmann machine with binary visible and hidden units.

    Models P(v, h) proportional to exp(v'W h + a'v + b'h) by persistent contrastive divergence: the gradient of the
    likelihood is the correlation of v and h in the data less that in samples of the model, which come from Markov
    chains that go on from one batch to the next. Use it to learn binary features without labels.

    Parameters
    ----------
    n_components : int, default=256
        Number of hidden units.
    learning_rate : float, default=0.1
        Step along the mean gradient of a batch. Worth tuning, from 1 down to 0.001.
    batch_size : int, default=10
        Samples per step, and number of Markov chains.
    n_iter : int, default=10
        Passes over the training data.
    verbose : int, default=0
        Whether to print the mean pseudo-likelihood after each pass, which costs about a :meth:`score_samples`.
    random_state : int, RandomState instance or None, default=None
        Start weights, samples of the chains, and the features that :meth:`score_samples` flips; scikit-learn's for
        the same seed.

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features)
        W'.
    intercept_hidden_ : ndarray of shape (n_components,)
        b.
    intercept_visible_ : ndarray of shape (n_features,)
        a.
    h_samples_ : ndarray of shape (batch_size, n_components)
        Hidden units of the Markov chains, 0 or 1.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Defined when X has feature names that are all strings.

    Notes
    -----
    A step costs five products of a batch with W, and writes W once. All random numbers are drawn on the host. Float32
    stays float32 in :meth:`fit`; :meth:`partial_fit` starts in float64, as scikit-learn's does. A sparse X is computed
    on the CPU; only the batch at hand is made dense.

    References
    ----------
    Tieleman: Training restricted Boltzmann machines using approximations to the likelihood gradient,
    doi:10.1145/1390156.1390290.

    Examples
    --------
    >>> import numpy as np
    >>> from ghostflow_learn.neural_network import BernoulliRBM
    >>> X = np.array([[0, 0, 1, 1], [1, 1, 0, 0]] * 20)
    >>> rbm = BernoulliRBM(n_components=2, n_iter=200, random_state=0).fit(X)
    >>> rbm.transform(X[:2]).round(1)
    array([[1., 0.],
           [0., 1.]])
    """

    _parameter_constraints: dict = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "n_iter": [Interval(Integral, 0, None, closed="left")],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
    }

    def __init__(self, n_components=256, *, learning_rate=0.1, batch_size=10, n_iter=10, verbose=0, random_state=None):
        self.n_components = n_components
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.n_iter = n_iter
        self.verbose = verbose
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Learn the weights from X.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Values between 0 and 1.
        y : ignored

        Returns
        -------
        self : BernoulliRBM
        """
        X = check_fit(self, X, accept_sparse="csr")
        rng = check_random_state(self.random_state)
        self._start(rng, X.shape[1], X.dtype)
        engine = get_engine(X)
        X, machine = engine.asarray(X), self._machine(engine)
        for iteration in range(1, self.n_iter + 1):
            begin = time.time()
            _one_pass(engine, X, machine, float(self.learning_rate), rng)
            if self.verbose:
                self._report(iteration, engine, X, machine, time.time() - begin)
        self._keep(engine, machine)
        return self

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None):
        """Take one step along the gradient of X, which is one batch.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Values between 0 and 1.
        y : ignored

        Returns
        -------
        self : BernoulliRBM
        """
        is_first = not hasattr(self, "components_")
        X = check_fit(self, X, reset=is_first, accept_sparse="csr", dtype=np.float64)
        if not hasattr(self, "random_state_"):
            self.random_state_ = check_random_state(self.random_state)
        if is_first:
            self._start(self.random_state_, X.shape[1], X.dtype)
        engine = get_engine(X)
        X, machine = engine.asarray(X), self._machine(engine)
        _step(engine, X, machine, float(self.learning_rate), *next(_uniforms(engine, self.random_state_, machine, 1)))
        self._keep(engine, machine)
        return self

    def transform(self, X):
        """The probability of each hidden unit, P(h = 1 | v = X).

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        X_new : array of shape (n_samples, n_components)
        """
        check_is_fitted(self)
        data = check_predict(self, X, accept_sparse="csr")
        engine = get_engine(data)
        return engine.hand_back(_mean_hiddens(engine, engine.asarray(data), self._machine(engine)), like=X)

    def gibbs(self, v):
        """One Gibbs step: sample the hidden units given `v`, then the visible ones given those.

        Parameters
        ----------
        v : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        v_new : bool array of shape (n_samples, n_features)
        """
        check_is_fitted(self)
        if not hasattr(self, "random_state_"):
            self.random_state_ = check_random_state(self.random_state)
        engine = get_engine(v)
        machine = self._machine(engine)
        h = _sample(engine, _mean_hiddens(engine, engine.asarray(v), machine), self.random_state_)
        v_new = _sample(engine, _mean_visibles(engine, h.astype(machine.weights.dtype), machine), self.random_state_)
        return engine.hand_back(v_new, like=v)

    def score_samples(self, X):
        """The pseudo-likelihood of each sample: its number of features times log P(x_j | the others), j at random.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Values 0 and 1, which is not checked.

        Returns
        -------
        pseudo_likelihood : array of shape (n_samples,)
            Stochastic: with `random_state` an int, always the same.
        """
        check_is_fitted(self)
        data = check_predict(self, X, accept_sparse="csr")
        engine = get_engine(data)
        scores = _pseudo_likelihood(
            engine, engine.asarray(data), self._machine(engine), check_random_state(self.random_state)
        )
        return engine.hand_back(scores, like=X)

    def _start(self, rng, n_features, dtype):
        components = rng.normal(0, 0.01, (self.n_components, n_features))
        self.components_ = np.asarray(components, dtype=dtype, order="F")
        self.intercept_hidden_ = np.zeros(self.n_components, dtype)
        self.intercept_visible_ = np.zeros(n_features, dtype)
        self.h_samples_ = np.zeros((self.batch_size, self.n_components), dtype)

    def _machine(self, engine):
        attributes = self.components_.T, self.intercept_hidden_, self.intercept_visible_, self.h_samples_
        return _Machine(*map(engine.asarray, attributes))

    def _keep(self, engine, machine):
        weights, self.intercept_hidden_, self.intercept_visible_, self.h_samples_ = map(engine.to_numpy, machine)
        self.components_ = weights.T

    def _report(self, iteration, engine, X, machine, seconds):
        score = _pseudo_likelihood(engine, X, machine, check_random_state(self.random_state)).mean()
        print(
            f"[{type(self).__name__}] Iteration {iteration}, pseudo-likelihood = {float(score):.2f}, "
            f"time = {seconds:.2f}s"
        )

    # Under scikit-learn's names, which its users call to see what a machine believes.

    def _mean_hiddens(self, v):
        engine = get_engine(v)
        return engine.hand_back(_mean_hiddens(engine, engine.asarray(v), self._machine(engine)), like=v)

    def _sample_hiddens(self, v, rng):
        engine = get_engine(v)
        p = _mean_hiddens(engine, engine.asarray(v), self._machine(engine))
        return engine.hand_back(_sample(engine, p, rng), like=v)

    @property
    def _n_features_out(self):
        return self.components_.shape[0]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _one_pass(engine, X, machine, learning_rate, rng):
    """Steps over all batches of X, in order; in place in the arrays of `machine`."""
    n_samples, batch_size = X.shape[0], len(machine.h)
    n_batches = -(-n_samples // batch_size)
    batches = gen_even_slices(n_batches * batch_size, n_batches, n_samples=n_samples)
    for batch, uniforms in zip(batches, _uniforms(engine, rng, machine, n_batches), strict=True):
        _step(engine, X[batch], machine, learning_rate, *uniforms)


def _uniforms(engine, rng, machine, n_steps):
    """Yield for each step the random numbers of the visible and of the hidden units, drawn many steps at once."""
    (n_features, n_components), n_chains = machine.weights.shape, len(machine.h)
    n_visible, n_draws = n_chains * n_features, n_chains * (n_features + n_components)
    n_at_once = max(1, DRAWS // n_draws)
    for start in range(0, n_steps, n_at_once):
        drawn = engine.asarray(rng.uniform(size=(min(n_at_once, n_steps - start), n_draws)))
        for i in range(len(drawn)):
            yield drawn[i, :n_visible].reshape(n_chains, -1), drawn[i, n_visible:].reshape(n_chains, -1)


def _step(engine, v_data, machine, learning_rate, u_visible, u_hidden):
    """One step of persistent contrastive divergence, in place in the arrays of `machine`.

    Parameters
    ----------
    engine : module
    v_data : (n, n_features), or a CSR matrix
    machine : _Machine
    learning_rate : float
    u_visible : (n_chains, n_features)
    u_hidden : (n_chains, n_components)
        Uniform on [0, 1).
    """
    xp, n = engine.xp, v_data.shape[0]
    v_data = v_data.toarray() if issparse(v_data) else v_data
    v_model = u_visible < _mean_visibles(engine, machine.h, machine)
    # Data and model as one matrix: one product gives all hidden units, and one the difference of the correlations.
    v = xp.concatenate([v_data, v_model.astype(v_data.dtype)])
    h = _mean_hiddens(engine, v, machine)
    machine.h[...] = u_hidden < h[n:]
    h *= learning_rate / n
    h[n:] *= -1
    weights, hidden, visible, _ = machine
    weights += engine.centered.rmatmul(v, h)
    hidden += h.sum(axis=0)
    visible += learning_rate / n * (v_data.sum(axis=0, dtype=np.float64) - v_model.sum(axis=0))


def _mean_hiddens(engine, v, machine):
    """P(h = 1 | v), (n_samples, n_components), or (n_components,) for a single v."""
    z = _product(engine, v, machine.weights)
    z += machine.hidden
    return _sigmoid(engine, z)


def _mean_visibles(engine, h, machine):
    """P(v = 1 | h), (n_samples, n_features)"""
    z = _product(engine, h, machine.weights.T)
    z += machine.visible
    return _sigmoid(engine, z)


def _product(engine, v, B):
    """v B"""
    if issparse(v):
        return engine.centered.matmul(v.tocsr(), B)
    # Threads share the rows of many, the inner dimension of few.
    is_wide = v.ndim == 1 or v.shape[1] > 4 * len(v)
    return engine.linalg.matmul(v, B) if is_wide else engine.centered.matmul(v, B)


def _sigmoid(engine, z):
    """1 / (1 + exp(-z)), in place."""
    xp = engine.xp
    with np.errstate(over="ignore"):  # 1 / inf is right
        xp.exp(xp.negative(z, out=z), out=z)
    z += 1
    return xp.reciprocal(z, out=z)


def _sample(engine, p, rng):
    """True with probability p."""
    return engine.asarray(rng.uniform(size=p.shape)) < p


def _pseudo_likelihood(engine, X, machine, rng):
    """n_features * log P(x_j | the other features), for one feature j of each sample at random.

    P is the logistic function of the difference of two free energies, F(v) = -a'v - sum_k log(1 + exp(z_k)) with
    z = v'W + b: that of v with x_j flipped, whose z differs by a multiple of row j of W, less that of v.
    """
    xp, (n_samples, n_features) = engine.xp, X.shape
    flipped = rng.randint(0, n_features, n_samples)
    weights, hidden, visible, _ = machine
    gains = xp.empty(n_samples, dtype=np.result_type(X.dtype, weights.dtype))
    n_rows = max(1, BLOCK // len(hidden))
    for start in range(0, n_samples, n_rows):
        rows = slice(start, start + n_rows)
        v, j = X[rows], engine.asarray(flipped[rows])
        change = 1 - 2 * _one_of_each(xp, v, j)
        z = _product(engine, v, weights) + hidden
        z_flipped = z + change[:, None] * weights[j]
        difference = _softplus(xp, z) - _softplus(xp, z_flipped)
        gains[rows] = difference.sum(axis=1) - change * visible[j]
    return -n_features * xp.logaddexp(gains.dtype.type(0), -gains)


def _one_of_each(xp, v, j):
    """v[i, j[i]] for each i"""
    values = v[xp.arange(len(j)), j]
    return np.asarray(values).ravel() if issparse(v) else values


def _softplus(xp, z):
    """log(1 + exp(z)); the absolute error is that of 1."""
    return xp.maximum(z, 0) + xp.log(1 + xp.exp(-abs(z)))
