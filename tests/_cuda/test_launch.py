"""The typed launcher casts what is safe to cast, finds the instance and the device, and refuses the rest."""

import re
from importlib import import_module

import numpy as np
import pytest

from ghostflow_learn._cuda import _sources, families, kernels_of, parameters, read_source

SOURCE = """
using index = long long;
struct Shape { int rows, cols; };
template <typename T> __global__ void __launch_bounds__(64) scale(
    const T* x,   // (n,)  IN
    T* y,         // (n,)  OUT
    T factor, Shape shape, int offset, index n)
{
    const index i = index(blockIdx.x) * blockDim.x + threadIdx.x;
    if (i < n) y[i] = x[i] * factor + offset + shape.cols;
}
extern "C" __global__ void __launch_bounds__(32) add_through_shared(float* y)
{
    extern __shared__ float s[];
    s[threadIdx.x] = y[threadIdx.x];
    __syncthreads();
    y[threadIdx.x] += s[31 - threadIdx.x];
}
"""
SHAPE = np.array([(2, 3)], dtype=[("rows", "i4"), ("cols", "i4")])


@pytest.fixture
def cp(cuda, monkeypatch):
    """CuPy, with the source above as the family "example"."""
    read = lambda family: SOURCE if family == "example" else read_source(family)
    monkeypatch.setattr("ghostflow_learn._cuda.read_source", read)
    monkeypatch.setattr(import_module("ghostflow_learn._engine.cuda._launch"), "read_source", read)
    return cuda.xp


@pytest.fixture
def launch(cp):
    return import_module("ghostflow_learn._engine.cuda._launch").launch


def arguments(cp, dtype="f4", **changes):
    values = {"x": cp.ones(70, dtype), "y": cp.zeros(70, dtype), "factor": 0.5, "shape": SHAPE, "offset": 1, "n": 70}
    return tuple({**values, **changes}.values())


def test_python_numbers_reach_the_kernel_as_declared(cp, launch, dtype):
    args = arguments(cp, dtype)
    launch("example", "scale", 70, args, block=64)
    assert args[1].get().tolist() == [4.5] * 70


def test_nothing_is_launched_for_no_rows(cp, launch):
    y = cp.zeros(70, "f4")
    launch("example", "scale", 0, arguments(cp, y=y), block=64)
    assert not y.get().any()


def test_blocks_can_be_stated(cp, launch):
    y = cp.zeros(70, "f4")
    launch("example", "scale", 70, arguments(cp, y=y), block=64, grid=1)
    assert y.get().tolist() == [4.5] * 64 + [0] * 6


def test_shared_memory_beyond_48_kb_is_asked_for(cp, launch):
    y = cp.asarray(np.arange(32, dtype="f4"))
    launch("example", "add_through_shared", 32, (y,), block=32, shared_bytes=64 * 1024)
    assert y.get().tolist() == [31] * 32
    with pytest.raises(ValueError, match=r"example.add_through_shared needs 1048576 bytes of shared memory a block"):
        launch("example", "add_through_shared", 32, (y,), block=32, shared_bytes=2**20)


@pytest.mark.parametrize(
    "make_changes, message",
    [
        (lambda cp: {"x": np.ones(70, "f4")}, "x must be an array on the device. Got ndarray"),
        (lambda cp: {"y": cp.ones(70)}, "y must have dtype float32. Got float64"),
        (lambda cp: {"x": cp.ones((70, 2), "f4").T}, "x must be C-contiguous"),
        (lambda cp: {"x": cp.ones(70, "i4")}, r"is compiled for T in \('float', 'double'\). Got int"),
        (lambda cp: {"x": None, "y": None}, "no array tells what T is"),
        (lambda cp: {"offset": 2**31}, "offset is int. Got 2147483648"),
        (lambda cp: {"offset": 0.5}, "offset is int. Got 0.5"),
        (lambda cp: {"factor": cp.ones(())}, "factor is a number, and reading it from the device would synchronise"),
        (lambda cp: {"shape": 3}, "shape is a struct Shape"),
        (lambda cp: {"extra": 3}, r"takes 6 arguments \(x, y, factor, shape, offset, n\). Got 7"),
    ],
)
def test_what_cannot_be_right_is_refused(cp, launch, make_changes, message):
    with pytest.raises((TypeError, ValueError), match=message):
        launch("example", "scale", 70, arguments(cp, **make_changes(cp)), block=64)


def test_the_device_of_the_arrays_is_entered(cp, launch):
    if cp.cuda.runtime.getDeviceCount() < 2:
        pytest.skip("needs two GPUs")
    with cp.cuda.Device(1):
        args = arguments(cp)
    launch("example", "scale", 70, args, block=64)
    assert args[1].get().tolist() == [4.5] * 70
    with pytest.raises(ValueError, match=r"must live on one device. Got devices \[0, 1\]"):
        launch("example", "scale", 70, (cp.ones(70, "f4"), *args[1:]), block=64)


@pytest.mark.parametrize("family", families())
def test_the_parameters_of_every_kernel_are_understood(cp, family):
    known = import_module("ghostflow_learn._engine.cuda._launch").DTYPES
    source = read_source(family)
    for kernel, (template, max_threads) in kernels_of(source).items():
        assert max_threads, f"{family}.{kernel} states no __launch_bounds__"
        names = {parameter.split()[-1] for parameter in template}
        declared = parameters(source, kernel)
        assert len(declared) <= 10, f"{family}.{kernel} takes {len(declared)} arguments: pass a struct"
        for c_type, is_pointer, name in declared:
            assert c_type in known or c_type in names or (c_type.endswith(("Shape", "Rates")) and not is_pointer), name
            if re.fullmatch(r"n|n_\w+", name) and not is_pointer:
                assert c_type == "index", f"{family}.{kernel}: {name} is a size, and sizes are 64-bit"


def test_an_unknown_kernel_is_named():
    with pytest.raises(KeyError, match="no kernel scatter"):
        _sources.parameters(SOURCE, "scatter")
