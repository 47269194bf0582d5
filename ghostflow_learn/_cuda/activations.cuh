// Activations and their derivatives, in the order of the codes of _engine/_neural.py.
#pragma once
#include "common.cuh"

enum Activation { IDENTITY, RELU, LEAKY_RELU, ELU, SELU, SIGMOID, TANH, GELU, SWISH, MISH, SOFTPLUS };

constexpr double SELU_SCALE = 1.0507009873554805, SELU_ALPHA = 1.6732632423543772;
constexpr double ROOT_HALF = 0.7071067811865476, INV_ROOT_2PI = 0.3989422804014327;

template <typename T> __device__ inline T sigmoid(T z) { return T(1) / (T(1) + exp(-z)); }

// tanh(log(1 + e)) = n / (n + 2) with n = e (e + 2), e = exp(z); 1 beyond z = 20.
template <typename T> struct Mish { T e, n; };
template <typename T> __device__ inline Mish<T> mish(T z)
{
    const T e = exp(z > T(20) ? T(20) : z);
    return {e, e * (e + T(2))};
}

// NaN stays NaN.
template <typename T> __device__ inline T activated(T z, int code, T slope)
{
    switch (code) {
    case RELU: return z < T(0) ? T(0) : z;
    case LEAKY_RELU: return z < T(0) ? slope * z : z;
    case ELU: return z < T(0) ? slope * expm1(z) : z;
    case SELU: return z < T(0) ? T(SELU_SCALE * SELU_ALPHA) * expm1(z) : T(SELU_SCALE) * z;
    case SIGMOID: return sigmoid(z);
    case TANH: return tanh(z);
    case GELU: return T(0.5) * z * (T(1) + erf(z * T(ROOT_HALF)));
    case SWISH: return z * sigmoid(z);
    case MISH: {
        const Mish<T> m = mish(z);
        return z * (m.n / (m.n + T(2)));
    }
    case SOFTPLUS: return (z > T(0) ? z : T(0)) + log1p(exp(z > T(0) ? -z : z));
    default: return z;
    }
}

// From what went in (GELU and after), or from what came out.
template <typename T> __device__ inline T derivative(T a, int code, T slope)
{
    switch (code) {
    case RELU: return a <= T(0) ? T(0) : T(1);
    case LEAKY_RELU: return a <= T(0) ? slope : T(1);
    case ELU: return a <= T(0) ? a + slope : T(1);
    case SELU: return a <= T(0) ? a + T(SELU_SCALE * SELU_ALPHA) : T(SELU_SCALE);
    case SIGMOID: return a * (T(1) - a);
    case TANH: return T(1) - a * a;
    case GELU: return T(0.5) * (T(1) + erf(a * T(ROOT_HALF))) + a * exp(T(-0.5) * a * a) * T(INV_ROOT_2PI);
    case SWISH: {
        const T s = sigmoid(a);
        return s * (T(1) + a * (T(1) - s));
    }
    case MISH: {
        const Mish<T> m = mish(a);
        const T inverse = T(1) / (m.n + T(2));
        return m.n * inverse + a * (T(4) * (m.n + T(1)) * inverse * inverse) * (m.e / (T(1) + m.e));
    }
    case SOFTPLUS: return sigmoid(a);
    default: return T(1);
    }
}
