"""A step of expectation-maximisation, a tile of samples at a time, whose columns are the lanes of vectors.

Everything about a tile stays in the cache: differences from one mean, log densities, responsibilities. Factors are
triangular and products symmetric: what lies beyond the diagonal is left out, four rows at a time.
"""

from collections import namedtuple

import numpy as np

from ._jit import kernel
from ._math import exp, log
from ._tiles import ROWS, combine, dots

LANES = 64  # samples of a tile: whole vectors, and work enough for each call
LEAST_LOG = -1e4  # of a responsibility, whose exponential is 0 long before

# Samples less a center are multiplied by a factor, if there are any; then a component's mean is subtracted, and what is
# left multiplied by its scale.
#
# centers  : (n_matrices, n_features)  one for each component, one for all, or none
# factors  : (n_matrices n_features^2,)  lower triangular: the transposed Cholesky factors of precision matrices
# means    : (n_components, n_features)
# scales   : (n_components, n_features)
# constant : (n_components,)
# about    : (n_components, n_features)
Mixture = namedtuple("Mixture", "centers factors means scales constant about")


@kernel
def step(X, given, mixture, totals, weight, sums, products, start, stop):
    """`given` holds responsibilities, (n_samples, n_components), or no row: then they are those of the mixture."""
    (n_components, n_features), n_matrices = mixture.means.shape, len(mixture.centers)
    size, has_matrices = n_features * LANES, products.shape[1] == n_features > 1
    samples, diff, other = np.zeros(size, X.dtype), np.empty(size, X.dtype), np.empty(size, X.dtype)
    few, resp = np.empty(ROWS * max(LANES, n_features), X.dtype), np.empty(n_components * LANES, X.dtype)
    for first in range(start, stop, LANES):
        n = min(LANES, stop - first)
        for r in range(n):
            for j in range(n_features):
                samples[j * LANES + r] = X[first + r, j]
        if len(given) > 0:
            for k in range(n_components):
                for r in range(LANES):
                    resp[k * LANES + r] = given[first + r, k] if r < n else 0
        else:
            for k in range(n_components):
                if k < n_matrices:
                    _subtract(samples, mixture.centers[k], diff)
                    _multiply(mixture.factors, k * n_features**2, diff, other, n_features)
                scaled = samples if n_matrices == 0 else other
                log_prob = resp[k * LANES : (k + 1) * LANES]
                _log_prob(scaled, mixture.means[k], mixture.scales[k], mixture.constant[k], log_prob)
            _normalise(resp, few, totals, n_components, n)
        for k in range(n_components):
            of_k = resp[k * LANES : (k + 1) * LANES]
            weight[k] += _sum(of_k)
            _subtract(samples, mixture.about[k], diff)
            _weigh(diff, of_k, other, sums[k])
            if has_matrices:
                _add_products(other, diff, few, products[k], n_features)
            else:
                _add_diagonal(other, diff, products[k, 0])


@kernel(inline="always")
def _subtract(samples, center, diff):
    for j in range(len(center)):
        x, d, c = samples[j * LANES : (j + 1) * LANES], diff[j * LANES : (j + 1) * LANES], center[j]
        for r in range(LANES):
            d[r] = x[r] - c


@kernel(inline="always")
def _multiply(factors, at, diff, out, n_features):
    for row in range(0, n_features, ROWS):
        n_rows, n_terms = min(ROWS, n_features - row), min(row + ROWS, n_features)
        combine(factors, at + row * n_features, n_features, 1, diff, 0, out, row * LANES, n_rows, n_terms, LANES)


@kernel(inline="always")
def _log_prob(samples, mean, scale, constant, log_prob):
    log_prob[:] = 0
    for j in range(len(mean)):
        x, m, s = samples[j * LANES : (j + 1) * LANES], mean[j], scale[j]
        for r in range(LANES):
            y = (x[r] - m) * s
            log_prob[r] += y * y
    half = log_prob.dtype.type(0.5)
    for r in range(LANES):
        log_prob[r] = constant - log_prob[r] * half


@kernel(inline="always")
def _normalise(resp, few, totals, n_components, n):
    """Log densities become responsibilities, none for the lanes from `n` on."""
    largest, total, surprise = few[:LANES], few[LANES : 2 * LANES], few[2 * LANES : 3 * LANES]
    largest[:] = -np.inf
    for k in range(n_components):
        log_prob = resp[k * LANES : (k + 1) * LANES]
        for r in range(LANES):
            largest[r] = log_prob[r] if log_prob[r] > largest[r] else largest[r]
    total[:] = 0
    surprise[:] = 0
    least = largest.dtype.type(LEAST_LOG)
    for k in range(n_components):
        log_prob = resp[k * LANES : (k + 1) * LANES]
        for r in range(LANES):
            shifted = log_prob[r] - largest[r]
            share = exp(shifted)
            total[r] += share
            surprise[r] += share * (least if shifted < least else shifted)
            log_prob[r] = share
    for r in range(n):
        log_total = log(total[r])
        totals[0] += largest[r] + log_total
        totals[1] += surprise[r] / total[r] - log_total
    for r in range(LANES):
        total[r] = 1 / total[r] if r < n else 0
    for k in range(n_components):
        of_k = resp[k * LANES : (k + 1) * LANES]
        for r in range(LANES):
            of_k[r] *= total[r]


@kernel(inline="always")
def _sum(values):
    total = 0.0
    for r in range(LANES):
        total += values[r]
    return total


@kernel(inline="always")
def _weigh(diff, resp, weighted, sums):
    for j in range(len(sums)):
        d, w = diff[j * LANES : (j + 1) * LANES], weighted[j * LANES : (j + 1) * LANES]
        total = 0.0
        for r in range(LANES):
            product = d[r] * resp[r]
            w[r] = product
            total += product
        sums[j] += total


@kernel(inline="always")
def _add_products(weighted, diff, few, products, n_features):
    for row in range(0, n_features, ROWS):
        n_rows, n_columns = min(ROWS, n_features - row), min(row + ROWS, n_features)
        dots(weighted, row * LANES, diff, 0, few, 0, n_rows, n_columns, LANES)
        for l in range(n_rows):
            to, of = products[row + l], few[l * n_columns : (l + 1) * n_columns]
            for j in range(n_columns):
                to[j] += of[j]


@kernel(inline="always")
def _add_diagonal(weighted, diff, squares):
    for j in range(len(squares)):
        w, d = weighted[j * LANES : (j + 1) * LANES], diff[j * LANES : (j + 1) * LANES]
        total = 0.0
        for r in range(LANES):
            total += w[r] * d[r]
        squares[j] += total
