"""Limited-memory BFGS: the steps and the stopping rules of SciPy's L-BFGS-B without bounds.

Plain NumPy on small vectors costs a fraction of SciPy's driver on each iteration; the iterates are SciPy's to rounding.
"""

import warnings
from collections import deque, namedtuple

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from .line_search import line_search

MEMORY = 10
EPS = np.finfo(np.float64).eps
LEAST_REDUCTION = 64 * EPS
MAX_EVALUATIONS = 15_000
HELP = (
    "Please also refer to the documentation for alternative solver options:\n"
    "    https://scikit-learn.org/stable/modules/linear_model.html#logistic-regression"
)

Result = namedtuple("Result", "x n_iter status message")

GRADIENT_SMALL = 0, "CONVERGENCE: NORM OF PROJECTED GRADIENT <= PGTOL"
REDUCTION_SMALL = 0, "CONVERGENCE: RELATIVE REDUCTION OF F <= FACTR*EPSMCH"
ALL_ITERATIONS = 1, "STOP: TOTAL NO. OF ITERATIONS REACHED LIMIT"
ALL_EVALUATIONS = 1, "STOP: TOTAL NO. OF F,G EVALUATIONS EXCEEDS LIMIT"
NO_DESCENT = 2, "ABNORMAL: "


def solve(objective, weights, settings):
    """Weights and the number of iterations; see :func:`minimize`."""
    return descend(objective, weights, settings.max_iter, settings.tol, settings.on_iteration)


def descend(objective, weights, max_iter, tol, on_iteration=None):
    """The same, without settings; warns where the objective has not converged."""
    shape = weights.shape
    callback = None if on_iteration is None else lambda x: on_iteration(x.reshape(shape))
    result = minimize(objective.loss_gradient, weights.ravel(), max_iter, tol, callback)
    n_iter = min(result.n_iter, max_iter)
    if result.status != 0:
        _warn(result, n_iter, max_iter)
    return result.x.reshape(shape), n_iter


def _warn(result, n_iter, max_iter):
    lines = [f"lbfgs failed to converge after {n_iter} iteration(s) (status={result.status}):", result.message, ""]
    if n_iter == max_iter:
        lines += [f"Increase the number of iterations to improve the convergence (max_iter={max_iter})."]
    lines += ["You might also want to scale the data as shown in:"]
    lines += ["    https://scikit-learn.org/stable/modules/preprocessing.html", HELP]
    warnings.warn("\n".join(lines), ConvergenceWarning, stacklevel=2)


def minimize(evaluate, x, max_iter, tol, callback=None):
    """Minimise a smooth function from `x` on.

    Parameters
    ----------
    evaluate : callable
        ``x -> (f, gradient)``, the gradient a (size,) float64 array.
    x : (size,) float64
    max_iter : int
        At least one iteration is made, as SciPy does.
    tol : float
        Ends where no component of the gradient exceeds it, or where an iteration reduces f by less than 64 eps of it.
    callback : callable, optional
        Called with x after each iteration.

    Returns
    -------
    result : Result
        status is 0 at a minimum, 1 at a limit, 2 if the line search finds no lower point.
    """
    f, g = evaluate(x)
    history, n_iter, n_evaluations = deque(maxlen=MEMORY), 0, 1
    if abs(g).max() <= tol:
        return Result(x, 0, *GRADIENT_SMALL)
    while True:
        direction = _direction(g, history)
        step = 1.0 if n_iter else 1 / np.sqrt(direction @ direction)
        found, n_tried = line_search(evaluate, x, f, g, direction, step)
        n_evaluations += n_tried
        if found is None:
            if not history:
                return Result(x, n_iter, *NO_DESCENT)
            history.clear()  # steepest descent from here on
            continue
        before, (x, f, g) = (x, f, g), found
        n_iter += 1
        if callback is not None:
            callback(x)
        end = _end(before[1], f, g, tol, n_iter >= max_iter, n_evaluations > MAX_EVALUATIONS)
        if end is not None:
            return Result(x, n_iter, *end)
        _remember(history, x - before[0], g - before[2])


def _end(f_before, f, g, tol, all_iterations, all_evaluations):
    """(status, message) if this is the last iteration."""
    if all_iterations:
        return ALL_ITERATIONS
    if all_evaluations:
        return ALL_EVALUATIONS
    if abs(g).max() <= tol:
        return GRADIENT_SMALL
    if f_before - f <= LEAST_REDUCTION * max(abs(f_before), abs(f), 1):
        return REDUCTION_SMALL
    return None


def _remember(history, s, y):
    curvature = s @ y
    if curvature > EPS * (y @ y):
        history.append((s, y, 1 / curvature))


def _direction(g, history):
    """The quasi-Newton direction -H g, by the two loops of Nocedal (1980), doi:10.1090/S0025-5718-1980-0572855-7."""
    q, alphas = -g, []
    for s, y, rho in reversed(history):
        alpha = rho * (s @ q)
        q -= alpha * y
        alphas.append(alpha)
    if history:
        _, y, rho = history[-1]
        q /= rho * (y @ y)
    for (s, y, rho), alpha in zip(history, reversed(alphas), strict=True):
        q += (alpha - rho * (y @ q)) * s
    return q
