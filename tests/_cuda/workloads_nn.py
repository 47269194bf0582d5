"""Workloads of the ops of neural networks."""

import numpy as np

from ghostflow_learn._engine._neural import LarsRates, RmspropRates, SgdRates, adam_rates, lamb_rates

from .workloads import workload


def dense_data(rng, n, dtype, n_units=37):
    """Two arrays of n rows, and a vector."""
    return *rng.normal(size=(2, n, n_units)).astype(dtype), rng.normal(size=n_units).astype(dtype)


@workload("nn_dense.linear", flops=lambda x, W, b, activation: 2 * x.size * W.shape[1])
def _(rng, n, dtype):
    x, _, b = dense_data(rng, n, dtype)
    return x, rng.normal(size=(37, 37)).astype(dtype) / 4, b, "gelu" if n % 2 else "tanh"


@workload("nn_dense.linear_backward")
def _(rng, n, dtype):
    x, g, _ = dense_data(rng, n, dtype)
    activation = "mish" if n % 2 else "elu"
    return g, x, rng.normal(size=(37, 37)).astype(dtype) / 4, x, x, activation, 0.5, (True, n <= 257, n <= 257)


@workload("nn_dense.activate")
def _(rng, n, dtype):
    return dense_data(rng, n, dtype)[0], "softplus" if n % 2 else "selu"


@workload("nn_dense.activate_backward")
def _(rng, n, dtype):
    x, g, _ = dense_data(rng, n, dtype)
    return g, x, x, "swish" if n % 2 else "leaky_relu", 0.1


@workload("nn_dense.dropout")
def _(rng, n, dtype):
    return dense_data(rng, n, dtype)[0], 0.3, 2**40 + 5, 7


@workload("nn_dense.embedding")
def _(rng, n, dtype):
    return rng.integers(-1, 52, size=n), rng.normal(size=(51, 37)).astype(dtype)


@workload("nn_dense.embedding_backward")
def _(rng, n, dtype):
    return dense_data(rng, n, dtype)[0], rng.integers(50, size=n), 51


@workload("nn_loss.softmax_cross_entropy")
def _(rng, n, dtype):
    logits, other, _ = dense_data(rng, n, dtype)
    proba = np.abs(other) / np.abs(other).sum(axis=1, keepdims=True)
    return logits, rng.integers(37, size=n) if n % 2 else proba, rng.uniform(1, 2, size=n).astype(dtype), 0.1


@workload("nn_loss.focal")
def _(rng, n, dtype):
    return dense_data(rng, n, dtype)[0], rng.integers(37, size=n), None, 1.5


@workload("nn_loss.poisson")
def _(rng, n, dtype):
    z, y, _ = dense_data(rng, n, dtype, 3)
    return z, np.abs(y), rng.uniform(1, 2, size=n).astype(dtype)


@workload("nn_norm.layer_norm")
def _(rng, n, dtype):
    x, _, gain = dense_data(rng, n, dtype)
    return x, gain, gain[::-1].copy(), 1e-5


@workload("nn_norm.layer_norm_backward")
def _(rng, n, dtype):
    x, g, gain = dense_data(rng, n, dtype)
    return g, x, gain, *rng.uniform(0.5, 1, size=(2, n)).astype(dtype)


@workload("nn_norm.batch_norm")
def _(rng, n, dtype):
    x, _, gain = dense_data(rng, n + 1, dtype)
    return x, gain, gain[::-1].copy(), 1e-5


@workload("nn_norm.batch_norm_backward")
def _(rng, n, dtype):
    x, g, gain = dense_data(rng, n + 1, dtype)
    return g, x, gain, *rng.uniform(0.5, 1, size=(2, 37)).astype(dtype), 1e-5


def optimizer_data(rng, n, dtype, n_arrays):
    """Flat arrays of n values, none of them negative, and what the gradients are multiplied by."""
    scale = np.array([0.5], dtype)
    return [*rng.uniform(size=(n_arrays, n)).astype(dtype)], lambda engine: engine.asarray(scale)


@workload("nn_optim.sgd")
def _(rng, n, dtype):
    arrays, scale = optimizer_data(rng, n, dtype, 3)
    return *arrays, lambda engine: SgdRates(0.1, 0.9, n % 2 == 1, 0.01, 0.02), 0, n, scale


@workload("nn_optim.adam")
def _(rng, n, dtype):
    arrays, scale = optimizer_data(rng, n, dtype, 4)
    return *arrays, lambda engine: adam_rates(0.01, 0.9, 0.999, 1e-8, 3, decay=0.01, shrink=0.02), 0, n, scale


@workload("nn_optim.amsgrad")
def _(rng, n, dtype):
    arrays, scale = optimizer_data(rng, n, dtype, 5)
    return *arrays, lambda engine: adam_rates(0.01, 0.9, 0.999, 1e-8, 3), 0, n, scale


@workload("nn_optim.rmsprop")
def _(rng, n, dtype):
    arrays, scale = optimizer_data(rng, n, dtype, 4)
    return *arrays, lambda engine: RmspropRates(0.01, 0.9, 1e-8, 0.9, 0.01), 0, n, scale


@workload("nn_optim.lamb", uploads=1)
def _(rng, n, dtype):
    arrays, scale = optimizer_data(rng, n, dtype, 4)
    rates = lamb_rates(0.01, 0.9, 0.999, 1e-6, 3, decay=0.1)
    return *arrays, lambda engine: rates, lambda engine: ((0, n // 3), (n // 3, n)), scale


@workload("nn_optim.lars", uploads=1)
def _(rng, n, dtype):
    arrays, scale = optimizer_data(rng, n, dtype, 3)
    return *arrays, lambda engine: LarsRates(0.1, decay=0.01), lambda engine: ((0, n // 3), (n // 3, n)), scale
