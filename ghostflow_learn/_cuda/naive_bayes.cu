// Gaussian naive Bayes: samples against the Gaussians of all classes.
#include "common.cuh"

constexpr int SAMPLES_PER_BLOCK = 128, FEATURES_PER_TILE = 32, CLASSES_PER_TILE = 8;

// Joint log likelihood of the sample of this thread in CLASSES_PER_TILE classes from `first` on. Samples and classes pass
// through shared memory in tiles of features. All threads of the block must come here. (x - mean)^2 is not expanded:
// x^2 - 2 x mean + mean^2 cancels where a class lies far from 0.
template <typename T> __device__ void log_likelihoods(
    T (&jll)[CLASSES_PER_TILE], const T* X, const T* mean, const T* half_precision, const T* constant, index first,
    index n_samples, index n_features, index n_classes)
{
    __shared__ T samples[SAMPLES_PER_BLOCK][FEATURES_PER_TILE + 1];  // + 1: a column in 32 different banks
    __shared__ T means[CLASSES_PER_TILE][FEATURES_PER_TILE], precisions[CLASSES_PER_TILE][FEATURES_PER_TILE];

    const index first_sample = index(blockIdx.x) * SAMPLES_PER_BLOCK;
    const int n_here = int(min(index(SAMPLES_PER_BLOCK), n_samples - first_sample));
    for (int k = 0; k < CLASSES_PER_TILE; ++k) jll[k] = first + k < n_classes ? constant[first + k] : T(0);
    for (index from = 0; from < n_features; from += FEATURES_PER_TILE) {
        const int width = int(min(index(FEATURES_PER_TILE), n_features - from));
        __syncthreads();  // the tiles of the last round have been read
        const T* corner = X + first_sample * n_features + from;
        for (int e = threadIdx.x; e < n_here * FEATURES_PER_TILE; e += SAMPLES_PER_BLOCK) {
            const int row = e / FEATURES_PER_TILE, j = e % FEATURES_PER_TILE;
            if (j < width) samples[row][j] = corner[row * n_features + j];
        }
        for (int e = threadIdx.x; e < CLASSES_PER_TILE * FEATURES_PER_TILE; e += SAMPLES_PER_BLOCK) {
            const int k = e / FEATURES_PER_TILE, j = e % FEATURES_PER_TILE;
            const bool exists = first + k < n_classes && j < width;
            const index at = exists ? (first + k) * n_features + from + j : 0;
            means[k][j] = exists ? mean[at] : T(0);
            precisions[k][j] = exists ? half_precision[at] : T(0);
        }
        __syncthreads();
        for (int j = 0; j < width && threadIdx.x < n_here; ++j) {
            const T x = samples[threadIdx.x][j];
#pragma unroll
            for (int k = 0; k < CLASSES_PER_TILE; ++k) {
                const T diff = x - means[k][j];
                jll[k] -= diff * diff * precisions[k][j];
            }
        }
    }
}

template <typename T> __global__ void __launch_bounds__(128) joint_log_likelihood(
    const T* X,               // (n_samples, n_features)  IN
    const T* mean,            // (n_classes, n_features)  IN
    const T* half_precision,  // (n_classes, n_features)  IN   0.5 / variance
    const T* constant,        // (n_classes,)             IN   log prior and normalisation
    T* jll,                   // (n_samples, n_classes)   OUT
    index n_samples, index n_features, index n_classes)
{
    const index i = index(blockIdx.x) * SAMPLES_PER_BLOCK + threadIdx.x;
    for (index first = 0; first < n_classes; first += CLASSES_PER_TILE) {
        T tile[CLASSES_PER_TILE];
        log_likelihoods(tile, X, mean, half_precision, constant, first, n_samples, n_features, n_classes);
#pragma unroll
        for (int k = 0; k < CLASSES_PER_TILE; ++k)
            if (i < n_samples && first + k < n_classes) jll[i * n_classes + first + k] = tile[k];
    }
}

template <typename T> __global__ void __launch_bounds__(128) classify(
    const T* X,               // (n_samples, n_features)  IN
    const T* mean,            // (n_classes, n_features)  IN
    const T* half_precision,  // (n_classes, n_features)  IN   0.5 / variance
    const T* constant,        // (n_classes,)             IN   log prior and normalisation
    index* codes,             // (n_samples,)             OUT  the lowest index wins ties, NaN wins
    index n_samples, index n_features, index n_classes)
{
    const index i = index(blockIdx.x) * SAMPLES_PER_BLOCK + threadIdx.x;
    T largest = -T(infinity());
    index best = 0;
    for (index first = 0; first < n_classes; first += CLASSES_PER_TILE) {
        T tile[CLASSES_PER_TILE];
        log_likelihoods(tile, X, mean, half_precision, constant, first, n_samples, n_features, n_classes);
#pragma unroll
        for (int k = 0; k < CLASSES_PER_TILE; ++k)
            if (first + k < n_classes && !isnan(largest) && !(tile[k] <= largest)) {
                largest = tile[k];
                best = first + k;
            }
    }
    if (i < n_samples) codes[i] = best;
}
