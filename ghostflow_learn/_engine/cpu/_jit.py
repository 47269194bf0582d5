"""The decorator every CPU kernel uses."""

import contextlib
import functools
import gc
import hashlib
import logging
import os
import re
import signal
import threading

from numba import njit
from numba.core.caching import FunctionCache

logger = logging.getLogger("ghostflow_learn.engine")

# Let LLVM vectorise sums ("reassoc", "contract") but keep NaN and inf meaningful:
# plain fastmath=True would compile np.isnan(x) to False.
FASTMATH = {"reassoc", "contract", "nsz", "arcp"}


def kernel(function=None, *, fastmath=FASTMATH, inline="never", apart=False, python=True, allocates=True):
    """Compile `function` at its first call for each dtype; kept on disk for later processes.

    With ``inline="always"`` a helper becomes part of its caller before that is compiled, under the caller's
    `fastmath`, and is not compiled on its own: where a first call waits too long for the compiler. `apart` keeps a
    helper a function that is called, for the same reason; only without `fastmath`, see below. With ``python=False``
    kernels alone may call it, and are kept on disk with it in them: what unboxes arguments of Python is not compiled,
    and a call from Python crashes. ``allocates=False`` is for those that make no array: who uses those that they
    are given is not counted then, a good part of what a kernel of many arrays compiles.
    """
    if function is None:
        return lambda f: kernel(f, fastmath=fastmath, inline=inline, apart=apart, python=python, allocates=allocates)
    # A helper that is not inlined exists twice, compiled on its own and with its caller; which of the two a caller
    # uses would depend on whether it was compiled or loaded from the cache, and they may differ in the last bit.
    options = {"nogil": True, "error_model": "numpy", "fastmath": fastmath, "inline": inline, "forceinline": not apart}
    wrappers = {"no_cfunc_wrapper": True, "no_cpython_wrapper": not python}
    compiled = njit(**options, **wrappers, _nrt=allocates)(function)
    compiled.compile = _undisturbed(compiled.compile)
    try:
        if python:
            compiled._cache = _SharedCache(function)
    except RuntimeError as error:  # neither the install nor the user's cache folder is writable
        logger.warning("%s compiles in every process: %s", function.__name__, error)
    return compiled


def _undisturbed(compile_):
    """Compile without looks for garbage among all that is alive, a sixth of the time, and let Ctrl-C wait.

    An interrupted compiler may keep Numba's global lock, and every later compilation would wait for it.
    """

    @functools.wraps(compile_)
    def compile_undisturbed(signature):
        with _no_collection(), _later_interrupt():
            return compile_(signature)

    return compile_undisturbed


@contextlib.contextmanager
def _no_collection():
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@contextlib.contextmanager
def _later_interrupt():
    """SIGINT reaches its handler at the end of the block; it can only arrive in the main thread."""
    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield
        return
    arrived = []
    signal.signal(signal.SIGINT, lambda *args: arrived.append(args))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if arrived:
            handler(*arrived[-1])


class _SharedCache(FunctionCache):
    """Numba's disk cache under a file lock.

    Numba numbers the data files of a function without one: two processes that compile the same kernel for
    different dtypes at once can end with an index that names the other's machine code.

    An index is read whole before its source is compared: one that an older version wrote may name types that are gone.

    Numba compares the source of the function's own file; here that of all files its helpers and constants come from.
    """

    def __init__(self, function):
        super().__init__(function)
        self._cache_file._source_stamp = _stamp(os.path.realpath(function.__code__.co_filename))

    def load_overload(self, sig, target_context):
        with self._lock():
            try:
                return super().load_overload(sig, target_context)
            except (AttributeError, ImportError):
                self.flush()
                return None

    def save_overload(self, sig, data):
        with self._lock():
            super().save_overload(sig, data)

    def _lock(self):
        return _file_lock(os.path.join(self.cache_path, "lock"))


def _stamp(path):
    """A digest of the file and of all it imports, directly or not, from its folder and the one above."""
    files, found = {path}, [path]
    while found:
        new = _source(found.pop())[1] - files
        files |= new
        found += new
    return hashlib.sha256(b"".join(_source(file)[0] for file in sorted(files))).digest()


@functools.cache
def _source(path):
    """The digest of a file, and the files that it imports as ``from .name`` or ``from . import name``; or two dots."""
    with open(path, "rb") as file:
        text = file.read()
    imported = set()
    for dots, module, names in re.findall(rb"^from (\.{1,2})(\w*) import (.+)", text, re.MULTILINE):
        folder = os.path.dirname(path) if dots == b"." else os.path.dirname(os.path.dirname(path))
        modules = [module] if module else re.findall(rb"(\w+)(?: as \w+)?", names)
        candidates = (os.path.join(folder, os.fsdecode(name) + ".py") for name in modules)
        imported.update(file for file in candidates if os.path.exists(file))
    return hashlib.sha256(text).digest(), imported


@contextlib.contextmanager
def _file_lock(path):
    """Exclusive among processes; no lock where the folder cannot be written, as nothing is saved there."""
    try:
        file = open(path, "ab")  # noqa: SIM115  closed below, where it unlocks
    except OSError:
        yield
        return
    with file:
        _acquire(file)
        yield  # closing the file releases the lock


if os.name == "nt":
    import msvcrt

    def _acquire(file):
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
else:
    import fcntl

    def _acquire(file):
        fcntl.flock(file, fcntl.LOCK_EX)
