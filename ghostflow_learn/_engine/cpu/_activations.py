"""Activations inside kernels. Each is a type, by which Numba compiles a loop for it alone: cached and vectorised."""

import math
from collections import namedtuple

from numba.extending import overload
from numba.np.numpy_support import as_dtype

from .._neural import FROM_INPUT, SELU_ALPHA, SELU_SCALE, activation_code
from ._math import erf, exp, log1p, sigmoid, tanh

Identity = namedtuple("Identity", "slope")
Relu = namedtuple("Relu", "slope")
LeakyRelu = namedtuple("LeakyRelu", "slope")
Elu = namedtuple("Elu", "slope")
Selu = namedtuple("Selu", "slope")
Sigmoid = namedtuple("Sigmoid", "slope")
Tanh = namedtuple("Tanh", "slope")
Gelu = namedtuple("Gelu", "slope")
Swish = namedtuple("Swish", "slope")
Mish = namedtuple("Mish", "slope")
Softplus = namedtuple("Softplus", "slope")
ROOT_HALF = math.sqrt(0.5)
KINDS = (Identity, Relu, LeakyRelu, Elu, Selu, Sigmoid, Tanh, Gelu, Swish, Mish, Softplus)  # in the order of the codes


def kind_of(activation, slope):
    """The activation as an argument of a kernel."""
    return KINDS[activation_code(activation)](float(slope))


def is_from_input(kind):
    """Whether its derivative needs what went in."""
    return KINDS.index(type(kind)) in FROM_INPUT


# Both are for kernels: their bodies are chosen below.
def activated(z, kind): ...
def derivative(a, kind): ...  # a: what went in, or what came out


@overload(activated, jit_options={"forceinline": True})
def _activated(z, kind):
    return _VALUES[KINDS.index(kind.instance_class)](as_dtype(z).type)


@overload(derivative, jit_options={"forceinline": True})
def _derivative(a, kind):
    return _DERIVATIVES[KINDS.index(kind.instance_class)](as_dtype(a).type)


# For each activation a function of the dtype T that makes the function of a number: constants of T, so that float32
# stays float32, and bounds that let NaN through.


def _identity(T):
    return lambda z, kind: z


def _relu(T):
    return lambda z, kind: T(0) if z < T(0) else z


def _leaky_relu(T):
    return lambda z, kind: T(kind.slope) * z if z < T(0) else z


def _elu(T):
    def value(z, kind):
        t = tanh((T(0) if z > T(0) else z) * T(0.5))
        return T(kind.slope) * (t + t) / (T(1) - t) if z < T(0) else z

    return value


def _selu(T):
    def value(z, kind):
        t = tanh((T(0) if z > T(0) else z) * T(0.5))
        return T(SELU_SCALE * SELU_ALPHA) * (t + t) / (T(1) - t) if z < T(0) else T(SELU_SCALE) * z

    return value


def _sigmoid(T):
    return lambda z, kind: sigmoid(z)


def _tanh(T):
    return lambda z, kind: tanh(z)


def _gelu(T):
    return lambda z, kind: T(0.5) * z * (T(1) + erf(z * T(ROOT_HALF)))


def _swish(T):
    return lambda z, kind: z * sigmoid(z)


def _mish(T):
    def value(z, kind):
        e = exp(T(20) if z > T(20) else z)
        n = e * (e + T(2))
        return z * (n / (n + T(2)))  # tanh(log(1 + e))

    return value


def _softplus(T):
    return lambda z, kind: (z if z > T(0) else T(0)) + log1p(exp(-abs(z)))


_VALUES = (_identity, _relu, _leaky_relu, _elu, _selu, _sigmoid, _tanh, _gelu, _swish, _mish, _softplus)


def _identity_slope(T):
    return lambda a, kind: T(1)


def _relu_slope(T):
    return lambda a, kind: T(0) if a <= T(0) else T(1)


def _leaky_relu_slope(T):
    return lambda a, kind: T(kind.slope) if a <= T(0) else T(1)


def _elu_slope(T):
    return lambda a, kind: a + T(kind.slope) if a <= T(0) else T(1)


def _selu_slope(T):
    return lambda a, kind: a + T(SELU_SCALE * SELU_ALPHA) if a <= T(0) else T(SELU_SCALE)


def _sigmoid_slope(T):
    return lambda a, kind: a * (T(1) - a)


def _tanh_slope(T):
    return lambda a, kind: T(1) - a * a


def _gelu_slope(T):
    def slope(a, kind):
        return T(0.5) * (T(1) + erf(a * T(ROOT_HALF))) + a * exp(T(-0.5) * a * a) * T(1 / math.sqrt(2 * math.pi))

    return slope


def _swish_slope(T):
    def slope(a, kind):
        s = sigmoid(a)
        return s * (T(1) + a * (T(1) - s))

    return slope


def _mish_slope(T):
    def slope(a, kind):
        e = exp(T(20) if a > T(20) else a)
        n = e * (e + T(2))
        inverse = T(1) / (n + T(2))
        return n * inverse + a * (T(4) * (n + T(1)) * inverse * inverse) * (e / (T(1) + e))

    return slope


def _softplus_slope(T):
    return lambda a, kind: sigmoid(a)


_DERIVATIVES = (
    _identity_slope,
    _relu_slope,
    _leaky_relu_slope,
    _elu_slope,
    _selu_slope,
    _sigmoid_slope,
    _tanh_slope,
    _gelu_slope,
    _swish_slope,
    _mish_slope,
    _softplus_slope,
)
