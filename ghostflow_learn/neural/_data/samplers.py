"""The positions of the samples of an epoch, in their order. Any iterable of positions with a length is a sampler."""

import numpy as np
from sklearn.utils import check_random_state


class SequentialSampler:
    """Every sample once, in order.

    Parameters
    ----------
    n_samples : int
    """

    def __init__(self, n_samples):
        self.n_samples = n_samples

    def __len__(self):
        return self.n_samples

    def __iter__(self):
        return iter(self._draw())

    def _draw(self):
        return np.arange(self.n_samples)


class RandomSampler:
    """Every sample once, in an order that each epoch draws anew.

    Parameters
    ----------
    n_samples : int
    random_state : int, RandomState or None, default=None
    """

    def __init__(self, n_samples, random_state=None):
        self.n_samples, self.rng = n_samples, check_random_state(random_state)

    def __len__(self):
        return self.n_samples

    def __iter__(self):
        return iter(self._draw())

    def _draw(self):
        return self.rng.permutation(self.n_samples)


class WeightedSampler:
    """Samples drawn with replacement, each as often as its weight says: rare classes may come more often.

    Parameters
    ----------
    weights : array of shape (n_samples,)
        Not negative; only their ratios matter.
    n_draws : int or None, default=None
        Draws in an epoch; as many as there are samples by default.
    random_state : int, RandomState or None, default=None
    """

    def __init__(self, weights, n_draws=None, random_state=None):
        weights = np.asarray(weights, dtype=np.float64)
        if weights.ndim != 1 or not np.all(weights >= 0) or not 0 < weights.sum() < np.inf:
            raise ValueError("weights must be one number >= 0 for each sample, finite and not all 0.")
        self.probabilities = weights / weights.sum()
        self.n_draws = len(weights) if n_draws is None else n_draws
        self.rng = check_random_state(random_state)

    def __len__(self):
        return self.n_draws

    def __iter__(self):
        return iter(self.rng.choice(len(self.probabilities), self.n_draws, p=self.probabilities))
