"""Gradient boosting for classification."""

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from ..._engine import get_engine
from ..._validation import HasMethods, StrOptions, encode_labels, take_labels
from ..._validation._gradient_boosting import ExponentialLoss, HalfBinomialLoss, HalfMultinomialLoss
from .base import BaseGradientBoosting


class GradientBoostingClassifier(ClassifierMixin, BaseGradientBoosting):
    """Gradient boosting of exact trees, for classification.

    The decision function is F(x) = F_0 + sum_m learning_rate * tree_m(x), each tree grown on the negative gradient of
    the loss at the sum so far, with leaf values from a Newton step; with more than two classes there are a sum and a
    tree per class. Use it where every threshold matters, up to some ten thousand samples; beyond,
    HistGradientBoostingClassifier learns as well from histograms, in a fraction of the time.

    Parameters
    ----------
    loss : {"log_loss", "exponential"}, default="log_loss"
        Log loss, of a binomial or a multinomial, or AdaBoost's exp(-y F), for two classes.
    learning_rate : float, default=0.1
        What each tree is multiplied with, >= 0.
    n_estimators : int, default=100
        Number of stages, at most with early stopping.
    subsample : float, default=1.0
        Share of the samples, in (0, 1], that each stage's trees grow on; drawn without replacement.
    criterion : "squared_error", default="deprecated"
        Has no effect, as in scikit-learn, and warns.
    min_samples_split : int or float, default=2
        Samples, or share of the samples, that a node needs to be split.
    min_samples_leaf : int or float, default=1
        Samples, or share of the samples, that each child needs.
    min_weight_fraction_leaf : float, default=0.0
        Share of the total weight that each child needs, in [0, 0.5].
    max_depth : int or None, default=3
        Depth of the trees; None is no limit.
    min_impurity_decrease : float, default=0.0
        What a split must take from the impurity, weighted by the share of the samples in its node.
    init : estimator with `predict_proba`, "zero" or None, default=None
        What the boosting starts from: an estimator's probabilities, 0, or by default the shares of the classes.
    random_state : int, RandomState instance or None, default=None
        Draws of subsamples, of features and of the validation data. The same seed gives scikit-learn's model.
    max_features : {"sqrt", "log2"}, int, float or None, default=None
        Features that each split looks at: a number, a share, or all.
    verbose : int, default=0
        Whether progress is printed: 1 for fewer and fewer stages, 2 for all of them.
    max_leaf_nodes : int or None, default=None
        Leaves of each tree at most; it is then grown where it gains most.
    warm_start : bool, default=False
        Whether `fit` adds stages to those that are there, up to `n_estimators`.
    validation_fraction : float, default=0.1
        Share of the samples that early stopping sets aside.
    n_iter_no_change : int or None, default=None
        Stages without improvement after which the fit stops; None is no early stopping.
    tol : float, default=1e-4
        What counts as an improvement of the validation loss.
    ccp_alpha : float, default=0.0
        Complexity parameter that the trees are pruned with.

    Attributes
    ----------
    n_estimators_ : int
        Number of stages.
    n_trees_per_iteration_ : int
        Trees in a stage: 1 for two classes, else the number of classes.
    feature_importances_ : ndarray of shape (n_features,)
        Share of each feature in the decrease of impurity.
    oob_improvement_ : ndarray of shape (n_estimators,)
        Decrease of the loss of samples out of the bag at each stage. Only if ``subsample < 1``.
    oob_scores_ : ndarray of shape (n_estimators,)
        Loss of samples out of the bag after each stage. Only if ``subsample < 1``.
    oob_score_ : float
        The last of them. Only if ``subsample < 1``.
    train_score_ : ndarray of shape (n_estimators,)
        Loss of the training data, or those in the bag, after each stage.
    init_ : estimator or "zero"
        What the boosting started from.
    estimators_ : ndarray of DecisionTreeRegressor of shape (n_estimators, n_trees_per_iteration)
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    n_classes_ : int
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Defined when X has feature names that are all strings.
    max_features_ : int
        Features that each split looks at.

    Raises
    ------
    ValueError
        If there are fewer than two classes, or more than two with the exponential loss.

    Notes
    -----
    X is sorted once for all trees, and a tree costs O(n_samples n_features) a level. Trees grow on the CPU; on a GPU X
    is copied from there once for a fit.

    References
    ----------
    Friedman: Greedy function approximation, a gradient boosting machine. The Annals of Statistics 29 (2001),
    doi:10.1214/aos/1013203451
    Friedman: Stochastic gradient boosting. Computational Statistics & Data Analysis 38 (2002),
    doi:10.1016/S0167-9473(01)00065-2

    Examples
    --------
    >>> from sklearn.datasets import make_hastie_10_2
    >>> from ghostflow_learn.ensemble import GradientBoostingClassifier
    >>> X, y = make_hastie_10_2(random_state=0)
    >>> model = GradientBoostingClassifier(learning_rate=1.0, max_depth=1, random_state=0).fit(X[:2000], y[:2000])
    >>> round(model.score(X[2000:], y[2000:]), 3)
    0.913
    """

    _parameter_constraints: dict = {
        **BaseGradientBoosting._parameter_constraints,
        "loss": [StrOptions({"log_loss", "exponential"})],
        "init": [StrOptions({"zero"}), None, HasMethods(["fit", "predict_proba"])],
    }

    def __init__(
        self,
        *,
        loss="log_loss",
        learning_rate=0.1,
        n_estimators=100,
        subsample=1.0,
        criterion="deprecated",
        min_samples_split=2,
        min_samples_leaf=1,
        min_weight_fraction_leaf=0.0,
        max_depth=3,
        min_impurity_decrease=0.0,
        init=None,
        random_state=None,
        max_features=None,
        verbose=0,
        max_leaf_nodes=None,
        warm_start=False,
        validation_fraction=0.1,
        n_iter_no_change=None,
        tol=1e-4,
        ccp_alpha=0.0,
    ):
        self.loss = loss
        self.learning_rate = learning_rate
        self.n_estimators = n_estimators
        self.subsample = subsample
        self.criterion = criterion
        self.min_samples_split = min_samples_split
        self.min_samples_leaf = min_samples_leaf
        self.min_weight_fraction_leaf = min_weight_fraction_leaf
        self.max_depth = max_depth
        self.min_impurity_decrease = min_impurity_decrease
        self.init = init
        self.random_state = random_state
        self.max_features = max_features
        self.verbose = verbose
        self.max_leaf_nodes = max_leaf_nodes
        self.warm_start = warm_start
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.ccp_alpha = ccp_alpha

    def _encode(self, y, sample_weight):
        check_classification_targets(y)
        self.classes_, codes = encode_labels(column_or_1d(y, warn=True))
        self.n_classes_ = len(self.classes_)
        self.n_trees_per_iteration_ = 1 if self.n_classes_ <= 2 else self.n_classes_
        n_left = np.count_nonzero(np.bincount(codes, sample_weight))
        if n_left < 2:
            raise ValueError(
                f"y contains {n_left} class after sample_weight trimmed classes with zero weights, while a minimum of "
                "2 classes are required."
            )
        return codes.astype(np.float64)

    def _make_loss(self, sample_weight):
        if self.loss == "exponential":
            if self.n_classes_ > 2:
                raise ValueError(
                    f"loss='{self.loss}' is only suitable for a binary classification problem, you have "
                    f"n_classes={self.n_classes_}. Please use loss='log_loss' instead."
                )
            return ExponentialLoss(sample_weight=sample_weight)
        if self.n_classes_ == 2:
            return HalfBinomialLoss(sample_weight=sample_weight)
        return HalfMultinomialLoss(sample_weight=sample_weight, n_classes=self.n_classes_)

    def decision_function(self, X):
        """Sums of the trees' values.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        scores : array of shape (n_samples,), or (n_samples, n_classes) for more than two classes
        """
        data = self._check_predict(X)
        return get_engine(data).hand_back(_squeezed(self._raw_predict(data)), like=X)

    def staged_decision_function(self, X):
        """Sums of the trees' values after each stage.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Yields
        ------
        scores : array of shape (n_samples, n_trees_per_iteration)
        """
        data = self._check_predict(X)
        for raw_predictions in self._staged_raw_predict(data):
            yield get_engine(data).hand_back(raw_predictions, like=X)

    def predict(self, X):
        """Predict labels.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        labels : array of shape (n_samples,)
        """
        data = self._check_predict(X)
        return self._labels(data, self._raw_predict(data), like=X)

    def staged_predict(self, X):
        """Predict labels after each stage.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Yields
        ------
        labels : array of shape (n_samples,)
        """
        data = self._check_predict(X)
        for raw_predictions in self._staged_raw_predict(data):
            yield self._labels(data, raw_predictions, like=X)

    def predict_proba(self, X):
        """Predict the probability of each class.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        probabilities : array of shape (n_samples, n_classes)
        """
        data = self._check_predict(X)
        return self._probabilities(data, self._raw_predict(data), like=X)

    def staged_predict_proba(self, X):
        """Predict the probability of each class after each stage.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Yields
        ------
        probabilities : array of shape (n_samples, n_classes)
        """
        data = self._check_predict(X)
        for raw_predictions in self._staged_raw_predict(data):
            yield self._probabilities(data, raw_predictions, like=X)

    def predict_log_proba(self, X):
        """Predict the logarithm of the probability of each class.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        log_probabilities : array of shape (n_samples, n_classes)
        """
        data = self._check_predict(X)
        engine = get_engine(data)
        probabilities = engine.asarray(self._probabilities(data, self._raw_predict(data), like=data))
        with np.errstate(divide="ignore"):
            return engine.hand_back(engine.xp.log(probabilities), like=X)

    def _labels(self, data, raw_predictions, like):
        engine = get_engine(data)
        raw_predictions = _squeezed(raw_predictions)
        codes = (raw_predictions >= 0).astype(np.int64) if raw_predictions.ndim == 1 else raw_predictions.argmax(axis=1)
        return take_labels(engine, self.classes_, codes, like=like)

    def _probabilities(self, data, raw_predictions, like):
        engine = get_engine(data)
        probabilities = self._loss.predict_proba(engine.to_numpy(_squeezed(raw_predictions)))
        return engine.hand_back(engine.asarray(probabilities), like=like)


def _squeezed(raw_predictions):
    return raw_predictions[:, 0] if raw_predictions.shape[1] == 1 else raw_predictions
