"""The samples and features of each estimator, drawn as scikit-learn draws them."""

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.random import sample_without_replacement


def draw(plan, seed):
    """What one estimator is fitted on.

    Parameters
    ----------
    plan : Plan
    seed : int

    Returns
    -------
    features : (max_features,) int array
    samples : (max_samples,) int array
    """
    random_state = check_random_state(seed)
    features = _indices(random_state, plan.bootstrap_features, plan.n_features, plan.max_features)
    if plan.sample_weight is None:
        return features, _indices(random_state, plan.bootstrap, plan.n_samples, plan.max_samples)
    probabilities = plan.sample_weight / np.sum(plan.sample_weight)
    return features, random_state.choice(plan.n_samples, plan.max_samples, replace=plan.bootstrap, p=probabilities)


def _indices(random_state, with_replacement, n_population, n):
    if with_replacement:
        return random_state.randint(0, n_population, n)
    return sample_without_replacement(n_population, n, random_state=random_state)
