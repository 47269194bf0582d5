// Prediction by forests: the leaf each sample comes to in each tree, sums of the leaves' values, paths.
#include "common.cuh"

constexpr int SAMPLES_PER_BLOCK = 128, MISSING = 0x7fffffff, INFINITE = 0x7f800000;

// An integer in the order of the floats, above all others for NaN. Integers, because -ftz=true would compare the
// smallest floats as 0. -0 is below 0, so thresholds have no -0.
__device__ inline int key_of(float x)
{
    const int bits = __float_as_int(x);
    return (bits & MISSING) > INFINITE ? MISSING : bits ^ ((bits >> 31) & MISSING);
}

// One thread per sample, which goes through the trees that blockIdx.y shares out. A thread keeps the keys of its sample
// in shared memory, each lane in a bank of its own; none are kept where they do not fit.
__global__ void __launch_bounds__(128) find_leaves(
    const float* X,      // (n_samples, n_features)  IN
    const int* nodes,    // (n_nodes, 4)             IN   key of threshold, 2 feature + missing_go_to_left, left, right
    const index* first,  // (n_trees + 1,)           IN   the nodes of each tree
    int* leaves,         // (n_trees, n_samples)     OUT  counted from 0 in each tree
    index n_samples, index n_features, index n_kept, index n_trees)
{
    extern __shared__ int keys[];
    const index i = index(blockIdx.x) * SAMPLES_PER_BLOCK + threadIdx.x;
    if (i >= n_samples) return;
    const float* x = X + i * n_features;
    int* own_keys = keys + threadIdx.x;
    for (int j = 0; j < n_kept; ++j) own_keys[j * SAMPLES_PER_BLOCK] = key_of(x[j]);

    for (index t = blockIdx.y; t < n_trees; t += gridDim.y) {
        const int4* tree = reinterpret_cast<const int4*>(nodes) + first[t];
        int at = 0;
        for (int4 node = tree[at]; node.z >= 0; node = tree[at]) {
            const int j = node.y >> 1, key = n_kept > 0 ? own_keys[j * SAMPLES_PER_BLOCK] : key_of(x[j]);
            const bool right = key > node.x && !(key == MISSING && (node.y & 1));
            at = right ? node.w : node.z;
        }
        leaves[t * n_samples + i] = at;
    }
}

// One thread per sum. Trees are added in their order.
__global__ void __launch_bounds__(256) add_values(
    const int* leaves,    // (n_trees, n_samples)             IN
    const index* first,   // (n_trees + 1,)                   IN
    const double* value,  // (n_nodes, n_values)              IN
    double* sums,         // (n_samples, n_groups, n_values)  IN/OUT
    index n_samples, index n_trees, index n_values, index n_groups)
{
    const index e = global_index(), i = e / (n_groups * n_values);
    if (i >= n_samples) return;
    const index column = e % (n_groups * n_values), group = column / n_values;
    value += column % n_values;
    double sum = sums[e];
    for (index t = group; t < n_trees; t += n_groups) sum += value[(first[t] + leaves[t * n_samples + i]) * n_values];
    sums[e] = sum;
}

// How many nodes lead to each leaf, itself included. One thread per sample and tree.
__global__ void __launch_bounds__(256) count_passed(
    const index* leaves,  // (n_samples, n_trees)  IN
    const index* first,   // (n_trees + 1,)        IN
    const int* parent,    // (n_nodes,)            IN   counted from 0 in each tree; -1 of a root
    index* n_passed,      // (n_samples, n_trees)  OUT
    index n_leaves, index n_trees)
{
    const index e = global_index();
    if (e >= n_leaves) return;
    const int* of_tree = parent + first[e % n_trees];
    index n = 0;
    for (int node = int(leaves[e]); node >= 0; node = of_tree[node]) ++n;
    n_passed[e] = n;
}

// And which they are, from the root to the leaf.
__global__ void __launch_bounds__(256) list_passed(
    const index* leaves,  // (n_samples, n_trees)  IN
    const index* first,   // (n_trees + 1,)        IN
    const int* parent,    // (n_nodes,)            IN
    const index* ends,    // (n_samples, n_trees)  IN   running sums of n_passed
    index* nodes,         // (sum of n_passed,)    OUT  counted through all trees
    index n_leaves, index n_trees)
{
    const index e = global_index();
    if (e >= n_leaves) return;
    const index of_tree = first[e % n_trees];
    index end = ends[e];
    for (int node = int(leaves[e]); node >= 0; node = parent[of_tree + node]) nodes[--end] = of_tree + node;
}
