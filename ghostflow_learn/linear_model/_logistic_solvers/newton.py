"""Newton's method, with conjugate gradients or a factored Hessian for the step, as scikit-learn takes it."""

import warnings

import numpy as np
import scipy.linalg
from sklearn.exceptions import ConvergenceWarning

from . import lbfgs
from .line_search import line_search

SUFFICIENT = 2.0**-11  # share of the decrease that the slope promises
MAX_HALVINGS = 21
EPS = 16 * np.finfo(np.float64).eps


def newton_cg(objective, weights, settings):
    """Weights and number of iterations; each step solves H d = -g by conjugate gradients as far as |g| warrants."""
    say = print if settings.verbose else _silent
    w = weights.ravel().copy()
    f, g = objective.loss_gradient(w)
    for n_iter in range(settings.max_iter):
        largest = abs(g).max()
        say(f"Newton-CG iter = {n_iter}\n  Check Convergence")
        say(f"    max |gradient| <= tol: {largest} <= {settings.tol} {largest <= settings.tol}")
        if largest <= settings.tol:
            say(f"  Solver did converge at loss = {f}.")
            return w.reshape(weights.shape), n_iter
        objective.linearize(w)
        direction = _conjugate_gradients(objective.hessian_product, g)
        found = _downhill(objective, w, f, g, direction)
        if found is None:
            warnings.warn("Line Search failed", stacklevel=2)
            return w.reshape(weights.shape), n_iter
        w, f, g = found
    message = f"newton-cg failed to converge at loss = {f}. Increase the number of iterations."
    warnings.warn(message, ConvergenceWarning, stacklevel=2)
    return w.reshape(weights.shape), settings.max_iter


def _conjugate_gradients(product, g, max_iter=200):
    """d with H d near -g: the sum of residuals falls to min(1/2, sqrt(|g|)) |g|."""
    total = abs(g).sum()
    enough = min(0.5, np.sqrt(total)) * total
    d, residual = np.zeros_like(g), g.copy()
    p, sq = -residual, residual @ residual
    p_sq = sq
    for i in range(max_iter + 1):
        if abs(residual).sum() <= enough:
            break
        Hp = product(p)
        curvature = p @ Hp
        if 0 <= curvature <= EPS * p_sq or (curvature < 0 and i > 0):
            break
        if curvature < 0:
            return d + sq / curvature * p
        alpha = sq / curvature
        d += alpha * p
        residual += alpha * Hp
        sq_before, sq = sq, residual @ residual
        p = -residual + sq / sq_before * p
        p_sq = sq + (sq / sq_before) ** 2 * p_sq
    return d


def _downhill(objective, w, f, g, direction):
    """(w, f, g) further down; the whole step where f cannot tell and the gradient shrinks."""
    found, _ = line_search(objective.loss_gradient, w, f, g, direction, 1.0)
    if found is None:
        f_new, g_new = objective.loss_gradient(w + direction)
        if abs(f_new - f) <= EPS * abs(f) and abs(g_new).sum() < abs(g).sum():
            found = w + direction, f_new, g_new
    return found


def newton_cholesky(objective, weights, settings):
    """Weights and number of iterations; each step solves H d = -g, and L-BFGS goes on where that fails."""
    say = print if settings.verbose else _silent
    w = _anchored(weights, objective).ravel()
    f, g = objective.loss_gradient(w)
    for n_iter in range(settings.max_iter):
        say(f"Newton iter={n_iter + 1}")
        objective.linearize(w)
        step = _newton_step(objective, g, n_iter + 1, say)
        found = None if step is None else _halving(objective, w, f, g, step[0], n_iter + 1, settings.verbose)
        if found is None:
            remaining = settings.max_iter - n_iter - 1  # scikit-learn counts the step that failed
            w, n_more = lbfgs.descend(objective, w.reshape(weights.shape), remaining, settings.tol)
            return _centred(w, objective), n_iter + n_more
        w, f, g = found
        if _converged(g, *step, settings.tol, say):
            say(f"  Solver did converge at loss = {f}.")
            return _centred(w.reshape(weights.shape), objective), n_iter + 1
    message = f"Newton solver did not converge after {settings.max_iter} iterations."
    warnings.warn(message, ConvergenceWarning, stacklevel=2)
    return _centred(w.reshape(weights.shape), objective), settings.max_iter


def _converged(g, direction, hessian, tol, say):
    largest, decrement = abs(g).max(), direction @ hessian @ direction / 2
    say("  Check Convergence")
    say(f"    1. max |gradient| {largest} <= {tol} {largest <= tol}")
    if largest <= tol:
        say(f"    2. Newton decrement {decrement} <= {tol} {decrement <= tol}")
    return largest <= tol and decrement <= tol


def _redundant(objective):
    """Rows of the weights that may be shifted by the same amount in all classes without changing f."""
    n_dof, n_outputs = objective.shape
    if n_outputs == 1:
        return slice(0, 0)
    return slice(None) if objective.l2 == 0 else slice(objective.penalized // n_outputs, n_dof)


def _anchored(weights, objective):
    """The last class set to zero in the redundant rows."""
    weights, rows = weights.copy(), _redundant(objective)
    weights[rows] -= weights[rows, -1:]
    return weights


def _centred(weights, objective):
    """The symmetric choice: classes sum to zero in the redundant rows."""
    weights, rows = weights.copy(), _redundant(objective)
    weights[rows] -= weights[rows].mean(axis=1, keepdims=True)
    return weights


def _newton_step(objective, g, n_iter, say):
    """(direction, Hessian), or None where the Hessian is of no use."""
    hessian, flat = objective.hessian()
    name = "NewtonCholeskySolver"  # scikit-learn's name for it, in scikit-learn's sentences
    if flat > 0.25:
        message = (
            f"The inner solver of {name} detected a pointwise hessian with many negative values at iteration "
            f"#{n_iter}. It will now resort to lbfgs instead."
        )
        warnings.warn(message, ConvergenceWarning, stacklevel=3)
        return None
    free = np.ones(objective.shape, dtype=bool)
    free[_redundant(objective), -1] = False
    free = np.flatnonzero(free)
    direction = np.zeros_like(g)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", scipy.linalg.LinAlgWarning)
            direction[free] = scipy.linalg.solve(
                hessian[np.ix_(free, free)], -g[free], check_finite=False, assume_a="sym"
            )
    except (np.linalg.LinAlgError, scipy.linalg.LinAlgWarning) as error:
        message = (
            f"The inner solver of {name} stumbled upon a singular or very ill-conditioned Hessian matrix at iteration "
            f"{n_iter}. It will now resort to lbfgs instead.\n"
            "Further options are to use another solver or to avoid such situation in the first place. Possible "
            "remedies are removing collinear features of X or increasing the penalization strengths.\n"
            f"The original Linear Algebra message was:\n{error}"
        )
        warnings.warn(message, scipy.linalg.LinAlgWarning, stacklevel=3)
        return None
    if g[free] @ direction[free] > 0:
        say(
            "  The inner solver found a Newton step that is not a descent direction and resorts to LBFGS steps instead."
        )
        return None
    return direction, hessian


def _halving(objective, w, f, g, direction, n_iter, verbose):
    """(w, f, g) after a backtracking line search, or None."""
    slope, step = g @ direction, 1.0
    for _ in range(MAX_HALVINGS):
        w_new = w + step * direction
        f_new, g_new = objective.loss_gradient(w_new)
        if f_new - f <= step * SUFFICIENT * slope:
            return w_new, f_new, g_new
        if abs(f_new - f) <= EPS * abs(f) and abs(g_new).sum() < abs(g).sum():
            return w_new, f_new, g_new
        step /= 2
    message = (
        f"Line search of Newton solver NewtonCholeskySolver at iteration #{n_iter} did not converge after "
        f"{MAX_HALVINGS} line search refinement iterations. It will now resort to lbfgs instead."
    )
    warnings.warn(message, ConvergenceWarning, stacklevel=3)
    if verbose:
        print("  Line search did not converge and resorts to lbfgs instead.")
    return None


def _silent(text):
    pass
