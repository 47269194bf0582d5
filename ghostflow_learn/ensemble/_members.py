"""The estimators that an ensemble consists of."""

import numpy as np
from sklearn.base import clone

from ..tree._container import nodes_of

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


class PackedTrees:
    """What an ensemble of trees predicts from: the nodes of all, as the engine reads them, kept beside the model."""

    def _packed(self, engine):
        """The trees as the engine predicts from them; packed again when the ensemble has other ones."""
        containers = [tree.tree_ for tree in self.estimators_]
        key = engine.__name__, tuple(map(id, containers))
        cache = self.__dict__.setdefault("_packed_trees", {})
        if cache.get("key") != key:
            # The containers are kept so that no other one can have the same id.
            cache.update(key=key, containers=containers, forest=engine.forest.pack(self._nodes()))
        return cache["forest"]

    def _nodes(self):
        """The nodes of each tree, with the values that predictions add up."""
        return [nodes_of(tree.tree_) for tree in self.estimators_]

    def __getstate__(self):
        return {name: value for name, value in super().__getstate__().items() if name != "_packed_trees"}
