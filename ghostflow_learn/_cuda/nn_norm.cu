// Layer and batch normalisation.
#include "strips.cuh"

// A warp per sample: mean, then squares about it, then the result.
template <typename T> __global__ void __launch_bounds__(256) layer_norm(
    const T* X,     // (n_samples, n_features)  IN
    const T* gain,  // (n_features,)            IN
    const T* bias,  // (n_features,)            IN
    T* Y,           // (n_samples, n_features)  OUT
    T* mean,        // (n_samples,)             OUT
    T* inv_std,     // (n_samples,)             OUT
    T eps, index n_samples, index n_features)
{
    const index i = global_index() / 32;
    if (i >= n_samples) return;  // a whole warp
    const int lane = threadIdx.x % 32;
    const T* x = X + i * n_features;
    T total = 0, squares = 0;
    for (index j = lane; j < n_features; j += 32) total += x[j];
    const T m = warp_sum(total) / T(n_features);
    for (index j = lane; j < n_features; j += 32) squares += (x[j] - m) * (x[j] - m);
    const T r = T(1) / sqrt(warp_sum(squares) / T(n_features) + eps);
    for (index j = lane; j < n_features; j += 32) Y[i * n_features + j] = (x[j] - m) * r * gain[j] + bias[j];
    if (lane == 0) {
        mean[i] = m;
        inv_std[i] = r;
    }
}

// dX = inv_std (u - mean(u) - x_hat mean(u x_hat)), u = G gain
template <typename T> __global__ void __launch_bounds__(256) layer_norm_backward(
    const T* G,        // (n_samples, n_features)  IN
    const T* X,        // (n_samples, n_features)  IN
    const T* gain,     // (n_features,)            IN
    const T* mean,     // (n_samples,)             IN
    const T* inv_std,  // (n_samples,)             IN
    T* dX,             // (n_samples, n_features)  OUT
    index n_samples, index n_features)
{
    const index i = global_index() / 32;
    if (i >= n_samples) return;
    const int lane = threadIdx.x % 32;
    const T *g = G + i * n_features, *x = X + i * n_features, m = mean[i], r = inv_std[i];
    T sum_u = 0, sum_ux = 0;
    for (index j = lane; j < n_features; j += 32) {
        const T u = g[j] * gain[j];
        sum_u += u;
        sum_ux += u * ((x[j] - m) * r);
    }
    const T mean_u = warp_sum(sum_u) / T(n_features), mean_ux = warp_sum(sum_ux) / T(n_features);
    for (index j = lane; j < n_features; j += 32)
        dX[i * n_features + j] = r * (g[j] * gain[j] - mean_u - (x[j] - m) * r * mean_ux);
}

// Partial sums over samples of G x_hat and of G, with a mean and a deviation of each sample, or of each feature.
template <typename T> __global__ void __launch_bounds__(256) parameter_sums(
    const T* G,        // (n_samples, n_features)         IN
    const T* X,        // (n_samples, n_features)         IN
    const T* mean,     // (n_samples,) or (n_features,)   IN
    const T* inv_std,  // like mean                       IN
    double* partials,  // (2, n_partials, n_features)     OUT
    bool of_samples, index n_samples, index n_features, index n_partials, index rows_per_partial)
{
    const Strip strip(n_samples, rows_per_partial);
    if (strip.partial >= n_partials || strip.j >= n_features) return;
    double d_gain = 0, d_bias = 0;
    for (index i = strip.start; i < strip.stop; ++i) {
        const index k = i * n_features + strip.j, of = of_samples ? i : strip.j;
        d_gain += double(G[k] * ((X[k] - mean[of]) * inv_std[of]));
        d_bias += double(G[k]);
    }
    partials[strip.partial * n_features + strip.j] = d_gain;
    partials[(n_partials + strip.partial) * n_features + strip.j] = d_bias;
}

// Partial sums over samples of X or, where there is a mean, of (X - mean)^2.
template <typename T> __global__ void __launch_bounds__(256) moment_sums(
    const T* X,          // (n_samples, n_features)   IN
    const double* mean,  // (n_features,) or null     IN
    double* partials,    // (n_partials, n_features)  OUT
    index n_samples, index n_features, index n_partials, index rows_per_partial)
{
    const Strip strip(n_samples, rows_per_partial);
    if (strip.partial >= n_partials || strip.j >= n_features) return;
    const double m = mean ? mean[strip.j] : 0;
    double sum = 0;
    for (index i = strip.start; i < strip.stop; ++i) {
        const double diff = double(X[i * n_features + strip.j]) - m;
        sum += mean ? diff * diff : diff;
    }
    partials[strip.partial * n_features + strip.j] = sum;
}

template <typename T> __global__ void __launch_bounds__(256) scale_columns(
    const T* X,       // (n_samples, n_features)  IN
    const T* mean,    // (n_features,)            IN
    const T* factor,  // (n_features,)            IN
    const T* bias,    // (n_features,)            IN
    T* Y,             // (n_samples, n_features)  OUT  may be X
    index n_features, index n)
{
    const index k = global_index();
    if (k >= n) return;
    const index j = k % n_features;
    Y[k] = (X[k] - mean[j]) * factor[j] + bias[j];
}

// dX = a G + b (X - mean) + c, column by column
template <typename T> __global__ void __launch_bounds__(256) combine_columns(
    const T* G,        // (n_samples, n_features)  IN
    const T* X,        // (n_samples, n_features)  IN
    const T* mean,     // (n_features,)            IN
    const T* columns,  // (3, n_features)          IN   a, b, c
    T* dX,             // (n_samples, n_features)  OUT
    index n_features, index n)
{
    const index k = global_index();
    if (k >= n) return;
    const index j = k % n_features;
    dX[k] = columns[j] * G[k] + columns[n_features + j] * (X[k] - mean[j]) + columns[2 * n_features + j];
}
