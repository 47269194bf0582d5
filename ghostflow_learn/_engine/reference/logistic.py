"""The logistic loss, binary and multinomial, of a linear model, with its derivatives.

`weights` has one row for each feature and, where it has one row more than X has columns, a last one for the
intercept. Its columns are the raw predictions: one for two classes, where a positive one means class 1, else one for
each class. Sums are over samples, times `sample_weight` where that is not None, without a penalty, in float64.
"""

import numpy as np
from scipy.special import expit, log_softmax


def loss_gradient(X, codes, sample_weight, weights):
    """Loss and gradient, in one pass over X.

    Parameters
    ----------
    X : (n_samples, n_features) float32 or float64, or a CSR matrix
    codes : (n_samples,) int32
        The class of each sample.
    sample_weight : (n_samples,), dtype of X, or None
    weights : (n_features or n_features + 1, n_outputs) float64

    Returns
    -------
    sums : (1 + weights.size,) float64
        The loss, then the gradient in the order of `weights`: one array, so that a GPU hands over both at once.
    """
    raw = _raw(X, weights)
    if weights.shape[1] == 1:
        sign = 2 * codes[:, None] - 1.0
        losses, residual = np.logaddexp(0, -sign * raw), expit(raw) - codes[:, None]
    else:
        hit = codes[:, None] == np.arange(weights.shape[1])
        losses = -np.where(hit, log_softmax(raw, axis=1), 0)
        residual = np.exp(log_softmax(raw, axis=1)) - hit
    if sample_weight is not None:
        losses, residual = losses * sample_weight[:, None], residual * sample_weight[:, None]
    return np.concatenate([[losses.sum()], _design(X, weights).T @ residual], axis=None)


def probabilities(X, weights):
    """What the derivatives below need of the current weights.

    Parameters
    ----------
    X : (n_samples, n_features) or a CSR matrix
    weights : (n_features or n_features + 1, n_outputs) float64

    Returns
    -------
    proba : (n_samples, n_outputs), dtype of X
        Of each class; of class 1 where `n_outputs` is 1.
    """
    raw = _raw(X, weights)
    return (expit(raw) if weights.shape[1] == 1 else np.exp(log_softmax(raw, axis=1))).astype(X.dtype)


def hessian(X, sample_weight, proba, fit_intercept):
    """The matrix of second derivatives.

    Parameters
    ----------
    X : (n_samples, n_features) or a CSR matrix
    sample_weight : (n_samples,), dtype of X, or None
    proba : (n_samples, n_outputs), dtype of X
    fit_intercept : bool

    Returns
    -------
    sums : (1 + weights.size ** 2,) float64
        The weight of samples without curvature in the only output (0 with several outputs), then the matrix, rows
        and columns in the order of `weights`: one array, so that a GPU hands over both at once.
    """
    A, proba = _with_intercept(X, fit_intercept), proba.astype(np.float64)
    weight = np.ones(len(A)) if sample_weight is None else sample_weight.astype(np.float64)
    curvature = np.eye(proba.shape[1]) * proba[:, :, None] - proba[:, :, None] * proba[:, None, :]
    flat = weight[curvature[:, 0, 0] <= 0].sum() if proba.shape[1] == 1 else 0.0
    return np.append(flat, np.einsum("n,na,nkl,nb->akbl", weight, A, curvature, A))


def hessian_product(X, sample_weight, proba, direction):
    """The Hessian times a vector, without the Hessian.

    Parameters
    ----------
    X : (n_samples, n_features) or a CSR matrix
    sample_weight : (n_samples,), dtype of X, or None
    proba : (n_samples, n_outputs), dtype of X
    direction : (n_features or n_features + 1, n_outputs) float64

    Returns
    -------
    product : shape of `direction`, float64
    """
    change = _raw(X, direction)
    if proba.shape[1] == 1:
        change *= proba * (1 - proba)
    else:
        change = proba * (change - (proba * change).sum(axis=1, keepdims=True))
    if sample_weight is not None:
        change *= sample_weight[:, None]
    return _design(X, direction).T @ change


def _design(X, weights):
    return _with_intercept(X, len(weights) > X.shape[1])


def _with_intercept(X, fit_intercept):
    X = (X.toarray() if hasattr(X, "toarray") else X).astype(np.float64)
    return np.hstack([X, np.ones((len(X), 1))]) if fit_intercept else X


def _raw(X, weights):
    return _design(X, weights) @ weights
