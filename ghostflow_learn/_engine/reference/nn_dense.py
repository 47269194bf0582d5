"""Dense layers: products with bias and activation, dropout, embeddings."""

import numpy as np
from scipy.special import erf, expit

from .._boosting import HASH
from .._neural import (
    ELU,
    FROM_INPUT,
    GELU,
    LEAKY_RELU,
    MISH,
    RELU,
    SELU,
    SELU_ALPHA,
    SELU_SCALE,
    SIGMOID,
    SOFTPLUS,
    SWISH,
    TANH,
    activation_code,
    hash_start,
)


def linear(x, W, b, activation, slope=0.0, out=None):
    """The activation of x W + b.

    Parameters
    ----------
    x : (n_samples, n_in) float32 or float64
    W : (n_in, n_out), dtype of x
    b : (n_out,) or None
    activation : str
        A key of ``_neural.ACTIVATIONS``.
    slope : float, default=0.0
        Not negative: of "leaky_relu" below 0; the alpha of "elu".
    out : (n_samples, n_out), optional
        Where to write `y`.

    Returns
    -------
    y : (n_samples, n_out), dtype of x
    saved : (n_samples, n_out) or None
        x W + b, where the derivative needs it: "gelu", "swish", "mish", "softplus".
    """
    z = x @ W
    if b is not None:
        z += b
    return activate(z, activation, slope, out), z if activation_code(activation) in FROM_INPUT else None


def linear_backward(g, x, W, y, saved, activation, slope, needed):
    """Gradients of what :func:`linear` was given.

    Parameters
    ----------
    g : (n_samples, n_out)
        The gradient of `y`.
    x, W, y, saved, activation, slope
        What :func:`linear` took and returned.
    needed : (bool, bool, bool)
        Which of the three are wanted.

    Returns
    -------
    dx, dW, db : arrays of the shapes of x, W and b, or None
    """
    dz = activate_backward(g, saved, y, activation, slope)
    return (
        dz @ W.T if needed[0] else None,
        x.T @ dz if needed[1] else None,
        dz.sum(axis=0) if needed[2] else None,
    )


def activate(z, activation, slope=0.0, out=None):
    """An activation, element by element. NaN stays NaN.

    Parameters
    ----------
    z : array of any shape, float32 or float64
    activation, slope
        As in :func:`linear`. "gelu" is the exact one, z Phi(z).
    out : like z, optional
        May be `z` itself.

    Returns
    -------
    y : like z
    """
    with np.errstate(over="ignore", invalid="ignore"):
        y = _activated(z, activation_code(activation), slope)
    out = np.empty_like(z) if out is None else out
    out[...] = y
    return out


def _activated(z, code, slope):
    negative = np.minimum(z, 0)
    if code == RELU:
        return np.maximum(z, 0)
    if code == LEAKY_RELU:
        return np.where(z < 0, slope * z, z)
    if code == ELU:
        return np.where(z < 0, slope * np.expm1(negative), z)
    if code == SELU:
        return SELU_SCALE * np.where(z < 0, SELU_ALPHA * np.expm1(negative), z)
    if code == SIGMOID:
        return expit(z)
    if code == TANH:
        return np.tanh(z)
    if code == GELU:
        return z * _normal_cdf(z)
    if code == SWISH:
        return z * expit(z)
    if code == MISH:
        return z * np.tanh(np.logaddexp(z, 0))
    if code == SOFTPLUS:
        return np.logaddexp(z, 0)
    return z


def activate_backward(g, z, y, activation, slope=0.0, out=None):
    """g times the derivative of an activation.

    Parameters
    ----------
    g : array of any shape
    z, y : like g
        What went into the activation and what came out: z is read for "gelu", "swish", "mish" and "softplus", y for
        all others; the one that is not read may be None. At 0 the derivative of "relu" is 0, of "leaky_relu", "elu"
        and "selu" that of the negative side.
    activation, slope
        As in :func:`linear`.
    out : like g, optional

    Returns
    -------
    dz : like g
    """
    with np.errstate(over="ignore", invalid="ignore"):
        slopes = _derivative(z, y, activation_code(activation), slope)
        dz = g * np.asarray(slopes, dtype=g.dtype)
    out = np.empty_like(g) if out is None else out
    out[...] = dz
    return out


def _derivative(z, y, code, slope):
    if code == RELU:
        return np.where(y <= 0, 0, 1)
    if code == LEAKY_RELU:
        return np.where(y <= 0, slope, 1)
    if code == ELU:
        return np.where(y <= 0, y + slope, 1)
    if code == SELU:
        return np.where(y <= 0, y + SELU_SCALE * SELU_ALPHA, SELU_SCALE)
    if code == SIGMOID:
        return y * (1 - y)
    if code == TANH:
        return 1 - y * y
    if code == GELU:
        return _normal_cdf(z) + z * np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi)
    if code == SWISH:
        return expit(z) * (1 + z * (1 - expit(z)))
    if code == MISH:
        t = np.tanh(np.logaddexp(z, 0))
        return t + z * (1 - t * t) * expit(z)
    if code == SOFTPLUS:
        return expit(z)
    return 1


def _normal_cdf(z):
    return 0.5 * (1 + erf(z * np.sqrt(0.5)))


def prelu(z, slopes, out=None):
    """A leaky relu whose slopes are parameters.

    Parameters
    ----------
    z : (n_samples, n_units) float32 or float64
    slopes : (n_units,), dtype of z
    out : like z, optional

    Returns
    -------
    y : like z
    """
    out = np.empty_like(z) if out is None else out
    out[...] = np.where(z < 0, slopes * z, z)
    return out


def prelu_backward(g, z, slopes):
    """Gradients of what :func:`prelu` was given.

    Parameters
    ----------
    g : (n_samples, n_units)
        The gradient of the result.
    z, slopes
        What :func:`prelu` took.

    Returns
    -------
    dz : like z
    dslopes : like slopes
    """
    return np.where(z <= 0, g * slopes, g), np.where(z <= 0, g * z, 0).sum(axis=0)


def dropout(x, rate, seed, counter, out=None):
    """Zero a random part of the elements and divide the others by what is left of 1; its own backward.

    Parameters
    ----------
    x : array of any shape, float32 or float64
    rate : float in [0, 1)
    seed, counter : int
        Non-negative, below 2^64. The mask is a function of both and of an element's place in memory order, modulo
        2^32; nothing needs to be kept between forward and backward.
    out : like x, optional

    Returns
    -------
    y : like x
        A NaN or infinity that is dropped is NaN.
    """
    h = np.arange(x.size, dtype=np.uint32) * np.uint32(HASH[0]) + np.uint32(hash_start(seed, counter))
    for shift, factor in ((16, HASH[1]), (13, HASH[2])):
        h = (h ^ (h >> np.uint32(shift))) * np.uint32(factor)
    h ^= h >> np.uint32(16)
    factors = np.where(h < np.uint32(rate * 2**32), 0, 1 / (1 - rate)).astype(x.dtype)
    out = np.empty_like(x) if out is None else out
    with np.errstate(invalid="ignore"):
        out[...] = x * factors.reshape(x.shape)
    return out


def embedding(indices, table):
    """Rows of a table.

    Parameters
    ----------
    indices : integer array of any shape
    table : (n_rows, n_units) float32 or float64

    Returns
    -------
    vectors : (*indices.shape, n_units), dtype of table
        NaN where an index is not in [0, n_rows): a GPU cannot raise without being waited for.
    """
    known = (indices >= 0) & (indices < len(table))
    return np.where(known[..., None], table[np.where(known, indices, 0)], np.nan).astype(table.dtype)


def embedding_backward(g, indices, n_rows):
    """The gradient of the table of :func:`embedding`: rows of g summed where indices repeat.

    Parameters
    ----------
    g : (*indices.shape, n_units) float32 or float64
    indices : integer array of any shape
    n_rows : int

    Returns
    -------
    dtable : (n_rows, n_units), dtype of g
    """
    dtable = np.zeros((n_rows, g.shape[-1]), dtype=g.dtype)
    np.add.at(dtable, indices, g)
    return dtable
