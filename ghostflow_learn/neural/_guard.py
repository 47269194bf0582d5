"""The checks of anomaly mode: finite values, the stack of the forward call, saved arrays that cannot be written to."""

import threading
import traceback

import numpy as np

_lock = threading.RLock()  # a guard may be collected, and so let go, while this thread is inside
_held = {}  # id -> [array, how many guards hold it]


class Guard:
    """Makes arrays read-only for as long as it lives."""

    def __init__(self, arrays):
        self.keys = []
        with _lock:
            for array in arrays:
                if id(array) in _held:
                    _held[id(array)][1] += 1
                elif array.flags.writeable:
                    array.flags.writeable = False
                    _held[id(array)] = [array, 1]
                else:  # read-only already, by its owner's wish
                    continue
                self.keys.append(id(array))

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
        node.guard = Guard([a for a in (*arrays, value) if isinstance(a, np.ndarray)])


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
