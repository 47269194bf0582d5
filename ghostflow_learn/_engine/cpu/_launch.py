"""Run serial kernels over row blocks on one pool of Python threads.

Kernels release the GIL, so plain threads are enough; they need none of Numba's threading layers, survive a
fork, and may be called from many Python threads at once. Blocks depend on shapes only, never on the number of
threads, and partial results are combined in block order, so results are the same bit for bit at any `n_threads`.
"""

import math
import os
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from itertools import pairwise

import numpy as np

from ..._config import get_config
from ._blas import one_thread, one_thread_here

GRAIN = 2**19  # multiply-adds in about 100 microseconds; less is not worth handing to a thread
LONGEST = 2**28  # multiply-adds in about 0.1 s: Ctrl-C is seen between pieces of this size
BLOCKS = 64  # blocks a long axis is cut into: enough to balance 64 threads
PARTIALS = 2**24  # bytes that the partial results of one reduction may take together

_inside = threading.local()
_pools = {}
_pools_lock = threading.Lock()


def n_threads():
    """Threads of a launch: the setting, or the CPUs of this process capped by OMP_NUM_THREADS (joblib sets it)."""
    return get_config()["n_threads"] or _default_threads()


def cut(n, row_cost, max_blocks=BLOCKS):
    """Row ranges [(start, stop), ...] that cover [0, n), a function of the arguments alone.

    Parameters
    ----------
    n : int
        Number of rows.
    row_cost : float
        Work of one row, in multiply-adds.
    max_blocks : int, default=64
    """
    n_blocks = min(n, max_blocks, max(1, int(n * row_cost) // GRAIN))
    return _even(0, n, n_blocks)


def _even(start, stop, n_blocks):
    if n_blocks == 1:
        return [(start, stop)]
    edges = [start + (stop - start) * b // n_blocks for b in range(n_blocks + 1)] if n_blocks else []
    return list(pairwise(edges))


def _short(start, stop, row_cost):
    """[start, stop) in pieces short enough for Ctrl-C to be seen between them."""
    return _even(start, stop, max(1, -int(-(stop - start) * row_cost // LONGEST)))


def launch(kernel, n, args, row_cost):
    """Call `kernel(*args, start, stop)` for blocks of rows that cover [0, n).

    Parameters
    ----------
    kernel : a function under `_jit.kernel`
    n : int
    args : tuple of arrays, scalars and namedtuples of arrays
        Arrays are passed on as they are: C order, or the kernel compiles once more.
    row_cost : float
        Work of one row, in multiply-adds.
    """
    pieces = [piece for rows in cut(n, row_cost) for piece in _short(*rows, row_cost)]
    _run([(*args, *piece) for piece in pieces], kernel)


def launch_reduce(kernel, n, args, partials, row_cost):
    """Call `kernel(*args, *partials_of_block, start, stop)` and return the sums of the partials, in block order.

    Parameters
    ----------
    partials : list of (shape, dtype)
        Zero-filled arrays that the kernel adds into; one of each per block.

    Returns
    -------
    sums : list of arrays

    Notes
    -----
    A kernel that adds a flat array up in memory slices it first and counts from 0. Over ``range(start, stop)`` an
    index might be negative and count from the end, so LLVM guards its vector loop against a partial that lies behind
    the array too: the order of the sum, and its last bits, would depend on addresses.
    """
    n_bytes = sum(math.prod(shape) * np.dtype(dtype).itemsize for shape, dtype in partials)
    ranges = cut(n, row_cost, max_blocks=max(1, min(BLOCKS, PARTIALS // max(1, n_bytes))))
    stacks = [np.zeros((max(1, len(ranges)), *shape), dtype) for shape, dtype in partials]

    def run(block, rows):
        for piece in _short(*rows, row_cost):
            kernel(*args, *(stack[block] for stack in stacks), *piece)

    _run(list(enumerate(ranges)), run)
    return [stack[0] if len(stack) == 1 else stack.sum(axis=0) for stack in stacks]


def run_blocks(function, n, row_cost, max_blocks=BLOCKS):
    """Call `function(start, stop)`, NumPy code that releases the GIL, for blocks of rows that cover [0, n).

    Returns
    -------
    results : list
        What the calls returned, in block order.
    """
    ranges = cut(n, row_cost, max_blocks)
    results = [None] * len(ranges)

    def run(block, start, stop):
        results[block] = function(start, stop)

    with one_thread() if len(ranges) > 1 else nullcontext():
        _run([(block, *rows) for block, rows in enumerate(ranges)], run)
    return results


def _run(calls, function):
    """`function(*args)` for each args in `calls`; the calling thread works too."""
    alone = len(calls) == 1 or getattr(_inside, "worker", False)
    helpers = 0 if alone else min(n_threads(), len(calls)) - 1
    if helpers <= 0:
        for args in calls:
            function(*args)
        return
    # The pool lets go of its tasks late: they hold the queue alone, which is empty by then, and no array.
    queue = deque((function, args) for args in calls)
    futures = [_pool(helpers).submit(_work_as_helper, queue) for _ in range(helpers)]
    try:
        _work(queue)
    finally:
        queue.clear()  # after an error or Ctrl-C the others stop at the end of their block
        for future in futures:
            if not future.cancel():
                future.result()


def _work(queue):
    while True:
        try:
            function, args = queue.popleft()
        except IndexError:
            return
        function(*args)


def _work_as_helper(queue):
    _inside.worker = True  # a launch from here runs inline: waiting for the own pool could wait forever
    _work(queue)


def _pool(n_helpers):
    """The process's pool; a larger one replaces it when more threads are asked for."""
    with _pools_lock:
        pool = _pools.get("pool")
        if pool is None or pool._max_workers < n_helpers:
            pool = _pools["pool"] = ThreadPoolExecutor(
                max(n_helpers, _default_threads() - 1), thread_name_prefix="ghostflow", initializer=one_thread_here
            )
        return pool


def _default_threads():
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    limit = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    return max(1, min(usable, int(limit) if limit.isdigit() and int(limit) else usable))


def _forget_pool():
    global _pools_lock
    _pools_lock = threading.Lock()  # another thread may have held it at the fork
    _pools.clear()  # its threads do not exist in the child
    _inside.__dict__.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_pool)
