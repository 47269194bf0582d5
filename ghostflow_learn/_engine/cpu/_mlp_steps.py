"""Steps of a multilayer perceptron in compiled code: no Python between two batches.

Everything is a flat array and sizes are data, so that the loop compiles once for each dtype, whatever the depth. An
argument that is None leaves out what belongs to it: a fit waits for the compiler only for what it needs. A batch lies
unit by unit: the values of a unit for all samples, `padded` to whole vectors by its last sample with the weight 0.
"""

from collections import namedtuple

import numpy as np

from ._jit import kernel
from ._math import exp, log, sigmoid, tanh
from ._tiles import BYTES, combine, combine_and_add, dots

# Activations, in the order of `_mlp.HIDDEN` and `_mlp.OUTPUTS`.
RELU, TANH = 1, 2
EXP, LOGISTIC = 1, 2

# Of layer k: `sizes[k]` units, the first of which is number `first[k]` of all; weights to the next layer from `at_W[k]`
# on, biases from `at_b[k]` on. `state` is the optimizer's: velocities, or Adam's first moments.
Net = namedtuple("Net", "sizes first at_W at_b params grads state")
# `batch` is its number of samples. `weight` has two rows more, for what a loss needs once for each sample.
Work = namedtuple("Work", "batch values deltas target weight")
Samples = namedtuple("Samples", "X Y sample_weight")  # no weights is an empty array

inlined = kernel(inline="always")


@kernel
def train_steps(samples, order, net, work, squares, activation, curved, output, link, alpha, rule, loss, start, stop):
    """Steps [start, stop) of an epoch; `loss` collects the losses of batches times their numbers of samples.

    `rule` holds the numbers of an Adam or, where `squares`, the second moments, is None, of an Sgd. `curved` is None
    where hidden layers need no exponential function, `link` where the last one does not; it is the distance that
    probabilities keep from 0 and 1.
    """
    batch, lanes = work.batch, BYTES // net.params.itemsize
    for step in range(start, stop):
        rows = order[step * batch : (step + 1) * batch]
        n = -(-len(rows) // lanes) * lanes
        total = _gather(samples, rows, work, n)
        if total == 0:  # samples of weight 0 teach nothing
            continue
        scale = net.params.dtype.type(1 / total)
        _forward(net, work, activation, curved, n)
        of_batch = _loss(net, work, output, link, scale, n)
        _backward(net, work, activation, curved, n)
        of_batch += _update(net, squares, alpha * scale, rule, step)
        loss[0] += of_batch * len(rows)


@inlined
def _gather(samples, rows, work, n):
    """The batch goes to the beginning of `work.values`; returns the sum of its weights."""
    X, Y, sample_weight = samples.X, samples.Y, samples.sample_weight
    n_in, n_out, total = X.shape[1], Y.shape[1], 0.0
    for i in range(n):
        row = rows[min(i, len(rows) - 1)]
        for j in range(n_in):
            work.values[j * n + i] = X[row, j]
        for k in range(n_out):
            work.target[k * n + i] = Y[row, k]
        weight = sample_weight[row] if len(sample_weight) else 1
        work.weight[0, i] = weight if i < len(rows) else 0
        total += work.weight[0, i]
    return total


@inlined
def _forward(net, work, activation, curved, n):
    n_layers = len(net.sizes) - 1
    for layer in range(n_layers):
        n_in, n_out, values = net.sizes[layer], net.sizes[layer + 1], work.values
        at_in, at, at_W, at_b = net.first[layer] * n, net.first[layer + 1] * n, net.at_W[layer], net.at_b[layer]
        combine_and_add(net.params, at_W, 1, n_out, values, at_in, values, at, net.params, at_b, n_out, n_in, n)
        if layer < n_layers - 1:
            y = values[at : at + n_out * n]
            if activation == RELU:
                for k in range(len(y)):
                    y[k] = y[k] * 0 if y[k] < 0 else y[k]  # NaN stays
            if curved is not None:
                _bend(y, activation)


@inlined
def _bend(y, activation):
    if activation == TANH:
        for k in range(len(y)):
            y[k] = tanh(y[k])
    else:
        for k in range(len(y)):
            y[k] = sigmoid(y[k])


@inlined
def _loss(net, work, output, link, scale, n):
    """The loss, and its derivative by what the last activation is taken of, in `work.deltas`."""
    n_out, at = net.sizes[-1], net.first[-1] * n
    weight, loss = work.weight[0, :n], 0.0
    for i in range(n):
        weight[i] *= scale
    if link is not None and output not in (EXP, LOGISTIC):
        return _softmax(work, at, n_out, link, n)
    for k in range(n_out):
        z, delta, y = (
            work.values[at + k * n : at + (k + 1) * n],
            work.deltas[at + k * n : at + (k + 1) * n],
            work.target[k * n : (k + 1) * n],
        )
        if link is None:
            for i in range(n):
                error = z[i] - y[i]
                delta[i] = weight[i] * error
                loss += delta[i] * error * 0.5 / n_out
        else:
            loss += _independent(z, y, delta, output, weight, link)
    return loss


@inlined
def _independent(z, y, delta, output, weight, eps):
    """Poisson deviance or log loss of an output that does not depend on others."""
    loss, one = 0.0, z.dtype.type(1)
    if output == EXP:
        for i in range(len(z)):
            p = exp(z[i])
            loss += weight[i] * (p - y[i] + (y[i] * (log(y[i]) - z[i]) if y[i] > 0 else y[i]))
            delta[i] = weight[i] * (p - y[i])
    else:
        for i in range(len(z)):
            p = sigmoid(z[i])
            q = _within(p, eps)
            loss -= weight[i] * (y[i] * log(q) + (one - y[i]) * log(one - q))
            delta[i] = weight[i] * (p - y[i])
    return loss


@inlined
def _softmax(work, at, n_out, eps, n):
    weight, top, total = work.weight[0, :n], work.weight[1, :n], work.weight[2, :n]
    loss = 0.0
    for i in range(n):
        top[i], total[i] = work.values[at + i], 0
    for k in range(1, n_out):
        z = work.values[at + k * n : at + (k + 1) * n]
        for i in range(n):
            top[i] = top[i] if z[i] < top[i] else z[i]
    for k in range(n_out):
        z, delta = work.values[at + k * n : at + (k + 1) * n], work.deltas[at + k * n : at + (k + 1) * n]
        for i in range(n):
            e = exp(z[i] - top[i])
            delta[i] = e
            total[i] += e
    for i in range(n):
        top[i] = work.deltas[at + int(work.target[i]) * n + i]
    for i in range(n):
        loss -= weight[i] * log(_within(top[i] / total[i], eps))
        total[i] = weight[i] / total[i]
    for k in range(n_out):
        delta = work.deltas[at + k * n : at + (k + 1) * n]
        for i in range(n):
            delta[i] *= total[i]
    for i in range(n):
        work.deltas[at + int(work.target[i]) * n + i] -= weight[i]
    return loss


@inlined
def _within(p, eps):
    low, high = eps, p * 0 + 1 - eps
    p = low if p < low else p
    return high if p > high else p


@inlined
def _backward(net, work, activation, curved, n):
    for layer in range(len(net.sizes) - 2, -1, -1):
        n_in, n_out, values, deltas = net.sizes[layer], net.sizes[layer + 1], work.values, work.deltas
        at_in, at, at_W = net.first[layer] * n, net.first[layer + 1] * n, net.at_W[layer]
        for k in range(n_out):
            delta, y = deltas[at + k * n : at + (k + 1) * n], values[at + k * n : at + (k + 1) * n]
            last = layer == len(net.sizes) - 2
            net.grads[net.at_b[layer] + k] = _sum(delta) if last else _derive(delta, y, activation, curved)
        dots(values, at_in, deltas, at, net.grads, at_W, n_in, n_out, n)
        if layer > 0:
            combine(net.params, at_W, n_out, 1, deltas, at, deltas, at_in, n_in, n_out, n)


@inlined
def _sum(delta):
    total = delta.dtype.type(0)
    for i in range(len(delta)):
        total += delta[i]
    return total


@inlined
def _derive(delta, y, activation, curved):
    """From the derivative by what came out of a unit to that by what went in; returns its sum."""
    total, one = delta.dtype.type(0), y.dtype.type(1)
    if activation == RELU:
        for i in range(len(y)):
            delta[i] = 0 if y[i] == 0 else delta[i]
            total += delta[i]
        return total
    if curved is not None:
        if activation == TANH:
            for i in range(len(y)):
                delta[i] *= one - y[i] * y[i]
        else:
            for i in range(len(y)):
                delta[i] *= y[i] * (one - y[i])
    return _sum(delta)


@inlined
def _update(net, squares, decay, rule, step):
    """Returns the penalty of the weights before the step."""
    n_weights = net.at_b[0]
    norm, weights = net.params.dtype.type(0), net.params[:n_weights]
    for k in range(n_weights):
        norm += weights[k] * weights[k]
    for part in range(2):
        first, last = (0, n_weights) if part == 0 else (n_weights, len(net.params))
        shrink = decay if part == 0 else decay * 0
        p, g, state = net.params[first:last], net.grads[first:last], net.state[first:last]
        if squares is None:
            _descend(p, g, state, shrink, rule)
        else:
            _descend_adaptively(p, g, state, squares[first:last], shrink, rule, step)
    return 0.5 * decay * norm


@inlined
def _descend(p, g, velocity, decay, rule):
    rate, momentum, nesterov = p.dtype.type(rule[0]), p.dtype.type(rule[1]), rule[2] != 0
    for k in range(len(p)):
        step = rate * (g[k] + decay * p[k])
        velocity[k] = momentum * velocity[k] - step
        p[k] += momentum * velocity[k] - step if nesterov else velocity[k]


@inlined
def _descend_adaptively(p, g, m, v, decay, rule, step):
    real, (rate, beta_1, beta_2, epsilon, t) = p.dtype.type, (rule[0], rule[1], rule[2], rule[3], rule[4] + step + 1)
    rate, epsilon = real(rate * np.sqrt(1 - beta_2**t) / (1 - beta_1**t)), real(epsilon)
    # 1 - beta is formed in float64: of a beta in float32 it is wrong in the fourth digit.
    keep, take, keep_square, take_square = real(beta_1), real(1 - beta_1), real(beta_2), real(1 - beta_2)
    for k in range(len(p)):
        gradient = g[k] + decay * p[k]
        m[k] = keep * m[k] + take * gradient
        v[k] = keep_square * v[k] + take_square * (gradient * gradient)
        p[k] -= rate * m[k] / (np.sqrt(v[k]) + epsilon)


@kernel
def update_flat(p, g, state, squares, decay, rule, step, start, stop):
    """The same step on parameters [start, stop), for gradients that were computed elsewhere."""
    p, g, state = p[start:stop], g[start:stop], state[start:stop]
    if squares is None:
        _descend(p, g, state, decay, rule)
    else:
        _descend_adaptively(p, g, state, squares[start:stop], decay, rule, step)
