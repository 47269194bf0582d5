"""What is recorded and checked, per thread: threads fit models side by side, so none of it is a global switch."""

from collections import namedtuple
from contextlib import contextmanager
from contextvars import ContextVar

Call = namedtuple("Call", "name args params output function")

RECORD, CHECK, TRACE = 1, 2, 4  # one number, so that a call reads one variable
mode = ContextVar("mode", default=RECORD)
trace = ContextVar("trace", default=None)
draws = ContextVar("draws", default=None)  # the random draws of a function that will be computed again


@contextmanager
def no_grad():
    """Record nothing inside: for inference, or for changes of parameters that are no part of the model.

    Also a decorator. It holds for the thread it is used in.

    Examples
    --------
    >>> import numpy as np
    >>> from ghostflow_learn.neural import Tensor, no_grad
    >>> x = Tensor(np.ones(2), requires_grad=True)
    >>> with no_grad():
    ...     y = x * 2.0
    >>> y.requires_grad
    False
    """
    with _switched(mode.get() & ~RECORD):
        yield


@contextmanager
def recording():
    """Record inside, also where :func:`no_grad` surrounds it."""
    with _switched(mode.get() | RECORD):
        yield


@contextmanager
def anomaly_mode():
    """Find where a value or a gradient stops being finite, and who changes an array that a gradient needs.

    Inside, each result and each gradient is checked, and the error shows where the call that made it was recorded. On
    the CPU the arrays of recorded calls cannot be written into until their gradient is computed: NumPy raises there.
    Arrays of a GPU, and parameters that an optimizer changes, are copied instead, and backward() raises where one is
    no longer what it was. Everything is several times slower.

    Examples
    --------
    >>> import numpy as np
    >>> from ghostflow_learn.neural import Tensor, anomaly_mode
    >>> x = Tensor(np.array([0.0, 1.0]), requires_grad=True)
    >>> with anomaly_mode():
    ...     y = x * 2.0
    ...     x.data[0] = 3.0
    Traceback (most recent call last):
    ...
    ValueError: assignment destination is read-only
    """
    with _switched(mode.get() | CHECK):
        yield


def is_recording():
    """Whether operations are recorded in this thread now.

    Examples
    --------
    >>> from ghostflow_learn.neural import is_recording, no_grad
    >>> with no_grad():
    ...     is_recording()
    False
    """
    return bool(mode.get() & RECORD)


@contextmanager
def _switched(flags):
    token = mode.set(flags)
    try:
        yield
    finally:
        mode.reset(token)


@contextmanager
def traced():
    """Yield a list that gets a :class:`Call` for each call of a lifted function inside, in order.

    Its `args` are as they were passed, Tensors or not; `output` is the Tensor that was returned, of a comparison the
    array.
    """
    calls = []
    token = trace.set(calls)
    try:
        with _switched(mode.get() | TRACE):
            yield calls
    finally:
        trace.reset(token)


class Draws:
    """The draws of one computation, in order; computed again, it gets the same ones."""

    def __init__(self):
        self.values, self.position, self.again = [], 0, False

    @contextmanager
    def kept(self, again):
        self.position, self.again = 0, again
        token = draws.set(self)
        try:
            yield
        finally:
            draws.reset(token)

    def next(self, draw):
        if not self.again:
            self.values.append(draw())
        self.position += 1
        return self.values[self.position - 1]


def replayed(draw):
    """`draw()`, or what it gave when this computation ran first, where :func:`checkpoint` runs it again."""
    current = draws.get()
    return draw() if current is None else current.next(draw)


def is_recomputing():
    """Whether :func:`checkpoint` is running this computation again: running statistics must not move twice."""
    current = draws.get()
    return current is not None and current.again
