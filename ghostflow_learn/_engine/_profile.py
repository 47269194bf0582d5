"""What ran where, how long it took, and why a step left the GPU."""

import sys
import time
from collections import namedtuple
from contextlib import contextmanager
from contextvars import ContextVar
from types import ModuleType

from ._arrays import is_cuda_array

Row = namedtuple("Row", "op engine calls seconds bytes_moved reason")

_MOVES = ("asarray", "to_numpy", "hand_back")
_active = ContextVar("ghostflow_learn_profile", default=None)


class Profile:
    """A table of the ops that ran; printing it shows the most expensive first."""

    def __init__(self):
        self._rows = {}

    @property
    def rows(self):
        """One :class:`Row` for each (op, engine), the most expensive first."""
        return sorted(self._rows.values(), key=lambda row: -row.seconds)

    def to_frame(self):
        """The table as a pandas DataFrame."""
        import pandas as pd

        return pd.DataFrame(self.rows, columns=Row._fields)

    def record(self, op, engine, seconds=0.0, bytes_moved=0, calls=1, reason=""):
        """Add one call to the row of `op` on `engine`."""
        row = self._rows.get((op, engine), Row(op, engine, 0, 0.0, 0, ""))
        self._rows[op, engine] = Row(
            op, engine, row.calls + calls, row.seconds + seconds, row.bytes_moved + bytes_moved, reason or row.reason
        )

    def __str__(self):
        lines = [f"{'op':<32}{'engine':<11}{'calls':>8}{'seconds':>11}{'MB moved':>11}  reason of a fallback"]
        for row in self.rows:
            megabytes = row.bytes_moved / 1e6
            lines.append(
                f"{row.op:<32}{row.engine:<11}{row.calls:>8}{row.seconds:>11.4f}{megabytes:>11.1f}  {row.reason}"
            )
        return "\n".join(lines)


@contextmanager
def profile():
    """Record every op that runs inside a ``with`` block of this thread.

    Yields
    ------
    table : Profile
        ``print(table)`` shows op, engine, calls, seconds, megabytes moved between host and GPU, and the reason
        of a fallback to the CPU; ``table.rows`` and ``table.to_frame()`` hold the same as data. While a GPU is
        profiled each op is waited for, so that its seconds are its own.

    Examples
    --------
    >>> import numpy as np
    >>> import ghostflow_learn
    >>> from ghostflow_learn.cluster import KMeans
    >>> with ghostflow_learn.profile() as table:
    ...     model = KMeans(n_clusters=2, random_state=0).fit(np.arange(20.0).reshape(10, 2))
    >>> {row.engine for row in table.rows}
    {'cpu'}
    """
    table = Profile()
    token = _active.set(table)
    try:
        yield table
    finally:
        _active.reset(token)


def active_profile():
    """The innermost :class:`Profile` being recorded in this thread, or None."""
    return _active.get()


def watched(engine):
    """`engine` itself, or a view of it that records into the active profile."""
    table = active_profile()
    return engine if table is None else _Watched(engine, table, engine.__name__.rpartition(".")[2], "")


class _Watched:
    def __init__(self, module, table, engine, prefix):
        self._module = module
        self._table = table
        self._engine = engine
        self._prefix = prefix

    def __getattr__(self, name):
        found = getattr(self._module, name)
        if name == "xp":
            return found
        if isinstance(found, ModuleType):
            return _Watched(found, self._table, self._engine, f"{name}.")
        if callable(found) and not isinstance(found, type):
            return self._timed(found, name)
        return found

    def _timed(self, function, name):
        def call(*args, **kwargs):
            start = time.perf_counter()
            result = function(*args, **kwargs)
            if self._engine == "cuda":
                sys.modules["cupy"].cuda.get_current_stream().synchronize()
            seconds = time.perf_counter() - start
            moved = _bytes_moved(args[0], result) if name in _MOVES else 0
            where = getattr(function, "runs_on", self._engine)
            self._table.record(self._prefix + name, where, seconds, moved)
            return result

        return call


def _bytes_moved(before, after):
    """Bytes that crossed between host and GPU."""
    return after.nbytes if is_cuda_array(before) != is_cuda_array(after) else 0
