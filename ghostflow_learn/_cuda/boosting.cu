// The steps of histogram gradient boosting: words from a loss, the split of a node, the parting of its samples,
// predictions. Trees are those of the CPU, bit for bit.
#include "losses.cuh"
#include "splits.cuh"

constexpr int SAMPLES_PER_BLOCK = 128, ROWS_PER_LANE = 8, NONE = 0x7fffffff;

// ------------------------------------------------------------------ words

// The largest absolute gradient and hessian.
__global__ void __launch_bounds__(256) largest_derived(
    const double* y,              // (n_samples,)          IN
    const double* raw,            // (n_samples,)          IN
    const double* sample_weight,  // (n_samples,) or null  IN
    double* largest,              // (2,)                  IN/OUT  zeroed
    PackingShape shape, index n_samples)
{
    double most_gradient = 0, most_hessian = 0;
    for (index i = global_index(); i < n_samples; i += n_threads_of_grid()) {
        const Derivatives of = weighted(derivatives_of(shape, y[i], raw[i]), sample_weight, i);
        most_gradient = max(most_gradient, fabs(of.gradient));
        most_hessian = max(most_hessian, of.hessian);
    }
    keep_largest(largest, most_gradient);
    keep_largest(largest + 1, most_hessian);
}

__global__ void __launch_bounds__(256) pack_derived(
    const double* y,              // (n_samples,)          IN
    const double* raw,            // (n_samples,)          IN
    const double* sample_weight,  // (n_samples,) or null  IN
    const double* units,          // (2,)                  IN
    index* words,                 // (n_samples,)          OUT
    PackingShape shape, index n_samples)
{
    const index i = global_index();
    if (i >= n_samples) return;
    const Derivatives of = weighted(derivatives_of(shape, y[i], raw[i]), sample_weight, i);
    words[i] = word_of(of.gradient, of.hessian, units, i, shape.seed, shape);
}

// Of all classes, one thread per sample.
__global__ void __launch_bounds__(256) pack_multinomial(
    const double* y,              // (n_samples,)            IN   class codes
    const double* raw,            // (n_classes, n_samples)  IN
    const double* sample_weight,  // (n_samples,) or null    IN
    const double* units,          // (n_classes, 2)          IN
    index* words,                 // (n_classes, n_samples)  OUT
    PackingShape shape, index n_classes, index n_samples)
{
    const index i = global_index();
    if (i >= n_samples) return;
    double most = -exact_double(infinity()), total = 0;
    for (index k = 0; k < n_classes; ++k) most = max(most, raw[k * n_samples + i]);
    for (index k = 0; k < n_classes; ++k) total = sum(total, exact_exp(difference(raw[k * n_samples + i], most)));
    for (index k = 0; k < n_classes; ++k) {
        const double p = exact_exp(difference(raw[k * n_samples + i], most)) / total;
        const Derivatives of = {difference(p, y[i] == k), product(p, difference(1, p))};
        const Derivatives counted = weighted(of, sample_weight, i);
        words[k * n_samples + i] =
            word_of(counted.gradient, counted.hessian, units + 2 * k, i, shape.seed + unsigned(k), shape);
    }
}

// ------------------------------------------------------------------ splits

// What a search found, as 14 words of 64 bits.
struct Found {
    double gain, gradient, hessian;  // of the split, and what it leaves on the left
    index n_left, feature, bin, missing_left, categorical;
    unsigned left_codes[N_BINS / 32];
    double node_gradient, node_hessian;
};

__device__ inline bool contains(const unsigned* bits, int bit) { return bits[bit / 32] >> (bit % 32) & 1; }

__global__ void __launch_bounds__(256) clear(
    const index* jobs,  // (n_jobs, 4)                IN   see `build` of histograms
    index* histograms,  // (n_histograms, n_values)   OUT
    index n_values)
{
    const index e = global_index();
    if (e < n_values) histograms[jobs[4 * blockIdx.y + 2] * n_values + e] = 0;
}

// Splits after each bin: missing values on the right, then on the left, where the last bin comes first.
__device__ Candidate search_bins(
    const Node& node, Sums below, Sums missing, bool with_missing, int n_bins, int direction, const double* units,
    const TermsShape& terms)
{
    const int b = threadIdx.x;
    Candidate best = {-1, 0, 0, 0, NONE};
    if (b < n_bins - 1 + with_missing) consider(best, node, below, b, direction, units, terms);
    if (with_missing && b < n_bins - 1)
        consider(best, node, with(below, missing), 2 * N_BINS - 1 - b, direction, units, terms);
    return best;
}

// Categories in the order of their mean gradient, from both ends to the middle. `left_codes` is where those go that the
// best split, whose `order` is returned, sends to the left.
__device__ Candidate search_categories(
    const Node& node, Sums own, Sums missing, bool with_missing, int n_bins, const double* units, const TermsShape& terms,
    unsigned* left_codes, int& order)
{
    __shared__ double means[N_BINS];
    __shared__ Sums ordered[N_BINS], of_used;
    const int c = threadIdx.x, n_categories = n_bins + with_missing;
    const Sums of = c == n_bins ? missing : own;
    const double hessian = product(double(of.hessian), units[1]);
    const bool used = c < n_categories && product(hessian, node.count / node.hessian) >= terms.cat_support;
    const double mean = product(double(of.gradient), units[0]) / sum(hessian, terms.cat_support);
    means[c] = used ? mean : exact_double(infinity());
    if (c < N_BINS / 32) left_codes[c] = 0;
    const int n_used = __syncthreads_count(used), middle = (n_used + 1) / 2;
    int rank = 0;
    for (int other = 0; other < n_categories; ++other)
        rank += means[other] < mean || (means[other] == mean && other < c);
    if (used) ordered[rank] = of;
    __syncthreads();
    const Sums up_to_here = running_sums(c < n_used ? ordered[c] : Sums{0, 0, 0});
    if (c == N_BINS - 1) of_used = up_to_here;
    __syncthreads();
    Candidate best = {-1, 0, 0, 0, NONE};
    const int n_above = n_used - 2 - c;  // of the categories above this one, all but the first
    if (n_used > 1 && c < middle) consider(best, node, up_to_here, c, 0, units, terms);
    if (n_above >= 0 && n_above < middle - 1)
        consider(best, node, less(of_used, up_to_here), N_BINS + n_above, 0, units, terms);
    order = best_order(best);
    const bool left = order < N_BINS ? rank <= order : rank >= n_used - 1 - (order - N_BINS);
    const int code = c == n_bins ? terms.max_bins : c;
    if (used && left && order != NONE) atomicOr(left_codes + code / 32, 1u << (code % 32));
    __syncthreads();
    return best;
}

// One block for each node and feature, one thread for each bin.
__global__ void __launch_bounds__(256) search(
    index* histograms,                 // (n_histograms, 3, n_features, N_BINS)  IN/OUT
    const index* nodes,                // (n_nodes, 10)                          IN   Node
    const int* features,               // (n_features, 3)                        IN   bins, is categorical, direction
    const unsigned char* has_missing,  // (n_features,)                          IN
    const unsigned char* tried,        // (n_nodes, n_features), or null for all IN
    const double* units,               // (n_outputs, 2)                         IN
    index* found,                      // (n_nodes, n_features, 14)              OUT  Found
    TermsShape terms, index n_features)
{
    __shared__ Sums missing, all;
    __shared__ unsigned left_codes[N_BINS / 32];
    Node node = reinterpret_cast<const Node*>(nodes)[blockIdx.y];
    const index j = blockIdx.x, at = blockIdx.y * n_features + j, stride = n_features * N_BINS;
    const int b = threadIdx.x, n_bins = features[3 * j];
    index* bin = histograms + (3 * node.histogram * n_features + j) * N_BINS + b;
    Sums own = {bin[0], bin[stride], bin[2 * stride]};
    if (node.minus >= 0) {
        const index* other = histograms + (3 * node.minus * n_features + j) * N_BINS + b;
        own = less(own, {other[0], other[stride], other[2 * stride]});
        bin[0] = own.gradient, bin[stride] = own.hessian, bin[2 * stride] = own.count;
    }
    const Sums below = running_sums(own);
    if (b == terms.max_bins) missing = own;
    if (b == N_BINS - 1) all = below;
    __syncthreads();
    units += 2 * node.output;
    if (node.is_root) {
        node.gradient = product(double(all.gradient), units[0]);
        node.hessian = product(double(all.hessian), units[1]);
    }
    Found& record = reinterpret_cast<Found*>(found)[at];
    const bool with_missing = has_missing[j], categorical = features[3 * j + 1];
    Candidate best = {-1, 0, 0, 0, NONE};
    int order = NONE;
    if (!tried || tried[at]) {
        if (categorical) {
            best = search_categories(node, own, missing, with_missing, n_bins, units, terms, left_codes, order);
        } else {
            best = search_bins(node, below, missing, with_missing, n_bins, features[3 * j + 2], units, terms);
            order = best_order(best);
        }
    }
    if (order == NONE ? b != 0 : best.order != order) return;
    record = {best.gain, best.gradient, best.hessian, best.n_left, j, categorical ? 0 : b, order >= N_BINS, categorical};
    if (categorical && order != NONE) {
        record.missing_left = contains(left_codes, terms.max_bins);
        for (int w = 0; w < N_BINS / 32; ++w) record.left_codes[w] = left_codes[w];
    }
    if (!with_missing) record.missing_left = 2 * best.n_left > node.count;
    record.node_gradient = node.gradient, record.node_hessian = node.hessian;
}

// The best feature of each node, the first of equal ones. One warp per node.
__global__ void __launch_bounds__(256) choose(
    const index* found,  // (n_nodes, n_features, 14)  IN
    index* best,         // (n_nodes, 14)              OUT
    index n_nodes, index n_features)
{
    constexpr int WORDS = sizeof(Found) / sizeof(index);
    const index node = global_index() / 32;
    const int lane = threadIdx.x % 32;
    if (node >= n_nodes) return;
    found += node * n_features * WORDS;
    double most = -2;
    index feature = n_features;
    for (index j = lane; j < n_features; j += 32) {
        const double gain = __longlong_as_double(found[j * WORDS]);
        if (gain > most) most = gain, feature = j;
    }
    for (int offset = 16; offset > 0; offset >>= 1) {
        const double gain = __shfl_xor_sync(ALL_LANES, most, offset);
        const index j = __shfl_xor_sync(ALL_LANES, feature, offset);
        if (gain > most || (gain == most && j < feature)) most = gain, feature = j;
    }
    if (lane < WORDS) best[node * WORDS + lane] = found[feature * WORDS + lane];
}

// ------------------------------------------------------------------ samples to leaves

// A node whose samples are parted, those of the left child before the others. `cursor` counts both, in its halves.
struct Part {
    index from, to, count, n_left, feature, bin, missing_left, categorical;
    unsigned long long cursor;
    unsigned left_codes[N_BINS / 32];
};

// Grid: x over samples, y over nodes. Each warp reserves room for its samples, so their order within a child is not
// always the same; nothing that is made of them depends on it.
__global__ void __launch_bounds__(256) part(
    const unsigned char* codes,  // (n_samples, n_features)  IN
    index* parts,                // (n_parts, 13)            IN/OUT  Part
    unsigned* rows,              // samples of the nodes, and room for them  IN/OUT
    int max_bins, index n_features)
{
    constexpr int TILE = 32 * ROWS_PER_LANE;
    Part& node = reinterpret_cast<Part*>(parts)[blockIdx.y];
    const index count = node.count, feature = node.feature, bin = node.bin;
    const bool categorical = node.categorical, missing_left = node.missing_left;
    const int lane = threadIdx.x % 32;
    for (index first = global_index() / 32 * TILE; first < count; first += n_threads_of_grid() / 32 * TILE) {
        unsigned row[ROWS_PER_LANE], to_left[ROWS_PER_LANE];
        int n_left = 0;
#pragma unroll
        for (int a = 0; a < ROWS_PER_LANE; ++a) {
            const index r = first + 32 * a + lane;
            row[a] = r < count ? rows[node.from + r] : 0;
            const int code = r < count ? codes[row[a] * n_features + feature] : 0;
            const bool left = categorical ? contains(node.left_codes, code)
                                          : code <= bin || (code == max_bins && missing_left);
            to_left[a] = __ballot_sync(ALL_LANES, left && r < count);
            n_left += __popc(to_left[a]);
        }
        unsigned long long reserved = 0;
        const auto n_right = static_cast<unsigned long long>(min(index(TILE), count - first) - n_left);
        if (lane == 0) reserved = atomicAdd(&node.cursor, (static_cast<unsigned long long>(n_left) << 32) + n_right);
        reserved = __shfl_sync(ALL_LANES, reserved, 0);
        unsigned* left_at = rows + node.to + (reserved >> 32);
        unsigned* right_at = rows + node.to + node.n_left + (reserved & 0xffffffffu);
#pragma unroll
        for (int a = 0; a < ROWS_PER_LANE; ++a) {
            const int rank = __popc(to_left[a] & ((1u << lane) - 1));
            if (first + 32 * a + lane < count)
                *(to_left[a] >> lane & 1 ? left_at + rank : right_at + (lane - rank)) = row[a];
            left_at += __popc(to_left[a]), right_at += 32 - __popc(to_left[a]);
        }
    }
}

// A left child comes right after its parent.
__global__ void __launch_bounds__(256) find_leaves(
    const unsigned char* codes,  // (n_samples, n_features)  IN
    const int* nodes,            // (n_nodes, 4)             IN   feature, bin or row of left_codes, right or -1, flags
    const unsigned* left_codes,  // (n_sets, 8)              IN
    unsigned* leaves,            // (n_samples,)             OUT
    int max_bins, index n_samples, index n_features)
{
    const index i = global_index();
    if (i >= n_samples) return;
    int at = 0;
    for (int4 node = *reinterpret_cast<const int4*>(nodes); node.z >= 0;) {
        const int code = codes[i * n_features + node.x];
        bool left = code <= node.y;
        if (node.w & 2) left = contains(left_codes + 8 * node.y, code);
        if (code == max_bins) left = node.w & 1;
        at = left ? at + 1 : node.z;
        node = reinterpret_cast<const int4*>(nodes)[at];
    }
    leaves[i] = at;
}

__global__ void __launch_bounds__(256) add_values(
    const double* values,    // (n_nodes,)    IN
    const unsigned* leaves,  // (n_samples,)  IN
    double* raw,             // (n_samples,)  IN/OUT
    index n_samples)
{
    const index i = global_index();
    if (i < n_samples) raw[i] += values[leaves[i]];
}

// ------------------------------------------------------------------ predictions

// A quantile of the residuals of each leaf, which are sorted. One thread per node: the weights are added in their order.
__global__ void __launch_bounds__(256) quantile_of_leaves(
    const double* residuals,      // (n_samples,)          IN   ascending in each leaf
    const double* sample_weight,  // (n_samples,) or null  IN
    const index* ends,            // (n_nodes,)            IN
    double* values,               // (n_nodes,)            OUT
    double quantile, index n_nodes)
{
    const index node = global_index();
    if (node >= n_nodes) return;
    const index start = node ? ends[node - 1] : 0, n = ends[node] - start;
    values[node] = 0;
    if (n == 0) return;
    residuals += start;
    if (!sample_weight) {
        const double place = product(double(n - 1), quantile), t = difference(place, floor(place));
        const index lower = index(place), upper = min(lower + 1, n - 1);
        const double step = difference(residuals[upper], residuals[lower]);
        values[node] = t < 0.5 ? sum(residuals[lower], product(step, t))
                               : difference(residuals[upper], product(step, difference(1, t)));
        return;
    }
    sample_weight += start;
    double total = 0, reached = sample_weight[0];
    for (index r = 0; r < n; ++r) total += sample_weight[r];
    const double wanted = max(product(quantile, total), 4.9406564584124654e-324);
    index r = 0;
    while (r < n - 1 && reached < wanted) reached += sample_weight[++r];
    values[node] = residuals[r];
}

// A split, or a leaf, whose threshold is its value. side: 8 feature + flags; 1: missing values go to the left, 2: the
// threshold is a row of left_categories, 4: a leaf.
struct alignas(16) TreeNode {
    double threshold;
    int side, right;
};

// Add trees, in their order, to the predictions. Grid: x over samples, y over outputs. A thread keeps its sample in shared
// memory, if it fits there; its left children come right after their parents.
template <typename T> __global__ void __launch_bounds__(128) add_trees(
    const T* X,                       // (n_samples, n_features)    IN
    const double* nodes,              // (n_nodes, 2)               IN   TreeNode
    const int* roots,                 // (n_iterations, n_outputs)  IN
    const unsigned* left_categories,  // (n_sets, 8)                IN
    const unsigned* known,            // (n_features, 8)            IN
    double* raw,                      // (n_outputs, n_samples)     IN/OUT
    index n_iterations, index n_samples, index n_features, index n_kept)
{
    extern __shared__ double memory[];
    const index i = index(blockIdx.x) * SAMPLES_PER_BLOCK + threadIdx.x;
    if (i >= n_samples) return;
    T* kept = reinterpret_cast<T*>(memory) + threadIdx.x;
    for (int j = 0; j < n_kept; ++j) kept[j * SAMPLES_PER_BLOCK] = X[i * n_features + j];
    double prediction = raw[blockIdx.y * n_samples + i];
    for (index t = 0; t < n_iterations; ++t) {
        int at = roots[t * gridDim.y + blockIdx.y];
        TreeNode node = reinterpret_cast<const TreeNode*>(nodes)[at];
        while (!(node.side & 4)) {
            const int j = node.side >> 3;
            const double x = exact_double(n_kept > 0 ? kept[j * SAMPLES_PER_BLOCK] : X[i * n_features + j]);
            bool missing = isnan(x), left = x <= node.threshold;
            if (node.side & 2) {
                missing = !(x >= 0 && x < N_BINS) || !contains(known + 8 * j, int(x));
                left = !missing && contains(left_categories + 8 * index(node.threshold), int(x));
            }
            at = (missing ? node.side & 1 : left) ? at + 1 : node.right;
            node = reinterpret_cast<const TreeNode*>(nodes)[at];
        }
        prediction += node.threshold;
    }
    raw[blockIdx.y * n_samples + i] = prediction;
}
