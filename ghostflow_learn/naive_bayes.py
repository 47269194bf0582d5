"""Naive Bayes; a name that is not here is scikit-learn's own."""

from numbers import Real

import numpy as np
from sklearn.base import ClassifierMixin

from . import _names
from ._base import BaseEstimator
from ._engine import get_engine
from ._validation import (
    Interval,
    check_fit,
    check_partial_fit_classes,
    check_predict,
    check_weight,
    encode_labels,
    fit_context,
    take_labels,
)

__getattr__, __dir__ = _names.fall_through(__name__)


class GaussianNB(ClassifierMixin, BaseEstimator):
    """Naive Bayes with a Gaussian for each feature in each class.

    Predicts the class with the largest ``log P(class) + sum_j log N(x_j; theta_j, var_j)``. Features are taken to be
    independent within a class, so `fit` is one pass over the data: a baseline, and a model that learns from a stream by
    `partial_fit`.

    Parameters
    ----------
    priors : array-like of shape (n_classes,), default=None
        Probabilities of the classes; by default those of the training data.
    var_smoothing : float, default=1e-9
        Part of the largest variance of all features that is added to every variance, so that none is 0.

    Attributes
    ----------
    class_count_ : ndarray of shape (n_classes,)
        Number of samples of each class, or the sum of their weights.
    class_prior_ : ndarray of shape (n_classes,)
        Probability of each class.
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    epsilon_ : float
        What is added to the variances.
    n_features_in_ : int
        Number of features seen during `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where `X` has names that are all strings.
    var_ : ndarray of shape (n_classes, n_features)
        Variance of each feature in each class, `epsilon_` included.
    theta_ : ndarray of shape (n_classes, n_features)
        Mean of each feature in each class.

    Notes
    -----
    Means and variances come from one pass over the data, in chunks that are centred before they are squared, summed in
    float64. `predict` needs no memory beyond the labels.

    References
    ----------
    Chan, Golub, LeVeque: Algorithms for computing the sample variance. The American Statistician 37 (1983),
    doi:10.1080/00031305.1983.10483115

    Examples
    --------
    >>> from ghostflow_learn.naive_bayes import GaussianNB
    >>> X = [[-1, -1], [-2, -1], [-3, -2], [1, 1], [2, 1], [3, 2]]
    >>> model = GaussianNB().fit(X, [1, 1, 1, 2, 2, 2])
    >>> model.predict([[-0.8, -1]])
    array([1])
    >>> model.theta_
    array([[-2.        , -1.33333333],
           [ 2.        ,  1.33333333]])
    """

    _parameter_constraints: dict = {
        "priors": ["array-like", None],
        "var_smoothing": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(self, *, priors=None, var_smoothing=1e-9):
        self.priors = priors
        self.var_smoothing = var_smoothing

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Learn the Gaussians of each class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        self : GaussianNB
        """
        X, y = check_fit(self, X, y, numeric=True)
        classes, codes = encode_labels(y)
        self.classes_ = None
        check_partial_fit_classes(self, classes)
        return self._learn(X, codes, sample_weight, first_call=True)

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Learn from one more batch.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        classes : array-like of shape (n_classes,), default=None
            All labels there will be. The first call needs them.
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        self : GaussianNB
        """
        first_call = check_partial_fit_classes(self, classes)
        X, y = check_fit(self, X, y, reset=first_call, numeric=True)
        return self._learn(X, _positions(self.classes_, y), sample_weight, first_call)

    def predict(self, X):
        """The most probable class of each sample.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        y : array of shape (n_samples,)
        """
        engine, codes = self._evaluate("classify", X)
        return take_labels(engine, self.classes_, codes, like=X)

    def predict_joint_log_proba(self, X):
        """Log of the probability of each class times the density of each sample in it.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        jll : array of shape (n_samples, n_classes)
        """
        engine, jll = self._evaluate("joint_log_likelihood", X)
        return engine.hand_back(jll, like=X)

    def predict_log_proba(self, X):
        """Logarithm of `predict_proba`, exact where that is 0.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        log_proba : array of shape (n_samples, n_classes)
        """
        engine, jll = self._evaluate("joint_log_likelihood", X)
        return engine.hand_back(_normalized(engine.xp, jll), like=X)

    def predict_proba(self, X):
        """Probability of each class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        proba : array of shape (n_samples, n_classes)
        """
        engine, jll = self._evaluate("joint_log_likelihood", X)
        log_proba = _normalized(engine.xp, jll)
        return engine.hand_back(engine.xp.exp(log_proba, out=log_proba), like=X)

    def _learn(self, X, codes, sample_weight, first_call):
        if sample_weight is not None:
            sample_weight = check_weight(sample_weight, X)
        if first_call:
            self._start(X.dtype)
        moments, variance = _class_moments(X, codes, len(self.classes_), sample_weight)
        self.epsilon_ = X.dtype.type(self.var_smoothing * variance.max())
        if not first_call:
            self.var_ -= self.epsilon_
        self._add(*moments)
        self.var_ += self.epsilon_
        if self.priors is None:
            self.class_prior_ = self.class_count_ / self.class_count_.sum()
        return self

    def _start(self, dtype):
        shape = (len(self.classes_), self.n_features_in_)
        self.theta_, self.var_ = np.zeros(shape, dtype), np.zeros(shape, dtype)
        self.class_count_ = np.zeros(len(self.classes_), dtype)
        self.class_prior_ = _checked_priors(self.priors, len(self.classes_), dtype)

    def _add(self, weight, mean, ssd):
        """Put the moments of a batch together with those of the batches before."""
        count = weight[:, 0]
        weight = np.where(np.isclose(weight, 0), 0, weight)  # scikit-learn leaves such a class as it was
        past = np.broadcast_to(self.class_count_[:, None].astype(np.float64), weight.shape)
        parts = np.stack([(past, self.theta_, past * self.var_), (weight, mean, ssd)], axis=1)
        total, mean, ssd = get_engine().columns.merge(*parts)
        dtype = self.theta_.dtype
        self.theta_ = mean.astype(dtype)
        self.var_ = np.divide(ssd, total, out=self.var_.astype(np.float64), where=total > 0).astype(dtype)
        self.class_count_ += count.astype(dtype)

    def _evaluate(self, op, X):
        data = check_predict(self, X, numeric=True)
        engine = get_engine(data)
        with np.errstate(divide="ignore"):  # a class without samples has the logarithm -inf
            parameters = self.theta_, self.var_, np.log(self.class_prior_)
        return engine, getattr(engine.naive_bayes, op)(engine.asarray(data), *map(engine.asarray, parameters))


def _class_moments(X, codes, n_classes, sample_weight):
    """((weight, mean, ssd) of each class, variance of each feature in X as a whole without weights); host arrays."""
    engine = get_engine(X)
    X, codes = engine.asarray(X), engine.asarray(codes)
    if sample_weight is not None:
        sample_weight = engine.asarray(sample_weight)
    moments = engine.columns.group_moments(X, codes, n_classes, sample_weight)
    unweighted = engine.columns.merge(*moments) if sample_weight is None else engine.columns.moments(X)
    _, _, ssd = unweighted
    return [engine.to_numpy(moment) for moment in moments], engine.to_numpy(ssd) / len(X)


def _positions(classes, y):
    """The position of each label among `classes`."""
    seen, codes = encode_labels(y)
    unknown = ~np.isin(seen, classes)
    if unknown.any():
        raise ValueError(f"The target label(s) {seen[unknown]} in y do not exist in the initial classes {classes}")
    return get_engine(codes).asarray(np.searchsorted(classes, seen))[codes]


def _checked_priors(priors, n_classes, dtype):
    if priors is None:
        return np.zeros(n_classes, dtype)
    priors = np.array(priors, dtype=dtype)
    if len(priors) != n_classes:
        raise ValueError("Number of priors must match number of classes.")
    if not np.isclose(priors.sum(), 1.0):
        raise ValueError("The sum of the priors should be 1.")
    if (priors < 0).any():
        raise ValueError("Priors must be non-negative.")
    return priors


def _normalized(xp, jll):
    """`jll` less the logarithm of the sum of its exponentials in each row, in place."""
    jll -= jll.max(axis=1, keepdims=True)
    jll -= xp.log(xp.exp(jll).sum(axis=1, keepdims=True))
    return jll
