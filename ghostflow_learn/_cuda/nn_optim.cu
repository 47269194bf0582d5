// One step of an optimizer on flat arrays. `scale`, on the device, is a factor of the gradients, or null for 1.
#include "common.cuh"

// Fields as in _engine/_neural.py.
struct SgdRates { double lr, momentum, nesterov, decay, shrink; };
struct AdamRates { double step, beta1, beta2, eps, root_correction, decay, shrink; };
struct LambRates { double lr, correction, beta1, beta2, eps, root_correction, decay; };
struct RmspropRates { double lr, alpha, eps, momentum, decay, shrink; };
struct LarsRates { double lr, momentum, trust, decay, eps; };

template <typename T> __global__ void __launch_bounds__(256) sgd(
    T* params,         // (n,)          IN/OUT
    const T* grads,    // (n,)          IN
    T* velocity,       // (n,) or null  IN/OUT
    const T* scale,    // (1,) or null  IN
    SgdRates rates, index n)
{
    const T lr = T(rates.lr), momentum = T(rates.momentum), decay = T(rates.decay), keep = T(1 - rates.shrink);
    const T factor = scale ? scale[0] : T(1);
    for (index k = global_index(); k < n; k += n_threads_of_grid()) {
        const T p = params[k], step = lr * (grads[k] * factor + decay * p);
        T change = -step;
        if (velocity) {
            const T u = momentum * velocity[k] - step;
            velocity[k] = u;
            change = rates.nesterov != 0 ? momentum * u - step : u;
        }
        params[k] = p * keep + change;
    }
}

// Adam, AdamW and, with v_max, AMSGrad.
template <typename T> __global__ void __launch_bounds__(256) adam(
    T* params,       // (n,)          IN/OUT
    const T* grads,  // (n,)          IN
    T* m,            // (n,)          IN/OUT
    T* v,            // (n,)          IN/OUT
    T* v_max,        // (n,) or null  IN/OUT
    const T* scale,  // (1,) or null  IN
    AdamRates rates, index n)
{
    const T beta1 = T(rates.beta1), beta2 = T(rates.beta2), gain1 = T(1 - rates.beta1), gain2 = T(1 - rates.beta2);
    const T step = T(rates.step), root = T(rates.root_correction), eps = T(rates.eps);
    const T decay = T(rates.decay), keep = T(1 - rates.shrink), factor = scale ? scale[0] : T(1);
    for (index k = global_index(); k < n; k += n_threads_of_grid()) {
        const T p = params[k], g = grads[k] * factor + decay * p;
        const T first = beta1 * m[k] + gain1 * g;
        T second = beta2 * v[k] + gain2 * g * g;
        m[k] = first;
        v[k] = second;
        if (v_max) {
            const T largest = v_max[k];
            second = second < largest ? largest : second;
            v_max[k] = second;
        }
        params[k] = p * keep - step * first / (root * sqrt(second) + eps);
    }
}

template <typename T> __global__ void __launch_bounds__(256) rmsprop(
    T* params,       // (n,)          IN/OUT
    const T* grads,  // (n,)          IN
    T* square,       // (n,)          IN/OUT
    T* velocity,     // (n,) or null  IN/OUT
    const T* scale,  // (1,) or null  IN
    RmspropRates rates, index n)
{
    const T lr = T(rates.lr), alpha = T(rates.alpha), gain = T(1 - rates.alpha), eps = T(rates.eps);
    const T momentum = T(rates.momentum), decay = T(rates.decay), keep = T(1 - rates.shrink);
    const T factor = scale ? scale[0] : T(1);
    for (index k = global_index(); k < n; k += n_threads_of_grid()) {
        const T p = params[k], g = grads[k] * factor + decay * p, s = alpha * square[k] + gain * g * g;
        T step = g / (sqrt(s) + eps);
        square[k] = s;
        if (velocity) {
            step += momentum * velocity[k];
            velocity[k] = step;
        }
        params[k] = p * keep - lr * step;
    }
}

// ---- norms of segments: a block sums the squares of a piece, a thread adds up those of a segment in order

template <typename T> __global__ void __launch_bounds__(256) squares_of_pieces(
    const T* flat,        // (n,)           IN
    const index* pieces,  // (n_pieces, 3)  IN   start, stop, segment
    double* sums,         // (n_pieces,)    OUT
    index n_pieces)
{
    const index b = blockIdx.x;
    if (b >= n_pieces) return;  // a whole block
    double sum = 0;
    for (index k = pieces[3 * b] + threadIdx.x; k < pieces[3 * b + 1]; k += blockDim.x)
        sum += double(flat[k]) * double(flat[k]);
    sum = block_sum(sum);
    if (threadIdx.x == 0) sums[b] = sum;
}

__global__ void __launch_bounds__(256) add_pieces(
    const double* sums,   // (n_pieces,)        IN
    const index* firsts,  // (n_segments + 1,)  IN   where the pieces of each segment begin
    double* totals,       // (n_segments,)      OUT
    index n_segments)
{
    const index k = global_index();
    if (k >= n_segments) return;
    double total = 0;
    for (index b = firsts[k]; b < firsts[k + 1]; ++b) total += sums[b];
    totals[k] = total;
}

// The moments, and the direction of the step before it has a length.
template <typename T> __global__ void __launch_bounds__(256) lamb_direction(
    const T* params,      // (n,)           IN
    const T* grads,       // (n,)           IN
    T* m,                 // (n,)           IN/OUT
    T* v,                 // (n,)           IN/OUT
    T* direction,         // (n,)           OUT  within segments
    const T* scale,       // (1,) or null   IN
    const index* pieces,  // (n_pieces, 3)  IN
    LambRates rates, index n_pieces)
{
    const index b = blockIdx.x;
    if (b >= n_pieces) return;
    const T beta1 = T(rates.beta1), beta2 = T(rates.beta2), gain1 = T(1 - rates.beta1), gain2 = T(1 - rates.beta2);
    const T correction = T(rates.correction), root = T(rates.root_correction), eps = T(rates.eps);
    const T decay = T(rates.decay), factor = scale ? scale[0] : T(1);
    for (index k = pieces[3 * b] + threadIdx.x; k < pieces[3 * b + 1]; k += blockDim.x) {
        const T g = grads[k] * factor, first = beta1 * m[k] + gain1 * g, second = beta2 * v[k] + gain2 * g * g;
        m[k] = first;
        v[k] = second;
        direction[k] = correction * first / (root * sqrt(second) + eps) + decay * params[k];
    }
}

template <typename T> __global__ void __launch_bounds__(256) lamb_step(
    T* params,             // (n,)           IN/OUT
    const T* direction,    // (n,)           IN
    const double* p_sq,    // (n_segments,)  IN   squared norms
    const double* d_sq,    // (n_segments,)  IN
    const index* pieces,   // (n_pieces, 3)  IN
    LambRates rates, index n_pieces)
{
    const index b = blockIdx.x;
    if (b >= n_pieces) return;
    const double p_norm = sqrt(p_sq[pieces[3 * b + 2]]), norm = sqrt(d_sq[pieces[3 * b + 2]]);
    const T lr = T(rates.lr * (p_norm > 0 && norm > 0 ? p_norm / norm : 1.0));
    for (index k = pieces[3 * b] + threadIdx.x; k < pieces[3 * b + 1]; k += blockDim.x) params[k] -= lr * direction[k];
}

template <typename T> __global__ void __launch_bounds__(256) lars_step(
    T* params,            // (n,)           IN/OUT
    const T* grads,       // (n,)           IN
    T* velocity,          // (n,)           IN/OUT
    const T* scale,       // (1,) or null   IN
    const double* p_sq,   // (n_segments,)  IN   squared norms
    const double* g_sq,   // (n_segments,)  IN
    const index* pieces,  // (n_pieces, 3)  IN
    LarsRates rates, index n_pieces)
{
    const index b = blockIdx.x;
    if (b >= n_pieces) return;
    const T factor = scale ? scale[0] : T(1), momentum = T(rates.momentum), decay = T(rates.decay);
    const double p_norm = sqrt(p_sq[pieces[3 * b + 2]]);
    const double g_norm = sqrt(g_sq[pieces[3 * b + 2]]) * fabs(double(factor));
    const double trust = rates.trust * p_norm / (g_norm + rates.decay * p_norm + rates.eps);
    const T lr = T(rates.lr * (p_norm > 0 && g_norm > 0 ? trust : 1.0));
    for (index k = pieces[3 * b] + threadIdx.x; k < pieces[3 * b + 1]; k += blockDim.x) {
        const T step = momentum * velocity[k] + lr * (grads[k] * factor + decay * params[k]);
        velocity[k] = step;
        params[k] -= step;
    }
}
