"""Least squares on many rows, reduced to a small problem with the same solution.

Functions of an engine and a :class:`Problem`. What they call offsets is None where no intercept is fitted.
"""

from collections import namedtuple

import numpy as np
from scipy.sparse import diags_array, issparse
from scipy.sparse.linalg import LinearOperator

# X (n_samples, n_features), dense or CSR; Y (n_samples, n_targets) float64; sample_weight (n_samples,) or None
Problem = namedtuple("Problem", "X Y sample_weight fit_intercept")

# The condition of X'X, free of the features' units, up to which it takes the place of X: ten digits are left.
WELL_CONDITIONED = 1e6
SMALLEST = 1e-140  # root of a sum of squares that is far from underflow


def problem_of(engine, X, y, sample_weight, fit_intercept):
    """The :class:`Problem` of validated data, on the engine."""
    Y = engine.asarray(y).astype(np.float64, copy=False)
    sample_weight = None if sample_weight is None else engine.asarray(sample_weight)
    return Problem(engine.asarray(X), Y.reshape(len(Y), -1), sample_weight, fit_intercept)


def offsets(engine, problem):
    """Weighted means that an intercept absorbs: x_offset (n_features,) and y_offset (n_targets,), float64."""
    X, Y, sample_weight, fit_intercept = problem
    if not fit_intercept:
        return None, None
    y_offset = engine.moments.mean(Y, sample_weight)
    if not issparse(X):
        return engine.moments.mean(X, sample_weight), y_offset
    weight = np.ones(X.shape[0]) if sample_weight is None else sample_weight.astype(np.float64)
    return X.T @ (weight / weight.sum()), y_offset


def products(engine, problem, require_finite=None):
    """x_offset, y_offset, and X'X (n_features, n_features), X'Y (n_features, n_targets) about them, weighted.

    `require_finite`, where given, is called if they are not finite: NaN and infinity in X and Y show here.
    """
    X, Y, sample_weight, fit_intercept = problem
    if fit_intercept:
        x_offset, y_offset, xx, xy = engine.moments.scatter(X, Y, sample_weight)
    else:
        x_offset, y_offset, (xx, xy) = None, None, engine.moments.gram(X, Y, sample_weight)
    if require_finite is not None and not bool(engine.xp.isfinite(xx).all() & engine.xp.isfinite(xy).all()):
        require_finite()
    return x_offset, y_offset, xx, xy


def root(engine, problem, require_finite):
    """x_offset, y_offset, R, Z: least squares on R and Z has the solution of the problem.

    R has at most n_features rows. It comes from X'X where that is well conditioned, else from X itself.
    """
    X, Y, sample_weight, _ = problem
    if len(X) <= X.shape[1]:
        if require_finite is not None:
            require_finite()
        x_offset, y_offset = offsets(engine, problem)
    else:
        x_offset, y_offset, xx, xy = products(engine, problem, require_finite)
        found = _cholesky_root(engine, xx, xy)
        if found is not None:
            return x_offset, y_offset, *found
    return x_offset, y_offset, *engine.moments.root(X, Y, sample_weight, x_offset, y_offset)


def _cholesky_root(engine, xx, xy):
    """R, Z with R'R = xx and R'Z = xy, or None where xx is too ill-conditioned to tell."""
    scale, L = scaled_cholesky(engine, xx)
    if L is None:
        return None
    inverse = engine.linalg.solve_triangular(L, engine.xp.eye(len(L)))
    norms = [engine.xp.abs(A).sum(axis=0).max() for A in (L @ L.T, inverse.T @ inverse)]
    if not norms[0] * norms[1] < WELL_CONDITIONED:
        return None
    return L.T * scale, inverse @ (xy / scale[:, None])


def scaled_cholesky(engine, A):
    """scale, L with L L' = A / (scale scale'), which has ones on its diagonal; L is None if A is singular.

    How well A can be factored does not depend on the units of the features: scaled, its condition tells.
    """
    xp = engine.xp
    scale = xp.sqrt(xp.diagonal(A))
    if not bool(((scale > SMALLEST) & (scale < np.inf)).all()):
        return scale, None
    try:
        L = engine.linalg.cholesky(A / xp.outer(scale, scale))
    except np.linalg.LinAlgError:
        return scale, None
    # A diagonal element squared is the part of a feature's variance that the features before it leave unexplained.
    singular = not bool(xp.diagonal(L).min() ** 2 > 10 * len(A) * np.finfo(np.float64).eps)
    return scale, None if singular else L


def operator(engine, problem):
    """sqrt(w) (X - x_offset) as a LinearOperator, sqrt(w) (Y - y_offset) as NumPy, x_offset and y_offset.

    On a GPU X stays there, and the operator's vectors travel.
    """
    X, Y, sample_weight, _ = problem
    x_offset, y_offset = offsets(engine, problem)
    weight = 1.0 if sample_weight is None else np.sqrt(engine.to_numpy(sample_weight), dtype=np.float64)

    def multiply(v):
        return weight * engine.to_numpy(engine.centered.matmul(X, engine.asarray(v.ravel()), x_offset))

    def multiply_transposed(u):
        return engine.to_numpy(engine.centered.rmatmul(X, engine.asarray(weight * u.ravel()), x_offset))

    A = LinearOperator(X.shape, matvec=multiply, rmatvec=multiply_transposed, dtype=np.float64)
    B = engine.to_numpy(Y if y_offset is None else Y - y_offset)
    return A, B * (weight if sample_weight is None else weight[:, None]), x_offset, y_offset


def weighted_sparse(problem, y_offset=None):
    """sqrt(w) X of a CSR matrix X, sqrt(w) (Y - y_offset), and sqrt(w), all float64."""
    X, Y, sample_weight, _ = problem
    root_weight = np.ones(X.shape[0]) if sample_weight is None else np.sqrt(sample_weight, dtype=np.float64)
    Y = Y if y_offset is None else Y - y_offset
    return diags_array(root_weight) @ X, root_weight[:, None] * Y, root_weight


def set_coefficients(model, engine, coef, x_offset, y_offset, X, y):
    """Set `coef_` and `intercept_`, in the dtype of X and the shape of y, from `coef` (n_features, n_targets)."""
    coef = engine.to_numpy(coef)
    model.coef_ = coef[:, 0].astype(X.dtype) if y.ndim == 1 else coef.T.astype(X.dtype, order="C")
    model.intercept_ = 0.0
    if x_offset is not None:
        intercept = (engine.to_numpy(y_offset) - engine.to_numpy(x_offset) @ coef).astype(X.dtype)
        model.intercept_ = intercept[0] if y.ndim == 1 else intercept
