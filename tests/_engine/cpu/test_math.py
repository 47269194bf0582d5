"""exp, log and log1p against NumPy in a wider precision, on dense grids."""

import re

import numpy as np
import pytest
from numba import njit

from ghostflow_learn._engine.cpu import _math
from ghostflow_learn._engine.cpu._jit import FASTMATH, kernel

GRIDS = {
    ("exp", "float32"): np.linspace(-87.3, 88.72, 1_000_001),
    ("exp", "float64"): np.linspace(-708.3, 709.78, 1_000_001),
    ("log", "float32"): np.geomspace(1.2e-38, 3.4e38, 1_000_001),
    ("log", "float64"): np.geomspace(2.3e-308, 1.7e308, 1_000_001),
    ("log1p", "float32"): np.concatenate([np.linspace(0, 1, 500_001), np.geomspace(1e-30, 1, 500_001)]),
    ("log1p", "float64"): np.concatenate([np.linspace(0, 1, 500_001), np.geomspace(1e-300, 1, 500_001)]),
}


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


LOOPS = {"exp": exp, "log": log, "log1p": log1p}


def evaluate(name, x):
    y = np.empty_like(x)
    LOOPS[name](x, y)
    return y


@pytest.mark.parametrize("name, dtype", GRIDS)
def test_within_three_ulp_of_the_exact_value(name, dtype):
    x = GRIDS[name, dtype].astype(dtype)
    exact = getattr(np, name)(x.astype(np.longdouble))
    ulp = np.spacing(np.abs(exact).astype(dtype)).astype(np.longdouble)
    assert np.max(np.abs(evaluate(name, x) - exact) / ulp) < 3


def test_exp_at_the_ends_of_its_range(dtype):
    x = np.array([np.nan, np.inf, -np.inf, 0, 1000, -1000], dtype)
    np.testing.assert_array_equal(evaluate("exp", x), [np.nan, np.inf, 0, 1, np.inf, 0])


def test_log_at_the_ends_of_its_range(dtype):
    x = np.array([np.nan, np.inf, -np.inf, 0, 1, -1], dtype)
    np.testing.assert_array_equal(evaluate("log", x), [np.nan, np.inf, np.nan, -np.inf, 0, np.nan])


@pytest.mark.parametrize("name", LOOPS)
def test_loops_over_them_are_vectorised(name, dtype):
    loop = njit(nogil=True, error_model="numpy", fastmath=FASTMATH)(LOOPS[name].py_func)  # from a cache: no assembly
    loop(np.ones(3, dtype), np.ones(3, dtype))
    (assembly,) = loop.inspect_asm().values()
    suffix = "ps" if dtype == "float32" else "pd"
    assert len(re.findall(rf"\tv(?:mul|fn?madd\d+){suffix}\t.*[yz]mm", assembly)) >= 4
