"""Products in registers are the products, whatever part of a tile is left over."""

import numpy as np
import pytest

from ghostflow_learn._engine.cpu._jit import kernel
from ghostflow_learn._engine.cpu._tiles import BYTES, aligned, combine, combine_and_add, dots, padded

BEFORE = 3  # numbers in front of a matrix that must stay as they are


@kernel
def products(w, a, b, bias, results, n_a, n_b, n):
    forward, backward, slopes = results
    combine_and_add(w, BEFORE, 1, n_b, a, BEFORE, forward, BEFORE, bias, BEFORE, n_b, n_a, n)
    combine(w, BEFORE, n_b, 1, b, BEFORE, backward, BEFORE, n_a, n_b, n)
    dots(a, BEFORE, b, BEFORE, slopes, BEFORE, n_a, n_b, n)


@pytest.mark.parametrize("n_samples", [1, 17, 150])
@pytest.mark.parametrize("n_a, n_b", [(1, 1), (3, 8), (9, 6)])
def test_products_agree_with_numpy_and_touch_nothing_else(n_samples, n_a, n_b, dtype, rng):
    n = padded(n_samples, dtype)
    matrices = [rng.standard_normal(shape).astype(dtype) for shape in ((n_a, n_b), (n_a, n), (n_b, n), (n_b,))]
    w, a, b, bias = matrices
    results = [np.full(BEFORE + size + 1, 7, dtype) for size in (n_b * n, n_a * n, n_a * n_b)]
    products(*(np.r_[np.zeros(BEFORE, dtype), m.ravel()] for m in matrices), tuple(results), n_a, n_b, n)
    for got, want in zip(results, (w.T @ a + bias[:, None], w @ b, a @ b.T), strict=True):
        assert list(got[:BEFORE]) == [7] * BEFORE
        assert got[-1] == 7
        tolerance = 1e-4 if dtype == np.float32 else 1e-12
        np.testing.assert_allclose(got[BEFORE:-1], want.ravel(), rtol=tolerance, atol=tolerance)


def test_padding_is_the_least_that_fills_vectors(dtype):
    lanes = padded(1, dtype)
    assert [padded(k, dtype) for k in (lanes, lanes + 1, 5 * lanes)] == [lanes, 2 * lanes, 5 * lanes]


def test_an_aligned_array_begins_where_a_vector_may(dtype):
    arrays = [aligned(size, dtype) for size in (1, 5, 1000)]
    assert [(a.size, a.dtype, a.ctypes.data % BYTES) for a in arrays] == [(size, dtype, 0) for size in (1, 5, 1000)]
