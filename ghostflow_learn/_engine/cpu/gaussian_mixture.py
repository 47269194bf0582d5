import numpy as np

from .. import _gaussians as gaussians
from ._launch import BLOCKS, PARTIALS, run_blocks

SIZE = 2**15  # values of the arrays of a block: a few of them stay in a thread's L2 cache
LEAST, MOST = 256, 1024  # samples of a block: enough to pay for the calls of NumPy
PASSES = 16  # multiply-adds in the time that all passes over a value of a block take
QUIET = {"over": "ignore", "invalid": "ignore", "divide": "ignore"}


def posterior(X, means, precisions_cholesky, constant, covariance_type):
    log_norm, log_resp = np.empty(len(X), dtype=X.dtype), np.empty((len(X), len(means)), dtype=X.dtype)
    tile = _tile(means)

    @np.errstate(**QUIET)
    def fill(start, stop):
        for rows, samples in gaussians.blocks(X, tile, start, stop):
            args = (samples, means, precisions_cholesky, constant, covariance_type, tile)
            log_norm[rows], columns = gaussians.posterior(np, *args)
            log_resp[rows] = columns.T

    run_blocks(fill, len(X), _row_cost(means, covariance_type))
    return log_norm, log_resp


def moments(X, resp, about, covariance_type):
    tile = _tile(about)

    def part(rows, samples):
        return gaussians.moments(np, samples, resp[rows].T.copy(), about, covariance_type, tile)

    return _summed(part, X, about, covariance_type, tile)


def step(X, means, precisions_cholesky, constant, about, covariance_type):
    tile = _tile(about)

    def part(rows, samples):
        args = (means, precisions_cholesky, constant, about, covariance_type, tile)
        return gaussians.step(np, samples, *args)

    return _summed(part, X, about, covariance_type, tile)


def _summed(part, X, about, covariance_type, tile):
    """The sums of `part` over the blocks of X, in their order."""

    @np.errstate(**QUIET)
    def partial(start, stop):
        totals = None
        for rows, samples in gaussians.blocks(X, tile, start, stop):
            totals = gaussians.add(totals, part(rows, samples))
        return totals

    n_bytes = 8 * about.size * (about.shape[1] if covariance_type == "full" else 1)
    max_blocks = max(1, min(BLOCKS, PARTIALS // n_bytes))
    totals = None
    for parts in run_blocks(partial, len(X), _row_cost(about, covariance_type), max_blocks):
        totals = gaussians.add(totals, parts)
    return totals


def _tile(means):
    return gaussians.tile_of(*means.shape, SIZE, LEAST, MOST)


def _row_cost(means, covariance_type):
    n_products = means.shape[1] if covariance_type == "full" else 0
    return means.size * (PASSES + 2 * n_products)
