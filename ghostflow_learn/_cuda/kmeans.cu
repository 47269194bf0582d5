// Lloyd's k-means: the two steps of one iteration.
#include "common.cuh"

constexpr int SAMPLES_PER_BLOCK = 128, FEATURES_PER_TILE = 32, CENTERS_PER_TILE = 32;

// One thread per sample. Samples and centers pass through shared memory in tiles of features; a thread keeps its
// distances to one tile of centers in registers, so X comes from device memory once for up to 32 clusters and from
// the cache after that. Distances are never stored: a matrix product would write and read n_samples x n_clusters.
template <typename T> __global__ void __launch_bounds__(128) assign(
    const T* X,        // (n_samples, n_features)   IN
    const T* centers,  // (n_clusters, n_features)  IN
    int* labels,       // (n_samples,)              OUT  the lowest index wins ties
    T* sq_dists,       // (n_samples,)              OUT
    index n_samples, index n_features, index n_clusters)
{
    __shared__ T sample_tile[SAMPLES_PER_BLOCK][FEATURES_PER_TILE + 1];  // + 1: a column in 32 different banks
    __shared__ T center_tile[FEATURES_PER_TILE][CENTERS_PER_TILE];

    const index first_sample = index(blockIdx.x) * SAMPLES_PER_BLOCK, i = first_sample + threadIdx.x;
    const int n_here = int(min(index(SAMPLES_PER_BLOCK), n_samples - first_sample));
    T best_sq_dist = Limits<T>::max;
    int best = 0;
    for (index first = 0; first < n_clusters; first += CENTERS_PER_TILE) {
        const int n_centers = int(min(index(CENTERS_PER_TILE), n_clusters - first));
        T sq_dist[CENTERS_PER_TILE] = {};
        for (index from = 0; from < n_features; from += FEATURES_PER_TILE) {
            const int width = int(min(index(FEATURES_PER_TILE), n_features - from));
            __syncthreads();  // the tiles of the last round have been read
            const T* corner = X + first_sample * n_features + from;
            for (int e = threadIdx.x; e < n_here * FEATURES_PER_TILE; e += SAMPLES_PER_BLOCK) {
                const int row = e / FEATURES_PER_TILE, j = e % FEATURES_PER_TILE;
                if (j < width) sample_tile[row][j] = corner[row * n_features + j];
            }
            for (int e = threadIdx.x; e < CENTERS_PER_TILE * FEATURES_PER_TILE; e += SAMPLES_PER_BLOCK) {
                const int k = e / FEATURES_PER_TILE, j = e % FEATURES_PER_TILE;
                const bool exists = k < n_centers && j < width;
                center_tile[j][k] = exists ? centers[(first + k) * n_features + from + j] : T(0);
            }
            __syncthreads();
            for (int j = 0; j < width && i < n_samples; ++j) {
                const T x = sample_tile[threadIdx.x][j];
#pragma unroll
                for (int k = 0; k < CENTERS_PER_TILE; ++k) {
                    const T diff = x - center_tile[j][k];
                    sq_dist[k] += diff * diff;
                }
            }
        }
#pragma unroll
        for (int k = 0; k < CENTERS_PER_TILE; ++k)
            if (k < n_centers && sq_dist[k] < best_sq_dist) { best_sq_dist = sq_dist[k]; best = int(first) + k; }
    }
    if (i < n_samples) { labels[i] = best; sq_dists[i] = best_sq_dist; }
}

// First stage of the weighted sums: partial p adds its rows in order, and a thread owns its columns of a partial, so
// there are no atomics and the order of additions is fixed. Block: 32 lanes over features, y over partials. The last
// column collects the weights. `partials` must arrive zeroed.
template <typename T> __global__ void __launch_bounds__(256) accumulate(
    const T* X,              // (n_samples, n_features)                       IN
    const T* sample_weight,  // (n_samples,)                                  IN
    const int* labels,       // (n_samples,)                                  IN
    double* partials,        // (n_partials, n_clusters, n_features + 1)      IN/OUT
    index n_samples, index n_features, index n_clusters, index n_partials)
{
    const index p = index(blockIdx.x) * blockDim.y + threadIdx.y;
    if (p >= n_partials) return;
    const index stop = n_samples * (p + 1) / n_partials;
    double* sums = partials + p * n_clusters * (n_features + 1);
    for (index i = n_samples * p / n_partials; i < stop; ++i) {
        const double weight = sample_weight[i];
        double* row = sums + labels[i] * (n_features + 1);
        for (index j = threadIdx.x; j <= n_features; j += blockDim.x)
            row[j] += j < n_features ? weight * X[i * n_features + j] : weight;
    }
}

// Second stage: one thread per sum, partials in order.
__global__ void __launch_bounds__(256) add_partials(
    const double* partials,  // (n_partials, n_sums)  IN
    double* sums,            // (n_sums,)             OUT
    index n_partials, index n_sums)
{
    const index e = global_index();
    if (e >= n_sums) return;
    double sum = 0;
    for (index p = 0; p < n_partials; ++p) sum += partials[p * n_sums + e];
    sums[e] = sum;
}
