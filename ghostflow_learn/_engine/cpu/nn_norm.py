import math

import numpy as np

from ._jit import kernel
from ._launch import launch, launch_reduce

COST = 1  # of one value and one pass, in multiply-adds
ROW_COST = 0.75  # of one value in the normalisation of its row, which is in the cache from the first pass on


def layer_norm(x, gain, bias, eps, out=None):
    y = np.empty(x.shape, x.dtype) if out is None else out
    mean, inv_std = np.empty((2, len(x)), x.dtype)
    launch(_layer_norm, len(x), (x, gain, bias, float(eps), y, mean, inv_std), row_cost=ROW_COST * x.shape[1])
    return y, mean, inv_std


@kernel
def _layer_norm(X, gain, bias, eps, Y, mean, inv_std, start, stop):
    X, Y, mean, inv_std = X[start:stop], Y[start:stop], mean[start:stop], inv_std[start:stop]
    n_samples, n_features = X.shape
    inv_n, one = X.dtype.type(1 / n_features), X.dtype.type(1)
    for i in range(n_samples):
        x, y = X[i], Y[i]
        total, squares = X.dtype.type(0), X.dtype.type(0)
        for j in range(n_features):
            total += x[j]
        m = total * inv_n
        for j in range(n_features):
            squares += (x[j] - m) * (x[j] - m)
        r = one / math.sqrt(squares * inv_n + X.dtype.type(eps))
        mean[i], inv_std[i] = m, r
        for j in range(n_features):
            y[j] = (x[j] - m) * r * gain[j] + bias[j]


def layer_norm_backward(g, x, gain, mean, inv_std):
    dx, shape = np.empty(x.shape, x.dtype), gain.shape
    args = (np.ascontiguousarray(g), x, gain, mean, inv_std, dx)
    sums = [(shape, x.dtype), (shape, x.dtype)]
    return dx, *launch_reduce(_layer_norm_backward, len(x), args, sums, row_cost=COST * x.shape[1])


@kernel
def _layer_norm_backward(G, X, gain, mean, inv_std, dX, d_gain, d_bias, start, stop):
    # dX = inv_std (u - mean(u) - x_hat mean(u x_hat)), u = G gain: two sums of a row, then one pass
    G, X, dX, mean, inv_std = G[start:stop], X[start:stop], dX[start:stop], mean[start:stop], inv_std[start:stop]
    n_samples, n_features = X.shape
    inv_n = X.dtype.type(1 / n_features)
    for i in range(n_samples):
        g, x, dx, m, r = G[i], X[i], dX[i], mean[i], inv_std[i]
        sum_u, sum_ux = X.dtype.type(0), X.dtype.type(0)
        for j in range(n_features):
            u = g[j] * gain[j]
            sum_u += u
            sum_ux += u * ((x[j] - m) * r)
        mean_u, mean_ux = sum_u * inv_n, sum_ux * inv_n
        for j in range(n_features):
            x_hat = (x[j] - m) * r
            dx[j] = r * (g[j] * gain[j] - mean_u - x_hat * mean_ux)
            d_gain[j] += g[j] * x_hat
            d_bias[j] += g[j]


def batch_norm(x, gain, bias, eps, out=None):
    n_samples, n_features = x.shape
    sums = [((n_features,), np.float64)]
    (total,) = launch_reduce(_column_sums, n_samples, (x,), sums, row_cost=COST * n_features)
    mean = total / n_samples
    (squares,) = launch_reduce(_column_squares, n_samples, (x, mean), sums, row_cost=COST * n_features)
    mean, var = mean.astype(x.dtype), (squares / n_samples).astype(x.dtype)
    return batch_norm_apply(x, gain, bias, mean, var, eps, out), mean, var


@kernel
def _column_sums(X, sums, start, stop):
    X = X[start:stop]
    n_samples, n_features = X.shape
    for i in range(n_samples):
        for j in range(n_features):
            sums[j] += X[i, j]


@kernel
def _column_squares(X, mean, sums, start, stop):
    X = X[start:stop]
    n_samples, n_features = X.shape
    for i in range(n_samples):
        for j in range(n_features):
            diff = X[i, j] - mean[j]
            sums[j] += diff * diff


def batch_norm_apply(x, gain, bias, mean, var, eps, out=None):
    y = np.empty(x.shape, x.dtype) if out is None else out
    factor = (gain / np.sqrt(var.astype(np.float64) + eps)).astype(x.dtype)
    launch(_scale_columns, len(x), (x, mean, factor, bias, y), row_cost=COST * x.shape[1])
    return y


@kernel
def _scale_columns(X, mean, factor, bias, Y, start, stop):
    X, Y = X[start:stop], Y[start:stop]
    n_samples, n_features = X.shape
    for i in range(n_samples):
        for j in range(n_features):
            Y[i, j] = (X[i, j] - mean[j]) * factor[j] + bias[j]


def batch_norm_backward(g, x, gain, mean, var, eps):
    g, (n_samples, n_features) = np.ascontiguousarray(g), x.shape
    inv_std = 1 / np.sqrt(var.astype(np.float64) + eps)
    sums, args = [((n_features,), np.float64)] * 2, (g, x, mean, inv_std.astype(x.dtype))
    d_gain, d_bias = launch_reduce(_batch_norm_sums, n_samples, args, sums, row_cost=2 * COST * n_features)
    # dX = gain inv_std (G - mean(G) - x_hat mean(G x_hat)) = A G + B (X - mean) + C, column by column
    a = gain * inv_std
    columns = [column.astype(x.dtype) for column in (a, -a * inv_std * d_gain / n_samples, -a * d_bias / n_samples)]
    dx = np.empty(x.shape, x.dtype)
    launch(_combine_columns, n_samples, (g, x, mean, *columns, dx), row_cost=2 * COST * n_features)
    return dx, d_gain.astype(x.dtype), d_bias.astype(x.dtype)


@kernel
def _batch_norm_sums(G, X, mean, inv_std, d_gain, d_bias, start, stop):
    G, X = G[start:stop], X[start:stop]
    n_samples, n_features = X.shape
    for i in range(n_samples):
        for j in range(n_features):
            d_gain[j] += G[i, j] * ((X[i, j] - mean[j]) * inv_std[j])
            d_bias[j] += G[i, j]


@kernel
def _combine_columns(G, X, mean, a, b, c, dX, start, stop):
    G, X, dX = G[start:stop], X[start:stop], dX[start:stop]
    n_samples, n_features = X.shape
    for i in range(n_samples):
        for j in range(n_features):
            dX[i, j] = a[j] * G[i, j] + b[j] * (X[i, j] - mean[j]) + c[j]
