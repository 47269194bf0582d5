// Derivatives of the losses of boosting, with the roundings of the CPU's.
#pragma once
#include "fixed_point.cuh"

enum Loss { SQUARED_ERROR, ABSOLUTE_ERROR, QUANTILE, POISSON, GAMMA, BINOMIAL };

struct Derivatives {
    double gradient, hessian;
};

// 2^n exp(r) with |r| <= log(2)/2; 2^n is added to the exponent field.
__device__ inline double exact_exp(double x)
{
    constexpr double ROUND = 1.5 * (1ll << 52);  // (x + ROUND) - ROUND rounds x to an integer
    x = x < -745.0 ? -745.0 : x > 710.0 ? 710.0 : x;
    const double shifted = __fma_rn(x, 1.4426950408889634, ROUND), n = difference(shifted, ROUND);
    const double r = __fma_rn(n, -1.42860682030941723212e-6, __fma_rn(n, -6.93145751953125e-1, x));
    double p = 2.0912732273907833e-09;
    p = __fma_rn(p, r, 2.5105260192298987e-08);
    p = __fma_rn(p, r, 2.755728083678705e-07);
    p = __fma_rn(p, r, 2.7557255294683384e-06);
    p = __fma_rn(p, r, 2.480158731651478e-05);
    p = __fma_rn(p, r, 0.00019841269874900876);
    p = __fma_rn(p, r, 0.0013888888888888215);
    p = __fma_rn(p, r, 0.008333333333326119);
    p = __fma_rn(p, r, 0.041666666666666664);
    p = __fma_rn(p, r, 0.1666666666666667);
    p = __fma_rn(p, r, 0.5);
    p = sum(__fma_rn(product(p, r), r, r), 1.0);
    const auto exponent = static_cast<unsigned long long>(__double_as_longlong(shifted)) << 52;
    const double y = __longlong_as_double(__double_as_longlong(p) + exponent);
    return x < -708.39 ? 0.0 : x > 709.782712893384 ? exact_double(infinity()) : y;
}

// Of one sample; a hessian of 1 where the loss has none.
__device__ inline Derivatives derivatives_of(PackingShape shape, double y, double raw)
{
    switch (shape.loss) {
    case SQUARED_ERROR: return {difference(raw, y), 1};
    case ABSOLUTE_ERROR: return {raw > y ? 1.0 : -1.0, 1};
    case QUANTILE: return {y >= raw ? -shape.quantile : 1 - shape.quantile, 1};
    case POISSON: {
        const double mean = exact_exp(raw);
        return {difference(mean, y), mean};
    }
    case GAMMA: {
        const double ratio = product(y, exact_exp(-raw));
        return {difference(1, ratio), ratio};
    }
    default: {
        const double p = 1 / sum(1, exact_exp(-raw));
        return {difference(p, y), product(p, difference(1, p))};
    }
    }
}

__device__ inline Derivatives weighted(Derivatives of, const double* sample_weight, index i)
{
    if (!sample_weight) return of;
    return {product(of.gradient, sample_weight[i]), product(of.hessian, sample_weight[i])};
}
