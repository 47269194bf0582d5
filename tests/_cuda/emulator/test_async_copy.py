"""cp.async: a double-buffered loop is right, and each slip in it is noticed."""

import numpy as np
import pytest

from .. import emulator

TILE = 128
SOURCE = """
extern "C" __global__ void __launch_bounds__(32) sum_tiles(const float* x, float* y, int n_tiles)
{
    __shared__ __align__(16) float buffer[2][128];
    const int t = threadIdx.x;
    float sum = 0;
    emu_async_copy(&buffer[0][4 * t], x + 4 * t, 16, 0);
    emu_async_commit();
    for (int i = 0; i < n_tiles; ++i) {
        if (i + 1 < n_tiles) emu_async_copy(&buffer[(i + 1) & 1][4 * t], x + (i + 1) * 128 + 4 * t, 16, 0);
        emu_async_commit();
        emu_async_wait(IN_FLIGHT);
        FIRST
        for (int j = 0; j < 128; ++j) sum += buffer[i & 1][(j + t) & 127];
        SECOND
    }
    y[t] = sum;
}
"""


def source(in_flight=1, first="__syncthreads();", second="__syncthreads();"):
    return SOURCE.replace("IN_FLIGHT", str(in_flight)).replace("FIRST", first).replace("SECOND", second)


def run(code):
    x = emulator.device_array(np.arange(8 * TILE, dtype="f4"))
    y = np.full(32, np.nan, "f4")
    emulator.RawModule(code=code, check=True).get_function("sum_tiles")((1,), (32,), (x, y, np.int32(8)))
    return x, y


def test_a_double_buffer_is_right(schedule):
    x, y = run(source())
    np.testing.assert_array_equal(y, np.full(32, x.sum()))


@pytest.mark.parametrize(
    "slip, message",
    [
        ({"in_flight": 2}, "uninitialised"),  # reads a tile that has not landed
        ({"first": ""}, "uninitialised|race"),  # reads what other threads have not waited for
        ({"second": ""}, "uninitialised|race"),  # overwrites a tile that is still being read
    ],
)
def test_slips_are_noticed(slip, message):
    with pytest.raises(emulator.EmulationError, match=message):
        run(source(**slip))


def test_a_misaligned_copy_is_noticed():
    with pytest.raises(emulator.EmulationError, match="misaligned"):
        run(source().replace("x + 4 * t, 16, 0", "x + 4 * t + 1, 16, 0"))


def test_mma_multiplies_with_the_register_layout_of_the_ptx_manual(rng, schedule):
    """Lane 4 * group + pair holds rows group and group + 8 of A and D, and column group of B."""
    code = """#include <cuda_fp16.h>
    extern "C" __global__ void __launch_bounds__(32) multiply(const half* A, const half* B, float* D)
    {
        const int group = threadIdx.x / 4, pair = threadIdx.x % 4;
        float d[4] = {};
        unsigned a[4], b[2];
        for (int r = 0; r < 4; ++r)
            a[r] = *(const unsigned*)&A[(group + 8 * (r % 2)) * 16 + 2 * pair + 8 * (r / 2)];
        for (int r = 0; r < 2; ++r) b[r] = *(const unsigned*)&B[group * 16 + 2 * pair + 8 * r];
        emu_mma_m16n8k16(d, a, b);
        for (int r = 0; r < 4; ++r) D[(group + 8 * (r / 2)) * 8 + 2 * pair + r % 2] = d[r];
    }"""
    A, B_transposed = rng.normal(size=(16, 16)).astype("f2"), rng.normal(size=(8, 16)).astype("f2")
    D = np.full((16, 8), np.nan, "f4")
    multiply = emulator.RawModule(code=code, check=True).get_function("multiply")
    multiply((1,), (32,), (A, B_transposed, D))
    np.testing.assert_allclose(D, A.astype("f8") @ B_transposed.astype("f8").T, rtol=1e-5, atol=1e-5)
