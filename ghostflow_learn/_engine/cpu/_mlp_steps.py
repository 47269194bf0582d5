"""Steps of a multilayer perceptron in compiled code: no Python between two batches.

Everything is a flat array and sizes are data, so that the loop compiles once for each dtype, whatever the depth. An
argument that is None leaves out what belongs to it: a fit waits for the compiler only for what it needs.
"""

from collections import namedtuple

import numpy as np

from ._gemm import product, product_first_transposed, product_second_transposed
from ._jit import kernel
from ._math import exp, log, sigmoid, tanh

# Activations, in the order of `_mlp.HIDDEN` and `_mlp.OUTPUTS`.
RELU, TANH = 1, 2
EXP, LOGISTIC = 1, 2

NARROW = 4  # units

# Of layer k: `sizes[k]` values a sample, from `at[k]` on in `values` and `deltas`; weights to the next layer from
# `at_W[k]` on, biases from `at_b[k]` on. `state` is the optimizer's: velocities, or Adam's first moments.
Net = namedtuple("Net", "sizes at at_W at_b params grads state")
Work = namedtuple("Work", "values deltas target weight")
Samples = namedtuple("Samples", "X Y sample_weight")  # no weights is an empty array

inlined = kernel(inline="always")


@kernel
def train_steps(samples, order, net, work, squares, activation, curved, output, link, alpha, rule, loss, start, stop):
    """Steps [start, stop) of an epoch; `loss` collects the losses of batches times their numbers of samples.

    `rule` holds the numbers of an Adam or, where `squares`, the second moments, is None, of an Sgd. `curved` is None
    where hidden layers need no exponential function, `link` where the last one does not; it is the distance that
    probabilities keep from 0 and 1.
    """
    batch = len(work.weight)
    for step in range(start, stop):
        rows = order[step * batch : (step + 1) * batch]
        total = _gather(samples, rows, work)
        if total == 0:  # samples of weight 0 teach nothing
            continue
        scale = net.params.dtype.type(1 / total)
        _forward(net, work, activation, curved, len(rows))
        of_batch = _loss(net, work, output, link, scale, len(rows))
        _backward(net, work, activation, curved, len(rows))
        of_batch += _update(net, squares, alpha * scale, rule, step)
        loss[0] += of_batch * len(rows)


@inlined
def _gather(samples, rows, work):
    """The batch goes to the beginning of `work.values`; returns the sum of its weights."""
    X, Y, sample_weight = samples.X, samples.Y, samples.sample_weight
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
        if n_out <= NARROW:
            _narrow_product(net, work, layer, n)
        else:
            product(work.values, net.at[layer], net.params, net.at_W[layer], work.values, at, n, n_in, n_out)
        bias = net.params[at_b : at_b + n_out]
        for i in range(n):
            y = work.values[at + i * n_out : at + (i + 1) * n_out]
            if layer < n_layers - 1 and activation == RELU:
                for k in range(n_out):
                    z = y[k] + bias[k]
                    y[k] = z * 0 if z < 0 else z  # NaN stays
            else:
                for k in range(n_out):
                    y[k] += bias[k]
            if curved is not None and layer < n_layers - 1:
                _bend(y, activation)


@inlined
def _narrow_product(net, work, layer, n):
    """Few outputs: BLAS takes twice as long. Until gradients come, their place holds the weights unit by unit."""
    n_in, n_out = net.sizes[layer], net.sizes[layer + 1]
    W = net.params[net.at_W[layer] : net.at_W[layer] + n_in * n_out]
    turned = net.grads[net.at_W[layer] : net.at_W[layer] + n_in * n_out]
    for j in range(n_in):
        for k in range(n_out):
            turned[k * n_in + j] = W[j * n_out + k]
    for i in range(n):
        x = work.values[net.at[layer] + i * n_in : net.at[layer] + (i + 1) * n_in]
        for k in range(n_out):
            w, z = turned[k * n_in : (k + 1) * n_in], x[0] * 0
            for j in range(n_in):
                z += x[j] * w[j]
            work.values[net.at[layer + 1] + i * n_out + k] = z


@inlined
def _narrow_gradient(net, work, layer, n):
    """By unit in the place of the deltas of the layer below, which come later."""
    n_in, n_out = net.sizes[layer], net.sizes[layer + 1]
    dW = net.grads[net.at_W[layer] : net.at_W[layer] + n_in * n_out]
    turned = work.deltas[net.at[layer] : net.at[layer] + n_in * n_out]
    for j in range(len(turned)):
        turned[j] = 0
    for i in range(n):
        x = work.values[net.at[layer] + i * n_in : net.at[layer] + (i + 1) * n_in]
        for k in range(n_out):
            w, delta = turned[k * n_in : (k + 1) * n_in], work.deltas[net.at[layer + 1] + i * n_out + k]
            for j in range(n_in):
                w[j] += x[j] * delta
    for j in range(n_in):
        for k in range(n_out):
            dW[j * n_out + k] = turned[k * n_in + j]


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
            p = sigmoid(z[k])
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
        if n_out <= min(NARROW, n):
            _narrow_gradient(net, work, layer, n)
        else:
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
