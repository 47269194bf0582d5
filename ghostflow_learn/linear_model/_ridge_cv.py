"""Ridge regression and classification that choose their penalty by cross-validation."""

import warnings
from functools import partial
from numbers import Real

import numpy as np
from scipy.sparse import issparse
from sklearn.base import MultiOutputMixin, RegressorMixin, is_classifier
from sklearn.metrics import check_scoring, get_scorer, get_scorer_names
from sklearn.model_selection import GridSearchCV
from sklearn.utils import check_scalar
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing

from ghostflow_learn import config_context
from ghostflow_learn._base import BaseEstimator
from ghostflow_learn._engine import get_engine
from ghostflow_learn._validation import (
    Interval,
    StrOptions,
    check_fit,
    check_weight,
    fit_context,
    raise_for_params,
    routing_enabled,
)

from ._base import LinearRegressorMixin
from ._leave_one_out import Choice, leave_one_out, score
from ._reduction import problem_of, set_coefficients
from ._ridge import Ridge, RidgeClassifier, RidgeLabels


class _ChoiceOfPenalty:
    """Mixin of RidgeCV and RidgeClassifierCV: the choice of `alpha_`, and its routing."""

    _parameter_constraints = {
        "alphas": ["array-like", Interval(Real, 0, None, closed="neither")],
        "fit_intercept": ["boolean"],
        "scoring": [StrOptions(set(get_scorer_names())), callable, None],
        "cv": ["cv_object"],
        "store_cv_results": ["boolean"],
    }

    def _fit_leave_one_out(self, X, y, sample_weight, score_params, gcv_mode=None, alpha_per_target=False):
        """Fit validated data."""
        _warn_of_svd_on_sparse(X, gcv_mode)
        engine = get_engine(X)
        problem = problem_of(engine, X, y, sample_weight, self.fit_intercept)
        if "sample_weight" in score_params:
            score_params = {**score_params, "sample_weight": engine.to_numpy(problem.sample_weight)}
        alphas = _checked_alphas(self.alphas, "neither")
        scorer = None if self.scoring is None else partial(score, self._get_scorer(), is_classifier(self), score_params)
        choice = Choice(engine, problem, scorer, alpha_per_target, self.store_cv_results)
        use_svd = gcv_mode == "svd" and not issparse(X)
        x_offset, y_offset, models = leave_one_out(engine, problem, alphas, use_svd)
        for alpha, (coef, errors) in zip(map(float, alphas), models):
            choice.consider(alpha, coef, errors)

        self.alpha_ = choice.alpha
        self.best_score_ = np.reshape(choice.score, -1) if alpha_per_target and y.ndim == 2 else choice.score
        set_coefficients(self, engine, choice.coef, x_offset, y_offset, X, y)
        self.coef_ = self.coef_.ravel() if len(choice.coef.T) == 1 else self.coef_
        if self.store_cv_results:
            results = np.stack(choice.results, axis=-1).astype(X.dtype, copy=False)
            self.cv_results_ = results[:, 0] if y.ndim == 1 else results

    def _fit_grid(self, model, X, y, params):
        """Fit as a grid search does."""
        if self.store_cv_results:
            raise ValueError("cv!=None and store_cv_results=True are incompatible")
        if getattr(self, "alpha_per_target", False):
            raise ValueError("cv!=None and alpha_per_target=True are incompatible")
        model.set_params(fit_intercept=self.fit_intercept, solver="sparse_cg" if issparse(X) else "auto")
        if routing_enabled():
            model.set_fit_request(sample_weight=True)
        grid = {"alpha": _checked_alphas(self.alphas, "left")}
        search = GridSearchCV(model, grid, cv=self.cv, scoring=self._get_scorer())
        if hasattr(X, "__cuda_array_interface__"):  # scikit-learn cuts the folds on the host, and each goes back
            with config_context(device="cuda"):
                to_numpy = get_engine(X).to_numpy
                search.fit(to_numpy(X), to_numpy(y), **{name: to_numpy(value) for name, value in params.items()})
        else:
            search.fit(X, y, **params)
        best = search.best_estimator_
        self.alpha_, self.best_score_ = best.alpha, search.best_score_
        self.coef_, self.intercept_, self.n_features_in_ = best.coef_, best.intercept_, best.n_features_in_
        if hasattr(best, "feature_names_in_"):
            self.feature_names_in_ = best.feature_names_in_

    def _routed(self, sample_weight, params):
        """What the caller passed on: parameters of a grid search, and those of the scorer."""
        raise_for_params(params, self, "fit")
        if sample_weight is not None:
            params = {**params, "sample_weight": sample_weight}
        if not routing_enabled() or self.cv is not None:
            return params, params
        return params, process_routing(self, "fit", **params).scorer.score

    def get_metadata_routing(self):
        """Which metadata the scorer and the splitter take.

        Returns
        -------
        routing : MetadataRouter
        """
        return (
            MetadataRouter(owner=self)
            .add_self_request(self)
            .add(scorer=self._get_scorer(), method_mapping=MethodMapping().add(caller="fit", callee="score"))
            .add(splitter=self.cv, method_mapping=MethodMapping().add(caller="fit", callee="split"))
        )

    def _get_scorer(self):
        if routing_enabled() and self.scoring is None:
            return get_scorer("accuracy" if is_classifier(self) else "r2").set_score_request(sample_weight=True)
        return check_scoring(estimator=self, scoring=self.scoring, allow_none=True)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _checked_alphas(alphas, boundaries):
    """(n_alphas,) NumPy array; zero is allowed if `boundaries` is "left"."""
    if isinstance(alphas, (np.ndarray, list, tuple)):
        values = np.atleast_1d(np.asarray(alphas, dtype=object))
        for index, alpha in enumerate(values):
            name = "alphas" if len(values) == 1 else f"alphas[{index}]"
            check_scalar(alpha, name, target_type=Real, min_val=0.0, include_boundaries=boundaries)
    return np.atleast_1d(np.asarray(alphas))


def _warn_of_svd_on_sparse(X, gcv_mode):
    if gcv_mode == "svd" and issparse(X):
        warnings.warn(
            "The 'svd' mode is not supported for sparse X, we fallback to `gcv_mode='eigen'`. Passing `gcv_mode='svd'` "
            "on sparse X will raise an error in 1.11, use the default or pass `gcv_mode='eigen'` to suppress this "
            "warning.",
            FutureWarning,
            stacklevel=5,
        )


class RidgeCV(_ChoiceOfPenalty, LinearRegressorMixin, MultiOutputMixin, RegressorMixin, BaseEstimator):
    """Ridge regression that chooses its penalty by cross-validation.

    Minimizes the objective of :class:`Ridge` for every penalty and keeps the model that predicts best. By default each
    sample in turn is left out, at the cost of one decomposition of X.

    Parameters
    ----------
    alphas : array-like of shape (n_alphas,), default=(0.1, 1.0, 10.0)
        Penalties to try; positive, or not negative with `cv`.
    fit_intercept : bool, default=True
        Whether to fit an intercept, which is not penalized.
    scoring : str, callable or None, default=None
        What the best model maximizes. None is the negative mean squared error, or R2 with `cv`.
    cv : int, splitter, iterable or None, default=None
        None leaves out one sample at a time. Anything else is a grid search over :class:`Ridge`.
    gcv_mode : {"auto", "svd", "eigen"} or None, default=None
        Decomposition for leaving one out: "svd" of X, or "eigen" of X'X (of X X' where samples are no more than
        features), which is faster. "auto" and None are "eigen".
    store_cv_results : bool, default=False
        Whether to keep `cv_results_`. Only without `cv`.
    alpha_per_target : bool, default=False
        Whether each target gets a penalty of its own. Only without `cv`.

    Attributes
    ----------
    cv_results_ : ndarray of shape (n_samples, n_alphas) or (n_samples, n_targets, n_alphas)
        With `store_cv_results`: squared errors of the samples left out, or their predictions where `scoring` is given.
    coef_ : ndarray of shape (n_features,) or (n_targets, n_features)
        Coefficients, in the dtype of X.
    intercept_ : float or ndarray of shape (n_targets,)
        0.0 without `fit_intercept`.
    alpha_ : float or ndarray of shape (n_targets,)
        The best penalty, of each target with `alpha_per_target`.
    best_score_ : float or ndarray of shape (n_targets,)
        Its score.
    n_features_in_ : int
        Number of features seen during `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where all of them are strings.

    Notes
    -----
    Two passes over X serve all penalties: one for X'X and one for the errors, block by block in float64, without a copy
    of a tall X. On a GPU both run there.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from ghostflow_learn.linear_model import RidgeCV
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = RidgeCV(alphas=[1e-3, 1e-2, 1e-1, 1]).fit(X, y)
    >>> model.alpha_
    0.01
    >>> round(model.score(X, y), 3)
    0.517
    """

    _parameter_constraints = {
        **_ChoiceOfPenalty._parameter_constraints,
        "gcv_mode": [StrOptions({"auto", "svd", "eigen"}), None],
        "alpha_per_target": ["boolean"],
    }

    def __init__(
        self,
        alphas=(0.1, 1.0, 10.0),
        *,
        fit_intercept=True,
        scoring=None,
        cv=None,
        gcv_mode=None,
        store_cv_results=False,
        alpha_per_target=False,
    ):
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.scoring = scoring
        self.cv = cv
        self.gcv_mode = gcv_mode
        self.store_cv_results = store_cv_results
        self.alpha_per_target = alpha_per_target

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None, **params):
        """Fit the model.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
        sample_weight : float or array-like of shape (n_samples,), optional
            Not negative. Left out one at a time, samples also count by it in the score.
        **params
            For the scorer and the splitter, with scikit-learn's metadata routing.

        Returns
        -------
        self : RidgeCV
        """
        params, score_params = self._routed(sample_weight, params)
        if self.cv is not None:
            self._fit_grid(Ridge(), X, y, params)
            return self
        X, y = check_fit(self, X, y, accept_sparse="csr", multi_output=True, y_numeric=True)
        if sample_weight is not None:
            sample_weight = check_weight(sample_weight, X, ensure_non_negative=True)
        self._fit_leave_one_out(X, y, sample_weight, score_params, self.gcv_mode, self.alpha_per_target)
        return self


class RidgeClassifierCV(_ChoiceOfPenalty, RidgeLabels, BaseEstimator):
    """Classifier by ridge regression that chooses its penalty by cross-validation.

    :class:`RidgeCV` on targets of -1 and 1, one for each class; the class with the largest prediction wins.

    Parameters
    ----------
    alphas : array-like of shape (n_alphas,), default=(0.1, 1.0, 10.0)
        Penalties to try; positive, or not negative with `cv`.
    fit_intercept : bool, default=True
        Whether to fit an intercept, which is not penalized.
    scoring : str, callable or None, default=None
        What the best model maximizes. None is the negative mean squared error of the targets, or accuracy with `cv`.
    cv : int, splitter, iterable or None, default=None
        None leaves out one sample at a time. Anything else is a grid search over :class:`RidgeClassifier`.
    class_weight : dict or "balanced", default=None
        Weights of the classes, ``{label: weight}``; "balanced" is ``n_samples / (n_classes * np.bincount(y))``.
    store_cv_results : bool, default=False
        Whether to keep `cv_results_`. Only without `cv`.

    Attributes
    ----------
    cv_results_ : ndarray of shape (n_samples, n_targets, n_alphas)
        With `store_cv_results`: squared errors of the samples left out, or their predictions where `scoring` is given.
    coef_ : ndarray of shape (n_features,) or (n_classes, n_features)
        Coefficients, in the dtype of X; one-dimensional for two classes.
    intercept_ : float or ndarray of shape (n_targets,)
        0.0 without `fit_intercept`.
    alpha_ : float
        The best penalty.
    best_score_ : float
        Its score.
    classes_ : ndarray of shape (n_classes,)
        The labels.
    n_features_in_ : int
        Number of features seen during `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where all of them are strings.

    Notes
    -----
    With `scoring`, two classes and no `cv`, a sample counts for the second class where its prediction is above 0.
    (scikit-learn 1.9 compares the only column of predictions with itself there, and finds every penalty perfect.)

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from ghostflow_learn.linear_model import RidgeClassifierCV
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> model = RidgeClassifierCV(alphas=[1e-3, 1e-2, 1e-1, 1]).fit(X, y)
    >>> round(model.score(X, y), 3)
    0.963
    """

    _parameter_constraints = {
        **_ChoiceOfPenalty._parameter_constraints,
        "class_weight": [dict, StrOptions({"balanced"}), None],
    }

    def __init__(
        self,
        alphas=(0.1, 1.0, 10.0),
        *,
        fit_intercept=True,
        scoring=None,
        cv=None,
        class_weight=None,
        store_cv_results=False,
    ):
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.scoring = scoring
        self.cv = cv
        self.class_weight = class_weight
        self.store_cv_results = store_cv_results

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None, **params):
        """Fit the model.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,), or (n_samples, n_outputs) of 0 and 1
        sample_weight : float or array-like of shape (n_samples,), optional
            Not negative.
        **params
            For the scorer and the splitter, with scikit-learn's metadata routing.

        Returns
        -------
        self : RidgeClassifierCV
        """
        X, y, sample_weight, targets = self._check_labels(X, y, sample_weight)
        params, score_params = self._routed(sample_weight, params)
        if self.cv is None:
            self._fit_leave_one_out(X, targets, sample_weight, score_params)
        else:
            self._fit_grid(RidgeClassifier(), X, y, params)
        return self
