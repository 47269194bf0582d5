"""The nodes of indexing: slices, integers, new axes, and one array of integers."""

import numpy as np

LAST = np.iinfo(np.int64).max


def getitem(g, x, index):
    """Slices first, then the array, then integers from the last axis on; new axes at the end."""
    parts = _in_full(index if isinstance(index, tuple) else (index,), x.ndim)
    axes = [None if part is None else axis for part, axis in zip(parts, _axes(parts))]
    name = _sliced(g, g.value(x), [(a, part) for a, part in zip(axes, parts) if isinstance(part, slice)])
    arrays = [(a, _integers(part)) for a, part in zip(axes, parts) if isinstance(part, (list, np.ndarray))]
    numbers = [(a, int(part)) for a, part in zip(axes, parts) if isinstance(part, (int, np.integer))]
    if len(arrays) > 1 or (arrays and numbers):
        g.refuse("indexes with an array and another array or number at once: take one after the other")
    for axis, places in [*arrays, *reversed(numbers)]:
        name = g.node("Gather", name, g.constant(np.array(places, dtype=np.int64)), axis=axis)
    new = _new_axes(parts)
    return g.node("Unsqueeze", name, g.integers(*new)) if new else name


def take(g, x, indices, axis=None):
    name = g.value(x)
    if axis is None:
        name, axis = g.node("Reshape", name, g.integers(-1)), 0
    return g.node("Gather", name, g.value(indices, np.int64), axis=axis)


def _in_full(parts, ndim):
    """With as many slices as an Ellipsis, or the end, stands for; booleans become integers."""
    parts = [part.data if hasattr(part, "engine") else part for part in parts]
    missing = ndim - sum(part is not None and part is not Ellipsis for part in parts)
    at = next((i for i, part in enumerate(parts) if part is Ellipsis), None)
    fill = [slice(None)] * missing
    return parts + fill if at is None else parts[:at] + fill + parts[at + 1 :]


def _axes(parts):
    """The axis of x that each part is of; None takes none."""
    axis = 0
    for part in parts:
        yield axis
        axis += part is not None


def _integers(part):
    part = np.asarray(part)
    return np.flatnonzero(part) if part.dtype == bool and part.ndim == 1 else part


def _sliced(g, name, slices):
    slices = [(axis, part) for axis, part in slices if part != slice(None)]
    if not slices:
        return name
    steps = [1 if part.step is None else part.step for _, part in slices]
    starts = [part.start if part.start is not None else 0 if s > 0 else LAST for (_, part), s in zip(slices, steps)]
    stops = [part.stop if part.stop is not None else LAST if s > 0 else -LAST for (_, part), s in zip(slices, steps)]
    axes = [axis for axis, _ in slices]
    return g.node("Slice", name, *(g.integers(*numbers) for numbers in (starts, stops, axes, steps)))


def _new_axes(parts):
    """Where the None of an index stand in the result."""
    at, new = 0, []
    for part in parts:
        if part is None:
            new.append(at)
        at += 0 if isinstance(part, (int, np.integer)) else np.ndim(_integers(part)) if _is_array(part) else 1
    return new


def _is_array(part):
    return isinstance(part, (list, np.ndarray))
