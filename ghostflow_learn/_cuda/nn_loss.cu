// Losses of networks, value and gradient in one pass. Values are weighted and added by the caller.
#include "common.cuh"

template <typename T> __device__ inline T warp_max(T v)
{
    for (int offset = 16; offset > 0; offset >>= 1) {
        const T other = __shfl_xor_sync(ALL_LANES, v, offset);
        v = other > v ? other : v;
    }
    return v;
}

// A warp writes exp(z - max) of its row to e; all lanes get the maximum and the sum. NaN in the row makes them NaN.
template <typename T> struct Softmax { T top, total; };
template <typename T> __device__ inline Softmax<T> exponentials(const T* z, T* e, index n_classes)
{
    const int lane = threadIdx.x % 32;
    Softmax<T> s = {z[0], T(0)};
    for (index j = lane; j < n_classes; j += 32) s.top = z[j] > s.top ? z[j] : s.top;
    s.top = warp_max(s.top);
    for (index j = lane; j < n_classes; j += 32) {
        e[j] = exp(z[j] - s.top);
        s.total += e[j];
    }
    s.total = warp_sum(s.total);
    return s;
}

template <typename T> __global__ void __launch_bounds__(256) softmax_cross_entropy(
    const T* logits,       // (n_samples, n_classes)          IN
    const index* codes,    // (n_samples,) or null            IN
    const T* proba,        // (n_samples, n_classes) or null  IN   instead of codes
    const T* weight,       // (n_samples,)                    IN
    T* gradient,           // (n_samples, n_classes)          OUT
    double* losses,        // (n_samples,)                    OUT
    double smoothing, index n_samples, index n_classes)
{
    const index i = global_index() / 32;
    if (i >= n_samples) return;  // a whole warp
    const T *z = logits + i * n_classes, w = weight[i];
    T* g = gradient + i * n_classes;
    const index own = codes ? codes[i] : -1;
    const Softmax<T> s = exponentials(z, g, n_classes);
    const T log_total = log(s.total), scale = w / s.total, on = T(1 - smoothing), off = T(smoothing / n_classes);
    T loss = 0;
    for (index j = threadIdx.x % 32; j < n_classes; j += 32) {
        const T target = codes ? T(j == own) : proba[i * n_classes + j];
        const T wanted = on * target + off;
        loss += wanted == T(0) ? T(0) : wanted * (log_total + s.top - z[j]);
        g[j] = g[j] * scale - w * wanted;
    }
    loss = warp_sum(loss);
    if (threadIdx.x % 32 == 0) losses[i] = double(w) * double(loss);
}

template <typename T> __global__ void __launch_bounds__(256) focal(
    const T* logits,     // (n_samples, n_classes)  IN
    const index* codes,  // (n_samples,)            IN
    const T* weight,     // (n_samples,)            IN
    T* gradient,         // (n_samples, n_classes)  OUT
    double* losses,      // (n_samples,)            OUT
    T gamma, index n_samples, index n_classes)
{
    const index i = global_index() / 32;
    if (i >= n_samples) return;
    const T *z = logits + i * n_classes, w = weight[i];
    T* g = gradient + i * n_classes;
    const index own = codes[i];
    const Softmax<T> s = exponentials(z, g, n_classes);
    T others = 0;
    for (index j = threadIdx.x % 32; j < n_classes; j += 32) others += j == own ? T(0) : g[j];
    const T rest = warp_sum(others) / s.total;  // 1 - p, exact where p is nearly 1
    const T log_p = z[own] - s.top - log(s.total), p = exp(log_p);
    const T factor = gamma > T(0) ? exp(gamma * log(rest)) : T(1) + (rest - rest);
    const T slope = (rest > T(0) ? gamma * factor / rest * p * log_p : rest) - factor;
    for (index j = threadIdx.x % 32; j < n_classes; j += 32)
        g[j] = j == own ? w * slope * rest : g[j] * (-w * slope / s.total);
    if (threadIdx.x % 32 == 0) losses[i] = -double(w) * double(factor * log_p);
}

enum NumberLoss { BINARY, SQUARED, ABSOLUTE, HUBER, POISSON };

template <typename T> struct ValueSlope { T value, slope; };
template <typename T> __device__ inline ValueSlope<T> loss_of_number(T p, T y, int code, T delta)
{
    const T diff = p - y;
    switch (code) {
    case BINARY: {
        const T t = exp(p > T(0) ? -p : p);
        return {(p > T(0) ? p : T(0)) - p * y + log1p(t), (p < T(0) ? t : T(1)) / (T(1) + t) - y};
    }
    case SQUARED: return {diff * diff, diff + diff};
    case ABSOLUTE: return {diff < T(0) ? -diff : diff, diff < T(0) ? T(-1) : diff > T(0) ? T(1) : diff};
    case HUBER: {
        const T slope = diff > delta ? delta : diff < -delta ? -delta : diff;
        return {slope * (diff - slope * T(0.5)), slope};
    }
    default: {
        const T mean = exp(p), surprise = y > T(0) ? y * (log(y) - p) : y;
        return {surprise - y + mean, mean - y};
    }
    }
}

// The weight of number k is that of its sample, k / n_outputs.
template <typename T> __global__ void __launch_bounds__(256) loss_of_numbers(
    const T* prediction,  // (n,)          IN
    const T* target,      // (n,)          IN
    const T* weight,      // (n_samples,)  IN
    T* gradient,          // (n,)          OUT
    double* partials,     // (n_blocks,)   OUT
    int code, T delta, index n_outputs, index n)
{
    const index k = global_index();
    double loss = 0;
    if (k < n) {
        const T w = weight[k / n_outputs];
        const ValueSlope<T> of = loss_of_number(prediction[k], target[k], code, delta);
        gradient[k] = of.slope * w;
        loss = double(of.value) * double(w);
    }
    loss = block_sum(loss);
    if (threadIdx.x == 0) partials[blockIdx.x] = loss;
}
