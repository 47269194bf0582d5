"""Launch kernels with arguments cast to, and checked against, what the .cu text declares.

CuPy checks none of it: a Python float is a double to it, an int a long long, an array a raw pointer, and neither the
number nor the types of the arguments are compared with the kernel. The source is the one place that states them.
"""

import functools

import cupy as cp
import numpy as np

from ..._cuda import TEMPLATE_VALUES, expression, kernels_of, load_kernel, parameters, read_source

THREADS_PER_BLOCK = 256
PLAIN_SHARED_BYTES = 48 * 1024  # beyond it a kernel must opt in

DTYPES = {
    "bool": np.dtype(np.bool_),
    "signed char": np.dtype(np.int8),
    "unsigned char": np.dtype(np.uint8),
    "int": np.dtype(np.int32),
    "unsigned": np.dtype(np.uint32),
    "long long": np.dtype(np.int64),
    "index": np.dtype(np.int64),
    "unsigned long long": np.dtype(np.uint64),
    "half": np.dtype(np.float16),
    "float": np.dtype(np.float32),
    "double": np.dtype(np.float64),
}
_C_TYPES = {dtype: c_type for c_type, dtype in DTYPES.items()}
_LIMITS = {c: (np.iinfo(dtype).min, np.iinfo(dtype).max) for c, dtype in DTYPES.items() if dtype.kind in "iu"}


def launch(family, kernel, n, args, *, block=THREADS_PER_BLOCK, grid=None, shared_bytes=0, **template):
    """Run `kernel` of `<family>.cu` with at least `n` threads, on the device where its arrays live.

    Parameters
    ----------
    family, kernel : str
    n : int
        Threads needed. Nothing happens for n = 0, where CuPy would launch one block.
    args : tuple
        What the kernel declares: device arrays (None is a null pointer), numbers, and for a struct a NumPy array of
        one structured element.
    block : int or tuple, default=256
    grid : int or tuple, optional
        Blocks. As many as `n` threads need if not given.
    shared_bytes : int, default=0
        Dynamic shared memory of a block.
    **template
        Template arguments that no array tells, such as ``head_dim=64``. A ``typename`` is the dtype of the first
        array declared with it.
    """
    if n == 0:
        return
    args, name = _typed_arguments(family, kernel, args, template)
    block = _as_tuple(block)
    grid = _as_tuple(-(-n // block[0]) if grid is None else grid)
    with _device_of(f"{family}.{kernel}", args) as device:
        function = load_kernel(family, name)
        if shared_bytes > PLAIN_SHARED_BYTES:
            _opt_in(family, kernel, function, shared_bytes, device)
        function(grid, block, args, shared_mem=shared_bytes)


def _typed_arguments(family, kernel, args, template):
    """(arguments as the kernel declares them, name expression of its instance)"""
    declared, template_parameters = _signature(family, kernel)
    where = f"{family}.{kernel}"
    if len(args) != len(declared):
        names = ", ".join(p.name for p in declared)
        raise TypeError(f"{where} takes {len(declared)} arguments ({names}). Got {len(args)}.")
    types = {p.split()[-1]: _template_value(where, p, declared, args, template) for p in template_parameters}
    typed = tuple(_typed(where, p, arg, types.get(p.c_type, p.c_type)) for p, arg in zip(declared, args))
    return typed, expression(kernel, tuple(types.values()))


@functools.cache
def _signature(family, kernel):
    source = read_source(family)
    return parameters(source, kernel), kernels_of(source)[kernel].template


def _template_value(where, parameter, declared, args, given):
    name = parameter.split()[-1]
    if name in given:
        value = str(given[name])
    else:
        arrays = [arg for p, arg in zip(declared, args) if p.c_type == name and isinstance(arg, cp.ndarray)]
        if not arrays:
            raise TypeError(f"{where}: no array tells what {name} is. Pass {name}=... to launch.")
        value = _C_TYPES.get(arrays[0].dtype, str(arrays[0].dtype))
    if value not in TEMPLATE_VALUES[parameter]:
        raise TypeError(f"{where} is compiled for {name} in {TEMPLATE_VALUES[parameter]}. Got {value}.")
    return value


def _typed(where, parameter, arg, c_type):
    dtype = DTYPES.get(c_type)
    if parameter.is_pointer:
        return _checked_array(where, parameter.name, dtype, arg)
    if isinstance(arg, cp.ndarray):
        raise TypeError(
            f"{where}: {parameter.name} is a number, and reading it from the device would synchronise. "
            "Pass a Python number, or declare a pointer."
        )
    if dtype is None:
        if not (isinstance(arg, np.ndarray) and arg.size == 1):
            raise TypeError(f"{where}: {parameter.name} is a struct {c_type}. Pass a NumPy array of one element.")
        return arg
    if c_type in _LIMITS:
        least, most = _LIMITS[c_type]
        if arg != int(arg) or not least <= arg <= most:
            raise ValueError(f"{where}: {parameter.name} is {c_type}. Got {arg!r}.")
    return dtype.type(arg)


def _checked_array(where, name, dtype, array):
    if array is None:
        return None
    if not isinstance(array, cp.ndarray):
        raise TypeError(f"{where}: {name} must be an array on the device. Got {type(array).__name__}.")
    if dtype is not None and array.dtype != dtype:
        raise TypeError(f"{where}: {name} must have dtype {dtype}. Got {array.dtype}.")
    if not array.flags.c_contiguous:
        raise ValueError(f"{where}: {name} must be C-contiguous: kernels see raw memory. Use xp.ascontiguousarray.")
    return array


def _device_of(where, args):
    """The one device of all arrays: the driver does not ask whose pointer it gets."""
    devices = {arg.device.id: arg.device for arg in args if isinstance(arg, cp.ndarray)}
    if len(devices) != 1:
        raise ValueError(f"{where}: its arrays must live on one device. Got devices {sorted(devices)}.")
    return next(iter(devices.values()))


def _opt_in(family, kernel, function, n_bytes, device):
    limit = device.attributes["MaxSharedMemoryPerBlockOptin"]
    if n_bytes > limit:
        raise ValueError(f"{family}.{kernel} needs {n_bytes} bytes of shared memory a block. The device has {limit}.")
    if function.max_dynamic_shared_size_bytes < n_bytes:
        function.max_dynamic_shared_size_bytes = n_bytes


def _as_tuple(extent):
    return (extent,) if isinstance(extent, int) else tuple(extent)
