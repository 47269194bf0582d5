"""Devices, streams and events that only remember what was asked of them, and memory with a limit."""

import contextlib
import threading
import time

N_DEVICES = 2
_local = threading.local()  # each thread has its own current device
_limit = [None]


class OutOfMemoryError(MemoryError):
    __module__ = "cupy.cuda.memory"


@contextlib.contextmanager
def limited_memory(n_bytes):
    """Refuse every allocation of the block that is larger than `n_bytes`."""
    _limit[0] = n_bytes
    try:
        yield
    finally:
        _limit[0] = None


def require_memory(n_bytes):
    if _limit[0] is not None and n_bytes > _limit[0]:
        raise OutOfMemoryError(f"Out of memory allocating {n_bytes:,} bytes (allocated so far: 0 bytes).")


def current_device():
    return getattr(_local, "device", 0)


class Device:
    compute_capability = "90"
    attributes = {"MultiProcessorCount": 4, "MaxSharedMemoryPerBlockOptin": 227 * 1024, "WarpSize": 32}
    mem_info = (64 << 30, 80 << 30)

    def __init__(self, device=None):
        self.id = current_device() if device is None else int(device)
        self._before = []

    def __enter__(self):
        self._before.append(current_device())
        self.use()
        return self

    def __exit__(self, *exc):
        _local.device = self._before.pop()

    def use(self):
        if not 0 <= self.id < N_DEVICES:
            raise RuntimeError("cudaErrorInvalidDevice: invalid device ordinal")
        _local.device = self.id
        return self

    def synchronize(self):
        _count_sync()

    def __int__(self):
        return self.id

    def __eq__(self, other):
        return isinstance(other, Device) and other.id == self.id

    __hash__ = None


class Stream:
    ptr = 0

    def __init__(self, *args, **kwargs):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        pass

    def synchronize(self):
        _count_sync()

    def record(self, event=None):
        return event or Event()


Stream.null = Stream()


class Event:
    def __init__(self, *args, **kwargs):
        self.seconds = None

    def record(self, stream=None):
        self.seconds = time.perf_counter()

    def synchronize(self):
        _count_sync()


def get_elapsed_time(start, end):
    return (end.seconds - start.seconds) * 1000


def _count_sync():
    from ._array import count

    count("sync")
