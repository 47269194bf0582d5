// What surrounds the matrix products of dense layers: bias and activation, dropout, gradients of embeddings.
#include "activations.cuh"
#include "strips.cuh"

template <typename T> __global__ void __launch_bounds__(256) activate(
    const T* z,  // (n,)  IN
    T* y,        // (n,)  OUT  may be z
    int code, T slope, index n)
{
    for (index k = global_index(); k < n; k += n_threads_of_grid()) y[k] = activated(z[k], code, slope);
}

// z becomes z + bias; the activation goes to y, or takes its place.
template <typename T> __global__ void __launch_bounds__(256) add_bias_activate(
    T* z,           // (n_samples, n_units)          IN/OUT
    const T* bias,  // (n_units,) or null            IN
    T* y,           // (n_samples, n_units) or null  OUT
    int code, T slope, index n_units, index n)
{
    for (index k = global_index(); k < n; k += n_threads_of_grid()) {
        const T sum = bias ? z[k] + bias[k % n_units] : z[k];
        const T value = activated(sum, code, slope);
        z[k] = y ? sum : value;
        if (y) y[k] = value;
    }
}

template <typename T> __global__ void __launch_bounds__(256) activate_backward(
    const T* g,  // (n,)  IN
    const T* a,  // (n,)  IN   what went into the activation, or what came out
    T* dz,       // (n,)  OUT  may be g
    int code, T slope, index n)
{
    for (index k = global_index(); k < n; k += n_threads_of_grid()) dz[k] = g[k] * derivative(a[k], code, slope);
}

// The same, and partial sums of its columns: the gradient of the bias.
template <typename T> __global__ void __launch_bounds__(256) activate_backward_sums(
    const T* g,   // (n_samples, n_units)   IN
    const T* a,   // (n_samples, n_units)   IN
    T* dz,        // (n_samples, n_units)   OUT
    T* partials,  // (n_partials, n_units)  OUT
    int code, T slope, index n_samples, index n_units, index n_partials, index rows_per_partial)
{
    const Strip strip(n_samples, rows_per_partial);
    if (strip.partial >= n_partials || strip.j >= n_units) return;
    T sum = 0;
#pragma unroll 1
    for (index i = strip.start; i < strip.stop; ++i) {
        const index k = i * n_units + strip.j;
        const T value = g[k] * derivative(a[k], code, slope);
        dz[k] = value;
        sum += value;
    }
    partials[strip.partial * n_units + strip.j] = sum;
}

// The counter generator: a hash of `first` and the place of the element.
template <typename T> __global__ void __launch_bounds__(256) dropout(
    const T* x,  // (n,)  IN
    T* y,        // (n,)  OUT  may be x
    unsigned limit, T scale, unsigned first, index n)
{
    for (index k = global_index(); k < n; k += n_threads_of_grid()) {
        unsigned h = unsigned(k) * 0x9E3779B1u + first;
        h = (h ^ (h >> 16)) * 0x85EBCA6Bu;
        h = (h ^ (h >> 13)) * 0xC2B2AE35u;
        h ^= h >> 16;
        y[k] = x[k] * (h < limit ? T(0) : scale);
    }
}

// Rows of a table; NaN for an index that is none of its rows.
template <typename T> __global__ void __launch_bounds__(256) take_rows(
    const index* indices,  // (n_vectors,)          IN
    const T* table,        // (n_rows, n_units)     IN
    T* vectors,            // (n_vectors, n_units)  OUT
    index n_rows, index n_units, index n)
{
    for (index k = global_index(); k < n; k += n_threads_of_grid()) {
        const index row = indices[k / n_units];
        vectors[k] = row >= 0 && row < n_rows ? table[row * n_units + k % n_units] : T(infinity()) - T(infinity());
    }
}

// One thread for each value of the table: it adds the vectors of its row in the order of the samples.
template <typename T> __global__ void __launch_bounds__(256) add_by_row(
    const T* g,           // (n_vectors, n_units)  IN
    const index* order,   // (n_vectors,)          IN   vectors sorted by row
    const index* starts,  // (n_rows + 1,)         IN   where those of each row begin in `order`
    T* table,             // (n_rows, n_units)     OUT
    index n_rows, index n_units)
{
    const index k = global_index();
    if (k >= n_rows * n_units) return;
    const index row = k / n_units, j = k % n_units;
    T sum = 0;
    for (index at = starts[row]; at < starts[row + 1]; ++at) sum += g[order[at] * n_units + j];
    table[k] = sum;
}
