"""Scikit-learn's sort of values and indices together. Where values tie, the order is the one that its steps leave."""

from math import log2

SMALL = 15  # what insertion sort does alone


def sort_together(values, indices):
    """Both lists in the order of `values`, in place.

    A sort that is stable would be shorter, but the order of tied samples is the order of sums, and whether two splits
    of the same gain differ in the last bit decides which of them a tree takes.
    """
    if values:
        _sort(_Pairs(values, indices), 0, len(values), 2 * int(log2(len(values))))


class _Pairs:
    def __init__(self, values, indices):
        self.values, self.indices = values, indices

    def swap(self, i, j):
        for array in self.values, self.indices:
            array[i], array[j] = array[j], array[i]


def _sort(pairs, start, stop, depth):
    while stop - start > SMALL:
        if depth <= 0:
            return _heapsort(pairs, start, stop - start)
        depth -= 1
        less, more = _three_ways(pairs, start, stop)
        _sort(pairs, start, less, depth)
        start = more
    _insertion_sort(pairs, start, stop)


def _three_ways(pairs, start, stop):
    """Values below the pivot to [start, less), those above it to [more, stop)."""
    values = pairs.values
    pivot = sorted([values[start], values[start + (stop - start) // 2], values[stop - 1]])[1]
    i, less, more = start, start, stop
    while i < more:
        if values[i] < pivot:
            pairs.swap(i, less)
            less += 1
            i += 1
        elif values[i] > pivot:
            more -= 1
            pairs.swap(i, more)
        else:
            i += 1
    return less, more


def _insertion_sort(pairs, start, stop):
    for i in range(start + 1, stop):
        while i > start and pairs.values[i - 1] > pairs.values[i]:
            pairs.swap(i - 1, i)
            i -= 1


def _heapsort(pairs, start, n):
    for root in range((n - 2) // 2, -1, -1):
        _sift_down(pairs, start, root, n)
    for last in range(n - 1, 0, -1):
        pairs.swap(start, start + last)
        _sift_down(pairs, start, 0, last)


def _sift_down(pairs, start, root, n):
    while True:
        largest = root
        for child in range(2 * root + 1, min(2 * root + 3, n)):
            if pairs.values[start + largest] < pairs.values[start + child]:
                largest = child
        if largest == root:
            return
        pairs.swap(start + root, start + largest)
        root = largest
