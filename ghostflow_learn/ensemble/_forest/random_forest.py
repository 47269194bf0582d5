"""Random forests: the best splits of a few features, on samples drawn with replacement."""

from numbers import Integral

import numpy as np

from ..._validation import Interval
from ...tree import DecisionTreeClassifier, DecisionTreeRegressor
from ...tree._regression import _current_name
from .classification import ForestClassifier
from .regression import ForestRegressor

FEW_ROWS = 5000  # at most: exact splits take little time
ENOUGH_ROWS = 200_000  # to find quantiles from


class RandomForestClassifier(ForestClassifier):
    """Random forest for classification.

    The mean of many deep trees, each grown on samples drawn with replacement, with a few features drawn at each node
    from which the best split is taken: each has little bias, and the mean of different trees little variance. A strong
    model of tabular data that hardly needs tuning; boosting often predicts a little better, once tuned.

    Parameters
    ----------
    n_estimators : int >= 1, default=100
        How many trees. More are never worse but for time and memory.
    criterion : {"gini", "entropy", "log_loss"}, default="gini"
        The impurity: 1 - sum_k p_k^2, or -sum_k p_k log2 p_k under either of the other names.
    max_depth : int >= 1 or None, default=None
        The longest path from the root to a leaf. None grows until leaves are pure or have too few samples.
    min_samples_split : int >= 2, or float in (0, 1], default=2
        Samples a node needs to be split; a float is a part of all samples, rounded up.
    min_samples_leaf : int >= 1, or float in (0, 1), default=1
        Samples a leaf has at least; a float is a part of all samples, rounded up.
    min_weight_fraction_leaf : float in [0, 0.5], default=0.0
        The part of the sum of all sample weights a leaf has at least.
    max_features : int >= 1, float in (0, 1], {"sqrt", "log2"} or None, default="sqrt"
        Features drawn at each node; a float is a part of all features, None all of them. More are drawn until one
        varies within the node. Fewer make the trees more different from each other.
    max_leaf_nodes : int >= 2 or None, default=None
        With it a tree grows where the impurity decreases most, until it has so many leaves.
    min_impurity_decrease : float >= 0, default=0.0
        A node is split if that decreases the impurity, times the part of all samples in the node, by so much.
    bootstrap : bool, default=True
        Whether each tree is grown on samples that are drawn with replacement, else on all of them.
    oob_score : bool or callable, default=False
        Whether to score each sample by the trees that have not drawn it: accuracy, or ``oob_score(y, predicted)``.
        Needs ``bootstrap=True``.
    n_jobs : int, default=None
        Threads for growing and predicting. None is the ``n_threads`` setting, -1 every processor.
    random_state : int, RandomState instance or None, default=None
        Draws of the samples and of the features of each node.
    verbose : int, default=0
        1 prints how long growing took, 2 each tree as well.
    warm_start : bool, default=False
        Whether `fit` keeps the trees there are and adds those that are missing to `n_estimators`.
    class_weight : {"balanced", "balanced_subsample"}, dict, list of dict or None, default=None
        Weights of the classes, which multiply `sample_weight`; one dictionary for each output. "balanced" makes the
        classes weigh the same, "balanced_subsample" in what each tree has drawn.
    ccp_alpha : float >= 0, default=0.0
        After growing, branches that decrease the impurity by no more than this per leaf become leaves.
    max_samples : int >= 1, float > 0 or None, default=None
        How many samples each tree draws; a float is a part of them, or of the sum of their weights. None draws as many
        as there are. Needs ``bootstrap=True``.
    monotonic_cst : array-like of shape (n_features,) or None, default=None
        For each feature 1 where the probability of the second class may not fall as the feature rises, -1 where it may
        not rise, 0 for no constraint. For two classes and one output.
    max_bins : int in [2, 255] or None, default=255
        Nodes of more than 64 samples are split between so many bins of each feature, of about as many samples each,
        which is faster; smaller nodes between any values. None does so in all nodes, and gives scikit-learn's forest.
        So does 255 for at most 5000 samples, or more than 16 classes, for sparse data, several outputs, and where
        `criterion`, `max_leaf_nodes` or `monotonic_cst` are not the defaults.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,), or list of them
        The labels of each output, sorted.
    n_classes_ : int, or list of int
        The number of classes of each output.
    estimator_ : DecisionTreeClassifier
        The template of the trees.
    estimators_ : list of DecisionTreeClassifier
        The trees.
    estimators_samples_ : list of ndarray
        The samples each tree has drawn; drawn again each time.
    feature_importances_ : ndarray of shape (n_features,)
        How much of the decrease in impurity each feature brought, averaged over the trees; they sum to 1. Features with
        many distinct values are favoured: :func:`sklearn.inspection.permutation_importance` does not favour them.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Defined when X has feature names that are all strings.
    n_outputs_ : int
    oob_score_ : float
        Score of the samples by trees that have not drawn them, with `oob_score`.
    oob_decision_function_ : ndarray of shape (n_samples, n_classes) or (n_samples, n_classes, n_outputs)
        Probabilities of the classes by trees that have not drawn the sample, with `oob_score`; 0 where all have.

    Notes
    -----
    Growing costs O(n_estimators n_samples log(n_samples) max_features) and shares the trees among the threads; each
    needs memory for one number per sample. On a GPU X is copied to the host and back. Missing values go to the side
    that is better, learnt for each split; in sparse data they are refused. Predictions come from a packed copy of the
    trees: who changes the arrays of a `tree_` in place does so before the first of them.

    References
    ----------
    Breiman: Random forests. Machine Learning 45 (2001), doi:10.1023/A:1010933404324.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from ghostflow_learn.ensemble import RandomForestClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> model = RandomForestClassifier(oob_score=True, random_state=0).fit(X, y)
    >>> model.predict([[5.0, 3.5, 1.5, 0.2]])
    array([0])
    >>> round(model.oob_score_, 2)
    0.95
    """

    _parameter_constraints: dict = {
        **ForestClassifier._parameter_constraints,
        "max_bins": [Interval(Integral, 2, 255, closed="both"), None],
    }
    _tree_class = DecisionTreeClassifier

    def __init__(
        self,
        n_estimators=100,
        *,
        criterion="gini",
        max_depth=None,
        min_samples_split=2,
        min_samples_leaf=1,
        min_weight_fraction_leaf=0.0,
        max_features="sqrt",
        max_leaf_nodes=None,
        min_impurity_decrease=0.0,
        bootstrap=True,
        oob_score=False,
        n_jobs=None,
        random_state=None,
        verbose=0,
        warm_start=False,
        class_weight=None,
        ccp_alpha=0.0,
        max_samples=None,
        monotonic_cst=None,
        max_bins=255,
    ):
        self.n_estimators = n_estimators
        self.criterion = criterion
        self.max_depth = max_depth
        self.min_samples_split = min_samples_split
        self.min_samples_leaf = min_samples_leaf
        self.min_weight_fraction_leaf = min_weight_fraction_leaf
        self.max_features = max_features
        self.max_leaf_nodes = max_leaf_nodes
        self.min_impurity_decrease = min_impurity_decrease
        self.bootstrap = bootstrap
        self.oob_score = oob_score
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose
        self.warm_start = warm_start
        self.class_weight = class_weight
        self.ccp_alpha = ccp_alpha
        self.max_samples = max_samples
        self.monotonic_cst = monotonic_cst
        self.max_bins = max_bins

    def _is_faster(self, engine, X, sample_weight):
        is_plain = sample_weight is None or sample_weight.min() >= 0
        return self.max_bins is not None and is_plain and X.shape[0] > FEW_ROWS

    def _bins(self, engine, X, seed):
        categorical = np.zeros(X.shape[1], dtype=bool)
        rows = None
        if X.shape[0] > ENOUGH_ROWS:
            rows = np.random.RandomState(seed).randint(0, X.shape[0], ENOUGH_ROWS)
        edges = engine.binning.find_edges(X, self.max_bins, categorical, rows)
        return engine.binning.transform(X, edges, categorical, self.max_bins)


class RandomForestRegressor(ForestRegressor):
    """Random forest for regression.

    The mean of many deep trees, each grown on samples drawn with replacement; of all features, or a few that are drawn
    at each node, the best split is taken. It predicts within the range of the targets it has seen, and hardly needs
    tuning.

    Parameters
    ----------
    n_estimators : int >= 1, default=100
        How many trees. More are never worse but for time and memory.
    criterion : {"squared_error", "absolute_error", "poisson"}, default="squared_error"
        The impurity: mean squared error about the mean, mean absolute error about the median, which takes much longer,
        or half the Poisson deviance from the mean, for targets that are counts or frequencies. The value of a leaf is
        that mean or median. "friedman_mse" is a deprecated name of "squared_error".
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
        varies within the node. Fewer make the trees more different from each other.
    max_leaf_nodes : int >= 2 or None, default=None
        With it a tree grows where the impurity decreases most, until it has so many leaves.
    min_impurity_decrease : float >= 0, default=0.0
        A node is split if that decreases the impurity, times the part of all samples in the node, by so much.
    bootstrap : bool, default=True
        Whether each tree is grown on samples that are drawn with replacement, else on all of them.
    oob_score : bool or callable, default=False
        Whether to score each sample by the trees that have not drawn it: R^2, or ``oob_score(y, predicted)``.
        Needs ``bootstrap=True``.
    n_jobs : int, default=None
        Threads for growing and predicting. None is the ``n_threads`` setting, -1 every processor.
    random_state : int, RandomState instance or None, default=None
        Draws of the samples and of the features of each node. The same seed gives scikit-learn's forest.
    verbose : int, default=0
        1 prints how long growing took, 2 each tree as well.
    warm_start : bool, default=False
        Whether `fit` keeps the trees there are and adds those that are missing to `n_estimators`.
    ccp_alpha : float >= 0, default=0.0
        After growing, branches that decrease the impurity by no more than this per leaf become leaves.
    max_samples : int >= 1, float > 0 or None, default=None
        How many samples each tree draws; a float is a part of them, or of the sum of their weights. None draws as many
        as there are. Needs ``bootstrap=True``.
    monotonic_cst : array-like of shape (n_features,) or None, default=None
        For each feature 1 where the prediction may not fall as the feature rises, -1 where it may not rise, 0 for no
        constraint. For one output.

    Attributes
    ----------
    estimator_ : DecisionTreeRegressor
        The template of the trees.
    estimators_ : list of DecisionTreeRegressor
        The trees.
    estimators_samples_ : list of ndarray
        The samples each tree has drawn; drawn again each time.
    feature_importances_ : ndarray of shape (n_features,)
        How much of the decrease in impurity each feature brought, averaged over the trees; they sum to 1. Features with
        many distinct values are favoured: :func:`sklearn.inspection.permutation_importance` does not favour them.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Defined when X has feature names that are all strings.
    n_outputs_ : int
    oob_score_ : float
        Score of the samples by trees that have not drawn them, with `oob_score`.
    oob_prediction_ : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Predictions by trees that have not drawn the sample, with `oob_score`; 0 where all have.

    Notes
    -----
    Growing costs O(n_estimators n_samples log(n_samples) max_features) and shares the trees among the threads; each
    needs memory for one number per sample. On a GPU X is copied to the host and back. Missing values go to the side
    that is better, learnt for each split; in sparse data they are refused. Predictions come from a packed copy of the
    trees: who changes the arrays of a `tree_` in place does so before the first of them.

    References
    ----------
    Breiman: Random forests. Machine Learning 45 (2001), doi:10.1023/A:1010933404324.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from ghostflow_learn.ensemble import RandomForestRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = RandomForestRegressor(min_samples_leaf=5, oob_score=True, random_state=0).fit(X, y)
    >>> round(model.oob_score_, 2)
    0.45
    """

    _tree_class = DecisionTreeRegressor

    def __init__(
        self,
        n_estimators=100,
        *,
        criterion="squared_error",
        max_depth=None,
        min_samples_split=2,
        min_samples_leaf=1,
        min_weight_fraction_leaf=0.0,
        max_features=1.0,
        max_leaf_nodes=None,
        min_impurity_decrease=0.0,
        bootstrap=True,
        oob_score=False,
        n_jobs=None,
        random_state=None,
        verbose=0,
        warm_start=False,
        ccp_alpha=0.0,
        max_samples=None,
        monotonic_cst=None,
    ):
        self.n_estimators = n_estimators
        self.criterion = _current_name(criterion)
        self.max_depth = max_depth
        self.min_samples_split = min_samples_split
        self.min_samples_leaf = min_samples_leaf
        self.min_weight_fraction_leaf = min_weight_fraction_leaf
        self.max_features = max_features
        self.max_leaf_nodes = max_leaf_nodes
        self.min_impurity_decrease = min_impurity_decrease
        self.bootstrap = bootstrap
        self.oob_score = oob_score
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose
        self.warm_start = warm_start
        self.ccp_alpha = ccp_alpha
        self.max_samples = max_samples
        self.monotonic_cst = monotonic_cst
