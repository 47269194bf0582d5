"""Bagging for classification."""

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils import column_or_1d
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets

from ..._engine import get_engine
from ..._validation import check_is_fitted, encode_labels, raise_for_params, take_labels
from ..._validation._ensembles import estimator_has
from ...tree import DecisionTreeClassifier
from .base import BaseBagging
from .batch import log_of_sum_of_probabilities, sum_of_answers, sum_of_probabilities


class BaggingClassifier(ClassifierMixin, BaseBagging):
    """The mean probabilities of classifiers, each fitted on samples and features drawn for it.

    Predicts argmax_k mean_m P_m(k | x). What a single classifier makes of chance in its samples is averaged away: use
    it for classifiers that fit closely, such as deep trees, the default.

    Parameters
    ----------
    estimator : classifier, default=None
        What is fitted; without `predict_proba` it votes. By default a decision tree.
    n_estimators : int, default=10
        How many of them.
    max_samples : int, float or None, default=None
        Samples drawn for each: a number, a share of the samples, or of the sum of their weights. None is as many as
        there are.
    max_features : int or float, default=1.0
        Features drawn for each: a number or a share.
    bootstrap : bool, default=True
        Whether samples are drawn with replacement.
    bootstrap_features : bool, default=False
        Whether features are drawn with replacement.
    oob_score : bool, default=False
        Whether each sample is predicted by the classifiers that have not seen it, and these predictions are scored.
    warm_start : bool, default=False
        Whether `fit` adds classifiers to those that are there, up to `n_estimators`.
    n_jobs : int, default=None
        Processes; None is one, unless ``joblib.parallel_config`` says otherwise.
    random_state : int, RandomState instance or None, default=None
        Draws, and seeds of the classifiers. The same seed gives scikit-learn's model.
    verbose : int, default=0
        Whether progress is printed.

    Attributes
    ----------
    estimator_ : classifier
        What was cloned for each.
    estimators_ : list of classifiers
    estimators_samples_ : list of arrays
        The samples drawn for each classifier.
    estimators_features_ : list of arrays
        The features drawn for each classifier.
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted. The classifiers know their positions only.
    n_classes_ : int
    oob_score_ : float
        Accuracy on samples that were not seen. Only if ``oob_score=True``.
    oob_decision_function_ : ndarray of shape (n_samples, n_classes)
        Probabilities by the classifiers that have not seen a sample, NaN if all have. Only if ``oob_score=True``.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Defined when X has feature names that are all strings.

    Notes
    -----
    A classifier that takes sample weights gets the numbers of draws as weights, and no copy of X.

    References
    ----------
    Breiman: Bagging predictors. Machine Learning 24 (1996), doi:10.1007/BF00058655
    Louppe, Geurts: Ensembles on random patches. ECML PKDD 2012, doi:10.1007/978-3-642-33460-3_28

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.svm import SVC
    >>> from ghostflow_learn.ensemble import BaggingClassifier
    >>> X, y = make_classification(n_samples=100, n_features=4, n_informative=2, n_redundant=0, random_state=0,
    ...                            shuffle=False)
    >>> BaggingClassifier(estimator=SVC(), random_state=0).fit(X, y).predict([[0, 0, 0, 0]])
    array([1])
    """

    def _template(self):
        return DecisionTreeClassifier() if self.estimator is None else self.estimator

    def _encode(self, y):
        y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        self.classes_, codes = encode_labels(y)
        self.n_classes_ = len(self.classes_)
        return codes

    def predict(self, X, **params):
        """Predict labels by the mean probabilities, or votes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        **params : dict
            For the classifiers' `predict_proba`, or `predict`, with metadata routing.

        Returns
        -------
        labels : array of shape (n_samples,)
        """
        raise_for_params(params, self, "predict")
        codes = self._probabilities(X, params).argmax(axis=1)
        engine = get_engine(X)
        return take_labels(engine, self.classes_, engine.asarray(codes), like=X)

    def predict_proba(self, X, **params):
        """Predict the probability of each class: the mean of the classifiers', or the share of their votes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        **params : dict
            For the classifiers' `predict_proba`, or `predict`, with metadata routing.

        Returns
        -------
        probabilities : array of shape (n_samples, n_classes)
        """
        raise_for_params(params, self, "predict_proba")
        return get_engine(X).hand_back(self._probabilities(X, params), like=X)

    def predict_log_proba(self, X, **params):
        """Predict the logarithm of the probability of each class.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        **params : dict
            For the classifiers' `predict_log_proba`, `predict_proba` or `predict`, with metadata routing.

        Returns
        -------
        log_probabilities : array of shape (n_samples, n_classes)
        """
        raise_for_params(params, self, "predict_log_proba")
        check_is_fitted(self)
        if not hasattr(self.estimator_, "predict_log_proba"):
            with np.errstate(divide="ignore"):
                return get_engine(X).hand_back(np.log(self._probabilities(X, params)), like=X)
        data, params = self._check_predict(X), self._routed("predict_log_proba", params)["predict_log_proba"]
        parts = self._ask(log_of_sum_of_probabilities, data, self.n_classes_, params)
        total = np.logaddexp.reduce(parts, axis=0) if len(parts) > 1 else parts[0]
        return get_engine(X).hand_back(total - np.log(self.n_estimators), like=X)

    @available_if(estimator_has("decision_function", delegates=("estimators_", "estimator")))
    def decision_function(self, X, **params):
        """Mean of the classifiers' decision functions.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        **params : dict
            For the classifiers' `decision_function`, with metadata routing.

        Returns
        -------
        scores : array of shape (n_samples,), or (n_samples, n_classes) for more than two classes
        """
        raise_for_params(params, self, "decision_function")
        data, params = self._check_predict(X), self._routed("decision_function", params)["decision_function"]
        total = sum(self._ask(sum_of_answers, data, "decision_function", params))
        return get_engine(X).hand_back(total / self.n_estimators, like=X)

    def _probabilities(self, X, params):
        data, routed = self._check_predict(X), self._routed("predict_proba", params)
        params = routed.get("predict", {}), routed.get("predict_proba", {})
        return sum(self._ask(sum_of_probabilities, data, self.n_classes_, *params)) / self.n_estimators

    def _set_oob_score(self, X, y):
        total = np.zeros((len(y), self.n_classes_))
        for estimator, unseen, rows in self._out_of_bag(X):
            total[unseen] += sum_of_probabilities([estimator], [slice(None)], rows, self.n_classes_, {}, {})
        weight = total.sum(axis=1, keepdims=True)
        if (weight == 0).any():
            self._warn_of_seen_by_all(stacklevel=7)
        with np.errstate(invalid="ignore"):
            self.oob_decision_function_ = total / weight
        self.oob_score_ = accuracy_score(y, total.argmax(axis=1))
