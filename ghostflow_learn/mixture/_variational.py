"""The model of BayesianGaussianMixture: a posterior distribution of the parameters."""

from collections import namedtuple

import numpy as np
from scipy.special import betaln, digamma, gammaln

from ._covariances import log_det, precisions_cholesky
from ._samples import Density

# weight_concentration, mean_precision, mean, degrees_of_freedom, covariance: of the distributions before any data
Prior = namedtuple("Prior", "weight_concentration mean_precision mean degrees_of_freedom covariance")

Posterior = namedtuple(
    "Posterior", "weight_concentration mean_precision means degrees_of_freedom covariances precisions_cholesky"
)


class Variational:
    """Steps of variational inference: Gaussian-Wishart distributions of components, and one of their weights.

    Parameters
    ----------
    covariance_type : {"full", "tied", "diag", "spherical"}
    process : bool
        Whether weights break a stick (a truncated Dirichlet process), or have a Dirichlet distribution.
    prior : Prior
    dtype : dtype
        Of the data: named in an error.
    """

    needs_start = True

    def __init__(self, covariance_type, process, prior, dtype):
        self.covariance_type, self.process, self.prior, self.dtype = covariance_type, process, prior, dtype

    def start(self, statistics):
        return self.update(statistics)

    def update(self, statistics):
        prior, weight, means = self.prior, statistics.weight, statistics.means
        mean_precision = prior.mean_precision + weight
        centers = (prior.mean_precision * prior.mean + weight[:, None] * means) / mean_precision[:, None]
        # What the prior mean adds to the scatter of a component.
        between = weight * prior.mean_precision / mean_precision
        degrees, covariances = self._wishart(statistics, between, means - prior.mean)
        factors = precisions_cholesky(covariances, self.covariance_type, self.dtype)
        return Posterior(self._concentration(weight), mean_precision, centers, degrees, covariances, factors)

    def _concentration(self, weight):
        if not self.process:
            return self.prior.weight_concentration + weight
        later = np.append(np.cumsum(weight[::-1])[-2::-1], 0)
        return 1 + weight, self.prior.weight_concentration + later

    def _wishart(self, statistics, between, diff):
        """Degrees of freedom, and covariances divided by them, unlike in Bishop's book."""
        prior, (weight, _, covariances) = self.prior, statistics
        if self.covariance_type == "tied":
            n_components = len(weight)
            degrees = prior.degrees_of_freedom + weight.sum() / n_components
            scatter = covariances * weight.sum() / n_components + (between * diff.T) @ diff / n_components
            return np.float64(degrees), (prior.covariance + scatter) / degrees
        degrees = prior.degrees_of_freedom + weight
        if self.covariance_type == "full":
            outer = diff[:, :, None] * diff[:, None, :]
        else:
            outer = diff**2 if self.covariance_type == "diag" else (diff**2).mean(axis=1)
        each = (slice(None), *[None] * (covariances.ndim - 1))  # a number of each component against its covariances
        scatter = weight[each] * covariances + between[each] * outer
        return degrees, (prior.covariance + scatter) / degrees[each]

    def density(self, params):
        """Expectations of log weight and log determinant, and of what the distance of a mean adds."""
        n_features, degrees = params.means.shape[1], params.degrees_of_freedom
        determinants = log_det(params.precisions_cholesky, self.covariance_type, n_features)
        halves = 0.5 * (np.atleast_1d(degrees) - np.arange(n_features)[:, None])
        log_lambda = n_features * np.log(2) + digamma(halves).sum(axis=0)
        constant = (
            self._log_weights(params.weight_concentration)
            + determinants
            - 0.5 * n_features * (np.log(2 * np.pi) + np.log(degrees))
        )
        constant = constant + 0.5 * (log_lambda - n_features / params.mean_precision)
        return Density(params.means, params.precisions_cholesky, constant)

    def _log_weights(self, concentration):
        if not self.process:
            return digamma(concentration) - digamma(concentration.sum())
        taken, left = concentration
        total = digamma(taken + left)
        return digamma(taken) - total + np.append(0, np.cumsum(digamma(left) - total)[:-1])

    def lower_bound(self, params, totals, n_samples):
        """The evidence lower bound without its constant terms."""
        n_components, n_features = params.means.shape
        degrees = params.degrees_of_freedom
        determinants = log_det(params.precisions_cholesky, self.covariance_type, n_features)
        log_wishart = _log_wishart_norm(degrees, determinants - 0.5 * n_features * np.log(degrees), n_features)
        if self.covariance_type == "tied":
            log_wishart = n_components * log_wishart
        if self.process:
            log_norm_weight = -betaln(*params.weight_concentration).sum()
        else:
            concentration = params.weight_concentration
            log_norm_weight = gammaln(concentration.sum()) - gammaln(concentration).sum()
        precision = 0.5 * n_features * np.log(params.mean_precision).sum()
        return float(-totals[1] - log_wishart.sum() - log_norm_weight - precision)

    def weights(self, params):
        """Expected weights of components."""
        if not self.process:
            return params.weight_concentration / params.weight_concentration.sum()
        taken, left = params.weight_concentration
        weights = taken / (taken + left) * np.append(1, np.cumprod((left / (taken + left))[:-1]))
        return weights / weights.sum()


def _log_wishart_norm(degrees, log_det_factors, n_features):
    """Logarithm of the normalisation of a Wishart distribution, without its power of pi."""
    halves = 0.5 * (np.atleast_1d(degrees) - np.arange(n_features)[:, None])
    return -(degrees * log_det_factors + degrees * n_features * 0.5 * np.log(2) + gammaln(halves).sum(axis=0))
