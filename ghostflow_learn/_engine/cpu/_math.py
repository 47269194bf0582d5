"""exp, log, log1p, tanh, sigmoid and erf for float32 and float64, written so that a loop over them vectorises.

pip's Numba has no SVML, so `math.exp` in a kernel is one library call for each element. Here each is a range
reduction and a polynomial (Chebyshev interpolation in extended precision), free of branches and a few ulp exact. NaN
stays NaN: bounds are written `low if x < low else x`, which lets NaN through. Results below the smallest normal number
are 0. Compiled with "contract" alone: "reassoc" would undo the range reduction.
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload

from ._jit import kernel

ordered = kernel(fastmath={"contract"})

f32, f64, i32, i64 = np.float32, np.float64, np.int32, np.int64
LOG2E = 1.4426950408889634
# log(2) in two parts: n * HIGH is exact for every exponent n.
HIGH32, LOW32 = f32(0.693359375), f32(-2.12194440054690581e-4)
HIGH64, LOW64 = 6.93145751953125e-1, 1.42860682030941723212e-6
# (x + ROUND) - ROUND rounds x to an integer, which is also in the low bits of x + ROUND.
ROUND32, ROUND64 = f32(1.5 * 2**23), 1.5 * 2.0**52
# Bits of sqrt(1/2), of 1, and of 2^23 and 2^52: an integer in the low bits of the latter is a float.
ROOT32, ONE32, INT32 = i32(0x3F3504F3), i32(0x3F800000), i32(0x4B000000)
ROOT64, ONE64, INT64 = i64(0x3FE6A09E667F3BCD), i64(0x3FF0000000000000), i64(0x4330000000000000)


def _bitcast(source, target, llvm_type):
    @intrinsic
    def cast(typingctx, x):
        def codegen(context, builder, signature, args):
            return builder.bitcast(args[0], llvm_type)

        return target(source), codegen

    return cast


_float32_of = _bitcast(types.int32, types.float32, ir.FloatType())
_float64_of = _bitcast(types.int64, types.float64, ir.DoubleType())
_bits_of32 = _bitcast(types.float32, types.int32, ir.IntType(32))
_bits_of64 = _bitcast(types.float64, types.int64, ir.IntType(64))


@ordered
def exp32(x):
    """2^n exp(r) with |r| <= log(2)/2; 2^n is added to the exponent field."""
    shifted = x * f32(LOG2E) + ROUND32
    n = shifted - ROUND32
    r = (x - n * HIGH32) - n * LOW32
    p = f32(0.001381461)
    p = p * r + f32(0.008357205)
    p = p * r + f32(0.041664653)
    p = p * r + f32(0.1666663)
    p = p * r + f32(0.5)
    p = p * r * r + r + f32(1)
    y = _float32_of(_bits_of32(p) + (_bits_of32(shifted) << i32(23)))
    y = f32(0) if x < f32(-87.3365) else y
    return f32(np.inf) if x > f32(88.7228) else y


@ordered
def exp64(x):
    shifted = x * LOG2E + ROUND64
    n = shifted - ROUND64
    r = (x - n * HIGH64) - n * LOW64
    p = 2.0912732273907833e-09
    p = p * r + 2.5105260192298987e-08
    p = p * r + 2.755728083678705e-07
    p = p * r + 2.7557255294683384e-06
    p = p * r + 2.480158731651478e-05
    p = p * r + 0.00019841269874900876
    p = p * r + 0.0013888888888888215
    p = p * r + 0.008333333333326119
    p = p * r + 0.041666666666666664
    p = p * r + 0.1666666666666667
    p = p * r + 0.5
    p = p * r * r + r + 1.0
    y = _float64_of(_bits_of64(p) + (_bits_of64(shifted) << i64(52)))
    y = 0.0 if x < -708.39 else y
    return np.inf if x > 709.782712893384 else y


@ordered
def _log_ratio32(s):
    """log((1 + s) / (1 - s)) for |s| <= 1/3: an odd series in s."""
    z = s * s
    p = f32(0.13425749)
    p = p * z + f32(0.1411831)
    p = p * z + f32(0.2000378)
    p = p * z + f32(0.3333332)
    return f32(2) * s + f32(2) * s * z * p


@ordered
def _log_ratio64(s):
    z = s * s
    p = 0.0808198632119544
    p = p * z + 0.04400387748443118
    p = p * z + 0.06000532504511052
    p = p * z + 0.06657072547091364
    p = p * z + 0.07692785003330778
    p = p * z + 0.09090894719187875
    p = p * z + 0.11111111358690173
    p = p * z + 0.14285714283554615
    p = p * z + 0.2000000000000729
    p = p * z + 0.3333333333333333
    return 2.0 * s + 2.0 * s * z * p


@ordered
def log32(x):
    """n log(2) + log(m) with m in [sqrt(1/2), sqrt(2)); -inf at 0 and below the normal numbers, NaN below 0."""
    bits = _bits_of32(x) + (ONE32 - ROOT32)
    exponent = bits >> i32(23)
    m = _float32_of(_bits_of32(x) - ((exponent << i32(23)) - ONE32))
    n = _float32_of(exponent | INT32) - f32(2**23 + 127)
    y = (_log_ratio32((m - f32(1)) / (m + f32(1))) + n * LOW32) + n * HIGH32
    y = x if x == f32(np.inf) else y
    y = f32(-np.inf) if x < f32(1.17549435e-38) else y
    return y if x >= f32(0) else f32(np.nan)


@ordered
def log64(x):
    bits = _bits_of64(x) + (ONE64 - ROOT64)
    exponent = (bits >> i64(52)) & i64(0xFFF)  # so masked, the shift may be a logical one: AVX2 has no other
    m = _float64_of(_bits_of64(x) - ((exponent << i64(52)) - ONE64))
    n = _float64_of(exponent | INT64) - (2.0**52 + 1023.0)
    y = (_log_ratio64((m - 1.0) / (m + 1.0)) + n * LOW64) + n * HIGH64
    y = x if x == np.inf else y
    y = -np.inf if x < 2.2250738585072014e-308 else y
    return y if x >= 0.0 else np.nan


@ordered
def log1p32(t):
    """log(1 + t) for 0 <= t <= 1, exact to the last bits also near 0."""
    return _log_ratio32(t / (f32(2) + t))


@ordered
def log1p64(t):
    return _log_ratio64(t / (2.0 + t))


@ordered
def _within_one32(y):
    y = f32(-1) if y < f32(-1) else y  # an ulp above 1 would make the derivative 1 - y^2 negative
    return f32(1) if y > f32(1) else y


@ordered
def tanh32(x):
    """A ratio of polynomials in x^2, minimax on [-9, 9]; beyond it is 1."""
    x = f32(-9) if x < f32(-9) else x
    x = f32(9) if x > f32(9) else x
    z = x * x
    p = f32(1.33546458e-8)
    p = p * z + f32(2.06090692e-5)
    p = p * z + f32(3.49558724e-3)
    p = p * z + f32(1.33810249e-1)
    p = p * z + f32(9.99999979e-1)
    q = f32(7.77655138e-7)
    q = q * z + f32(3.28563344e-4)
    q = q * z + f32(2.58769787e-2)
    q = q * z + f32(4.67143404e-1)
    q = q * z + f32(1)
    return _within_one32(x * p / q)


@ordered
def tanh64(x):
    """x + x^3 P(x^2) / Q(x^2) near 0 (Cephes), elsewhere (1 - t) / (1 + t) with t = exp(-2 |x|)."""
    size = abs(x)
    z = x * x
    p = (-9.64399179425052238628e-1 * z - 9.92877231001918586564e1) * z - 1.61468768441708447952e3
    q = ((z + 1.12811678491632931402e2) * z + 2.23548839060100448583e3) * z + 4.84406305325125486048e3
    t = exp64(-2.0 * size)
    near = size < 0.625
    y = (size * z * p if near else 1.0 - t) / (q if near else 1.0 + t)
    y = y + size if near else y
    return -y if x < 0.0 else y


@ordered
def sigmoid32(x):
    return f32(1) / (f32(1) + exp32(-x))


@ordered
def sigmoid64(x):
    return 1.0 / (1.0 + exp64(-x))


@ordered
def erf32(x):
    """A ratio of polynomials in x^2, minimax on [-3.92, 3.92]; beyond it is 1."""
    x = f32(-3.92) if x < f32(-3.92) else x
    x = f32(3.92) if x > f32(3.92) else x
    z = x * x
    p = f32(2.05008484e-6)
    p = p * z + f32(2.84883862e-4)
    p = p * z + f32(3.76565394e-3)
    p = p * z + f32(5.27488376e-2)
    p = p * z + f32(1.90407288e-1)
    p = p * z + f32(1.12837915)
    q = f32(3.80917494e-5)
    q = q * z + f32(1.16254506e-3)
    q = q * z + f32(1.49692902e-2)
    q = q * z + f32(1.14109457e-1)
    q = q * z + f32(5.02076806e-1)
    q = q * z + f32(1)
    return _within_one32(x * p / q)


@ordered
def erf64(x):
    """x T(x^2) / U(x^2) below 1, elsewhere 1 - exp(-x^2) P(|x|) / Q(|x|), coefficients of Cephes; beyond 6 it is 1."""
    size = abs(x)
    size = 6.0 if size > 6.0 else size
    z = size * size
    t = ((9.60497373987051638749 * z + 9.00260197203842689217e1) * z + 2.23200534594684319226e3) * z
    t = ((t + 7.00332514112805075473e3) * z + 5.55923013010394962768e4) * size
    u = (((z + 3.35617141647503099647e1) * z + 5.21357949780152679795e2) * z + 4.59432382970980127987e3) * z
    u = (u + 2.26290000613890934246e4) * z + 4.92673942608635921086e4
    p = 2.46196981473530512524e-10
    p = p * size + 5.64189564831068821977e-1
    p = p * size + 7.46321056442269912687
    p = p * size + 4.86371970985681366614e1
    p = p * size + 1.96520832956077098242e2
    p = p * size + 5.26445194995477358631e2
    p = p * size + 9.34528527171957607540e2
    p = p * size + 1.02755188689515710272e3
    p = p * size + 5.57535335369399327526e2
    q = size + 1.32281951154744992508e1
    q = q * size + 8.67072140885989742329e1
    q = q * size + 3.54937778887819891062e2
    q = q * size + 9.75708501743205489753e2
    q = q * size + 1.82390916687909736289e3
    q = q * size + 2.24633760818710981792e3
    q = q * size + 1.65666309194161350182e3
    q = q * size + 5.57535340817727675546e2
    near = size < 1.0
    y = (t if near else exp64(-z) * p) / (u if near else q)
    y = y if near else 1.0 - y
    return -y if x < 0.0 else y


@ordered
def rank32(x):
    """An integer that grows with x, NaN above all: the maximum of integers vectorises, that of floats does not."""
    bits = _bits_of32(x)
    return i32(bits ^ ((bits >> i32(31)) & i32(0x7FFFFFFF)))


@ordered
def rank64(x):
    bits = _bits_of64(x)
    return bits ^ ((bits >> i64(63)) & i64(0x7FFFFFFFFFFFFFFF))


@ordered
def of_rank32(r):
    return _float32_of(i32(r ^ ((r >> i32(31)) & i32(0x7FFFFFFF))))


@ordered
def of_rank64(r):
    return _float64_of(r ^ ((r >> i64(63)) & i64(0x7FFFFFFFFFFFFFFF)))


# One name for both dtypes, chosen by Numba from the type of the argument.
def exp(x): ...
def log(x): ...
def log1p(t): ...
def tanh(x): ...
def sigmoid(x): ...
def erf(x): ...
def rank(x): ...
def of_rank(r): ...


@overload(exp, jit_options={"forceinline": True})
def _exp(x):
    return (lambda x: exp32(x)) if x == types.float32 else (lambda x: exp64(x))


@overload(log, jit_options={"forceinline": True})
def _log(x):
    return (lambda x: log32(x)) if x == types.float32 else (lambda x: log64(x))


@overload(log1p, jit_options={"forceinline": True})
def _log1p(t):
    return (lambda t: log1p32(t)) if t == types.float32 else (lambda t: log1p64(t))


@overload(tanh, jit_options={"forceinline": True})
def _tanh(x):
    return (lambda x: tanh32(x)) if x == types.float32 else (lambda x: tanh64(x))


@overload(sigmoid, jit_options={"forceinline": True})
def _sigmoid(x):
    return (lambda x: sigmoid32(x)) if x == types.float32 else (lambda x: sigmoid64(x))


@overload(erf, jit_options={"forceinline": True})
def _erf(x):
    return (lambda x: erf32(x)) if x == types.float32 else (lambda x: erf64(x))


@overload(rank, jit_options={"forceinline": True})
def _rank(x):
    return (lambda x: rank32(x)) if x == types.float32 else (lambda x: rank64(x))


@overload(of_rank, jit_options={"forceinline": True})
def _of_rank(r):
    return (lambda r: of_rank32(r)) if r == types.int32 else (lambda r: of_rank64(r))
