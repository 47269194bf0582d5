"""What the smooth solvers minimise: the mean logistic loss and an L2 penalty."""


class Objective:
    """f(w) = loss(w) / total_weight + l2 / 2 |coef|^2, with w on the host and flat, and the data on the engine.

    Parameters
    ----------
    data : Data
    l2 : float
        1 / (C total_weight), so that f is scikit-learn's objective divided by C total_weight.
    penalized : int
        How many rows of the weights are penalised: all but the intercept's.
    """

    def __init__(self, data, l2, shape):
        self.data = data
        self.l2 = l2
        self.shape = shape
        self.penalized = data.X.shape[1] * shape[1]
        self._proba = None

    def loss_gradient(self, w):
        """(f, gradient) at w, from one pass over the data and one transfer."""
        data, engine = self.data, self.data.engine
        sums = engine.logistic.loss_gradient(data.X, data.codes, data.sample_weight, self._on_engine(w))
        sums = engine.to_numpy(sums) / data.total_weight
        gradient, coef = sums[1:], w[: self.penalized]
        gradient[: self.penalized] += self.l2 * coef
        return sums[0] + self.l2 / 2 * (coef @ coef), gradient

    def linearize(self, w):
        """Second derivatives from here on are those at w."""
        self._proba = self.data.engine.logistic.probabilities(self.data.X, self._on_engine(w))

    def hessian(self):
        """(second derivatives of f, share of the samples' weight whose curvature is zero)"""
        data = self.data
        has_intercept = self.shape[0] > data.X.shape[1]
        sums = data.engine.logistic.hessian(data.X, data.sample_weight, self._proba, has_intercept)
        sums = data.engine.to_numpy(sums) / data.total_weight
        size = self.shape[0] * self.shape[1]
        hessian = sums[1:].reshape(size, size)
        hessian.flat[: size * self.penalized : size + 1] += self.l2
        return hessian, sums[0]

    def hessian_product(self, v):
        """Second derivatives of f times v."""
        data, engine = self.data, self.data.engine
        product = engine.logistic.hessian_product(data.X, data.sample_weight, self._proba, self._on_engine(v))
        product = engine.to_numpy(product).ravel() / data.total_weight
        product[: self.penalized] += self.l2 * v[: self.penalized]
        return product

    def _on_engine(self, w):
        return self.data.engine.asarray(w.reshape(self.shape))
