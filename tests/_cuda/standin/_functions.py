"""The functions of the stand-in: NumPy's arithmetic with CuPy's keywords and refusals."""

import numpy as np

from ._array import count, ndarray, scatter, unwrap, wrap

__all__ = [
    "array", "asarray", "ascontiguousarray", "asfortranarray", "asnumpy", "empty", "empty_like", "get_array_module",
]  # fmt: skip

linalg_errors = ["ignore"]  # as in cupyx.errstate(linalg=...)

_SYNCHRONISE = {
    "nonzero", "flatnonzero", "argwhere", "unique", "bincount", "array_equal", "allclose", "setdiff1d",
    "intersect1d", "union1d", "extract", "compress", "histogram", "repeat",
}  # fmt: skip
_RETURN_VIEWS = {
    "reshape", "transpose", "ravel", "squeeze", "expand_dims", "broadcast_to", "swapaxes", "moveaxis",
    "atleast_1d", "atleast_2d", "split", "array_split", "diagonal", "flip", "rollaxis",
}  # fmt: skip
_SILENT_GARBAGE = {"cholesky": 0, "inv": 0, "solve": 1, "solve_triangular": 1}  # which argument has the result's shape
_HAVE_AT = {"add", "subtract", "maximum", "minimum", "bitwise_and", "bitwise_or", "bitwise_xor"}
_SMALL = (np.int8, np.int16, np.uint8, np.uint16, np.bool_)


class Function:
    """One function or ufunc: called with device arrays, it counts, checks, and lets NumPy compute."""

    def __init__(self, name, numpy_function, spec, module="cupy"):
        self.name = self.__name__ = name
        self.numpy_function, self.is_ufunc, self.module = numpy_function, spec["ufunc"], module
        parameters = spec["params"]
        takes_all = parameters is None or any(p.startswith("**") for p in parameters)
        self.keywords = None if takes_all else set(parameters)

    def __call__(self, *args, **kwargs):
        self._check_keywords(args, kwargs)
        count("op")
        if self.name in _SYNCHRONISE or (self.name == "where" and len(args) == 1):
            count("sync")
        out = kwargs.pop("out", None)
        host_args = [unwrap(a, refuse_sequences=self.is_ufunc) for a in args]
        host_kwargs = {k: unwrap(v) for k, v in kwargs.items()}
        if out is not None:
            if not isinstance(out, ndarray):
                raise TypeError("return arrays must be of ArrayType")
            host_kwargs["out"] = unwrap(out)
        result = self._compute(host_args, host_kwargs)
        return out if out is not None else wrap(result, view=self.name in _RETURN_VIEWS)

    def _check_keywords(self, args, kwargs):
        allowed = {"out", "dtype", "casting"} if self.is_ufunc else self.keywords
        if allowed is not None and set(kwargs) - allowed:
            raise TypeError(f"{self.module}.{self.name}() got unexpected keywords {sorted(set(kwargs) - allowed)}")
        if self.name in ("sort", "argsort") and kwargs.get("kind") not in (None, "stable"):
            raise ValueError("kind must be None or 'stable'")
        if self.name == "lexsort" and not isinstance(args[0], ndarray):
            raise AttributeError("lexsort: keys must be one (k, N) device array, not a tuple")

    def _compute(self, args, kwargs):
        with np.errstate(all="ignore"):
            try:
                return self.numpy_function(*args, **kwargs)
            except np.linalg.LinAlgError:
                if linalg_errors[0] == "raise" or self.name not in _SILENT_GARBAGE:
                    raise
                shape = args[_SILENT_GARBAGE[self.name]].shape
                return np.full(shape, np.nan, np.result_type(args[0], np.float32))

    def __getattr__(self, name):
        if not self.is_ufunc:
            raise AttributeError(name)
        if name == "at" and self.name in _HAVE_AT:
            return self._at
        if name in ("reduce", "accumulate", "outer", "reduceat"):
            method = getattr(self.numpy_function, name)
            return lambda *args, **kwargs: wrap(method(*unwrap(args), **unwrap(kwargs)))
        if name in ("nin", "nout", "identity", "types"):
            return getattr(self.numpy_function, name)
        raise AttributeError(name)

    def _at(self, array, key, value=None):
        only_32_bit = self.name == "subtract" and array.dtype not in (np.int32, np.uint32)
        if only_32_bit or array.dtype in _SMALL:
            raise TypeError(f"cupy.{self.name}.at does not support {array.dtype}")
        scatter(getattr(np, self.name), array, key, value)


# ---------------------------------------------------------------- creation and transfer


def array(obj, dtype=None, copy=True, order="K", subok=False, ndmin=0, *, blocking=False):
    if isinstance(obj, ndarray):  # also from another device
        return wrap(np.array(obj._host, dtype=dtype, order=order, ndmin=ndmin))
    if isinstance(obj, (list, tuple)):
        obj = [o._host if isinstance(o, ndarray) else o for o in obj]
    host = np.array(obj, dtype=dtype, order="C" if order == "K" else order, ndmin=ndmin)
    count("h2d", host.nbytes)
    return wrap(host)


def asarray(a, dtype=None, order=None, *, copy=None, blocking=False):
    if isinstance(a, ndarray) and copy is not True and (dtype is None or np.dtype(dtype) == a.dtype):
        flags = a.flags
        same_order = order in (None, "K", "A") or (flags.c_contiguous if order == "C" else flags.f_contiguous)
        if same_order and a.device.id == type(a.device)().id:
            return a
    return array(a, dtype=dtype, order=order or "K")


def ascontiguousarray(a, dtype=None):
    return _in_order("C", a, dtype)


def asfortranarray(a, dtype=None):
    return _in_order("F", a, dtype)


def _in_order(order, a, dtype):
    if not isinstance(a, ndarray):  # unlike NumPy's, and unlike cupy.asarray
        raise TypeError(f"Argument 'a' has incorrect type (expected cupy._core.core._ndarray_base, got {type(a)})")
    return asarray(a.reshape(1) if a.ndim == 0 else a, dtype=dtype, order=order)


def asnumpy(a, stream=None, order="C", out=None, *, blocking=True):
    return a.get(out=out) if isinstance(a, ndarray) else np.asarray(a, order=order)


def empty(shape, dtype=float, order="C"):
    return ndarray(shape, dtype)


def empty_like(prototype, dtype=None, order="K", subok=None, shape=None):
    return ndarray(prototype.shape if shape is None else shape, dtype or prototype.dtype)


def get_array_module(*args):
    from ._modules import cupy

    return cupy if any(isinstance(a, ndarray) for a in args) else np
