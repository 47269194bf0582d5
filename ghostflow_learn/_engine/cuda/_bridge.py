"""Ops that have no CUDA kernel yet: the CPU engine computes them, in plain sight."""

import logging
import warnings
from importlib import import_module

import cupy as cp

from ..._config import get_config
from .._profile import active_profile

logger = logging.getLogger("ghostflow_learn.engine")
_logged = set()


def on_cpu(op, stays=False):
    """The CPU engine's `op`, such as "kmeans.update", for arrays on a device: to the host, compute, and back.

    The op must allocate its results: what it writes into an argument does not come back. With `stays` its result
    remains on the host, for ops that are computed there too.
    """
    family, _, name = op.rpartition(".")

    def run_on_cpu(*args, **kwargs):
        _announce(op)
        function = getattr(import_module(f"ghostflow_learn._engine.cpu.{family}"), name)
        moved = []
        result = function(*_to_host(args, moved), **_to_host(kwargs, moved))
        result = result if stays else _to_device(result, moved)
        if active_profile() is not None:  # which counts the call and its seconds itself
            active_profile().record(op, "cpu", bytes_moved=sum(moved), calls=0, reason="no CUDA kernel")
        return result

    run_on_cpu.__name__ = name
    run_on_cpu.runs_on = "cpu"
    return run_on_cpu


def _announce(op):
    fallback = get_config()["fallback"]
    message = f"{op} has no CUDA kernel: its arrays go to the host and back"
    if fallback == "raise":
        raise NotImplementedError(f"{op} has no CUDA kernel. Set fallback='log' to run it on the CPU, or device='cpu'.")
    if fallback == "warn":
        warnings.warn(message, RuntimeWarning, stacklevel=3)
    if op not in _logged:
        _logged.add(op)
        logger.info(message)


def _to_host(value, moved):
    """`value` with every device array in it as NumPy; the sizes of what moved are added to `moved`."""
    if isinstance(value, cp.ndarray):
        moved.append(value.nbytes)
        return cp.asnumpy(value)
    return _each(_to_host, value, moved)


def _to_device(value, moved):
    if hasattr(value, "dtype") and hasattr(value, "shape") and value.ndim > 0:
        moved.append(value.nbytes)
        return cp.asarray(value)
    return _each(_to_device, value, moved)


def _each(move, value, moved):
    if isinstance(value, dict):
        return {key: move(item, moved) for key, item in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(move(item, moved) for item in value))
    if isinstance(value, (tuple, list)):
        return type(value)(move(item, moved) for item in value)
    return value
