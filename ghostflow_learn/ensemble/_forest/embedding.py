"""Trees of random splits that learn nothing of any target: which leaves samples share is what they tell."""

from numbers import Integral

import numpy as np
from sklearn.base import TransformerMixin
from sklearn.preprocessing import OneHotEncoder
from sklearn.utils import check_random_state

from ..._validation import Interval, check_is_fitted, fit_context
from ..._validation._forest import check_feature_names, n_samples_of
from ...tree import ExtraTreeRegressor
from ...tree._base import BaseDecisionTree
from .base import TREE_PARAMS, BaseForest


class RandomTreesEmbedding(TransformerMixin, BaseForest):
    """Sparse binary features from random trees: one for each leaf, 1 where a sample is in it.

    The splits are drawn at random, of a random feature, so that samples which are alike share many leaves: an
    unsupervised embedding in as many dimensions as there are leaves, in which linear models learn what is not linear in
    X.

    Parameters
    ----------
    n_estimators : int >= 1, default=100
        How many trees, and features that are 1 in each row.
    max_depth : int >= 1 or None, default=5
        The longest path from the root to a leaf: a tree has at most ``2 ** max_depth`` leaves.
    min_samples_split : int >= 2, or float in (0, 1], default=2
        Samples a node needs to be split; a float is a part of all samples, rounded up.
    min_samples_leaf : int >= 1, or float in (0, 1), default=1
        Samples a leaf has at least; a float is a part of all samples, rounded up.
    min_weight_fraction_leaf : float in [0, 0.5], default=0.0
        The part of the sum of all sample weights a leaf has at least.
    max_leaf_nodes : int >= 2 or None, default=None
        With it a tree grows where the impurity decreases most, until it has so many leaves.
    min_impurity_decrease : float >= 0, default=0.0
        A node is split if that decreases the impurity of a random target, times the part of all samples in the node, by
        so much.
    sparse_output : bool, default=True
        Whether `transform` returns a sparse CSR matrix.
    n_jobs : int, default=None
        Threads for growing and descending. None is the ``n_threads`` setting, -1 every processor.
    random_state : int, RandomState instance or None, default=None
        Draws of the random target, the features and the thresholds. The same seed gives scikit-learn's trees.
    verbose : int, default=0
        1 prints how long growing took, 2 each tree as well.
    warm_start : bool, default=False
        Whether `fit` keeps the trees there are and adds those that are missing to `n_estimators`.

    Attributes
    ----------
    estimator_ : ExtraTreeRegressor
        The template of the trees.
    estimators_ : list of ExtraTreeRegressor
        The trees.
    estimators_samples_ : list of ndarray
        The samples each tree has seen: all.
    feature_importances_ : ndarray of shape (n_features,)
        How much each feature decreased the impurity of a random target: of little use.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Defined when X has feature names that are all strings.
    n_outputs_ : int
    one_hot_encoder_ : OneHotEncoder
        From leaves to binary features.

    Notes
    -----
    Growing takes O(n_estimators * n_samples * max_depth), on the host. Its trees are scikit-learn's for the same seed.

    References
    ----------
    Moosmann, Triggs, Jurie: Fast discriminative visual codebooks using randomized clustering forests. NIPS (2006).

    Examples
    --------
    >>> from ghostflow_learn.ensemble import RandomTreesEmbedding
    >>> X = [[0, 0], [1, 0], [0, 1], [-1, 0], [0, -1]]
    >>> embedded = RandomTreesEmbedding(n_estimators=5, random_state=0, max_depth=1).fit_transform(X)
    >>> embedded.toarray().astype(int)
    array([[0, 1, 1, 0, 1, 0, 0, 1, 1, 0],
           [0, 1, 1, 0, 1, 0, 0, 1, 1, 0],
           [0, 1, 0, 1, 0, 1, 0, 1, 0, 1],
           [1, 0, 1, 0, 1, 0, 1, 0, 1, 0],
           [0, 1, 1, 0, 1, 0, 0, 1, 1, 0]])
    """

    _parameter_constraints: dict = {
        "n_estimators": [Interval(Integral, 1, None, closed="left")],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        **BaseDecisionTree._parameter_constraints,
        "sparse_output": ["boolean"],
    }
    for name in ("max_features", "ccp_alpha", "splitter", "monotonic_cst"):
        _parameter_constraints.pop(name)
    _tree_class = ExtraTreeRegressor
    _tree_params = tuple(name for name in TREE_PARAMS if name not in ("ccp_alpha", "monotonic_cst"))
    criterion, max_features = "squared_error", 1
    bootstrap, oob_score, max_samples = False, False, None

    def __init__(
        self,
        n_estimators=100,
        *,
        max_depth=5,
        min_samples_split=2,
        min_samples_leaf=1,
        min_weight_fraction_leaf=0.0,
        max_leaf_nodes=None,
        min_impurity_decrease=0.0,
        sparse_output=True,
        n_jobs=None,
        random_state=None,
        verbose=0,
        warm_start=False,
    ):
        self.n_estimators = n_estimators
        self.max_depth = max_depth
        self.min_samples_split = min_samples_split
        self.min_samples_leaf = min_samples_leaf
        self.min_weight_fraction_leaf = min_weight_fraction_leaf
        self.max_leaf_nodes = max_leaf_nodes
        self.min_impurity_decrease = min_impurity_decrease
        self.sparse_output = sparse_output
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose
        self.warm_start = warm_start

    def fit(self, X, y=None, sample_weight=None):
        """Grow the trees.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            float32 is read as it is; sparse data in another format than CSC are converted.
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            Counted in `min_weight_fraction_leaf`, and in which splits are possible.

        Returns
        -------
        self : RandomTreesEmbedding
        """
        self.fit_transform(X, y, sample_weight=sample_weight)
        return self

    @fit_context(prefer_skip_nested_validation=True)
    def fit_transform(self, X, y=None, sample_weight=None):
        """Grow the trees, and embed the data they have grown on.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        embedded : sparse CSR matrix or ndarray of shape (n_samples, n_leaves)
        """
        random_target = check_random_state(self.random_state).uniform(size=n_samples_of(X))
        self._fit(X, random_target, sample_weight)
        self.one_hot_encoder_ = OneHotEncoder(sparse_output=self.sparse_output)
        embedded = self.one_hot_encoder_.fit_transform(self._leaves(X))
        self._n_features_out = embedded.shape[1]
        return embedded

    def transform(self, X):
        """Embed samples in the leaves they come to.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        embedded : sparse CSR matrix or ndarray of shape (n_samples, n_leaves)
            On the host.
        """
        check_is_fitted(self)
        return self.one_hot_encoder_.transform(self._leaves(X))

    def get_feature_names_out(self, input_features=None):
        """Names of the leaves.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Checked against the names seen in `fit`; not used otherwise.

        Returns
        -------
        names : ndarray of str objects
            ``randomtreesembedding_{tree}_{leaf}``, with the id of the leaf among all nodes of its tree.
        """
        check_is_fitted(self, "_n_features_out")
        check_feature_names(self, input_features=input_features, generate_names=False)
        leaves = self.one_hot_encoder_.categories_
        names = [f"randomtreesembedding_{t}_{leaf}" for t, those in enumerate(leaves) for leaf in those]
        return np.asarray(names, dtype=object)

    def _leaves(self, X):
        leaves = self.apply(X)
        return leaves.get() if hasattr(leaves, "get") else np.asarray(leaves)

    def _encode(self, y, sample_weight):
        return y, None

    def _counts(self):
        return np.ones(1, dtype=np.int64)
