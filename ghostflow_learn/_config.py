"""Settings: where estimators compute, on how many threads, and what happens to ops without a CUDA kernel.

The settings are thread-local, as scikit-learn's are, and travel into joblib workers together with them.
"""

import re
import threading
from contextlib import contextmanager
from numbers import Integral

from sklearn.utils import parallel as _sklearn_parallel

DEVICES = ("auto", "cpu", "cuda", "cuda:N", "reference")
FALLBACKS = ("log", "warn", "raise")
_DEFAULTS = {"device": "auto", "n_threads": None, "fallback": "log"}
_local = threading.local()


def get_config():
    """The settings of the current thread.

    Returns
    -------
    config : dict
        A copy; keys ``device``, ``n_threads`` and ``fallback``.

    Examples
    --------
    >>> import ghostflow_learn
    >>> ghostflow_learn.get_config()["device"]
    'auto'
    """
    return dict(_settings())


def set_config(device=None, n_threads=None, fallback=None):
    """Change settings of the current thread; what is None stays as it is.

    Parameters
    ----------
    device : {"auto", "cpu", "cuda", "cuda:N", "reference"}, optional
        Where estimators compute. "auto" follows the data: a GPU array goes to the GPU it lives on, everything
        else to the CPU. "cuda:N" is the N-th GPU. "reference" is plain NumPy, slow and simple, to check the rest.
    n_threads : int >= 1 or "auto", optional
        Threads a fit may use. "auto", the default, is every CPU of this process, capped by OMP_NUM_THREADS.
    fallback : {"log", "warn", "raise"}, optional
        What a step without a CUDA kernel does when it is handed to the CPU: leave a record in the logger
        ``ghostflow_learn.engine``, warn as well, or raise.

    Raises
    ------
    ValueError
        If a value is not one of those above.

    Examples
    --------
    >>> import ghostflow_learn
    >>> ghostflow_learn.set_config(n_threads=2)
    >>> ghostflow_learn.get_config()["n_threads"]
    2
    >>> ghostflow_learn.set_config(n_threads="auto")
    """
    _settings().update(_checked(device, n_threads, fallback))


@contextmanager
def config_context(device=None, n_threads=None, fallback=None):
    """Change settings within a ``with`` block; takes the parameters of :func:`set_config`.

    Examples
    --------
    >>> import ghostflow_learn
    >>> with ghostflow_learn.config_context(device="reference"):
    ...     ghostflow_learn.get_config()["device"]
    'reference'
    """
    before = get_config()
    set_config(device, n_threads, fallback)
    try:
        yield
    finally:
        _settings().update(before)


def _settings():
    if not hasattr(_local, "settings"):
        _local.settings = dict(_DEFAULTS)
    return _local.settings


def _checked(device, n_threads, fallback):
    changes = {}
    if device is not None:
        if device not in DEVICES[:3] + DEVICES[4:] and not re.fullmatch(r"cuda:\d+", str(device)):
            raise ValueError(f"device must be one of {DEVICES}. Got {device!r} instead.")
        changes["device"] = device
    if n_threads is not None:
        if n_threads != "auto" and not (_is_int(n_threads) and n_threads >= 1):
            raise ValueError(f"n_threads must be an int >= 1 or 'auto'. Got {n_threads!r} instead.")
        changes["n_threads"] = None if n_threads == "auto" else int(n_threads)
    if fallback is not None:
        if fallback not in FALLBACKS:
            raise ValueError(f"fallback must be one of {FALLBACKS}. Got {fallback!r} instead.")
        changes["fallback"] = fallback
    return changes


def _is_int(value):
    return isinstance(value, Integral) and not isinstance(value, bool)


class _CarriedCall:
    """A call of scikit-learn's Parallel that enters our settings in the worker, whatever its backend."""

    def __init__(self, call, settings):
        self.call = call
        self.settings = settings

    def __call__(self, *args, **kwargs):
        before = get_config()
        _settings().update(self.settings)
        try:
            return self.call(*args, **kwargs)
        finally:
            _settings().update(before)


class _Captured(dict):
    """scikit-learn's settings, and ours at the same time."""

    def __init__(self, theirs):
        super().__init__(theirs)
        self.ours = get_config()


def _carry_settings_into_workers():
    # scikit-learn's Parallel reads its settings once, in the thread that calls it, and attaches them to each task,
    # maybe in other threads: what was read has to bring ours along.
    read, attach = _sklearn_parallel.get_config, _sklearn_parallel._with_config_and_warning_filters
    if getattr(attach, "carries_ghostflow", False):
        return

    def attach_both(delayed_func, config, warning_filters):
        attached = attach(delayed_func, dict(config), warning_filters)
        return _CarriedCall(attached, config.ours) if isinstance(config, _Captured) else attached

    attach_both.carries_ghostflow = True
    _sklearn_parallel.get_config = lambda: _Captured(read())
    _sklearn_parallel._with_config_and_warning_filters = attach_both


_carry_settings_into_workers()
