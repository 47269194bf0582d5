import platform
import re

import numpy as np
import pytest
from numba import njit

from ghostflow_learn._engine.cpu import _gaussian_step, gaussian_mixture


@pytest.mark.skipif(platform.machine() != "x86_64", reason="reads x86 assembly")
@pytest.mark.parametrize("name, instruction", [("_log_prob", r"vfmadd\w*pd"), ("_normalise", r"vfmadd\w*pd")])
def test_the_hottest_loops_use_packed_instructions(rng, name, instruction):
    lanes = _gaussian_step.LANES
    args = {
        "_log_prob": (rng.normal(size=4 * lanes), np.zeros(4), np.ones(4), 0.5, np.zeros(lanes)),
        "_normalise": (rng.normal(size=3 * lanes), np.zeros(4 * lanes), np.zeros(2), 3, lanes),
    }[name]
    kernel = getattr(_gaussian_step, name)
    options = {option: kernel.targetoptions[option] for option in ("fastmath", "nogil", "error_model")}
    fresh = njit(**options)(kernel.py_func)  # what comes from the cache has no assembly to show
    fresh(*args)
    (assembly,) = fresh.inspect_asm().values()
    assert re.search(rf"\b{instruction}\s.*[yz]mm", assembly)


def test_what_lies_below_the_diagonal_of_a_factor_is_not_read(rng):
    X, means = rng.normal(size=(100, 9)), rng.normal(size=(2, 9))
    factors, constant = np.triu(rng.uniform(0.5, 1, size=(2, 9, 9))), np.log([0.4, 0.6])
    want = gaussian_mixture.step(X, means, factors, constant, means, "full")
    # Beyond the first row of four that a product takes at a time.
    factors[:, 8, :4] = np.nan
    for got, expected in zip(gaussian_mixture.step(X, means, factors, constant, means, "full"), want, strict=True):
        np.testing.assert_array_equal(got, expected)
