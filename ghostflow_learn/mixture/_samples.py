"""What a step of expectation-maximisation learns from the samples, whichever model it serves."""

from collections import namedtuple
from functools import cached_property

import numpy as np

# weight      : (n_components,)             effective number of samples
# means       : (n_components, n_features)
# covariances : in the form of the covariance type, with `reg_covar` on the diagonal
Statistics = namedtuple("Statistics", "weight means covariances")

# means, precisions_cholesky, constant : see `posterior` of the engines
Density = namedtuple("Density", "means precisions_cholesky constant")


class Samples:
    """Data on an engine. Statistics of components are float64, on the host.

    Parameters
    ----------
    engine : module
    X : (n_samples, n_features) array of the engine
    covariance_type : {"full", "tied", "diag", "spherical"}
    reg_covar : float
    """

    def __init__(self, engine, X, covariance_type, reg_covar):
        self.engine, self.X = engine, X
        self.covariance_type, self.reg_covar = covariance_type, reg_covar
        # From this squared shift of a mean on, in units of a variance, the difference of the two has lost its digits.
        self.farthest = 1e2 if X.dtype == np.float32 else 1e6

    def posterior(self, density):
        """Log density of each sample and log responsibilities, on the engine."""
        return self.engine.gaussian_mixture.posterior(self.X, *self._sent(density), self.covariance_type)

    def step(self, density):
        """Sums of log densities and of r log r, and what the responsibilities r under `density` make of components."""
        means, *others = self._sent(density)

        def sums(about):
            return self.engine.gaussian_mixture.step(self.X, means, *others, about, self.covariance_type)

        return self._statistics(sums, means)

    def statistics(self, resp):
        """What given responsibilities, (n_samples, n_components) on the engine, make of components."""

        def sums(about):
            return None, *self.engine.gaussian_mixture.moments(self.X, resp, about, self.covariance_type)

        center = self.engine.moments.mean(self.X).astype(self.X.dtype)
        about = self.engine.xp.tile(center, (resp.shape[1], 1))
        return self._statistics(sums, about)[1]

    def _statistics(self, sums_about, about):
        """Statistics from sums about the old means, and about the new ones where those are too far away."""
        for _ in range(2):
            totals, weight, sums, products, center = self._fetched(*sums_about(about), about)
            effective = weight + 10 * np.finfo(self.X.dtype).eps
            means = (sums + weight[:, None] * center) / effective[:, None]
            if self.covariance_type == "tied":
                covariances = self._tied(effective, means)
                break
            shift = means - center
            covariances, variances = _about_means(products, sums, weight, effective, shift)
            if not (shift**2 > self.farthest * variances).any():
                break
            about = self._asarray(means)
        if self.covariance_type == "spherical":
            covariances = covariances.mean(axis=1)
        return totals, Statistics(effective, means, self._regularised(covariances))

    def _tied(self, weight, means):
        """X'X - sum_k n_k mean_k mean_k', but about the mean of X, so that it does not cancel."""
        n_samples, (center, scatter) = len(self.X), self._scatter
        total, diff = weight.sum(), means - center
        covariance = scatter - (weight * diff.T) @ diff
        if abs(n_samples - total) > 0.5:  # at a start from a few samples, the others of which belong nowhere
            between = np.outer(weight @ diff, center)
            covariance += (n_samples - total) * np.outer(center, center) - between - between.T
        return covariance / total

    @cached_property
    def _scatter(self):
        center, _, scatter, _ = self.engine.moments.scatter(self.X)
        return self.engine.to_numpy(center), self.engine.to_numpy(scatter)

    def _regularised(self, covariances):
        if self.covariance_type in ("diag", "spherical"):
            return covariances + self.reg_covar
        return covariances + self.reg_covar * np.eye(covariances.shape[-1])

    def _sent(self, density):
        return [self._asarray(array) for array in density]

    def _asarray(self, array):
        return self.engine.asarray(np.ascontiguousarray(array, dtype=self.X.dtype))

    def _fetched(self, *arrays):
        """Arrays of the engine, or None, as float64 on the host, for one wait."""
        xp, there = self.engine.xp, [array for array in arrays if array is not None]
        if xp is not np:
            flat = self.engine.to_numpy(xp.concatenate([array.ravel().astype(xp.float64) for array in there]))
            ends = np.cumsum([array.size for array in there])[:-1]
            there = [part.reshape(array.shape) for part, array in zip(np.split(flat, ends), there, strict=True)]
        values = iter(there)
        return [None if array is None else next(values).astype(np.float64, copy=False) for array in arrays]


def _about_means(products, sums, weight, effective, shift):
    """Covariances about the new means, of products about centers that lie `shift` before them; their diagonals."""
    if products.ndim == 2:
        variances = (products - 2 * sums * shift + weight[:, None] * shift**2) / effective[:, None]
        return variances, variances
    mixed = sums[:, :, None] * shift[:, None, :]
    between = weight[:, None, None] * shift[:, :, None] * shift[:, None, :]
    covariances = (products - mixed - mixed.transpose(0, 2, 1) + between) / effective[:, None, None]
    return covariances, np.diagonal(covariances, axis1=1, axis2=2)
