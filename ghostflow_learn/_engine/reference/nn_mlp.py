"""A multilayer perceptron: forward pass, loss with gradient, and an epoch of training.

`network` is a `_mlp.Network`, `params` the flat array that `_mlp.layers` cuts into weights and biases. Losses are
scikit-learn's: half the squared error averaged over outputs, half the Poisson deviance and the log loss summed over
them. Probabilities are kept one rounding error away from 0 and 1 in the loss, not in its gradient; the gradient of
the squared error is that of the sum over outputs.
"""

import numpy as np
from scipy.special import expit, softmax, xlogy

from .._mlp import Adam, Data, adam_rate, layers


def forward(X, pairs, network):
    """Outputs, after the last activation.

    Parameters
    ----------
    X : (n_samples, n_features) float32 or float64, or a CSR matrix
    pairs : list of (weights, biases), dtype of X
        For each layer (n_in, n_out) and (n_out,).
    network : Network

    Returns
    -------
    outputs : (n_samples, n_outputs), dtype of X
    """
    return _values(X, pairs, network)[-1]


def loss_gradient(data, params, network, alpha):
    """Mean loss of samples, with half of `alpha` times the squared weights over the sum of `sample_weight`.

    Parameters
    ----------
    data : Data
        X : (n_samples, n_features) float32 or float64, or a CSR matrix; Y : (n_samples, n_outputs), dtype of X, with
        the output "softmax" (n_samples, 1), the number of the class; sample_weight : (n_samples,), dtype of X.
    params : (n_params,), dtype of X
    network : Network
    alpha : float

    Returns
    -------
    loss : float
    gradient : (n_params,), dtype of X
    """
    X, Y, sample_weight = data
    pairs = layers(params, network)
    values = _values(X, pairs, network)
    weight = np.ones(X.shape[0], X.dtype) if sample_weight is None else sample_weight
    total = weight.sum()
    weight = (weight / total)[:, None]
    loss, delta = _loss(Y, values[-1], network)
    loss = float((weight[:, 0] * loss).sum()) + 0.5 * alpha * sum(float((W * W).sum()) for W, _ in pairs) / total
    delta, grads = weight * delta, []
    for (W, _), h in reversed(list(zip(pairs, values))):
        grads.append((h.T @ delta + alpha / total * W, delta.sum(axis=0)))
        delta = (delta @ W.T) * _slope(h, network.activation) if h is not X else None
    dW, db = zip(*reversed(grads))
    return float(loss), np.concatenate([g.ravel() for g in dW + db]).astype(X.dtype)


def prepare(training):
    """What :func:`train` takes.

    Parameters
    ----------
    training : Training

    Returns
    -------
    prepared : object
        The engine's own; it works on the arrays `params` and `state` themselves.
    """
    return training


def train(prepared, order, rule):
    """One pass over the samples; parameters and state change in place.

    Parameters
    ----------
    prepared : what :func:`prepare` gave
    order : (n_samples,) int64, in host memory
        It is cut into batches, the last of which may be shorter. One whose weights sum to 0 is passed over.
    rule : Adam or Sgd

    Returns
    -------
    loss : float
        Losses of the batches, before each one's step, averaged by their number of samples.
    """
    (X, Y, sample_weight), batch_size, params, state, network, alpha = prepared
    loss = 0.0
    for step, start in enumerate(range(0, len(order), batch_size)):
        rows = order[start : start + batch_size]
        weight = None if sample_weight is None else sample_weight[rows]
        if weight is not None and weight.sum() == 0:
            continue
        of_batch, gradient = loss_gradient(Data(X[rows], Y[rows], weight), params, network, alpha)
        loss += of_batch * len(rows)
        if isinstance(rule, Adam):
            _adam(params, gradient, *state, rule, rule.t + step + 1)
        else:
            _sgd(params, gradient, *state, rule)
    return loss / len(order)


def _values(X, pairs, network):
    """The input and what comes out of each layer."""
    values = [X]
    for W, b in pairs:
        z = values[-1] @ W + b
        last = len(values) == len(network.sizes) - 1
        values.append(_activate(z, network.output if last else network.activation))
    return values


def _activate(z, activation):
    if activation == "relu":
        return np.maximum(z, 0)
    if activation == "softmax":
        return softmax(z, axis=1)
    return {"identity": np.positive, "tanh": np.tanh, "logistic": expit, "exp": np.exp}[activation](z)


def _slope(y, activation):
    """Derivative of an activation where it gave y."""
    return {"identity": np.ones_like(y), "relu": y != 0, "tanh": 1 - y * y, "logistic": y * (1 - y)}[activation]


def _loss(Y, outputs, network):
    """Loss of each sample, and its derivative by what the last activation is taken of."""
    if network.output == "softmax":
        Y = (np.arange(outputs.shape[1]) == Y).astype(outputs.dtype)
    eps = np.finfo(outputs.dtype).eps
    p = np.clip(outputs, eps, 1 - eps)
    if network.output == "identity":
        loss = 0.5 * ((outputs - Y) ** 2).mean(axis=1)
    elif network.output == "exp":
        loss = (xlogy(Y, Y / outputs) - Y + outputs).sum(axis=1)
    elif network.output == "softmax":
        loss = -xlogy(Y, p).sum(axis=1)
    else:
        loss = -(xlogy(Y, p) + xlogy(1 - Y, 1 - p)).sum(axis=1)
    return loss, outputs - Y


def _adam(params, gradient, m, v, rule, t):
    m[:] = rule.beta_1 * m + (1 - rule.beta_1) * gradient
    v[:] = rule.beta_2 * v + (1 - rule.beta_2) * gradient**2
    params -= float(adam_rate(rule, t)) * m / (np.sqrt(v) + rule.epsilon)


def _sgd(params, gradient, velocity, rule):
    velocity[:] = rule.momentum * velocity - rule.rate * gradient
    params += rule.momentum * velocity - rule.rate * gradient if rule.nesterov else velocity
