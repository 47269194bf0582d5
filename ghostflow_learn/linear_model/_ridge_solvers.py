"""Solvers of ridge regression: functions of an engine, a :class:`~._reduction.Problem` and penalties.

Each returns a :class:`Solution`. `alpha` is a NumPy array of shape (n_targets,).
"""

import warnings
from collections import namedtuple

import numpy as np
from scipy.optimize import minimize
from scipy.sparse import issparse
from scipy.sparse.linalg import LinearOperator, cg
from scipy.sparse.linalg import lsqr as scipy_lsqr
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from . import _reduction

# coef (n_features, n_targets); x_offset, y_offset: None without intercept; n_iter (n_targets,) int32 or None
Solution = namedtuple("Solution", "coef x_offset y_offset n_iter solver")
# require_finite: called by "cholesky" where X'X is not finite; the others get data that was checked
Options = namedtuple("Options", "max_iter tol random_state require_finite")

SAG_MAX_ITER = 1000


def solve(engine, problem, alpha, solver, options):
    """The :class:`Solution` by the solver of that name; "auto" and what stands in for it are resolved before."""
    return SOLVERS[solver](engine, problem, alpha, options)


def svd(engine, problem, alpha, options):
    if issparse(problem.X):
        raise TypeError("SVD solver does not support sparse inputs currently. Use solver='sparse_cg'.")
    x_offset, y_offset = _reduction.offsets(engine, problem)
    R, Z = engine.moments.root(problem.X, problem.Y, problem.sample_weight, x_offset, y_offset)
    return Solution(_filtered(engine, R, Z, alpha), x_offset, y_offset, None, "svd")


def _filtered(engine, R, Z, alpha):
    """Singular values s of R shrink what they pass by s^2 / (s^2 + alpha)."""
    U, s, Vt = engine.linalg.svd(R)
    kept = (s > np.finfo(np.float64).eps * max(R.shape) * s[0])[:, None]
    s = engine.xp.where(kept, s[:, None], 1)
    shrunk = engine.xp.where(kept, 1 / (s + engine.asarray(alpha) / s), 0)  # s / (s^2 + alpha) without underflow
    return Vt.T @ (shrunk * (U.T @ Z))


def cholesky(engine, problem, alpha, options):
    try:
        if problem.X.shape[1] > problem.X.shape[0]:
            coef, x_offset, y_offset = _dual(engine, problem, alpha)
        else:
            x_offset, y_offset, xx, xy = _products(engine, problem, options.require_finite)
            coef = _solve_penalized(engine, xx, xy, alpha)
    except np.linalg.LinAlgError:
        return svd(engine, problem, alpha, options)
    return Solution(coef, x_offset, y_offset, None, "cholesky")


def _products(engine, problem, require_finite):
    if not issparse(problem.X):
        return _reduction.products(engine, problem, require_finite)
    A, B, _ = _reduction.weighted_sparse(problem)  # no intercept: nothing is subtracted from a sparse X here
    return None, None, (A.T @ A).toarray(), A.T @ B


def _dual(engine, problem, alpha):
    """A' (A A' + alpha)^-1 B, where samples are fewer than features."""
    if issparse(problem.X):
        x_offset, y_offset, (A, B, _) = None, None, _reduction.weighted_sparse(problem)
        kernel = (A @ A.T).toarray()
    else:
        x_offset, y_offset = _reduction.offsets(engine, problem)
        A, B = engine.moments.root(problem.X, problem.Y, problem.sample_weight, x_offset, y_offset)
        kernel = engine.linalg.matmul(A, A.T)
    try:
        coef = A.T @ _solve_penalized(engine, kernel, B, alpha)
    except np.linalg.LinAlgError:
        if issparse(A) or (alpha != alpha[0]).any():
            raise
        warnings.warn("Singular matrix in solving dual problem. Using least-squares solution instead.", stacklevel=4)
        coef = _filtered(engine, A, B, alpha)
    return coef, x_offset, y_offset


def _solve_penalized(engine, A, B, alpha):
    """(A + alpha_t)^-1 B_t for every target t; targets of one penalty share a factorization."""
    xp = engine.xp
    solution = xp.empty_like(B)
    for penalty in np.unique(alpha):
        targets = np.flatnonzero(alpha == penalty)
        scale, L = _reduction.scaled_cholesky(engine, A + penalty * xp.eye(len(A)))
        if L is None:
            raise np.linalg.LinAlgError("Matrix is singular.")
        scale = scale[:, None]
        solution[:, targets] = engine.linalg.cho_solve(L, B[:, targets] / scale) / scale
    return solution


def lsqr(engine, problem, alpha, options):
    A, B, x_offset, y_offset = _reduction.operator(engine, problem)
    results = [
        scipy_lsqr(A, b, damp=np.sqrt(penalty), atol=options.tol, btol=options.tol, iter_lim=options.max_iter)
        for b, penalty in zip(B.T, alpha)
    ]
    coef = np.stack([result[0] for result in results], axis=1)
    n_iter = np.array([result[2] for result in results], dtype=np.int32)
    return Solution(coef, x_offset, y_offset, n_iter, "lsqr")


def sparse_cg(engine, problem, alpha, options):
    A, B, x_offset, y_offset = _reduction.operator(engine, problem)
    n_samples, n_features = A.shape
    find = _cg_dual if n_features > n_samples else _cg_primal
    coef = np.stack([find(A, b, penalty, options) for b, penalty in zip(B.T, alpha)], axis=1)
    return Solution(coef, x_offset, y_offset, None, "sparse_cg")


def _cg_primal(A, b, penalty, options):
    n_features = A.shape[1]
    normal = LinearOperator(
        (n_features, n_features), matvec=lambda v: A.rmatvec(A.matvec(v)) + penalty * v, dtype=A.dtype
    )
    return cg(normal, A.rmatvec(b), rtol=options.tol, maxiter=options.max_iter)[0]


def _cg_dual(A, b, penalty, options):
    n_samples = A.shape[0]
    kernel = LinearOperator(
        (n_samples, n_samples), matvec=lambda u: A.matvec(A.rmatvec(u)) + penalty * u, dtype=A.dtype
    )
    return A.rmatvec(cg(kernel, b, rtol=options.tol)[0])  # scikit-learn limits iterations in the primal only


def lbfgs(engine, problem, alpha, options):
    """Coefficients that are not negative."""
    losses, x_offset, y_offset = _quadratic_losses(engine, problem)
    limit = {} if options.max_iter is None else {"maxiter": options.max_iter}
    n_features = problem.X.shape[1]
    coef = np.empty((n_features, len(alpha)))
    for target, (loss, penalty) in enumerate(zip(losses, alpha)):

        def objective(w, loss=loss, penalty=penalty):
            value, gradient = loss(w)
            return value + 0.5 * penalty * w @ w, gradient + penalty * w

        result = minimize(
            objective,
            np.zeros(n_features),
            method="L-BFGS-B",
            tol=options.tol,
            jac=True,
            bounds=[(0, np.inf)] * n_features,
            options=limit,
        )
        if not result.success:
            warnings.warn(
                "The lbfgs solver did not converge. Try increasing max_iter or tol. "
                f"Currently: max_iter={options.max_iter} and tol={options.tol}",
                ConvergenceWarning,
                stacklevel=4,
            )
        coef[:, target] = result.x
    return Solution(coef, x_offset, y_offset, None, "lbfgs")


def _quadratic_losses(engine, problem):
    """For each target a function of w, 0.5 ||A w - b||^2 and its gradient; and the offsets."""
    X, Y, sample_weight, _ = problem
    if issparse(X) or X.shape[0] < X.shape[1]:
        A, B, x_offset, y_offset = _reduction.operator(engine, problem)

        def residual_loss(w, b):
            residual = A.matvec(w) - b
            return 0.5 * residual @ residual, A.rmatvec(residual)

        return [lambda w, b=b: residual_loss(w, b) for b in B.T], x_offset, y_offset
    x_offset, y_offset, xx, xy = _reduction.products(engine, problem)
    yy = engine.moments.gram(Y, sample_weight=sample_weight, x_offset=y_offset)[0]
    xx, xy, yy = engine.to_numpy(xx), engine.to_numpy(xy), engine.to_numpy(engine.xp.diagonal(yy))

    def product_loss(w, b, sq_b):
        moved = xx @ w
        return 0.5 * (w @ moved + sq_b) - w @ b, moved - b

    return [lambda w, b=b, sq_b=sq_b: product_loss(w, b, sq_b) for b, sq_b in zip(xy.T, yy)], x_offset, y_offset


def sag(engine, problem, alpha, options, saga=False):
    X, Y, sample_weight, fit_intercept = problem
    fit_intercept = fit_intercept and issparse(X)  # a dense X is centered instead
    x_offset, y_offset = _reduction.offsets(engine, problem)
    offset = None if issparse(X) else x_offset
    if y_offset is not None:
        Y = Y - y_offset
    max_iter = SAG_MAX_ITER if options.max_iter is None else options.max_iter
    # A weight above 1 steepens the loss of its sample; scikit-learn's step leaves it out, and can diverge.
    steepest = 1.0 if sample_weight is None else max(1.0, float(sample_weight.max()))
    largest_sq_norm = steepest * float(engine.sag.largest_sq_norm(X, offset))
    solutions, n_iter = [], np.empty(len(alpha), dtype=np.int32)
    for target, penalty in enumerate(map(float, alpha)):
        seed = int(check_random_state(options.random_state).randint(1, np.iinfo(np.int32).max))
        step = _sag_step(largest_sq_norm, penalty / X.shape[0], X.shape[0], saga, fit_intercept)
        y = engine.xp.ascontiguousarray(Y[:, target])
        solution, n_iter[target] = engine.sag.least_squares(
            X, y, sample_weight, penalty, step, max_iter, options.tol, seed, saga, offset, fit_intercept
        )
        solutions.append(engine.to_numpy(solution))
        _check_sag(solutions[-1], n_iter[target], max_iter)
    coef, intercept = np.stack([s[:-1] for s in solutions], axis=1), np.array([s[-1] for s in solutions])
    if fit_intercept:
        x_offset, y_offset = np.zeros(len(coef)), engine.to_numpy(y_offset) + intercept
    return Solution(coef, x_offset, y_offset, n_iter, "saga" if saga else "sag")


def saga(engine, problem, alpha, options):
    return sag(engine, problem, alpha, options, saga=True)


def _sag_step(largest_sq_norm, penalty, n_samples, saga, fit_intercept):
    """1 / L for SAG and 1 / (2 L + min(2 n penalty, L)) for SAGA, where L bounds the curvature of a sample's loss."""
    curvature = largest_sq_norm + int(fit_intercept) + penalty
    step = 1 / (2 * curvature + min(2 * n_samples * penalty, curvature)) if saga else 1 / curvature
    if step * penalty == 1:
        raise ZeroDivisionError(
            "Current sag implementation does not handle the case step_size * alpha_scaled == 1. "
            "All samples are equal: use solver='cholesky'."
        )
    return step


def _check_sag(solution, n_iter, max_iter):
    if not np.isfinite(solution).all():
        raise ValueError(
            f"Floating-point under-/overflow occurred at epoch #{n_iter}. Scaling input data with StandardScaler or"
            " MinMaxScaler might help."
        )
    if n_iter == max_iter:
        warnings.warn(
            "The max_iter was reached which means the coef_ did not converge. Raise max_iter, or scale the data.",
            ConvergenceWarning,
            stacklevel=5,
        )


SOLVERS = {
    "cholesky": cholesky,
    "svd": svd,
    "lsqr": lsqr,
    "sparse_cg": sparse_cg,
    "lbfgs": lbfgs,
    "sag": sag,
    "saga": saga,
}
