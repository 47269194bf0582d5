"""What forests for regression share: they predict the mean of what their trees predict."""

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score

from ...tree import DecisionTreeRegressor
from .base import BaseForest


class ForestRegressor(RegressorMixin, BaseForest):
    """Trees whose values are means or medians of targets."""

    _parameter_constraints: dict = {
        **BaseForest._parameter_constraints,
        **DecisionTreeRegressor._parameter_constraints,
    }
    _parameter_constraints.pop("splitter")

    def predict(self, X):
        """The mean of the values of the leaves each sample comes to.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        y : array of shape (n_samples,) or (n_samples, n_outputs)
        """
        engine, means = self._means(X)
        return engine.hand_back(means[:, 0, 0] if self.n_outputs_ == 1 else means[:, :, 0], like=X)

    def _encode(self, y, sample_weight):
        """The targets as they are, and no weights."""
        if self.criterion == "poisson":
            if np.any(y < 0):
                raise ValueError("Some value(s) of y are negative which is not allowed for Poisson regression.")
            if np.sum(y) <= 0:
                raise ValueError("Sum of y is not strictly positive which is necessary for Poisson regression.")
        return y, None

    def _counts(self):
        return np.ones(self.n_outputs_, dtype=np.int64)

    def _score_out_of_bag(self, X, y):
        means = self._predict_out_of_bag(X, (self.n_outputs_,))
        self.oob_prediction_ = means[:, 0] if self.n_outputs_ == 1 else means
        score = self.oob_score if callable(self.oob_score) else r2_score
        self.oob_score_ = score(y, self.oob_prediction_)

    def _compute_partial_dependence_recursion(self, grid, target_features):
        """What :func:`sklearn.inspection.partial_dependence` asks for, where its method is "recursion"."""
        grid = np.ascontiguousarray(grid, dtype=np.float32)
        target_features = np.ascontiguousarray(target_features, dtype=np.intp)
        means = np.zeros(len(grid))
        for tree in self.estimators_:
            tree.tree_.compute_partial_dependence(grid, target_features, means)
        return means / len(self.estimators_)
