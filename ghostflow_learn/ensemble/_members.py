"""The estimators that an ensemble consists of."""

import numpy as np
from sklearn.base import clone

LARGEST_SEED = np.iinfo(np.int32).max


def new_member(template, random_state):
    """A clone of `template` with a seed, drawn as scikit-learn draws it, for every parameter that takes one.

    Parameters
    ----------
    template : estimator
    random_state : RandomState
    """
    member = clone(template)
    names = [name for name in sorted(member.get_params()) if name == "random_state" or name.endswith("__random_state")]
    if names:
        member.set_params(**{name: random_state.randint(LARGEST_SEED) for name in names})
    return member


class Members:
    """What an ensemble is as a sequence: that of its fitted estimators."""

    def __len__(self):
        """Number of fitted estimators."""
        return len(self.estimators_)

    def __getitem__(self, index):
        """A fitted estimator."""
        return self.estimators_[index]

    def __iter__(self):
        """Over the fitted estimators."""
        return iter(self.estimators_)
