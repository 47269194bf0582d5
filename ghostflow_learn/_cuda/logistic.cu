// The logistic loss of a linear model: what happens to each sample between the products X W and X' R.
#include "common.cuh"

// The loss of two classes at raw prediction z, which becomes its derivative.
template <typename T> __device__ inline T binary_loss(T& z, T y)
{
    const T t = exp(z < T(0) ? z : -z);  // at most 1: no overflow
    const T loss = log1p(t) + (z < T(0) ? T(0) : z) - y * z;
    z = (z < T(0) ? t : T(1)) / (T(1) + t) - y;
    return loss;
}

// Raw predictions of several classes become exp(raw - top); returns {top, their sum}. Loops are not unrolled: the
// registers of several exp at once would spill.
template <typename T> struct Softmax { T top, total; };
template <typename T> __device__ inline Softmax<T> softmax(T* row, const T* intercept, index n_outputs)
{
    Softmax<T> s = {row[0] + intercept[0], T(0)};
#pragma unroll 1
    for (index k = 0; k < n_outputs; ++k) {
        row[k] += intercept[k];
        s.top = row[k] > s.top ? row[k] : s.top;
    }
#pragma unroll 1
    for (index k = 0; k < n_outputs; ++k) {
        row[k] = exp(row[k] - s.top);
        s.total += row[k];
    }
    return s;
}

// One thread per sample. `raw` is X W without the intercept; it becomes the derivative of the loss. Two classes have
// one output. The loss is added in float64: one partial per block, added by the caller in order.
template <typename T> __global__ void __launch_bounds__(256) residual(
    T* raw,                  // (n_samples, n_outputs)  IN/OUT
    const T* intercept,      // (n_outputs,)            IN
    const int* codes,        // (n_samples,)            IN
    const T* sample_weight,  // (n_samples,) or null    IN
    double* partials,        // (n_blocks,)             OUT
    index n_samples, index n_outputs)
{
    const index i = global_index();
    double loss = 0;
    if (i < n_samples) {
        T* row = raw + i * n_outputs;
        const T weight = sample_weight ? sample_weight[i] : T(1);
        if (n_outputs == 1) {
            T z = row[0] + intercept[0];
            loss = double(weight) * binary_loss(z, T(codes[i]));
            row[0] = weight * z;
        } else {
            const T hit = row[codes[i]] + intercept[codes[i]];
            const Softmax<T> s = softmax(row, intercept, n_outputs);
            loss = double(weight) * (log(s.total) + s.top - hit);
#pragma unroll 1
            for (index k = 0; k < n_outputs; ++k) row[k] = weight * (row[k] / s.total - T(k == codes[i]));
        }
    }
    loss = block_sum(loss);
    if (threadIdx.x == 0) partials[blockIdx.x] = loss;
}

// One thread per sample: raw predictions without the intercept become probabilities.
template <typename T> __global__ void __launch_bounds__(256) to_probabilities(
    T* raw,              // (n_samples, n_outputs)  IN/OUT
    const T* intercept,  // (n_outputs,)            IN
    index n_samples, index n_outputs)
{
    const index i = global_index();
    if (i >= n_samples) return;
    T* row = raw + i * n_outputs;
    if (n_outputs == 1) {
        row[0] = T(1) / (T(1) + exp(-(row[0] + intercept[0])));
        return;
    }
    const Softmax<T> s = softmax(row, intercept, n_outputs);
    for (index k = 0; k < n_outputs; ++k) row[k] /= s.total;
}
