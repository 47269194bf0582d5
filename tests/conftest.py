"""Fixtures that every test may use: the engines, their agreement with the reference, a GPU or its stand-in."""
# ruff: noqa: E402 - the cache is keyed before anything imports numba

import hashlib
import os
import tempfile
from pathlib import Path

# Numba's disk cache does not notice an edit in a helper that lives in another file, so the cache is keyed by the
# kernels' text. Must run before numba is imported.
_KERNELS = sorted((Path(__file__).parents[1] / "ghostflow_learn" / "_engine" / "cpu").rglob("*.py"))
_KEY = hashlib.sha256(b"".join(path.read_bytes() for path in _KERNELS)).hexdigest()[:12]
os.environ["NUMBA_CACHE_DIR"] = os.path.join(tempfile.gettempdir(), f"ghostflow-numba-{os.getuid()}-{_KEY}")

from importlib import import_module

import numpy as np
import pytest

from ghostflow_learn import config_context
from tests._cuda import emulator, gpu, standin
from tests._cuda.workloads import TOLERANCE


def pytest_collection_modifyitems(items):
    """Mark what runs on a GPU, real or not, for `pytest -m gpu`."""
    for item in items:
        callspec = getattr(item, "callspec", None)
        if "on_gpu" in item.fixturenames or (callspec and callspec.params.get("engine") == "cuda"):
            item.add_marker("gpu")


@pytest.fixture(params=["cpu", "cuda"])
def engine(request):
    """Each engine that must agree with the reference. Without a GPU, cuda runs emulated and checked."""
    if request.param == "cuda":
        request.getfixturevalue("on_gpu")
    return import_module(f"ghostflow_learn._engine.{request.param}")


@pytest.fixture
def cuda(on_gpu):
    """The CUDA engine, on the GPU or its stand-in."""
    return import_module("ghostflow_learn._engine.cuda")


@pytest.fixture
def reference():
    return import_module("ghostflow_learn._engine.reference")


@pytest.fixture(params=["float32", "float64"])
def dtype(request):
    return np.dtype(request.param)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def on_gpu():
    """`on_gpu(X)` is X on the GPU, as a user would pass it; ``device="cuda"`` works inside the test."""
    with gpu.available() as cupy:
        yield cupy.asarray


@pytest.fixture
def counting(on_gpu):
    """``with counting() as events``: how many launches, synchronisations and transfers a block causes.

    `events` holds afterwards "launch", "op", "sync", "h2d", "h2d_bytes", "d2h", "d2h_bytes" and "host_iter".
    """
    if gpu.is_real():
        pytest.skip("only the stand-in for CuPy counts synchronisations")
    return standin.counting


@pytest.fixture(params=emulator.SCHEDULES)
def schedule(request):
    """The test runs once for each order of blocks, warps and lanes."""
    with emulator.use_schedule(request.param):
        yield request.param


@pytest.fixture
def agrees(engine, reference, dtype):
    """`agrees("kmeans.assign", X, centers)`: the op gives on this engine what the reference gives.

    Float arrays are cast to `dtype` (`agrees.as_is(array)` keeps one as it is), NumPy arrays go to the device, and
    every output is compared in dtype, shape and value. Outputs named in `chosen` are choices among near ties: they
    are left to the caller, who gets ``(got, want)``, tuples of NumPy arrays, back. The op runs twice, on another
    number of threads or in another order of blocks: the bits must not change.
    """

    def check(op, *args, chosen=(), rtol=None, atol=None, **kwargs):
        args, kwargs = [_cast(a, dtype) for a in args], {k: _cast(a, dtype) for k, a in kwargs.items()}
        want = _outputs(reference, op, args, kwargs)
        results = []
        for context in gpu.orders() if engine.__name__.endswith("cuda") else _thread_counts():
            with context:
                results.append(_outputs(engine, op, args, kwargs))
        got, again = results
        assert len(got) == len(want)
        tolerance = TOLERANCE[dtype.name] | {k: v for k, v in {"rtol": rtol, "atol": atol}.items() if v is not None}
        for i, (g, a, w) in enumerate(zip(got, again, want)):
            assert (g.dtype, g.shape) == (w.dtype, w.shape), f"{op} output {i}"
            np.testing.assert_array_equal(g, a, err_msg=f"{op} output {i} is not repeatable")
            if i not in chosen:
                np.testing.assert_allclose(g, w, **tolerance, err_msg=f"{op} output {i}")
        return got, want

    check.as_is = _AsIs
    return check


class _AsIs:
    def __init__(self, array):
        self.array = array


def _cast(arg, dtype):
    if isinstance(arg, _AsIs):
        return arg.array
    if isinstance(arg, np.ndarray) and arg.dtype.kind == "f":
        return arg.astype(dtype, order="C")
    return arg


def _outputs(engine, op, args, kwargs):
    family, _, name = op.rpartition(".")

    def move(arg):
        return engine.asarray(arg.copy()) if isinstance(arg, np.ndarray) else arg

    function = getattr(getattr(engine, family), name)
    result = function(*map(move, args), **{k: move(a) for k, a in kwargs.items()})
    outputs = result if isinstance(result, tuple) else (result,)
    return tuple(np.asarray(engine.to_numpy(array)) for array in outputs if array is not None)


def _thread_counts():
    return [config_context(n_threads=1), config_context(n_threads=3)]
