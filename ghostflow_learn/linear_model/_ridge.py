"""Ridge regression, and classification by it."""

import warnings
from numbers import Integral, Real

import numpy as np
from scipy.sparse import issparse
from sklearn.base import MultiOutputMixin, RegressorMixin
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import column_or_1d, compute_sample_weight

from ghostflow_learn._base import BaseEstimator
from ghostflow_learn._engine import get_engine
from ghostflow_learn._validation import (
    Interval,
    StrOptions,
    check_fit,
    check_fit_lazily,
    check_is_fitted,
    check_weight,
    fit_context,
)

from . import _ridge_solvers
from ._base import LinearClassifierMixin, LinearRegressorMixin
from ._reduction import problem_of, set_coefficients

SOLVERS = {"auto", *_ridge_solvers.SOLVERS}


class _RidgeParameters:
    """Mixin of Ridge and RidgeClassifier: the fit to numbers, and which input it takes."""

    _parameter_constraints = {
        "alpha": [Interval(Real, 0, None, closed="left"), "array-like"],
        "fit_intercept": ["boolean"],
        "copy_X": ["boolean"],
        "max_iter": [Interval(Integral, 1, None, closed="left"), None],
        "tol": [Interval(Real, 0, None, closed="left")],
        "solver": [StrOptions(SOLVERS)],
        "positive": ["boolean"],
        "random_state": ["random_state"],
    }

    def _fit_numbers(self, X, y, sample_weight, require_finite=None):
        """Fit validated data, but for what `require_finite` would refuse."""
        solver = _resolve_solver(self, issparse(X))
        if require_finite is not None and not (solver == "cholesky" and X.shape[0] >= X.shape[1]):
            require_finite()
        engine = get_engine(X)
        problem = problem_of(engine, X, y, sample_weight, self.fit_intercept)
        options = _ridge_solvers.Options(self.max_iter, self.tol, self.random_state, require_finite)
        alpha = _penalties(self.alpha, problem.Y.shape[1])
        solution = _ridge_solvers.solve(engine, problem, alpha, solver, options)

        set_coefficients(self, engine, solution.coef, solution.x_offset, solution.y_offset, X, y)
        if len(alpha) == 1:
            self.coef_ = self.coef_.ravel()  # as scikit-learn's is, also for y of shape (n_samples, 1)
        self.n_iter_, self.solver_ = solution.n_iter, solution.solver

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = self.solver != "svd" and (self.solver != "cholesky" or not self.fit_intercept)
        return tags


def _resolve_solver(model, sparse):
    """The name of the solver that runs."""
    if model.solver == "lbfgs" and not model.positive:
        raise ValueError("'lbfgs' solver can be used only when positive=True. Please use another solver.")
    if model.positive:
        if model.solver not in ("auto", "lbfgs"):
            raise ValueError(
                f"solver='{model.solver}' does not support positive fitting. Please set the solver to 'auto' or "
                "'lbfgs', or set `positive=False`"
            )
        return "lbfgs"
    if sparse and model.fit_intercept:
        return _resolve_sparse_solver(model)
    if model.solver == "auto":
        return "sparse_cg" if sparse else "cholesky"
    return model.solver


def _resolve_sparse_solver(model):
    if model.solver not in ("auto", "lsqr", "sag", "sparse_cg"):
        raise ValueError(
            f"solver='{model.solver}' does not support fitting the intercept on sparse data. Please set the solver to "
            "'auto' or 'lsqr', 'sparse_cg', 'sag', 'lbfgs' or set `fit_intercept=False`"
        )
    if model.solver != "sag":
        return "lsqr" if model.solver == "lsqr" else "sparse_cg"
    if model.max_iter is None and model.tol > 1e-4:
        warnings.warn(
            '"sag" solver requires many iterations to fit an intercept with sparse inputs. Either set the solver to '
            '"auto" or "sparse_cg", or set a low "tol" and a high "max_iter" (especially if inputs are not '
            "standardized).",
            stacklevel=6,
        )
        return "sag"
    return "sparse_cg"


def _penalties(alpha, n_targets):
    """One penalty per target: (n_targets,) float64."""
    alpha = np.asarray(alpha, dtype=np.float64).ravel()
    if len(alpha) not in (1, n_targets):
        raise ValueError(
            f"Number of targets and number of penalties do not correspond: {len(alpha)} != {n_targets}. "
            "Pass one alpha, or one for each target."
        )
    return np.broadcast_to(alpha, n_targets)


class Ridge(_RidgeParameters, LinearRegressorMixin, MultiOutputMixin, RegressorMixin, BaseEstimator):
    """Linear least squares with l2 regularization.

    Minimizes ``sum_i w_i (y_i - x_i coef - intercept)^2 + alpha ||coef||^2``, with weights ``w_i`` of 1 by default.

    Parameters
    ----------
    alpha : float or array-like of shape (n_targets,), default=1.0
        Penalty of the coefficients, for all targets or for each. Not negative.
    fit_intercept : bool, default=True
        Whether to fit an intercept, which is not penalized.
    copy_X : bool, default=True
        X is never overwritten, whatever is said here: no solver needs to.
    max_iter : int, default=None
        Iterations at most, of iterative solvers. None is 1000 for "sag" and "saga", 15000 for "lbfgs", and SciPy's own
        limit for "lsqr" and "sparse_cg".
    tol : float, default=1e-4
        Where iterative solvers stop: relative residual ("sparse_cg"), `atol` and `btol` ("lsqr"), largest change of a
        coefficient relative to the largest coefficient ("sag", "saga"), projected gradient ("lbfgs").
    solver : {"auto", "svd", "cholesky", "lsqr", "sparse_cg", "sag", "saga", "lbfgs"}, default="auto"
        "auto" is "cholesky" for dense X, "sparse_cg" for sparse X, and "lbfgs" with `positive`.

        - "cholesky": one pass over X for X'X, summed in float64, then a factorization; "svd" where that is singular.
        - "svd": keeps all digits where X is nearly collinear.
        - "lsqr" and "sparse_cg": Krylov iterations, one product with X and one with X' each.
        - "sag" and "saga": one sample after the other, the fewest passes over X where samples are many; features
          should have one scale.
        - "lbfgs": with `positive` only.

        Sparse X with an intercept takes "auto", "lsqr", "sparse_cg" and "sag"; without one also "cholesky" and "saga".
    positive : bool, default=False
        Whether coefficients must not be negative.
    random_state : int, RandomState instance or None, default=None
        Order of the samples in "sag" and "saga": the one that scikit-learn draws.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,) or (n_targets, n_features)
        Coefficients, in the dtype of X.
    intercept_ : float or ndarray of shape (n_targets,)
        0.0 without `fit_intercept`.
    n_iter_ : None or ndarray of shape (n_targets,)
        Iterations of each target, by "lsqr", "sag" and "saga".
    solver_ : str
        The solver that ran.
    n_features_in_ : int
        Number of features seen during `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where all of them are strings.

    Notes
    -----
    "cholesky", "svd", "lsqr", "sparse_cg" and "lbfgs" run on a GPU if X lives there; "sag", "saga" and sparse X on the
    CPU. No solver copies a tall X.

    Examples
    --------
    >>> import numpy as np
    >>> from ghostflow_learn.linear_model import Ridge
    >>> X = np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 0.0], [3.0, 2.0]])
    >>> model = Ridge(alpha=1.0).fit(X, [0.0, 1.0, 2.0, 3.0])
    >>> model.coef_.round(3)
    array([0.769, 0.154])
    >>> model.solver_
    'cholesky'
    """

    def __init__(
        self,
        alpha=1.0,
        *,
        fit_intercept=True,
        copy_X=True,
        max_iter=None,
        tol=1e-4,
        solver="auto",
        positive=False,
        random_state=None,
    ):
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.copy_X = copy_X
        self.max_iter = max_iter
        self.tol = tol
        self.solver = solver
        self.positive = positive
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Fit the model.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
        sample_weight : float or array-like of shape (n_samples,), optional
            Not negative.

        Returns
        -------
        self : Ridge
        """
        checks = {"accept_sparse": "csr", "multi_output": True, "y_numeric": True}
        X, y, require_finite = check_fit_lazily(self, X, y, **checks)
        if sample_weight is not None:
            sample_weight = check_weight(sample_weight, X, ensure_non_negative=True)
        self._fit_numbers(X, y, sample_weight, require_finite)
        return self


class RidgeLabels(LinearClassifierMixin):
    """Mixin of the ridge classifiers: labels to targets of -1 and 1, and back."""

    def _check_labels(self, X, y, sample_weight):
        """Validated X, y and weights (None if all are 1), and the targets, (n_samples, n_classes) NumPy."""
        X, y = check_fit(self, X, y, accept_sparse="csr", multi_output=True)
        labels = get_engine(X).to_numpy(y)
        self._label_binarizer = LabelBinarizer(pos_label=1, neg_label=-1)
        targets = self._label_binarizer.fit_transform(labels)
        self.classes_ = self._label_binarizer.classes_
        if not self._is_multilabel():
            labels = column_or_1d(labels, warn=True)
        if sample_weight is not None:
            sample_weight = check_weight(sample_weight, X, ensure_non_negative=True)
        if self.class_weight:
            reweighting = get_engine(X).asarray(compute_sample_weight(self.class_weight, labels))
            sample_weight = reweighting if sample_weight is None else sample_weight * reweighting
        return X, y, sample_weight, targets

    def predict(self, X):
        """Predict class labels.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        y_pred : ndarray of shape (n_samples,), or (n_samples, n_outputs) of 0 and 1 if y was multilabel
        """
        check_is_fitted(self, attributes=["_label_binarizer"])
        if not self._is_multilabel():
            return super().predict(X)
        scores = self.decision_function(X)
        engine = get_engine(scores)
        present = np.where(engine.to_numpy(scores) > 0, 1.0, -1.0)
        return engine.hand_back(self._label_binarizer.inverse_transform(present), like=scores)

    def _is_multilabel(self):
        return self._label_binarizer.y_type_.startswith("multilabel")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


class RidgeClassifier(_RidgeParameters, RidgeLabels, BaseEstimator):
    """Classifier by ridge regression on targets of -1 and 1, one for each class.

    Minimizes the objective of :class:`Ridge` for every class; the class with the largest prediction wins.

    Parameters
    ----------
    alpha : float, default=1.0
        Penalty of the coefficients. Not negative.
    fit_intercept, copy_X, max_iter, tol
        As in :class:`Ridge`.
    class_weight : dict or "balanced", default=None
        Weights of the classes, ``{label: weight}``; "balanced" is ``n_samples / (n_classes * np.bincount(y))``.
    solver, positive, random_state
        As in :class:`Ridge`.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,) or (n_classes, n_features)
        Coefficients, in the dtype of X; one-dimensional for two classes.
    intercept_ : float or ndarray of shape (n_targets,)
        0.0 without `fit_intercept`.
    n_iter_ : None or ndarray of shape (n_targets,)
        Iterations of each target, by "lsqr", "sag" and "saga".
    classes_ : ndarray of shape (n_classes,)
        The labels.
    solver_ : str
        The solver that ran.
    n_features_in_ : int
        Number of features seen during `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where all of them are strings.

    Notes
    -----
    All classes share one factorization of X'X.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from ghostflow_learn.linear_model import RidgeClassifier
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> round(RidgeClassifier().fit(X, y).score(X, y), 3)
    0.96
    """

    _parameter_constraints = {
        **_RidgeParameters._parameter_constraints,
        "class_weight": [dict, StrOptions({"balanced"}), None],
    }

    def __init__(
        self,
        alpha=1.0,
        *,
        fit_intercept=True,
        copy_X=True,
        max_iter=None,
        tol=1e-4,
        class_weight=None,
        solver="auto",
        positive=False,
        random_state=None,
    ):
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.copy_X = copy_X
        self.max_iter = max_iter
        self.tol = tol
        self.class_weight = class_weight
        self.solver = solver
        self.positive = positive
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Fit the model.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,), or (n_samples, n_outputs) of 0 and 1
        sample_weight : float or array-like of shape (n_samples,), optional
            Not negative.

        Returns
        -------
        self : RidgeClassifier
        """
        X, _, sample_weight, targets = self._check_labels(X, y, sample_weight)
        self._fit_numbers(X, targets, sample_weight)
        return self
