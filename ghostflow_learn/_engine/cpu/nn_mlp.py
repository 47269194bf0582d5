from collections import namedtuple

import numpy as np

from .._mlp import HIDDEN, OUTPUTS, Data, n_weights
from ._launch import LONGEST, launch
from ._mlp_blocks import backward, values_of
from ._mlp_steps import Net, Samples, Work, train_steps, update_flat
from ._tiles import aligned, padded

WIDE = 2**26  # multiply-adds of a step from which its products are worth cutting into blocks for the pool

# Arguments of `train_steps`, and how many steps it may do before Ctrl-C is looked for.
Loop = namedtuple("Loop", "batch_size samples args steps_at_once")


def forward(X, pairs, network):
    return values_of(X, pairs, network)[-1]


def loss_gradient(data, params, network, alpha):
    gradient = np.empty_like(params)
    loss, decay = backward(data, params, gradient, network, alpha)
    weights = slice(0, n_weights(network))
    gradient[weights] += params.dtype.type(decay) * params[weights]
    return loss, gradient


def prepare(training):
    cost = 3 * training.batch_size * n_weights(training.network)
    is_loop = cost < WIDE and isinstance(training.data.X, np.ndarray)
    return _prepare_loop(training) if is_loop else training


def train(prepared, order, rule):
    run = _run_loop if isinstance(prepared, Loop) else _run_blocks
    return run(prepared, order, np.array(rule, dtype=np.float64)) / len(order)


def _prepare_loop(training):
    (X, Y, weight), size, params, state, network, alpha = training
    dtype, sizes = params.dtype, np.array(network.sizes)
    weights, biases = np.cumsum(sizes[:-1] * sizes[1:]), np.cumsum(sizes[1:])
    at_W, at_b = weights - sizes[:-1] * sizes[1:], weights[-1] + biases - sizes[1:]
    net = Net(sizes, np.cumsum(sizes) - sizes, at_W, at_b, params, aligned(params.size, dtype), state[0])
    n = padded(size, dtype)
    values, deltas = aligned(2 * n * sizes.sum(), dtype).reshape(2, -1)
    work = Work(size, values, deltas, aligned(n * Y.shape[1], dtype), aligned(3 * n, dtype).reshape(3, n))
    squares = state[1] if len(state) > 1 else None
    curved = True if network.activation in ("tanh", "logistic") else None
    link = None if network.output == "identity" else np.finfo(dtype).eps
    samples = Samples(X, Y, np.empty(0, dtype) if weight is None else weight)
    codes = HIDDEN.index(network.activation), curved, OUTPUTS.index(network.output), link
    steps = max(1, int(LONGEST // (3 * size * (weights[-1] + sizes.sum()))))
    return Loop(size, samples, (net, work, squares, *codes, dtype.type(alpha)), steps)


def _run_loop(loop, order, rule):
    loss, n_steps = np.zeros(1), -(-len(order) // loop.batch_size)
    for start in range(0, n_steps, loop.steps_at_once):
        train_steps(loop.samples, order, *loop.args, rule, loss, start, min(start + loop.steps_at_once, n_steps))
    return float(loss[0])


def _run_blocks(training, order, rule):
    (X, Y, sample_weight), size, params, state, network, alpha = training
    gradient, loss = np.empty_like(params), 0.0
    for step, start in enumerate(range(0, len(order), size)):
        rows = order[start : start + size]
        weight = None if sample_weight is None else sample_weight[rows]
        if weight is not None and weight.sum() == 0:
            continue
        of_batch, decay = backward(Data(X[rows], Y[rows], weight), params, gradient, network, alpha)
        loss += of_batch * len(rows)
        _update(params, gradient, state, n_weights(network), decay, rule, step)
    return loss


def _update(params, gradient, state, end_of_weights, decay, rule, step):
    for part, shrink in ((slice(0, end_of_weights), decay), (slice(end_of_weights, None), 0)):
        squares = state[1][part] if len(state) > 1 else None
        args = params[part], gradient[part], state[0][part], squares, params.dtype.type(shrink), rule, step
        launch(update_flat, len(args[0]), args, row_cost=8)
