"""One stage: a tree for each column of the gradient, with the steps of its leaves."""

import numpy as np
from scipy.sparse import csc_array, csr_array, issparse

from ..._engine import get_engine
from ..._validation._gradient_boosting import HalfSquaredError, HuberLoss, weighted_percentile
from ...tree import DecisionTreeRegressor
from ...tree._container import nodes_of
from .line_search import leaf_steps

# What a tree takes from the model as it is.
SHARED = (
    "max_depth",
    "min_samples_split",
    "min_samples_leaf",
    "min_weight_fraction_leaf",
    "min_impurity_decrease",
    "max_features",
    "max_leaf_nodes",
    "ccp_alpha",
)


class Stages:
    """Fits stage after stage on the same X, which is prepared once for all trees."""

    def __init__(self, model, X):
        self.loss = model._loss
        self.learning_rate = model.learning_rate
        self.params = {name: getattr(model, name) for name in SHARED}
        self.engine = get_engine(X)
        self.X = self.engine.asarray(csr_array(X) if issparse(X) else X)
        self.columns = self.engine.tree.prepare(csc_array(X) if issparse(X) else self.X)

    def fit(self, y, raw_predictions, sample_weight, in_bag, random_state):
        """Fit the trees of one stage.

        Parameters
        ----------
        y : (n_samples,) float64
        raw_predictions : (n_samples, n_trees) float64
            The trees' predictions are added to them, for all samples.
        sample_weight : (n_samples,) float64
        in_bag : (n_samples,) bool, or None for all
            Whom the trees grow on.
        random_state : RandomState

        Returns
        -------
        trees : list of DecisionTreeRegressor
        """
        if isinstance(self.loss, HuberLoss):
            residual = np.abs(y - raw_predictions[:, 0])
            delta = weighted_percentile(residual, sample_weight, 100 * self.loss.quantile)
            self.loss.closs.delta = float(delta)
        neg_gradient = -self.loss.gradient(y_true=y, raw_prediction=raw_predictions, sample_weight=None)
        weight = sample_weight if in_bag is None else sample_weight * in_bag
        trees = []
        for k, (target, raw_prediction) in enumerate(zip(neg_gradient.T.reshape(-1, len(y)), raw_predictions.T)):
            y_k = (y == k).astype(np.float64) if self.loss.is_multiclass else y
            trees.append(self._fit_tree(y_k, target, raw_prediction, weight, random_state))
        return trees

    def _fit_tree(self, y, neg_gradient, raw_prediction, sample_weight, random_state):
        tree = DecisionTreeRegressor(**self.params, random_state=random_state)
        tree.n_features_in_ = self.X.shape[1]
        leaves = tree._grow(self.engine, self.columns, neg_gradient.reshape(-1, 1), sample_weight)
        everywhere, rows = leaves, slice(None)
        if tree.ccp_alpha > 0 or leaves.min() < 0:  # pruned, or some samples are not in the tree
            everywhere, rows = self._leaves_of_all(tree), leaves >= 0
        value = tree.tree_.value[:, 0, 0]
        if not isinstance(self.loss, HalfSquaredError):
            arrays = (everywhere, y, neg_gradient, raw_prediction, sample_weight)
            nodes, steps = leaf_steps(self.loss, *(array[rows] for array in arrays))
            value[nodes] = steps
        raw_prediction += self.learning_rate * value[everywhere]
        return tree

    def _leaves_of_all(self, tree):
        forest = self.engine.forest.pack([nodes_of(tree.tree_)])
        return self.engine.to_numpy(self.engine.forest.apply(forest, self.X))[:, 0]


def packed_trees(engine, trees, scale=1.0):
    """The trees for `engine.forest`, with their values times `scale`."""
    nodes = (nodes_of(tree.tree_) for tree in np.ravel(trees))
    return engine.forest.pack([tree._replace(value=scale * tree.value) for tree in nodes])
