"""Histogram gradient boosting for regression."""

from numbers import Real

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import d2_pinball_score

from ghostflow_learn._engine import get_engine
from ghostflow_learn._validation import Interval, StrOptions

from ._base import BaseHistGradientBoosting
from ._losses import formulas, regression_loss


class HistGradientBoostingRegressor(RegressorMixin, BaseHistGradientBoosting):
    """Histogram-based gradient boosting regression.

    Adds up trees, each a Newton step that lowers a loss of y and the prediction so far; features are binned into at
    most 255 values first. Use it for tables with more than some hundred rows: it takes numbers of any scale,
    categories and missing values as they are, and is accurate with its defaults.

    Parameters
    ----------
    loss : {"squared_error", "absolute_error", "gamma", "poisson", "quantile"} or object, default="squared_error"
        "gamma" (y > 0) and "poisson" (y >= 0) predict the exponential of the trees; "quantile" is the pinball loss.
        An own loss is an object as the Notes say.
    quantile : float or sequence of floats, default=None
        With ``loss="quantile"``, which quantile is predicted, in (0, 1); several make one model of all of them, whose
        predictions have one column each and never cross.
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
    do_early_stopping_ : bool
    n_iter_ : int
        Iterations made.
    n_trees_per_iteration_ : int
        1, or the number of quantiles.
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
    ``link.inverse(raw_prediction)`` (from raw predictions to predictions). scikit-learn's loss
    objects are such objects too.

    References
    ----------
    Ke et al.: LightGBM, a highly efficient gradient boosting decision tree, NeurIPS 2017.
    Chen, Guestrin: XGBoost, a scalable tree boosting system, KDD 2016, doi:10.1145/2939672.2939785.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from ghostflow_learn.ensemble import HistGradientBoostingRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = HistGradientBoostingRegressor().fit(X, y)
    >>> round(model.score(X, y), 2)
    0.93
    >>> bands = HistGradientBoostingRegressor(loss="quantile", quantile=[0.1, 0.5, 0.9]).fit(X, y)
    >>> bands.predict(X[:2]).round()
    array([[148., 206., 283.],
           [ 61.,  75.,  99.]])
    """

    _parameter_constraints: dict = {
        **BaseHistGradientBoosting._parameter_constraints,
        "loss": [
            StrOptions({"squared_error", "absolute_error", "poisson", "gamma", "quantile"}),
            *BaseHistGradientBoosting._parameter_constraints["loss"],
        ],
        "quantile": [Interval(Real, 0, 1, closed="both"), "array-like", None],
    }

    def __init__(
        self,
        loss="squared_error",
        *,
        quantile=None,
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
        growth="leaf_wise",
        subsample=1.0,
        sampling="uniform",
        importance_type="gain",
    ):
        self.loss = loss
        self.quantile = quantile
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
        self.growth = growth
        self.subsample = subsample
        self.sampling = sampling
        self.importance_type = importance_type

    def predict(self, X):
        """Predict y.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        y_pred : ndarray of shape (n_samples,), or (n_samples, n_quantiles) where there are several quantiles
        """
        return self._from_raw(self._raw_predict(X), X)

    def staged_predict(self, X):
        """Predict y after each iteration.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Yields
        ------
        y_pred : as of :meth:`predict`
        """
        for raw in self._staged_raw_predict(X):
            yield self._from_raw(raw, X)

    def score(self, X, y, sample_weight=None):
        """R^2 of the predictions; of several quantiles the mean share of the pinball loss that they explain.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        score : float
            1 is perfect, 0 is no better than a constant.
        """
        if not self._has_several_quantiles():
            return super().score(X, y, sample_weight)
        columns = self.predict(X).T
        scores = [
            d2_pinball_score(y, column, sample_weight=sample_weight, alpha=q)
            for column, q in zip(columns, self.quantile)
        ]
        return float(np.mean(scores))

    def _from_raw(self, raw, like):
        engine = get_engine(raw)
        if self._has_several_quantiles():
            # Sorted, quantiles do not cross, and no pinball loss is larger (Chernozhukov et al., doi:10.3982/ECTA7880).
            ranks = np.argsort(np.argsort(self.quantile, kind="stable"), kind="stable")
            predicted = engine.xp.sort(raw, axis=1)[:, ranks]
        elif formulas(self._loss) is None:
            predicted = engine.asarray(self._loss.link.inverse(engine.to_numpy(raw.ravel())))
        else:
            predicted = engine.xp.exp(raw.ravel()) if self.loss in ("poisson", "gamma") else raw.ravel()
        return engine.hand_back(predicted, like=like)

    def _has_several_quantiles(self):
        return self.loss == "quantile" and np.ndim(self.quantile) == 1

    def _encode_y(self, y):
        self._check_quantile()
        self.n_trees_per_iteration_ = np.size(self.quantile) if self._has_several_quantiles() else 1
        y = y.astype(np.float64, copy=False)
        if self.loss == "gamma" and not (y > 0).all():
            raise ValueError("loss='gamma' requires strictly positive y.")
        if self.loss == "poisson" and not ((y >= 0).all() and y.sum() > 0):
            raise ValueError("loss='poisson' requires non-negative y and sum(y) > 0.")
        return y

    def _encode_y_val(self, y):
        return self._encode_y(y)

    def _check_quantile(self):
        if self.loss != "quantile":
            return
        quantiles = np.asarray(self.quantile, dtype=float) if self.quantile is not None else np.array(None, dtype=float)
        if quantiles.ndim > 1 or quantiles.size == 0 or not ((quantiles > 0) & (quantiles < 1)).all():
            raise ValueError(
                f"quantile={self.quantile!r} must be a number, or several in a sequence, above 0 and below 1 with "
                "loss='quantile'. Set quantile=0.5 for the median."
            )

    def _get_loss(self, sample_weight):
        return regression_loss(self.loss, self.quantile, sample_weight)
