"""The rounds of AdaBoost.R2."""

import numpy as np

from ..._engine import get_engine
from .._members import new_member


class Rounds:
    """Fits one regressor after the other on samples of the same X and y."""

    def __init__(self, model, X, y):
        self.model, self.X, self.y = model, X, y

    def fit(self, sample_weight, random_state, is_last):
        """Fit the regressor of one round.

        Parameters
        ----------
        sample_weight : (n_samples,) float64, adding up to 1
            Probabilities of the samples.
        random_state : RandomState
        is_last : bool
            Nobody needs new weights then.

        Returns
        -------
        sample_weight : (n_samples,) float64
            For the next round.
        estimator_weight, error : float
            Or, instead of all three, None if the mean error is 1/2 or more; all but a first regressor are then thrown
            away.
        """
        model = self.model
        member = new_member(model.estimator_, random_state)
        drawn = random_state.choice(len(self.y), size=len(self.y), replace=True, p=sample_weight)
        member.fit(self.X[drawn], self.y[drawn])
        errors = np.abs(get_engine(self.X).to_numpy(member.predict(self.X)) - self.y)
        positive = sample_weight > 0
        errors = _relative(errors[positive], model.loss)
        error = (sample_weight[positive] * errors).sum()
        if error < 0.5 or not model.estimators_:
            model.estimators_.append(member)
        if error <= 0:
            return sample_weight, 1.0, 0.0
        if error >= 0.5:
            return None
        beta = error / (1 - error)
        if not is_last:
            sample_weight = sample_weight.copy()
            sample_weight[positive] *= np.power(beta, (1 - errors) * model.learning_rate)
        return sample_weight, model.learning_rate * np.log(1 / beta), error


def _relative(errors, loss):
    largest = errors.max()
    if largest != 0:
        errors = errors / largest
    if loss == "square":
        return errors**2
    return 1 - np.exp(-errors) if loss == "exponential" else errors
