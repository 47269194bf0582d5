"""Boosted trees of our own: X is sorted once for all rounds, and all trees vote at once."""

import numpy as np
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.utils.multiclass import check_classification_targets

from ..._engine import get_engine
from ..._validation import encode_labels
from ...tree import DecisionTreeClassifier, ExtraTreeClassifier
from ...tree._container import nodes_of
from .samme import Rounds


def are_trees(estimators):
    """Whether all are trees whose growth and vote we know: no class derived from ours."""
    return all(type(estimator) in (DecisionTreeClassifier, ExtraTreeClassifier) for estimator in estimators)


class TreeRounds(Rounds):
    """Fits one tree after the other on the same X and y, as their own `fit` would."""

    def __init__(self, model, X, y):
        tree = clone(model.estimator_)
        tree._validate_params()
        super().__init__(model, *tree._check_fit(X, y, check_input=True))
        check_classification_targets(self.y[:, 0])
        self.classes, codes = encode_labels(self.y[:, 0])
        self.codes = codes.astype(np.float64).reshape(-1, 1)
        self.class_weight = tree._times_class_weight(None, self.y)
        self.engine = get_engine(self.X)
        self.columns = self.engine.tree.prepare(self.engine.asarray(self.X, order="K"))

    def fit_member(self, member, sample_weight):
        n_classes = np.array([len(self.classes)])
        member.n_features_in_, member.classes_, member.n_classes_ = self.X.shape[1], self.classes, n_classes[0]
        if self.class_weight is not None:
            sample_weight = sample_weight * self.class_weight
        leaves = member._grow(self.engine, self.columns, self.codes, sample_weight, n_classes)
        if member.ccp_alpha > 0 or leaves.min() < 0:  # pruned, or some samples are not in the tree
            leaves = self._leaves_of_all(member)
        return member.tree_.value[:, 0].argmax(axis=1)[leaves] != self.codes[:, 0]

    def _leaves_of_all(self, member):
        X = self.X.tocsr() if issparse(self.X) else self.X
        leaves = self.engine.forest.apply(member._packed(self.engine), self.engine.asarray(X))
        return self.engine.to_numpy(leaves)[:, 0]


def packed_votes(engine, trees, weights):
    """The trees for `engine.forest`: a leaf's values are its tree's vote, times the weight of the tree."""
    return engine.forest.pack([_voting(nodes_of(tree.tree_), weight) for tree, weight in zip(trees, weights)])


def _voting(nodes, weight):
    n_classes = nodes.value.shape[2]
    is_class = nodes.value.argmax(axis=2) == np.arange(n_classes)
    return nodes._replace(value=np.where(is_class, weight, -1 / (n_classes - 1) * weight))
