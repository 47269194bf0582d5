import cupy as cp

from .._neural import FROM_INPUT, activation_code, hash_start
from ._launch import THREADS_PER_BLOCK, launch
from ._strips import launch_strips, partials_of

MOST_BLOCKS = 2**16  # of a grid whose threads take several values


def linear(x, W, b, activation, slope=0.0, out=None):
    code = activation_code(activation)
    saves = code in FROM_INPUT
    y = cp.empty((len(x), W.shape[1]), dtype=x.dtype) if out is None else out
    z = cp.empty_like(y) if saves else y
    cp.matmul(x, W, out=z)
    if b is not None or activation != "identity":
        args = (z, b, y if saves else None, code, slope, W.shape[1], z.size)
        _over_values("add_bias_activate", z.size, args)
    return y, z if saves else None


def linear_backward(g, x, W, y, saved, activation, slope, needed):
    code, g = activation_code(activation), cp.ascontiguousarray(g)
    a, dz, db = y if saved is None else saved, g, None
    if activation != "identity":
        dz = cp.empty_like(g)
        if needed[2]:
            partials = cp.empty((partials_of(len(g))[0], g.shape[1]), dtype=g.dtype)
            launch_strips("nn_dense", "activate_backward_sums", *g.shape, (g, a, dz, partials, code, slope))
            db = partials.sum(axis=0)
        else:
            _over_values("activate_backward", g.size, (g, a, dz, code, slope, g.size))
    elif needed[2]:
        db = g.sum(axis=0)
    return dz @ W.T if needed[0] else None, x.T @ dz if needed[1] else None, db


def activate(z, activation, slope=0.0, out=None):
    out = cp.empty(z.shape, z.dtype) if out is None else out
    z = cp.ascontiguousarray(z)
    _over_values("activate", z.size, (z, out, activation_code(activation), slope, z.size))
    return out


def activate_backward(g, z, y, activation, slope=0.0, out=None):
    code, out = activation_code(activation), cp.empty(g.shape, g.dtype) if out is None else out
    a = cp.ascontiguousarray(z if code in FROM_INPUT else y)
    _over_values("activate_backward", g.size, (cp.ascontiguousarray(g), a, out, code, slope, g.size))
    return out


def prelu(z, slopes, out=None):
    out = cp.empty(z.shape, z.dtype) if out is None else out
    out[...] = cp.where(z < 0, slopes * z, z)
    return out


def prelu_backward(g, z, slopes):
    is_negative = z <= 0
    return cp.where(is_negative, g * slopes, g), cp.where(is_negative, g * z, z.dtype.type(0)).sum(axis=0)


def dropout(x, rate, seed, counter, out=None):
    out = cp.empty(x.shape, x.dtype) if out is None else out
    args = (cp.ascontiguousarray(x), out, int(rate * 2**32), 1 / (1 - rate), hash_start(seed, counter), x.size)
    _over_values("dropout", x.size, args)
    return out


def embedding(indices, table):
    vectors = cp.empty((*indices.shape, table.shape[1]), dtype=table.dtype)
    args = (indices.astype(cp.int64, copy=False), table, vectors, *table.shape, vectors.size)
    _over_values("take_rows", vectors.size, args)
    return vectors


def embedding_backward(g, indices, n_rows):
    indices, n_units = indices.reshape(-1).astype(cp.int64), g.shape[-1]
    order = cp.argsort(indices, kind="stable")
    starts = cp.searchsorted(indices[order], cp.arange(n_rows + 1))
    dtable = cp.empty((n_rows, n_units), dtype=g.dtype)
    args = (cp.ascontiguousarray(g), order, starts, dtable, n_rows, n_units)
    launch("nn_dense", "add_by_row", dtable.size, args)
    return dtable


def _over_values(kernel, n, args):
    grid = min(MOST_BLOCKS, -(-n // THREADS_PER_BLOCK))
    launch("nn_dense", kernel, n, args, grid=grid)
