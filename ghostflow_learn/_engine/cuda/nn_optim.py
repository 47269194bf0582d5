import cupy as cp
import numpy as np

from .._neural import pieces
from ._launch import THREADS_PER_BLOCK, launch

MOST_BLOCKS = 2**16  # of a grid whose threads take several values


def sgd(params, grads, velocity, rates, start, stop, scale=None):
    _launch("sgd", start, stop, (params, grads, velocity), scale, rates)
    return params, velocity


def adam(params, grads, m, v, rates, start, stop, scale=None):
    _launch("adam", start, stop, (params, grads, m, v, None), scale, rates)
    return params, m, v


def amsgrad(params, grads, m, v, v_max, rates, start, stop, scale=None):
    _launch("adam", start, stop, (params, grads, m, v, v_max), scale, rates)
    return params, m, v, v_max


def rmsprop(params, grads, square, velocity, rates, start, stop, scale=None):
    _launch("rmsprop", start, stop, (params, grads, square, velocity), scale, rates)
    return params, square, velocity


def _launch(kernel, start, stop, arrays, scale, rates):
    n = stop - start
    ranges = (None if array is None else array[start:stop] for array in arrays)
    grid = min(MOST_BLOCKS, -(-n // THREADS_PER_BLOCK))
    launch("nn_optim", kernel, n, (*ranges, scale, _struct(rates), n), grid=grid)


def _struct(rates):
    """The rates as the kernel's struct of doubles."""
    return np.array([tuple(rates)], dtype=[(name, np.float64) for name in rates._fields])


def lamb(params, grads, m, v, rates, segments, scale=None):
    tables = _tables(segments)
    direction = cp.empty_like(params)
    _launch_pieces("lamb_direction", tables, (params, grads, m, v, direction, scale), _struct(rates))
    args = (params, direction, _squared_norm(params, *tables), _squared_norm(direction, *tables))
    _launch_pieces("lamb_step", tables, args, _struct(rates))
    return params, m, v


def lars(params, grads, velocity, rates, segments, scale=None):
    tables = _tables(segments)
    args = (params, grads, velocity, scale, _squared_norm(params, *tables), _squared_norm(grads, *tables))
    _launch_pieces("lars_step", tables, args, _struct(rates))
    return params, velocity


def squared_norm(flat, segments):
    return _squared_norm(flat, *_tables(segments))


def _tables(segments):
    """(pieces, where those of each segment begin), in one transfer."""
    bounds, firsts = pieces(segments)
    table = cp.asarray(np.array([*np.ravel(bounds), *firsts], dtype=np.int64))
    return table[: 3 * len(bounds)].reshape(-1, 3), table[3 * len(bounds) :]


def _squared_norm(flat, bounds, firsts):
    n_segments = len(firsts) - 1
    sums, totals = cp.empty(len(bounds)), cp.empty(n_segments)
    _launch_pieces("squares_of_pieces", (bounds, firsts), (flat,), sums)
    launch("nn_optim", "add_pieces", n_segments, (sums, firsts, totals, n_segments))
    return totals


def _launch_pieces(kernel, tables, args, last):
    bounds, _ = tables
    launch("nn_optim", kernel, len(bounds), (*args, bounds, last, len(bounds)), grid=len(bounds))
