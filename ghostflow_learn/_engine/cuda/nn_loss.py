import cupy as cp

from ._launch import THREADS_PER_BLOCK, launch

BINARY, SQUARED, ABSOLUTE, HUBER, POISSON = range(5)  # as in the source


def softmax_cross_entropy(logits, target, sample_weight=None, smoothing=0.0):
    codes, proba = (target, None) if target.ndim == 1 else (None, target)
    weight, gradient = _weights(sample_weight, logits, 1), cp.empty_like(logits)
    losses = cp.empty(len(logits))
    args = (logits, codes, proba, weight, gradient, losses, smoothing, *logits.shape)
    launch("nn_loss", "softmax_cross_entropy", 32 * len(logits), args)
    return losses.sum(), gradient


def focal(logits, target, sample_weight=None, gamma=2.0):
    weight, gradient = _weights(sample_weight, logits, 1), cp.empty_like(logits)
    losses = cp.empty(len(logits))
    launch("nn_loss", "focal", 32 * len(logits), (logits, target, weight, gradient, losses, gamma, *logits.shape))
    return losses.sum(), gradient


def binary_cross_entropy(logits, target, sample_weight=None):
    return _of_numbers(logits, target, sample_weight, BINARY)


def squared_error(prediction, target, sample_weight=None):
    return _of_numbers(prediction, target, sample_weight, SQUARED)


def absolute_error(prediction, target, sample_weight=None):
    return _of_numbers(prediction, target, sample_weight, ABSOLUTE)


def huber(prediction, target, sample_weight=None, delta=1.0):
    return _of_numbers(prediction, target, sample_weight, HUBER, delta)


def poisson(prediction, target, sample_weight=None):
    return _of_numbers(prediction, target, sample_weight, POISSON)


def quantile(prediction, target, sample_weight=None, levels=(0.5,)):
    weight, gradient = _weights(sample_weight, prediction, len(levels)), cp.empty_like(prediction)
    loss = cp.zeros(())
    for k, level in enumerate(levels):
        diff = prediction[:, k] - target
        gradient[:, k] = weight * cp.where(diff < 0, -level, cp.where(diff > 0, 1 - level, diff))
        loss += (gradient[:, k] * diff).sum(dtype=cp.float64)
    return loss, gradient


def nll(log_prob, target, sample_weight=None):
    weight, is_own = _weights(sample_weight, log_prob, 1)[:, None], target[:, None] == cp.arange(log_prob.shape[1])
    gradient = cp.where(is_own, -weight, log_prob.dtype.type(0))
    return cp.where(is_own, gradient * log_prob, log_prob.dtype.type(0)).sum(dtype=cp.float64), gradient


def _weights(sample_weight, prediction, n_outputs):
    """The part of each sample, and of each of its outputs, in the loss."""
    if sample_weight is None:
        return cp.full(len(prediction), 1 / max(1, len(prediction) * n_outputs), dtype=prediction.dtype)
    return (sample_weight / (sample_weight.sum(dtype=cp.float64) * n_outputs)).astype(prediction.dtype)


def _of_numbers(prediction, target, sample_weight, code, delta=0.0):
    n_outputs = max(1, prediction[:1].size)
    weight, gradient = _weights(sample_weight, prediction, n_outputs), cp.empty_like(prediction)
    partials = cp.empty(-(-prediction.size // THREADS_PER_BLOCK))
    args = (prediction, target, weight, gradient, partials, code, delta, n_outputs, prediction.size)
    launch("nn_loss", "loss_of_numbers", prediction.size, args)
    return partials.sum(), gradient
