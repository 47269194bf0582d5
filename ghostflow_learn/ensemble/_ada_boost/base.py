"""What both AdaBoost models share: the rounds."""

import warnings
from numbers import Integral, Real

import numpy as np
from sklearn.base import MetaEstimatorMixin, is_classifier, is_regressor
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils import check_random_state

from ..._base import BaseEstimator
from ..._engine import get_engine
from ..._validation import HasMethods, Interval, check_fit, check_is_fitted, check_predict, check_weight, fit_context
from ..._validation._ensembles import RoutingNotSupportedMixin, raise_for_unsupported_routing
from .._members import Members

# Whatever the estimators take.
ANY = {"dtype": None, "order": None, "accept_sparse": ["csr", "csc"], "allow_nd": True}
EPSILON = np.finfo(np.float64).eps


class BaseAdaBoost(RoutingNotSupportedMixin, MetaEstimatorMixin, Members, BaseEstimator):
    """Estimators that follow each other, each with more weight on what the ones before got wrong."""

    _parameter_constraints: dict = {
        "estimator": [HasMethods(["fit", "predict"]), None],
        "n_estimators": [Interval(Integral, 1, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "random_state": ["random_state"],
    }

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, sample_weight=None):
        """Fit one estimator after the other.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Handed on as it is; sparse data as CSR or CSC.
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), default=None
            Where the weights of the samples start, >= 0; equal by default. They are normalised.

        Returns
        -------
        self : estimator
        """
        raise_for_unsupported_routing(self, "fit", sample_weight=sample_weight)
        X, y = check_fit(self, X, y, **ANY, y_numeric=is_regressor(self))
        weights = check_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        to_numpy = get_engine(X).to_numpy
        y, weights = to_numpy(y), to_numpy(weights)
        self.estimator_ = self._template()
        self.estimators_ = []
        self.estimator_weights_ = np.zeros(self.n_estimators)
        self.estimator_errors_ = np.ones(self.n_estimators)
        self._boost(self._rounds(X, y), weights / weights.sum())
        return self

    def _boost(self, rounds, sample_weight):
        """Round after round, until one fits perfectly or is of no use."""
        random_state = check_random_state(self.random_state)
        positive = sample_weight != 0
        for i in range(self.n_estimators):
            # Samples that are always right would weigh nothing in the end; those without weight keep to that.
            sample_weight = np.where(positive, np.maximum(sample_weight, EPSILON), 0.0)
            boosted = rounds.fit(sample_weight, random_state, is_last=i == self.n_estimators - 1)
            if boosted is None:
                break
            sample_weight, self.estimator_weights_[i], self.estimator_errors_[i] = boosted
            total = np.sum(sample_weight)
            if not np.isfinite(total):
                warnings.warn(
                    f"Sample weights have reached infinite values, at iteration {i}, causing overflow. Iterations "
                    "stopped. Try lowering the learning rate.",
                    stacklevel=6,
                )
            if self.estimator_errors_[i] == 0 or not np.isfinite(total) or total <= 0:
                break
            if i < self.n_estimators - 1:
                sample_weight = sample_weight / total

    def staged_score(self, X, y, sample_weight=None):
        """Accuracy, or R^2, after each round.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), default=None

        Yields
        ------
        score : float
        """
        score = accuracy_score if is_classifier(self) else r2_score
        for predicted in self.staged_predict(X):
            yield score(y, predicted, sample_weight=sample_weight)

    @property
    def feature_importances_(self):
        """The estimators' importances of each feature, averaged by the weights of the estimators."""
        if not getattr(self, "estimators_", None):
            raise ValueError("Estimator not fitted, call `fit` before `feature_importances_`.")
        try:
            parts = [w * member.feature_importances_ for w, member in zip(self.estimator_weights_, self.estimators_)]
        except AttributeError as error:
            raise AttributeError(
                "Unable to compute feature importances since estimator does not have a feature_importances_ attribute"
            ) from error
        return sum(parts) / self.estimator_weights_.sum()

    def _check_predict(self, X):
        check_is_fitted(self)
        return check_predict(self, X, **ANY)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
