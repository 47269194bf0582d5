import platform
import re

import numpy as np
import pytest
from numba import njit

from ghostflow_learn._engine.cpu import kmeans


@pytest.mark.skipif(platform.machine() != "x86_64", reason="reads x86 assembly")
@pytest.mark.parametrize(
    "name, instruction",
    [("_two_smallest", "vminpd"), ("_four_sq_dists", r"vfmadd\w*pd"), ("_sum_powers", r"vfmadd\w*pd")],
)
def test_the_hottest_loops_use_packed_instructions(rng, name, instruction):
    X, row = rng.normal(size=(6, 96)), np.zeros(96)
    args = {
        "_two_smallest": (X, np.zeros(6), row, row.copy(), row.copy()),
        "_four_sq_dists": (*X[:4], row, np.zeros(4)),
        "_sum_powers": (X, np.zeros((2, 96)), 0, 6),
    }[name]
    kernel = getattr(kmeans, name)
    options = {option: kernel.targetoptions[option] for option in ("fastmath", "nogil", "error_model")}
    fresh = njit(**options)(kernel.py_func)  # what comes from the cache has no assembly to show
    fresh(*args)
    (assembly,) = fresh.inspect_asm().values()
    assert re.search(rf"\b{instruction}\s.*[yz]mm", assembly)
