"""Logistic regression."""

import warnings
from numbers import Integral, Real

import numpy as np
from scipy.special import expit

from ghostflow_learn._base import BaseEstimator
from ghostflow_learn._engine import get_engine
from ghostflow_learn._validation import (
    CallbackSupportMixin,
    Hidden,
    Interval,
    StrOptions,
    check_fit,
    check_predict,
    fit_context,
)
from ghostflow_learn._validation._sparse_coef import SparseCoefMixin

from ._base import LinearClassifierMixin
from ._logistic_callbacks import Watch
from ._logistic_fit import (
    LARGE_SPARSE,
    check_classes,
    check_solver,
    encode_classes,
    joined,
    prepare,
    solver_settings,
    split,
)
from ._logistic_solvers import SOLVERS, solve_path


class LogisticRegression(CallbackSupportMixin, LinearClassifierMixin, SparseCoefMixin, BaseEstimator):
    """Logistic regression: classification by a linear model of log odds, regularised.

    Minimises ``C * sum_i w_i loss_i + (1 - l1_ratio) / 2 ||coef||_2^2 + l1_ratio ||coef||_1``, where the loss is the
    negative log-likelihood of the class: binomial for two classes, multinomial for more. Fast on data of any shape,
    and its probabilities are calibrated where the model fits.

    Parameters
    ----------
    penalty : {"l1", "l2", "elasticnet", None}, default="l2"
        Deprecated since scikit-learn 1.8: say it with `l1_ratio`, or ``C=np.inf`` for no penalty.
    C : float, default=1.0
        Inverse of the regularization strength, in (0, inf].
    l1_ratio : float, default=0.0
        Share of the L1 penalty, in [0, 1].
    dual : bool, default=False
        Solve the dual problem; with ``solver="liblinear"`` and an L2 penalty only.
    tol : float, default=1e-4
        When to stop. For "lbfgs" and the Newton solvers, on the largest component of the objective's gradient.
    fit_intercept : bool, default=True
    intercept_scaling : float, default=1
        "liblinear" penalises the intercept as the weight of one more feature, whose value this is.
    class_weight : dict or "balanced", default=None
        Weights of the classes; "balanced" makes them inversely proportional to their frequencies.
    random_state : int, RandomState instance or None, default=None
        Order of the samples in "sag", "saga" and the dual and L1 problems of "liblinear": scikit-learn's draws.
    solver : {"lbfgs", "liblinear", "newton-cg", "newton-cholesky", "sag", "saga"}, default="lbfgs"
        "newton-cholesky" needs few iterations where samples are many and features few. "liblinear" takes two classes
        only. L1 penalties need "liblinear" or "saga", a mixture "saga".
    max_iter : int, default=100
    verbose : int, default=0
    warm_start : bool, default=False
        Start from the coefficients of the last fit; not with "liblinear".
    n_jobs : int, default=None
        Deprecated since scikit-learn 1.8: has no effect.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    coef_ : ndarray of shape (1, n_features) or (n_classes, n_features)
        Coefficients; a CSR matrix after :meth:`sparsify`.
    intercept_ : ndarray of shape (1,) or (n_classes,)
    n_iter_ : ndarray of shape (1,)
        Iterations that ran.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where all of them are strings.

    Notes
    -----
    An iteration of "lbfgs" reads X once, in O(n_samples n_features n_classes). "lbfgs" and "newton-cholesky" run on
    a GPU. Iterates of "lbfgs" are scikit-learn's to rounding; the same seed gives scikit-learn's "sag", "saga" and
    "liblinear" models.

    References
    ----------
    D. C. Liu and J. Nocedal, "On the limited memory BFGS method for large scale optimization", Mathematical
    Programming 45, 1989, doi:10.1007/BF01589116.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from ghostflow_learn.linear_model import LogisticRegression
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> model = LogisticRegression(solver="newton-cholesky").fit(X, y)
    >>> round(model.score(X, y), 2)
    0.96
    """

    _parameter_constraints = {
        "penalty": [StrOptions({"l1", "l2", "elasticnet"}), None, Hidden(StrOptions({"deprecated"}))],
        "C": [Interval(Real, 0, None, closed="right")],
        "l1_ratio": [Interval(Real, 0, 1, closed="both"), None],
        "dual": ["boolean"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "fit_intercept": ["boolean"],
        "intercept_scaling": [Interval(Real, 0, None, closed="neither")],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "random_state": ["random_state"],
        "solver": [StrOptions(SOLVERS)],
        "max_iter": [Interval(Integral, 0, None, closed="left")],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        "n_jobs": [None, Integral],
    }

    def __init__(
        self,
        penalty="deprecated",
        *,
        C=1.0,
        l1_ratio=0.0,
        dual=False,
        tol=1e-4,
        fit_intercept=True,
        intercept_scaling=1,
        class_weight=None,
        random_state=None,
        solver="lbfgs",
        max_iter=100,
        verbose=0,
        warm_start=False,
        n_jobs=None,
    ):
        self.penalty = penalty
        self.C = C
        self.l1_ratio = l1_ratio
        self.dual = dual
        self.tol = tol
        self.fit_intercept = fit_intercept
        self.intercept_scaling = intercept_scaling
        self.class_weight = class_weight
        self.random_state = random_state
        self.solver = solver
        self.max_iter = max_iter
        self.verbose = verbose
        self.warm_start = warm_start
        self.n_jobs = n_jobs

    def set_callbacks(self, *callbacks):
        """Set callbacks for the estimator.

        Parameters
        ----------
        *callbacks : callback instances

        Returns
        -------
        self : LogisticRegression
        """
        if self.solver != "lbfgs":
            warnings.warn(
                f"Callbacks are only supported in {type(self).__name__} for solver='lbfgs'. This estimator has "
                f"solver='{self.solver}', callbacks will be ignored during the solving of the regression.",
                stacklevel=2,
            )
        return super().set_callbacks(*callbacks)

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Fit the model.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), optional
            Ones by default.

        Returns
        -------
        self : LogisticRegression
        """
        penalty, C = self._penalty()
        check_solver(self.solver, penalty, self.dual)
        X, y = check_fit(self, X, y, accept_sparse="csr", accept_large_sparse=self.solver in LARGE_SPARSE)
        self.classes_, codes = encode_classes(y)
        check_classes(self.solver, self.classes_, X)
        watch = Watch(self, X, y, sample_weight)

        engine = get_engine(X)
        data = prepare(engine, X, codes, self.classes_, sample_weight, self.class_weight, self.solver)
        start = self._start(data)
        settings = solver_settings(self, penalty, self.l1_ratio, watch.follow(start))
        (weights,), n_iters = solve_path(data, [C], start, settings)

        dtype = np.float64 if self.solver == "liblinear" else X.dtype
        self.coef_, self.intercept_ = split(weights.astype(dtype, copy=False), X.shape[1])
        self.n_iter_ = np.array(n_iters, dtype=np.int32)
        watch.end()
        return self

    def _penalty(self):
        """(penalty, C) that `penalty`, `C` and `l1_ratio` stand for, after scikit-learn's warnings about them."""
        if self.n_jobs is not None:
            _warn_deprecated(
                "'n_jobs' has no effect since 1.8 and will be removed in 1.10. "
                f"You provided 'n_jobs={self.n_jobs}', please leave it unspecified."
            )
        if self.penalty == "deprecated":
            if self.l1_ratio is None:
                _warn_deprecated(
                    "'l1_ratio=None' was deprecated in version 1.8 and will trigger an error in 1.10. "
                    "Use 0<=l1_ratio<=1 instead."
                )
            penalty = {None: "l2", 0: "l2", 1: "l1"}.get(self.l1_ratio, "elasticnet")
            return None if np.isinf(self.C) else penalty, self.C
        _warn_deprecated(
            "'penalty' was deprecated in version 1.8 and will be removed in 1.10. To avoid this warning, leave "
            "'penalty' set to its default value and use 'l1_ratio' or 'C' instead. Use l1_ratio=0 instead of "
            "penalty='l2', l1_ratio=1 instead of penalty='l1', l1_ratio set to a float between 0 and 1 instead of "
            "penalty='elasticnet', and C=np.inf instead of penalty=None."
        )
        self._warn_of_conflicts()
        return self.penalty, np.inf if self.penalty is None else self.C

    def _warn_of_conflicts(self):
        """Warn where `C` or `l1_ratio` contradict the deprecated `penalty`."""
        if self.penalty == "elasticnet":
            if self.l1_ratio is None:
                raise ValueError("l1_ratio must be specified when penalty is elasticnet.")
        elif self.l1_ratio is not None and 0 < self.l1_ratio < 1:
            _warn(f"l1_ratio parameter is only used when penalty is 'elasticnet'. Got (penalty={self.penalty})")
        if self.l1_ratio != {"l2": 0, "l1": 1}.get(self.penalty, self.l1_ratio):
            _warn(
                f"Inconsistent values: penalty={self.penalty} with l1_ratio={self.l1_ratio}. penalty is deprecated. "
                "Please use l1_ratio only."
            )
        if self.penalty is None and self.C != 1.0:
            _warn("Setting penalty=None will ignore the C and l1_ratio parameters")

    def _start(self, data):
        """Zeros, or the last solution with `warm_start`."""
        n_features = data.X.shape[1]
        weights = np.zeros((n_features + self.fit_intercept, data.n_outputs))
        if self.warm_start and hasattr(self, "coef_") and self.solver != "liblinear":
            coef = np.hstack([self.coef_, self.intercept_[:, None]]) if self.fit_intercept else self.coef_
            if coef.shape != weights.shape[::-1]:
                raise ValueError(
                    f"Initialization coef is of shape {coef.shape}, expected shape {weights.shape[::-1]}. "
                    "Set warm_start=False to start afresh."
                )
            weights[:] = coef.T
        return weights

    def predict_proba(self, X):
        """Probability of each class.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes)
            Columns in the order of ``classes_``.
        """
        engine, proba = self._proba(X)
        return engine.hand_back(proba, like=X)

    def predict_log_proba(self, X):
        """Logarithm of the probability of each class.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        log_proba : ndarray of shape (n_samples, n_classes)
            Columns in the order of ``classes_``.
        """
        engine, proba = self._proba(X)
        return engine.hand_back(engine.xp.log(proba), like=X)

    def _proba(self, X):
        data = check_predict(self, X, accept_sparse="csr")
        engine = get_engine(data)
        proba = engine.logistic.probabilities(engine.asarray(data), engine.asarray(joined(self.coef_, self.intercept_)))
        return engine, engine.xp.hstack([1 - proba, proba]) if proba.shape[1] == 1 else proba

    def _predict_proba_lr(self, X):
        """One-versus-rest probabilities, as scikit-learn's linear classifiers offer them."""
        proba = expit(self.decision_function(X))
        if proba.ndim == 1:
            return np.column_stack([1 - proba, proba])
        return proba / proba.sum(axis=1, keepdims=True)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.classifier_tags.multi_class = self.solver != "liblinear"
        return tags


def _warn(message, category=UserWarning):
    warnings.warn(message, category, stacklevel=6)


def _warn_deprecated(message):
    _warn(message, FutureWarning)
