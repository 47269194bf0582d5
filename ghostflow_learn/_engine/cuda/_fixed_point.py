"""Words of gradients, hessians and counts, and their sums: what histograms and boosting launch alike."""

import cupy as cp
import numpy as np

from .._boosting import fields
from ._launch import PLAIN_SHARED_BYTES, launch

PACKING = np.dtype(
    [("quantile", "f8"), ("loss", "i4"), ("seed", "u4"), ("gradient_shift", "i4"), ("hessian_shift", "i4")]
)
FIELDS = np.dtype([("interval", "i8"), ("count_bits", "i4"), ("hessian_bits", "i4")])
BLOCKS = 1024  # of a launch over samples: enough for any GPU
FEATURES = PLAIN_SHARED_BYTES // (8 * 256)  # of a block that adds up words


def packing(interval, seed, loss=0, quantile=0.0):
    """How words are made, for a kernel."""
    count_bits, hessian_bits, _, _ = fields(interval)
    shifts = (hessian_bits + count_bits, count_bits if hessian_bits else 0)
    return np.array([(quantile, loss, seed & 0xFFFFFFFF, *shifts)], dtype=PACKING)


def choose_units(largest, interval, factors=(1.0, 1.0)):
    """Units (n_outputs, 2) in which no gradient and no hessian, up to `largest` times `factors`, is too large."""
    _, _, max_gradient, max_hessian = fields(interval)
    units = cp.empty_like(largest)
    launch("histogram", "choose_units", len(units), (largest, units, *factors, max_gradient, max_hessian, len(units)))
    return units


def add_up(codes, words, interval, rows, jobs, histograms, n_rows, n_jobs=1):
    """Add the words of the samples of each of the `jobs`, of up to `n_rows`, to their histograms."""
    count_bits, hessian_bits, _, _ = fields(interval)
    n_samples, n_features = codes.shape
    n_groups = -(-n_features // FEATURES)
    n_chunk = min(abs(interval), max(512, -(-n_rows // BLOCKS)))
    of_words = np.array([(abs(interval), count_bits, hessian_bits)], dtype=FIELDS)
    args = (codes, words, rows, jobs, histograms, of_words, n_rows, n_samples, n_features, n_chunk)
    grid = (min(BLOCKS, -(-n_rows // n_chunk)), n_groups, n_jobs)
    launch("histogram", "build", n_rows, args, grid=grid, shared_bytes=8 * 256 * -(-n_features // n_groups))
