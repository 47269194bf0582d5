"""Features as trees read them: one after the other in memory, and the rows in the order of each."""

import threading
from collections import namedtuple

import numpy as np
from scipy.sparse import csc_array

from ._jit import kernel
from ._launch import launch, run_blocks

DIGIT, SHORT_DIGIT = 11, 8  # bits that one pass sorts by: over a whole column, and over the rows of a node
INSERTED = 40  # rows that are sorted faster one by one
SORTED = 40  # multiply-adds in the time that sorting takes for one value
MOVED = 6  # multiply-adds in the time that one value takes to another place in memory
EXACT = set()  # scikit-learn's trees depend on the last bit of sums: no freedom for the compiler

# data, indices, indptr : a CSC matrix; indices increase in each column
# column : (n_samples,) float32, the values of one feature in one node, 0 between two features
# place  : (n_samples,) int64, where each row is among the rows of the tree, -1 if it is not
# found  : (n_rows,) uint32, the rows of the node whose value is not 0
Sparse = namedtuple("Sparse", "data indices indptr column place found")


class Columns:
    """A dense X; NaN is missing.

    Attributes
    ----------
    values : (n_features, n_samples) float32
    """

    def __init__(self, X):
        self.values = _transposed(X)
        self._order = None
        self._lock = threading.Lock()

    @property
    def shape(self):
        return self.values.shape[::-1]

    @property
    def order(self):
        """(n_features, n_samples) uint32: the rows by increasing value, missing ones last, equal ones as they are."""
        with self._lock:
            if self._order is None:
                order = np.empty(self.values.shape, dtype=np.uint32)
                launch(_sort_columns, len(order), (self.values, order), row_cost=SORTED * order.shape[1])
                self._order = order
        return self._order

    def of_nodes(self, rows):
        """Nothing: the kernels read `values`."""
        return None

    def order_of(self, rows, is_read_only):
        """The order of some rows alone, increasing numbers; a new array unless it will not be written to."""
        if len(rows) == self.shape[0]:
            return self.order if is_read_only else self.order.copy()
        is_in = np.zeros(self.shape[0], dtype=np.uint8)
        is_in[rows] = 1
        order = np.empty((len(self.values), len(rows) + 1), dtype=np.uint32)
        launch(_select, len(order), (self.order, is_in, order), row_cost=MOVED * self.shape[0])
        return order


class SparseColumns:
    """A sparse X."""

    values = np.zeros((1, 1), dtype=np.float32)

    def __init__(self, X):
        X = csc_array(X)
        if not X.has_sorted_indices:
            X = X.sorted_indices()
        self.shape, self.data = X.shape, X.data.astype(np.float32, copy=False)
        self.indices, self.indptr = X.indices.astype(np.uint32), X.indptr.astype(np.int64)

    def of_nodes(self, rows):
        """What the kernels need to read one column of the rows at a time."""
        place = np.full(self.shape[0], -1, dtype=np.int64)
        place[rows] = np.arange(len(rows))
        column, found = np.zeros(self.shape[0], dtype=np.float32), np.empty(len(rows), dtype=np.uint32)
        return Sparse(self.data, self.indices, self.indptr, column, place, found)


def _transposed(X):
    if X.flags.f_contiguous:
        return np.ascontiguousarray(X.T, dtype=np.float32)
    values = np.empty(X.shape[::-1], dtype=np.float32)

    def copy(start, stop):
        values[:, start:stop] = X[start:stop].T

    run_blocks(copy, len(X), MOVED * X.shape[1])
    return values


@kernel(fastmath=EXACT)
def _sort_columns(values, order, start, stop):
    n_samples = order.shape[1]
    pairs, counts = np.empty((2, n_samples), dtype=np.uint64), np.empty(1 << DIGIT, dtype=np.int64)
    for j in range(start, stop):
        rows = order[j]
        for i in range(n_samples):
            rows[i] = i
        sort_rows(rows, values[j], pairs, counts)


@kernel(fastmath=EXACT, allocates=False)
def _select(all_rows, is_in, order, start, stop):
    # Without a branch: a row that is not in is overwritten by the next one, the last one in the spare place at the end.
    for j in range(start, stop):
        at = 0
        for i in range(all_rows.shape[1]):
            order[j, at] = all_rows[j, i]
            at += is_in[all_rows[j, i]]


@kernel(fastmath=EXACT, allocates=False)
def sort_rows(rows, column, pairs, counts):
    """Sort rows by their value in `column`, missing ones last, equal ones as they are; the other arrays are scratch."""
    n, side, low = len(rows), 0, np.uint64(0xFFFFFFFF)
    for p in range(n):
        x = column[rows[p]]
        bits = np.int64(np.float32(x if x != 0 else 0).view(np.int32))
        key = bits + 0x80000000 if bits >= 0 else ~bits  # 32 bits that compare as floats do, -0 as 0
        pairs[0, p] = np.uint64(0xFFFFFFFF if x != x else key & 0xFFFFFFFF) << np.uint64(32) | np.uint64(rows[p])
    if n <= INSERTED:
        for p in range(1, n):
            pair, q = pairs[0, p], p
            while q > 0 and pairs[0, q - 1] >> np.uint64(32) > pair >> np.uint64(32):
                pairs[0, q] = pairs[0, q - 1]
                q -= 1
            pairs[0, q] = pair
    else:
        mask, digit = np.uint64(len(counts) - 1), SHORT_DIGIT if len(counts) == 1 << SHORT_DIGIT else DIGIT
        for first_bit in range(32, 64, digit):
            shift, source, target = np.uint64(first_bit), pairs[side], pairs[1 - side]
            for d in range(len(counts)):
                counts[d] = 0
            for p in range(n):
                counts[source[p] >> shift & mask] += 1
            total = 0
            for d in range(len(counts)):
                count = counts[d]
                counts[d] = total
                total += count
            for p in range(n):
                d = source[p] >> shift & mask
                target[counts[d]] = source[p]
                counts[d] += 1
            side = 1 - side
    for p in range(n):
        rows[p] = np.uint32(pairs[side, p] & low)
