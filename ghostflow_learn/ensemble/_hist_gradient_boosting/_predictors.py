"""Trees of a fitted model: in scikit-learn's containers, as arrays for prediction, as importances."""

from weakref import WeakKeyDictionary

import numpy as np

from ghostflow_learn._engine import get_engine
from ghostflow_learn._engine._boosting import Tree
from ghostflow_learn._validation import check_is_fitted
from ghostflow_learn._validation._boosting import BinMapper, TreePredictor

_forests = WeakKeyDictionary()  # model -> what its trees were assembled from, and for


def predictor(engine, tree):
    """A tree as scikit-learn keeps it."""
    return TreePredictor(*(engine.to_numpy(array) for array in tree))


def as_tree(predictor):
    """The inverse of :func:`predictor`."""
    return Tree(predictor.nodes, predictor.binned_left_cat_bitsets, predictor.raw_left_cat_bitsets)


def bin_mapper(edges, is_categorical, categories, max_bins, seed):
    """scikit-learn's container of bins, holding ours.

    Parameters
    ----------
    edges : list of (n_edges,) float64 arrays
        Of a categorical feature its categories.
    is_categorical : (n_features,) bool
    categories : list of arrays and None
    max_bins : int
    seed : int
    """
    mask = is_categorical if is_categorical.any() else None
    mapper = BinMapper(max_bins + 1, is_categorical=mask, known_categories=categories, random_state=seed)
    mapper.is_categorical_ = is_categorical.astype(np.uint8)
    mapper.missing_values_bin_idx_ = max_bins
    mapper.bin_thresholds_ = edges
    n_bins = [len(some) + (not categorical) for some, categorical in zip(edges, is_categorical)]
    mapper.n_bins_non_missing_ = np.array(n_bins, dtype=np.uint32)
    return mapper


def known_bitsets(mapper):
    """The categories of each feature as a set of bits, (n_features, 8) uint32."""
    known = np.zeros((len(mapper.is_categorical_), 8), dtype=np.uint32)
    known[mapper.is_categorical_ == 1] = mapper.make_known_categories_bitsets()[0]
    return known


def importances(predictors, order, kind):
    """Share of each feature in the gains, or in the number, of all splits.

    Parameters
    ----------
    predictors : list of lists of TreePredictor
    order : (n_features,) int
        The feature that each column of the trees is.
    kind : {"gain", "split"}
    """
    splits = [nodes[nodes["is_leaf"] == 0] for trees in predictors for nodes in (tree.nodes for tree in trees)]
    columns = np.concatenate([nodes["feature_idx"] for nodes in splits])
    weights = np.concatenate([nodes["gain"] for nodes in splits]) if kind == "gain" else None
    totals = np.zeros(len(order))
    totals[order] = np.bincount(columns, weights, minlength=len(order))
    return totals / (totals.sum() or 1.0)


class Predicting:
    """Mixin: raw predictions of a model that has ``_predictors``, ``_bin_mapper`` and ``_baseline_prediction``."""

    def _raw_predict(self, X):
        """Sums of the trees, (n_samples, n_outputs), on the engine that computes on X."""
        check_is_fitted(self)
        for scored in getattr(self, "_in_fit", ()):
            if scored.X is X:
                return scored.raw()
        if not hasattr(self, "_in_fit"):
            X = self._preprocess_X(X, reset=False)
        engine = get_engine(X)
        forest = self._forest(engine)
        return engine.boosting.predict(forest, engine.asarray(X), self._baseline(engine)).T

    def _staged_raw_predict(self, X):
        check_is_fitted(self)
        X = self._preprocess_X(X, reset=False)
        engine = get_engine(X)
        forest, X, raw = self._forest(engine), engine.asarray(X), self._baseline(engine)
        for i in range(self.n_iter_):
            raw = engine.boosting.predict(forest, X, raw, i, i + 1)
            yield raw.T.copy()

    def _baseline(self, engine):
        return engine.asarray(np.ascontiguousarray(self._baseline_prediction.T, dtype=np.float64))

    def _forest(self, engine):
        """The trees as `engine` predicts with them, kept for the next call."""
        now = engine.__name__, len(self._predictors)
        kept, predictors, forest = _forests.get(self, (None, None, None))
        if kept != now or predictors is not self._predictors:
            trees = [[as_tree(one) for one in trees] for trees in self._predictors]
            forest = engine.boosting.assemble(trees, known_bitsets(self._bin_mapper))
            _forests[self] = now, self._predictors, forest
        return forest

    def _compute_partial_dependence_recursion(self, grid, target_features):
        """scikit-learn's fast partial dependence: the mean of the trees over all features but `target_features`."""
        if getattr(self, "_fitted_with_sw", False):
            raise NotImplementedError(
                f"{type(self).__name__} does not support partial dependence plots with the 'recursion' method when "
                "sample weights were given during fit time. Use method='brute'."
            )
        grid = np.ascontiguousarray(grid, dtype=np.float64)
        columns = np.argsort(self._feature_order())[np.asarray(target_features, dtype=np.intp)]
        averaged = np.zeros((self.n_trees_per_iteration_, len(grid)))
        for trees in self._predictors:
            for k, tree in enumerate(trees):
                tree.compute_partial_dependence(grid, columns, averaged[k])
        return averaged

    def _feature_order(self):
        """The feature that each column of the trees is: categorical features come first there."""
        if self.is_categorical_ is None:
            return np.arange(self._n_features)
        return np.r_[np.flatnonzero(self.is_categorical_), np.flatnonzero(~self.is_categorical_)]
