"""What a module does with a batch, as the calls of functions it makes."""

from contextlib import contextmanager

import numpy as np

from .._modes import no_grad, traced
from .._tensor import Tensor


class Trace:
    """The calls that a function of a Tensor makes.

    Attributes
    ----------
    x, y : Tensor
        What went in and what came out. `x` is of the dtype of the input.
    calls : list of Call
    layers : dict
        For the position of a call, the innermost module that makes it, in words.
    """

    def __init__(self, function, module, X):
        self.x, self.layers = Tensor(X), {}
        with no_grad(), traced() as self.calls, _claiming(module, self):
            self.y = function(self.x)
        if not isinstance(self.y, Tensor):
            raise TypeError(f"What becomes a graph must return one Tensor. Got {type(self.y).__name__} instead.")


def trace_twice(function, module, X):
    """Traces of two batches of other values and numbers of samples: what differs between them depends on the data."""
    first = Trace(function, module, X)
    try:
        second = Trace(function, module, _another(X))
    except Exception as error:
        error.add_note(f"to_onnx calls forward with {len(X)} and with {len(X) + 1} samples: it must take any number.")
        raise
    if [call.name for call in first.calls] != [call.name for call in second.calls]:
        raise ValueError(
            "forward makes other steps for another batch: a graph has the same for all. Leave out what asks for values "
            "or for the number of samples."
        )
    return first, second


def _another(X):
    """One sample more, in another order; floats are changed, but stay in the range of X and keep their signs."""
    other = X[np.arange(-1, len(X)) % len(X)]
    return other * other.dtype.type(0.75) if X.dtype.kind == "f" else other


@contextmanager
def _claiming(module, trace):
    """Note in `layers` which module makes which call: an inner one claims its own before the outer one ends."""
    parts = [] if module is None else list(module.named_modules())
    for name, part in parts:
        kind = type(part).__name__
        part.forward = _noting(part.forward, f"{name} ({kind})" if name else kind, trace)
    try:
        yield
    finally:
        for _, part in parts:
            del part.forward


def _noting(forward, layer, trace):
    def noting(*inputs, **options):
        start = len(trace.calls)
        output = forward(*inputs, **options)
        for i in range(start, len(trace.calls)):
            trace.layers.setdefault(i, layer)
        return output

    return noting
