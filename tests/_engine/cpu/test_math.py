"""exp, log, log1p, tanh, sigmoid and erf against a wider precision, on dense grids."""

import re

import numpy as np
import pytest
from numba import njit
from scipy import special

from ghostflow_learn._engine.cpu import _math
from ghostflow_learn._engine.cpu._jit import FASTMATH, kernel

GRIDS = {
    ("exp", "float32"): np.linspace(-87.3, 88.72, 1_000_001),
    ("exp", "float64"): np.linspace(-708.3, 709.78, 1_000_001),
    ("log", "float32"): np.geomspace(1.2e-38, 3.4e38, 1_000_001),
    ("log", "float64"): np.geomspace(2.3e-308, 1.7e308, 1_000_001),
    ("log1p", "float32"): np.concatenate([np.linspace(0, 1, 500_001), np.geomspace(1e-30, 1, 500_001)]),
    ("log1p", "float64"): np.concatenate([np.linspace(0, 1, 500_001), np.geomspace(1e-300, 1, 500_001)]),
    ("tanh", "float32"): np.concatenate([np.linspace(-12, 12, 500_001), np.geomspace(1e-30, 1, 500_001)]),
    ("tanh", "float64"): np.concatenate([np.linspace(-25, 25, 500_001), np.geomspace(1e-300, 1, 500_001)]),
    ("sigmoid", "float32"): np.linspace(-87, 87, 1_000_001),
    ("sigmoid", "float64"): np.linspace(-708, 708, 1_000_001),
    ("erf", "float32"): np.concatenate([np.linspace(-6, 6, 500_001), np.geomspace(1e-30, 1, 500_001)]),
    ("erf", "float64"): np.concatenate([np.linspace(-7, 7, 500_001), np.geomspace(1e-300, 1, 500_001)]),
}
# In float32 tanh and erf are one ratio of polynomials for the whole range.
ULP = {("tanh", "float32"): 6, ("erf", "float32"): 6, ("erf", "float64"): 4}


def exact_values(name, x):
    if name == "erf":  # SciPy's, in float64, is itself half an ulp off
        return special.erf(x.astype(np.float64)).astype(np.longdouble)
    x = x.astype(np.longdouble)
    return 1 / (1 + np.exp(-x)) if name == "sigmoid" else getattr(np, name)(x)


@kernel
def exp(x, y):
    for i in range(x.size):
        y[i] = _math.exp(x[i])


@kernel
def log(x, y):
    for i in range(x.size):
        y[i] = _math.log(x[i])


@kernel
def log1p(x, y):
    for i in range(x.size):
        y[i] = _math.log1p(x[i])


@kernel
def tanh(x, y):
    for i in range(x.size):
        y[i] = _math.tanh(x[i])


@kernel
def sigmoid(x, y):
    for i in range(x.size):
        y[i] = _math.sigmoid(x[i])


@kernel
def erf(x, y):
    for i in range(x.size):
        y[i] = _math.erf(x[i])


LOOPS = {"exp": exp, "log": log, "log1p": log1p, "tanh": tanh, "sigmoid": sigmoid, "erf": erf}


def evaluate(name, x):
    y = np.empty_like(x)
    LOOPS[name](x, y)
    return y


@pytest.mark.parametrize("name, dtype", GRIDS)
def test_within_a_few_ulp_of_the_exact_value(name, dtype):
    x = GRIDS[name, dtype].astype(dtype)
    exact = exact_values(name, x)
    ulp = np.spacing(np.abs(exact).astype(dtype)).astype(np.longdouble)
    assert np.max(np.abs(evaluate(name, x) - exact) / ulp) < ULP.get((name, dtype), 3)


def test_exp_at_the_ends_of_its_range(dtype):
    x = np.array([np.nan, np.inf, -np.inf, 0, 1000, -1000], dtype)
    np.testing.assert_array_equal(evaluate("exp", x), [np.nan, np.inf, 0, 1, np.inf, 0])


def test_log_at_the_ends_of_its_range(dtype):
    x = np.array([np.nan, np.inf, -np.inf, 0, 1, -1], dtype)
    np.testing.assert_array_equal(evaluate("log", x), [np.nan, np.inf, np.nan, -np.inf, 0, np.nan])


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "erf"])
def test_bounded_functions_at_the_ends_of_their_range(name, dtype):
    lowest, middle = (0, 0.5) if name == "sigmoid" else (-1, 0)
    x = np.array([np.nan, np.inf, -np.inf, 0, 1000, -1000], dtype)
    np.testing.assert_allclose(evaluate(name, x), [np.nan, 1, lowest, middle, 1, lowest], rtol=2e-7, atol=0)
    assert np.all(np.abs(evaluate(name, np.linspace(-50, 50, 100_001).astype(dtype))) <= 1)


@kernel
def largest(x, y):
    r = _math.rank(x[0])
    for i in range(x.size):
        r = max(r, _math.rank(x[i]))
    y[0] = _math.of_rank(r)


def test_ranks_are_ordered_as_numbers_are(rng, dtype):
    y = np.empty(1, dtype)
    for x in (rng.normal(size=100), -rng.uniform(size=100), np.array([-np.inf, -1.0]), np.array([1, np.inf, -3])):
        largest(x.astype(dtype), y)
        assert y[0] == x.astype(dtype).max()
    largest(np.array([1, np.nan, np.inf], dtype), y)
    assert np.isnan(y[0])


@pytest.mark.parametrize("name", LOOPS)
def test_loops_over_them_are_vectorised(name, dtype):
    loop = njit(nogil=True, error_model="numpy", fastmath=FASTMATH)(LOOPS[name].py_func)  # from a cache: no assembly
    loop(np.ones(3, dtype), np.ones(3, dtype))
    (assembly,) = loop.inspect_asm().values()
    suffix = "ps" if dtype == "float32" else "pd"
    assert len(re.findall(rf"\tv(?:mul|fn?madd\d+){suffix}\t.*[yz]mm", assembly)) >= 4
