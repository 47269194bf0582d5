"""The engine that a function gets when it is run again on Tensors, so that its gradient can be differentiated."""

from functools import cache

from . import _functions
from ._tensor import Tensor

# What has no gradient: taken from the values.
CONSTANT = {"argmax", "argmin", "argsort", "floor", "isfinite", "ones", "ones_like", "sign", "zeros", "zeros_like"}


class _Functions:
    """``engine.xp`` on Tensors: NumPy's names give the functions of the table."""

    def __init__(self, engine):
        self._engine = engine

    def __getattr__(self, name):
        if name in CONSTANT:
            return _of_values(getattr(self._engine.xp, name))
        try:
            return getattr(_functions, name)
        except AttributeError:
            raise NotImplementedError(
                f"create_graph=True needs the derivative of {name}, which is not in the table of functions."
            ) from None


class _TensorEngine:
    def __init__(self, engine):
        self.asarray, self.xp = engine.asarray, _Functions(engine)


def _of_values(function):
    def on_values(*args, **params):
        return function(*[a.data if isinstance(a, Tensor) else a for a in args], **params)

    return on_values


@cache
def engine_of_tensors(engine):
    """`engine`, with ``xp`` made of functions that record what they do."""
    return _TensorEngine(engine)
