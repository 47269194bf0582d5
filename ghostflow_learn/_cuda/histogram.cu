// Sums of gradients, hessians and samples in each bin, in fixed point: exact in any order.
#include "fixed_point.cuh"

constexpr int AHEAD = 4;  // samples of a thread whose loads are on their way together

struct FieldsShape {
    index interval;  // words that may be added before their sum is taken apart
    int count_bits, hessian_bits;
};

// Samples and the histogram of theirs.
struct Job {
    index first, n_rows, histogram, output;
};

__global__ void __launch_bounds__(256) largest_given(
    const double* gradients,  // (n_outputs, n_samples)          IN
    const double* hessians,   // (n_outputs, n_samples) or null  IN
    double* largest,          // (n_outputs, 2)                  IN/OUT  zeroed
    index n_samples)
{
    const index output = blockIdx.y;
    double most_gradient = 0, most_hessian = 0;
    for (index i = global_index(); i < n_samples; i += n_threads_of_grid()) {
        most_gradient = max(most_gradient, fabs(gradients[output * n_samples + i]));
        if (hessians) most_hessian = max(most_hessian, hessians[output * n_samples + i]);
    }
    keep_largest(largest + 2 * output, most_gradient);
    keep_largest(largest + 2 * output + 1, most_hessian);
}

// Of all outputs. A limit of 0 is that of a constant hessian.
__global__ void __launch_bounds__(256) choose_units(
    const double* largest,  // (n_outputs, 2)  IN
    double* units,          // (n_outputs, 2)  OUT
    double gradient_factor, double hessian_factor, double max_gradient, double max_hessian, index n_outputs)
{
    const index k = global_index();
    if (k >= n_outputs) return;
    units[2 * k] = unit_of(gradient_factor * largest[2 * k], max_gradient);
    units[2 * k + 1] = unit_of(hessian_factor * largest[2 * k + 1], max_hessian);
}

__global__ void __launch_bounds__(256) pack_given(
    const double* gradients,  // (n_outputs, n_samples)          IN
    const double* hessians,   // (n_outputs, n_samples) or null  IN
    const double* units,      // (n_outputs, 2)                  IN
    index* words,             // (n_outputs, n_samples)          OUT
    PackingShape shape, index n_samples)
{
    const index i = global_index(), k = blockIdx.y, e = k * n_samples + i;
    if (i >= n_samples) return;
    words[e] = word_of(gradients[e], hessians ? hessians[e] : 1.0, units + 2 * k, i, shape.seed + unsigned(k), shape);
}

// Add packed sums to the three they are made of, in device memory, and clear them. Each is cleared by the thread that did
// so before.
__device__ inline void take_apart(
    unsigned* bins, int n_bins, int n_words, FieldsShape fields, index n_sums, index* histogram)
{
    const int both = fields.count_bits + fields.hessian_bits;
    auto* sums = reinterpret_cast<unsigned long long*>(histogram);
    for (int b = threadIdx.x; b < n_bins; b += blockDim.x) {
        const index word = index(static_cast<unsigned long long>(bins[n_words + b]) << 32 | bins[b]);
        if (word == 0) continue;  // no sample: each adds 1 to the count
        const index count = word & ((1ll << fields.count_bits) - 1);
        const index hessian = (word >> fields.count_bits) & ((1ll << fields.hessian_bits) - 1);
        atomicAdd(sums + b, static_cast<unsigned long long>(word >> both));
        atomicAdd(sums + n_sums + b, static_cast<unsigned long long>(fields.hessian_bits ? hessian : count));
        atomicAdd(sums + 2 * n_sums + b, static_cast<unsigned long long>(count));
        bins[b] = bins[n_words + b] = 0;
    }
}

// Grid: x over chunks of a job's samples, y over groups of features, z over jobs. The threads of a warp read one row of
// codes each few, so that they seldom add to the same bin.
__global__ void __launch_bounds__(256) build(
    const unsigned char* codes,  // (n_samples, n_features)            IN
    const index* words,          // (n_outputs, n_samples)             IN
    const unsigned* rows,        // samples, or null for all in order  IN
    const index* jobs,           // (n_jobs, 4), or null for one of all `n_rows`  IN
    index* histograms,           // (n_histograms, 3, n_features, N_BINS)         IN/OUT  zeroed
    FieldsShape fields, index n_rows, index n_samples, index n_features, index n_chunk)
{
    extern __shared__ unsigned bins[];
    const Job job = jobs ? reinterpret_cast<const Job*>(jobs)[blockIdx.z] : Job{0, n_rows, 0, 0};
    const int most = int((n_features + gridDim.y - 1) / gridDim.y);  // features of a block
    const index first_feature = index(blockIdx.y) * most;
    const int n_here = int(min(index(most), n_features - first_feature));
    if (n_here <= 0) return;
    unsigned *low = bins, *high = bins + most * N_BINS;
    for (int b = threadIdx.x; b < n_here * N_BINS; b += blockDim.x) low[b] = high[b] = 0;
    const int feature = threadIdx.x % n_here, n_at_once = blockDim.x / n_here, own = threadIdx.x / n_here;
    low += feature * N_BINS, high += feature * N_BINS;
    codes += first_feature + feature, words += job.output * n_samples;

    for (index chunk = blockIdx.x * n_chunk; chunk < job.n_rows; chunk += gridDim.x * n_chunk) {
        const int n = own < n_at_once ? int(min(n_chunk, job.n_rows - chunk)) : 0;
        __syncthreads();  // the bins are empty
        for (int r = own; r < n; r += AHEAD * n_at_once) {
            unsigned long long word[AHEAD];
            int bin[AHEAD];
#pragma unroll
            for (int a = 0; a < AHEAD; ++a) {
                if (r + a * n_at_once >= n) continue;
                const index at = job.first + chunk + r + a * n_at_once, i = rows ? index(rows[at]) : at;
                word[a] = words[i], bin[a] = codes[i * n_features];
            }
#pragma unroll
            for (int a = 0; a < AHEAD; ++a)
                if (r + a * n_at_once < n) add_with_carry(low + bin[a], high + bin[a], word[a]);
        }
        __syncthreads();  // all have added
        take_apart(bins, n_here * N_BINS, most * N_BINS, fields, n_features * N_BINS,
                   histograms + (3 * job.histogram * n_features + first_feature) * N_BINS);
    }
}
