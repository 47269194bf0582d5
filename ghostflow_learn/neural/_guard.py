"""The checks of anomaly mode: finite values, the stack of the forward call, saved arrays that nobody may change."""

import threading
import traceback

import numpy as np

_lock = threading.RLock()  # a guard may be collected, and so let go, while this thread is inside
_held = {}  # id -> [array, how many guards hold it]


class Guard:
    """Makes NumPy arrays read-only for as long as it lives.

    Arrays of a GPU have no such flag, and a view may still be changed through the array that owns its memory, as
    parameters are by an optimizer: of these it keeps copies to compare with.
    """

    def __init__(self, arrays):
        self.keys, self.copies = [], []
        with _lock:
            for array in arrays:
                if not isinstance(array, np.ndarray):
                    self.copies.append((array, array.copy()))
                    continue
                if array.base is not None:
                    self.copies.append((array, array.copy()))
                if id(array) in _held:
                    _held[id(array)][1] += 1
                elif array.flags.writeable:
                    array.flags.writeable = False
                    _held[id(array)] = [array, 1]
                else:  # read-only already, by its owner's wish
                    continue
                self.keys.append(id(array))

    def finds_change(self):
        """Whether one of the arrays it has copies of holds other values now."""
        return not all(bool(((a == b) | ((a != a) & (b != b))).all()) for a, b in self.copies)

    def __del__(self):
        with _lock:
            for key in self.keys:
                _held[key][1] -= 1
            for key, (array, holders) in list(_held.items()):
                if not holders and _made_writeable(array):
                    del _held[key]


def _made_writeable(array):
    try:
        array.flags.writeable = True
    except ValueError:  # a view of an array that is still held: the guard that lets go of that one tries again
        return False
    return True


def after_forward(name, node, arrays, value, engine):
    """Look at the value of a call; keep its stack and hold its arrays if it was recorded."""
    if not is_finite(value, engine):
        raise FloatingPointError(f"{name} returned NaN or infinity, for {_described(arrays, engine)}.")
    if node is not None:
        node.trace = "".join(traceback.format_stack()[:-2])
        node.guard = Guard([a for a in (*arrays, value) if hasattr(a, "flags")])


def before_backward(node):
    """Look whether the arrays that the gradient of a node needs are as they were."""
    if node.guard is not None and node.guard.finds_change():
        raise RuntimeError(
            f"An array that the gradient of {node.name} needs has been changed in place since the call. Call "
            f"backward() before the change, or change a copy. It was called here:\n{node.trace}"
        )


def after_backward(node, grads, engine):
    """Look at the gradients that a node sends to its parents."""
    for position, grad in enumerate(grads):
        if grad is not None and not is_finite(grad, engine):
            where = f" It was called here:\n{node.trace}" if node.trace else ""
            raise FloatingPointError(
                f"The gradient of {node.name} for its argument {position} has NaN or infinity in it.{where}"
            )


def is_finite(value, engine):
    value = getattr(value, "data", value) if not hasattr(value, "flags") else value
    return value.dtype.kind not in "fc" or bool(engine.xp.isfinite(value).all())


def _described(arrays, engine):
    found = []
    for array in arrays:
        if hasattr(array, "dtype"):
            finite = "finite" if is_finite(array, engine) else "not finite"
            found.append(f"shape {tuple(array.shape)} {array.dtype} ({finite})")
    return ", ".join(found) or "numbers"
