"""Layer and batch normalisation."""

import numpy as np


def layer_norm(x, gain, bias, eps, out=None):
    """Each sample with mean 0 and standard deviation 1, times gain, plus bias.

    Parameters
    ----------
    x : (n_samples, n_features) float32 or float64
    gain, bias : (n_features,), dtype of x
    eps : float
        Added to the variance.
    out : like x, optional

    Returns
    -------
    y : like x
    mean, inv_std : (n_samples,), dtype of x
    """
    exact = x.astype(np.float64)
    mean = exact.mean(axis=1)
    inv_std = 1 / np.sqrt(exact.var(axis=1) + eps)
    out = np.empty_like(x) if out is None else out
    out[...] = (exact - mean[:, None]) * inv_std[:, None] * gain + bias
    return out, mean.astype(x.dtype), inv_std.astype(x.dtype)


def layer_norm_backward(g, x, gain, mean, inv_std):
    """Gradients of what :func:`layer_norm` was given.

    Parameters
    ----------
    g : (n_samples, n_features)
        The gradient of `y`.
    x, gain, mean, inv_std
        What :func:`layer_norm` took and returned.

    Returns
    -------
    dx : like x
    dgain, dbias : like gain
    """
    x_hat = (x.astype(np.float64) - mean[:, None]) * inv_std[:, None]
    dx = _through_statistics(g * gain.astype(np.float64), x_hat, axis=1) * inv_std[:, None]
    return dx.astype(x.dtype), (g * x_hat).sum(axis=0).astype(x.dtype), g.sum(axis=0, dtype=np.float64).astype(x.dtype)


def batch_norm(x, gain, bias, eps, out=None):
    """Each feature with mean 0 and standard deviation 1 over the batch, times gain, plus bias.

    Parameters
    ----------
    x : (n_samples, n_features) float32 or float64
    gain, bias : (n_features,), dtype of x
    eps : float
        Added to the variance.
    out : like x, optional

    Returns
    -------
    y : like x
    mean, var : (n_features,), dtype of x
        Of the batch; var divides by n_samples.
    """
    exact = x.astype(np.float64)
    mean, var = exact.mean(axis=0).astype(x.dtype), exact.var(axis=0).astype(x.dtype)
    return batch_norm_apply(x, gain, bias, mean, var, eps, out), mean, var


def batch_norm_backward(g, x, gain, mean, var, eps):
    """Gradients of what :func:`batch_norm` was given.

    Parameters
    ----------
    g : (n_samples, n_features)
        The gradient of `y`.
    x, gain, mean, var, eps
        What :func:`batch_norm` took and returned.

    Returns
    -------
    dx : like x
    dgain, dbias : like gain
    """
    inv_std = 1 / np.sqrt(var.astype(np.float64) + eps)
    x_hat = (x - mean.astype(np.float64)) * inv_std
    dx = _through_statistics(g.astype(np.float64), x_hat, axis=0) * (gain * inv_std)
    return dx.astype(x.dtype), (g * x_hat).sum(axis=0).astype(x.dtype), g.sum(axis=0, dtype=np.float64).astype(x.dtype)


def batch_norm_apply(x, gain, bias, mean, var, eps, out=None):
    """x normalised by a given mean and variance, as a network that has learnt does it.

    Parameters
    ----------
    x : (n_samples, n_features) float32 or float64
    gain, bias, mean, var : (n_features,), dtype of x
    eps : float
    out : like x, optional

    Returns
    -------
    y : like x
    """
    out = np.empty_like(x) if out is None else out
    out[...] = (x - mean.astype(np.float64)) / np.sqrt(var.astype(np.float64) + eps) * gain + bias
    return out


def _through_statistics(g, x_hat, axis):
    """The gradient g of x_hat without what the mean and the variance take up."""
    return g - g.mean(axis=axis, keepdims=True) - x_hat * (g * x_hat).mean(axis=axis, keepdims=True)
