"""The rounds of SAMME, discrete AdaBoost for any number of classes."""

import numpy as np

from ..._engine import get_engine
from .._members import new_member


class Rounds:
    """Fits one classifier after the other on the same X and y."""

    def __init__(self, model, X, y):
        self.model, self.X, self.y = model, X, y

    def fit(self, sample_weight, random_state, is_last):
        """Fit the classifier of one round.

        Parameters
        ----------
        sample_weight : (n_samples,) float64, adding up to 1
        random_state : RandomState
        is_last : bool
            Nobody needs new weights then.

        Returns
        -------
        sample_weight : (n_samples,) float64
            For the next round.
        estimator_weight, error : float
            Or, instead of all three, None if the classifier is no better than random; it is thrown away.
        """
        model = self.model
        member = new_member(model.estimator_, random_state)
        incorrect = self.fit_member(member, sample_weight)
        if not model.estimators_:
            model.classes_ = getattr(member, "classes_", None)
            model.n_classes_ = len(model.classes_)
        error = float(np.average(incorrect, weights=sample_weight))
        if error >= 1 - 1 / model.n_classes_ and error > 0:
            if not model.estimators_:
                raise ValueError(
                    "BaseClassifier in AdaBoostClassifier ensemble is worse than random, ensemble can not be fit."
                )
            return None
        model.estimators_.append(member)
        if error <= 0:
            return sample_weight, 1.0, 0.0
        weight = model.learning_rate * (np.log((1 - error) / error) + np.log(model.n_classes_ - 1.0))
        return sample_weight if is_last else _reweighted(sample_weight, weight * incorrect), weight, error

    def fit_member(self, member, sample_weight):
        """Fit a classifier; returns whom it gets wrong, (n_samples,) bool."""
        member.fit(self.X, self.y, sample_weight=sample_weight)
        return get_engine(self.X).to_numpy(member.predict(self.X)) != self.y


def _reweighted(sample_weight, exponent):
    """The weights times exp(exponent), by way of their logarithms as in scikit-learn: to the last bit."""
    with np.errstate(divide="ignore", over="ignore"):
        return np.exp(np.log(sample_weight) + exponent * (sample_weight > 0))
