"""Initial values: functions of a shape (n_in, n_out), a RandomState of the host, and a dtype."""

import math
from difflib import get_close_matches

import numpy as np

__all__ = [
    "constant",
    "get_initializer",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "lecun_normal",
    "normal",
    "ones",
    "orthogonal",
    "truncated_normal",
    "uniform",
    "zeros",
]


def get_initializer(name):
    """The function of that name; a callable is returned as it is.

    Parameters
    ----------
    name : str or callable
        Such as ``"he_normal"``, or a function ``(shape, rng, dtype) -> array``.

    Examples
    --------
    >>> import numpy as np
    >>> from ghostflow_learn.neural.nn import init
    >>> init.get_initializer("zeros")((2, 3), np.random.RandomState(0), "float32")
    array([[0., 0., 0.],
           [0., 0., 0.]], dtype=float32)
    """
    if callable(name):
        return name
    if name not in _BY_NAME:
        close = get_close_matches(str(name), _BY_NAME, 1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise ValueError(f"init must be a function or one of {sorted(_BY_NAME)}. Got {name!r} instead.{hint}")
    return _BY_NAME[name]


def zeros(shape, rng=None, dtype=np.float32):
    """All 0."""
    return np.zeros(shape, dtype)


def ones(shape, rng=None, dtype=np.float32):
    """All 1."""
    return np.ones(shape, dtype)


def constant(value):
    """The initializer whose values are all `value`."""
    return lambda shape, rng=None, dtype=np.float32: np.full(shape, value, dtype)


def uniform(shape, rng, dtype=np.float32, low=-0.05, high=0.05):
    """Uniform in [low, high)."""
    return rng.uniform(low, high, shape).astype(dtype)


def normal(shape, rng, dtype=np.float32, mean=0.0, std=0.05):
    """Gaussian."""
    return rng.normal(mean, std, shape).astype(dtype)


def truncated_normal(shape, rng, dtype=np.float32, mean=0.0, std=0.05):
    """Gaussian, drawn anew where it is more than two standard deviations from its mean."""
    values = rng.standard_normal(shape)
    far = np.abs(values) > 2
    while far.any():
        values[far] = rng.standard_normal(far.sum())
        far = np.abs(values) > 2
    return (mean + std * values).astype(dtype)


def glorot_uniform(shape, rng, dtype=np.float32):
    """Uniform with variance 2 / (n_in + n_out), for tanh and linear units (Glorot, Bengio 2010)."""
    bound = math.sqrt(6 / sum(_fans(shape)))
    return uniform(shape, rng, dtype, -bound, bound)


def glorot_normal(shape, rng, dtype=np.float32):
    """Gaussian with variance 2 / (n_in + n_out), for tanh and linear units (Glorot, Bengio 2010)."""
    return normal(shape, rng, dtype, std=math.sqrt(2 / sum(_fans(shape))))


def he_uniform(shape, rng, dtype=np.float32):
    """Uniform with variance 2 / n_in, for rectifiers (He et al. 2015, doi:10.1109/ICCV.2015.123)."""
    bound = math.sqrt(6 / _fans(shape)[0])
    return uniform(shape, rng, dtype, -bound, bound)


def he_normal(shape, rng, dtype=np.float32):
    """Gaussian with variance 2 / n_in, for rectifiers (He et al. 2015, doi:10.1109/ICCV.2015.123)."""
    return normal(shape, rng, dtype, std=math.sqrt(2 / _fans(shape)[0]))


def lecun_normal(shape, rng, dtype=np.float32):
    """Gaussian with variance 1 / n_in, which SELU needs to keep its activations normalised."""
    return normal(shape, rng, dtype, std=math.sqrt(1 / _fans(shape)[0]))


def orthogonal(shape, rng, dtype=np.float32):
    """A random matrix with orthonormal rows or columns, whichever are fewer (Saxe et al. 2014, arXiv:1312.6120)."""
    n_in, n_out = shape
    Q, R = np.linalg.qr(rng.standard_normal((max(shape), min(shape))))
    Q *= np.sign(np.diag(R))  # without it the distribution is not uniform over the orthogonal group
    return np.ascontiguousarray(Q if n_in >= n_out else Q.T, dtype=dtype)


def _fans(shape):
    """Inputs and outputs of a unit; what has one axis feeds itself."""
    return max(1, shape[0]), max(1, shape[-1])


_BY_NAME = {
    function.__name__: function
    for function in (
        zeros,
        ones,
        uniform,
        normal,
        truncated_normal,
        glorot_uniform,
        glorot_normal,
        he_uniform,
        he_normal,
        lecun_normal,
        orthogonal,
    )
}
