"""The GPU of the tests: the real one where there is one, else the stand-in for CuPy with emulated kernels."""

import contextlib
import functools
import os
import sys
from unittest import mock

from ghostflow_learn import _engine
from ghostflow_learn._engine._detect import gpu_state

from . import emulator, standin


@functools.cache
def is_real():
    """Whether tests use a real GPU. GHOSTFLOW_TEST_GPU=0 keeps them on the stand-in."""
    return os.environ.get("GHOSTFLOW_TEST_GPU", "1") != "0" and gpu_state() == "ready"


@contextlib.contextmanager
def available():
    """``device="cuda"`` works inside the block; yields the module that `import cupy` gives there."""
    if is_real():
        import cupy

        yield cupy
        return
    if emulator.missing_tool():
        skip_outside_ci(emulator.missing_tool())
    with standin.installed() as cupy, mock.patch.object(_engine, "gpu_state", return_value="ready"):
        _forget_engine_of_another(cupy)
        yield cupy


def _forget_engine_of_another(cupy):
    """An engine imported outside of `available` holds the real CuPy, which cannot compute here."""
    name = "ghostflow_learn._engine.cuda"
    if name in sys.modules and sys.modules[name].xp is not cupy:
        for module in [module for module in sys.modules if module.startswith(name)]:
            del sys.modules[module]


def orders():
    """Contexts to run a kernel in, one after another: its results must not depend on which."""
    if is_real():
        return [contextlib.nullcontext(), contextlib.nullcontext()]
    return [emulator.use_schedule("up"), emulator.use_schedule("shuffled-1")]


def skip_outside_ci(reason):
    """Skip the test, unless this is CI, which has every tool and must not lose a test silently."""
    import pytest  # the GPU suite imports this module where pytest may be missing

    if os.environ.get("CI"):
        pytest.fail(f"CI must not skip this: {reason}")
    pytest.skip(reason)
