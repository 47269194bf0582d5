"""RawModule and its kernels: arguments are checked against the compiled kernel's own description, then it runs."""

import contextlib
import ctypes
import os
import re

import numpy as np

from ._compile import build, source_lines

DEFAULT_SHARED_BYTES = 48 * 1024

# The order in which blocks, warps and lanes run. Every kernel test runs under all of them.
SCHEDULES = ("up", "down", "shuffled-1", "shuffled-2")
_schedule = ["up"]

_KERNEL = re.compile(
    r'(template\s*<[^;{}]*?>\s*)?(extern\s*"C"\s*)?__global__\s+(?:static\s+)?(?:void\s+)?'
    r"(?:__launch_bounds__\s*\(([^)]*)\)\s*)?(?:void\s+)?(\w+)\s*\("
)


class EmulationError(RuntimeError):
    """A kernel did something a GPU would fault on, or whose result a GPU leaves undefined."""


@contextlib.contextmanager
def use_schedule(name):
    """Run every launch of the block in the order `name`, one of SCHEDULES."""
    before, _schedule[0] = _schedule[0], name
    try:
        yield
    finally:
        _schedule[0] = before


class RawModule:
    """The call surface of cupy.RawModule.

    Parameters
    ----------
    code : str
    options : tuple of str
        Only -D, -I, -U and -std act.
    backend : str
        Taken and without meaning here.
    name_expressions : sequence of str, optional
    check : bool, optional
        The checked build. True unless GHOSTFLOW_EMULATOR_CHECK=0.
    filename : str
        What messages call a source that has no #line.
    """

    def __init__(self, *, code, options=(), backend="nvrtc", name_expressions=None, check=None, filename="kernel.cu"):
        self.check = os.environ.get("GHOSTFLOW_EMULATOR_CHECK", "1") != "0" if check is None else check
        self.code, self.options, self.name_expressions = code, tuple(options), tuple(name_expressions or ())
        self.filename = filename
        self.library = None

    def compile(self, log_stream=None):
        if self.library is not None:
            return
        kernels = list(_KERNEL.finditer(self.code))
        self.launch_bounds = {match[4]: match[3] for match in kernels}
        self.symbols = {match[4]: match[4] for match in kernels if match[2]}  # C++ names are mangled
        for i, name in enumerate(self.name_expressions):
            self.symbols.setdefault(name, f"ne{i}")
        self.path = build(self.code, self.symbols, check=self.check, options=self.options, filename=self.filename)
        self.library = ctypes.CDLL(str(self.path))
        self.library.emu_error.restype = ctypes.c_char_p
        self.library.emu_register.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p]
        self.library.emu_unregister.argtypes = [ctypes.c_void_p]
        self.library.emu_launch.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]

    def get_function(self, name):
        self.compile()
        if name not in self.symbols:
            raise KeyError(f'named symbol not found: {name} (make it extern "C" or list it in name_expressions)')
        return self._kernel_class(self, name)


class Kernel:
    """A kernel of a RawModule: call it with a grid, a block and its arguments.

    Attributes
    ----------
    stats : dict
        Of the last launch: switches between fibers, checked accesses, warnings, bytes of static shared memory.
    """

    def __init__(self, module, name):
        symbol = module.symbols[name]
        self.module, self.name = module, name
        self._stub = ctypes.cast(getattr(module.library, f"emu_stub_{symbol}"), ctypes.c_void_p)
        signature = getattr(module.library, f"emu_sig_{symbol}")
        signature.restype = ctypes.POINTER(_Param)
        self.params = signature()[: getattr(module.library, f"emu_nargs_{symbol}")()]
        self.max_dynamic_shared_size_bytes = DEFAULT_SHARED_BYTES
        bounds = (module.launch_bounds.get(name.split("<")[0]) or "").split(",")[0].strip()
        self.max_threads_per_block = int(bounds) if bounds.isdigit() else 1024
        self.stats = {}

    def __call__(self, grid, block, args, *, shared_mem=0, stream=None, schedule=None, strict=True, blocks=(0, 0)):
        """Launch. `schedule` is one of SCHEDULES; `blocks=(first, count)` runs only some of the grid."""
        if len(args) != len(self.params):
            raise EmulationError(
                f"{self.name}: {len(args)} arguments for {len(self.params)} parameters (CuPy does not check this)"
            )
        grid, block = (tuple(max(1, int(n)) for n in (*shape, 1, 1)[:3]) for shape in (grid, block))
        self._check_limits(block, shared_mem)
        arrays = []
        data = [self._as_c(i, arg, arrays) for i, arg in enumerate(args)]
        order, seed = _parse_schedule(schedule or _schedule[0])
        self._run(data, arrays, _Launch(grid, block, shared_mem, seed, order, self.module.check, strict, *blocks))

    def _run(self, data, arrays, launch):
        library = self.module.library
        vector = (ctypes.c_void_p * max(1, len(data)))(*[ctypes.addressof(d) for d in data])
        regions = _merge_overlapping(arrays) if self.module.check else []
        for start, n_bytes, name in regions:
            library.emu_register(start, n_bytes, name.encode())
        try:
            failed = library.emu_launch(self._stub, vector, ctypes.byref(launch))
        finally:
            for start, *_ in regions:
                library.emu_unregister(start)
        stats = (ctypes.c_uint64 * 4)()
        library.emu_stats(stats)
        self.stats = dict(zip(("switches", "accesses", "warnings", "static_shared_bytes"), stats))
        if failed:
            message = source_lines(self.module.path, library.emu_error().decode())
            raise EmulationError(f"{self.name}: {message}")

    def _as_c(self, i, value, arrays):
        """One argument as ctypes data; device arrays are noted in `arrays`."""
        param, where = self.params[i], f"{self.name}: argument {i}"
        value = getattr(value, "_host", value)  # an array of the stand-in for CuPy
        if value is None:
            return ctypes.c_void_p(0)
        if isinstance(value, np.ndarray) and param.kind == b"p":
            _check_pointer(where, value, param)
            if value.size:
                arrays.append((value.ctypes.data, value.nbytes, f"arg{i}"))
            return ctypes.c_void_p(value.ctypes.data if value.size else 0)
        if isinstance(value, np.ndarray) and value.size != 1:
            raise EmulationError(f"{where}: an array for a parameter that is not a pointer")
        value = _as_cupy_converts(value)
        if not isinstance(value, np.generic):
            raise TypeError(f"{where}: unsupported type {type(value)}")
        _check_scalar(where, value, param)
        return ctypes.create_string_buffer(value.tobytes(), max(16, value.itemsize))

    def _check_limits(self, block, shared_mem):
        if block[0] * block[1] * block[2] > self.max_threads_per_block:
            raise EmulationError(f"{self.name}: {block} threads, __launch_bounds__ allow {self.max_threads_per_block}")
        if shared_mem > self.max_dynamic_shared_size_bytes:
            raise EmulationError(
                f"{self.name}: {shared_mem} bytes of dynamic shared memory, allowed "
                f"{self.max_dynamic_shared_size_bytes} (set kernel.max_dynamic_shared_size_bytes)"
            )


RawModule._kernel_class = Kernel


class _Param(ctypes.Structure):
    """One parameter of a kernel, as launch_stub.h describes it."""

    _fields_ = [
        ("size", ctypes.c_uint32),
        ("kind", ctypes.c_char),
        ("const", ctypes.c_uint8),
        ("pointee_kind", ctypes.c_char),
        ("pad", ctypes.c_uint8),
        ("pointee_size", ctypes.c_uint32),
    ]


class _Launch(ctypes.Structure):
    _fields_ = [
        ("grid", ctypes.c_uint * 3),
        ("block", ctypes.c_uint * 3),
        ("shared_bytes", ctypes.c_uint64),
        ("seed", ctypes.c_uint64),
        ("order", ctypes.c_int),
        ("check", ctypes.c_int),
        ("strict", ctypes.c_int),
        ("first_block", ctypes.c_int),
        ("n_blocks", ctypes.c_int),
    ]


def _parse_schedule(text):
    name, _, seed = text.partition("-")
    return ("up", "down", "shuffled").index(name), int(seed or 0)


def _check_pointer(where, array, param):
    """Raise unless a kernel may read `array` through a pointer parameter of this type."""
    kind, size = param.pointee_kind.decode(), param.pointee_size
    if not array.flags.c_contiguous:
        raise EmulationError(f"{where}: array is not C-contiguous (kernels see raw memory)")
    if kind == "s" or not size:
        if size and array.nbytes % size:
            raise EmulationError(f"{where}: {array.nbytes} bytes for a pointer to {size}-byte structs")
        return
    if array.dtype.itemsize != size:
        raise EmulationError(f"{where}: dtype {array.dtype} for a pointer to {size}-byte elements")
    if kind != array.dtype.kind and not (kind in "iub" and array.dtype.kind in "iub"):
        raise EmulationError(f"{where}: dtype {array.dtype} for a pointer to {kind}{8 * size}")


def _check_scalar(where, value, param):
    """Raise unless a GPU would read from these bytes the number that was meant."""
    kind, size = param.kind.decode(), param.size
    if kind == "p":
        raise EmulationError(f"{where}: a {value.dtype} scalar for a pointer")
    if kind == "f" and (value.dtype.kind != "f" or value.itemsize != size):
        raise EmulationError(
            f"{where}: {value.dtype} for a float{8 * size} parameter: the GPU would read its first {size} bytes"
        )
    if kind == "s" and value.itemsize != size:
        raise EmulationError(f"{where}: {value.itemsize} bytes for a {size}-byte struct")
    if kind in "iub":
        _check_integer(where, value, f"{'u' if kind in 'ub' else 'i'}{size}")


def _check_integer(where, value, dtype):
    limits = np.iinfo(dtype)
    if value.dtype.kind not in "iub":
        raise EmulationError(f"{where}: {value.dtype} for an integer parameter")
    if value.itemsize < limits.bits // 8:
        raise EmulationError(
            f"{where}: {value.dtype} is smaller than the {limits.bits // 8}-byte parameter: the GPU would read past it"
        )
    if not limits.min <= int(value) <= limits.max:
        raise EmulationError(f"{where}: {int(value)} does not fit the parameter")


def _as_cupy_converts(value):
    """A Python or NumPy scalar as CuPy would pass it: int is int64, float is float64."""
    if isinstance(value, np.ndarray):  # size 1: passed by value
        return value.reshape(())[()]
    if isinstance(value, bool):
        return np.bool_(value)
    if isinstance(value, int):
        return np.int64(value) if value < 2**63 else np.uint64(value)
    if isinstance(value, float):
        return np.float64(value)
    return value


def _merge_overlapping(arrays):
    """Device arrays that overlap become one region, named by the first."""
    regions = []
    for start, n_bytes, name in sorted(arrays):
        if regions and start < regions[-1][0] + regions[-1][1]:
            first, length, first_name = regions[-1]
            regions[-1] = first, max(length, start + n_bytes - first), first_name
        else:
            regions.append((start, n_bytes, name))
    return regions
