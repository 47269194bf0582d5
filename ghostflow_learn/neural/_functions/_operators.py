"""Tensor's operators and methods: the functions of the table, under NumPy's names."""

import operator

from .._modes import TRACE, Call, mode, trace
from .._tensor import Tensor
from . import _arithmetic, _linear_algebra, _reductions, _shapes


def _reversed(function):
    return lambda self, other: function(other, self)


def _compared(compare):
    """A comparison has no gradient: it gives a plain array, which a trace notes."""

    def compared(self, other):
        value = compare(self.data, other.data if isinstance(other, Tensor) else other)
        if mode.get() & TRACE:
            trace.get().append(Call(compare.__name__, (self, other), {}, value, compare))
        return value

    return compared


def _on_values(name):
    """A method of the array, which has no gradient: it gives a plain array."""
    return lambda self, *args, **params: getattr(self.data, name)(*args, **params)


def _several(first, rest):
    """A shape, or an order of axes, may come as one tuple or as arguments."""
    return (first, *rest) if rest or isinstance(first, int) else first


def _reshape(self, shape, *rest):
    return _shapes.reshape(self, shape=_several(shape, rest))


def _transpose(self, axes=None, *rest):
    return _shapes.transpose(self, axes=_several(axes, rest))


def _flatten(self):
    return _shapes.reshape(self, shape=(-1,))


OPERATORS = {
    "add": _arithmetic.add,
    "sub": _arithmetic.subtract,
    "mul": _arithmetic.multiply,
    "truediv": _arithmetic.divide,
    "pow": _arithmetic.power,
    "matmul": _linear_algebra.matmul,
}
for _name, _function in OPERATORS.items():
    setattr(Tensor, f"__{_name}__", _function)
    setattr(Tensor, f"__r{_name}__", _reversed(_function))
for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    setattr(Tensor, f"__{_name}__", _compared(getattr(operator, _name)))
for _name in ("argmax", "argmin", "argsort", "all", "any"):
    setattr(Tensor, _name, _on_values(_name))
for _name in ("sum", "mean", "var", "std", "max", "min", "prod", "cumsum"):
    setattr(Tensor, _name, getattr(_reductions, _name))
for _name in ("swapaxes", "squeeze", "repeat", "take"):
    setattr(Tensor, _name, getattr(_shapes, _name))

Tensor.__hash__ = object.__hash__  # by identity: == compares values
Tensor.__neg__ = _arithmetic.negative
Tensor.__abs__ = _arithmetic.absolute
Tensor.__getitem__ = _shapes.getitem
Tensor.astype = _arithmetic.astype
Tensor.clip = _arithmetic.clip
Tensor.reshape = _reshape
Tensor.transpose = _transpose
Tensor.flatten = Tensor.ravel = _flatten
Tensor.T = property(_transpose)
