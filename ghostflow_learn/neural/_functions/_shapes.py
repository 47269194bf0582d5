"""Functions that move values: value and vjp side by side."""

import numpy as np

from .._tensor import Tensor, differentiable


@differentiable
def reshape(engine, x, shape):
    """The values of x in another shape; one size may be -1."""
    return x.reshape(shape), lambda g, needed: (g.reshape(x.shape),)


@differentiable
def transpose(engine, x, axes=None):
    """The axes of x in another order, reversed by default."""

    def vjp(g, needed):
        back = None if axes is None else [int(a) for a in np.argsort([a % x.ndim for a in axes])]
        return (engine.xp.transpose(g, back),)

    return engine.xp.transpose(x, axes), vjp


@differentiable
def swapaxes(engine, x, first, second):
    """x with two axes exchanged."""
    return x.swapaxes(first, second), lambda g, needed: (g.swapaxes(first, second),)


@differentiable
def moveaxis(engine, x, source, destination):
    """x with one axis moved to another place."""
    return engine.xp.moveaxis(x, source, destination), lambda g, needed: (engine.xp.moveaxis(g, destination, source),)


@differentiable
def expand_dims(engine, x, axis):
    """x with new axes of size 1."""
    return engine.xp.expand_dims(x, axis), lambda g, needed: (g.reshape(x.shape),)


@differentiable
def squeeze(engine, x, axis=None):
    """x without axes of size 1."""
    return x.squeeze(axis=axis), lambda g, needed: (g.reshape(x.shape),)


@differentiable
def broadcast_to(engine, x, shape):
    """x repeated along axes of size 1 or missing ones, without a copy."""
    return engine.xp.broadcast_to(x, shape), lambda g, needed: (g,)


@differentiable
def flip(engine, x, axis=None):
    """x in reverse order along `axis`."""
    return engine.xp.flip(x, axis), lambda g, needed: (engine.xp.flip(g, axis),)


@differentiable
def roll(engine, x, shift, axis=None):
    """x with its values moved along `axis`, those that fall off coming in at the other end."""
    back = tuple(-s for s in shift) if isinstance(shift, tuple) else -shift
    return engine.xp.roll(x, shift, axis), lambda g, needed: (engine.xp.roll(g, back, axis),)


@differentiable
def pad(engine, x, widths, constant_values=0.0):
    """x with `widths`, ((before, after), ...) for each axis, filled with a constant."""
    inner = tuple(slice(before, before + n) for (before, _), n in zip(widths, x.shape))
    return engine.xp.pad(x, widths, constant_values=constant_values), lambda g, needed: (g[inner],)


@differentiable
def tril(engine, x, k=0):
    """The lower triangle of the last two axes, from the k-th diagonal down; 0 above."""
    return engine.xp.tril(x, k), lambda g, needed: (engine.xp.tril(g, k),)


@differentiable
def triu(engine, x, k=0):
    """The upper triangle of the last two axes, from the k-th diagonal up; 0 below."""
    return engine.xp.triu(x, k), lambda g, needed: (engine.xp.triu(g, k),)


@differentiable
def diagonal(engine, x):
    """The diagonal of a matrix."""
    index = (engine.asarray(np.arange(min(x.shape))),) * 2
    return x[index], lambda g, needed: (_put(engine, g, index, x.shape),)


def sort(x, axis=-1):
    """The values in order along `axis`."""
    return take_along_axis(x, x.engine.xp.argsort(x.data, axis=axis), axis=axis)


@differentiable
def repeat(engine, x, repeats, axis):
    """Each value `repeats` times, an int, along `axis`."""
    axis %= x.ndim
    split = (*x.shape[: axis + 1], repeats, *x.shape[axis + 1 :])
    return engine.xp.repeat(x, repeats, axis), lambda g, needed: (g.reshape(split).sum(axis=axis + 1),)


@differentiable
def _concatenate(engine, *arrays, axis=0):
    cuts = [0, *np.cumsum([a.shape[axis] for a in arrays]).tolist()]

    def vjp(g, needed):
        lead = (slice(None),) * (axis % g.ndim)
        return tuple(g[(*lead, slice(*cuts[i : i + 2]))] if needs else None for i, needs in enumerate(needed))

    return engine.xp.concatenate(arrays, axis), vjp


def concatenate(tensors, axis=0):
    """The tensors one after another along an axis they have."""
    return _concatenate(*tensors, axis=axis)


@differentiable
def _stack(engine, *arrays, axis=0):
    def vjp(g, needed):
        lead = (slice(None),) * (axis % g.ndim)
        return tuple(g[(*lead, i)] if needs else None for i, needs in enumerate(needed))

    return engine.xp.stack(arrays, axis), vjp


def stack(tensors, axis=0):
    """The tensors side by side along a new axis."""
    return _stack(*tensors, axis=axis)


def split(x, sections, axis=0):
    """A list of parts of x along `axis`: a number of equal ones, or the indices to cut at."""
    n = x.shape[axis]
    if isinstance(sections, int):
        if n % sections:
            raise ValueError(f"axis {axis} has size {n}, no multiple of {sections}. Pass the indices to cut at.")
        sections = range(n // sections, n, n // sections)
    cuts, lead = [0, *sections, n], (slice(None),) * (axis % x.ndim)
    return [x[(*lead, slice(*cuts[i : i + 2]))] for i in range(len(cuts) - 1)]


@differentiable
def getitem(engine, x, index):
    """x[index]: slices, integers, None, an Ellipsis, boolean and integer arrays."""
    index = tuple(map(_plain, index)) if isinstance(index, tuple) else _plain(index)
    return x[index], lambda g, needed: (_put(engine, g, index, x.shape),)


@differentiable
def take(engine, x, indices, axis=None):
    """The values of x at integer `indices` along `axis`, by default of x as one long axis."""
    flat = x.reshape(-1) if axis is None else x
    index = (*(slice(None),) * ((axis or 0) % flat.ndim), indices)
    return flat[index], lambda g, needed: (_put(engine, g, index, flat.shape).reshape(x.shape), None)


@differentiable
def take_along_axis(engine, x, indices, axis):
    """One value of x for each integer in `indices`, which has the dimensions of x, along `axis`."""
    axis %= x.ndim
    where = [np.arange(n).reshape([-1 if a == b else 1 for b in range(x.ndim)]) for a, n in enumerate(indices.shape)]
    index = tuple(indices if a == axis else engine.asarray(w) for a, w in enumerate(where))
    return engine.xp.take_along_axis(x, indices, axis), lambda g, needed: (_put(engine, g, index, x.shape), None)


@differentiable
def scatter_add(engine, g, index, shape):
    """Zeros of `shape` with g added at `index`, also where a place is named twice: the reverse of getitem."""
    return _put(engine, g, index, shape), lambda h, needed: (h[index],)


def _put(engine, g, index, shape):
    if isinstance(g, Tensor):
        return scatter_add(g, index, tuple(shape))
    xp = engine.xp
    result = xp.zeros(shape, g.dtype)
    if _is_basic(index):
        result[index] = g
    elif isinstance(result, np.ndarray):
        np.add.at(result, index, g)
    else:  # a GPU adds at one place in any order, but for this op: the same bits every time
        places = xp.arange(result.size).reshape(shape)[index]
        sums = engine.nn_dense.embedding_backward(g.reshape(-1, 1), places.reshape(-1), result.size)
        return sums.reshape(shape)
    return result


def _is_basic(index):
    """Whether `index` names no place twice: no integer array in it."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(getattr(part, "dtype", None) in (None, bool) and not isinstance(part, list) for part in parts)


def _plain(part):
    return part.data if isinstance(part, Tensor) else part
