"""Functions that are ops of the engine, with a backward of their own: layers, normalisations, losses."""

import numpy as np

from .._tensor import differentiable
from ._arrays import codes, contiguous, floats, like


@differentiable
def linear(engine, x, W, b=None, activation="identity", slope=0.01):
    """activation(x W + b) of rows x, in one kernel; `slope` is that of leaky_relu, the alpha of elu."""
    x, W = floats(engine, x), floats(engine, W)
    b = None if b is None else floats(engine, b)
    y, saved = engine.nn_dense.linear(x, W, b, activation, slope)

    def vjp(g, needed):
        needed = (*needed[:2], len(needed) > 2 and needed[2])
        return engine.nn_dense.linear_backward(floats(engine, g), x, W, y, saved, activation, slope, needed)

    return y, vjp


@differentiable(fused=True)
def dropout(engine, x, rate, seed, counter):
    """x with a random part `rate` of its elements 0, the others divided by 1 - rate; seed and counter determine it."""

    def drop(values):
        return engine.nn_dense.dropout(floats(engine, values), rate, seed, counter)

    return drop(x), lambda g, needed: (drop(g),)


@differentiable(fused=True)
def embedding(engine, indices, table):
    """Rows of a table, for integers of any shape."""
    indices, table = contiguous(engine, engine.asarray(indices)), floats(engine, table)

    def vjp(g, needed):
        return None, engine.nn_dense.embedding_backward(floats(engine, g), indices, len(table))

    return engine.nn_dense.embedding(indices, table), vjp


@differentiable(fused=True)
def layer_norm(engine, x, gain, bias, eps=1e-5):
    """Each row of x with mean 0 and standard deviation 1, times gain, plus bias."""
    x, gain, bias = floats(engine, x), floats(engine, gain), floats(engine, bias)
    y, mean, inv_std = engine.nn_norm.layer_norm(x, gain, bias, eps)
    return y, lambda g, needed: engine.nn_norm.layer_norm_backward(floats(engine, g), x, gain, mean, inv_std)


@differentiable(fused=True, extras=True)
def batch_norm(engine, x, gain, bias, eps=1e-5):
    """Each column of x with mean 0 and standard deviation 1, times gain, plus bias; also the mean and variance."""
    x, gain, bias = floats(engine, x), floats(engine, gain), floats(engine, bias)
    y, mean, var = engine.nn_norm.batch_norm(x, gain, bias, eps)

    def vjp(g, needed):
        return engine.nn_norm.batch_norm_backward(floats(engine, g), x, gain, mean, var, eps)

    return y, vjp, (mean, var)


@differentiable(fused=True)
def softmax_cross_entropy(engine, logits, target, sample_weight=None, smoothing=0.0):
    """The mean of minus the log probability of the target: class codes, or probabilities in rows."""
    target = codes(engine, target) if target.ndim == 1 else like(engine, target, logits)
    return _loss(engine, "softmax_cross_entropy", logits, target, sample_weight, smoothing)


@differentiable(fused=True)
def focal(engine, logits, target, sample_weight=None, gamma=2.0):
    """The mean of the cross-entropy times (1 - p)^gamma, p the probability of the target."""
    return _loss(engine, "focal", logits, codes(engine, target), sample_weight, gamma)


@differentiable(fused=True)
def nll(engine, log_prob, target, sample_weight=None):
    """The mean of minus the log probability of the target, of log probabilities."""
    return _loss(engine, "nll", log_prob, codes(engine, target), sample_weight)


@differentiable(fused=True)
def binary_cross_entropy(engine, logits, target, sample_weight=None):
    """The mean of minus the log probability of independent outcomes in [0, 1], of logits."""
    return _loss(engine, "binary_cross_entropy", logits, like(engine, target, logits), sample_weight)


@differentiable(fused=True)
def squared_error(engine, prediction, target, sample_weight=None):
    """The mean of (prediction - target)^2."""
    return _loss(engine, "squared_error", prediction, like(engine, target, prediction), sample_weight)


@differentiable(fused=True)
def absolute_error(engine, prediction, target, sample_weight=None):
    """The mean of |prediction - target|."""
    return _loss(engine, "absolute_error", prediction, like(engine, target, prediction), sample_weight)


@differentiable(fused=True)
def huber(engine, prediction, target, sample_weight=None, delta=1.0):
    """The mean of half the squared error up to an absolute error of `delta`, and linear beyond."""
    return _loss(engine, "huber", prediction, like(engine, target, prediction), sample_weight, delta)


@differentiable(fused=True)
def quantile(engine, prediction, target, sample_weight=None, levels=(0.5,)):
    """The mean pinball loss of a column of predictions for each of `levels`."""
    return _loss(engine, "quantile", prediction, like(engine, target, prediction), sample_weight, levels)


@differentiable(fused=True)
def poisson(engine, prediction, target, sample_weight=None):
    """The mean of half the Poisson deviance, of predicted logarithms of the mean."""
    return _loss(engine, "poisson", prediction, like(engine, target, prediction), sample_weight)


def _loss(engine, name, prediction, target, sample_weight, *params):
    """The mean weighted over samples, and its vjp: the op computes value and gradient in one pass."""
    weight = like(engine, sample_weight, prediction)
    loss, gradient = getattr(engine.nn_loss, name)(floats(engine, prediction), target, weight, *params)

    def vjp(g, needed):
        if any(needed[1:]):
            raise NotImplementedError(
                f"{name} has a gradient for its prediction only, but the target or the weight requires one. Detach it, "
                "or write the loss with small functions."
            )
        is_one = isinstance(g, (np.ndarray, np.generic)) and g == 1  # to look at a number on a GPU is to wait for it
        return (gradient if is_one else gradient * g.astype(gradient.dtype),)

    return loss, vjp
