"""LIBLINEAR's solvers of binary problems: trust region Newton, dual and L1 coordinate descent.

The intercept is the weight of one more feature, whose value is `intercept_scaling`, and penalised as any other.

References: Lin, Weng and Keerthi, "Trust region Newton method for large-scale logistic regression", JMLR 9, 2008; Yu,
Huang and Lin, "Dual coordinate descent methods for logistic regression", Machine Learning 85, 2011,
doi:10.1007/s10994-010-5221-8; Yuan, Ho and Lin, "An improved GLMNET for L1-regularized logistic regression", JMLR 13,
2012.
"""

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

LONGEST_SEED = np.iinfo(np.int32).max


def solve(data, C, shape, settings):
    """Weights of that shape, and the number of iterations."""
    if settings.verbose:
        print("[LibLinear]", end="")
    seed = int(settings.rng.randint(LONGEST_SEED))
    data = _weighted(data)
    n_samples, n_features = data.X.shape
    bias = settings.intercept_scaling if shape[0] > n_features else 0.0
    tol = settings.tol * _smaller_class(data) / n_samples
    if settings.dual:
        w, n_iter = _on_engine(data, data.engine.liblinear.dual, C, bias, settings.tol, settings.max_iter, seed)
    elif settings.l1_ratio == 1:
        w, n_iter = _on_engine(data, data.engine.liblinear.l1, C, bias, tol, settings.max_iter, seed)
    else:
        w, n_iter = _trust_region(_Scaled(data, C, bias, shape), tol, settings.max_iter, settings.verbose)
    if n_iter >= settings.max_iter:
        message = "Liblinear failed to converge, increase the number of iterations."
        warnings.warn(message, ConvergenceWarning, stacklevel=5)
    weights = w.reshape(shape).copy()
    weights[n_features:] *= bias
    return weights, n_iter


def _weighted(data):
    """The data in float64, without the samples whose weight is not positive."""
    X, codes, weight = data.X.astype(np.float64), data.codes, data.sample_weight
    if weight is not None:
        weight = weight.astype(np.float64)
        kept = weight > 0
        if not bool(kept.all()):
            X, codes, weight = X[kept], codes[kept], weight[kept]
    return data._replace(X=X, codes=codes, sample_weight=weight)


def _smaller_class(data):
    n_positive = int(data.codes.sum())
    return max(min(n_positive, len(data.codes) - n_positive), 1)


def _on_engine(data, op, C, *args):
    """The solution of an op that takes the upper bound C w_i of each sample's dual variable."""
    xp = data.engine.xp
    bounds = xp.full(len(data.codes), C, dtype=np.float64) if data.sample_weight is None else C * data.sample_weight
    w, n_iter = op(data.X, data.codes, bounds, *args)
    return data.engine.to_numpy(w), int(n_iter)


class _Scaled:
    """f(w) = |w|^2 / 2 + C loss, with the intercept's weight scaled by `bias`."""

    def __init__(self, data, C, bias, shape):
        self.data, self.C, self.shape = data, C, shape
        self.scale = np.ones(shape)
        self.scale[data.X.shape[1] :] = bias

    def loss_gradient(self, w):
        data = self.data
        sums = data.engine.logistic.loss_gradient(data.X, data.codes, data.sample_weight, self._scaled(w))
        sums = self.C * data.engine.to_numpy(sums)
        return w @ w / 2 + sums[0], w + sums[1:] * self.scale.ravel()

    def linearize(self, w):
        self.proba = self.data.engine.logistic.probabilities(self.data.X, self._scaled(w))

    def hessian_product(self, v):
        data = self.data
        product = data.engine.logistic.hessian_product(data.X, data.sample_weight, self.proba, self._scaled(v))
        return v + self.C * (data.engine.to_numpy(product) * self.scale).ravel()

    def _scaled(self, w):
        return self.data.engine.asarray(w.reshape(self.shape) * self.scale)


def _trust_region(objective, tol, max_iter, verbose):
    """(w, n_iter): Newton steps within a radius that grows where the quadratic model proves right."""
    w = np.zeros(objective.scale.size)
    f, g = objective.loss_gradient(w)
    first_norm = radius = np.sqrt(g @ g)
    n_iter, linearized = 0, False
    while n_iter < max_iter and np.sqrt(g @ g) > tol * first_norm:
        if not linearized:
            objective.linearize(w)
            linearized = True
        s, residual, n_cg = _steihaug(objective.hessian_product, g, radius)
        f_new, g_new = objective.loss_gradient(w + s)
        slope, actual = g @ s, f - f_new
        predicted = -(slope - s @ residual) / 2
        radius = _radius(radius, np.sqrt(s @ s), n_iter == 0, slope, actual, predicted)
        if verbose:
            print(
                f"iter {n_iter + 1:2d} act {actual:5.3e} pre {predicted:5.3e} delta {radius:5.3e} f {f:5.3e} "
                f"|g| {np.sqrt(g @ g):5.3e} CG {n_cg:3d}"
            )
        if actual > 1e-4 * predicted:
            n_iter += 1
            w, f, g, linearized = w + s, f_new, g_new, False
        if abs(actual) <= 1e-12 * abs(f) and abs(predicted) <= 1e-12 * abs(f):
            break
    return w, n_iter


def _radius(radius, length, is_first, slope, actual, predicted):
    """The next radius of the trust region, after a step of that length."""
    if is_first:
        radius = min(radius, length)
    excess = -actual - slope
    alpha = 4.0 if excess <= 0 else max(0.25, -slope / excess / 2)
    if actual < 1e-4 * predicted:
        return min(max(alpha, 0.25) * length, 0.5 * radius)
    if actual < 0.25 * predicted:
        return max(0.25 * radius, min(alpha * length, 0.5 * radius))
    if actual < 0.75 * predicted:
        return max(0.25 * radius, min(alpha * length, 4 * radius))
    return max(radius, min(alpha * length, 4 * radius))


def _steihaug(product, g, radius):
    """(s, residual -g - H s, iterations) by conjugate gradients within the radius."""
    s, r = np.zeros_like(g), -g
    d, sq = r.copy(), r @ r
    enough, n_iter = 0.1 * np.sqrt(g @ g), 0
    while np.sqrt(sq) > enough:
        n_iter += 1
        Hd = product(d)
        alpha = sq / (d @ Hd)
        if np.linalg.norm(s + alpha * d) > radius:
            alpha = _to_boundary(s, d, radius)
            return s + alpha * d, r - alpha * Hd, n_iter
        s, r = s + alpha * d, r - alpha * Hd
        sq_before, sq = sq, r @ r
        d = r + sq / sq_before * d
    return s, r, n_iter


def _to_boundary(s, d, radius):
    """The alpha > 0 with |s + alpha d| = radius."""
    sd, ss, dd = s @ d, s @ s, d @ d
    gap = radius**2 - ss
    root = np.sqrt(sd**2 + dd * gap)
    return gap / (sd + root) if sd >= 0 else (root - sd) / dd
