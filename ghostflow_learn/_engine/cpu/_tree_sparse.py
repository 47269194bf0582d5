"""One column of a CSC matrix at a time, for the rows of one node, at the cost of its non-zeros."""

import numpy as np

from ._jit import kernel
from ._tree_columns import EXACT, sort_rows


@kernel(fastmath=EXACT, allocates=False)
def read_column(feature, rows, start, sparse):
    """Fill in ``sparse.column`` for the rows of a node; how many of them, which ``sparse.found`` lists, are not 0."""
    first, last, n, n_found = sparse.indptr[feature], sparse.indptr[feature + 1], len(rows), 0
    if n * np.log2(last - first + 1.0) < last - first:
        for row in rows:
            low, high = first, last
            while low < high:
                middle = (low + high) // 2
                if sparse.indices[middle] < row:
                    low = middle + 1
                else:
                    high = middle
            if low < last and sparse.indices[low] == row and sparse.data[low] != 0:
                sparse.column[row], sparse.found[n_found] = sparse.data[low], row
                n_found += 1
        _sort_increasing(sparse.found, n_found)
    else:
        for e in range(first, last):
            row = sparse.indices[e]
            if start <= sparse.place[row] < start + n and sparse.data[e] != 0:
                sparse.column[row], sparse.found[n_found] = sparse.data[e], row
                n_found += 1
    return n_found


@kernel(fastmath=EXACT, allocates=False)
def clear_column(n_found, sparse):
    for i in range(n_found):
        sparse.column[sparse.found[i]] = 0


@kernel(fastmath=EXACT, allocates=False)
def _sort_increasing(rows, n):
    """Shell's sort of the first n."""
    gap = n // 2
    while gap > 0:
        for p in range(gap, n):
            row, q = rows[p], p
            while q >= gap and rows[q - gap] > row:
                rows[q] = rows[q - gap]
                q -= gap
            rows[q] = row
        gap //= 2


@kernel(fastmath=EXACT, allocates=False)
def set_apart(rows, start, n_found, sparse):
    """Rows of negative values to the front, of positive ones to the end; where the zeros start and stop."""
    zeros, positive = 0, len(rows)
    for i in range(n_found):
        row = sparse.found[i]
        p = sparse.place[row] - start
        if sparse.column[row] > 0:
            positive -= 1
            q = positive
        else:
            q = zeros
            zeros += 1
        rows[p], rows[q] = rows[q], row
        sparse.place[rows[p]], sparse.place[row] = start + p, start + q
    return zeros, positive


@kernel(fastmath=EXACT, allocates=False)
def sort_apart(rows, start, zeros, positive, sparse, scratch):
    """Rows that were set apart by increasing value."""
    for first, last in ((0, zeros), (positive, len(rows))):
        sort_rows(rows[first:last], sparse.column, scratch.pairs, scratch.counts)
        for p in range(first, last):
            sparse.place[rows[p]] = start + p


@kernel(fastmath=EXACT, allocates=False)
def part_apart(rows, start, zeros, positive, threshold, sparse):
    """Of rows that were set apart, those up to the threshold to the front, by scikit-learn's swaps; how many."""
    n_left, stop = positive, positive
    if threshold < 0:
        n_left, stop = 0, zeros
    elif threshold > 0:
        stop = len(rows)
    while n_left < stop:
        if sparse.column[rows[n_left]] <= threshold:
            n_left += 1
        else:
            stop -= 1
            rows[n_left], rows[stop] = rows[stop], rows[n_left]
            sparse.place[rows[n_left]], sparse.place[rows[stop]] = start + n_left, start + stop
    return n_left
