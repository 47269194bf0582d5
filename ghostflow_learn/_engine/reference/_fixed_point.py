"""Gradients and hessians as integers that share a word."""

import numpy as np

from .._boosting import HASH, Gradients, fields, interval_of, unit_of


def pack_within(gradients, hessians, seed, bounds):
    """`pack` with known bounds of the absolute gradients and of the hessians."""
    n_outputs, n_samples = gradients.shape
    interval = interval_of(n_samples, hessians is None)
    count_bits, hessian_bits, max_gradient, max_hessian = fields(interval)
    units = np.ones((n_outputs, 2))
    words = np.empty(gradients.shape, dtype=np.int64)
    for k in range(n_outputs):
        up_gradient, up_hessian = _thresholds(n_samples, seed + k)
        units[k, 0] = unit_of(bounds[0] if bounds else np.abs(gradients[k]).max(initial=0), max_gradient)
        words[k] = np.floor(gradients[k] / units[k, 0] + up_gradient).astype(np.int64) << (hessian_bits + count_bits)
        if hessians is not None:
            hessian = hessians[k].clip(min=0)
            units[k, 1] = unit_of(bounds[1] if bounds else hessian.max(initial=0), max_hessian)
            words[k] += np.floor(hessian / units[k, 1] + up_hessian).astype(np.int64) << count_bits
    return Gradients(words + 1, units, interval)


def _thresholds(n_samples, seed):
    """Two numbers in [0, 1) for each sample: what is added to a gradient, and to a hessian, before rounding down."""
    h = np.arange(n_samples, dtype=np.uint32) * np.uint32(HASH[0]) + np.uint32(seed & 0xFFFFFFFF)
    for shift, factor in ((16, HASH[1]), (13, HASH[2])):
        h = (h ^ (h >> np.uint32(shift))) * np.uint32(factor)
    h ^= h >> np.uint32(16)
    return (h >> np.uint32(16)) / 65536.0, (h & np.uint32(0xFFFF)) / 65536.0
