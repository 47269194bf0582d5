// The nearest samples of queries.
#include "common.cuh"

constexpr int QUERIES_PER_BLOCK = 128, FEATURES_PER_TILE = 32, SAMPLES_PER_TILE = 16;
constexpr int EUCLIDEAN = 0, MANHATTAN = 1;  // another metric is chebyshev

template <typename T> struct Tiles
{
    T queries[QUERIES_PER_BLOCK][FEATURES_PER_TILE + 1];  // + 1: a column in 32 different banks
    T samples[FEATURES_PER_TILE][SAMPLES_PER_TILE];
};

// Distances (euclidean: squared) of this thread's query to a tile of samples, in registers. Differences, not products:
// near samples keep their digits.
template <typename T> __device__ void dists_to_tile(
    Tiles<T>& tiles, const T* X, const T* queries, T (&dist)[SAMPLES_PER_TILE],
    index first_sample, int n_samples_here, index n_features, index n_queries, int metric)
{
    const index first_query = index(blockIdx.x) * QUERIES_PER_BLOCK;
    const int n_here = int(min(index(QUERIES_PER_BLOCK), n_queries - first_query));
#pragma unroll
    for (int s = 0; s < SAMPLES_PER_TILE; ++s) dist[s] = 0;

    for (index from = 0; from < n_features; from += FEATURES_PER_TILE) {
        const int width = int(min(index(FEATURES_PER_TILE), n_features - from));
        __syncthreads();  // the tiles of the last round have been read
        for (int e = threadIdx.x; e < n_here * FEATURES_PER_TILE; e += QUERIES_PER_BLOCK) {
            const int row = e / FEATURES_PER_TILE, j = e % FEATURES_PER_TILE;
            if (j < width) tiles.queries[row][j] = queries[(first_query + row) * n_features + from + j];
        }
        for (int e = threadIdx.x; e < SAMPLES_PER_TILE * FEATURES_PER_TILE; e += QUERIES_PER_BLOCK) {
            const int s = e / FEATURES_PER_TILE, j = e % FEATURES_PER_TILE;
            const bool exists = s < n_samples_here && j < width;
            tiles.samples[j][s] = exists ? X[(first_sample + s) * n_features + from + j] : T(0);
        }
        __syncthreads();
        for (int j = 0; j < width && threadIdx.x < n_here; ++j) {
            const T x = tiles.queries[threadIdx.x][j];
#pragma unroll
            for (int s = 0; s < SAMPLES_PER_TILE; ++s) {
                const T diff = x - tiles.samples[j][s], size = diff < 0 ? -diff : diff;
                if (metric == EUCLIDEAN) dist[s] += diff * diff;
                else if (metric == MANHATTAN) dist[s] += size;
                else dist[s] = max(dist[s], size);
            }
        }
    }
}

// One thread per query and segment of the samples, so that few queries fill a GPU too. Its nearest so far stand in
// ascending order; most samples fail the comparison with the last of them, which is in a register.
template <typename T> __global__ void __launch_bounds__(128) search_segments(
    const T* X,        // (n_samples, n_features)               IN
    const T* queries,  // (n_queries, n_features)               IN
    T* dists,          // (n_segments, n_neighbors, n_queries)  OUT  euclidean: squared
    index* rows,       // (n_segments, n_neighbors, n_queries)  OUT
    index n_samples, index n_features, index n_queries, index n_neighbors, index n_segments, int metric)
{
    __shared__ Tiles<T> tiles;
    const index i = global_index(), segment = blockIdx.y;
    const index stop = n_samples * (segment + 1) / n_segments;
    dists += segment * n_neighbors * n_queries + i;
    rows += segment * n_neighbors * n_queries + i;
    T dist[SAMPLES_PER_TILE], farthest = 0;
    index found = 0;
    for (index first = n_samples * segment / n_segments; first < stop; first += SAMPLES_PER_TILE) {
        const int n_here = int(min(index(SAMPLES_PER_TILE), stop - first));
        dists_to_tile(tiles, X, queries, dist, first, n_here, n_features, n_queries, metric);
        if (i >= n_queries) continue;
#pragma unroll
        for (int s = 0; s < SAMPLES_PER_TILE; ++s) {
            if (s >= n_here || (found == n_neighbors && dist[s] >= farthest)) continue;
            index place = found < n_neighbors ? found++ : found - 1;
            for (; place > 0 && dists[(place - 1) * n_queries] > dist[s]; --place) {
                dists[place * n_queries] = dists[(place - 1) * n_queries];
                rows[place * n_queries] = rows[(place - 1) * n_queries];
            }
            dists[place * n_queries] = dist[s];
            rows[place * n_queries] = first + s;
            farthest = dists[(found - 1) * n_queries];
        }
    }
}

// One thread per query. Of equal distances the one of the first segment comes first.
template <typename T> __global__ void __launch_bounds__(128) merge_segments(
    const T* dists,     // (n_segments, n_neighbors, n_queries)  IN
    const index* rows,  // (n_segments, n_neighbors, n_queries)  IN
    index* n_taken,     // (n_segments, n_queries)               IN/OUT  zero at first
    double* nearest,    // (n_queries, n_neighbors)              OUT
    index* indices,     // (n_queries, n_neighbors)              OUT
    index n_samples, index n_queries, index n_neighbors, index n_segments, int metric)
{
    const index i = global_index();
    if (i >= n_queries) return;
    for (index rank = 0; rank < n_neighbors; ++rank) {
        index best = -1, best_at = 0;
        for (index segment = 0; segment < n_segments; ++segment) {
            const index n_here = n_samples * (segment + 1) / n_segments - n_samples * segment / n_segments;
            const index taken = n_taken[segment * n_queries + i];
            if (taken == min(n_here, n_neighbors)) continue;
            const index at = (segment * n_neighbors + taken) * n_queries + i;
            if (best < 0 || dists[at] < dists[best_at]) { best = segment; best_at = at; }
        }
        ++n_taken[best * n_queries + i];
        nearest[i * n_neighbors + rank] = metric == EUCLIDEAN ? sqrt(double(dists[best_at])) : double(dists[best_at]);
        indices[i * n_neighbors + rank] = rows[best_at];
    }
}
