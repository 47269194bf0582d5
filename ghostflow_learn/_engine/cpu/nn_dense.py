import numpy as np

from .._boosting import HASH
from .._neural import hash_start
from ._activations import activated, derivative, is_from_input, kind_of
from ._gemm import rows_of_product
from ._jit import kernel
from ._launch import BLOCKS, launch, launch_reduce, run_blocks

ROWS = 64  # smallest block of a product: below it BLAS loses more than a second thread gains
BLAS_SPEED = 8  # multiply-adds of a matrix product in the time of one of ours
COST = 2  # of an activation, in multiply-adds; in float32 a vector of them is computed at once
COLUMNS = 32  # of a table of embeddings that one thread adds into
H1, H2, H3 = (np.uint32(factor) for factor in HASH)


def linear(x, W, b, activation, slope=0.0, out=None):
    kind, (n_in, n_out) = kind_of(activation, slope), W.shape
    y = np.empty((len(x), n_out), dtype=x.dtype) if out is None else out
    z = np.empty_like(y) if is_from_input(kind) else y
    bias = np.zeros(n_out, dtype=x.dtype) if b is None else b

    def rows(start, stop):
        rows_of_product(x, W, z, start, stop)
        if z is y:
            _activate_sum(y, bias, kind, start, stop)
        else:
            _activate_saved_sum(z, bias, y, kind, start, stop)

    _in_blocks(rows, len(x), n_in * n_out)
    return y, None if z is y else z


def linear_backward(g, x, W, y, saved, activation, slope, needed):
    kind, g = kind_of(activation, slope), np.ascontiguousarray(g)
    a = y if saved is None else saved
    plain = activation == "identity"
    dz = g if plain else np.empty_like(g)
    dx = np.empty((len(g), len(W)), dtype=g.dtype) if needed[0] else None

    def rows(start, stop):
        sums = np.zeros(g.shape[1], dtype=g.dtype)
        if not plain:
            _backward_sums(g, a, dz, sums, kind, start, stop)
        elif needed[2]:
            _column_sums(g, sums, start, stop)
        if needed[0]:
            rows_of_product(dz, W, dx, start, stop, second_transposed=True)
        return sums

    sums = _in_blocks(rows, len(g), W.size if needed[0] else COST * BLAS_SPEED * g.shape[1])
    db = (sum(sums[1:], start=sums[0]) if sums else np.zeros(g.shape[1], dtype=g.dtype)) if needed[2] else None
    return dx, _transposed_product(x, dz) if needed[1] else None, db


def _in_blocks(function, n, row_cost):
    return run_blocks(function, n, row_cost / BLAS_SPEED, max_blocks=min(BLOCKS, max(1, n // ROWS)))


def _transposed_product(x, dz):
    """x' dz: blocks of its rows or, where there are few, of samples, added up in order."""
    (n_samples, n_in), n_out = x.shape, dz.shape[1]
    if n_in >= 2 * ROWS:
        dW = np.empty((n_in, n_out), dtype=x.dtype)

        def rows(start, stop):
            rows_of_product(x, dz, dW, start, stop, first_transposed=True)

        _in_blocks(rows, n_in, n_samples * n_out)
        return dW
    parts = _in_blocks(lambda start, stop: x[start:stop].T @ dz[start:stop], n_samples, n_in * n_out)
    return sum(parts[1:], start=parts[0]) if parts else np.zeros((n_in, n_out), dtype=x.dtype)


def activate(z, activation, slope=0.0, out=None):
    kind, out = kind_of(activation, slope), np.empty(z.shape, z.dtype) if out is None else out
    if out is z:
        launch(_activate_in_place, z.size, (z.reshape(-1), kind), row_cost=COST)
    else:
        launch(_activate, z.size, (z.reshape(-1), out.reshape(-1), kind), row_cost=COST)
    return out


def activate_backward(g, z, y, activation, slope=0.0, out=None):
    kind, out = kind_of(activation, slope), np.empty(g.shape, g.dtype) if out is None else out
    args = (np.ascontiguousarray(g), z if is_from_input(kind) else y, out)
    if out is g or args[1] is out:
        args = (args[0].copy(), args[1].copy(), out)  # one array under two names is no longer vectorised
    launch(_activate_backward, g.size, (*(array.reshape(-1) for array in args), kind), row_cost=COST)
    return out


@kernel
def _activate_sum(Y, bias, kind, start, stop):
    Y = Y[start:stop]
    n_samples, n_units = Y.shape
    for i in range(n_samples):
        for j in range(n_units):
            Y[i, j] = activated(Y[i, j] + bias[j], kind)


@kernel
def _activate_saved_sum(Z, bias, Y, kind, start, stop):
    Z, Y = Z[start:stop], Y[start:stop]
    n_samples, n_units = Z.shape
    for i in range(n_samples):
        for j in range(n_units):
            z = Z[i, j] + bias[j]
            Z[i, j] = z
            Y[i, j] = activated(z, kind)


@kernel
def _backward_sums(G, A, dZ, sums, kind, start, stop):
    G, A, dZ = G[start:stop], A[start:stop], dZ[start:stop]
    n_samples, n_units = G.shape
    for i in range(n_samples):
        for j in range(n_units):
            g = G[i, j] * derivative(A[i, j], kind)
            dZ[i, j] = g
            sums[j] += g


@kernel
def _column_sums(G, sums, start, stop):
    G = G[start:stop]
    n_samples, n_units = G.shape
    for i in range(n_samples):
        for j in range(n_units):
            sums[j] += G[i, j]


@kernel
def _activate(z, y, kind, start, stop):
    z, y = z[start:stop], y[start:stop]
    for k in range(z.size):
        y[k] = activated(z[k], kind)


@kernel
def _activate_in_place(y, kind, start, stop):
    y = y[start:stop]
    for k in range(y.size):
        y[k] = activated(y[k], kind)


@kernel
def _activate_backward(g, a, dz, kind, start, stop):
    g, a, dz = g[start:stop], a[start:stop], dz[start:stop]
    for k in range(g.size):
        dz[k] = g[k] * derivative(a[k], kind)


def prelu(z, slopes, out=None):
    out = np.empty(z.shape, z.dtype) if out is None else out
    np.copyto(out, z)
    launch(_prelu, len(z), (out, slopes), row_cost=COST * z.shape[1])
    return out


@kernel
def _prelu(Y, slopes, start, stop):
    Y = Y[start:stop]
    n_samples, n_units = Y.shape
    zero = Y.dtype.type(0)
    for i in range(n_samples):
        for j in range(n_units):
            Y[i, j] = slopes[j] * Y[i, j] if Y[i, j] < zero else Y[i, j]


def prelu_backward(g, z, slopes):
    dz = np.empty_like(z)
    args = (np.ascontiguousarray(g), z, slopes, dz)
    (dslopes,) = launch_reduce(_prelu_backward, len(z), args, [(slopes.shape, z.dtype)], row_cost=COST * z.shape[1])
    return dz, dslopes


@kernel
def _prelu_backward(G, Z, slopes, dZ, sums, start, stop):
    G, Z, dZ = G[start:stop], Z[start:stop], dZ[start:stop]
    n_samples, n_units = Z.shape
    zero = Z.dtype.type(0)
    for i in range(n_samples):
        for j in range(n_units):
            negative = Z[i, j] <= zero
            dZ[i, j] = G[i, j] * slopes[j] if negative else G[i, j]
            sums[j] += G[i, j] * Z[i, j] if negative else zero


def dropout(x, rate, seed, counter, out=None):
    out = np.empty(x.shape, x.dtype) if out is None else out
    args = (
        out.reshape(-1),
        np.uint32(rate * 2**32),
        x.dtype.type(1 / (1 - rate)),
        np.uint32(hash_start(seed, counter)),
    )
    np.copyto(out, x)
    launch(_dropout, x.size, args, row_cost=COST)
    return out


@kernel
def _dropout(x, limit, scale, first, start, stop):
    x = x[start:stop]
    zero = x.dtype.type(0)
    first = np.uint32(first + np.uint32(start) * H1)
    for k in range(x.size):
        h = np.uint32(np.uint32(k) * H1 + first)
        h = np.uint32((h ^ (h >> np.uint32(16))) * H2)
        h = np.uint32((h ^ (h >> np.uint32(13))) * H3)
        h = h ^ (h >> np.uint32(16))
        x[k] *= zero if h < limit else scale


def embedding(indices, table):
    vectors, outside = np.take(table, indices, axis=0, mode="clip"), (indices < 0) | (indices >= len(table))
    if outside.any():
        vectors[outside] = np.nan
    return vectors


def embedding_backward(g, indices, n_rows):
    n_units = g.shape[-1]
    dtable = np.zeros((n_rows, n_units), dtype=g.dtype)
    args = (np.ascontiguousarray(g).reshape(indices.size, n_units), np.ascontiguousarray(indices).reshape(-1), dtable)
    launch(_scatter, -(-n_units // COLUMNS), args, row_cost=COLUMNS * indices.size)
    return dtable


@kernel
def _scatter(G, indices, table, start, stop):
    first, last = start * COLUMNS, min(stop * COLUMNS, G.shape[1])
    for i in range(len(indices)):
        row, g = table[indices[i], first:last], G[i, first:last]
        for j in range(last - first):
            row[j] += g[j]
