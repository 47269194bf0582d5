"""Sums of gradients, hessians and samples in each bin, in fixed point: exact in any order."""

import numpy as np

from .._boosting import fields
from ._fixed_point import pack_within


def pack(gradients, hessians, seed):
    """Round gradients and hessians to integers that share a word.

    Rounding is up or down at random, with the probability that makes it exact on average, so that small gradients
    count even beside one that is very large. A sum over n samples differs from the exact sum of their gradients by less
    than n units, and typically by less than the square root of n units. A unit is the largest absolute gradient
    divided by 2^17 for small data and 2^13 beyond 65,536 samples; 2^30 where the hessian is constant.

    Parameters
    ----------
    gradients : (n_outputs, n_samples) float64
    hessians : (n_outputs, n_samples) float64, or None
        None if they are all 1. Negative ones count as 0.
    seed : int
        Of the rounding, below 2^32.

    Returns
    -------
    packed : Gradients
    """
    return pack_within(gradients, hessians, seed, None)


def build(codes, packed, output=0, rows=None):
    """Sum over the samples in each bin of each feature.

    Parameters
    ----------
    codes : (n_samples, n_features) uint8
    packed : Gradients
    output : int
    rows : (n_rows,) uint32, optional
        The samples to sum over; all of them by default.

    Returns
    -------
    gradients, hessians, counts : (n_features, 256) int64
        In the units of `packed`.
    """
    words = packed.words[output]
    rows = np.arange(len(words)) if rows is None else rows
    count_bits, hessian_bits, _, _ = fields(packed.interval)
    words = words[rows]
    parts = (
        words >> (hessian_bits + count_bits),
        (words >> count_bits) & ((1 << hessian_bits) - 1),
        np.ones(len(words), dtype=np.int64),
    )
    sums = np.zeros((3, codes.shape[1], 256), dtype=np.int64)
    for total, part in zip(sums, parts):
        for j in range(codes.shape[1]):
            np.add.at(total[j], codes[rows, j], part)
    return sums[0], sums[2] if packed.interval < 0 else sums[1], sums[2]
