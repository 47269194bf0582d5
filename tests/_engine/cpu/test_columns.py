"""The loops over rows are vectorised: a scalar one would take two to four times as long."""

import re

import numpy as np
import pytest
from llvmlite import binding
from numba import njit

from ghostflow_learn._engine.cpu import columns, naive_bayes

LOOPS = [
    (columns._sum_chunk, "vadd"),
    (columns._square_chunk, "vfn?m(add|sub)"),
    (columns._min_max, "vmax"),
    (columns._standardize, "vdiv"),
    (columns._restore, "vmul"),
    (naive_bayes._half_sq_dist, "vfn?m(add|sub)"),
]


@pytest.mark.skipif(not binding.get_host_cpu_features().get("avx2"), reason="looks for the instructions of AVX2")
@pytest.mark.parametrize("kernel, instruction", LOOPS, ids=lambda value: getattr(value, "__name__", None))
def test_loop_is_vectorised(kernel, instruction):
    X, row = np.ones((2, 8)), np.ones(8)
    args = {
        "_sum_chunk": (X, np.zeros(2, np.int64), row, row, np.zeros((1, 4, 8)), 0, 2),
        "_square_chunk": (X, np.zeros(2, np.int64), row, row, np.zeros((1, 4, 8)), 0, 2),
        "_min_max": (X, 0, 2),
        "_standardize": (X, row, row, -1.0, 1.0, X.copy(), False, 0, 2),
        "_restore": (X, row, row, -1.0, 1.0, X.copy(), False, 0, 2),
        "_half_sq_dist": (row, row, row),
    }[kernel.__name__]
    options = {name: kernel.targetoptions[name] for name in ("fastmath", "nogil", "error_model")}
    fresh = njit(**options)(kernel.py_func)  # what comes from the cache has no assembly to show
    fresh(*args)
    (assembly,) = fresh.inspect_asm().values()
    assert re.search(rf"{instruction}\w*pd\s.*[yz]mm", assembly)
