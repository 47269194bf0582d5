"""Classification by the nearest centroid."""

import warnings
from numbers import Real

import numpy as np
from scipy.sparse import csc_array, csr_array, issparse
from sklearn.base import ClassifierMixin
from sklearn.metrics import pairwise_distances_argmin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.sparsefuncs import csc_median_axis_0, inplace_column_scale, mean_variance_axis

from .._base import BaseEstimator
from .._engine import get_engine
from .._validation import (
    Interval,
    StrOptions,
    check_fit,
    check_is_fitted,
    check_predict,
    encode_labels,
    fit_context,
    take_labels,
)
from ._base import in_host_memory

CSR = {"accept_sparse": "csr", "accept_large_sparse": False}


def _is_euclidean(model):
    return model.metric == "euclidean"


class NearestCentroid(ClassifierMixin, BaseEstimator):
    """Classification by the nearest centroid.

    Predicts the class c with the least d(x, m_c), where m_c is the mean of its samples ("euclidean") or their median
    ("manhattan"); with priors that differ, the one with the largest 2 log P(c) - sum_j ((x_j - m_cj) / s_j)^2, where
    s_j is the standard deviation within classes. Use it as a baseline, and for texts.

    Parameters
    ----------
    metric : {"euclidean", "manhattan"}, default="euclidean"
    shrink_threshold : float, default=None
        By how many standard deviations the centroids move to that of all data, feature by feature, and not beyond:
        features that do not tell the classes apart drop out. None keeps them.
    priors : {"uniform", "empirical"} or array-like of shape (n_classes,), default="uniform"
        Probabilities of the classes.

    Attributes
    ----------
    centroids_ : ndarray of shape (n_classes, n_features)
    classes_ : ndarray of shape (n_classes,)
    class_prior_ : ndarray of shape (n_classes,)
    deviations_ : ndarray of shape (n_classes, n_features)
        From the centroid of all data, in standard deviations of the difference, after shrinking.
    within_class_std_dev_ : ndarray of shape (n_features,)
        In units of X.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Defined when X has feature names that are all strings.

    Raises
    ------
    ValueError
        If there is one class only, no feature varies, or a prior is negative.

    Notes
    -----
    Fitting reads X once or, for medians, sorts it. Sparse data are computed on the CPU and stay sparse.

    References
    ----------
    Tibshirani, Hastie, Narasimhan, Chu: Diagnosis of multiple cancer types by shrunken centroids of gene expression,
    PNAS 2002, doi:10.1073/pnas.082099299.

    Examples
    --------
    >>> from ghostflow_learn.neighbors import NearestCentroid
    >>> X = [[-1.0, -1.0], [-2.0, -1.0], [-3.0, -2.0], [1.0, 1.0], [2.0, 1.0], [3.0, 2.0]]
    >>> NearestCentroid().fit(X, [1, 1, 1, 2, 2, 2]).predict([[-0.8, -1.0]])
    array([1])
    """

    _parameter_constraints: dict = {
        "metric": [StrOptions({"manhattan", "euclidean"})],
        "shrink_threshold": [Interval(Real, 0, None, closed="neither"), None],
        "priors": ["array-like", StrOptions({"empirical", "uniform"})],
    }

    def __init__(self, metric="euclidean", *, shrink_threshold=None, priors="uniform"):
        self.metric = metric
        self.shrink_threshold = shrink_threshold
        self.priors = priors

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y):
        """Learn the centroids.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
            Classes: numbers or strings.

        Returns
        -------
        self : NearestCentroid
        """
        X, y = check_fit(self, X, y, **CSR)
        check_classification_targets(in_host_memory(y))
        self.classes_, codes = encode_labels(y)
        if len(self.classes_) < 2:
            raise ValueError(
                "The number of classes has to be greater than one; got 1 class. Add samples of another class."
            )
        engine = get_engine(X)
        counts, means, ssd, spread = _moments(engine, engine.asarray(X), engine.asarray(codes), len(self.classes_))
        self.class_prior_ = self._check_priors(counts)
        centroids = means
        if self.metric == "manhattan":
            centroids = _medians(engine, engine.asarray(X), engine.to_numpy(codes), len(self.classes_))
            ssd = ssd + counts[:, None] * (means - centroids) ** 2
        self._learn_deviations(counts, means, centroids, ssd, spread)
        return self

    def predict(self, X):
        """The class of the nearest centroid, or the likeliest where priors differ.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        y : array of shape (n_samples,)
        """
        check_is_fitted(self)
        if np.isclose(self.class_prior_, 1 / len(self.classes_)).all():
            data = check_predict(self, X, **CSR)
            engine = get_engine(data)
            codes = _nearest(engine, engine.asarray(data), self.centroids_, self.metric)
        else:
            engine, scores = self._scores(X)
            codes = scores.argmax(axis=1)
        return take_labels(engine, self.classes_, codes, like=X)

    @available_if(_is_euclidean)
    def decision_function(self, X):
        """Twice the logarithm of P(c) p(x | c), but for what all classes share; Euclidean only.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        scores : array of shape (n_samples, n_classes), or (n_samples,) for two classes
            For two classes, the second one's less the first one's.
        """
        engine, scores = self._scores(X)
        return engine.hand_back(scores[:, 1] - scores[:, 0] if len(self.classes_) == 2 else scores, like=X)

    @available_if(_is_euclidean)
    def predict_proba(self, X):
        """Probabilities that follow from :meth:`decision_function`; Euclidean only.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        proba : array of shape (n_samples, n_classes)
        """
        engine, log_proba = self._log_proba(X)
        return engine.hand_back(engine.xp.exp(log_proba), like=X)

    @available_if(_is_euclidean)
    def predict_log_proba(self, X):
        """Logarithms of :meth:`predict_proba`; Euclidean only.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        log_proba : array of shape (n_samples, n_classes)
        """
        engine, log_proba = self._log_proba(X)
        return engine.hand_back(log_proba, like=X)

    def _log_proba(self, X):
        engine, scores = self._scores(X)
        scores = scores - scores.max(axis=1)[:, None]
        return engine, scores - engine.xp.log(engine.xp.exp(scores).sum(axis=1))[:, None]

    def _scores(self, X):
        check_is_fitted(self)
        data = check_predict(self, X, **CSR, dtype=np.float64)
        engine = get_engine(data)
        scale = 1 / np.where(self.within_class_std_dev_ == 0, 1, self.within_class_std_dev_)
        data, centroids = _scaled(engine, data, scale), engine.asarray(self.centroids_ * scale)
        if self.metric == "euclidean":
            dists = engine.kmeans.distances(data, centroids)
        else:
            dists = _manhattan(engine, data, centroids)
        return engine, engine.asarray(2 * np.log(self.class_prior_)) - dists**2

    def _check_priors(self, counts):
        n_classes = len(counts)
        if isinstance(self.priors, str):
            return counts / counts.sum() if self.priors == "empirical" else np.full(n_classes, 1 / n_classes)
        priors = np.asarray(self.priors)
        if (priors < 0).any():
            raise ValueError("priors must be non-negative")
        if not np.isclose(priors.sum(), 1.0):
            warnings.warn(
                "The priors do not sum to 1. Normalizing such that it sums to one.", UserWarning, stacklevel=5
            )
            priors = priors / priors.sum()
        return priors

    def _learn_deviations(self, counts, means, centroids, ssd, spread):
        n_samples, center = counts.sum(), counts @ means / counts.sum()
        with np.errstate(divide="ignore", invalid="ignore"):
            self.within_class_std_dev_ = np.sqrt(ssd.sum(axis=0) / (n_samples - len(counts)))
        if (self.within_class_std_dev_ == 0).any():
            warnings.warn(
                "self.within_class_std_dev_ has at least 1 zero standard deviation."
                "Inputs within the same classes for at least 1 feature are identical.",
                UserWarning,
                stacklevel=5,
            )
        if (spread == 0).all():
            raise ValueError("All features have zero variance. Division by zero.")
        unit = np.sqrt(1 / counts - 1 / n_samples)[:, None]
        unit = unit * (self.within_class_std_dev_ + np.median(self.within_class_std_dev_))
        with np.errstate(divide="ignore", invalid="ignore"):
            self.deviations_ = (centroids - center) / unit
        if self.shrink_threshold:
            size = np.clip(np.abs(self.deviations_) - self.shrink_threshold, 0, None)
            self.deviations_ = np.sign(self.deviations_) * size
            centroids = center + unit * self.deviations_
        self.centroids_ = centroids

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _moments(engine, X, codes, n_classes):
    """Of each class, on the host: samples, means and sums of squared deviations; the range of each feature."""
    if issparse(X):
        spread = (X.max(axis=0) - X.min(axis=0)).toarray().ravel()
        counts, rows = np.bincount(codes, minlength=n_classes), csr_array(X)
        of_classes = [mean_variance_axis(rows[codes == c].astype(np.float64), axis=0) for c in range(n_classes)]
        means, variances = np.array(of_classes).transpose(1, 0, 2)
        return counts.astype(np.float64), means, variances * counts[:, None], spread
    weight, means, ssd = engine.columns.group_moments(X, codes, n_classes)
    spread = X.max(axis=0) - X.min(axis=0)
    return engine.to_numpy(weight)[:, 0], *map(engine.to_numpy, (means, ssd, spread))


def _medians(engine, X, codes, n_classes):
    """(n_classes, n_features) medians of each class, on the host."""
    if issparse(X):
        return np.array([csc_median_axis_0(csc_array(X[codes == c])) for c in range(n_classes)])
    members = [engine.asarray(np.flatnonzero(codes == c)) for c in range(n_classes)]
    return np.array([engine.to_numpy(engine.xp.median(X[rows], axis=0)) for rows in members], dtype=np.float64)


def _nearest(engine, X, centroids, metric):
    if metric == "euclidean":
        return engine.kmeans.assign(X, engine.asarray(centroids.astype(X.dtype)))[0]
    if issparse(X):
        return pairwise_distances_argmin(X, centroids, metric="manhattan")
    return engine.neighbors.nearest(engine.asarray(centroids.astype(X.dtype)), X, 1, "manhattan")[1][:, 0]


def _manhattan(engine, X, centroids):
    if issparse(X):
        X = X.toarray()
    return engine.xp.stack([engine.xp.abs(X - centroid).sum(axis=1) for centroid in centroids], axis=1)


def _scaled(engine, X, scale):
    if not issparse(X):
        return engine.asarray(X) * engine.asarray(scale)
    X = X.copy()
    inplace_column_scale(X, scale)
    return X
