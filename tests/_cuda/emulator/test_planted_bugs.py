"""The emulator names each planted bug, with the place and the variable."""

import mmap

import numpy as np
import pytest

from .. import emulator


def run(code, grid, block, args, **kwargs):
    kernel = emulator.RawModule(code=code, check=True, filename="bug.cu").get_function("k")
    kernel.max_dynamic_shared_size_bytes = 99 * 1024
    kernel(grid, block, args, **kwargs)


def ints(n):
    return np.zeros(n, "i4")


def floats(n):
    return np.zeros(n, "f4")


# name: (parameters and body of kernel k, grid, block, arguments, what the message must say, launch keywords)
BUGS = {
    "global read past the end": (
        "(const float* x, float* y) { int i = threadIdx.x; float v = x[i]; if (i < 100) y[i] = v; }",
        (1,), (128,), (floats(100), floats(100)), "out-of-bounds 4-byte read.*past the end.*'arg0'", {},
    ),
    "global write past the end": (
        "(float* y, int n) { int i = threadIdx.x; if (i <= n) y[i] = 1; }",
        (1,), (128,), (floats(100), np.int32(100)), "thread .100,0,0.*out-of-bounds 4-byte write", {},
    ),
    "global write before the start": (
        "(float* y) { y[int(threadIdx.x) - 1] = 1; }",
        (1,), (32,), (floats(100),), "4 bytes before", {},
    ),
    "static shared overrun": (
        ("(int* y) { __shared__ int a[64]; __shared__ int b[64]; a[threadIdx.x] = 1; b[threadIdx.x] = 2;"
        " __syncthreads(); y[threadIdx.x] = a[threadIdx.x + 1] + b[threadIdx.x]; }"),
        (1,), (64,), (ints(64),), "index 64 out of bounds", {},
    ),
    "static shared overrun through a pointer": (
        ("(int* y) { __shared__ int a[64]; int* p = a; p[threadIdx.x] = 1; __syncthreads();"
        " y[threadIdx.x] = p[threadIdx.x + 1]; }"),
        (1,), (64,), (ints(64),), "shared variable 'a', which has 256 bytes", {},
    ),
    "dynamic shared too small": (
        "(int* y) { extern __shared__ int a[]; a[threadIdx.x] = 1; y[threadIdx.x] = a[threadIdx.x]; }",
        (1,), (64,), (ints(64),), "the launch gave 252 bytes", {"shared_mem": 252},
    ),
    "missing barrier": (
        "(int* y) { __shared__ int a[64]; a[threadIdx.x] = threadIdx.x; y[threadIdx.x] = a[63 - threadIdx.x]; }",
        (1,), (64,), (ints(64),), "uninitialised shared memory 'a'", {},
    ),
    "missing barrier that gives the right answer": (
        ("(int* y) { __shared__ int a[64]; a[threadIdx.x] = threadIdx.x;"
        " y[threadIdx.x] = threadIdx.x ? a[threadIdx.x - 1] : 0; }"),
        (1,), (64,), (ints(64),), "read-after-write race on shared memory 'a'", {},
    ),
    "missing second barrier in a tile loop": (
        ("(const float* x, float* y, int n) { __shared__ float t[64]; float s = 0;"
        " for (int first = 0; first < n; first += 64) { t[threadIdx.x] = x[first + threadIdx.x]; __syncthreads();"
        " for (int j = 0; j < 64; ++j) s += t[j]; } y[threadIdx.x] = s; }"),
        (1,), (64,), (floats(256), floats(64), np.int32(256)), "race on shared memory 't'", {},
    ),
    "barrier in a divergent branch": (
        "(int* y) { if (threadIdx.x < 32) { __syncthreads(); y[threadIdx.x] = 1; } }",
        (1,), (64,), (ints(64),), "barrier divergence.*have returned", {},
    ),
    "two different barriers": (
        "(int* y) { if (threadIdx.x < 32) { __syncthreads();\n y[threadIdx.x] = 1; }\n else __syncthreads(); }",
        (1,), (64,), (ints(64),), "barrier divergence", {},
    ),
    "early return before a barrier": (
        "(int* y, int n) { int i = threadIdx.x; if (i >= n) return; y[i] = 1; __syncthreads(); }",
        (1,), (64,), (ints(64), np.int32(40)), "barrier divergence.*threads 40-63 have returned", {},
    ),
    "full-mask shuffle in a divergent branch": (
        ("(int* y) { int v = threadIdx.x; if (threadIdx.x < 16) v += __shfl_down_sync(0xffffffffu, v, 8);"
        " __syncthreads(); y[threadIdx.x] = v; }"),
        (1,), (32,), (ints(32),), "warp collective.*mask 0xffffffff", {},
    ),
    "shuffle from lanes that have exited": (
        ("(int* y, int n) { int i = threadIdx.x; if (i >= n) return; int v = i;"
        " for (int o = 16; o; o >>= 1) v += __shfl_down_sync(0xffffffffu, v, o); if (!i) y[0] = v; }"),
        (1,), (32,), (ints(32), np.int32(20)), "takes no part", {},
    ),
    "shuffle in a partial last warp": (
        "(int* y) { int v = threadIdx.x; v += __shfl_down_sync(0xffffffffu, v, 16); y[threadIdx.x] = v; }",
        (1,), (48,), (ints(48),), "takes no part", {},
    ),
    "lane that is not in its own mask": (
        "(int* y) { int v = threadIdx.x; v += __shfl_xor_sync(0x0000ffffu, v, 1); y[threadIdx.x] = v; }",
        (1,), (32,), (ints(48),), "not in its own mask", {},
    ),
    "sum over blocks without atomics": (
        "(float* y) { if (threadIdx.x == 0) y[0] += 1.f; }",
        (4,), (32,), (floats(1),), "read-after-write race on global buffer", {},
    ),
    "two threads write one word": (
        "(int* y) { y[0] = threadIdx.x; }",
        (1,), (32,), (ints(1),), "write-write race on global buffer", {},
    ),
    "plain read while other threads still add": (
        ("(int* y) { __shared__ int s; if (!threadIdx.x) s = 0; __syncthreads(); atomicAdd(&s, 1);"
        " y[threadIdx.x] = s; }"),
        (1,), (64,), (ints(64),), "race.*'s'", {},
    ),
    "misaligned float4": (
        ("(const float* x, float* y, int ld) { float4 v = *(const float4*)(x + threadIdx.x * ld);"
        " y[threadIdx.x] = v.x + v.y + v.z + v.w; }"),
        (1,), (8,), (floats(64), floats(8), np.int32(5)), "misaligned", {},
    ),
    "uninitialised shared memory": (
        ("(int* y) { __shared__ int a[64]; if (threadIdx.x < 32) a[threadIdx.x] = 1; __syncthreads();"
        " y[threadIdx.x] = a[threadIdx.x]; }"),
        (1,), (64,), (ints(64),), "uninitialised shared memory 'a' byte 128", {},
    ),
    "lockstep assumed, no __syncwarp": (
        ("(int* y) { __shared__ int a[32]; int t = threadIdx.x; a[t] = t;"
        " for (int o = 16; o; o >>= 1) { if (t < o) a[t] += a[t + o]; } if (!t) y[0] = a[0]; }"),
        (1,), (32,), (ints(1),), "uninitialised|race", {},
    ),
    "__ldg of data written in the same launch": (
        "(float* x, float* y) { int t = threadIdx.x; x[t] = 1.f; y[t] = __ldg(x + t); }",
        (1,), (32,), (floats(32), floats(32)), "read-only cache may return stale data", {},
    ),
    "another thread's local memory": (
        ("(int* y) { __shared__ int* p; int local[4] = {1, 2, 3, (int)threadIdx.x}; if (threadIdx.x == 0) p = local;"
        " __syncthreads(); y[threadIdx.x] = p[3]; __syncthreads(); y[threadIdx.x] += local[2]; }"),
        (1,), (32,), (ints(32),), "another thread's local memory", {},
    ),
    "Python float for a float parameter": (
        "(float* y, float a) { y[threadIdx.x] = a; }",
        (1,), (32,), (floats(32), 0.5), "float64 for a float32 parameter", {},
    ),
    "Python int for a float parameter": (
        "(float* y, float a) { y[threadIdx.x] = a; }",
        (1,), (32,), (floats(32), 1), "int64 for a float32 parameter", {},
    ),
    "int32 for a 64-bit parameter": (
        "(float* y, long long n) { y[threadIdx.x] = n; }",
        (1,), (32,), (floats(32), np.int32(5)), "smaller than the 8-byte parameter", {},
    ),
    "one argument missing": (
        "(float* y, int n) { y[threadIdx.x] = n; }",
        (1,), (32,), (floats(32),), "1 arguments for 2 parameters", {},
    ),
    "float64 array for float*": (
        "(float* y, int n) { y[threadIdx.x] = n; }",
        (1,), (32,), (np.zeros(32), np.int32(1)), "float64 for a pointer to 4-byte elements", {},
    ),
    "array that is not contiguous": (
        "(float* y, int n) { y[threadIdx.x] = n; }",
        (1,), (32,), (floats(64)[::2], np.int32(1)), "not C-contiguous", {},
    ),
    "block larger than its launch bounds": (
        "(float* y) { y[threadIdx.x] = 1; }",
        (1,), (256,), (floats(256),), "__launch_bounds__ allow 128", {},
    ),
    "more dynamic shared memory than allowed": (
        "(float* y) { y[threadIdx.x] = 1; }",
        (1,), (32,), (floats(32),), "set kernel.max_dynamic_shared_size_bytes", {"shared_mem": 128 * 1024},
    ),
    "grid.y too large": (
        "(float* y) { y[0] = 1; }", (1, 70000), (1,), (floats(32),), "bad grid", {},
    ),
    "2000 threads in a block": (
        "(float* y) { y[0] = 1; }", (1,), (2000,), (floats(32),), "allow 1024", {},
    ),
    "float to int out of range": (
        "(float* y) { y[0] = int(y[1] + 3e9f); }", (1,), (1,), (floats(2),), "out of range", {},
    ),
    "mma.sync by half a warp": (
        ("(float* y) { float d[4] = {}; unsigned a[4] = {}, b[2] = {};"
        " if (threadIdx.x < 16) emu_mma_m16n8k16(d, a, b); y[threadIdx.x] = d[0]; }"),
        (1,), (32,), (floats(32),), "mma.sync needs all 32 lanes", {},
    ),
    "waiting for a block that comes later": (
        "(int* flag) { if (blockIdx.x == 0) while (atomicCAS(flag, 1, 1) == 0); else atomicExch(flag, 1); }",
        (2,), (1,), (ints(1),), "spins without end", {},
    ),
}  # fmt: skip
BOUNDS = {"block larger than its launch bounds": 128}


@pytest.mark.parametrize("name", BUGS)
def test_planted_bug_is_named(name):
    text, grid, block, args, message, kwargs = BUGS[name]
    with pytest.raises(emulator.EmulationError, match=message):
        run(
            f'extern "C" __global__ void __launch_bounds__({BOUNDS.get(name, 1024)}) k{text}',
            grid,
            block,
            args,
            **kwargs,
        )


def test_int32_overflow_of_a_row_offset_is_found_without_10_gb_of_memory():
    no_reserve = getattr(mmap, "MAP_NORESERVE", 0x4000)
    virtual = mmap.mmap(-1, 10 * 2**30, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | no_reserve)
    X, y, n = np.frombuffer(virtual, dtype="f4"), floats(256), 10_000_000
    code = (
        'extern "C" __global__ void k(const float* x, float* y, int n, int d)'
        "{ int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < n) y[i & 255] = x[i * d]; }"
    )
    last_block = n // 256 - 1
    with pytest.raises(emulator.EmulationError, match="integer overflow"):
        run(code, (n // 256,), (256,), (X, y, np.int32(n), np.int32(256)), blocks=(last_block, 1))
