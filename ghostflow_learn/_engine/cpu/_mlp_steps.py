"""Steps of a multilayer perceptron in compiled code: no Python between two batches.

Everything is a flat array and sizes are data, so that the loop compiles once for each dtype, whatever the depth. An
argument that is None leaves out what belongs to it: a fit waits for the compiler only for what it needs.
"""

from collections import namedtuple

import numpy as np

from ._gemm import product, product_first_transposed, product_second_transposed
from ._jit import kernel
from ._math import exp, log

# Activations, in the order of `_mlp.HIDDEN` and `_mlp.OUTPUTS`.
RELU, TANH = 1, 2
EXP, LOGISTIC = 1, 2

# Of layer k: `sizes[k]` values a sample, from `at[k]` on in `values` and `deltas`; weights to the next layer from
# `at_W[k]` on, biases from `at_b[k]` on. `state` is the optimizer's: velocities, or Adam's first moments.
Net = namedtuple("Net", "sizes at at_W at_b params grads state")
Work = namedtuple("Work", "values deltas target weight")
Data = namedtuple("Data", "X Y sample_weight losses")  # no weights is an empty array; a loss for each step

inlined = kernel(inline="always")


@kernel
def train_steps(data, order, net, work, squares, activation, curved, output, link, alpha, rates, rule, start, stop):
    """Steps [start, stop) of an epoch.

    `rule` holds Adam's constants and `squares` its second moments or, where that is None, momentum and whether it is
    Nesterov's. `curved` is None where hidden layers need no exponential function, `link` where the last one does not;
    it is the distance that probabilities keep from 0 and 1.
    """
    batch = len(work.weight)
    for step in range(start, stop):
        rows = order[step * batch : (step + 1) * batch]
        total = _gather(data, rows, work)
        if total == 0:  # samples of weight 0 teach nothing
            continue
        scale = net.params.dtype.type(1 / total)
        _forward(net, work, activation, curved, len(rows))
        loss = _loss(net, work, output, link, scale, len(rows))
        _backward(net, work, activation, curved, len(rows))
        data.losses[step] = loss + _update(net, squares, alpha * scale, rates[step], rule)


@inlined
def _gather(data, rows, work):
    """The batch goes to the beginning of `work.values`; returns the sum of its weights."""
    X, Y, sample_weight = data.X, data.Y, data.sample_weight
    n_in, n_out, total = X.shape[1], Y.shape[1], 0.0
    for i in range(len(rows)):
        row = rows[i]
        to_x, to_y = work.values[i * n_in : (i + 1) * n_in], work.target[i * n_out : (i + 1) * n_out]
        for j in range(n_in):
            to_x[j] = X[row, j]
        for k in range(n_out):
            to_y[k] = Y[row, k]
        work.weight[i] = sample_weight[row] if len(sample_weight) else 1
        total += work.weight[i]
    return total


@inlined
def _forward(net, work, activation, curved, n):
    n_layers = len(net.sizes) - 1
    for layer in range(n_layers):
        n_in, n_out = net.sizes[layer], net.sizes[layer + 1]
        at, at_b = net.at[layer + 1], net.at_b[layer]
        product(work.values, net.at[layer], net.params, net.at_W[layer], work.values, at, n, n_in, n_out)
        bias = net.params[at_b : at_b + n_out]
        for i in range(n):
            y = work.values[at + i * n_out : at + (i + 1) * n_out]
            for k in range(n_out):
                y[k] += bias[k]
            if layer < n_layers - 1:
                _activate(y, activation, curved)


@inlined
def _activate(y, activation, curved):
    if activation == RELU:
        for k in range(len(y)):
            y[k] = y[k] * 0 if y[k] < 0 else y[k]  # NaN stays
    if curved is not None:
        one = y.dtype.type(1)
        stretch = one + one if activation == TANH else one  # tanh is the logistic function, stretched
        for k in range(len(y)):
            y[k] = stretch / (one + exp(-stretch * y[k])) - (stretch - one)


@inlined
def _loss(net, work, output, link, scale, n):
    """The loss, and its derivative by what the last activation is taken of, in `work.deltas`."""
    n_out, at = net.sizes[-1], net.at[-1]
    loss = 0.0
    for i in range(n):
        z, delta = (
            work.values[at + i * n_out : at + (i + 1) * n_out],
            work.deltas[at + i * n_out : at + (i + 1) * n_out],
        )
        weight = work.weight[i] * scale
        if link is None:
            y = work.target[i * n_out : (i + 1) * n_out]
            for k in range(n_out):
                error = z[k] - y[k]
                loss += weight * error * error * 0.5 / n_out
                delta[k] = weight * error
        elif output in (EXP, LOGISTIC):
            y = work.target[i * n_out : (i + 1) * n_out]
            loss += weight * _independent(z, y, delta, output, weight, link)
        else:
            loss += weight * _softmax(z, int(work.target[i]), delta, weight, link)
    return loss


@inlined
def _independent(z, y, delta, output, weight, eps):
    """Poisson deviance or log loss of outputs that do not depend on each other."""
    loss, one = 0.0, z.dtype.type(1)
    for k in range(len(z)):
        if output == EXP:
            p = exp(z[k])
            loss += p - y[k] + (y[k] * (log(y[k]) - z[k]) if y[k] > 0 else y[k])
        else:
            p = one / (one + exp(-z[k]))
            q = _within(p, eps)
            loss -= y[k] * log(q) + (one - y[k]) * log(one - q)
        delta[k] = weight * (p - y[k])
    return loss


@inlined
def _softmax(z, target, delta, weight, eps):
    top, total = z[0], z[0] * 0
    for k in range(len(z)):
        top = top if z[k] < top else z[k]
    for k in range(len(z)):
        delta[k] = exp(z[k] - top)
        total += delta[k]
    loss = -log(_within(delta[target] / total, eps))
    scale = weight / total
    for k in range(len(z)):
        delta[k] *= scale
    delta[target] -= weight
    return loss


@inlined
def _within(p, eps):
    low, high = eps, p * 0 + 1 - eps
    p = low if p < low else p
    return high if p > high else p


@inlined
def _backward(net, work, activation, curved, n):
    for layer in range(len(net.sizes) - 2, -1, -1):
        n_in, n_out = net.sizes[layer], net.sizes[layer + 1]
        at_W, at, at_b, at_in = net.at_W[layer], net.at[layer + 1], net.at_b[layer], net.at[layer]
        db = net.grads[at_b : at_b + n_out]
        for k in range(n_out):
            db[k] = 0
        for i in range(n):
            delta = work.deltas[at + i * n_out : at + (i + 1) * n_out]
            if layer < len(net.sizes) - 2:
                _derive(delta, work.values[at + i * n_out : at + (i + 1) * n_out], activation, curved)
            for k in range(n_out):
                db[k] += delta[k]
        product_first_transposed(work.values, at_in, work.deltas, at, net.grads, at_W, n_in, n, n_out)
        if layer > 0:
            product_second_transposed(work.deltas, at, net.params, at_W, work.deltas, at_in, n, n_out, n_in)


@inlined
def _derive(delta, y, activation, curved):
    if activation == RELU:
        for k in range(len(y)):
            delta[k] = 0 if y[k] == 0 else delta[k]
    if curved is not None:
        one = y.dtype.type(1)
        if activation == TANH:
            for k in range(len(y)):
                delta[k] *= one - y[k] * y[k]
        else:
            for k in range(len(y)):
                delta[k] *= y[k] * (one - y[k])


@inlined
def _update(net, squares, decay, rate, rule):
    """Returns the penalty of the weights before the step."""
    n_weights = net.at_b[0]
    norm, weights = net.params.dtype.type(0), net.params[:n_weights]
    for k in range(n_weights):
        norm += weights[k] * weights[k]
    for part in range(2):
        first, last = (0, n_weights) if part == 0 else (n_weights, len(net.params))
        p, g, state = net.params[first:last], net.grads[first:last], net.state[first:last]
        shrink = decay if part == 0 else decay * 0
        if squares is None:
            _descend(p, g, state, shrink, rate, rule)
        else:
            _descend_adaptively(p, g, state, squares[first:last], shrink, rate, rule)
    return 0.5 * decay * norm


@inlined
def _descend(p, g, velocity, decay, rate, rule):
    momentum, nesterov = rule[0], rule[1]
    for k in range(len(p)):
        step = rate * (g[k] + decay * p[k])
        velocity[k] = momentum * velocity[k] - step
        p[k] += momentum * velocity[k] - step if nesterov else velocity[k]


@inlined
def _descend_adaptively(p, g, m, v, decay, rate, rule):
    for k in range(len(p)):
        gradient = g[k] + decay * p[k]
        m[k] = rule[0] * m[k] + rule[1] * gradient
        v[k] = rule[2] * v[k] + rule[3] * (gradient * gradient)
        p[k] -= rate * m[k] / (np.sqrt(v[k]) + rule[4])


@kernel
def update_flat(p, g, state, squares, decay, rate, rule, start, stop):
    """The same step on parameters [start, stop), for gradients that were computed elsewhere."""
    p, g, state = p[start:stop], g[start:stop], state[start:stop]
    if squares is None:
        _descend(p, g, state, decay, rate, rule)
    else:
        _descend_adaptively(p, g, state, squares[start:stop], decay, rate, rule)
