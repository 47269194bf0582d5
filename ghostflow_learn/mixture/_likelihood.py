"""The model of GaussianMixture: parameters that maximise the likelihood."""

from collections import namedtuple

import numpy as np

from ._covariances import cholesky_of_precisions, log_det, precisions_cholesky
from ._samples import Density

Gaussians = namedtuple("Gaussians", "weights means covariances precisions_cholesky")


class Likelihood:
    """Steps of expectation-maximisation; `given` holds what the user starts from, None where they leave it open.

    Parameters
    ----------
    covariance_type : {"full", "tied", "diag", "spherical"}
    n_samples : int
    dtype : dtype
        Of the data: named in an error.
    given : Gaussians
        Weights, means and precision matrices in place of covariances.
    """

    def __init__(self, covariance_type, n_samples, dtype, given):
        self.covariance_type, self.n_samples, self.dtype, self.given = covariance_type, n_samples, dtype, given
        self.needs_start = given.weights is None or given.means is None or given.covariances is None

    def start(self, statistics):
        weights, means, precisions, _ = self.given
        if weights is None:
            weights = statistics.weight / self.n_samples
        if means is None:
            means = statistics.means
        if precisions is None:
            covariances, factors = statistics.covariances, self._factors(statistics.covariances)
        else:
            diagonal = self.covariance_type in ("diag", "spherical")
            covariances = 1 / precisions if diagonal else np.linalg.inv(precisions)
            factors = cholesky_of_precisions(precisions, self.covariance_type)
        return Gaussians(weights, means, covariances, factors)

    def update(self, statistics):
        weight, means, covariances = statistics
        return Gaussians(weight / weight.sum(), means, covariances, self._factors(covariances))

    def density(self, params):
        """log w_k - d log(2 pi) / 2 + log det U_k is what the squared distances lack."""
        n_features = params.means.shape[1]
        with np.errstate(divide="ignore"):
            log_weights = np.log(params.weights)
        determinants = log_det(params.precisions_cholesky, self.covariance_type, n_features)
        constant = log_weights + determinants - 0.5 * n_features * np.log(2 * np.pi)
        return Density(params.means, params.precisions_cholesky, constant)

    def lower_bound(self, params, totals, n_samples):
        return float(totals[0] / n_samples)

    def _factors(self, covariances):
        return precisions_cholesky(covariances, self.covariance_type, self.dtype)
