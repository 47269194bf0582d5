// Statistics of each feature, NaN left out, and the scaling of features by them.
#include "strips.cuh"

constexpr int VALUES_PER_THREAD = 8;

// First pass: weight and weighted sum of each partial, about a point near the data, so that the mean is exact where a
// feature is constant. A run of samples of one group is summed in registers; no atomics, one order of additions.
template <typename T> __global__ void __launch_bounds__(256) group_sums(
    const T* X,                   // (n_samples, n_features)                  IN
    const index* codes,           // (n_samples,), or null for one group      IN
    const double* sample_weight,  // (n_samples,), or null for ones           IN
    const double* shift,          // (n_features,)                            IN
    double* partials,             // (2, n_partials, n_groups, n_features)    IN/OUT  weight and sum; zeroed
    index n_samples, index n_features, index n_groups, index n_partials, index rows_per_partial)
{
    const Strip strip(n_samples, rows_per_partial);
    if (strip.partial >= n_partials || strip.j >= n_features) return;
    double* weight = partials + strip.partial * n_groups * n_features + strip.j;
    double* sums = weight + n_partials * n_groups * n_features;
    const T* x = X + strip.j;
    const double near = shift[strip.j];
    for (index i = strip.start; i < strip.stop;) {
        const index k = codes ? codes[i] : 0;
        double total = 0, sum = 0;
        for (; i < strip.stop && (!codes || codes[i] == k); ++i) {
            const double w = sample_weight ? sample_weight[i] : 1, value = x[i * n_features];
            total += isnan(value) ? 0 : w;
            sum += isnan(value) ? 0 : w * (value - near);
        }
        weight[k * n_features] += total;
        sums[k * n_features] += sum;
    }
}

// Second pass: weighted squares of the deviations from the mean of the group.
template <typename T> __global__ void __launch_bounds__(256) group_squares(
    const T* X,                   // (n_samples, n_features)               IN
    const index* codes,           // (n_samples,), or null for one group   IN
    const double* sample_weight,  // (n_samples,), or null for ones        IN
    const double* mean,           // (n_groups, n_features)                IN
    double* partials,             // (n_partials, n_groups, n_features)    IN/OUT  zeroed
    index n_samples, index n_features, index n_groups, index n_partials, index rows_per_partial)
{
    const Strip strip(n_samples, rows_per_partial);
    if (strip.partial >= n_partials || strip.j >= n_features) return;
    double* squares = partials + strip.partial * n_groups * n_features + strip.j;
    const T* x = X + strip.j;
    for (index i = strip.start; i < strip.stop;) {
        const index k = codes ? codes[i] : 0;
        const double center = mean[k * n_features + strip.j];
        double sum = 0;
        for (; i < strip.stop && (!codes || codes[i] == k); ++i) {
            const double w = sample_weight ? sample_weight[i] : 1, value = x[i * n_features], diff = value - center;
            sum += isnan(value) ? 0 : w * diff * diff;
        }
        squares[k * n_features] += sum;
    }
}

template <typename T> __global__ void __launch_bounds__(256) min_max(
    const T* X,   // (n_samples, n_features)         IN
    T* partials,  // (2, n_partials, n_features)     OUT  infinity and -infinity where no value is there
    index n_samples, index n_features, index n_partials, index rows_per_partial)
{
    const Strip strip(n_samples, rows_per_partial);
    if (strip.partial >= n_partials || strip.j >= n_features) return;
    T low = T(infinity()), high = -low;
    for (index i = strip.start; i < strip.stop; ++i) {
        const T value = X[i * n_features + strip.j];
        low = value < low ? value : low;
        high = value > high ? value : high;
    }
    T* out = partials + strip.partial * n_features + strip.j;
    out[0] = low;
    out[n_partials * n_features] = high;
}

// One rounding each: contracted to a fused multiply-add, the least value of a feature would miss its bound.
__device__ inline float product(float a, float b) { return __fmul_rn(a, b); }
__device__ inline double product(double a, double b) { return __dmul_rn(a, b); }

// `f(value, feature)` of every value of X, in place if out is X. A thread steps through the columns without a division.
template <typename T, typename F> __device__ void map_values(const T* X, T* out, index n_values, index n_features, F f)
{
    index e = index(blockIdx.x) * blockDim.x * VALUES_PER_THREAD + threadIdx.x;
    index j = e % n_features;
    const index step = blockDim.x % n_features;
    for (int v = 0; v < VALUES_PER_THREAD && e < n_values; ++v, e += blockDim.x) {
        out[e] = f(X[e], j);
        j += step;
        if (j >= n_features) j -= n_features;
    }
}

template <typename T> __device__ T within(T value, T low, T high)
{
    value = value < low ? low : value;  // NaN stays
    return value > high ? high : value;
}

template <typename T> __global__ void __launch_bounds__(256) standardize(
    const T* X,       // (n_values,)    IN
    const T* center,  // (n_features,)  IN
    const T* scale,   // (n_features,)  IN
    T* out,           // (n_values,)    OUT  may be X
    T low, T high, index n_values, index n_features)
{
    map_values(X, out, n_values, n_features,
               [=](T x, index j) { return within((x - center[j]) / scale[j], low, high); });
}

template <typename T> __global__ void __launch_bounds__(256) restore(
    const T* X,       // (n_values,)    IN
    const T* center,  // (n_features,)  IN
    const T* scale,   // (n_features,)  IN
    T* out,           // (n_values,)    OUT  may be X
    T low, T high, index n_values, index n_features)
{
    map_values(X, out, n_values, n_features,
               [=](T x, index j) { return within(product(x, scale[j]) + center[j], low, high); });
}
