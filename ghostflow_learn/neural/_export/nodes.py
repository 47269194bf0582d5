"""The nodes of every function of the derivatives table: `NODES[function](graph, *args, **params)` returns a name."""

import operator
from math import log, prod, sqrt

import numpy as np

from ..._engine._neural import ACTIVATIONS, SELU_ALPHA, SELU_SCALE
from .. import _functions as F
from .._functions._linear_algebra import _einsum as products
from .._gradients import straight_through
from . import indexing, shapes


def _elementwise(op_type):
    return lambda g, *args: g.node(op_type, *(g.value(arg) for arg in args))


def _in_float32(op_type):
    """onnxruntime has these in float32 alone."""

    def nodes(g, x):
        return in_float32(g, op_type, g.value(x))

    return nodes


def in_float32(g, op_type, x):
    if g.dtype == np.float32:
        return g.node(op_type, x)
    return g.cast(g.node(op_type, g.cast(x, np.float32)), g.dtype)


def _number(g, number):
    return g.constant(np.array(number, dtype=g.dtype))


def _square(g, x):
    x = g.value(x)
    return g.node("Mul", x, x)


def _expm1(g, x):
    return g.node("Sub", g.node("Exp", g.value(x)), _number(g, 1))


def _log1p(g, x):
    return g.node("Log", g.node("Add", g.value(x), _number(g, 1)))


def _log_of(base):
    return lambda g, x: g.node("Mul", g.node("Log", g.value(x)), _number(g, 1 / log(base)))


def _tan(g, x):
    x = g.value(x)
    return g.node("Div", g.node("Sin", x), g.node("Cos", x))


def _hyperbolic(op_type):
    """(e^x -/+ e^-x) / 2"""

    def nodes(g, x):
        x = g.value(x)
        both = g.node(op_type, g.node("Exp", x), g.node("Exp", g.node("Neg", x)))
        return g.node("Mul", both, _number(g, 0.5))

    return nodes


def _logaddexp(g, a, b):
    a, b = g.value(a), g.value(b)
    gap = g.node("Abs", g.node("Sub", a, b))
    return g.node("Add", g.node("Max", a, b), g.node("Softplus", g.node("Neg", gap)))


def _clip(g, x, low=None, high=None):
    x = g.value(x)
    if low is not None:
        x = g.node("Max", x, g.value(low))
    return x if high is None else g.node("Min", x, g.value(high))


def _where(g, condition, a, b):
    return g.node("Where", g.value(condition, bool), g.value(a), g.value(b))


def _comparison(op_type):
    """Of a Tensor with anything, in the dtype of the Tensor."""
    return lambda g, a, b: g.node(op_type, g.value(a, a.dtype), g.value(b, a.dtype))


def _unequal(g, a, b):
    return g.node("Not", _comparison("Equal")(g, a, b))


def _astype(g, x, dtype):
    return g.value(x)


def activated(g, z, name, slope=0.0):
    """An activation by one of its names; `slope` as the op of the engine takes it."""
    code = ACTIVATIONS[name]
    if code == ACTIVATIONS["identity"]:
        return z
    if code == ACTIVATIONS["gelu"]:
        half = g.node("Mul", z, _number(g, 0.5))
        erf = in_float32(g, "Erf", g.node("Mul", z, _number(g, sqrt(0.5))))
        return g.node("Mul", half, g.node("Add", erf, _number(g, 1)))
    if code == ACTIVATIONS["swish"]:
        return g.node("Mul", z, g.node("Sigmoid", z))
    attributes = {
        "leaky_relu": {"alpha": float(slope)},
        "elu": {"alpha": float(slope)},
        "selu": {"alpha": SELU_ALPHA, "gamma": SELU_SCALE},
    }
    op_types = {"relu": "Relu", "leaky_relu": "LeakyRelu", "elu": "Elu", "selu": "Selu", "sigmoid": "Sigmoid"}
    op_types |= {"logistic": "Sigmoid", "tanh": "Tanh", "mish": "Mish", "softplus": "Softplus"}
    return g.node(op_types[name], z, **attributes.get(name, {}))


def _activation(name, slope_name=None, default=0.0):
    def nodes(g, x, *args, **params):
        slope = args[0] if args else params.get(slope_name, default)
        return activated(g, g.value(x), name, slope)

    return nodes


def _prelu(g, x, slopes):
    return g.node("PRelu", g.value(x), g.value(slopes))


def _along(op_type):
    return lambda g, x, axis=-1: g.node(op_type, g.value(x), axis=axis)


def _linear(g, x, W, b=None, activation="identity", slope=0.01):
    bias = [] if b is None else [g.value(b)]
    return activated(g, g.node("Gemm", g.value(x), g.value(W), *bias), activation, slope)


def _embedding(g, indices, table):
    return g.node("Gather", g.value(table), g.value(indices, np.int64), axis=0)


def _layer_norm(g, x, gain, bias, eps=1e-5):
    return g.node("LayerNormalization", g.value(x), g.value(gain), g.value(bias), axis=-1, epsilon=float(eps))


def _einsum(g, *arrays, formula):
    return g.node("Einsum", *(g.value(a) for a in arrays), equation=formula)


def reduced(g, op_type, x, axis, keepdims):
    """A reduction of a named value."""
    axes = [] if axis is None else [g.integers(*(axis if isinstance(axis, tuple) else (axis,)))]
    return g.node(op_type, x, *axes, keepdims=int(keepdims))


def _reduction(op_type):
    return lambda g, x, axis=None, keepdims=False: reduced(g, op_type, g.value(x), axis, keepdims)


def _var(g, x, axis=None, keepdims=False, ddof=0):
    values, dims = g.value(x), g.arg_dims()
    deviation = g.node("Sub", values, reduced(g, "ReduceMean", values, axis, True))
    mean = reduced(g, "ReduceMean", g.node("Mul", deviation, deviation), axis, keepdims)
    if not ddof:
        return mean
    sizes = dims if axis is None else [dims[a] for a in (axis if isinstance(axis, tuple) else (axis,))]
    if None in sizes:
        g.refuse("divides by the number of samples less a number")
    return g.node("Mul", mean, _number(g, prod(sizes) / (prod(sizes) - ddof)))


def _cumsum(g, x, axis):
    return g.node("CumSum", g.value(x), g.constant(np.array(axis, dtype=np.int64)))


def _logsumexp(g, x, axis=None, keepdims=False):
    x = g.value(x)
    peak = reduced(g, "ReduceMax", x, axis, True)
    total = reduced(g, "ReduceSum", g.node("Exp", g.node("Sub", x, peak)), axis, keepdims)
    peak = peak if keepdims else reduced(g, "ReduceMax", x, axis, False)
    return g.node("Add", g.node("Log", total), peak)


NODES = {
    F.add: _elementwise("Add"),
    F.subtract: _elementwise("Sub"),
    F.multiply: _elementwise("Mul"),
    F.divide: _elementwise("Div"),
    F.power: _elementwise("Pow"),
    F.negative: _elementwise("Neg"),
    F.absolute: _elementwise("Abs"),
    F.square: _square,
    F.sqrt: _elementwise("Sqrt"),
    F.exp: _elementwise("Exp"),
    F.expm1: _expm1,
    F.log: _elementwise("Log"),
    F.log1p: _log1p,
    F.log2: _log_of(2),
    F.log10: _log_of(10),
    F.sin: _elementwise("Sin"),
    F.cos: _elementwise("Cos"),
    F.tan: _tan,
    F.sinh: _hyperbolic("Sub"),
    F.cosh: _hyperbolic("Add"),
    F.arcsin: _in_float32("Asin"),
    F.arccos: _in_float32("Acos"),
    F.arctan: _in_float32("Atan"),
    F.logaddexp: _logaddexp,
    F.maximum: _elementwise("Max"),
    F.minimum: _elementwise("Min"),
    F.clip: _clip,
    F.where: _where,
    F.astype: _astype,
    operator.lt: _comparison("Less"),
    operator.le: _comparison("LessOrEqual"),
    operator.gt: _comparison("Greater"),
    operator.ge: _comparison("GreaterOrEqual"),
    operator.eq: _comparison("Equal"),
    operator.ne: _unequal,
    F.relu: _activation("relu"),
    F.leaky_relu: _activation("leaky_relu", "slope", 0.01),
    F.elu: _activation("elu", "alpha", 1.0),
    F.selu: _activation("selu"),
    F.sigmoid: _activation("sigmoid"),
    F.tanh: _activation("tanh"),
    F.gelu: _activation("gelu"),
    F.swish: _activation("swish"),
    F.mish: _activation("mish"),
    F.softplus: _activation("softplus"),
    F.prelu: _prelu,
    F.softmax: _along("Softmax"),
    F.log_softmax: _along("LogSoftmax"),
    F.linear: _linear,
    F.embedding: _embedding,
    F.layer_norm: _layer_norm,
    F.matmul: _elementwise("MatMul"),
    products: _einsum,
    F.sum: _reduction("ReduceSum"),
    F.mean: _reduction("ReduceMean"),
    F.max: _reduction("ReduceMax"),
    F.min: _reduction("ReduceMin"),
    F.prod: _reduction("ReduceProd"),
    F.var: _var,
    F.cumsum: _cumsum,
    F.logsumexp: _logsumexp,
    straight_through: lambda g, value, x: g.value(value),
    F.getitem: indexing.getitem,
    F.take: indexing.take,
    **shapes.NODES,
}
ANY_SHAPE = {F.reshape, F.broadcast_to}  # the shape they are given may change with the number of samples
UNSUPPORTED = {
    F.dropout: "draws random numbers: use the layer, which does nothing where it does not train",
    F.batch_norm: "normalises by the batch at hand: use the layer, which has running statistics",
    F.solve: "has no counterpart there",
    F.diagonal: "has no counterpart there",
    F.scatter_add: "has no counterpart there",
    F.take_along_axis: "picks by values that are not traced, as a sort does",
    **dict.fromkeys(
        [F.softmax_cross_entropy, F.focal, F.nll, F.binary_cross_entropy, F.squared_error, F.absolute_error]
        + [F.huber, F.quantile, F.poisson],
        "is a loss, no part of a prediction",
    ),
}
