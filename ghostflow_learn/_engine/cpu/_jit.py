"""The decorator every CPU kernel uses."""

import contextlib
import logging
import os

from numba import njit
from numba.core.caching import FunctionCache

logger = logging.getLogger("ghostflow_learn.engine")

# Let LLVM vectorise sums ("reassoc", "contract") but keep NaN and inf meaningful:
# plain fastmath=True would compile np.isnan(x) to False.
FASTMATH = {"reassoc", "contract", "nsz", "arcp"}


def kernel(function=None, *, fastmath=FASTMATH, inline="never", apart=False):
    """Compile `function` at its first call for each dtype; kept on disk for later processes.

    With ``inline="always"`` a helper becomes part of its caller before that is compiled, under the caller's
    `fastmath`, and is not compiled on its own: where a first call waits too long for the compiler. `apart` keeps a
    helper a function that is called, for the same reason; only without `fastmath`, see below.
    """
    if function is None:
        return lambda f: kernel(f, fastmath=fastmath, inline=inline, apart=apart)
    # A helper that is not inlined exists twice, compiled on its own and with its caller; which of the two a caller
    # uses would depend on whether it was compiled or loaded from the cache, and they may differ in the last bit.
    options = {"nogil": True, "error_model": "numpy", "fastmath": fastmath, "inline": inline, "forceinline": not apart}
    compiled = njit(**options)(function)
    try:
        compiled._cache = _SharedCache(function)
    except RuntimeError as error:  # neither the install nor the user's cache folder is writable
        logger.warning("%s compiles in every process: %s", function.__name__, error)
    return compiled


class _SharedCache(FunctionCache):
    """Numba's disk cache under a file lock.

    Numba numbers the data files of a function without one: two processes that compile the same kernel for
    different dtypes at once can end with an index that names the other's machine code.
    """

    def load_overload(self, sig, target_context):
        with self._lock():
            return super().load_overload(sig, target_context)

    def save_overload(self, sig, data):
        with self._lock():
            super().save_overload(sig, data)

    def _lock(self):
        return _file_lock(os.path.join(self.cache_path, "lock"))


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
