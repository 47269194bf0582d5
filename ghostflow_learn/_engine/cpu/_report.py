"""What the CPU engine runs on and has compiled, for `warmup` and `doctor`."""

import os
import pkgutil
from importlib import import_module

import llvmlite.binding as llvm
import numba
from numba.core.dispatcher import Dispatcher

TELLING_FEATURES = ("sse4.2", "avx", "avx2", "fma", "avx512f", "avx512bw", "amx-int8", "neon", "sve")


def cpu():
    """The CPU's name and the vector instructions LLVM may use on it."""
    features = llvm.get_host_cpu_features()
    return llvm.get_host_cpu_name(), [name for name in TELLING_FEATURES if features.get(name)]


def kernels():
    """Every compiled function of the engine, by its name."""
    package = import_module(__package__)
    modules = [import_module(f"{__package__}.{name}") for _, name, _ in pkgutil.iter_modules(package.__path__)]
    return {
        f"{module.__name__.rpartition('.')[2]}.{name}": value
        for module in modules
        for name, value in vars(module).items()
        if isinstance(value, Dispatcher) and value.py_func.__module__ == module.__name__
    }


def cache_folders():
    """Where compiled kernels are kept, and whether new ones can be."""
    paths = {getattr(kernel._cache, "cache_path", None) for kernel in kernels().values()}
    return {path: os.path.isdir(path) and os.access(path, os.W_OK) for path in sorted(filter(None, paths))}


def version():
    return numba.__version__
