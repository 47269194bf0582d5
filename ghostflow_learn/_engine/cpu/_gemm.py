"""Matrix products by rows, for the blocks of a launch.

NumPy's BLAS does them where it uses the whole vector unit. OpenBLAS takes code for AVX2 on processors that it does not
know, and then tiles of our own are twice as fast: both factors are copied into the order in which they are read, one a
panel of columns at a time, which stays in the cache.
"""

from functools import cache

import numpy as np

from ._blas import architectures
from ._jit import kernel
from ._tiles import BYTES, ROWS, VECTORS, aligned, combine

AVX2 = {"Haswell", "Zen", "Excavator", "Prescott", "Generic"}  # kernels of OpenBLAS without AVX-512


def rows_of_product(a, b, out, start, stop, first_transposed=False, second_transposed=False):
    """Rows [start, stop) of out = a b, or of a' b or a b'; a, b and out are 2-D arrays of one dtype."""
    n_rows, n_terms, n_columns = stop - start, a.shape[not first_transposed], out.shape[1]
    panel = VECTORS * BYTES // out.itemsize
    in_order = a.flags.c_contiguous and b.flags.c_contiguous and out.flags.c_contiguous
    if not (in_order and n_columns >= panel and n_terms >= ROWS and n_rows > 0 and _blas_is_narrow()):
        a, b = a.T if first_transposed else a, b.T if second_transposed else b
        np.matmul(a[start:stop], b, out=out[start:stop])
        return
    of_a = (1, a.shape[1]) if first_transposed else (a.shape[1], 1)
    of_b = (1, b.shape[1]) if second_transposed else (b.shape[1], 1)
    left = np.empty(-(-n_rows // ROWS) * ROWS * n_terms, out.dtype)
    right, tile = aligned(n_terms * panel, out.dtype), aligned(ROWS * panel, out.dtype)
    flat = a.reshape(-1), *of_a, b.reshape(-1), *of_b, out.reshape(-1), n_terms, n_columns
    _multiply(*flat, left, right, tile, start, stop)


@cache
def _blas_is_narrow():
    return BYTES == 64 and bool(architectures()) and architectures() <= AVX2


@kernel
def _multiply(a, a_row, a_term, b, b_term, b_column, out, n_terms, n_columns, left, right, tile, start, stop):
    panel = len(tile) // ROWS
    _pack_rows(a, a_row, a_term, left, n_terms, start, stop)
    for first in range(0, n_columns, panel):
        n = min(panel, n_columns - first)
        _pack_panel(b, b_term, b_column, right, n_terms, panel, first, n)
        for row in range(start, stop, ROWS):
            combine(left, (row - start) * n_terms, 1, ROWS, right, 0, tile, 0, ROWS, n_terms, panel)
            for k in range(min(ROWS, stop - row)):
                at = (row + k) * n_columns + first
                y, x = out[at : at + n], tile[k * panel : (k + 1) * panel]
                for j in range(n):
                    y[j] = x[j]


@kernel(python=False)
def _pack_rows(a, a_row, a_term, left, n_terms, start, stop):
    """Term by term the numbers of a few rows; after the last row it is repeated."""
    for row in range(start, stop, ROWS):
        for k in range(ROWS):
            at, to = min(row + k, stop - 1) * a_row, (row - start) * n_terms + k
            for t in range(n_terms):
                left[to + t * ROWS] = a[at + t * a_term]


@kernel(python=False)
def _pack_panel(b, b_term, b_column, right, n_terms, panel, first, n):
    """Term by term the numbers of the columns from `first` on; after the last one it is repeated."""
    if b_column == 1 and n == panel:
        for t in range(n_terms):
            to, at = right[t * panel : (t + 1) * panel], t * b_term + first
            of = b[at : at + panel]
            for j in range(panel):
                to[j] = of[j]
        return
    for j in range(panel):
        at = (first + min(j, n - 1)) * b_column
        for t in range(n_terms):
            right[t * panel + j] = b[at + t * b_term]
