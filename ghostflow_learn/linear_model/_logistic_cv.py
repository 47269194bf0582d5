"""Logistic regression that chooses its penalty by cross-validation."""

import warnings
from numbers import Integral, Number

import numpy as np
from sklearn.metrics import get_scorer, get_scorer_names
from sklearn.model_selection import check_cv
from sklearn.utils import compute_class_weight
from sklearn.utils.metadata_routing import UNUSED, MetadataRouter, MethodMapping, process_routing

from ghostflow_learn._engine import get_engine
from ghostflow_learn._validation import (
    Hidden,
    Interval,
    StrOptions,
    check_fit,
    deprecate_positional_args,
    fit_context,
    raise_for_params,
    routing_enabled,
    threads_for,
)

from . import _logistic_folds
from ._logistic import LogisticRegression
from ._logistic_fit import LARGE_SPARSE, check_classes, check_solver, encode_classes, solver_settings, split


class LogisticRegressionCV(LogisticRegression):
    """Logistic regression with built-in cross-validation of `C` and the share of the L1 penalty.

    On each fold the solutions for all values of C are found along a path, each from the one before, which is faster
    than a grid search. The objective is that of :class:`LogisticRegression`.

    Parameters
    ----------
    Cs : int or array-like of float, default=10
        Inverse regularization strengths to try; an int is a number of values on a logarithmic scale from 1e-4 to 1e4.
    l1_ratios : array-like of float, default=None
        Shares of the L1 penalty to try, in [0, 1]. None, deprecated since scikit-learn 1.8, is an L2 penalty.
    fit_intercept : bool, default=True
    cv : int, cross-validation splitter or iterable, default=None
        How to cut the folds; None is 5 stratified folds.
    dual : bool, default=False
        Solve the dual problem; with ``solver="liblinear"`` and an L2 penalty only.
    penalty : {"l1", "l2", "elasticnet"}, default="l2"
        Deprecated since scikit-learn 1.8: say it with `l1_ratios`.
    scoring : str, callable or None, default=None
        What to choose by; None is accuracy, which becomes "neg_log_loss" in scikit-learn 1.11.
    solver : {"lbfgs", "liblinear", "newton-cg", "newton-cholesky", "sag", "saga"}, default="lbfgs"
    tol : float, default=1e-4
    max_iter : int, default=100
    class_weight : dict or "balanced", default=None
    n_jobs : int, default=None
        Threads of the fit. None is the ``n_threads`` setting.
    verbose : int, default=0
    refit : bool, default=True
        Fit on all samples with what scored best. If False, average the best coefficients of each fold.
    intercept_scaling : float, default=1.0
    random_state : int, RandomState instance or None, default=None
    use_legacy_attributes : bool, default=True
        Attributes as before scikit-learn 1.10: dicts by class, with scores repeated; see below.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    coef_ : ndarray of shape (1, n_features) or (n_classes, n_features)
    intercept_ : ndarray of shape (1,) or (n_classes,)
    Cs_ : ndarray of shape (n_cs,)
        Values of C that were tried.
    l1_ratios_ : ndarray of shape (n_l1_ratios,)
        Shares of the L1 penalty that were tried; ``[None]`` with ``l1_ratios=None``.
    coefs_paths_ : ndarray of shape (n_folds, n_l1_ratios, n_cs, n_classes, n_dof)
        Solutions, the intercept last. Legacy: a dict from classes to (n_folds, n_cs, n_l1_ratios, n_dof) arrays.
    scores_ : ndarray of shape (n_folds, n_l1_ratios, n_cs)
        Legacy: a dict from classes to the same (n_folds, n_cs, n_l1_ratios) array.
    C_ : float
        The best C, or the mean of the folds' best. Legacy: an array that repeats it for each class.
    l1_ratio_ : float
        The same for the share of the L1 penalty.
    n_iter_ : ndarray of shape (n_folds, n_l1_ratios, n_cs)
        Legacy: (1, n_folds, n_cs, n_l1_ratios). Legacy arrays have no axis of L1 ratios with ``l1_ratios=None``.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where all of them are strings.

    Notes
    -----
    `dual` and `intercept_scaling` also apply to the last fit, on all samples, where scikit-learn forgets them.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from ghostflow_learn.linear_model import LogisticRegressionCV
    >>> X, y = load_iris(return_X_y=True)
    >>> model = LogisticRegressionCV(
    ...     l1_ratios=(0,), solver="newton-cholesky", scoring="neg_log_loss", use_legacy_attributes=False
    ... ).fit(X, y)
    >>> round(model.C_, 1), model.scores_.shape
    (166.8, (5, 1, 10))
    """

    __metadata_request__score = {"sample_weight": UNUSED}

    _parameter_constraints = {
        **{
            name: constraint
            for name, constraint in LogisticRegression._parameter_constraints.items()
            if name not in ("C", "warm_start", "l1_ratio")
        },
        "Cs": [Interval(Integral, 1, None, closed="left"), "array-like"],
        "l1_ratios": ["array-like", None, Hidden(StrOptions({"warn"}))],
        "cv": ["cv_object"],
        "scoring": [StrOptions(set(get_scorer_names())), callable, None, Hidden(StrOptions({"warn"}))],
        "refit": ["boolean"],
        "penalty": [StrOptions({"l1", "l2", "elasticnet"}), Hidden(StrOptions({"deprecated"}))],
        "use_legacy_attributes": ["boolean", Hidden(StrOptions({"warn"}))],
    }

    def __init__(
        self,
        *,
        Cs=10,
        l1_ratios="warn",
        fit_intercept=True,
        cv=None,
        dual=False,
        penalty="deprecated",
        scoring="warn",
        solver="lbfgs",
        tol=1e-4,
        max_iter=100,
        class_weight=None,
        n_jobs=None,
        verbose=0,
        refit=True,
        intercept_scaling=1.0,
        random_state=None,
        use_legacy_attributes="warn",
    ):
        self.Cs = Cs
        self.l1_ratios = l1_ratios
        self.fit_intercept = fit_intercept
        self.cv = cv
        self.dual = dual
        self.penalty = penalty
        self.scoring = scoring
        self.tol = tol
        self.max_iter = max_iter
        self.class_weight = class_weight
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.solver = solver
        self.refit = refit
        self.intercept_scaling = intercept_scaling
        self.random_state = random_state
        self.use_legacy_attributes = use_legacy_attributes

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None, **params):
        """Choose the penalty, then fit.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), optional
            Ones by default.
        **params : dict
            For the splitter and the scorer, by metadata routing.

        Returns
        -------
        self : LogisticRegressionCV
        """
        raise_for_params(params, self, "fit")
        penalty, l1_ratios = self._penalties()
        scorer = self._warned_scorer()
        legacy = self._warned_legacy()
        check_solver(self.solver, penalty, self.dual)
        l1_ratios = self._ratios_to_try(penalty, l1_ratios)
        X, y = check_fit(
            self, X, y, accept_sparse="csr", dtype=np.float64, accept_large_sparse=self.solver in LARGE_SPARSE
        )
        self.classes_, codes = encode_classes(y)
        check_classes(self.solver, self.classes_, X)

        engine = get_engine(X)
        y, codes = engine.to_numpy(y), engine.to_numpy(codes)
        split_params, score_params = self._routed(sample_weight, params)
        folds = list(check_cv(self.cv, y, classifier=True).split(X, y, **split_params))
        problem = self._problem(engine, X, y, codes, sample_weight, penalty, scorer, score_params)
        self.Cs_ = np.logspace(-4, 4, self.Cs) if isinstance(self.Cs, Integral) else np.asarray(self.Cs)
        with threads_for(self.n_jobs):
            found = _logistic_folds.search(problem, folds, self.Cs_, l1_ratios)
            weights = self._refit(problem, found, l1_ratios) if self.refit else self._average(found, l1_ratios, penalty)
        self.coef_, self.intercept_ = split(weights, X.shape[1])
        self.l1_ratios_ = np.asarray(l1_ratios)
        self.coefs_paths_, self.scores_, self.n_iter_ = found
        if legacy:
            self._set_legacy_attributes(has_ratios=l1_ratios[0] is not None)
        return self

    def _penalties(self):
        """(penalty, l1_ratios) that the parameters stand for, after scikit-learn's warnings about them."""
        l1_ratios = self.l1_ratios
        if isinstance(l1_ratios, str):
            _warn_deprecated(
                "The default value for l1_ratios will change from None to (0.0,) in version 1.10. From version 1.10 "
                "onwards, only array-like with values in [0, 1] will be allowed, None will be forbidden. To avoid "
                "this warning, explicitly set a value, e.g. l1_ratios=(0,)."
            )
            l1_ratios = None
        if self.penalty != "deprecated":
            _warn_deprecated(
                "'penalty' was deprecated in version 1.8 and will be removed in 1.10. To avoid this warning, leave "
                "'penalty' set to its default value and use 'l1_ratios' and 'Cs' instead. Use l1_ratios=(0,) instead "
                "of penalty='l2', l1_ratios=(1,) instead of penalty='l1', l1_ratios set to floats between 0 and 1 "
                "instead of penalty='elasticnet', and Cs=(np.inf,) instead of penalty=None."
            )
            return self.penalty, l1_ratios
        if self.l1_ratios is None:
            _warn_deprecated(
                "'l1_ratios=None' was deprecated in version 1.8 and will trigger an error in 1.10. Use an array-like "
                "with values in [0, 1] instead."
            )
        if l1_ratios is None or np.all(np.asarray(l1_ratios) == 0):
            return "l2", l1_ratios
        return "l1" if np.all(np.asarray(l1_ratios) == 1) else "elasticnet", l1_ratios

    def _ratios_to_try(self, penalty, l1_ratios):
        if penalty == "elasticnet":
            ratios = () if l1_ratios is None else l1_ratios
            if len(ratios) == 0 or any(not isinstance(r, Number) or not 0 <= r <= 1 for r in ratios):
                raise ValueError(
                    f"l1_ratios must be an array-like of numbers between 0 and 1; got (l1_ratios={l1_ratios!r})"
                )
        elif l1_ratios is not None and self.penalty != "deprecated":
            message = f"l1_ratios parameter is only used when penalty is 'elasticnet'. Got (penalty={penalty})"
            warnings.warn(message, stacklevel=5)
        return [None] if l1_ratios is None else list(l1_ratios)

    def _warned_scorer(self):
        if not isinstance(self.scoring, str) or self.scoring != "warn":
            return self.scoring
        _warn_deprecated(
            "The default value of the parameter 'scoring' will change from None, i.e. accuracy, to 'neg_log_loss' in "
            "version 1.11. To silence this warning, explicitly set the scoring parameter: scoring='neg_log_loss' for "
            "the new, scoring='accuracy' or scoring=None for the old default."
        )
        return None

    def _warned_legacy(self):
        if self.use_legacy_attributes != "warn":
            return self.use_legacy_attributes
        name = type(self).__name__
        _warn_deprecated(
            f"The fitted attributes of {name} will be simplified in scikit-learn 1.10 to remove redundancy. Set"
            "`use_legacy_attributes=False` to enable the new behavior now, or set it to `True` to silence this "
            "warning during the transition period while keeping the deprecated behavior for the time being. The "
            "default value of use_legacy_attributes will change from True to False in scikit-learn 1.10. See the "
            f"docstring of {name} for more details."
        )
        return True

    def _routed(self, sample_weight, params):
        """Parameters of the splitter, and those of the scorer."""
        if routing_enabled():
            routed = process_routing(self, "fit", sample_weight=sample_weight, **params)
            return routed.splitter.split, routed.scorer.score
        return {}, params if sample_weight is None else {**params, "sample_weight": sample_weight}

    def _problem(self, engine, X, y, codes, sample_weight, penalty, scorer, score_params):
        model = LogisticRegression(solver=self.solver)
        model.classes_ = self.classes_
        is_stochastic = self.solver in ("sag", "saga")
        largest_sq_norm = float(engine.sag.largest_sq_norm(X)) if is_stochastic else None  # one step for all folds
        return _logistic_folds.Problem(
            engine=engine,
            X=X,
            y=y,
            codes=codes,
            classes=self.classes_,
            sample_weight=sample_weight,
            class_weight=self._class_weight(y, sample_weight),
            n_dof=X.shape[1] + self.fit_intercept,
            model=model,
            scorer=scorer,
            score_params=score_params,
            settings=lambda l1_ratio: solver_settings(self, penalty, l1_ratio, largest_sq_norm=largest_sq_norm),
        )

    def _class_weight(self, y, sample_weight):
        """Weights by class, "balanced" over all folds."""
        if isinstance(self.class_weight, dict):
            if not set(self.class_weight) <= set(self.classes_):
                raise ValueError(
                    "The given class_weight dict must have the class labels as keys; "
                    f"classes={self.classes_} but key={self.class_weight.keys()}"
                )
            return self.class_weight
        if self.class_weight is None:
            return None
        weights = compute_class_weight("balanced", classes=self.classes_, y=y, sample_weight=sample_weight)
        return dict(zip(self.classes_, weights))

    def _refit(self, problem, found, l1_ratios):
        """The weights for the C and the L1 ratio with the best sum of scores."""
        total = found.scores.sum(axis=0).T
        c, ratio = np.unravel_index(total.argmax(), total.shape)
        self.C_ = float(self.Cs_[c])
        self.l1_ratio_ = self._l1_ratio_in_use(l1_ratios[ratio])
        return _logistic_folds.refit(problem, self.C_, l1_ratios[ratio], found.paths[:, ratio, c].mean(axis=0).T)

    def _average(self, found, l1_ratios, penalty):
        """The mean over the folds of the weights that score best on each."""
        by_fold = found.scores.swapaxes(1, 2).reshape(len(found.scores), -1).argmax(axis=1)
        c, ratio = np.unravel_index(by_fold, (len(self.Cs_), len(l1_ratios)))
        self.C_ = float(self.Cs_[c].mean())
        mixed = penalty == "elasticnet"
        self.l1_ratio_ = float(np.asarray(l1_ratios)[ratio].mean()) if mixed else self._l1_ratio_in_use(0.0)
        return found.paths[np.arange(len(c)), ratio, c].mean(axis=0).T

    def _l1_ratio_in_use(self, l1_ratio):
        return float(self.penalty == "l1") if l1_ratio is None else float(l1_ratio)

    def _set_legacy_attributes(self, has_ratios):
        """Attributes as before scikit-learn 1.10."""
        n_outputs = len(self.coef_)
        keys = self.classes_[1:] if n_outputs == 1 else self.classes_

        def arranged(array):
            array = array.swapaxes(1, 2)  # fold, C, L1 ratio
            return array if has_ratios else array[:, :, 0]

        scores = arranged(self.scores_)
        self.scores_ = {key: scores.copy() for key in keys}
        self.coefs_paths_ = {key: arranged(self.coefs_paths_[..., k, :]) for k, key in enumerate(keys)}
        self.n_iter_ = arranged(self.n_iter_)[None]
        self.C_ = np.full(n_outputs, self.C_)
        self.l1_ratio_ = np.full(n_outputs, self.l1_ratio_ if has_ratios or not self.refit else None)

    @deprecate_positional_args(version="1.11")
    def score(self, X, y, *, sample_weight=None, **score_params):
        """The score that `scoring` names, accuracy by default.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), optional
        **score_params : dict
            For the scorer, by metadata routing.

        Returns
        -------
        score : float
        """
        raise_for_params(score_params, self, "score")
        if sample_weight is not None:
            score_params["sample_weight"] = sample_weight
        if routing_enabled():
            score_params = process_routing(self, "score", **score_params).scorer.score
        return self._get_scorer()(self, X, y, **score_params)

    def get_metadata_routing(self):
        """Which metadata the splitter and the scorer take.

        Returns
        -------
        routing : MetadataRouter
        """
        to_scorer = MethodMapping().add(caller="score", callee="score").add(caller="fit", callee="score")
        return (
            MetadataRouter(owner=self)
            .add_self_request(self)
            .add(splitter=self.cv, method_mapping=MethodMapping().add(caller="fit", callee="split"))
            .add(scorer=self._get_scorer(), method_mapping=to_scorer)
        )

    def _get_scorer(self):
        return get_scorer("accuracy" if self.scoring in (None, "warn") else self.scoring)


def _warn_deprecated(message):
    warnings.warn(message, FutureWarning, stacklevel=6)
