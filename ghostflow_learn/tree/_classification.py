"""Classification trees."""

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils import compute_sample_weight
from sklearn.utils.metadata_routing import UNUSED

from .._engine import get_engine
from .._validation import StrOptions, encode_labels, fit_context, take_labels
from .._validation._tree import check_labels
from ._base import BaseDecisionTree, weights_of


class DecisionTreeClassifier(ClassifierMixin, BaseDecisionTree):
    """Decision tree for classification.

    Each split parts the samples of a node at a threshold of one feature, such that the impurity of the two parts,
    weighted by their samples, is smallest; a leaf predicts the class that most of its samples have, of equally
    frequent ones the first. For data with interactions and features of any scale, with missing values as well, where
    the rules should be read; a forest or boosting predicts better.

    Parameters
    ----------
    criterion : {"gini", "entropy", "log_loss"}, default="gini"
        The impurity: 1 - sum_k p_k^2, or -sum_k p_k log2 p_k under either of the other names.
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
    class_weight : dict, list of dict, "balanced" or None, default=None
        Weights of the classes, which multiply `sample_weight`; one dictionary for each output. "balanced" makes the
        classes weigh the same.
    ccp_alpha : float >= 0, default=0.0
        After growing, branches that decrease the impurity by no more than this per leaf become leaves.
    monotonic_cst : array-like of shape (n_features,) or None, default=None
        For each feature 1 where the probability of the second class may not fall as the feature rises, -1 where it may
        not rise, 0 for no constraint. For two classes and one output.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,), or list of them
        The labels of each output, sorted.
    feature_importances_ : ndarray of shape (n_features,)
        How much of the decrease in impurity each feature brought; they sum to 1. Features with many distinct values are
        favoured: :func:`sklearn.inspection.permutation_importance` does not favour them.
    max_features_ : int
        Features drawn at each node.
    n_classes_ : int, or ndarray of shape (n_outputs,)
        The number of classes of each output.
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
    >>> from sklearn.datasets import load_iris
    >>> from ghostflow_learn.tree import DecisionTreeClassifier, export_text
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> model = DecisionTreeClassifier(max_depth=2, random_state=0).fit(X, y)
    >>> print(export_text(model, feature_names=list(X.columns), decimals=1))
    |--- petal width (cm) <= 0.8
    |   |--- class: 0
    |--- petal width (cm) >  0.8
    |   |--- petal width (cm) <= 1.8
    |   |   |--- class: 1
    |   |--- petal width (cm) >  1.8
    |   |   |--- class: 2
    >>> model.score(X, y)
    0.96
    """

    __metadata_request__predict_proba = {"check_input": UNUSED}

    _parameter_constraints: dict = {
        **BaseDecisionTree._parameter_constraints,
        "criterion": [StrOptions({"gini", "entropy", "log_loss"})],
        "class_weight": [dict, list, StrOptions({"balanced"}), None],
    }

    def __init__(
        self,
        *,
        criterion="gini",
        splitter="best",
        max_depth=None,
        min_samples_split=2,
        min_samples_leaf=1,
        min_weight_fraction_leaf=0.0,
        max_features=None,
        random_state=None,
        max_leaf_nodes=None,
        min_impurity_decrease=0.0,
        class_weight=None,
        ccp_alpha=0.0,
        monotonic_cst=None,
    ):
        self.criterion = criterion
        self.splitter = splitter
        self.max_depth = max_depth
        self.min_samples_split = min_samples_split
        self.min_samples_leaf = min_samples_leaf
        self.min_weight_fraction_leaf = min_weight_fraction_leaf
        self.max_features = max_features
        self.random_state = random_state
        self.max_leaf_nodes = max_leaf_nodes
        self.min_impurity_decrease = min_impurity_decrease
        self.class_weight = class_weight
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
            Labels, numbers or strings.
        sample_weight : array-like of shape (n_samples,), default=None
            Samples of weight 0 are left out. Weights may be negative, but not so that a leaf weighs less than 0.
        check_input : bool, default=True
            False trusts X to be float32, or CSC, without infinite values.

        Returns
        -------
        self : DecisionTreeClassifier
        """
        X, y = self._check_fit(X, y, check_input)
        check_labels(y)
        self.classes_, codes = zip(*map(encode_labels, y.T), strict=True)
        self.classes_ = list(self.classes_)
        self.n_classes_ = np.array([len(classes) for classes in self.classes_])
        sample_weight = self._times_class_weight(weights_of(sample_weight, X), y)
        engine = get_engine(X)
        columns = engine.tree.prepare(engine.asarray(X, order="K"))
        self._grow(engine, columns, np.stack(codes, axis=1).astype(np.float64), sample_weight, self.n_classes_)
        if self.n_outputs_ == 1:
            self.n_classes_, self.classes_ = self.n_classes_[0], self.classes_[0]
        return self

    def predict(self, X, check_input=True):
        """The class of most training samples in the leaf of each sample.

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
        codes = values.argmax(axis=2)
        if self.n_outputs_ == 1:
            return take_labels(engine, self.classes_, codes[:, 0], like=X)
        codes = engine.to_numpy(codes)
        labels = np.zeros(codes.shape, dtype=self.classes_[0].dtype)
        for k, classes in enumerate(self.classes_):
            labels[:, k] = classes[codes[:, k]]
        return engine.hand_back(labels, like=X)

    def predict_proba(self, X, check_input=True):
        """The part of each class, by weight, in the leaf of each sample.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        check_input : bool, default=True
            False trusts X to be float32, C-ordered or CSR.

        Returns
        -------
        proba : array of shape (n_samples, n_classes), or list of them, one for each output
        """
        engine, values = self._values(X, check_input)
        if self.n_outputs_ == 1:
            return engine.hand_back(values[:, 0], like=X)
        return [engine.hand_back(values[:, k, :n], like=X) for k, n in enumerate(self.n_classes_)]

    def predict_log_proba(self, X):
        """The logarithm of `predict_proba`, -inf for classes that the leaf does not have.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        log_proba : array of shape (n_samples, n_classes), or list of them, one for each output
        """
        engine, values = self._values(X, check_input=True)
        with np.errstate(divide="ignore"):
            values = engine.xp.log(values)
        if self.n_outputs_ == 1:
            return engine.hand_back(values[:, 0], like=X)
        return [engine.hand_back(values[:, k, :n], like=X) for k, n in enumerate(self.n_classes_)]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def _times_class_weight(self, sample_weight, y):
        if self.class_weight is None:
            return sample_weight
        class_weight = compute_sample_weight(self.class_weight, y)
        return class_weight if sample_weight is None else sample_weight * class_weight


class ExtraTreeClassifier(DecisionTreeClassifier):
    """Extremely randomized tree for classification.

    In each node one threshold is drawn for each of a few features, and the best of these splits is taken. Alone it is a
    weak model: it is meant for ensembles, whose trees should differ.

    Parameters
    ----------
    criterion : {"gini", "entropy", "log_loss"}, default="gini"
        The impurity: 1 - sum_k p_k^2, or -sum_k p_k log2 p_k under either of the other names.
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
    max_features : int >= 1, float in (0, 1], {"sqrt", "log2"} or None, default="sqrt"
        Features drawn at each node; a float is a part of all features, None all of them. More are drawn until one
        varies within the node.
    random_state : int, RandomState instance or None, default=None
        Draws of the features, whose order decides between splits that are equally good, and of random thresholds. The
        same seed gives scikit-learn's tree.
    max_leaf_nodes : int >= 2 or None, default=None
        With it the tree grows where the impurity decreases most, until it has so many leaves.
    min_impurity_decrease : float >= 0, default=0.0
        A node is split if that decreases the impurity, times the part of all samples in the node, by so much.
    class_weight : dict, list of dict, "balanced" or None, default=None
        Weights of the classes, which multiply `sample_weight`; one dictionary for each output. "balanced" makes the
        classes weigh the same.
    ccp_alpha : float >= 0, default=0.0
        After growing, branches that decrease the impurity by no more than this per leaf become leaves.
    monotonic_cst : array-like of shape (n_features,) or None, default=None
        For each feature 1 where the probability of the second class may not fall as the feature rises, -1 where it may
        not rise, 0 for no constraint. For two classes and one output.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,), or list of them
        The labels of each output, sorted.
    feature_importances_ : ndarray of shape (n_features,)
        How much of the decrease in impurity each feature brought; they sum to 1. Features with many distinct values are
        favoured: :func:`sklearn.inspection.permutation_importance` does not favour them.
    max_features_ : int
        Features drawn at each node.
    n_classes_ : int, or ndarray of shape (n_outputs,)
        The number of classes of each output.
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
    >>> from sklearn.datasets import load_iris
    >>> from ghostflow_learn.tree import ExtraTreeClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> model = ExtraTreeClassifier(max_depth=3, random_state=0).fit(X, y)
    >>> model.get_depth(), round(model.score(X, y), 2)
    (3, 0.72)
    """

    def __init__(
        self,
        *,
        criterion="gini",
        splitter="random",
        max_depth=None,
        min_samples_split=2,
        min_samples_leaf=1,
        min_weight_fraction_leaf=0.0,
        max_features="sqrt",
        random_state=None,
        max_leaf_nodes=None,
        min_impurity_decrease=0.0,
        class_weight=None,
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
            class_weight=class_weight,
            ccp_alpha=ccp_alpha,
            monotonic_cst=monotonic_cst,
        )

    @property
    def _allows_nan(self):
        return self.splitter == "random"
