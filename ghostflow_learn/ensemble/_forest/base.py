"""What all forests share: growing trees on samples drawn at random, and what is read from them together."""

import time
import warnings
from numbers import Integral

import numpy as np
from scipy.sparse import csr_array, issparse
from sklearn.base import MultiOutputMixin
from sklearn.exceptions import DataConversionWarning
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import type_of_target

from ..._base import BaseEstimator
from ..._engine import get_engine
from ..._engine._trees import Nodes
from ..._validation import Interval, RealNotInt, check_fit, check_is_fitted, check_predict, fit_context, threads_for
from ..._validation._tree import as_sparse_interface
from ...tree._base import weights_of
from ...tree._container import nodes_of
from ...tree._growth import growth_of, seed_of
from .._members import LARGEST_SEED, Members, PackedTrees
from .bootstrap import TreeWeights, bootstrap_of, drawn, left_out

TREE_PARAMS = (
    "criterion",
    "max_depth",
    "min_samples_split",
    "min_samples_leaf",
    "min_weight_fraction_leaf",
    "max_features",
    "max_leaf_nodes",
    "min_impurity_decrease",
    "ccp_alpha",
    "monotonic_cst",
)


class BaseForest(Members, PackedTrees, MultiOutputMixin, BaseEstimator):
    """Many trees, each with random choices of its own, whose predictions are averaged."""

    _parameter_constraints: dict = {
        "n_estimators": [Interval(Integral, 1, None, closed="left")],
        "bootstrap": ["boolean"],
        "oob_score": ["boolean", callable],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        "max_samples": [
            None,
            Interval(RealNotInt, 0.0, None, closed="neither"),
            Interval(Integral, 1, None, closed="left"),
        ],
    }

    _tree_params = TREE_PARAMS

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Grow the trees.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            float32 is read as it is; sparse data in another format than CSC are converted.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array-like of shape (n_samples,), default=None
            With a bootstrap, samples are drawn in proportion to it; else they weigh so much in every tree.

        Returns
        -------
        self : estimator
        """
        return self._fit(X, y, sample_weight)

    def apply(self, X):
        """The leaf each sample comes to in each tree.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        leaves : array of shape (n_samples, n_estimators)
            Ids of nodes of each tree's `tree_`.
        """
        engine, data = self._read(X)
        with threads_for(self.n_jobs):
            return engine.hand_back(engine.forest.apply(self._packed(engine), data), like=X)

    def decision_path(self, X):
        """The nodes each sample passes in each tree.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        indicator : sparse CSR matrix of shape (n_samples, n_nodes)
            On the host; 1 where a sample passes a node.
        n_nodes_ptr : ndarray of shape (n_estimators + 1,)
            The columns of tree t are ``n_nodes_ptr[t]`` to ``n_nodes_ptr[t + 1]``.
        """
        engine, data = self._read(X)
        with threads_for(self.n_jobs):
            nodes, indptr = map(engine.to_numpy, engine.forest.paths(self._packed(engine), data))
        n_nodes_ptr = np.cumsum([0, *(tree.tree_.node_count for tree in self.estimators_)])
        ones = np.ones(len(nodes), dtype=np.int64)
        indicator = csr_array((ones, nodes, indptr), shape=(len(indptr) - 1, n_nodes_ptr[-1]))
        return as_sparse_interface(indicator), n_nodes_ptr

    @property
    def estimator(self):
        """An unfitted tree of the kind that the forest grows."""
        return self._tree_class()

    @property
    def feature_importances_(self):
        """How much of the decrease in impurity each feature brought, averaged over the trees, summing to 1."""
        check_is_fitted(self)
        grown = [tree.feature_importances_ for tree in self.estimators_ if tree.tree_.node_count > 1]
        if not grown:
            return np.zeros(self.n_features_in_)
        mean = np.mean(grown, axis=0, dtype=np.float64)
        return mean / np.sum(mean)

    @property
    def estimators_samples_(self):
        """The samples each tree has drawn; drawn again at each call."""
        check_is_fitted(self)
        if self._bootstrap is None:
            return [np.arange(self._n_samples, dtype=np.int32) for _ in self.estimators_]
        return [drawn(self._bootstrap, tree.random_state) for tree in self.estimators_]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = self._tree()._allows_nan
        return tags

    def _fit(self, X, y, sample_weight):
        X, y = self._check_fit(X, y)
        sample_weight = weights_of(sample_weight, X)
        self._n_samples, self.n_outputs_ = y.shape
        y, class_weight = self._encode(y, sample_weight)
        if class_weight is not None:
            sample_weight = class_weight if sample_weight is None else sample_weight * class_weight
        self._bootstrap = self._check_bootstrap(sample_weight)
        seeds = self._draw_seeds()
        if seeds:
            with threads_for(self.n_jobs):
                self._grow(get_engine(X), X, np.ascontiguousarray(y, dtype=np.float64), sample_weight, seeds)
        if self.oob_score and (seeds or not hasattr(self, "oob_score_")):
            self._check_oob_targets(y)
            with threads_for(self.n_jobs):
                self._score_out_of_bag(X, y)
        return self

    def _check_fit(self, X, y):
        """X in float32, and targets of shape (n_samples, n_outputs) on the host."""
        if issparse(y):
            raise ValueError("sparse multilabel-indicator for y is not supported.")
        X, y = check_fit(self, X, y, multi_output=True, **self._checks_of(X, "csc"))
        if issparse(X):
            X.sort_indices()
        y = np.atleast_1d(get_engine(X).to_numpy(y))
        if y.ndim == 2 and y.shape[1] == 1:
            warnings.warn(
                "A column-vector y was passed when a 1d array was expected. Please change the shape of y to "
                "(n_samples,), for example using ravel().",
                DataConversionWarning,
                stacklevel=6,
            )
        return X, y.reshape(len(y), -1)

    def _checks_of(self, X, sparse_format):
        finite = "allow-nan" if self._tree()._allows_nan and not issparse(X) else True
        return {"dtype": (np.float32,), "accept_sparse": sparse_format, "ensure_all_finite": finite}

    def _check_bootstrap(self, sample_weight):
        if self.bootstrap:
            return bootstrap_of(self._n_samples, self.max_samples, sample_weight)
        if self.max_samples is not None:
            raise ValueError(
                "`max_sample` cannot be set if `bootstrap=False`. Either switch to `bootstrap=True` or set "
                "`max_sample=None`."
            )
        if self.oob_score:
            raise ValueError("Out of bag estimation only available if bootstrap=True")
        return None

    def _draw_seeds(self):
        """Seeds of the trees that are missing."""
        random_state = check_random_state(self.random_state)
        if not self.warm_start or not hasattr(self, "estimators_"):
            self.estimators_ = []
        n_more = self.n_estimators - len(self.estimators_)
        if n_more < 0:
            raise ValueError(
                f"n_estimators={self.n_estimators} must be larger or equal to "
                f"len(estimators_)={len(self.estimators_)} when warm_start==True"
            )
        if n_more == 0:
            warnings.warn("Warm-start fitting without increasing n_estimators does not fit new trees.", stacklevel=6)
            return []
        random_state.randint(LARGEST_SEED, size=len(self.estimators_))  # those of the trees there are
        return random_state.randint(LARGEST_SEED, size=n_more).tolist()

    def _grow(self, engine, X, y, sample_weight, seeds):
        start = time.perf_counter()
        self.estimator_ = self._tree_class()
        weights = TreeWeights(seeds, self._bootstrap, sample_weight, self._balanced(y), self._reporter(len(seeds)))
        grow = self._grower(engine, X, y, sample_weight, seeds)
        states = [seed_of(np.random.RandomState(seed)) for seed in seeds]
        n_classes = self._counts()
        if weights.balanced is not None and self.min_weight_fraction_leaf:
            grown = self._grow_one_by_one(grow, weights, n_classes, states)
        else:
            total = self._n_samples if sample_weight is None else np.sum(sample_weight)
            total = total if self._bootstrap is None else self._bootstrap.n_drawn
            growth = growth_of(self._tree(), self._n_samples, self.n_features_in_, n_classes, total)
            grown = zip(grow(weights, growth, states), [growth] * len(seeds))
        self.estimators_ += [self._member(seed, *nodes, engine) for seed, nodes in zip(seeds, grown, strict=True)]
        self._packed_trees = {}
        if self.verbose:
            print(f"grew {len(seeds)} trees in {time.perf_counter() - start:.1f} s")

    def _grower(self, engine, X, y, sample_weight, seeds):
        """``grow(weights, growth, states)`` returns the nodes of as many trees."""
        columns = engine.tree.prepare(engine.asarray(X, order="K"))
        return lambda *choices: engine.tree.grow_many(columns, y, *choices)

    def _grow_one_by_one(self, grow, weights, n_classes, states):
        """Where the least weight of a leaf depends on the samples that a tree has drawn."""
        for t, state in enumerate(states):
            weight = weights[t]
            growth = growth_of(self._tree(), self._n_samples, self.n_features_in_, n_classes, weight.sum())
            yield grow([weight], growth, [state])[0], growth

    def _reporter(self, n_trees):
        def report(t):
            if self.verbose > 1:
                print(f"building tree {t + 1} of {n_trees}")

        return report

    def _member(self, seed, nodes, growth, engine):
        tree = self._tree(random_state=seed)
        tree.n_features_in_ = self.n_features_in_
        self._tell_classes(tree)
        tree._keep(Nodes(*map(engine.to_numpy, nodes[:-1]), nodes.max_depth), growth)
        return tree

    def _tree(self, **params):
        """A tree with the forest's parameters."""
        return self._tree_class(**{name: getattr(self, name) for name in self._tree_params}, **params)

    def _balanced(self, y):
        return None

    def _tell_classes(self, tree):
        pass

    def _check_oob_targets(self, y):
        kind = type_of_target(y)
        if kind == "unknown" or (kind == "multiclass-multioutput" and hasattr(self, "classes_")):
            raise ValueError(
                f"The type of target cannot be used to compute OOB estimates. Got {kind} while only the following are "
                "supported: continuous, continuous-multioutput, binary, multiclass, multilabel-indicator."
            )

    def _predict_out_of_bag(self, X, shape):
        """For each sample the mean of the trees that have not drawn it, of the given shape."""
        engine = get_engine(X)
        X = X.tocsr() if issparse(X) else X
        sums, n_trees = np.zeros((self._n_samples, *shape)), np.zeros(self._n_samples, dtype=np.int64)
        for tree in self.estimators_:
            rows = left_out(self._bootstrap, tree.random_state)
            if len(rows):
                forest = engine.forest.pack([nodes_of(tree.tree_)])
                values = engine.to_numpy(engine.forest.predict(forest, engine.asarray(X[rows])))
                sums[rows] += values.reshape(len(rows), *shape)
                n_trees[rows] += 1
        if (n_trees == 0).any():
            warnings.warn(
                "Some inputs do not have OOB scores. This probably means too few trees were used to compute any "
                "reliable OOB estimates.",
                stacklevel=7,
            )
        return sums / np.maximum(n_trees, 1).reshape(-1, *(1 for _ in shape))

    def _read(self, X):
        """The engine, and X in float32 on it."""
        check_is_fitted(self)
        X = check_predict(self, X, **self._checks_of(X, "csr"))
        if issparse(X) and (X.indices.dtype != np.intc or X.indptr.dtype != np.intc):
            raise ValueError("No support for np.int64 index based sparse matrices")
        engine = get_engine(X)
        return engine, engine.asarray(X)

    def _means(self, X):
        """The engine, and the means of the values of the leaves: (n_samples, n_outputs, max_n_classes)."""
        engine, data = self._read(X)
        with threads_for(self.n_jobs):
            sums = engine.forest.predict(self._packed(engine), data)
        sums /= len(self.estimators_)
        return engine, sums.reshape(len(sums), self.n_outputs_, -1)
