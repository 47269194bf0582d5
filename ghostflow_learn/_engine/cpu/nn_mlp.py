import numpy as np

from .._mlp import HIDDEN, OUTPUTS, Adam, adam_rate, n_weights
from ._launch import LONGEST, launch
from ._mlp_blocks import backward, values_of
from ._mlp_steps import Data, Net, Work, train_steps, update_flat

WIDE = 2**26  # multiply-adds of a step from which its products are worth cutting into blocks for the pool


def forward(X, pairs, network):
    return values_of(X, pairs, network)[-1]


def loss_gradient(X, Y, sample_weight, params, network, alpha):
    gradient = np.empty_like(params)
    loss, decay = backward(X, Y, sample_weight, params, gradient, network, alpha)
    weights = slice(0, n_weights(network))
    gradient[weights] += params.dtype.type(decay) * params[weights]
    return loss, gradient


def train(X, Y, sample_weight, batches, params, state, network, alpha, rule):
    n_steps = -(-len(batches.order) // batches.size)
    rates, constants = _constants(rule, n_steps, params.dtype)
    cost = 3 * batches.size * n_weights(network)
    if cost < WIDE and isinstance(X, np.ndarray):
        losses = _in_a_loop(X, Y, sample_weight, batches, params, state, network, alpha, rates, constants)
    else:
        losses = _in_blocks(X, Y, sample_weight, batches, params, state, network, alpha, rates, constants)
    sizes = np.full(n_steps, batches.size)
    sizes[-1] = len(batches.order) - batches.size * (n_steps - 1)
    return float(losses @ sizes) / len(batches.order)


def _constants(rule, n_steps, dtype):
    """The rate of each step, and what else the update of a parameter needs."""
    if isinstance(rule, Adam):
        rates = adam_rate(rule, rule.t + 1 + np.arange(n_steps, dtype=np.float64))
        constants = (rule.beta_1, 1 - rule.beta_1, rule.beta_2, 1 - rule.beta_2, rule.epsilon)
    else:
        rates, constants = np.full(n_steps, rule.rate), (rule.momentum, rule.nesterov)
    return rates.astype(dtype), np.array(constants, dtype)


def _in_a_loop(X, Y, sample_weight, batches, params, state, network, alpha, rates, constants):
    dtype, sizes = params.dtype, np.array(network.sizes)
    sample_weight = np.empty(0, dtype) if sample_weight is None else sample_weight
    data = Data(X, Y, sample_weight, np.zeros(len(rates)))
    weights, biases = np.cumsum(sizes[:-1] * sizes[1:]), np.cumsum(sizes[1:])
    at = batches.size * (np.cumsum(sizes) - sizes)
    at_W, at_b = weights - sizes[:-1] * sizes[1:], weights[-1] + biases - sizes[1:]
    net = Net(sizes, at, at_W, at_b, params, np.empty_like(params), state[0])
    values, deltas = np.empty((2, batches.size * sizes.sum()), dtype)
    work = Work(values, deltas, np.empty(batches.size * Y.shape[1], dtype), np.empty(batches.size, dtype))
    squares = state[1] if len(state) > 1 else None
    activation, output = HIDDEN.index(network.activation), OUTPUTS.index(network.output)
    curved = True if network.activation in ("tanh", "logistic") else None
    link = None if network.output == "identity" else np.finfo(dtype).eps
    args = (data, batches.order, net, work, squares, activation, curved, output, link, dtype.type(alpha))
    piece = max(1, LONGEST // (3 * batches.size * (weights[-1] + sizes.sum())))
    for start in range(0, len(rates), int(piece)):
        train_steps(*args, rates, constants, start, min(start + int(piece), len(rates)))
    return data.losses


def _in_blocks(X, Y, sample_weight, batches, params, state, network, alpha, rates, constants):
    losses, gradient, end_W = np.zeros(len(rates)), np.empty_like(params), n_weights(network)
    squares = state[1] if len(state) > 1 else None
    for step, rate in enumerate(rates):
        rows = batches.order[step * batches.size : (step + 1) * batches.size]
        weight = None if sample_weight is None else sample_weight[rows]
        if weight is not None and weight.sum() == 0:
            continue
        losses[step], decay = backward(X[rows], Y[rows], weight, params, gradient, network, alpha)
        for part, shrink in ((slice(0, end_W), decay), (slice(end_W, None), 0)):
            arrays = (params[part], gradient[part], state[0][part], None if squares is None else squares[part])
            n = len(arrays[0])
            launch(update_flat, n, (*arrays, params.dtype.type(shrink), rate, constants), row_cost=8)
    return losses
