"""One-thread BLAS while an estimator works: its own threads and our kernels' get in each other's way.

Alternating multi-threaded BLAS with kernels on our pool costs 5 to 50 times, because BLAS threads spin while they
wait, and the order of its sums follows its thread count.
"""

import os
import threading
from contextlib import contextmanager

import scipy.linalg.blas  # noqa: F401  loads the BLAS that has to be found below
from threadpoolctl import ThreadpoolController

_lock = threading.Lock()
_libraries = None
_users = 0
_before = ()


@contextmanager
def one_thread():
    """BLAS on one thread until the last of all Python threads that asked for it has left."""
    _enter()
    try:
        yield
    finally:
        _leave()


@contextmanager
def all_threads():
    """BLAS on all its threads within :func:`one_thread`, for a single large LAPACK call."""
    with _lock:
        for library, n_threads in zip(_libraries or (), _before, strict=False):
            _limit(library, n_threads)
    try:
        yield
    finally:
        with _lock:
            for library in (_libraries or ()) if _users else ():
                _limit(library, 1)


def architectures():
    """The processors whose code the loaded BLAS libraries run; empty where one of them does not tell."""
    libraries = ThreadpoolController().select(user_api="blas").lib_controllers
    names = {getattr(library, "architecture", None) for library in libraries}
    return set() if None in names else names


def one_thread_here():
    """For the pool's threads: a BLAS on OpenMP has a limit of its own in each thread."""
    for library in ThreadpoolController().select(user_api="blas").lib_controllers:
        if getattr(library, "threading_layer", None) == "openmp":
            _limit(library, 1)


def _enter():
    global _libraries, _users, _before
    with _lock:
        if _users == 0:
            if _libraries is None:
                _libraries = ThreadpoolController().select(user_api="blas").lib_controllers
            _before = tuple(library.get_num_threads() for library in _libraries)
            for library in _libraries:
                _limit(library, 1)
        _users += 1


def _leave():
    global _users
    with _lock:
        _users -= 1
        if _users == 0:
            for library, n_threads in zip(_libraries, _before, strict=True):
                _limit(library, n_threads)


def _limit(library, n_threads):
    # threadpoolctl 3.8 ignores every Python thread but the first that asks; the users counted here may be any.
    getattr(library, "_real_set_num_threads", library.set_num_threads)(n_threads)


def _forget_users():
    global _lock
    _lock = threading.Lock()
    while _users:
        _leave()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_users)
