"""Bagging for regression."""

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils import column_or_1d

from ..._engine import get_engine
from ..._validation import raise_for_params
from ...tree import DecisionTreeRegressor
from .base import BaseBagging
from .batch import sum_of_answers


class BaggingRegressor(RegressorMixin, BaseBagging):
    """The mean prediction of regressors, each fitted on samples and features drawn for it.

    Predicts mean_m f_m(x). What a single regressor makes of chance in its samples is averaged away: use it for
    regressors that fit closely, such as deep trees, the default.

    Parameters
    ----------
    estimator : regressor, default=None
        What is fitted. By default a decision tree.
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
        Whether each sample is predicted by the regressors that have not seen it, and these predictions are scored.
    warm_start : bool, default=False
        Whether `fit` adds regressors to those that are there, up to `n_estimators`.
    n_jobs : int, default=None
        Processes; None is one, unless ``joblib.parallel_config`` says otherwise.
    random_state : int, RandomState instance or None, default=None
        Draws, and seeds of the regressors. The same seed gives scikit-learn's model.
    verbose : int, default=0
        Whether progress is printed.

    Attributes
    ----------
    estimator_ : regressor
        What was cloned for each.
    estimators_ : list of regressors
    estimators_samples_ : list of arrays
        The samples drawn for each regressor.
    estimators_features_ : list of arrays
        The features drawn for each regressor.
    oob_score_ : float
        R^2 on samples that were not seen. Only if ``oob_score=True``.
    oob_prediction_ : ndarray of shape (n_samples,)
        Predictions by the regressors that have not seen a sample, 0 if all have. Only if ``oob_score=True``.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Defined when X has feature names that are all strings.

    Notes
    -----
    A regressor that takes sample weights gets the numbers of draws as weights, and no copy of X.

    References
    ----------
    Breiman: Bagging predictors. Machine Learning 24 (1996), doi:10.1007/BF00058655
    Louppe, Geurts: Ensembles on random patches. ECML PKDD 2012, doi:10.1007/978-3-642-33460-3_28

    Examples
    --------
    >>> from sklearn.datasets import make_regression
    >>> from sklearn.svm import SVR
    >>> from ghostflow_learn.ensemble import BaggingRegressor
    >>> X, y = make_regression(n_samples=100, n_features=4, n_informative=2, n_targets=1, random_state=0, shuffle=False)
    >>> BaggingRegressor(estimator=SVR(), random_state=0).fit(X, y).predict([[0, 0, 0, 0]]).round(3)
    array([-2.872])
    """

    def _template(self):
        return DecisionTreeRegressor() if self.estimator is None else self.estimator

    def _encode(self, y):
        return column_or_1d(y, warn=True) if y.ndim == 1 or y.shape[1] == 1 else y

    def predict(self, X, **params):
        """Predict targets: the mean of the regressors' predictions.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        **params : dict
            For the regressors' `predict`, with metadata routing.

        Returns
        -------
        y : array of shape (n_samples,)
        """
        raise_for_params(params, self, "predict")
        data, params = self._check_predict(X), self._routed("predict", params)["predict"]
        total = sum(self._ask(sum_of_answers, data, "predict", params))
        return get_engine(X).hand_back(total / self.n_estimators, like=X)

    def _set_oob_score(self, X, y):
        total, n_predictions = np.zeros(len(y)), np.zeros(len(y))
        for estimator, unseen, rows in self._out_of_bag(X):
            total[unseen] += sum_of_answers([estimator], [slice(None)], rows, "predict", {})
            n_predictions[unseen] += 1
        if (n_predictions == 0).any():
            self._warn_of_seen_by_all(stacklevel=7)
        self.oob_prediction_ = total / np.maximum(n_predictions, 1)
        self.oob_score_ = r2_score(y, self.oob_prediction_)
