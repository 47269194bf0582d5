"""Every .cu file compiles for every architecture, and the gate refuses what it should."""

from pathlib import Path

import pytest

from ghostflow_learn import _cuda
from ghostflow_learn._cuda import expression, families, instances, kernels_of, read_source

from . import nvrtc as nvrtc_tool
from .gpu import skip_outside_ci
from .nvrtc import ARCHS, Nvrtc, check, faults, slow_or_unordered_atomics, usage


@pytest.fixture(scope="module")
def nvrtc():
    try:
        return Nvrtc()
    except ImportError as reason:
        skip_outside_ci(str(reason))


@pytest.mark.parametrize("arch", ARCHS)
@pytest.mark.parametrize("family", families())
def test_compiles_without_warnings_spills_or_stack(nvrtc, family, arch):
    kernels, found = check(nvrtc, family, arch)
    assert not found
    assert len(kernels) == len(instances(read_source(family)))


@pytest.mark.parametrize("family", families())
def test_no_kernel_adds_floats_atomically_or_64_bits_in_shared_memory(nvrtc, family):
    source = read_source(family)
    assert slow_or_unordered_atomics(nvrtc.ptx(source, instances(source))) == []


@pytest.mark.parametrize(
    "declaration, addition, found",
    [
        ("float* x", "atomicAdd(x, 1.f);", True),
        ("double* x", "x[1] = atomicAdd(x, 1.0);", True),
        ("unsigned long long* x", "__shared__ unsigned long long s; atomicAdd(&s, 1ull); x[0] = s;", True),
        ("unsigned long long* x", "atomicAdd(x, 1ull);", False),
        ("unsigned* x", "__shared__ unsigned s; atomicAdd(&s, 1u); x[0] = s;", False),
    ],
)
def test_atomics_are_recognised(nvrtc, declaration, addition, found):
    ptx = nvrtc.ptx(f'extern "C" __global__ void k({declaration}) {{ {addition} }}')
    assert bool(slow_or_unordered_atomics(ptx)) == found


@pytest.mark.parametrize(
    "text",
    [
        "#include <stdint.h>\n",
        "__device__ float x = INFINITY;",
        "__device__ int x = INT_MAX;",
        "__global__ void k(long long* x) { atomicAdd(x, 1ll); }",  # exists for unsigned long long only
    ],
)
def test_nvrtc_refuses_what_other_compilers_take(nvrtc, text):
    assert nvrtc.compile(text)[0] is None


def test_a_spill_is_a_fault(nvrtc):
    text = """extern "C" __global__ void __launch_bounds__(1024) k(float* x) { float a[200];
      for (int i = 0; i < 200; ++i) a[i] = x[i * threadIdx.x]; __syncthreads();
      for (int i = 0; i < 200; ++i) x[i * 7 + threadIdx.x] = a[i] * a[(i + 1) % 200]; }"""
    cubin, log = nvrtc.compile(text)
    assert cubin
    assert any("spill" in fault or "stack" in fault for fault in faults(text, log))


def test_a_warning_is_a_fault(nvrtc):
    text = 'extern "C" __global__ void k(float* x) { int unused = 3; x[0] = 1; }'
    assert any("warning" in fault for fault in faults(text, nvrtc.compile(text)[1]))


def test_too_much_static_shared_memory_and_too_many_registers_are_faults():
    log = "entry function 'k'\n Used 200 registers, 50000 bytes smem\n"
    found = faults('extern "C" __global__ void __launch_bounds__(512) k(float* x) {}', log)
    assert any("needs 200 registers x 512 threads" in fault for fault in found)
    assert any("50000 bytes of static shared memory" in fault for fault in found)


def test_usage_is_read_from_the_log(nvrtc):
    text = """extern "C" __global__ void k(float* x) { __shared__ float s[8]; s[threadIdx.x] = 1; __syncthreads();
      x[0] = s[1]; }"""
    used = usage(nvrtc.compile(text)[1])["k"]
    assert used["static_shared_bytes"] == 32
    assert used["registers"] > 0


def test_a_missing_wheel_is_named(monkeypatch):
    monkeypatch.setattr(nvrtc_tool.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match="pip install nvidia-cuda-nvrtc"):
        nvrtc_tool.find_nvrtc()


def test_launch_bounds_and_templates_are_read_from_the_text():
    text = "template <typename T, typename Index> __global__ void __launch_bounds__(128) f(T* x) {} // g()"
    assert kernels_of(text) == {"f": (("typename T", "typename Index"), 128)}
    assert instances(text) == ("f<float, int>", "f<float, index>", "f<double, int>", "f<double, index>")
    assert expression("plain", ()) == "plain"


def test_headers_are_inlined_with_their_lines():
    source = read_source("kmeans")
    assert '#include "common.cuh"' not in source
    assert '#line 1 "common.cuh"' in source
    line = source[: source.index("constexpr int SAMPLES_PER_BLOCK")].rsplit('#line 3 "kmeans.cu"\n', 1)[1].count("\n")
    kmeans = Path(_cuda.__file__).with_name("kmeans.cu").read_text().splitlines()
    assert kmeans[3 + line - 1].startswith("constexpr int SAMPLES_PER_BLOCK")
