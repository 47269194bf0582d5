import cupy as cp

from .._boosting import Gradients, interval_of
from ._fixed_point import BLOCKS, add_up, choose_units, packing
from ._launch import THREADS_PER_BLOCK, launch


def pack(gradients, hessians, seed):
    n_outputs, n_samples = gradients.shape
    interval = interval_of(n_samples, hessians is None)
    largest, words = cp.zeros((n_outputs, 2)), cp.empty(gradients.shape, dtype=cp.int64)
    n_blocks = -(-n_samples // THREADS_PER_BLOCK)
    args = (gradients, hessians, largest, n_samples)
    launch("histogram", "largest_given", n_samples, args, grid=(min(BLOCKS, n_blocks), n_outputs))
    units = choose_units(largest, interval)
    args = (gradients, hessians, units, words, packing(interval, seed), n_samples)
    launch("histogram", "pack_given", n_samples, args, grid=(n_blocks, n_outputs))
    return Gradients(words, units, interval)


def build(codes, packed, output=0, rows=None):
    histograms = cp.zeros((3, codes.shape[1], 256), dtype=cp.int64)
    n_rows = len(codes) if rows is None else len(rows)
    add_up(codes, packed.words[output], packed.interval, rows, None, histograms, n_rows)
    return histograms[0], histograms[1], histograms[2]
