"""Gradient boosting for regression."""

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils import column_or_1d

from ..._engine import get_engine
from ..._validation import HasMethods, Interval, StrOptions
from ..._validation._gradient_boosting import AbsoluteError, HalfSquaredError, HuberLoss, PinballLoss
from .base import BaseGradientBoosting, Real


class GradientBoostingRegressor(RegressorMixin, BaseGradientBoosting):
    """Gradient boosting of exact trees, for regression.

    Predicts F(x) = F_0 + sum_m learning_rate * tree_m(x), each tree grown on the negative gradient of the loss at the
    sum so far, with leaf values that minimise the loss of their samples. Use it where every threshold matters, or for
    quantiles and outliers, up to some ten thousand samples; beyond, HistGradientBoostingRegressor learns as well from
    histograms, in a fraction of the time.

    Parameters
    ----------
    loss : {"squared_error", "absolute_error", "huber", "quantile"}, default="squared_error"
        Squared error; absolute error; Huber's, quadratic near 0 and linear beyond the `alpha` quantile of the
        residuals; or the pinball loss of the `alpha` quantile.
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
    init : estimator, "zero" or None, default=None
        What the boosting starts from: an estimator's predictions, 0, or by default the constant that fits best.
    random_state : int, RandomState instance or None, default=None
        Draws of subsamples, of features and of the validation data. The same seed gives scikit-learn's model.
    max_features : {"sqrt", "log2"}, int, float or None, default=None
        Features that each split looks at: a number, a share, or all.
    alpha : float, default=0.9
        The quantile that is predicted with the quantile loss, or that of the residuals beyond which Huber's loss is
        linear.
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
        Always 1.
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
    estimators_ : ndarray of DecisionTreeRegressor of shape (n_estimators, 1)
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Defined when X has feature names that are all strings.
    max_features_ : int
        Features that each split looks at.

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
    >>> from sklearn.datasets import make_regression
    >>> from sklearn.model_selection import train_test_split
    >>> from ghostflow_learn.ensemble import GradientBoostingRegressor
    >>> X, y = make_regression(random_state=0)
    >>> X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    >>> model = GradientBoostingRegressor(random_state=0).fit(X_train, y_train)
    >>> model.predict(X_test[1:2]).round(1)
    array([-61.1])
    """

    _parameter_constraints: dict = {
        **BaseGradientBoosting._parameter_constraints,
        "loss": [StrOptions({"squared_error", "absolute_error", "huber", "quantile"})],
        "init": [StrOptions({"zero"}), None, HasMethods(["fit", "predict"])],
        "alpha": [Interval(Real, 0.0, 1.0, closed="neither")],
    }

    def __init__(
        self,
        *,
        loss="squared_error",
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
        alpha=0.9,
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
        self.alpha = alpha
        self.verbose = verbose
        self.max_leaf_nodes = max_leaf_nodes
        self.warm_start = warm_start
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.ccp_alpha = ccp_alpha

    def _encode(self, y, sample_weight):
        self.n_trees_per_iteration_ = 1
        return column_or_1d(y.astype(np.float64, copy=False), warn=True)

    def _make_loss(self, sample_weight):
        if self.loss in ("huber", "quantile"):
            loss = {"huber": HuberLoss, "quantile": PinballLoss}[self.loss]
            return loss(sample_weight=sample_weight, quantile=self.alpha)
        loss = {"squared_error": HalfSquaredError, "absolute_error": AbsoluteError}[self.loss]
        return loss(sample_weight=sample_weight)

    def predict(self, X):
        """Predict targets.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        y : array of shape (n_samples,)
        """
        data = self._check_predict(X)
        return get_engine(data).hand_back(self._raw_predict(data)[:, 0], like=X)

    def staged_predict(self, X):
        """Predict targets after each stage.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Yields
        ------
        y : array of shape (n_samples,)
        """
        data = self._check_predict(X)
        for raw_predictions in self._staged_raw_predict(data):
            yield get_engine(data).hand_back(raw_predictions[:, 0], like=X)

    def apply(self, X):
        """The leaf of each sample in each tree.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        leaves : array of shape (n_samples, n_estimators)
            Ids of nodes, as numbers of float64.
        """
        return super().apply(X)[:, :, 0]
