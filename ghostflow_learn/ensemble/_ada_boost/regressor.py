"""AdaBoost for regression."""

import numpy as np
from sklearn.base import RegressorMixin

from ..._engine import get_engine
from ..._validation import StrOptions
from ...tree import DecisionTreeRegressor
from .base import BaseAdaBoost
from .r2 import Rounds


class AdaBoostRegressor(RegressorMixin, BaseAdaBoost):
    """AdaBoost.R2: the weighted median of regressors, each fitted on samples drawn by the errors of the ones before.

    With errors e_i in [0, 1], relative to the largest, and their weighted mean e, beta = e / (1 - e), a sample's weight
    is multiplied with beta^(1 - e_i): those that are hard to predict are drawn more often. Use it with simple
    regressors; outliers get ever more weight.

    Parameters
    ----------
    estimator : regressor, default=None
        What is fitted in each round. By default a decision tree of depth 3.
    n_estimators : int, default=50
        Rounds at most; a perfect fit ends them, and so does one with a mean error of 1/2 or more.
    learning_rate : float, default=1.0
        What the weight of each regressor is multiplied with, > 0.
    loss : {"linear", "square", "exponential"}, default="linear"
        What the relative errors e_i are put through: e_i, e_i^2 or 1 - exp(-e_i).
    random_state : int, RandomState instance or None, default=None
        Draws of samples and seeds of the regressors. The same seed gives scikit-learn's model.

    Attributes
    ----------
    estimator_ : regressor
        What was cloned for each round.
    estimators_ : list of regressors
    estimator_weights_ : ndarray of shape (n_estimators,)
        Weights of the regressors.
    estimator_errors_ : ndarray of shape (n_estimators,)
        Weighted mean of each regressor's errors; 1 for rounds that were not needed.
    feature_importances_ : ndarray of shape (n_features,)
        Only if the regressors have importances.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Defined when X has feature names that are all strings.

    Notes
    -----
    Weights decide who is drawn, so the regressors need not take any. Trees are grown on the CPU.

    References
    ----------
    Drucker: Improving regressors using boosting techniques. ICML 1997, doi:10.5555/645526.657132

    Examples
    --------
    >>> from sklearn.datasets import make_regression
    >>> from ghostflow_learn.ensemble import AdaBoostRegressor
    >>> X, y = make_regression(n_features=4, n_informative=2, random_state=0, shuffle=False)
    >>> model = AdaBoostRegressor(random_state=0, n_estimators=100).fit(X, y)
    >>> model.predict([[0, 0, 0, 0]]).round(4)
    array([4.7972])
    >>> round(model.score(X, y), 4)
    0.9771
    """

    _parameter_constraints: dict = {
        **BaseAdaBoost._parameter_constraints,
        "loss": [StrOptions({"linear", "square", "exponential"})],
    }

    def __init__(self, estimator=None, *, n_estimators=50, learning_rate=1.0, loss="linear", random_state=None):
        self.estimator = estimator
        self.n_estimators = n_estimators
        self.learning_rate = learning_rate
        self.loss = loss
        self.random_state = random_state

    def _template(self):
        return DecisionTreeRegressor(max_depth=3) if self.estimator is None else self.estimator

    def _rounds(self, X, y):
        return Rounds(self, X, y)

    def predict(self, X):
        """Predict targets: the weighted median of the regressors.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        y : array of shape (n_samples,)
        """
        predictions = self._predictions(self._check_predict(X))
        return get_engine(X).hand_back(self._median(predictions), like=X)

    def staged_predict(self, X):
        """Predict targets by the regressors of the first rounds, for each number of rounds.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Yields
        ------
        y : array of shape (n_samples,)
        """
        predictions = self._predictions(self._check_predict(X))
        for n_rounds in range(1, len(self.estimators_) + 1):
            yield get_engine(X).hand_back(self._median(predictions[:, :n_rounds]), like=X)

    def _predictions(self, X):
        """(n_samples, n_estimators)"""
        to_numpy = get_engine(X).to_numpy
        return np.array([to_numpy(member.predict(X)) for member in self.estimators_]).T

    def _median(self, predictions):
        """The lowest prediction that has half of the weight at or below it."""
        order = np.argsort(predictions, axis=1)
        below = np.cumsum(self.estimator_weights_[order], axis=1)
        middle = (below >= 0.5 * below[:, -1:]).argmax(axis=1)
        rows = np.arange(len(predictions))
        return predictions[rows, order[rows, middle]]
