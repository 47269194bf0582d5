// What every .cu file shares.
#pragma once

// Sizes and flat offsets: 64-bit, so that n_samples * n_features cannot overflow.
using index = long long;

template <typename T> struct Limits;
template <> struct Limits<float>  { static constexpr float  max = 3.402823466e+38f; };
template <> struct Limits<double> { static constexpr double max = 1.7976931348623157e+308; };

// NVRTC has no INFINITY.
__device__ inline float infinity() { return __int_as_float(0x7f800000); }

// A plain conversion makes 0 of the smallest floats, under -ftz=true.
__device__ inline double exact_double(float x)
{
    const int size = __float_as_int(x) & 0x7fffffff;
    return size < 0x00800000 ? copysign(size * 0x1p-149, __float_as_int(x) < 0 ? -1.0 : 1.0) : double(x);
}
__device__ inline double exact_double(double x) { return x; }

__device__ inline index global_index() { return index(blockIdx.x) * blockDim.x + threadIdx.x; }
__device__ inline index n_threads_of_grid() { return index(gridDim.x) * blockDim.x; }

constexpr unsigned ALL_LANES = 0xffffffffu;

template <typename T> __device__ inline T warp_sum(T v)
{
    for (int offset = 16; offset > 0; offset >>= 1) v += __shfl_xor_sync(ALL_LANES, v, offset);
    return v;
}

// Sum over the block in a fixed order, valid in thread 0. blockDim.x must be a multiple of 32. A second call in one
// kernel needs a barrier before it.
template <typename T> __device__ T block_sum(T v)
{
    __shared__ T parts[32];
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    v = warp_sum(v);
    if (lane == 0) parts[warp] = v;
    __syncthreads();
    return warp == 0 ? warp_sum(lane < blockDim.x / 32 ? parts[lane] : T(0)) : v;
}
