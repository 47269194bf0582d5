"""The step of each leaf: what minimises the loss, or nearly, once the tree has grown on the negative gradient."""

import warnings
from itertools import pairwise

import numpy as np

from ..._validation._gradient_boosting import ExponentialLoss, HalfBinomialLoss, HalfMultinomialLoss

SMALLEST_HESSIAN = 1e-150  # below it the loss cannot improve: probabilities are 0 or 1


def leaf_steps(loss, leaves, y, neg_gradient, raw_prediction, sample_weight):
    """The value of every leaf that holds samples, by the loss of its samples.

    Parameters
    ----------
    loss : one of scikit-learn's losses, but for the squared error, whose steps are the means that the tree has
    leaves : (n_samples,) int64
        Node of each sample; only samples that the tree has grown on.
    y : (n_samples,) float64
    neg_gradient, raw_prediction : (n_samples,) float64
    sample_weight : (n_samples,) float64

    Returns
    -------
    nodes : (n_leaves,) int64
    steps : (n_leaves,) float64
    """
    by_leaf, nodes, edges = _grouped(leaves)
    sample_weight = sample_weight[by_leaf]
    if isinstance(loss, HalfBinomialLoss | HalfMultinomialLoss | ExponentialLoss):
        return nodes, _newton_steps(loss, y[by_leaf], neg_gradient[by_leaf], sample_weight, edges)
    residual = (y - raw_prediction)[by_leaf]
    parts = zip(np.split(residual, edges[1:-1]), np.split(sample_weight, edges[1:-1]), strict=True)
    return nodes, np.array([loss.fit_intercept_only(y_true=r, sample_weight=w) for r, w in parts])


def _grouped(leaves):
    """The samples leaf by leaf, in their order; the leaves; and where the samples of each begin and end."""
    small = leaves.astype(np.uint16) if leaves.max() < 2**16 else leaves  # NumPy sorts 16 bits by radix
    by_leaf = np.argsort(small, kind="stable")
    n_samples = np.bincount(leaves)
    nodes = np.flatnonzero(n_samples)
    return by_leaf, nodes, np.concatenate([[0], np.cumsum(n_samples[nodes])])


def _newton_steps(loss, y, neg_gradient, sample_weight, edges):
    """Mean negative gradient over mean hessian.

    The gradient of the log loss is p - y, so p is at hand, and with it the hessian p (1 - p). That of the exponential
    loss is, but for its sign, its own hessian.
    """
    if isinstance(loss, ExponentialLoss):
        hessian = np.where(y == 0, -neg_gradient, neg_gradient)
    else:
        probability = y - neg_gradient
        hessian = probability * (1 - probability)
    weight = _sums(sample_weight, edges)
    numerator = _sums(neg_gradient * sample_weight, edges) / weight
    if loss.is_multiclass:  # Friedman's factor, which only changes the learning rate
        numerator *= (loss.n_classes - 1) / loss.n_classes
    return _safe_quotient(numerator, _sums(hessian * sample_weight, edges) / weight)


def _sums(values, edges):
    """Sum of each leaf, in the order of scikit-learn's: the last bit decides between splits that gain the same."""
    return np.array([values[start:stop].sum() for start, stop in pairwise(edges)])


def _safe_quotient(numerator, denominator):
    """Quotients, 0 where the denominator is nearly so; a warning if one overflows."""
    improvable = np.abs(denominator) >= SMALLEST_HESSIAN
    with np.errstate(over="ignore"):
        steps = np.divide(numerator, denominator, out=np.zeros_like(numerator), where=improvable)
    if np.isinf(steps).any():
        warnings.warn("overflow encountered in the step of a leaf", RuntimeWarning, stacklevel=2)
    return steps
