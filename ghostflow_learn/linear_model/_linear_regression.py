"""Ordinary least squares."""

from numbers import Integral, Real

import numpy as np
from scipy.optimize import nnls
from scipy.sparse import issparse
from scipy.sparse.linalg import lsqr
from sklearn.base import MultiOutputMixin, RegressorMixin

from ghostflow_learn._base import BaseEstimator
from ghostflow_learn._engine import get_engine
from ghostflow_learn._validation import Interval, check_fit_lazily, check_weight, fit_context, threads_for

from ._base import LinearRegressorMixin
from ._reduction import operator, problem_of, root, set_coefficients


class LinearRegression(LinearRegressorMixin, MultiOutputMixin, RegressorMixin, BaseEstimator):
    """Ordinary least squares linear regression.

    Minimizes ``sum_i w_i (y_i - x_i coef - intercept)^2``, with weights ``w_i`` of 1 by default. Of several minima it
    takes the one with the shortest `coef_`.

    Parameters
    ----------
    fit_intercept : bool, default=True
        Whether to fit an intercept. Without one the data is expected to be centered.
    copy_X : bool, default=True
        X is never overwritten, whatever is said here: no solver needs to.
    tol : float, default=1e-6
        For dense X, singular values of X below `tol` times the largest count as zero. For sparse X, `atol` and `btol`
        of :func:`scipy.sparse.linalg.lsqr`. Not used with `positive`.
    n_jobs : int, default=None
        Threads of this fit. None is the ``n_threads`` setting.
    positive : bool, default=False
        Whether coefficients must not be negative. Dense X only.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,) or (n_targets, n_features)
        Coefficients, in the dtype of X.
    rank_ : int
        Number of singular values that count. Dense X without `positive` only.
    singular_ : ndarray of shape (min(n_samples, n_features),)
        Singular values of X, centered if an intercept is fitted, and scaled by the root of the weights. Dense X
        without `positive` only.
    intercept_ : float or ndarray of shape (n_targets,)
        0.0 without `fit_intercept`.
    n_features_in_ : int
        Number of features seen during `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where all of them are strings.

    Raises
    ------
    ValueError
        If X or y holds NaN or infinity, or a weight is negative.

    Notes
    -----
    One pass over X forms X'X in float64, block by block: n_samples * n_features^2 / 2 multiply-adds and no copy of X.
    Where X'X is too ill-conditioned to keep half of the digits, a QR decomposition of blocks of rows takes its place.
    Both leave a problem of n_features rows with the solution, rank and singular values of X. The same holds on a GPU.

    Examples
    --------
    >>> import numpy as np
    >>> from ghostflow_learn.linear_model import LinearRegression
    >>> X = np.array([[1, 1], [1, 2], [2, 2], [2, 3]])
    >>> y = X @ [1, 2] + 3
    >>> model = LinearRegression().fit(X, y)
    >>> model.coef_.round(6)
    array([1., 2.])
    >>> model.predict([[3, 5]]).round(6)
    array([16.])
    """

    _parameter_constraints = {
        "fit_intercept": ["boolean"],
        "copy_X": ["boolean"],
        "n_jobs": [None, Integral],
        "positive": ["boolean"],
        "tol": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(self, *, fit_intercept=True, copy_X=True, tol=1e-6, n_jobs=None, positive=False):
        self.fit_intercept = fit_intercept
        self.copy_X = copy_X
        self.tol = tol
        self.n_jobs = n_jobs
        self.positive = positive

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Fit the linear model.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
        sample_weight : array-like of shape (n_samples,), optional
            Not negative.

        Returns
        -------
        self : LinearRegression
        """
        accept_sparse = False if self.positive else "csr"
        checks = {"accept_sparse": accept_sparse, "multi_output": True, "y_numeric": True}
        X, y, require_finite = check_fit_lazily(self, X, y, **checks)
        if sample_weight is not None:
            sample_weight = check_weight(sample_weight, X, ensure_non_negative=True)

        engine = get_engine(X)
        problem = problem_of(engine, X, y, sample_weight, self.fit_intercept)
        with threads_for(self.n_jobs):
            if self.positive:
                coef, *offsets = _non_negative(engine, problem, require_finite)
            elif issparse(X):
                coef, *offsets = _iterated(engine, problem, self.tol)
            else:
                cutoff = _cutoff(self.tol, X.dtype)
                coef, *offsets, rank, singular = _direct(engine, problem, cutoff, require_finite)
                self.rank_, self.singular_ = int(rank), engine.to_numpy(singular).astype(X.dtype, copy=False)

        set_coefficients(self, engine, coef, *offsets, X, y)
        return self

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = not self.positive
        return tags


def _cutoff(tol, dtype):
    """Of singular values, relative to the largest; LAPACK takes what is not in (0, 1) for machine precision."""
    return tol if 0 < tol < 1 else np.finfo(dtype).eps


def _direct(engine, problem, cutoff, require_finite):
    """coef (n_features, n_targets), offsets, rank and singular values; of several solutions, the shortest."""
    x_offset, y_offset, R, Z = root(engine, problem, require_finite)
    U, singular, Vt = engine.linalg.svd(R)
    keep = singular > cutoff * singular[0]
    inverse = engine.xp.where(keep, 1 / engine.xp.where(keep, singular, 1), 0)
    return Vt.T @ (inverse[:, None] * (U.T @ Z)), x_offset, y_offset, keep.sum(), singular


def _non_negative(engine, problem, require_finite):
    x_offset, y_offset, R, Z = root(engine, problem, require_finite)
    R, Z = engine.to_numpy(R), engine.to_numpy(Z)
    return np.stack([nnls(R, z)[0] for z in Z.T], axis=1), x_offset, y_offset


def _iterated(engine, problem, tol):
    A, B, x_offset, y_offset = operator(engine, problem)
    return np.stack([lsqr(A, b, atol=tol, btol=tol)[0] for b in B.T], axis=1), x_offset, y_offset
