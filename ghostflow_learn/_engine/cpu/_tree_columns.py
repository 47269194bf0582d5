"""Features as trees read them: one after the other in memory, and the rows in the order of each."""

import threading

import numpy as np

from ._jit import kernel
from ._launch import launch, run_blocks

DIGIT = 11  # bits that one pass over a whole column sorts by
SORTED = 40  # multiply-adds in the time that sorting takes for one value
MOVED = 6  # multiply-adds in the time that one value takes to another place in memory
EXACT = set()  # scikit-learn's trees depend on the last bit of sums: no freedom for the compiler


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

    def order_of(self, rows, is_read_only):
        """The order of some rows alone, increasing numbers; a new array unless it will not be written to."""
        if len(rows) == self.shape[0]:
            return self.order if is_read_only else self.order.copy()
        is_in = np.zeros(self.shape[0], dtype=np.uint8)
        is_in[rows] = 1
        order = np.empty((len(self.values), len(rows) + 1), dtype=np.uint32)
        launch(_select, len(order), (self.order, is_in, order), row_cost=MOVED * self.shape[0])
        return order


def _transposed(X):
    if X.flags.f_contiguous:
        return np.ascontiguousarray(X.T, dtype=np.float32)
    values = np.empty(X.shape[::-1], dtype=np.float32)

    def copy(start, stop):
        values[:, start:stop] = X[start:stop].T

    run_blocks(copy, len(X), MOVED * X.shape[1])
    return values


@kernel(fastmath=EXACT)
def sort_key(x):
    """32 bits that compare as `x` does, missing values last."""
    if np.isnan(x):
        return np.uint64(0xFFFFFFFF)
    bits = np.int64(np.float32(x if x != 0 else 0).view(np.int32))
    return np.uint64(bits + 0x80000000) if bits >= 0 else np.uint64(~bits & 0xFFFFFFFF)


@kernel(fastmath=EXACT)
def _sort_columns(values, order, start, stop):
    n_samples = order.shape[1]
    pairs, counts = np.empty((2, n_samples), dtype=np.uint64), np.empty(1 << DIGIT, dtype=np.int64)
    for j in range(start, stop):
        column, rows = values[j], order[j]
        for i in range(n_samples):
            pairs[0, i] = sort_key(column[i]) << np.uint64(32) | np.uint64(i)
        in_order = pairs[radix_sort(pairs, n_samples, counts, DIGIT)]
        for i in range(n_samples):
            rows[i] = np.uint32(in_order[i] & np.uint64(0xFFFFFFFF))


@kernel(fastmath=EXACT)
def _select(all_rows, is_in, order, start, stop):
    # Without a branch: a row that is not in is overwritten by the next one, the last one in the spare place at the end.
    for j in range(start, stop):
        at = 0
        for i in range(all_rows.shape[1]):
            order[j, at] = all_rows[j, i]
            at += is_in[all_rows[j, i]]


@kernel(fastmath=EXACT)
def radix_sort(pairs, n, counts, digit):
    """Sort the first n of pairs[0] by their upper 32 bits, equal ones as they are; which of the two rows holds them."""
    side = 0
    for first_bit in range(32, 64, digit):
        side ^= _sort_by_digit(pairs[side], pairs[1 - side], n, counts, digit, first_bit)
    return side


@kernel(fastmath=EXACT)
def _sort_by_digit(source, target, n, counts, digit, first_bit):
    """Whether the sorted pairs are in `target`: in `source` they are if all have the same digit."""
    mask, shift = np.uint64((1 << digit) - 1), np.uint64(first_bit)
    for d in range(1 << digit):
        counts[d] = 0
    for i in range(n):
        counts[source[i] >> shift & mask] += 1
    if counts[source[0] >> shift & mask] == n:
        return False
    total = 0
    for d in range(1 << digit):
        count = counts[d]
        counts[d] = total
        total += count
    for i in range(n):
        d = source[i] >> shift & mask
        target[counts[d]] = source[i]
        counts[d] += 1
    return True
