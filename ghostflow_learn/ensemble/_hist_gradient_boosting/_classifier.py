"""Histogram gradient boosting for classification."""

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.preprocessing import LabelEncoder
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets

from ghostflow_learn._engine import get_engine
from ghostflow_learn._validation import StrOptions, encode_labels, take_labels

from ._base import BaseHistGradientBoosting
from ._losses import classification_loss, formulas, probabilities

BLOCK = 2**14  # labels that become floats at a time


class HistGradientBoostingClassifier(ClassifierMixin, BaseHistGradientBoosting):
    """Histogram-based gradient boosting classification.

    Adds up trees, each a Newton step that lowers the log loss of the classes: one tree an iteration for two classes,
    one for each class otherwise; features are binned into at most 255 values first. Use it for tables with more than
    some hundred rows: it takes numbers of any scale, categories and missing values as they are, and is accurate with
    its defaults.

    Parameters
    ----------
    loss : "log_loss" or object, default="log_loss"
        An own loss is an object as the Notes say.
    learning_rate : float, default=0.1
        What leaf values are multiplied by, positive. Lower it and raise `max_iter` for a better model.
    max_iter : int, default=100
        Iterations at most.
    max_leaf_nodes : int or None, default=31
        Leaves of a tree at most; 2 or more, None for no limit.
    max_depth : int or None, default=None
        Edges between the root and a leaf at most; None for no limit.
    min_samples_leaf : int, default=20
        Samples of a leaf at least. Lower it below a few hundred samples.
    l2_regularization : float, default=0.0
        Added to the hessian of each leaf: draws its value to zero.
    max_features : float, default=1.0
        Share of the features, drawn anew, that each split may use, in (0, 1].
    max_bins : int, default=255
        Bins of a feature at most, in [2, 255]; one more holds the missing values.
    categorical_features : array-like of bool, int or str, "from_dtype" or None, default="from_dtype"
        Which features are categories: a mask, positions, names, or the columns of a DataFrame whose dtype is
        categorical. At most `max_bins` categories each; negative numbers count as missing.
    monotonic_cst : array-like of int of shape (n_features,), dict or None, default=None
        For each feature 1 if predictions may only rise with it, -1 if only fall, 0 if both; or a dict of names.
        For two classes only: of the second one's probability.
    interaction_cst : {"pairwise", "no_interactions"} or sequence of sets of int, default=None
        Which features may appear together on a path of a tree, by position. Those that no set names form one more.
    warm_start : bool, default=False
        Whether a further `fit` adds iterations to the model of the one before; on the same data.
    early_stopping : "auto" or bool, default="auto"
        Whether to stop when scores no longer improve; "auto" does so for more than 10,000 samples.
    scoring : str, callable or None, default="loss"
        What is scored for early stopping: "loss", a scorer's name, a scorer, or None for `score`.
    validation_fraction : int, float or None, default=0.1
        Samples, or share of them, to set apart for early stopping; None scores the training samples.
    n_iter_no_change : int, default=10
        Stop when none of so many last scores is better than the one before them.
    tol : float, default=1e-7
        What a score must be better by.
    verbose : int, default=0
        1 prints a summary, 2 a line for each iteration too.
    random_state : int, RandomState instance or None, default=None
        Draws of the samples whose quantiles are the bins (above 200,000 samples), of the validation samples, of
        `max_features` and `subsample`. The same seed gives scikit-learn's draws.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes; "balanced" makes them inversely proportional to their frequencies.
    growth : {"leaf_wise", "depth_wise"}, default="leaf_wise"
        Which node is split next: the one of largest gain, or all of one depth before any of the next.
    subsample : float, default=1.0
        Share of the samples each iteration grows its trees on, in (0, 1].
    sampling : {"uniform", "goss"}, default="uniform"
        With `subsample` below 1, which samples: any, or (gradient-based one-side sampling) two thirds those of
        largest gradients and one third drawn from the rest, weighted up to stand for them.
    importance_type : {"gain", "split"}, default="gain"
        What ``feature_importances_`` add up: the gains of the splits, or their number.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    do_early_stopping_ : bool
    n_iter_ : int
        Iterations made.
    n_trees_per_iteration_ : int
        1 for two classes, else the number of classes.
    train_score_ : ndarray of shape (n_iter_ + 1,)
        Scores of the training samples (a scorer sees at most 10,000 of them), before the first iteration and after
        each. Empty without early stopping.
    validation_score_ : ndarray of shape (n_iter_ + 1,)
        The same of the validation samples; empty without them.
    is_categorical_ : ndarray of shape (n_features,) or None
        Mask of the categorical features, None if there is none.
    feature_importances_ : ndarray of shape (n_features,)
        They sum to 1; see `importance_type`.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Defined when X has feature names that are all strings.

    Notes
    -----
    The trees are scikit-learn's where gains do not tie: bins, gains and leaf values follow its formulas, and the same
    seed makes its draws. Gradients are added up as whole numbers of a fixed small unit, so a model is the same bit for
    bit on any number of threads. A split costs one pass over the bins of the samples in the smaller child.

    An own loss is an object with ``gradient_hessian(y_true, raw_prediction, sample_weight)``, which returns two
    arrays of the shape of `raw_prediction`; and, where it needs them, ``fit_intercept_only(y_true, sample_weight)``
    (where boosting starts, else 0), ``__call__(y_true, raw_prediction, sample_weight)`` (for early stopping),
    ``predict_proba(raw_prediction)`` (else raw predictions are log odds). scikit-learn's loss
    objects are such objects too.

    References
    ----------
    Ke et al.: LightGBM, a highly efficient gradient boosting decision tree, NeurIPS 2017.
    Chen, Guestrin: XGBoost, a scalable tree boosting system, KDD 2016, doi:10.1145/2939672.2939785.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from ghostflow_learn.ensemble import HistGradientBoostingClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> model = HistGradientBoostingClassifier().fit(X, y)
    >>> model.score(X, y)
    1.0
    >>> model.predict([[5.0, 3.4, 1.5, 0.2]])
    array([0])
    >>> model.feature_importances_.round(2)
    array([0.02, 0.02, 0.69, 0.27])
    """

    _parameter_constraints: dict = {
        **BaseHistGradientBoosting._parameter_constraints,
        "loss": [StrOptions({"log_loss"}), *BaseHistGradientBoosting._parameter_constraints["loss"]],
        "class_weight": [dict, StrOptions({"balanced"}), None],
    }

    def __init__(
        self,
        loss="log_loss",
        *,
        learning_rate=0.1,
        max_iter=100,
        max_leaf_nodes=31,
        max_depth=None,
        min_samples_leaf=20,
        l2_regularization=0.0,
        max_features=1.0,
        max_bins=255,
        categorical_features="from_dtype",
        monotonic_cst=None,
        interaction_cst=None,
        warm_start=False,
        early_stopping="auto",
        scoring="loss",
        validation_fraction=0.1,
        n_iter_no_change=10,
        tol=1e-7,
        verbose=0,
        random_state=None,
        class_weight=None,
        growth="leaf_wise",
        subsample=1.0,
        sampling="uniform",
        importance_type="gain",
    ):
        self.loss = loss
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.max_leaf_nodes = max_leaf_nodes
        self.max_depth = max_depth
        self.min_samples_leaf = min_samples_leaf
        self.l2_regularization = l2_regularization
        self.max_features = max_features
        self.max_bins = max_bins
        self.categorical_features = categorical_features
        self.monotonic_cst = monotonic_cst
        self.interaction_cst = interaction_cst
        self.warm_start = warm_start
        self.early_stopping = early_stopping
        self.scoring = scoring
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.verbose = verbose
        self.random_state = random_state
        self.class_weight = class_weight
        self.growth = growth
        self.subsample = subsample
        self.sampling = sampling
        self.importance_type = importance_type

    def predict(self, X):
        """Predict classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        y_pred : ndarray of shape (n_samples,)
        """
        return self._labels(self._raw_predict(X), X)

    def predict_proba(self, X):
        """Predict the probabilities of the classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes)
        """
        return self._probabilities(self._raw_predict(X), X)

    def decision_function(self, X):
        """The sums of the trees: log odds of the second of two classes, or unnormalised logarithms of probabilities.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        decision : ndarray of shape (n_samples,) or (n_samples, n_classes)
        """
        return self._decisions(self._raw_predict(X), X)

    def staged_predict(self, X):
        """Predict classes after each iteration.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Yields
        ------
        y_pred : ndarray of shape (n_samples,)
        """
        for raw in self._staged_raw_predict(X):
            yield self._labels(raw, X)

    def staged_predict_proba(self, X):
        """Predict the probabilities of the classes after each iteration.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Yields
        ------
        proba : ndarray of shape (n_samples, n_classes)
        """
        for raw in self._staged_raw_predict(X):
            yield self._probabilities(raw, X)

    def staged_decision_function(self, X):
        """The sums of the trees after each iteration.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Yields
        ------
        decision : ndarray of shape (n_samples,) or (n_samples, n_classes)
        """
        for raw in self._staged_raw_predict(X):
            yield self._decisions(raw, X)

    def _labels(self, raw, like):
        codes = (raw.ravel() > 0).astype(np.intp) if raw.shape[1] == 1 else raw.argmax(axis=1)
        return take_labels(get_engine(raw), self.classes_, codes, like=like)

    def _probabilities(self, raw, like):
        engine = get_engine(raw)
        if engine.xp is not np and formulas(self._loss) is not None:
            return engine.hand_back(probabilities(engine.xp, raw), like=like)
        return engine.hand_back(engine.asarray(self._loss.predict_proba(engine.to_numpy(raw))), like=like)

    def _decisions(self, raw, like):
        return get_engine(raw).hand_back(raw.ravel() if raw.shape[1] == 1 else raw, like=like)

    def _finalize_sample_weight(self, sample_weight, y):
        if self.class_weight is None:
            return sample_weight
        engine = get_engine(y)
        counts = engine.to_numpy(engine.xp.bincount(y.astype(np.intp), minlength=len(self.classes_)))
        if self.class_weight == "balanced":
            of_class = len(y) / (len(self.classes_) * counts)
        else:
            of_class = compute_class_weight(self.class_weight, classes=self.classes_, y=self.classes_)
        expanded = engine.asarray(of_class)[y.astype(np.intp)]
        return expanded if sample_weight is None else sample_weight * expanded

    def _encode_y(self, y):
        self.classes_, codes = encode_labels(y)
        if y.dtype.kind not in "biuU":  # integers and strings always are class labels
            check_classification_targets(y if isinstance(y, np.ndarray) else self.classes_)
        n_classes = len(self.classes_)
        self.n_trees_per_iteration_ = 1 if n_classes <= 2 else n_classes
        if self.monotonic_cst is not None and n_classes > 2:
            raise ValueError("monotonic constraints are not supported for multiclass classification.")
        return _as_floats(codes)

    def _encode_y_val(self, y):
        encoder = LabelEncoder()
        encoder.classes_ = self.classes_
        engine = get_engine(y)
        return engine.asarray(encoder.transform(engine.to_numpy(y)).astype(np.float64))

    def _get_loss(self, sample_weight):
        return classification_loss(self.loss, self.n_trees_per_iteration_, sample_weight)


def _as_floats(codes):
    """Whole numbers of 8 bytes as float64; on the host in the same memory."""
    if not isinstance(codes, np.ndarray) or codes.itemsize != 8:
        return codes.astype(np.float64)
    floats = codes.view(np.float64)
    for start in range(0, len(codes), BLOCK):
        floats[start : start + BLOCK] = codes[start : start + BLOCK]
    return floats
