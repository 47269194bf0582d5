"""Gaussian mixtures on a block of samples, in array code that NumPy and CuPy share.

Samples are the columns of a block, (n_features, n_samples): operations run along them, and what belongs to a component
and a feature is a scalar to each. Components are taken in groups, so that no array is larger than `SIZE` allows.
"""

from collections import namedtuple

LEAST_LOG = -1e4  # of a responsibility, whose exponential is 0 long before

# n_samples    : int   of a block
# n_components : int   of a group
Tile = namedtuple("Tile", "n_samples n_components")


def tile_of(n_components, n_features, size, least, most):
    """Samples and components at a time, for arrays of about `size` values, and of `least` to `most` samples."""
    n_samples = max(least, min(most, size // (n_components * n_features)))
    return Tile(n_samples, max(1, min(n_components, size // (n_samples * n_features))))


def blocks(X, tile, start, stop):
    """The rows [start, stop) of X, a block of columns at a time."""
    for first in range(start, stop, tile.n_samples):
        rows = slice(first, min(first + tile.n_samples, stop))
        yield rows, X[rows].T.copy()


def posterior(xp, samples, means, precisions_cholesky, constant, covariance_type, tile):
    """Log density of each sample, (n_samples,), and log responsibilities, (n_components, n_samples)."""
    log_prob = _sq_mahalanobis(xp, samples, means, precisions_cholesky, covariance_type, tile)
    log_prob *= -0.5
    log_prob += constant[:, None]
    largest = log_prob.max(axis=0)
    log_norm = xp.log(xp.exp(log_prob - largest).sum(axis=0)) + largest
    log_prob -= log_norm
    return log_norm, log_prob


def moments(xp, samples, resp, about, covariance_type, tile):
    """Sums over the samples of a block, float64: see ``moments`` in the reference."""
    n_components, n_features = about.shape
    weight = resp.sum(axis=1, dtype=xp.float64)
    if covariance_type == "tied":
        center = about.mean(axis=0)
        sums = (resp @ (samples - center[:, None]).T).astype(xp.float64)
        return weight, sums + weight[:, None] * (center - about), None
    shape = (n_components, n_features, n_features) if covariance_type == "full" else (n_components, n_features)
    sums, products = xp.empty((n_components, n_features)), xp.empty(shape)
    for group in _groups(n_components, tile):
        diff = samples - about[group, :, None]
        weighted = diff * resp[group, None, :]
        sums[group] = weighted.sum(axis=2)
        if covariance_type == "full":
            products[group] = xp.matmul(weighted, diff.transpose(0, 2, 1))
        else:
            weighted *= diff
            products[group] = weighted.sum(axis=2)
    return weight, sums, products


def step(xp, samples, means, precisions_cholesky, constant, about, covariance_type, tile):
    """Sums over the samples of a block, float64: see ``step`` in the reference."""
    log_norm, log_resp = posterior(xp, samples, means, precisions_cholesky, constant, covariance_type, tile)
    resp = xp.exp(log_resp)
    log_resp = xp.maximum(log_resp, LEAST_LOG, out=log_resp)
    log_resp *= resp
    totals = xp.empty(2)
    totals[0], totals[1] = log_norm.sum(dtype=xp.float64), log_resp.sum(dtype=xp.float64)
    return totals, *moments(xp, samples, resp, about, covariance_type, tile)


def add(totals, parts):
    """`totals`, arrays or None, with `parts` added to them; None at first."""
    if totals is None:
        return parts
    return tuple(None if total is None else total + part for total, part in zip(totals, parts, strict=True))


def _sq_mahalanobis(xp, samples, means, precisions_cholesky, covariance_type, tile):
    """Squared Mahalanobis distance of each sample to each mean, (n_components, n_samples)."""
    if covariance_type == "tied":
        center = means.mean(axis=0)
        samples = precisions_cholesky.T @ (samples - center[:, None])
        means = (means - center) @ precisions_cholesky
    elif covariance_type == "spherical":
        precisions_cholesky = precisions_cholesky[:, None]
    sq_dists = xp.empty((len(means), samples.shape[1]), dtype=samples.dtype)
    for group in _groups(len(means), tile):
        diff = samples - means[group, :, None]
        if covariance_type == "full":
            diff = xp.matmul(precisions_cholesky[group].transpose(0, 2, 1), diff)
        elif covariance_type != "tied":
            diff *= precisions_cholesky[group, :, None]
        diff *= diff
        sq_dists[group] = diff.sum(axis=1)
    return sq_dists


def _groups(n_components, tile):
    return [slice(first, first + tile.n_components) for first in range(0, n_components, tile.n_components)]
