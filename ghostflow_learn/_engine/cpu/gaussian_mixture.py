import numpy as np

from .. import _gaussians as gaussians
from ._gaussian_step import Mixture
from ._gaussian_step import step as kernel
from ._launch import launch_reduce, run_blocks

SIZE = 2**15  # values of the arrays of a block: a few of them stay in a thread's L2 cache
LEAST, MOST = 256, 1024  # samples of a block: enough to pay for the calls of NumPy
PASSES = 8  # multiply-adds in the time that all passes over a value of a block take
EXPONENTIAL = 16  # multiply-adds in the time of one
QUIET = {"over": "ignore", "invalid": "ignore", "divide": "ignore"}


def posterior(X, means, precisions_cholesky, constant, covariance_type):
    log_norm, log_resp = np.empty(len(X), dtype=X.dtype), np.empty((len(X), len(means)), dtype=X.dtype)
    tile = gaussians.tile_of(*means.shape, SIZE, LEAST, MOST)
    n_products = means.shape[1] if covariance_type == "full" else 0

    @np.errstate(**QUIET)
    def fill(start, stop):
        for rows, samples in gaussians.blocks(X, tile, start, stop):
            args = (samples, means, precisions_cholesky, constant, covariance_type, tile)
            log_norm[rows], columns = gaussians.posterior(np, *args)
            log_resp[rows] = columns.T

    run_blocks(fill, len(X), means.size * (n_products + PASSES))
    return log_norm, log_resp


def moments(X, resp, about, covariance_type):
    empty = about[:0]
    mixture = Mixture(empty, empty.ravel(), about, about, about[:, 0].copy(), about)
    return _summed(X, resp, mixture, covariance_type)[1:]


def step(X, means, precisions_cholesky, constant, about, covariance_type):
    mixture = _mixture(means, precisions_cholesky, constant, about, covariance_type)
    return _summed(X, np.empty((0, len(means)), dtype=X.dtype), mixture, covariance_type)


def _summed(X, given, mixture, covariance_type):
    n_components, n_features = mixture.means.shape
    n_rows = n_features if covariance_type == "full" else 1
    shapes = [(2,), (n_components,), (n_components, n_features), (n_components, n_rows, n_features)]
    partials = [(shape, np.float64) for shape in shapes]
    row_cost = n_components * (n_features * (n_rows + PASSES) + EXPONENTIAL)
    totals, weight, sums, products = launch_reduce(kernel, len(X), (X, given, mixture), partials, row_cost)
    if covariance_type == "full":
        return totals, weight, sums, np.tril(products) + np.tril(products, -1).transpose(0, 2, 1)
    return totals, weight, sums, None if covariance_type == "tied" else products[:, 0]


def _mixture(means, factors, constant, about, covariance_type):
    """What the kernel reads, in the form that is the same for all covariance types."""
    centers, triangular, scales = means[:0], means[:0, :0].ravel(), np.ones_like(means)
    if covariance_type == "full":
        centers, triangular, means = means, factors.transpose(0, 2, 1).ravel(), np.zeros_like(means)
    elif covariance_type == "tied":
        centers, triangular = means.mean(axis=0, keepdims=True), factors.T.ravel()
        means = (means - centers) @ factors
    else:
        scales *= factors if covariance_type == "diag" else factors[:, None]
    return Mixture(centers, triangular, means, scales, constant, about)
