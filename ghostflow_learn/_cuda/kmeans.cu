// The steps of k-means.
#include "common.cuh"

constexpr int SAMPLES_PER_BLOCK = 128, FEATURES_PER_TILE = 32, CENTERS_PER_TILE = 32, TRIALS_PER_TILE = 8;

template <typename T, int N_CENTERS> struct Tiles
{
    T samples[SAMPLES_PER_BLOCK][FEATURES_PER_TILE + 1];  // + 1: a column in 32 different banks
    T centers[FEATURES_PER_TILE][N_CENTERS];
};

// Squared distances of this thread's sample to one tile of centers, in registers. Samples and centers pass through
// shared memory in tiles of features, so X comes from device memory once for up to N_CENTERS clusters and from the
// cache after that.
template <typename T, int N_CENTERS> __device__ void sq_dists_to_tile(
    Tiles<T, N_CENTERS>& tiles, const T* X, const T* centers, T (&sq_dist)[N_CENTERS],
    index first_center, index n_samples, index n_features, index n_clusters)
{
    const index first_sample = index(blockIdx.x) * SAMPLES_PER_BLOCK;
    const int n_here = int(min(index(SAMPLES_PER_BLOCK), n_samples - first_sample));
    const int n_centers = int(min(index(N_CENTERS), n_clusters - first_center));
#pragma unroll
    for (int k = 0; k < N_CENTERS; ++k) sq_dist[k] = 0;

    for (index from = 0; from < n_features; from += FEATURES_PER_TILE) {
        const int width = int(min(index(FEATURES_PER_TILE), n_features - from));
        __syncthreads();  // the tiles of the last round have been read
        const T* corner = X + first_sample * n_features + from;
        for (int e = threadIdx.x; e < n_here * FEATURES_PER_TILE; e += SAMPLES_PER_BLOCK) {
            const int row = e / FEATURES_PER_TILE, j = e % FEATURES_PER_TILE;
            if (j < width) tiles.samples[row][j] = corner[row * n_features + j];
        }
        for (int e = threadIdx.x; e < N_CENTERS * FEATURES_PER_TILE; e += SAMPLES_PER_BLOCK) {
            const int k = e / FEATURES_PER_TILE, j = e % FEATURES_PER_TILE;
            const bool exists = k < n_centers && j < width;
            tiles.centers[j][k] = exists ? centers[(first_center + k) * n_features + from + j] : T(0);
        }
        __syncthreads();
        for (int j = 0; j < width && threadIdx.x < n_here; ++j) {
            const T x = tiles.samples[threadIdx.x][j];
#pragma unroll
            for (int k = 0; k < N_CENTERS; ++k) {
                const T diff = x - tiles.centers[j][k];
                sq_dist[k] += diff * diff;
            }
        }
    }
}

// One thread per sample. Distances are not stored: a matrix product would write and read n_samples x n_clusters.
template <typename T> __global__ void __launch_bounds__(128) assign(
    const T* X,        // (n_samples, n_features)   IN
    const T* centers,  // (n_clusters, n_features)  IN
    int* labels,       // (n_samples,)              OUT  the lowest index wins ties
    T* sq_dists,       // (n_samples,)              OUT
    index n_samples, index n_features, index n_clusters)
{
    __shared__ Tiles<T, CENTERS_PER_TILE> tiles;
    const index i = global_index();
    T sq_dist[CENTERS_PER_TILE], best_sq_dist = Limits<T>::max;
    int best = 0;
    for (index first = 0; first < n_clusters; first += CENTERS_PER_TILE) {
        sq_dists_to_tile(tiles, X, centers, sq_dist, first, n_samples, n_features, n_clusters);
#pragma unroll
        for (int k = 0; k < CENTERS_PER_TILE; ++k)
            if (first + k < n_clusters && sq_dist[k] < best_sq_dist) { best_sq_dist = sq_dist[k]; best = int(first) + k; }
    }
    if (i < n_samples) { labels[i] = best; sq_dists[i] = best_sq_dist; }
}

// One thread per sample.
template <typename T> __global__ void __launch_bounds__(128) distances(
    const T* X,        // (n_samples, n_features)   IN
    const T* centers,  // (n_clusters, n_features)  IN
    T* dists,          // (n_samples, n_clusters)   OUT
    index n_samples, index n_features, index n_clusters)
{
    __shared__ Tiles<T, CENTERS_PER_TILE> tiles;
    const index i = global_index();
    T sq_dist[CENTERS_PER_TILE];
    for (index first = 0; first < n_clusters; first += CENTERS_PER_TILE) {
        sq_dists_to_tile(tiles, X, centers, sq_dist, first, n_samples, n_features, n_clusters);
#pragma unroll
        for (int k = 0; k < CENTERS_PER_TILE; ++k)
            if (i < n_samples && first + k < n_clusters) dists[i * n_clusters + first + k] = sqrt(sq_dist[k]);
    }
}

// First stage of the weighted sums: partial p adds its rows in order, and a thread owns its columns of a partial, so
// there are no atomics and the order of additions is fixed. Block: 32 lanes over features, y over partials. The last
// column collects the weights. `partials` must arrive zeroed.
template <typename T> __global__ void __launch_bounds__(256) accumulate(
    const T* X,              // (n_samples, n_features)                   IN
    const T* sample_weight,  // (n_samples,)                              IN
    const int* labels,       // (n_samples,)                              IN
    double* partials,        // (n_partials, n_clusters, n_features + 1)  IN/OUT
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

// One warp per sample.
template <typename T> __global__ void __launch_bounds__(256) sq_dists_of_labels(
    const T* X,         // (n_samples, n_features)   IN
    const T* centers,   // (n_clusters, n_features)  IN
    const int* labels,  // (n_samples,)              IN
    double* sq_dists,   // (n_samples,)              OUT
    index n_samples, index n_features)
{
    const index i = global_index() / 32;
    if (i >= n_samples) return;
    const T *x = X + i * n_features, *center = centers + labels[i] * n_features;
    double sq_dist = 0;
    for (index j = threadIdx.x % 32; j < n_features; j += 32) {
        const double diff = double(x[j]) - center[j];
        sq_dist += diff * diff;
    }
    sq_dist = warp_sum(sq_dist);
    if (threadIdx.x % 32 == 0) sq_dists[i] = sq_dist;
}

// k-means++: what would the squared distance of each sample to its nearest center be if a trial became one, and the
// weighted sum of those? One thread per sample.
template <typename T> __global__ void __launch_bounds__(128) weigh_trials(
    const T* X,              // (n_samples, n_features)  IN
    const T* sample_weight,  // (n_samples,)             IN
    const T* closest,        // (n_samples,)             IN   squared distance to the nearest center so far
    const T* trials,         // (n_trials, n_features)   IN
    T* trial_closest,        // (n_trials, n_samples)    OUT
    double* partials,        // (n_blocks, n_trials)     OUT  sums over the samples of a block
    index n_samples, index n_features, index n_trials)
{
    __shared__ Tiles<T, TRIALS_PER_TILE> tiles;
    const index i = global_index();
    T sq_dist[TRIALS_PER_TILE];
    for (index first = 0; first < n_trials; first += TRIALS_PER_TILE) {
        sq_dists_to_tile(tiles, X, trials, sq_dist, first, n_samples, n_features, n_trials);
        const T nearest = i < n_samples ? closest[i] : T(0);
        const double weight = i < n_samples ? sample_weight[i] : T(0);
        const int n_here = int(min(index(TRIALS_PER_TILE), n_trials - first));
        T* out = trial_closest + first * n_samples + i;
#pragma unroll
        for (int t = 0; t < TRIALS_PER_TILE; ++t, out += n_samples) {
            const T nearer = min(sq_dist[t], nearest);
            if (i < n_samples && t < n_here) *out = nearer;
            __syncthreads();  // thread 0 has read the parts of the last sum
            const double sum = block_sum(weight * nearer);
            if (threadIdx.x == 0 && t < n_here) partials[blockIdx.x * n_trials + first + t] = sum;
        }
    }
}
