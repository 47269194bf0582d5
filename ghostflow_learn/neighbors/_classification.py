"""Classification by the nearest neighbours."""

import warnings
from collections import namedtuple

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.exceptions import DataConversionWarning
from sklearn.utils.multiclass import check_classification_targets

from .._validation import StrOptions, encode_labels, fit_context, take_labels
from ._base import BaseNeighbors
from ._search import KNeighborsMixin
from ._weights import neighbor_weights

# engine : where the votes live
# shares : for each output, (n_queries, n_classes) sums of the weights of neighbours of each class
Votes = namedtuple("Votes", "engine shares")


class KNeighborsClassifier(KNeighborsMixin, ClassifierMixin, BaseNeighbors):
    """Classification by a vote among the nearest training samples.

    Predicts the class c with the largest sum of the weights w_i of those of the k nearest samples that are of it. Use
    it where classes have no simple shape, features few and on one scale; the model is the training data.

    Parameters
    ----------
    n_neighbors : int, default=5
    weights : {"uniform", "distance"}, callable or None, default="uniform"
        All neighbours count the same, or by the inverse of their distance (where some are at distance 0, those alone),
        or as ``weights(distances)`` says, from and to an array of shape (n_queries, n_neighbors).
    algorithm : {"auto", "ball_tree", "kd_tree", "brute"}, default="auto"
        How neighbours are found, see :class:`NearestNeighbors`; it changes the speed alone.
    leaf_size : int, default=30
        Leaves of the tree hold up to twice as many samples. Changes the speed alone.
    p : float, default=2
        Power of "minkowski".
    metric : str, callable or DistanceMetric, default="minkowski"
        See :class:`NearestNeighbors`.
    metric_params : dict, default=None
        Further arguments of the metric.
    n_jobs : int, default=None
        Threads; None is the ``n_threads`` setting.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,), or list of them
        Sorted; one array for each output, if y has several.
    effective_metric_ : str or callable
        `metric`, or what "minkowski" comes to with this `p`.
    effective_metric_params_ : dict
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Defined when X has feature names that are all strings.
    n_samples_fit_ : int
    outputs_2d_ : bool
        Whether y had several outputs.

    Raises
    ------
    ValueError
        If y holds no classes, the metric and the algorithm do not go together, or there are fewer samples than
        neighbours.

    Notes
    -----
    Fitting keeps the data and grows a tree, see :class:`NearestNeighbors` for what the search takes. Of classes with
    the same votes the first wins, of samples at the same distance the first in the data.

    References
    ----------
    Cover, Hart: Nearest neighbor pattern classification, IEEE Trans. Inf. Theory 1967, doi:10.1109/TIT.1967.1053964.

    Examples
    --------
    >>> from ghostflow_learn.neighbors import KNeighborsClassifier
    >>> model = KNeighborsClassifier(n_neighbors=3).fit([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1])
    >>> model.predict([[1.1]])
    array([0])
    >>> model.predict_proba([[0.9]]).round(2)
    array([[0.67, 0.33]])
    """

    _parameter_constraints: dict = {
        **BaseNeighbors._parameter_constraints,
        "weights": [StrOptions({"uniform", "distance"}), callable, None],
    }

    def __init__(
        self,
        n_neighbors=5,
        *,
        weights="uniform",
        algorithm="auto",
        leaf_size=30,
        p=2,
        metric="minkowski",
        metric_params=None,
        n_jobs=None,
    ):
        self.n_neighbors = n_neighbors
        self.weights = weights
        self.algorithm = algorithm
        self.leaf_size = leaf_size
        self.p = p
        self.metric = metric
        self.metric_params = metric_params
        self.n_jobs = n_jobs

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y):
        """Keep the training data.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features), KDTree or BallTree
            For ``metric="precomputed"`` distances, of shape (n_samples, n_samples).
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Classes: numbers or strings.

        Returns
        -------
        self : KNeighborsClassifier
        """
        X, y = self._check_search(X, y)
        self._learn_classes(y)
        self._fit_search(X)
        return self

    def predict(self, X):
        """The class of most votes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_queries, n_features), or None
            See :meth:`kneighbors`; with None each training sample is classified by the others.

        Returns
        -------
        y : array of shape (n_queries,) or (n_queries, n_outputs)
        """
        engine, shares = self._votes(X)
        if not self.outputs_2d_:
            return take_labels(engine, self.classes_, shares[0].argmax(axis=1), like=X)
        columns = [classes[engine.to_numpy(s.argmax(axis=1))] for classes, s in zip(self.classes_, shares)]
        y = np.empty((len(columns[0]), len(columns)), dtype=self.classes_[0].dtype)
        for output, column in enumerate(columns):
            y[:, output] = column
        return engine.hand_back(y, like=X) if y.dtype.kind in "biuf" else y

    def predict_proba(self, X):
        """The share of each class in the votes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_queries, n_features), or None
            See :meth:`predict`.

        Returns
        -------
        proba : array of shape (n_queries, n_classes), or a list of them for several outputs
        """
        engine, shares = self._votes(X)
        proba = [engine.hand_back(share / share.sum(axis=1)[:, None], like=X) for share in shares]
        return proba if self.outputs_2d_ else proba[0]

    def score(self, X, y, sample_weight=None):
        """Accuracy of :meth:`predict`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_queries, n_features), or None
            With None it is the accuracy of leave-one-out on the training data.
        y : array-like of shape (n_queries,) or (n_queries, n_outputs)
        sample_weight : array-like of shape (n_queries,), default=None

        Returns
        -------
        score : float
        """
        return super().score(X, y, sample_weight)

    def _learn_classes(self, y):
        if y.ndim == 2 and y.shape[1] == 1:
            warnings.warn(
                "A column-vector y was passed when a 1d array was expected. Please change the shape of y to "
                "(n_samples,), for example using ravel().",
                DataConversionWarning,
                stacklevel=5,
            )
            y = y.ravel()
        self.outputs_2d_ = y.ndim == 2
        check_classification_targets(y)
        found = [encode_labels(column) for column in (y.T if self.outputs_2d_ else [y])]
        self.classes_ = [classes for classes, _ in found] if self.outputs_2d_ else found[0][0]
        self._y = np.stack([codes for _, codes in found], axis=1) if self.outputs_2d_ else found[0][1]

    def _votes(self, X):
        engine, dists, indices = self._nearest(X)
        xp = engine.xp
        weights = neighbor_weights(engine, dists, self.weights)
        if weights is not None and (weights == 0).all(axis=1).any():
            raise ValueError(
                "All neighbors of some sample is getting zero weights. Please modify 'weights' to avoid this case if "
                "you are using a user-defined function."
            )
        classes = self.classes_ if self.outputs_2d_ else [self.classes_]
        codes = self._y.reshape(self.n_samples_fit_, -1)
        shares = [
            _shares(xp, engine.asarray(codes[:, output])[indices], len(of_output), weights)
            for output, of_output in enumerate(classes)
        ]
        return Votes(engine, shares)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


def _shares(xp, codes, n_classes, weights):
    """(n_queries, n_classes) sums of the weights of the neighbours whose classes `codes` are."""
    n_queries, n_neighbors = codes.shape
    queries = xp.arange(n_queries)
    if weights is None:
        counts = xp.bincount((codes + n_classes * queries[:, None]).ravel(), minlength=n_queries * n_classes)
        return counts.reshape(n_queries, n_classes)
    shares = xp.zeros((n_queries, n_classes))
    for rank in range(n_neighbors):  # neighbour by neighbour, so that sums have one order
        shares[queries, codes[:, rank]] += weights[:, rank]
    return shares
