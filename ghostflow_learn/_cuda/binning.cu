// Values to the bins they fall into.
#include "common.cuh"

constexpr int VALUES_PER_THREAD = 8;

// A thread steps through the columns without a division.
template <typename T> __global__ void __launch_bounds__(256) find_bins(
    const T* X,                           // (n_samples, n_features)  IN
    const double* edges,                  // (n_edges,)               IN      ascending, feature after feature
    const index* offsets,                 // (n_features + 1,)        IN      where the edges of each begin
    const unsigned char* is_categorical,  // (n_features,)            IN
    unsigned char* codes,                 // (n_samples, n_features)  OUT
    unsigned* has_missing,                // (n_features,)            IN/OUT  zeroed
    int max_bins, index n_values, index n_features)
{
    index e = index(blockIdx.x) * blockDim.x * VALUES_PER_THREAD + threadIdx.x;
    index j = e % n_features;
    const index step = blockDim.x % n_features;
    for (int v = 0; v < VALUES_PER_THREAD && e < n_values; ++v, e += blockDim.x) {
        const double x = exact_double(X[e]);
        if (isnan(x) || (is_categorical[j] && x < 0)) {
            codes[e] = max_bins;
            if (*static_cast<volatile unsigned*>(has_missing + j) == 0) atomicOr(has_missing + j, 1u);
        } else {
            const double* below = edges + offsets[j];  // of the edges from here on, n may be below x
            for (int n = int(offsets[j + 1] - offsets[j]); n > 0;) {
                const int half = (n + 1) / 2;
                if (below[half - 1] < x) below += half;
                n -= half;
            }
            codes[e] = below - (edges + offsets[j]);
        }
        j += step;
        if (j >= n_features) j -= n_features;
    }
}
