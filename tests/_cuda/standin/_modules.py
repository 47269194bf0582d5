"""The modules `cupy` and `cupyx` of the stand-in, filled with every name that both the real CuPy and NumPy have."""

import contextlib
import types

import numpy as np
import scipy.linalg
import scipy.special

from .. import emulator
from . import _array, _cuda, _functions
from ._array import API, count, ndarray
from ._functions import Function, linalg_errors

_SAME_AS_NUMPY = [
    "float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool_",
    "intp", "complex64", "complex128", "dtype", "finfo", "iinfo", "result_type", "promote_types",
]  # fmt: skip


class Kernel(emulator.Kernel):
    def __call__(self, grid, block, args, **kwargs):
        count("launch")
        for param, arg in zip(self.params, args):
            if isinstance(arg, np.ndarray) and (arg.size != 1 or param.kind == b"p"):
                raise TypeError("You are trying to pass a numpy.ndarray as a kernel parameter")
            if isinstance(arg, ndarray):
                arg._on_current_device()
        super().__call__(grid, block, args, **kwargs)


class RawModule(emulator.RawModule):
    _kernel_class = Kernel


def RawKernel(code, name, options=()):
    return RawModule(code=code, options=options).get_function(name)


def ElementwiseKernel(*args, **kwargs):
    raise NotImplementedError("write it as a RawModule kernel: the emulator runs CUDA C++ only")


@contextlib.contextmanager
def errstate(*, linalg=None, **kwargs):
    before, linalg_errors[0] = linalg_errors[0], linalg or linalg_errors[0]
    try:
        yield
    finally:
        linalg_errors[0] = before


def _module(name, **contents):
    module = types.ModuleType(name)
    module.__dict__.update(contents)
    return module


def _mirror(name, numpy_module, into=None):
    """Fill a module with every function that both the real CuPy and `numpy_module` have."""
    module = into or _module(name)
    for n, spec in API[name].items():
        f = getattr(numpy_module, n, None)
        if f is not None and n not in module.__dict__:
            module.__dict__[n] = Function(n, f, spec, name) if spec["kind"] == "func" else f
    return module


class _Cupy(types.ModuleType):
    def __getattr__(self, name):
        if name in API["cupy"]:
            raise NotImplementedError(f"cupy.{name} exists, but this stand-in has no NumPy counterpart for it")
        raise AttributeError(f"module 'cupy' has no attribute '{name}'")


def _make_cuda():
    runtime = _module(
        "cupy.cuda.runtime",
        getDeviceCount=lambda: _cuda.N_DEVICES,
        CUDARuntimeError=RuntimeError,
        deviceSynchronize=lambda: count("sync"),
        getDeviceProperties=lambda i: {"name": b"stand-in", "multiProcessorCount": 4, "major": 9, "minor": 0},
    )
    memory = _module("cupy.cuda.memory", OutOfMemoryError=_cuda.OutOfMemoryError)
    return _module(
        "cupy.cuda",
        is_available=lambda: True,
        Device=_cuda.Device,
        Stream=_cuda.Stream,
        Event=_cuda.Event,
        get_elapsed_time=_cuda.get_elapsed_time,
        get_current_stream=lambda: _cuda.Stream.null,
        runtime=runtime,
        memory=memory,
    )


def _make_cupy():
    module = _Cupy("cupy")
    module.__path__ = []
    for name in _functions.__all__:
        setattr(module, name, getattr(_functions, name))
    module.__dict__.update(ndarray=ndarray, RawModule=RawModule, RawKernel=RawKernel)
    module.__dict__.update(dict.fromkeys(("ElementwiseKernel", "ReductionKernel", "fuse"), ElementwiseKernel))
    module.__dict__.update(cuda=_make_cuda(), is_available=lambda: True, __version__=API["version"])
    module.__dict__.update(newaxis=None, pi=np.pi, inf=np.inf, nan=np.nan, e=np.e)
    for name in _SAME_AS_NUMPY:
        setattr(module, name, getattr(np, name))
    _mirror("cupy", np, into=module)
    module.linalg, module.fft = _mirror("cupy.linalg", np.linalg), _mirror("cupy.fft", np.fft)
    return module


def _make_cupyx():
    linalg = _mirror("cupyx.scipy.linalg", scipy.linalg)
    special = _mirror("cupyx.scipy.special", scipy.special)
    inner = _module("cupyx.scipy", linalg=linalg, special=special, get_array_module=_functions.get_array_module)
    module = _module("cupyx", scipy=inner, errstate=errstate)
    for name in ("scatter_add", "scatter_max", "scatter_min"):
        setattr(module, name, lambda a, key, value, _name=name: getattr(a, _name)(key, value))
    module.rsqrt = Function("rsqrt", lambda x: 1 / np.sqrt(x), {"ufunc": True, "params": None}, "cupyx")
    module.__path__ = inner.__path__ = []
    return module


cupy, cupyx = _make_cupy(), _make_cupyx()
MODULES = {
    module.__name__: module
    for module in (
        cupy, cupy.cuda, cupy.cuda.runtime, cupy.cuda.memory, cupy.linalg, cupy.fft,
        cupyx, cupyx.scipy, cupyx.scipy.linalg, cupyx.scipy.special,
    )
}  # fmt: skip
_array.functions.update({name: f for name, f in cupy.__dict__.items() if callable(f)})
_array.submodules.update({"numpy.linalg": cupy.linalg, "numpy.fft": cupy.fft})
