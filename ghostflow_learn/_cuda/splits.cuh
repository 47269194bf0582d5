// The best split of a node by one feature, from its histogram, with the roundings of the CPU's.
#pragma once
#include "fixed_point.cuh"

constexpr int WARPS = N_BINS / 32;

// Limits and constants of a search.
struct TermsShape {
    double min_hessian, min_gain, l2, cat_support;
    index min_samples_leaf;
    int max_bins, reserved;
};

// A node to be searched. `minus` is the histogram that is to be subtracted first, or -1.
struct Node {
    index histogram, minus, count, output, is_root;
    double gradient, hessian, value, lower, upper;
};

// Gradients, hessians and numbers of samples in the units of their integers.
struct Sums {
    index gradient, hessian, count;
};
__device__ inline Sums with(Sums a, Sums b) { return {a.gradient + b.gradient, a.hessian + b.hessian, a.count + b.count}; }
__device__ inline Sums less(Sums a, Sums b) { return {a.gradient - b.gradient, a.hessian - b.hessian, a.count - b.count}; }

// A split. `order` says which one of equal gains wins: the lowest.
struct Candidate {
    double gain, gradient, hessian;
    index n_left;
    int order;
};

// Sums over the values of this thread and those before it. All threads of the block must come here; blockDim.x is N_BINS.
// A second call in one kernel needs a barrier before it.
__device__ inline Sums running_sums(Sums of)
{
    __shared__ Sums of_warps[WARPS];
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    for (int offset = 1; offset < 32; offset <<= 1) {
        const Sums before = {__shfl_up_sync(ALL_LANES, of.gradient, offset), __shfl_up_sync(ALL_LANES, of.hessian, offset),
                             __shfl_up_sync(ALL_LANES, of.count, offset)};
        if (lane >= offset) of = with(of, before);
    }
    if (lane == 31) of_warps[warp] = of;
    __syncthreads();
    for (int w = 0; w < warp; ++w) of = with(of, of_warps[w]);
    return of;
}

__device__ inline bool is_better(double gain, int order, const Candidate& than)
{
    return gain > than.gain || (gain == than.gain && order < than.order);
}

// The order of the best candidate of the block. A second call in one kernel needs a barrier before it.
__device__ inline int best_order(Candidate of)
{
    __shared__ double gains[WARPS];
    __shared__ int orders[WARPS];
    for (int offset = 16; offset > 0; offset >>= 1) {
        const double gain = __shfl_xor_sync(ALL_LANES, of.gain, offset);
        const int order = __shfl_xor_sync(ALL_LANES, of.order, offset);
        if (is_better(gain, order, of)) of.gain = gain, of.order = order;
    }
    if (threadIdx.x % 32 == 0) gains[threadIdx.x / 32] = of.gain, orders[threadIdx.x / 32] = of.order;
    __syncthreads();
    for (int w = 0; w < WARPS; ++w)
        if (is_better(gains[w], orders[w], of)) of.gain = gains[w], of.order = orders[w];
    return of.order;
}

__device__ inline double value_of(double gradient, double hessian, const Node& node, double l2)
{
    const double value = -gradient / sum(sum(hessian, l2), 1e-15);
    return value < node.lower ? node.lower : value > node.upper ? node.upper : value;
}

// Keep the split that leaves `left` on the left, if it is allowed and better than `best`.
__device__ inline void consider(
    Candidate& best, const Node& node, Sums left, int order, int direction, const double* units, const TermsShape& terms)
{
    const double gradient = product(double(left.gradient), units[0]), hessian = product(double(left.hessian), units[1]);
    const double rest_gradient = difference(node.gradient, gradient), rest_hessian = difference(node.hessian, hessian);
    if (min(left.count, node.count - left.count) < terms.min_samples_leaf) return;
    if (hessian < terms.min_hessian || rest_hessian < terms.min_hessian) return;
    const double value_left = value_of(gradient, hessian, node, terms.l2);
    const double value_right = value_of(rest_gradient, rest_hessian, node, terms.l2);
    const double loss = difference(product(node.gradient, node.value), product(gradient, value_left));
    const double gain = difference(loss, product(rest_gradient, value_right));
    if (direction * difference(value_left, value_right) > 0 || !(gain > terms.min_gain)) return;
    if (is_better(gain, order, best)) best = {gain, gradient, hessian, left.count, order};
}
