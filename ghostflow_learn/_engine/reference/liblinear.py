"""Coordinate descent for binary logistic regression, as LIBLINEAR goes about it, with its draws of coordinates.

Weights are those of the features and, where `bias` is positive, of one more feature of that value. All of them are
penalised.
"""

import numpy as np
from scipy.sparse import issparse

INNER_NEWTON = 100
SWEEPS = 1000
HALVINGS = 20
RIDGE = 1e-12


def dual(X, codes, bounds, bias, tol, max_iter, seed):
    """Minimize |w|^2 / 2 + sum_i bounds_i loss_i by its dual, one variable in (0, bounds_i) for each sample.

    Parameters
    ----------
    X : (n_samples, n_features) float64, or a CSR matrix where the engine computes on the host
    codes : (n_samples,) int32
    bounds : (n_samples,) float64
        Positive.
    bias : float
    tol : float
        On the largest derivative met in a pass.
    max_iter : int
        Passes at most.
    seed : int

    Returns
    -------
    w : (n_features,) or (n_features + 1,) float64
    n_iter : int64
    """
    X, codes, bounds = _grouped(X, codes, bounds, bias)
    rng, y, order = np.random.RandomState(seed), 2.0 * codes - 1, np.arange(len(codes))
    alpha = np.minimum(0.001 * bounds, 1e-8)
    w, sq_norms, n_iter, inner_tol = X.T @ (y * alpha), np.square(X).sum(axis=1), 0, 1e-2
    while n_iter < max_iter:
        n_iter, n_newton, worst = n_iter + 1, 0, 0.0
        _shuffle(order, len(order), rng)
        for i in order:
            z, steps, derivative, sign = _minimize_one(alpha[i], bounds[i], sq_norms[i], y[i] * (X[i] @ w), inner_tol)
            worst, n_newton = max(worst, derivative), n_newton + steps
            if steps > 0:
                old = alpha[i] if sign > 0 else bounds[i] - alpha[i]
                w += sign * (z - old) * y[i] * X[i]
                alpha[i] = z if sign > 0 else bounds[i] - z
        if worst < tol:
            break
        if n_newton <= len(y) // 10:
            inner_tol = max(min(1e-8, tol), 0.1 * inner_tol)
    return w, np.int64(n_iter)


def _minimize_one(alpha, bound, a, b, tol):
    """(z, Newton steps, |derivative| before them, side): z minimises along one variable, or along bound minus it."""
    sign, old = (-1, bound - alpha) if 0.5 * a * (bound - 2 * alpha) + b < 0 else (1, alpha)
    z = 0.1 * old if bound - old < 0.5 * bound else old
    derivative = a * (z - old) + sign * b + np.log(z / (bound - z))
    first, steps = abs(derivative), 0
    while steps <= INNER_NEWTON and abs(derivative) >= tol:
        trial = z - derivative / (a + bound / (bound - z) / z)
        z = trial if trial > 0 else 0.1 * z
        derivative = a * (z - old) + sign * b + np.log(z / (bound - z))
        steps += 1
    return z, steps, first, sign


def l1(X, codes, bounds, bias, tol, max_iter, seed):
    """Minimize |w|_1 + sum_i bounds_i loss_i by Newton steps, each found by coordinate descent.

    Parameters
    ----------
    X, codes, bounds, bias, seed
        Those of :func:`dual`.
    tol : float
        On the sum of violations, relative to the first one.
    max_iter : int
        Newton steps at most.

    Returns
    -------
    w : (n_features,) or (n_features + 1,) float64
    n_iter : int64
    """
    X, codes, bounds = _grouped(X, codes, bounds, bias)
    n_samples, n_weights = X.shape
    rng, order, v = np.random.RandomState(seed), np.arange(n_weights), np.zeros(n_weights)
    w, odds, n_iter, unchanged, worst, inner_tol, first = v.copy(), np.ones(n_samples), 0, 0, np.inf, 1.0, None
    while n_iter < max_iter:
        gradient = X.T @ (bounds * (odds / (1 + odds) - codes))
        curvature = bounds * odds / (1 + odds) ** 2
        hessian = np.square(X).T @ curvature + RIDGE
        active, worst, total = _screen(gradient, w, order, worst / n_samples)
        first = total if first is None else first
        if total <= tol * first or unchanged >= 10:
            break
        v, change, sweeps, moved = _quadratic(
            X, curvature, gradient, hessian, w, v, order, active, inner_tol * first, rng
        )
        unchanged = 0 if moved else unchanged + 1
        w, odds, v = _halving(X, codes, bounds, gradient, odds, w, v, change)
        inner_tol *= 0.25 if sweeps == 1 else 1
        n_iter += 1
    return w, np.int64(n_iter)


def _violation(gradient, w):
    """How far a weight is from its optimum, in units of the gradient."""
    if w == 0:
        return max(abs(gradient) - 1, 0.0)
    return abs(gradient + np.sign(w))


def _is_idle(gradient, w, margin):
    """Whether a zero weight is so sure to stay zero that it need not be looked at."""
    return w == 0 and abs(gradient) < 1 - margin


def _screen(gradient, w, order, margin):
    """(weights to look at, which come first in `order` afterwards; largest violation; their sum)"""
    active, s, worst, total = len(order), 0, 0.0, 0.0
    while s < active:
        j = order[s]
        if _is_idle(gradient[j], w[j], margin):
            active -= 1
            order[s], order[active] = order[active], order[s]
            continue
        violation = _violation(gradient[j], w[j])
        worst, total, s = max(worst, violation), total + violation, s + 1
    return active, worst, total


def _quadratic(X, curvature, gradient, hessian, w, v, order, n_active, tol, rng):
    """(v, X (v - w), sweeps, whether v moved) by coordinate descent on the quadratic model around w."""
    v, change, active, worst, moved = v.copy(), np.zeros(len(X)), n_active, np.inf, False
    for sweeps in range(1, SWEEPS + 1):  # noqa: B007
        margin, worst, total, s = worst / len(X), 0.0, 0.0, 0
        _shuffle(order, active, rng)
        while s < active:
            j = order[s]
            slope = gradient[j] + (v[j] - w[j]) * RIDGE + X[:, j] @ (curvature * change)
            if _is_idle(slope, v[j], margin):
                active -= 1
                order[s], order[active] = order[active], order[s]
                continue
            s += 1
            z = _step(slope, hessian[j], v[j])
            if abs(z) >= 1e-12:
                violation, moved = _violation(slope, v[j]), True
                worst, total = max(worst, violation), total + violation
                z = min(max(z, -10.0), 10.0)
                v[j] += z
                change += z * X[:, j]
        if total <= tol:
            if active == n_active:
                break
            active, worst = n_active, np.inf
    return v, change, sweeps, moved


def _step(slope, hessian, v):
    if slope + 1 < hessian * v:
        return -(slope + 1) / hessian
    return -(slope - 1) / hessian if slope - 1 > hessian * v else -v


def _halving(X, codes, bounds, gradient, odds, w, v, change):
    """(w, odds, v) nearer to v, where the loss falls enough; w where it never does."""
    decrease = gradient @ (v - w) + np.abs(v).sum() - np.abs(w).sum()
    for _ in range(HALVINGS):
        new = odds * np.exp(change)
        difference = np.abs(v).sum() - np.abs(w).sum() + (bounds * (codes == 0)) @ change
        if difference + bounds @ np.log((1 + new) / (np.exp(change) + new)) <= 0.01 * decrease:
            return v, new, v
        v, change, decrease = (w + v) / 2, change / 2, decrease / 2
    return w, np.exp(X @ w), v


def _grouped(X, codes, bounds, bias):
    """Class 0 before class 1, and the feature of the intercept."""
    order = np.argsort(codes, kind="stable")
    X = (X.toarray() if issparse(X) else X)[order]
    X = np.column_stack([X, np.full(len(X), bias)]) if bias > 0 else X
    return X, codes[order], bounds[order]


def _shuffle(order, size, rng):
    """Fisher and Yates, with Lemire's unbiased numbers below a bound from 32-bit words."""
    for i in range(size):
        bound = size - i
        product = int(rng.randint(2**32, dtype=np.uint32)) * bound
        while product % 2**32 < 2**32 % bound:
            product = int(rng.randint(2**32, dtype=np.uint32)) * bound
        j = i + product // 2**32
        order[i], order[j] = order[j], order[i]
