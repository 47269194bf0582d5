"""What classification and regression trees share."""

from numbers import Integral, Real

import numpy as np
from scipy.sparse import csr_array, issparse
from sklearn.base import MultiOutputMixin, clone
from sklearn.utils import Bunch, check_random_state
from sklearn.utils.metadata_routing import UNUSED

from .._base import BaseEstimator
from .._engine import get_engine
from .._engine._trees import Nodes
from .._validation import Interval, RealNotInt, StrOptions, check_fit, check_is_fitted, check_predict, check_weight
from .._validation._tree import as_float32, as_sparse_interface, check_n_features, check_targets
from ._container import as_container, cut_back, nodes_of
from ._growth import growth_of, seed_of
from ._pruning import leaves_after_pruning, pruning_path

FEW_ROWS = 1000  # which descend the container itself faster than its nodes are packed


class BaseDecisionTree(MultiOutputMixin, BaseEstimator):
    """A binary tree of splits at thresholds, grown greedily."""

    __metadata_request__fit = {"check_input": UNUSED}
    __metadata_request__predict = {"check_input": UNUSED}

    _parameter_constraints: dict = {
        "splitter": [StrOptions({"best", "random"})],
        "max_depth": [Interval(Integral, 1, None, closed="left"), None],
        "min_samples_split": [
            Interval(Integral, 2, None, closed="left"),
            Interval(RealNotInt, 0.0, 1.0, closed="right"),
        ],
        "min_samples_leaf": [
            Interval(Integral, 1, None, closed="left"),
            Interval(RealNotInt, 0.0, 1.0, closed="neither"),
        ],
        "min_weight_fraction_leaf": [Interval(Real, 0.0, 0.5, closed="both")],
        "max_features": [
            Interval(Integral, 1, None, closed="left"),
            Interval(RealNotInt, 0.0, 1.0, closed="right"),
            StrOptions({"sqrt", "log2"}),
            None,
        ],
        "random_state": ["random_state"],
        "max_leaf_nodes": [Interval(Integral, 2, None, closed="left"), None],
        "min_impurity_decrease": [Interval(Real, 0.0, None, closed="left")],
        "ccp_alpha": [Interval(Real, 0.0, None, closed="left")],
        "monotonic_cst": ["array-like", None],
    }

    def apply(self, X, check_input=True):
        """The leaf each sample comes to.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            float32 is read as it is; sparse data in another format than CSR are converted.
        check_input : bool, default=True
            False trusts X to be float32, C-ordered or CSR.

        Returns
        -------
        leaves : array of shape (n_samples,)
            Ids of nodes of `tree_`.
        """
        engine, data = self._read(X, check_input)
        if self._is_quick(data):
            return self.tree_.apply(data)
        return engine.hand_back(engine.forest.apply(self._packed(engine), engine.asarray(data))[:, 0], like=X)

    def decision_path(self, X, check_input=True):
        """The nodes each sample passes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        check_input : bool, default=True
            False trusts X to be float32, C-ordered or CSR.

        Returns
        -------
        indicator : sparse CSR matrix of shape (n_samples, n_nodes)
            On the host; 1 where a sample passes a node.
        """
        engine, data = self._read(X, check_input)
        nodes, indptr = map(engine.to_numpy, engine.forest.paths(self._packed(engine), engine.asarray(data)))
        shape = len(indptr) - 1, self.tree_.node_count
        return as_sparse_interface(csr_array((np.ones(len(nodes), dtype=np.int64), nodes, indptr), shape=shape))

    def cost_complexity_pruning_path(self, X, y, sample_weight=None):
        """What each step of pruning costs, from the whole tree to its root.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        ccp_path : Bunch
            `ccp_alphas`, an ndarray of the values of `ccp_alpha` from which on a tree has one branch less, and
            `impurities`, the sum of its leaves' impurities, each times the part of the samples in it.
        """
        tree = clone(self).set_params(ccp_alpha=0.0).fit(X, y, sample_weight=sample_weight)
        alphas, impurities = pruning_path(nodes_of(tree.tree_))
        return Bunch(ccp_alphas=alphas, impurities=impurities)

    def get_depth(self):
        """The length of the longest path from the root to a leaf.

        Returns
        -------
        depth : int
        """
        check_is_fitted(self)
        return self.tree_.max_depth

    def get_n_leaves(self):
        """The number of leaves.

        Returns
        -------
        n_leaves : int
        """
        check_is_fitted(self)
        return self.tree_.n_leaves

    @property
    def feature_importances_(self):
        """How much of the decrease in impurity each feature brought, summing to 1."""
        check_is_fitted(self)
        return self.tree_.compute_feature_importances()

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = self._allows_nan
        return tags

    @property
    def _allows_nan(self):
        return True

    def _check_fit(self, X, y, check_input):
        """X in float32, and targets of shape (n_samples, n_outputs) on the host."""
        if not check_input:
            self.n_features_in_ = X.shape[1]
            return X, np.asarray(y).reshape(X.shape[0], -1)
        X = check_fit(self, as_float32(X), **self._checks_of(X, "csc"))
        if issparse(X):
            X.sort_indices()
            _refuse_long_indices(X)
        y = check_targets(self, y)
        if self.criterion == "poisson":
            _check_counts(y)
        if X.shape[0] != y.shape[0]:
            raise ValueError(f"Number of labels={y.shape[0]} does not match number of samples={X.shape[0]}")
        return X, y.reshape(len(y), -1)

    def _checks_of(self, X, sparse_format):
        finite = "allow-nan" if self._allows_nan and not issparse(X) else True
        return {"dtype": (np.float32,), "accept_sparse": sparse_format, "ensure_all_finite": finite}

    def _grow(self, engine, columns, y, sample_weight, n_classes=None):
        """Grow `tree_`; ``n_features_in_`` is set. Ensembles call it with the same columns for each of their trees.

        Parameters
        ----------
        engine : module
        columns : from ``engine.tree.prepare``
        y : (n_samples, n_outputs) float64
            Targets, or codes of classes.
        sample_weight : (n_samples,) float64, or None
        n_classes : (n_outputs,) int64, optional
            For classification.

        Returns
        -------
        leaves : (n_samples,) int64
            The leaf of each sample before pruning, -1 for those of weight 0.
        """
        random_state = check_random_state(self.random_state)
        n_classes = np.ones(y.shape[1], dtype=np.int64) if n_classes is None else n_classes
        total_weight = len(y) if sample_weight is None else np.sum(sample_weight)
        growth = growth_of(self, len(y), self.n_features_in_, n_classes, total_weight)
        nodes, leaves = engine.tree.grow(columns, y, sample_weight, growth, seed_of(random_state))
        self._keep(Nodes(*map(engine.to_numpy, nodes[:-1]), nodes.max_depth), growth)
        return engine.to_numpy(leaves)

    def _keep(self, nodes, growth):
        """Make `nodes`, or what pruning leaves of them, the tree of this model."""
        if self.ccp_alpha > 0:
            nodes = cut_back(nodes, leaves_after_pruning(nodes, self.ccp_alpha))
        self.n_outputs_, self.max_features_ = len(growth.n_classes), growth.max_features
        self.tree_ = as_container(nodes, self.n_features_in_, growth.n_classes)

    def _read(self, X, check_input):
        """The engine, and X in float32 for it."""
        check_is_fitted(self)
        if check_input:
            X = check_predict(self, as_float32(X), **self._checks_of(X, "csr"))
            if issparse(X):
                _refuse_long_indices(X)
        else:
            check_n_features(self, X, reset=False)
            if X.dtype != np.float32:
                raise ValueError(f"X.dtype should be np.float32, got {X.dtype}")
        return get_engine(X), X

    def _values(self, X, check_input):
        """The engine, and the values of the leaf of each sample: (n_samples, n_outputs, max_n_classes)."""
        engine, X = self._read(X, check_input)
        if self._is_quick(X):
            return engine, self.tree_.value.take(self.tree_.apply(X), axis=0, mode="clip")
        sums = engine.forest.predict(self._packed(engine), engine.asarray(X))
        return engine, sums.reshape(X.shape[0], *self.tree_.value.shape[1:])

    def _is_quick(self, X):
        return X.shape[0] < max(FEW_ROWS, self.tree_.node_count) and (issparse(X) or isinstance(X, np.ndarray))

    def _packed(self, engine):
        # Each time: users do change the arrays of a `tree_`, and this costs less than what it is for.
        return engine.forest.pack([nodes_of(self.tree_)])


def weights_of(sample_weight, X):
    """Checked weights in float64 on the host, or None."""
    if sample_weight is None:
        return None
    return get_engine(X).to_numpy(check_weight(sample_weight, X, dtype=np.float64))


def _refuse_long_indices(X):
    if X.indices.dtype != np.intc or X.indptr.dtype != np.intc:
        raise ValueError("No support for np.int64 index based sparse matrices")


def _check_counts(y):
    if np.any(y < 0):
        raise ValueError("Some value(s) of y are negative which is not allowed for Poisson regression.")
    if np.sum(y) <= 0:
        raise ValueError("Sum of y is not positive which is necessary for Poisson regression.")
