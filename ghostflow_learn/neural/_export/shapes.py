"""The nodes of functions that move values."""

import numpy as np

from .. import _functions as F
from .._functions._shapes import _concatenate as joined
from .._functions._shapes import _stack as stacked


def _reshape(g, x, shape):
    dims = g.dims()
    if dims.count(None) > 1:
        g.refuse("makes two axes whose sizes change with the number of samples")
    return g.node("Reshape", g.value(x), g.integers(*(-1 if size is None else size for size in dims)))


def _transpose(g, x, axes=None):
    n = x.ndim
    order = range(n)[::-1] if axes is None else [axis % n for axis in axes]
    return g.node("Transpose", g.value(x), perm=list(order))


def _swapaxes(g, x, first, second):
    order = list(range(x.ndim))
    order[first], order[second] = order[second], order[first]
    return g.node("Transpose", g.value(x), perm=order)


def _moveaxis(g, x, source, destination):
    named = np.empty(range(1, x.ndim + 1))  # each axis has a size of its own
    return g.node("Transpose", g.value(x), perm=[size - 1 for size in np.moveaxis(named, source, destination).shape])


def _expand_dims(g, x, axis):
    axes = axis if isinstance(axis, tuple) else (axis,)
    return g.node("Unsqueeze", g.value(x), g.integers(*axes))


def _squeeze(g, x, axis=None):
    if axis is None:
        axis = tuple(a for a, size in enumerate(g.arg_dims()) if size == 1)
    return g.node("Squeeze", g.value(x), g.integers(*(axis if isinstance(axis, tuple) else (axis,))))


def _broadcast_to(g, x, shape):
    pairs = zip(g.call.output.shape, g.twin.output.shape)
    sizes = [g.integers(a) if a == b else g.n_samples(a, b) for a, b in pairs]
    return g.node("Expand", g.value(x), g.node("Concat", *sizes, axis=0))


def _flip(g, x, axis=None):
    axes = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    ends = [np.iinfo(np.int64).min] * len(axes)
    steps = [-1] * len(axes)
    return g.node("Slice", g.value(x), g.integers(*steps), g.integers(*ends), g.integers(*axes), g.integers(*steps))


def _picked(g, name, axis, order):
    """The values at `order(size)` along an axis of known size."""
    size = g.arg_dims()[axis]
    if size is None:
        g.refuse("moves samples among each other")
    return g.node("Gather", name, g.constant(order(np.arange(size))), axis=axis)


def _roll(g, x, shift, axis=None):
    name = g.value(x)
    if axis is None:
        g.refuse("moves values from one sample to another")
    shifts, axes = (a if isinstance(a, tuple) else (a,) for a in (shift, axis))
    for each, along in zip(shifts, axes):
        name = _picked(g, name, along, lambda places, each=each: np.roll(places, each))
    return name


def _repeat(g, x, repeats, axis):
    return _picked(g, g.value(x), axis, lambda places: np.repeat(places, repeats))


def _pad(g, x, widths, constant_values=0.0):
    ends = [before for before, _ in widths] + [after for _, after in widths]
    return g.node("Pad", g.value(x), g.integers(*ends), g.constant(np.array(constant_values, dtype=g.dtype)))


def _triangle(upper):
    return lambda g, x, k=0: g.node("Trilu", g.value(x), g.constant(np.array(k, dtype=np.int64)), upper=upper)


def _concatenate(g, *arrays, axis=0):
    return g.node("Concat", *(g.value(a) for a in arrays), axis=axis)


def _stack(g, *arrays, axis=0):
    axis %= len(g.dims())
    return g.node("Concat", *(g.node("Unsqueeze", g.value(a), g.integers(axis)) for a in arrays), axis=axis)


NODES = {
    F.reshape: _reshape,
    F.transpose: _transpose,
    F.swapaxes: _swapaxes,
    F.moveaxis: _moveaxis,
    F.expand_dims: _expand_dims,
    F.squeeze: _squeeze,
    F.broadcast_to: _broadcast_to,
    F.flip: _flip,
    F.roll: _roll,
    F.repeat: _repeat,
    F.pad: _pad,
    F.tril: _triangle(0),
    F.triu: _triangle(1),
    joined: _concatenate,
    stacked: _stack,
}
