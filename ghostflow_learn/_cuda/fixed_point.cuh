// Gradients, hessians and counts of samples that share a 64-bit word, and sums of such words.
#pragma once
#include "common.cuh"

constexpr int N_BINS = 256;

// How words are made. A hessian of shift 0 is constant, and has no bits.
struct PackingShape {
    double quantile;
    int loss;
    unsigned seed;
    int gradient_shift, hessian_shift;
};

// One rounding each: contracted to a fused multiply-add, they would not be those of the CPU.
__device__ inline double product(double a, double b) { return __dmul_rn(a, b); }
__device__ inline double sum(double a, double b) { return __dadd_rn(a, b); }
__device__ inline double difference(double a, double b) { return __dadd_rn(a, -b); }

// Round up or down at random, with the probability that makes it exact on average, and pack. Units are powers of two.
__device__ inline index word_of(double gradient, double hessian, const double* units, index i, unsigned seed, PackingShape shape)
{
    unsigned h = unsigned(i) * 0x9E3779B1u + seed;
    h = (h ^ (h >> 16)) * 0x85EBCA6Bu;
    h = (h ^ (h >> 13)) * 0xC2B2AE35u;
    h ^= h >> 16;
    const double up_gradient = (h >> 16) * (1.0 / 65536), up_hessian = (h & 0xffffu) * (1.0 / 65536);
    index word = index(int(floor(sum(product(gradient, 1 / units[0]), up_gradient)))) * (1ll << shape.gradient_shift) + 1;
    if (shape.hessian_shift > 0)
        word += index(int(floor(sum(product(max(hessian, 0.0), 1 / units[1]), up_hessian)))) << shape.hessian_shift;
    return word;
}

// The power of two in which `largest` is at most `limit`.
__device__ inline double unit_of(double largest, double limit)
{
    if (limit == 0 || largest == 0) return 1;
    int exponent;
    const double mantissa = frexp(largest / limit, &exponent);
    return ldexp(1.0, exponent - (mantissa == 0.5));
}

// The largest of the block's warps goes to `most`, which is not negative: its bits are in the order of the numbers. A
// maximum does not depend on the order in which it is taken.
__device__ inline void keep_largest(double* most, double value)
{
    for (int offset = 16; offset > 0; offset >>= 1) value = max(value, __shfl_xor_sync(ALL_LANES, value, offset));
    if (threadIdx.x % 32 == 0 && value > 0)
        atomicMax(reinterpret_cast<unsigned long long*>(most), static_cast<unsigned long long>(__double_as_longlong(value)));
}

// Add to a 64-bit sum kept as two 32-bit words: shared memory has a native 32-bit integer addition, while one of 64 bits
// is a compare-and-swap loop. The word that wraps carries exactly once.
__device__ inline void add_with_carry(unsigned* low, unsigned* high, unsigned long long v)
{
    const unsigned more = unsigned(v), old = atomicAdd(low, more);
    atomicAdd(high, unsigned(v >> 32) + (old + more < old));
}
