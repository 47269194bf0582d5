"""Regression trees."""

import warnings

import numpy as np
from sklearn.base import RegressorMixin

from .._engine import get_engine
from .._validation import StrOptions, fit_context
from ._base import BaseDecisionTree, weights_of


class DecisionTreeRegressor(RegressorMixin, BaseDecisionTree):
    """Decision tree for regression.

    Each split parts the samples of a node at a threshold of one feature, such that the impurity of the two parts,
    weighted by their samples, is smallest; a leaf predicts the mean of its targets. For
    data with interactions and features of any scale, with missing values as well, where the rules should be read; a
    forest or boosting predicts better.

    Parameters
    ----------
    criterion : {"squared_error", "absolute_error", "poisson"}, default="squared_error"
        The impurity: mean squared error about the mean, mean absolute error about the median, or half the Poisson
        deviance from the mean, for targets that are counts or frequencies. The value of a leaf is that mean or median.
        "friedman_mse" is a deprecated name of "squared_error".
    splitter : {"best", "random"}, default="best"
        Which thresholds are tried in a node: all of them, or one drawn at random between the smallest and the largest
        value of each feature.
    max_depth : int >= 1 or None, default=None
        The longest path from the root to a leaf. None grows until leaves are pure or have too few samples.
    min_samples_split : int >= 2, or float in (0, 1], default=2
        Samples a node needs to be split; a float is a part of all samples, rounded up.
    min_samples_leaf : int >= 1, or float in (0, 1), default=1
        Samples a leaf has at least; a float is a part of all samples, rounded up.
    min_weight_fraction_leaf : float in [0, 0.5], default=0.0
        The part of the sum of all sample weights a leaf has at least.
    max_features : int >= 1, float in (0, 1], {"sqrt", "log2"} or None, default=None
        Features drawn at each node; a float is a part of all features, None all of them. More are drawn until one
        varies within the node.
    random_state : int, RandomState instance or None, default=None
        Draws of the features, whose order decides between splits that are equally good, and of random thresholds. The
        same seed gives scikit-learn's tree.
    max_leaf_nodes : int >= 2 or None, default=None
        With it the tree grows where the impurity decreases most, until it has so many leaves.
    min_impurity_decrease : float >= 0, default=0.0
        A node is split if that decreases the impurity, times the part of all samples in the node, by so much.
    ccp_alpha : float >= 0, default=0.0
        After growing, branches that decrease the impurity by no more than this per leaf become leaves.
    monotonic_cst : array-like of shape (n_features,) or None, default=None
        For each feature 1 where the prediction may not fall as the feature rises, -1 where it may not rise, 0 for
        no constraint. For one output.

    Attributes
    ----------
    feature_importances_ : ndarray of shape (n_features,)
        How much of the decrease in impurity each feature brought; they sum to 1. Features with many distinct values are
        favoured: :func:`sklearn.inspection.permutation_importance` does not favour them.
    max_features_ : int
        Features drawn at each node.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Defined when X has feature names that are all strings.
    n_outputs_ : int
    tree_ : sklearn.tree._tree.Tree
        The nodes, in scikit-learn's own container, so that everything that reads scikit-learn's trees reads these.

    Notes
    -----
    Growing costs O(n_samples log(n_samples) n_features) for a balanced tree and runs on the CPU; on a GPU X is copied
    to the host and back. Values that differ by no more than 1e-7 are not told apart. A full tree has about as many
    leaves as there are samples: limit `max_depth` or `min_samples_leaf`, or prune by `ccp_alpha`.
    Where a feature is missing in a node, both sides are tried for the missing values; where none is missing, such
    samples later go to the larger side. Sparse data have no missing values.

    References
    ----------
    Breiman, Friedman, Olshen, Stone: Classification and Regression Trees. Routledge 1984, doi:10.1201/9781315139470.

    Examples
    --------
    >>> import numpy as np
    >>> from ghostflow_learn.tree import DecisionTreeRegressor
    >>> X = np.arange(6.0).reshape(-1, 1)
    >>> model = DecisionTreeRegressor(max_depth=1).fit(X, [1, 1, 1, 5, 6, 7])
    >>> model.predict([[0], [9]])
    array([1., 6.])
    >>> float(model.tree_.threshold[0])
    2.5
    """

    _parameter_constraints: dict = {
        **BaseDecisionTree._parameter_constraints,
        "criterion": [StrOptions({"squared_error", "absolute_error", "poisson"})],
    }

    def __init__(
        self,
        *,
        criterion="squared_error",
        splitter="best",
        max_depth=None,
        min_samples_split=2,
        min_samples_leaf=1,
        min_weight_fraction_leaf=0.0,
        max_features=None,
        random_state=None,
        max_leaf_nodes=None,
        min_impurity_decrease=0.0,
        ccp_alpha=0.0,
        monotonic_cst=None,
    ):
        self.criterion = _current_name(criterion)
        self.splitter = splitter
        self.max_depth = max_depth
        self.min_samples_split = min_samples_split
        self.min_samples_leaf = min_samples_leaf
        self.min_weight_fraction_leaf = min_weight_fraction_leaf
        self.max_features = max_features
        self.random_state = random_state
        self.max_leaf_nodes = max_leaf_nodes
        self.min_impurity_decrease = min_impurity_decrease
        self.ccp_alpha = ccp_alpha
        self.monotonic_cst = monotonic_cst

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None, check_input=True):
        """Grow the tree.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Read in float32. NaN is missing; sparse data in another format than CSC are converted.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array-like of shape (n_samples,), default=None
            Samples of weight 0 are left out. Weights may be negative, but not so that a leaf weighs less than 0.
        check_input : bool, default=True
            False trusts X to be float32, or CSC, without infinite values.

        Returns
        -------
        self : DecisionTreeRegressor
        """
        X, y = self._check_fit(X, y, check_input)
        sample_weight = weights_of(sample_weight, X)
        engine = get_engine(X)
        columns = engine.tree.prepare(engine.asarray(X, order="K"))
        self._grow(engine, columns, np.ascontiguousarray(y, dtype=np.float64), sample_weight)
        return self

    def predict(self, X, check_input=True):
        """The value of the leaf of each sample.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        check_input : bool, default=True
            False trusts X to be float32, C-ordered or CSR.

        Returns
        -------
        y : array of shape (n_samples,) or (n_samples, n_outputs)
        """
        engine, values = self._values(X, check_input)
        return engine.hand_back(values[:, 0, 0] if self.n_outputs_ == 1 else values[:, :, 0], like=X)

    def _compute_partial_dependence_recursion(self, grid, target_features):
        """What scikit-learn's ``partial_dependence(method="recursion")`` asks of a tree."""
        averaged_predictions = np.zeros(len(grid))
        grid = np.ascontiguousarray(grid, dtype=np.float32)
        self.tree_.compute_partial_dependence(grid, np.asarray(target_features, dtype=np.intp), averaged_predictions)
        return averaged_predictions


class ExtraTreeRegressor(DecisionTreeRegressor):
    """Extremely randomized tree for regression.

    In each node one threshold is drawn for each of a few features, and the best of these splits is taken. Alone it is a
    weak model: it is meant for ensembles, whose trees should differ.

    Parameters
    ----------
    criterion : {"squared_error", "absolute_error", "poisson"}, default="squared_error"
        The impurity: mean squared error about the mean, mean absolute error about the median, or half the Poisson
        deviance from the mean, for targets that are counts or frequencies. The value of a leaf is that mean or median.
        "friedman_mse" is a deprecated name of "squared_error".
    splitter : {"best", "random"}, default="random"
        Which thresholds are tried in a node: all of them, or one drawn at random between the smallest and the largest
        value of each feature.
    max_depth : int >= 1 or None, default=None
        The longest path from the root to a leaf. None grows until leaves are pure or have too few samples.
    min_samples_split : int >= 2, or float in (0, 1], default=2
        Samples a node needs to be split; a float is a part of all samples, rounded up.
    min_samples_leaf : int >= 1, or float in (0, 1), default=1
        Samples a leaf has at least; a float is a part of all samples, rounded up.
    min_weight_fraction_leaf : float in [0, 0.5], default=0.0
        The part of the sum of all sample weights a leaf has at least.
    max_features : int >= 1, float in (0, 1], {"sqrt", "log2"} or None, default=1.0
        Features drawn at each node; a float is a part of all features, None all of them. More are drawn until one
        varies within the node.
    random_state : int, RandomState instance or None, default=None
        Draws of the features, whose order decides between splits that are equally good, and of random thresholds. The
        same seed gives scikit-learn's tree.
    min_impurity_decrease : float >= 0, default=0.0
        A node is split if that decreases the impurity, times the part of all samples in the node, by so much.
    max_leaf_nodes : int >= 2 or None, default=None
        With it the tree grows where the impurity decreases most, until it has so many leaves.
    ccp_alpha : float >= 0, default=0.0
        After growing, branches that decrease the impurity by no more than this per leaf become leaves.
    monotonic_cst : array-like of shape (n_features,) or None, default=None
        For each feature 1 where the prediction may not fall as the feature rises, -1 where it may not rise, 0 for
        no constraint. For one output.

    Attributes
    ----------
    feature_importances_ : ndarray of shape (n_features,)
        How much of the decrease in impurity each feature brought; they sum to 1. Features with many distinct values are
        favoured: :func:`sklearn.inspection.permutation_importance` does not favour them.
    max_features_ : int
        Features drawn at each node.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Defined when X has feature names that are all strings.
    n_outputs_ : int
    tree_ : sklearn.tree._tree.Tree
        The nodes, in scikit-learn's own container, so that everything that reads scikit-learn's trees reads these.

    Notes
    -----
    Growing costs O(n_samples log(n_samples) max_features) for a balanced tree and runs on the CPU; on a GPU X is copied
    to the host and back. Missing values go to a random side; they are refused with ``splitter="best"``, and in sparse
    data.

    References
    ----------
    Geurts, Ernst, Wehenkel: Extremely randomized trees. Machine Learning 63 (2006), doi:10.1007/s10994-006-6226-1.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from ghostflow_learn.tree import ExtraTreeRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = ExtraTreeRegressor(min_samples_leaf=20, random_state=0).fit(X, y)
    >>> round(model.score(X, y), 2)
    0.47
    """

    def __init__(
        self,
        *,
        criterion="squared_error",
        splitter="random",
        max_depth=None,
        min_samples_split=2,
        min_samples_leaf=1,
        min_weight_fraction_leaf=0.0,
        max_features=1.0,
        random_state=None,
        min_impurity_decrease=0.0,
        max_leaf_nodes=None,
        ccp_alpha=0.0,
        monotonic_cst=None,
    ):
        super().__init__(
            criterion=criterion,
            splitter=splitter,
            max_depth=max_depth,
            min_samples_split=min_samples_split,
            min_samples_leaf=min_samples_leaf,
            min_weight_fraction_leaf=min_weight_fraction_leaf,
            max_features=max_features,
            random_state=random_state,
            max_leaf_nodes=max_leaf_nodes,
            min_impurity_decrease=min_impurity_decrease,
            ccp_alpha=ccp_alpha,
            monotonic_cst=monotonic_cst,
        )

    @property
    def _allows_nan(self):
        return self.splitter == "random"


def _current_name(criterion):
    """`criterion`, or what its deprecated name stands for."""
    if not (isinstance(criterion, str) and criterion == "friedman_mse"):
        return criterion
    warnings.warn(
        'Value `"friedman_mse"` for `criterion` is deprecated and will be removed in 1.11. It maps to '
        '`"squared_error"` as both were always equivalent. Use `criterion="squared_error"` to remove this warning.',
        FutureWarning,
        stacklevel=3,
    )
    return "squared_error"
