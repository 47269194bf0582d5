"""Products by rows are the products, by BLAS and by tiles, and no bit depends on how rows are cut."""

import numpy as np
import pytest

from ghostflow_learn._engine.cpu import _gemm
from ghostflow_learn._engine.cpu._gemm import rows_of_product


@pytest.mark.parametrize("is_narrow", [True, False], ids=["tiles", "blas"])
@pytest.mark.parametrize("transposed", ["", "first", "second"])
@pytest.mark.parametrize("shape", [(9, 5, 70), (4, 33, 128), (6, 4, 3)], ids=["uneven", "even", "narrow"])
def test_rows_agree_with_numpy_in_any_blocks(monkeypatch, is_narrow, transposed, shape, dtype, rng):
    monkeypatch.setattr(_gemm, "_blas_is_narrow", lambda: is_narrow)
    n_rows, n_terms, n_columns = shape
    a, b = (rng.standard_normal(s).astype(dtype) for s in ((n_rows, n_terms), (n_terms, n_columns)))
    want = a @ b
    a = np.ascontiguousarray(a.T) if transposed == "first" else a
    b = np.ascontiguousarray(b.T) if transposed == "second" else b
    flags = transposed == "first", transposed == "second"
    whole, parts = np.full((2, *want.shape), np.nan, dtype)
    rows_of_product(a, b, whole, 0, n_rows, *flags)
    for start, stop in ((0, 3), (3, 3), (3, n_rows)):
        rows_of_product(a, b, parts, start, stop, *flags)
    np.testing.assert_allclose(whole, want, rtol=1e-4 if dtype == np.float32 else 1e-12, atol=1e-5)
    if is_narrow:
        np.testing.assert_array_equal(parts, whole)
    else:
        np.testing.assert_allclose(parts, want, rtol=1e-4 if dtype == np.float32 else 1e-12, atol=1e-5)
