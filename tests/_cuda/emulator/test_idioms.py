"""The emulator is silent on correct idioms, under every schedule, and refuses what it cannot run."""

import numpy as np
import pytest

from .. import emulator
from .test_planted_bugs import floats, ints, run

IDIOMS = {  # name: (source, grid, block, arguments, what must hold afterwards)
    "last block done, with a fence": (
        """__device__ unsigned done;
        extern "C" __global__ void k(const float* x, float* part, float* out, int n) {
          __shared__ float s[64]; __shared__ bool last; int t = threadIdx.x, i = blockIdx.x * 64 + t;
          s[t] = i < n ? x[i] : 0; __syncthreads();
          for (int o = 32; o; o >>= 1) { if (t < o) s[t] += s[t + o]; __syncthreads(); }
          if (!t) { part[blockIdx.x] = s[0]; __threadfence();
                    last = atomicInc(&done, gridDim.x - 1) == gridDim.x - 1; }
          __syncthreads();
          if (last && !t) { float r = 0; for (unsigned b = 0; b < gridDim.x; ++b) r += ((volatile float*)part)[b];
                            out[0] = r; } }""",
        (16,), (64,), lambda: (np.ones(1000, "f4"), floats(16), floats(1), np.int32(1000)), lambda a: a[2][0] == 1000,
    ),
    "spin lock": (
        """extern "C" __global__ void k(int* lock, int* v) { if (threadIdx.x == 0) {
          while (atomicCAS(lock, 0, 1) != 0); __threadfence(); v[0] = v[0] + 1; __threadfence();
          atomicExch(lock, 0); } }""",
        (20,), (32,), lambda: (ints(1), ints(1)), lambda a: a[1][0] == 20,
    ),
    "spin on another warp of the block": (
        """extern "C" __global__ void k(int* flag, int* y) {
          if (threadIdx.x == 0) { while (atomicCAS(flag, 1, 1) == 0); y[0] = 1; }
          if (threadIdx.x == 32) { __threadfence(); atomicExch(flag, 1); } }""",
        (1,), (64,), lambda: (ints(1), ints(1)), lambda a: a[1][0] == 1,
    ),
    "tree with __syncwarp": (
        """extern "C" __global__ void k(int* y) { __shared__ int a[32]; int t = threadIdx.x; a[t] = t; __syncwarp();
          for (int o = 16; o; o >>= 1) { int v = t < o ? a[t + o] : 0; __syncwarp(); if (t < o) a[t] += v;
                                         __syncwarp(); } if (!t) y[0] = a[0]; }""",
        (1,), (32,), lambda: (ints(1),), lambda a: a[0][0] == 496,
    ),
    "half-warp masks in two branches": (
        """extern "C" __global__ void k(int* y) { int t = threadIdx.x, v = t;
          if (t < 16) for (int o = 8; o; o >>= 1) v += __shfl_xor_sync(0x0000ffffu, v, o, 16);
          else for (int o = 8; o; o >>= 1) v = max(v, __shfl_xor_sync(0xffff0000u, v, o, 16));
          y[t] = v; }""",
        (1,), (32,), lambda: (ints(32),), lambda a: (a[0][:16] == 120).all() and (a[0][16:] == 31).all(),
    ),
    "atomics aggregated by match_any": (
        """extern "C" __global__ void k(const int* x, int* c) { int t = threadIdx.x;
          unsigned m = __match_any_sync(0xffffffffu, x[t]);
          if (__ffs(m) - 1 == (t & 31)) atomicAdd(&c[x[t]], __popc(m)); }""",
        (1,), (64,), lambda: ((np.arange(64) % 5).astype("i4"), ints(5)),
        lambda a: (a[1] == np.bincount(np.arange(64) % 5)).all(),
    ),
    "counting barrier and reduce_add": (
        """extern "C" __global__ void k(int* y) { int c = __syncthreads_count(threadIdx.x % 3 == 0);
          int r = __reduce_add_sync(0xffffffffu, (int)threadIdx.x & 31);
          if (threadIdx.x == 0) { y[0] = c; y[1] = r; } }""",
        (1,), (96,), lambda: (ints(2),), lambda a: a[0].tolist() == [32, 496],
    ),
    "double addition by a CAS loop": (
        """extern "C" __global__ void k(double* y) { unsigned long long *p = (unsigned long long*)y, old = *p, seen;
          do { seen = old; old = atomicCAS(p, seen, __double_as_longlong(1.0 + __longlong_as_double(seen))); }
          while (seen != old); }""",
        (4,), (64,), lambda: (np.zeros(1),), lambda a: a[0][0] == 256,
    ),
    "constant tables and vectors in shared memory": (
        """__constant__ float table[4] = {1, 2, 3, 4};
          extern "C" __global__ void k(float* y) { __shared__ float2 q[32];
          q[threadIdx.x] = make_float2(1.f, table[threadIdx.x & 1]); __syncwarp();
          y[threadIdx.x] = q[31 - threadIdx.x].y; }""",
        (1,), (32,), lambda: (floats(32),), lambda a: (a[0] == np.tile([2, 1], 16)).all(),
    ),
    "tiles of cooperative groups": (
        """#include <cooperative_groups.h>
        namespace cg = cooperative_groups;
        extern "C" __global__ void k(float* y) { auto block = cg::this_thread_block();
          auto tile = cg::tiled_partition<8>(block); float v = block.thread_rank();
          for (int o = tile.size() / 2; o; o >>= 1) v += tile.shfl_xor(v, o);
          block.sync(); if (tile.thread_rank() == 0) y[tile.meta_group_rank()] = v; }""",
        (1,), (64,), lambda: (floats(8),), lambda a: (a[0] == np.arange(64).reshape(8, 8).sum(1)).all(),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", IDIOMS)
def test_correct_idiom_raises_no_alarm(name, schedule):
    code, grid, block, make_args, holds = IDIOMS[name]
    args = make_args()
    run(code, grid, block, args)
    assert holds(args)


def test_name_expressions_select_template_instances():
    code = """template <class T, int n> __global__ void reversed(T* y) {
      __shared__ T s[n]; s[threadIdx.x] = T(threadIdx.x); __syncthreads(); y[threadIdx.x] = s[n - 1 - threadIdx.x]; }"""
    module = emulator.RawModule(code=code, name_expressions=["reversed<float, 32>", "reversed<double, 16>"])
    y = np.zeros(16)
    module.get_function("reversed<double, 16>")((1,), (16,), (y,))
    assert y.tolist() == list(range(16))[::-1]


def test_a_mangled_name_is_not_found():
    code = "__global__ void k(int* x) { x[0] = 1; }"
    with pytest.raises(KeyError, match="name_expressions"):
        emulator.RawModule(code=code).get_function("k")
    assert emulator.RawModule(code=code, name_expressions=["k"]).get_function("k").name == "k"


def test_inline_ptx_is_refused_where_it_has_no_twin():
    code = r'extern "C" __global__ void k(int* x) { int r; asm("mov.u32 %0, %%laneid;" : "=r"(r)); x[0] = r; }'
    with pytest.raises(RuntimeError, match="did not compile for the CPU"):
        emulator.RawModule(code=code).compile()
