"""Pick the engine: the package whose modules hold every numerical kernel."""

import logging
import threading
import warnings
from contextlib import contextmanager
from importlib import import_module

from scipy.sparse import issparse

from .._config import get_config
from . import _profile
from ._arrays import is_cuda_array
from ._detect import gpu_state
from ._profile import profile

__all__ = ["announce_cpu", "cpu_engine", "fit_scope", "get_engine", "gpu_state", "profile"]

logger = logging.getLogger("ghostflow_learn.engine")
_scope = threading.local()


def get_engine(X=None):
    """The engine that computes on `X` under the current settings.

    Parameters
    ----------
    X : array, optional
        Validated data; a GPU array selects the GPU when ``device="auto"``, a sparse matrix always the CPU.

    Returns
    -------
    engine : module
        ``reference``, ``cpu`` or ``cuda``, with the same names in each.

    Raises
    ------
    RuntimeError
        If the settings ask for a GPU that cannot be used; the message says why.
    """
    device = get_config()["device"]
    if device == "auto":
        device = "cuda" if is_cuda_array(X) else "cpu"
    name = device.partition(":")[0]
    if name == "cuda":
        _require_gpu(device)
        name = _announced_cpu(device, X) if issparse(X) else name
    elif is_cuda_array(X):
        logger.info("device=%r: an array of shape %s is copied from the GPU to the host", device, X.shape)
    engine = import_module(f"{__name__}.{name}")
    if name == "cuda":
        left = engine.use_device_of(X)
        _scope.left = getattr(_scope, "left", None) or left
    return _profile.watched(engine)


def cpu_engine():
    """The engine that checks and prepares data in host memory, whatever the settings."""
    return import_module(f"{__name__}.cpu")


@contextmanager
def fit_scope(X):
    """What surrounds every fit: BLAS on one thread, the thread's GPU put back, a clear error where `X` is too large.

    Raises
    ------
    MemoryError
        If GPU memory runs out; the message names the size of `X`.
    """
    with import_module(f"{__name__}.cpu._blas").one_thread(), _current_gpu_put_back():
        try:
            yield
        except MemoryError as error:
            if not type(error).__module__.startswith("cupy"):
                raise
            raise MemoryError(
                f"{error} This happened while fitting an array of shape {getattr(X, 'shape', None)} and dtype "
                f"{getattr(X, 'dtype', None)}. Use fewer rows, float32, or device='cpu'."
            ) from error


@contextmanager
def _current_gpu_put_back():
    before, _scope.left = getattr(_scope, "left", None), None
    try:
        yield
    finally:
        if _scope.left is not None:
            _scope.left.use()
        _scope.left = before


def _announced_cpu(device, X):
    announce_cpu(f"device={device!r}: a sparse matrix of shape {X.shape} is computed on the CPU")
    return "cpu"


def announce_cpu(message):
    """Say that the CPU computes what was meant for a GPU, as the setting ``fallback`` wants it said.

    Raises
    ------
    NotImplementedError
        If ``fallback="raise"``.
    """
    fallback = get_config()["fallback"]
    if fallback == "raise":
        raise NotImplementedError(f"{message}. Set fallback='log' to allow it, or device='cpu'.")
    if fallback == "warn":
        warnings.warn(message, RuntimeWarning, stacklevel=5)
    logger.info(message)


def _require_gpu(device):
    state = gpu_state()
    if state != "ready":
        raise RuntimeError(f"device={device!r} needs an NVIDIA GPU: {state} Or set device='cpu'.")
