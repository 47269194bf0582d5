import numpy as np
import scipy.sparse as sp

from ._jit import kernel
from ._math import log

INNER_NEWTON = 100
SWEEPS = 1000
HALVINGS = 20
RIDGE = 1e-12


def dual(X, codes, bounds, bias, tol, max_iter, seed):
    X, codes, bounds = _grouped(X, codes, bounds, bias)
    rng, y, order = np.random.RandomState(seed), 2.0 * codes - 1, np.arange(len(codes))
    alpha = np.minimum(0.001 * bounds, 1e-8)
    w, sq_norms, n_iter, inner_tol = X.T @ (y * alpha), X.power(2).sum(axis=1), 0, 1e-2
    args = (X.data, X.indices, X.indptr, y, bounds, np.asarray(sq_norms).ravel(), order, alpha, w)
    while n_iter < max_iter:
        n_iter += 1
        _shuffle(order, _positions(rng, len(order)))
        worst, n_newton = _dual_pass(*args, inner_tol, INNER_NEWTON)
        if worst < tol:
            break
        if n_newton <= len(y) // 10:
            inner_tol = max(min(1e-8, tol), 0.1 * inner_tol)
    return w, np.int64(n_iter)


@kernel
def _dual_pass(data, indices, indptr, y, bounds, sq_norms, order, alpha, w, tol, max_newton):
    worst, n_newton = 0.0, 0
    for i in order:
        a, b, bound = sq_norms[i], 0.0, bounds[i]
        for at in range(indptr[i], indptr[i + 1]):
            b += w[indices[at]] * data[at]
        b *= y[i]
        # The variable, or the bound minus it, whichever is nearer to zero in the solution.
        sign, old = (-1.0, bound - alpha[i]) if 0.5 * a * (bound - 2 * alpha[i]) + b < 0 else (1.0, alpha[i])
        z = 0.1 * old if bound - old < 0.5 * bound else old
        derivative = a * (z - old) + sign * b + log(z / (bound - z))
        worst = max(worst, abs(derivative))
        steps = 0
        while steps <= max_newton and abs(derivative) >= tol:
            trial = z - derivative / (a + bound / (bound - z) / z)
            z = trial if trial > 0 else 0.1 * z
            derivative = a * (z - old) + sign * b + log(z / (bound - z))
            steps += 1
        if steps > 0:
            n_newton += steps
            alpha[i] = z if sign > 0 else bound - z
            for at in range(indptr[i], indptr[i + 1]):
                w[indices[at]] += sign * (z - old) * y[i] * data[at]
    return worst, n_newton


def l1(X, codes, bounds, bias, tol, max_iter, seed):
    X, codes, bounds = _grouped(X, codes, bounds, bias)
    columns, sq_columns = X.tocsc(), X.power(2).tocsc()
    n_samples, n_weights = X.shape
    rng, order, v = np.random.RandomState(seed), np.arange(n_weights), np.zeros(n_weights)
    w, odds, n_iter, unchanged, worst, inner_tol, first = v.copy(), np.ones(n_samples), 0, 0, np.inf, 1.0, None
    while n_iter < max_iter:
        gradient = columns.T @ (bounds * (odds / (1 + odds) - codes))
        curvature = bounds * odds / (1 + odds) ** 2
        hessian = sq_columns.T @ curvature + RIDGE
        active, worst, total = _screen(gradient, w, order, worst / n_samples)
        first = total if first is None else first
        if total <= tol * first or unchanged >= 10:
            break
        model = (columns.data, columns.indices, columns.indptr, curvature, gradient, hessian, w)
        change, sweeps, moved = _quadratic(model, v, order, active, inner_tol * first, rng)
        unchanged = 0 if moved else unchanged + 1
        w, odds, v = _halving(X, codes, bounds, gradient, odds, w, v, change)
        inner_tol *= 0.25 if sweeps == 1 else 1
        n_iter += 1
    return w, np.int64(n_iter)


@kernel
def _violation(gradient, w):
    """How far a weight is from its optimum, in units of the gradient."""
    if w == 0:
        return max(abs(gradient) - 1, 0.0)
    return abs(gradient + np.sign(w))


@kernel
def _is_idle(gradient, w, margin):
    """Whether a zero weight is so sure to stay zero that it need not be looked at."""
    return w == 0 and abs(gradient) < 1 - margin


@kernel
def _screen(gradient, w, order, margin):
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


def _quadratic(model, v, order, n_active, tol, rng):
    """(X (v - w), sweeps, whether v moved); v moves to the minimum of the quadratic model around w."""
    change, active, worst, moved = np.zeros(len(model[3])), n_active, np.inf, False
    for sweeps in range(1, SWEEPS + 1):  # noqa: B007
        _shuffle(order, _positions(rng, active))
        active, worst, total, n_moved = _sweep(*model, v, change, order, active, worst / len(change), RIDGE)
        moved = moved or n_moved > 0
        if total <= tol:
            if active == n_active:
                break
            active, worst = n_active, np.inf
    return change, sweeps, moved


@kernel
def _sweep(data, indices, indptr, curvature, gradient, hessian, w, v, change, order, active, margin, ridge):
    s, worst, total, n_moved = 0, 0.0, 0.0, 0
    while s < active:
        j = order[s]
        slope = gradient[j] + (v[j] - w[j]) * ridge
        for at in range(indptr[j], indptr[j + 1]):
            slope += data[at] * curvature[indices[at]] * change[indices[at]]
        if _is_idle(slope, v[j], margin):
            active -= 1
            order[s], order[active] = order[active], order[s]
            continue
        s += 1
        z = -v[j]
        if slope + 1 < hessian[j] * v[j]:
            z = -(slope + 1) / hessian[j]
        elif slope - 1 > hessian[j] * v[j]:
            z = -(slope - 1) / hessian[j]
        if abs(z) < 1e-12:
            continue
        violation = _violation(slope, v[j])
        worst, total, n_moved = max(worst, violation), total + violation, n_moved + 1
        z = min(max(z, -10.0), 10.0)
        v[j] += z
        for at in range(indptr[j], indptr[j + 1]):
            change[indices[at]] += data[at] * z
    return active, worst, total, n_moved


def _halving(X, codes, bounds, gradient, odds, w, v, change):
    """(w, odds, v) nearer to v, where the loss falls enough; w where it never does."""
    decrease = gradient @ (v - w) + np.abs(v).sum() - np.abs(w).sum()
    for _ in range(HALVINGS):
        factor = np.exp(change)
        new = odds * factor
        difference = np.abs(v).sum() - np.abs(w).sum() + (bounds * (codes == 0)) @ change
        if difference + bounds @ np.log((1 + new) / (factor + new)) <= 0.01 * decrease:
            return v.copy(), new, v
        v, change, decrease = (w + v) / 2, change / 2, decrease / 2
    return w, np.exp(X @ w), v


def _grouped(X, codes, bounds, bias):
    """Class 0 before class 1, as CSR, with the feature of the intercept."""
    order = np.argsort(codes, kind="stable")
    X = sp.csr_array(X)[order]
    if bias > 0:
        X = sp.hstack([X, np.full((len(order), 1), bias)], format="csr")
    return X, codes[order], bounds[order]


@kernel
def _shuffle(order, positions):
    for i in range(len(positions)):
        j = positions[i]
        order[i], order[j] = order[j], order[i]


def _positions(rng, size):
    """Where to swap each of `size` items to: i plus Lemire's unbiased number below size - i from 32-bit words."""
    bounds = np.arange(size, 0, -1, dtype=np.uint64)
    words = rng.randint(2**32, size=size, dtype=np.uint32).astype(np.uint64)
    while True:
        products = words * bounds
        refused = np.flatnonzero(products % 2**32 < 2**32 % bounds)
        if not refused.size:
            return np.arange(size) + (products >> np.uint64(32)).astype(np.int64)
        # The next word takes the place of the first that would bias the number, and so on.
        words = np.append(np.delete(words, refused[0]), np.uint64(rng.randint(2**32, dtype=np.uint32)))
