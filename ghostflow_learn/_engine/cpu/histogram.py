import numpy as np

from .._boosting import Gradients, fields, interval_of, unit_of
from ._boosting_histogram import WIDTH, accumulate
from ._boosting_losses import pack_given
from ._launch import launch, n_threads, run_blocks

PACKED = 16  # multiply-adds in the time that one sample takes
ADDED = 2


def pack(gradients, hessians, seed):
    interval = interval_of(gradients.shape[1], hessians is None)
    count_bits, hessian_bits, max_gradient, max_hessian = fields(interval)
    shifts = (hessian_bits + count_bits, 0 if hessians is None else count_bits)
    words = np.empty(gradients.shape, dtype=np.int64)
    units = np.ones((len(words), 2))
    for k in range(len(words)):
        units[k, 0] = unit_of(np.abs(gradients[k]).max(initial=0), max_gradient)
        if hessians is not None:
            units[k, 1] = unit_of(hessians[k].max(initial=0), max_hessian)
        hessian = gradients[k] if hessians is None else hessians[k]
        args = (gradients[k], hessian, tuple(1 / units[k]), shifts, np.uint32((seed + k) & 0xFFFFFFFF), words[k])
        launch(pack_given, len(words[k]), args, PACKED)
    return Gradients(words, units, interval)


def build(codes, packed, output=0, rows=None):
    count_bits, hessian_bits, _, _ = fields(packed.interval)
    data = (codes.reshape(-1), packed.words[output], (abs(packed.interval), count_bits, hessian_bits))
    rows = np.arange(len(codes), dtype=np.uint32) if rows is None else rows
    shape = (3, codes.shape[1] * 256)

    def add_up(start, stop):
        part, packed = np.empty(shape, dtype=np.int64), np.zeros(min(codes.shape[1], WIDTH) * 256, dtype=np.int64)
        gathered = np.empty(min(stop - start, data[2][0]), dtype=np.int64)
        accumulate(*data, rows[start:stop], True, part, packed, gathered)
        return part

    parts = run_blocks(add_up, len(rows), codes.shape[1] * ADDED, max_blocks=n_threads())
    return tuple(np.sum([np.zeros(shape, dtype=np.int64), *parts], axis=0).reshape(3, -1, 256))
