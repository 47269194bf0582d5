import cupy as cp
import numpy as np

from .._mlp import Adam, Data, adam_rate, layers, n_weights


def forward(X, pairs, network):
    return _values(X, pairs, network)[-1]


def loss_gradient(data, params, network, alpha):
    X, _, weight = data
    gradient, total = cp.empty_like(params), len(X) if weight is None else float(weight.sum())
    loss = _backward(data, total, params, gradient, network, alpha)
    return float(loss), gradient


def prepare(training):
    return training


def train(prepared, order, rule):
    (X, Y, sample_weight), batch_size, params, state, network, alpha = prepared
    order, losses = cp.asarray(order), cp.zeros((), cp.float64)
    totals, gradient = _totals(sample_weight, order, batch_size), cp.empty_like(params)
    for step, total in enumerate(totals):
        if total == 0:
            continue
        rows = order[step * batch_size : (step + 1) * batch_size]
        batch = Data(X[rows], Y[rows], None if sample_weight is None else sample_weight[rows])
        losses += _backward(batch, total, params, gradient, network, alpha) * len(rows)
        if isinstance(rule, Adam):
            _adam(params, gradient, *state, rule, float(adam_rate(rule, rule.t + step + 1)))
        else:
            _sgd(params, gradient, *state, rule)
    return float(losses) / len(order)


def _totals(sample_weight, order, batch_size):
    """The sum of the weights of each batch, on the host: one transfer an epoch."""
    starts = np.arange(0, len(order), batch_size)
    if sample_weight is None:
        return np.minimum(batch_size, len(order) - starts).tolist()
    padded = cp.zeros(len(starts) * batch_size)
    padded[: len(order)] = sample_weight[order]
    return cp.asnumpy(padded.reshape(len(starts), batch_size).sum(axis=1)).tolist()


def _values(X, pairs, network):
    """The input and what comes out of each layer."""
    values = [X]
    for W, b in pairs:
        z = values[-1] @ W
        z += b
        values.append(_activate(z, network.output if len(values) == len(pairs) else network.activation))
    return values


def _activate(z, activation):
    if activation == "relu":
        return cp.maximum(z, 0)
    if activation == "softmax":
        z = cp.exp(z - z.max(axis=1, keepdims=True))
        return z / z.sum(axis=1, keepdims=True)
    if activation == "logistic":
        return 1 / (1 + cp.exp(-z))
    return {"identity": cp.positive, "tanh": cp.tanh, "exp": cp.exp}[activation](z)


def _backward(data, total, params, gradient, network, alpha):
    """The loss with its penalty, 0-d on the device; the whole gradient goes to `gradient`."""
    X, Y, sample_weight = data
    pairs, grads = layers(params, network), layers(gradient, network)
    values = _values(X, pairs, network)
    losses, delta = _loss(Y, values[-1], network)
    if sample_weight is not None:
        losses, delta = losses * sample_weight, delta * sample_weight[:, None]
    delta /= total
    for layer in range(len(pairs) - 1, -1, -1):
        (W, _), (dW, db), h = pairs[layer], grads[layer], values[layer]
        dW[...] = h.T @ delta
        db[...] = delta.sum(axis=0)
        if layer > 0:
            delta = _derive(delta @ W.T, h, network.activation)
    weights = slice(0, n_weights(network))
    gradient[weights] += alpha / total * params[weights]
    squares = (params[weights] ** 2).sum(dtype=cp.float64)
    return (losses.sum(dtype=cp.float64) + 0.5 * alpha * squares) / total


def _derive(delta, y, activation):
    if activation == "relu":
        return delta * (y != 0)
    if activation == "tanh":
        return delta * (1 - y * y)
    return delta * (y * (1 - y)) if activation == "logistic" else delta


def _loss(Y, outputs, network):
    """Loss of each sample, and its derivative by what the last activation is taken of."""
    eps = float(np.finfo(outputs.dtype).eps)
    if network.output == "softmax":
        hit = cp.arange(outputs.shape[1]) == Y
        p = cp.clip(outputs, eps, 1 - eps)
        return -cp.where(hit, cp.log(p), 0).sum(axis=1), outputs - hit
    delta = outputs - Y
    if network.output == "identity":
        return 0.5 * (delta * delta).mean(axis=1), delta
    if network.output == "exp":
        logs = cp.log(cp.where(Y > 0, Y / outputs, 1))
        return (Y * logs + delta).sum(axis=1), delta
    p = cp.clip(outputs, eps, 1 - eps)
    return -(Y * cp.log(p) + (1 - Y) * cp.log(1 - p)).sum(axis=1), delta


def _adam(params, gradient, m, v, rule, rate):
    m *= rule.beta_1
    m += (1 - rule.beta_1) * gradient
    v *= rule.beta_2
    v += (1 - rule.beta_2) * (gradient * gradient)
    params -= rate * m / (cp.sqrt(v) + rule.epsilon)


def _sgd(params, gradient, velocity, rule):
    velocity *= rule.momentum
    velocity -= rule.rate * gradient
    params += rule.momentum * velocity - rule.rate * gradient if rule.nesterov else velocity
