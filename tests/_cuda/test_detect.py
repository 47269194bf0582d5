"""gpu_state() says what is missing, one thing at a time, and 'ready' only after a kernel has run."""

import subprocess
import sys
import types

import pytest

import ghostflow_learn
from ghostflow_learn import _engine
from ghostflow_learn._engine import _detect, gpu_state

from . import standin


class Nvrtc(types.ModuleType):
    def getVersion(self):
        return 13, 0


@pytest.fixture
def machine(monkeypatch):
    """A machine with a driver, CuPy (the stand-in), a device and NVRTC; tests take one of them away."""
    monkeypatch.setattr(_detect.ctypes, "CDLL", lambda name: None)
    with standin.installed() as cupy:
        cupy.__spec__ = types.SimpleNamespace(name="cupy")
        monkeypatch.setitem(sys.modules, "cupy.cuda.nvrtc", Nvrtc("cupy.cuda.nvrtc"))
        yield cupy


def state():
    return gpu_state.__wrapped__()  # behind its cache


def fail(message, error=RuntimeError):
    def f(*args, **kwargs):
        raise error(message)

    return f


def test_a_complete_machine_is_ready(machine):
    assert state() == "ready"


def test_no_driver(machine, monkeypatch):
    monkeypatch.setattr(_detect.ctypes, "CDLL", fail("libcuda.so.1: cannot open", OSError))
    assert state() == "no driver found (libcuda.so.1). Install the NVIDIA driver."


def test_no_cupy(machine, monkeypatch):
    monkeypatch.setattr(_detect.importlib.util, "find_spec", lambda name: None)
    assert state() == "CuPy is not installed. Install it with `pip install ghostflow-learn[cuda]`."


def test_no_device(machine, monkeypatch):
    monkeypatch.setattr(machine.cuda.runtime, "getDeviceCount", lambda: 0)
    assert state().startswith("no device found: the driver is there, but sees no GPU.")


def test_a_driver_that_is_too_old(machine, monkeypatch):
    monkeypatch.setattr(machine.cuda.runtime, "getDeviceCount", fail("cudaErrorInsufficientDriver"))
    assert state().startswith("the driver does not start (RuntimeError: cudaErrorInsufficientDriver). Update it")


def test_no_compiler(machine, monkeypatch):
    monkeypatch.setattr(sys.modules["cupy.cuda.nvrtc"], "getVersion", fail("libnvrtc not found"), raising=False)
    assert state().startswith("NVRTC, the compiler of kernels, is missing (RuntimeError: libnvrtc not found). Install")


def test_a_first_kernel_that_fails(machine, monkeypatch):
    monkeypatch.setattr(machine, "ones", fail("cudaErrorMemoryAllocation"))
    assert state().startswith("a first kernel fails (RuntimeError: cudaErrorMemoryAllocation). Check")


def test_the_reason_is_in_the_error_of_the_device_setting(monkeypatch):
    monkeypatch.setattr(_engine, "gpu_state", lambda: "no driver found (libcuda.so.1). Install the NVIDIA driver.")
    with (
        ghostflow_learn.config_context(device="cuda"),
        pytest.raises(RuntimeError, match=r"device='cuda' needs an NVIDIA GPU: no driver found .* set device='cpu'\."),
    ):
        _engine.get_engine()


def test_the_answer_is_cached_and_asked_for_by_nobody_at_import():
    code = """if True:
        import sys
        import ghostflow_learn
        from ghostflow_learn._engine import gpu_state
        assert gpu_state.cache_info().misses == 0
        assert "cupy" not in sys.modules
        gpu_state(), gpu_state()
        assert gpu_state.cache_info()[:2] == (1, 1)"""
    subprocess.run([sys.executable, "-c", code], check=True)
