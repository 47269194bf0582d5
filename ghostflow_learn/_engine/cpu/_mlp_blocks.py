"""Passes of a multilayer perceptron in array code, each product cut into blocks of rows for the pool.

For wide layers, where products are all there is, and for sparse data.
"""

import numpy as np
from scipy.special import expit, xlogy

from .._mlp import layers
from ._gemm import rows_of_product
from ._launch import run_blocks

ROWS = 128  # of a block: fewer, and BLAS spends its time on packing the other factor


def values_of(X, pairs, network):
    """The input and what comes out of each layer, the last activation included."""
    values = [X]
    for W, b in pairs:
        activation = network.output if len(values) == len(pairs) else network.activation
        values.append(_layer(values[-1], W, b, activation))
    return values


def backward(data, params, gradient, network, alpha):
    """The loss, with its penalty, and the factor of the penalty's gradient, which is not in `gradient` yet."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        return _backward(data, params, gradient, network, alpha)


def _backward(data, params, gradient, network, alpha):
    X, Y, sample_weight = data
    pairs, grads = layers(params, network), layers(gradient, network)
    values = values_of(X, pairs, network)
    weight = np.ones(X.shape[0], params.dtype) if sample_weight is None else sample_weight
    total = float(weight.sum(dtype=np.float64))
    loss, delta = _loss(Y, values[-1], (weight / params.dtype.type(total))[:, None], network)
    for layer in range(len(pairs) - 1, -1, -1):
        (W, _), (dW, db), h = pairs[layer], grads[layer], values[layer]
        _first_transposed(h, delta, dW)
        np.sum(delta, axis=0, out=db)
        if layer > 0:
            delta = _pulled_back(delta, W, h, network.activation)
    squares = sum(float(np.vdot(W, W)) for W, _ in pairs)
    return loss + 0.5 * alpha * squares / total, alpha / total


def _layer(h, W, b, activation):
    out = np.empty((h.shape[0], len(b)), W.dtype)

    def rows(start, stop):
        z = out[start:stop]
        if isinstance(h, np.ndarray):
            rows_of_product(h, W, out, start, stop)
        else:
            z[:] = h[start:stop] @ W
        z += b
        _activate(z, activation)

    _run(rows, len(out), W.size)
    return out


def _first_transposed(h, delta, dW):
    """dW = h' delta, in blocks of rows of dW: nothing has to be added up."""
    h_t = None if isinstance(h, np.ndarray) else h.T.tocsr()

    def rows(start, stop):
        if h_t is None:
            rows_of_product(h, delta, dW, start, stop, first_transposed=True)
        else:
            dW[start:stop] = h_t[start:stop] @ delta

    _run(rows, len(dW), delta.size)


def _pulled_back(delta, W, h, activation):
    out = np.empty_like(h)

    def rows(start, stop):
        rows_of_product(delta, W, out, start, stop, second_transposed=True)
        _derive(out[start:stop], h[start:stop], activation)

    _run(rows, len(out), W.size)
    return out


def _run(rows, n, row_cost):
    def quietly(start, stop):  # what overflows shows in the loss, and the fit says more about it
        with np.errstate(over="ignore", invalid="ignore"):
            rows(start, stop)

    run_blocks(quietly, n, row_cost, max_blocks=max(1, min(64, n // ROWS)))


def _activate(z, activation):
    if activation == "relu":
        np.maximum(z, 0, out=z)
    elif activation == "tanh":
        np.tanh(z, out=z)
    elif activation == "logistic":
        expit(z, out=z)
    elif activation == "exp":
        np.exp(z, out=z)
    elif activation == "softmax":
        z -= z.max(axis=1, keepdims=True)
        np.exp(z, out=z)
        z /= z.sum(axis=1, keepdims=True)


def _derive(delta, y, activation):
    if activation == "relu":
        delta *= y != 0
    elif activation == "tanh":
        delta *= 1 - y * y
    elif activation == "logistic":
        delta *= y
        delta *= 1 - y


def _loss(Y, outputs, weight, network):
    """The weighted loss, and its derivative by what the last activation is taken of."""
    eps = np.finfo(outputs.dtype).eps
    if network.output == "softmax":
        delta, rows, target = outputs * weight, np.arange(len(Y)), Y[:, 0].astype(np.int64)
        losses = -np.log(np.clip(outputs[rows, target], eps, 1 - eps))[:, None]
        delta[rows, target] -= weight[:, 0]
    else:
        delta = outputs - Y
        if network.output == "identity":
            losses = delta * delta * (0.5 / outputs.shape[1])
        elif network.output == "exp":
            losses = xlogy(Y, Y / outputs) + delta
        else:
            p = np.clip(outputs, eps, 1 - eps)
            losses = -xlogy(Y, p) - xlogy(1 - Y, 1 - p)
        delta *= weight
    return float(np.sum(losses * weight, dtype=np.float64)), delta
