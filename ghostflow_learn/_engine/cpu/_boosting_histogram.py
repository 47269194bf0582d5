"""Histograms of boosting: words are added up as they are, and taken apart before they overflow."""

from collections import namedtuple

import numpy as np

from ._boosting_losses import apart, inlined, inner
from ._memory import prefetch

AHEAD = 16  # rows: what is read of them comes from memory in about the time that these take
WIDTH = 64  # features whose sums stay in the cache

# Of the data and gradients of one tree.
# codes : (n_samples n_features,) uint8      words : (n_samples,) int64
# bits  : interval, count_bits, hessian_bits, see Gradients
Data = namedtuple("Data", "codes words bits")


@apart
def accumulate(codes, words, bits, rows, anew, histogram, packed, gathered):
    """Sum the words of `rows` in each bin, or add the sums to those there. `bits`: interval, count_bits, hessian_bits.

    There is room in `packed`, (256 min(n_features, WIDTH),) int64 zeros, as which it is left, and in `gathered`,
    (min(n_samples, interval),) int64.
    """
    n_features = histogram.shape[1] >> 8
    width = min(n_features, WIDTH)
    for k in range(3 if anew else 0):
        of_kind = histogram[k]
        for b in range(len(of_kind)):
            of_kind[b] = 0
    for first in range(0, len(rows), bits[0]):
        n_rows = min(bits[0], len(rows) - first)
        for i in range(n_rows):
            gathered[i] = words[np.uint64(rows[first + i])]
        for j in range(0, n_features, width):
            n = min(width, n_features - j)
            _add(codes[j:], n_features, n, rows[first:], gathered[:n_rows], packed)
            last = (j + n) * 256
            here = histogram[0, j * 256 : last], histogram[1, j * 256 : last], histogram[2, j * 256 : last]
            _take_apart(packed[: n * 256], bits[1], bits[2], here[0], here[1], here[2])


@inlined
def _add(codes, stride, n_features, rows, words, packed):
    """The words of the first rows; `rows` goes on, and is looked ahead in."""
    most = len(rows) - 1
    for i in range(len(words)):
        ahead = np.int64(rows[np.uint64(min(i + AHEAD, most))]) * stride
        prefetch(codes, ahead)
        prefetch(codes, ahead + n_features - 1)
        first, word = np.int64(rows[i]) * stride, words[i]
        for j in range(n_features):
            packed[np.uint64(j * 256 + codes[np.uint64(first + j)])] += word


@inlined
def _take_apart(packed, count_bits, hessian_bits, gradients, hessians, counts):
    """Add packed sums to the three they are made of, and clear them."""
    both_bits = count_bits + hessian_bits
    count_mask = (np.int64(1) << count_bits) - 1
    # The hessian of a sample is 1 where it has no bits: the number of samples is read in its place.
    shift, mask = (count_bits, (np.int64(1) << hessian_bits) - 1) if hessian_bits else (0, count_mask)
    for b in range(len(packed)):
        word = packed[b]
        gradients[b] += word >> both_bits
        hessians[b] += (word >> shift) & mask
        counts[b] += word & count_mask
        packed[b] = 0


@inner
def subtract(histogram, part):
    for k in range(3):
        whole, gone = histogram[k], part[k]
        for b in range(len(whole)):
            whole[b] -= gone[b]
