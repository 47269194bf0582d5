import cupy as cp

from .. import _gaussians as gaussians

SIZE = 2**25  # values of the arrays of a block: 256 MB in float64
LEAST, MOST = 4096, 2**20  # samples of a block


def posterior(X, means, precisions_cholesky, constant, covariance_type):
    log_norm, log_resp = cp.empty(len(X), dtype=X.dtype), cp.empty((len(X), len(means)), dtype=X.dtype)
    tile = _tile(means)
    for rows, samples in gaussians.blocks(X, tile, 0, len(X)):
        args = (samples, means, precisions_cholesky, constant, covariance_type, tile)
        log_norm[rows], columns = gaussians.posterior(cp, *args)
        log_resp[rows] = columns.T
    return log_norm, log_resp


def moments(X, resp, about, covariance_type):
    tile, totals = _tile(about), None
    for rows, samples in gaussians.blocks(X, tile, 0, len(X)):
        parts = gaussians.moments(cp, samples, resp[rows].T.copy(), about, covariance_type, tile)
        totals = gaussians.add(totals, parts)
    return totals


def step(X, means, precisions_cholesky, constant, about, covariance_type):
    tile, totals = _tile(about), None
    for _, samples in gaussians.blocks(X, tile, 0, len(X)):
        args = (means, precisions_cholesky, constant, about, covariance_type, tile)
        totals = gaussians.add(totals, gaussians.step(cp, samples, *args))
    return totals


def _tile(means):
    return gaussians.tile_of(*means.shape, SIZE, LEAST, MOST)
