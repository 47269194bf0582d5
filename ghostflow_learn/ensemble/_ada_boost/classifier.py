"""AdaBoost for classification."""

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.extmath import softmax
from sklearn.utils.validation import has_fit_parameter

from ..._engine import get_engine
from ..._validation import take_labels
from ...tree import DecisionTreeClassifier
from .base import BaseAdaBoost
from .samme import Rounds
from .trees import TreeRounds, are_trees, packed_votes


class AdaBoostClassifier(ClassifierMixin, BaseAdaBoost):
    """AdaBoost (SAMME): a vote of classifiers, each fitted with more weight on what the ones before got wrong.

    Minimises the exponential loss sum_i exp(-y_i F(x_i)) by adding up votes, F(x) = sum_m alpha_m h_m(x). Use it with
    simple classifiers such as stumps, the default, on data with few wrong labels: those get ever more weight.

    Parameters
    ----------
    estimator : classifier, default=None
        What is fitted in each round; it must take sample weights. By default a decision tree of depth 1.
    n_estimators : int, default=50
        Rounds at most; a perfect fit ends them.
    learning_rate : float, default=1.0
        What the weight of each classifier is multiplied with, > 0.
    random_state : int, RandomState instance or None, default=None
        Seeds of the classifiers. The same seed gives scikit-learn's model.

    Attributes
    ----------
    estimator_ : classifier
        What was cloned for each round.
    estimators_ : list of classifiers
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    n_classes_ : int
    estimator_weights_ : ndarray of shape (n_estimators,)
        Weights of the classifiers' votes.
    estimator_errors_ : ndarray of shape (n_estimators,)
        Weighted share of the samples that each classifier got wrong; 1 for rounds that were not needed.
    feature_importances_ : ndarray of shape (n_features,)
        Only if the classifiers have importances.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Defined when X has feature names that are all strings.

    Raises
    ------
    ValueError
        If the classifier takes no sample weights, or is worse than random in the first round.

    Notes
    -----
    Rounds of our own trees share one sorted copy of X, and a stump costs O(n_samples n_features). Trees are grown on
    the CPU.

    References
    ----------
    Freund, Schapire: A decision-theoretic generalization of on-line learning and an application to boosting. Journal of
    Computer and System Sciences 55 (1997), doi:10.1006/jcss.1997.1504
    Zhu, Zou, Rosset, Hastie: Multi-class AdaBoost. Statistics and Its Interface 2 (2009), doi:10.4310/SII.2009.v2.n3.a8

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from ghostflow_learn.ensemble import AdaBoostClassifier
    >>> X, y = make_classification(n_samples=1000, n_features=4, n_informative=2, n_redundant=0, random_state=0,
    ...                            shuffle=False)
    >>> model = AdaBoostClassifier(n_estimators=100, random_state=0).fit(X, y)
    >>> model.predict([[0, 0, 0, 0]])
    array([1])
    >>> model.score(X, y)
    0.96
    """

    def __init__(self, estimator=None, *, n_estimators=50, learning_rate=1.0, random_state=None):
        self.estimator = estimator
        self.n_estimators = n_estimators
        self.learning_rate = learning_rate
        self.random_state = random_state

    def _template(self):
        template = DecisionTreeClassifier(max_depth=1) if self.estimator is None else self.estimator
        if not has_fit_parameter(template, "sample_weight"):
            raise ValueError(f"{type(template).__name__} doesn't support sample_weight.")
        return template

    def _rounds(self, X, y):
        return (TreeRounds if are_trees([self.estimator_]) and X.ndim == 2 else Rounds)(self, X, y)

    def predict(self, X):
        """Predict labels by the vote.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        labels : array of shape (n_samples,)
        """
        return self._labels(self._decision(self._check_predict(X)), like=X)

    def staged_predict(self, X):
        """Predict labels by the vote after each round.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Yields
        ------
        labels : array of shape (n_samples,)
        """
        for decision in self._staged_decision(self._check_predict(X)):
            yield self._labels(decision, like=X)

    def decision_function(self, X):
        """Weighted mean of the votes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        scores : array of shape (n_samples,), or (n_samples, n_classes) for more than two classes
            A vote is 1 for its class and -1 / (n_classes - 1) for each other one.
        """
        return get_engine(X).hand_back(self._decision(self._check_predict(X)), like=X)

    def staged_decision_function(self, X):
        """Weighted mean of the votes after each round.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Yields
        ------
        scores : array of shape (n_samples,), or (n_samples, n_classes) for more than two classes
        """
        for decision in self._staged_decision(self._check_predict(X)):
            yield get_engine(X).hand_back(decision, like=X)

    def predict_proba(self, X):
        """Predict the probability of each class.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        probabilities : array of shape (n_samples, n_classes)
        """
        return get_engine(X).hand_back(self._probabilities(self._decision(self._check_predict(X))), like=X)

    def staged_predict_proba(self, X):
        """Predict the probability of each class after each round.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Yields
        ------
        probabilities : array of shape (n_samples, n_classes)
        """
        for decision in self._staged_decision(self._check_predict(X)):
            yield get_engine(X).hand_back(self._probabilities(decision), like=X)

    def predict_log_proba(self, X):
        """Predict the logarithm of the probability of each class.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        log_probabilities : array of shape (n_samples, n_classes)
        """
        probabilities = self._probabilities(self._decision(self._check_predict(X)))
        return get_engine(X).hand_back(np.log(probabilities), like=X)

    def _decision(self, X):
        if self.n_classes_ == 1:
            return np.zeros((X.shape[0], 1))
        return _centered(self._sum_of_votes(X) / self.estimator_weights_.sum())

    def _staged_decision(self, X):
        votes = norm = 0.0
        for weight, vote in zip(self.estimator_weights_, self._votes(X)):
            votes, norm = votes + vote, norm + weight
            yield _centered(votes / norm)

    def _sum_of_votes(self, X):
        """(n_samples, n_classes), added up in the order of the rounds."""
        if not are_trees(self.estimators_):
            return sum(self._votes(X))
        engine, X = self.estimators_[0]._read(X, check_input=True)
        forest = packed_votes(engine, self.estimators_, self.estimator_weights_)
        return engine.to_numpy(engine.forest.predict(forest, engine.asarray(X)))

    def _votes(self, X):
        """Of each estimator, (n_samples, n_classes)."""
        to_numpy = get_engine(X).to_numpy
        for weight, member in zip(self.estimator_weights_, self.estimators_):
            is_class = to_numpy(member.predict(X))[:, None] == self.classes_
            yield np.where(is_class, weight, -1 / (self.n_classes_ - 1) * weight)

    def _labels(self, decision, like):
        codes = (decision > 0).astype(np.int64) if self.n_classes_ == 2 else decision.argmax(axis=1)
        engine = get_engine(like)
        return take_labels(engine, self.classes_, engine.asarray(codes), like=like)

    def _probabilities(self, decision):
        """exp(F_k / (n_classes - 1)), normalised."""
        if self.n_classes_ == 1:
            return np.ones((len(decision), 1))
        if self.n_classes_ == 2:
            return softmax(np.stack([-decision, decision], axis=1) / 2, copy=False)
        return softmax(decision / (self.n_classes_ - 1), copy=False)


def _centered(votes):
    """Of two classes one number: the vote for the second less that for the first."""
    if votes.shape[1] != 2:
        return votes
    return (votes * [-1, 1]).sum(axis=1)
