"""The array of the stand-in: a NumPy array behind the border that a real device array has.

Everything CuPy refuses at that border is refused here: implicit conversion to NumPy, host arrays in device
operations, arrays of another device, attributes and methods CuPy lacks.
"""

import contextlib
import json
import types
from pathlib import Path

import numpy as np

from ..emulator import device_array, device_empty
from . import _cuda

API = json.loads((Path(__file__).resolve().parent / "cupy_api.json").read_text())
_ATTRIBUTES = set(API["ndarray"])

functions = {}  # name -> function of the stand-in's namespace; filled by _modules
submodules = {}  # "numpy.linalg" -> the stand-in's module of that name; filled by _modules

stats = dict.fromkeys(("launch", "op", "sync", "h2d", "h2d_bytes", "d2h", "d2h_bytes", "host_iter"), 0)


def count(kind, n_bytes=0):
    stats[kind] += 1
    if n_bytes:
        stats[f"{kind}_bytes"] += n_bytes


@contextlib.contextmanager
def counting():
    """Yields a dict that holds, afterwards, how much of each kind of event the block caused.

    The kinds: "launch" of a kernel of ours, "op" (any function of CuPy), "sync" (the host waits for the device), "h2d"
    and "d2h" (transfers, with "h2d_bytes" and "d2h_bytes"), "host_iter" (a Python loop over a device array).
    """
    before, events = dict(stats), {}
    yield events
    events.update({kind: stats[kind] - before[kind] for kind in stats})


# ---------------------------------------------------------------- NumPy in, NumPy out


def wrap(result, view=False):
    """NumPy result -> device result: scalars become 0-d arrays, fresh memory gets a device's alignment."""
    if isinstance(result, np.ndarray):
        if not view or result.base is None:
            result = _moved_to_device(result)
        array = object.__new__(ndarray)
        array._host = result
        array._device = _cuda.current_device()
        return array
    if isinstance(result, np.generic):
        return wrap(np.asarray(result))
    if isinstance(result, tuple):
        return type(result)(*map(wrap, result)) if hasattr(result, "_fields") else tuple(map(wrap, result))
    if isinstance(result, list):
        return [wrap(r) for r in result]
    return result


def _moved_to_device(a):
    if a.dtype.hasobject or a.dtype.kind in "SUOmM":
        raise ValueError(f"Unsupported dtype {a.dtype}")
    a = a.astype(a.dtype.newbyteorder("<"), copy=False)
    _cuda.require_memory(a.nbytes)
    if a.ndim >= 2 and a.flags.f_contiguous and not a.flags.c_contiguous:
        return device_array(a.T).T
    return device_array(a)


def unwrap(value, refuse_sequences=False):
    """Device argument -> NumPy argument. Host arrays are refused, as CuPy refuses them."""
    if isinstance(value, ndarray):
        return value._on_current_device()
    if isinstance(value, np.ndarray):
        if value.ndim:
            raise TypeError(f"Unsupported type {type(value)}: a host array where a device array belongs")
        return value
    if isinstance(value, (list, tuple)):
        if refuse_sequences:
            raise TypeError(f"Unsupported type {type(value)}")
        return type(value)(unwrap(v) for v in value)
    if isinstance(value, dict):
        return {k: unwrap(v) for k, v in value.items()}
    return value


# ---------------------------------------------------------------- indexing


def index_key(key):
    """A key NumPy understands; boolean masks synchronise and host indices are uploaded."""

    def one(part):
        if isinstance(part, ndarray):
            if part._host.dtype == bool:
                count("sync")
            return part._on_current_device()
        if isinstance(part, (list, np.ndarray)) and np.ndim(part):
            count("h2d", np.asarray(part).nbytes)
        return part

    return tuple(map(one, key)) if isinstance(key, tuple) else one(key)


def _refuse_duplicates(key):
    """Assignment through an index that names an element twice: on a GPU the stored value is undefined."""
    parts = key if isinstance(key, tuple) else (key,)
    parts = [np.asarray(p) for p in parts if isinstance(p, (list, np.ndarray))]
    if not parts or any(p.dtype.kind not in "iu" for p in parts):
        return
    columns = np.stack([p.ravel() for p in np.broadcast_arrays(*parts)], axis=1)
    if len(np.unique(columns, axis=0)) != len(columns):
        raise AssertionError("assignment through an index with duplicates: undefined on a GPU")


def scatter(ufunc, array, key, value):
    if not isinstance(array, ndarray):
        raise TypeError("scatter needs a device array")
    count("op")
    ufunc.at(array._on_current_device(), index_key(key), unwrap(value))


# ---------------------------------------------------------------- the array


class ndarray:
    __slots__ = ("_device", "_host")
    __array_priority__ = 100
    __hash__ = None

    def __init__(self, shape, dtype=float, memptr=None, strides=None, order="C"):
        _cuda.require_memory(int(np.prod(shape)) * np.dtype(dtype).itemsize)
        self._host = device_empty(shape, dtype)
        self._device = _cuda.current_device()

    def _on_current_device(self):
        if self._device != _cuda.current_device():
            raise ValueError(
                "Array device must be same as the current device: "
                f"array device = {self._device} while current = {_cuda.current_device()}"
            )
        return self._host

    def __array__(self, *args, **kwargs):
        raise TypeError(
            "Implicit conversion to a NumPy array is not allowed. "
            "Please use `.get()` to construct a NumPy array explicitly."
        )

    @property
    def __cuda_array_interface__(self):
        return {
            "shape": self._host.shape,
            "typestr": self._host.dtype.str,
            "data": (self._host.ctypes.data, False),
            "version": 3,
            "strides": None,
        }

    # from device to host: each waits for the device
    def _to_host(self):
        count("sync")
        count("d2h", self._host.nbytes)
        return self._host

    def get(self, stream=None, order="C", out=None, blocking=True):
        host = self._to_host()
        if out is None:
            return np.array(host, order=order)
        out[...] = host
        return out

    def set(self, arr, stream=None):
        if not isinstance(arr, np.ndarray):
            raise TypeError("Only numpy.ndarray can be set to cupy.ndarray")
        if arr.dtype != self._host.dtype:
            raise TypeError(f"{arr.dtype} array cannot be set to {self._host.dtype} array")
        if arr.shape != self._host.shape:
            raise ValueError("Shape mismatch")
        count("h2d", arr.nbytes)
        self._host[...] = arr

    def item(self, *args):
        return self._to_host().item(*args)

    def tolist(self):
        return self._to_host().tolist()

    def __bool__(self):
        return bool(self._to_host())

    def __float__(self):
        return float(self._to_host())

    def __int__(self):
        return int(self._to_host())

    def __index__(self):
        return self._to_host().__index__()

    def __complex__(self):
        return complex(self._to_host())

    # what stays on the device
    def __len__(self):
        return len(self._host)

    def __iter__(self):
        if self._host.ndim == 0:
            raise TypeError("iteration over a 0-d array")
        count("host_iter")
        return (wrap(row, view=True) for row in self._host)

    def __contains__(self, value):
        raise TypeError("'in' is not defined for device arrays here")

    def __repr__(self):
        return f"stand-in {self._host!r}"

    def __getitem__(self, key):
        key = index_key(key)
        return wrap(self._on_current_device()[key], view=True)

    def __setitem__(self, key, value):
        if isinstance(value, np.ndarray) and value.ndim:
            raise TypeError(f"Unsupported type {type(value)}")
        key, value = index_key(key), unwrap(value)
        if np.ndim(value):
            _refuse_duplicates(key)
        self._on_current_device()[key] = value

    # NumPy's protocols lead to the stand-in's own functions
    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        f = functions.get(ufunc.__name__)
        if f is None:
            return NotImplemented
        if "out" in kwargs:
            kwargs["out"] = kwargs["out"][0]
        return (f if method == "__call__" else getattr(f, method))(*inputs, **kwargs)

    def __array_function__(self, func, types_, args, kwargs):
        module = submodules.get(func.__module__)
        f = getattr(module, func.__name__, None) if module else functions.get(func.__name__)
        return NotImplemented if f is None else f(*args, **kwargs)

    def __getattr__(self, name):
        if name.startswith("__") or name not in _ATTRIBUTES:
            raise AttributeError(f"'cupy.ndarray' object has no attribute '{name}'")
        value = getattr(self._on_current_device(), name)
        if not callable(value):
            return wrap(value, view=True) if isinstance(value, np.ndarray) else value

        def method(*args, **kwargs):
            count("op")
            if name in ("nonzero", "compress"):
                count("sync")
            return wrap(value(*unwrap(args), **unwrap(kwargs)), view=True)

        return method

    dtype = property(lambda self: self._host.dtype)
    ndim = property(lambda self: self._host.ndim)
    size = property(lambda self: self._host.size)
    itemsize = property(lambda self: self._host.itemsize)
    nbytes = property(lambda self: self._host.nbytes)
    strides = property(lambda self: self._host.strides)
    flags = property(lambda self: self._host.flags)
    T = property(lambda self: wrap(self._on_current_device().T, view=True))
    data = property(lambda self: types.SimpleNamespace(ptr=self._host.ctypes.data, device_id=self._device))
    device = property(lambda self: _cuda.Device(self._device))

    @property
    def shape(self):
        return self._host.shape

    @shape.setter
    def shape(self, shape):
        self._host.shape = shape

    def scatter_add(self, key, value):
        scatter(np.add, self, key, value)

    def scatter_max(self, key, value):
        scatter(np.maximum, self, key, value)

    def scatter_min(self, key, value):
        scatter(np.minimum, self, key, value)


ndarray.__module__ = "cupy"  # what the package under test looks at, before it imports CuPy


def _binary(ufunc_name, swapped=False, in_place=False):
    def operator(self, other):
        if other is None or isinstance(other, (str, dict)):
            return NotImplemented
        f = functions[ufunc_name]
        if in_place:
            return f(self, other, out=self)
        return f(other, self) if swapped else f(self, other)

    return operator


_ARITHMETIC = {
    "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "divide", "floordiv": "floor_divide",
    "mod": "remainder", "pow": "power", "lshift": "left_shift", "rshift": "right_shift", "xor": "bitwise_xor",
    "and": "bitwise_and", "or": "bitwise_or",
}  # fmt: skip
_COMPARISONS = {
    "lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal", "eq": "equal", "ne": "not_equal",
}  # fmt: skip
_UNARY = {"neg": "negative", "pos": "positive", "abs": "absolute", "invert": "invert"}

for _name, _ufunc in _ARITHMETIC.items():
    setattr(ndarray, f"__{_name}__", _binary(_ufunc))
    setattr(ndarray, f"__r{_name}__", _binary(_ufunc, swapped=True))
    setattr(ndarray, f"__i{_name}__", _binary(_ufunc, in_place=True))
ndarray.__matmul__, ndarray.__rmatmul__ = _binary("matmul"), _binary("matmul", swapped=True)
for _name, _ufunc in _COMPARISONS.items():
    setattr(ndarray, f"__{_name}__", _binary(_ufunc))
for _name, _ufunc in _UNARY.items():
    setattr(ndarray, f"__{_name}__", lambda self, _ufunc=_ufunc: functions[_ufunc](self))
