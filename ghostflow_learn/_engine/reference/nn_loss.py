"""Losses of networks: each returns its value and the gradient of the prediction, in one pass.

A loss is the weighted mean over samples, sum(w l) / sum(w), of the mean over what a sample predicts. In all of them

    sample_weight : (n_samples,), dtype of the prediction, or None
    loss : float64, a scalar on the device
    gradient : like the prediction
"""

import numpy as np
from scipy.special import expit, log_softmax, softmax, xlogy


def softmax_cross_entropy(logits, target, sample_weight=None, smoothing=0.0):
    """Minus the log probability of the target, of logits.

    Parameters
    ----------
    logits : (n_samples, n_classes) float32 or float64
    target : (n_samples,) int64, or (n_samples, n_classes), dtype of logits
        Class codes, or probabilities, whose rows sum to 1.
    sample_weight
    smoothing : float in [0, 1), default=0.0
        Part of the target that is spread evenly over all classes.

    Returns
    -------
    loss, gradient
    """
    n_classes = logits.shape[1]
    proba = np.eye(n_classes)[target] if target.ndim == 1 else target
    wanted = (1 - smoothing) * proba + smoothing / n_classes
    with np.errstate(invalid="ignore"):
        exact = logits.astype(np.float64)
        losses, gradient = -(wanted * log_softmax(exact, axis=1)).sum(axis=1), softmax(exact, axis=1) - wanted
    return _weighted(losses[:, None], gradient, sample_weight, logits, 1)


def focal(logits, target, sample_weight=None, gamma=2.0):
    """Cross-entropy times (1 - p)^gamma, where p is the probability of the target (Lin et al., arXiv:1708.02002).

    Parameters
    ----------
    logits : (n_samples, n_classes) float32 or float64
    target : (n_samples,) int64
    sample_weight
    gamma : float, default=2.0
        Not negative; 0 is the cross-entropy.

    Returns
    -------
    loss, gradient
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        proba, log_proba = softmax(logits.astype(np.float64), axis=1), log_softmax(logits.astype(np.float64), axis=1)
        rows, own = np.arange(len(logits)), np.eye(logits.shape[1])[target]
        p, log_p = proba[rows, target], log_proba[rows, target]
        rest = np.where(own == 1, 0, proba).sum(axis=1)  # 1 - p, exact where p is nearly 1
        weight = rest**gamma
        slope = gamma * np.where(rest == 0, 0, weight / rest) * p * log_p - weight
    return _weighted((-weight * log_p)[:, None], slope[:, None] * (own - proba), sample_weight, logits, 1)


def binary_cross_entropy(logits, target, sample_weight=None):
    """Minus the log probability of outcomes that are independent, of logits.

    Parameters
    ----------
    logits : (n_samples, ...) float32 or float64
    target : like logits
        In [0, 1].
    sample_weight

    Returns
    -------
    loss, gradient
    """
    z = logits.astype(np.float64)
    return _weighted(np.logaddexp(z, 0) - target * z, expit(z) - target, sample_weight, logits)


def squared_error(prediction, target, sample_weight=None):
    """(prediction - target)^2.

    Parameters
    ----------
    prediction : (n_samples, ...) float32 or float64
    target : like prediction
    sample_weight

    Returns
    -------
    loss, gradient
    """
    diff = prediction.astype(np.float64) - target
    return _weighted(diff**2, 2 * diff, sample_weight, prediction)


def absolute_error(prediction, target, sample_weight=None):
    """|prediction - target|; its gradient is 0 where they are equal.

    Parameters
    ----------
    prediction : (n_samples, ...) float32 or float64
    target : like prediction
    sample_weight

    Returns
    -------
    loss, gradient
    """
    diff = prediction.astype(np.float64) - target
    return _weighted(abs(diff), np.sign(diff), sample_weight, prediction)


def huber(prediction, target, sample_weight=None, delta=1.0):
    """Half the squared error up to an absolute error of delta, and linear beyond.

    Parameters
    ----------
    prediction : (n_samples, ...) float32 or float64
    target : like prediction
    sample_weight
    delta : float, default=1.0
        Positive.

    Returns
    -------
    loss, gradient
    """
    diff = prediction.astype(np.float64) - target
    gradient = np.clip(diff, -delta, delta)
    return _weighted(gradient * (diff - gradient / 2), gradient, sample_weight, prediction)


def quantile(prediction, target, sample_weight=None, levels=(0.5,)):
    """The pinball loss of several quantiles; its gradient is 0 where prediction and target are equal.

    Parameters
    ----------
    prediction : (n_samples, n_levels) float32 or float64
    target : (n_samples,), dtype of prediction
    sample_weight
    levels : tuple of n_levels floats in (0, 1), default=(0.5,)

    Returns
    -------
    loss, gradient
    """
    diff = prediction.astype(np.float64) - target[:, None]
    slope = np.where(diff < 0, -np.array(levels), 1 - np.array(levels)) * abs(np.sign(diff))
    return _weighted(slope * diff, slope, sample_weight, prediction)


def poisson(prediction, target, sample_weight=None):
    """Half the Poisson deviance of predicted logarithms of the mean: y log(y / exp(z)) - y + exp(z).

    Parameters
    ----------
    prediction : (n_samples, ...) float32 or float64
    target : like prediction
        Not negative.
    sample_weight

    Returns
    -------
    loss, gradient
    """
    z, y = prediction.astype(np.float64), target.astype(np.float64)
    with np.errstate(over="ignore"):
        mean = np.exp(z)
    return _weighted(xlogy(y, y) - y * z - y + mean, mean - y, sample_weight, prediction)


def nll(log_prob, target, sample_weight=None):
    """Minus the log probability of the target, of log probabilities.

    Parameters
    ----------
    log_prob : (n_samples, n_classes) float32 or float64
    target : (n_samples,) int64
    sample_weight

    Returns
    -------
    loss, gradient
    """
    own = -np.eye(log_prob.shape[1])[target]
    losses = -log_prob[np.arange(len(target)), target]
    return _weighted(losses[:, None], own, sample_weight, log_prob, 1)


def _weighted(losses, gradient, sample_weight, like, n_outputs=None):
    n_outputs = losses[:1].size if n_outputs is None else n_outputs
    weight = np.ones(len(losses)) if sample_weight is None else sample_weight.astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        weight = weight.reshape(-1, *[1] * (losses.ndim - 1)) / (weight.sum() * n_outputs)
        return np.float64((losses * weight).sum()), (gradient * weight).astype(like.dtype)
