"""The samples of a tree in the order of its nodes."""

import numpy as np

from ._boosting_histogram import AHEAD
from ._boosting_losses import exact, inner
from ._boosting_split import contains
from ._memory import prefetch


@inner
def left_table(node, bitset, max_bins, goes_left):
    """Whether each code goes to the left child of `node`: 1 or 0."""
    for b in range(256):
        if node.categorical:
            goes_left[b] = contains(bitset, b)
        else:
            goes_left[b] = (b <= node.bin) | ((b == max_bins) & (node.missing_left != 0))


@inner
def part_rows(codes, n_features, feature, goes_left, rows, spare):
    """Bring the samples that go to the left to the front, in their order."""
    n_left = n_right = 0
    most = len(rows) - 1
    for i in range(len(rows)):
        prefetch(codes, np.int64(rows[np.uint64(min(i + AHEAD, most))]) * n_features + feature)
        row = rows[i]
        left = goes_left[codes[np.uint64(np.int64(row) * n_features + feature)]]
        rows[np.uint64(n_left)] = row
        spare[np.uint64(n_right)] = row
        n_left += left
        n_right += 1 - left
    for i in range(n_right):
        rows[np.uint64(n_left + i)] = spare[i]


@inner
def part_block(codes, n_features, feature, goes_left, rows, spare, first, last):
    """Bring ``rows[first:last]`` that go to the left to the front of `spare` there, the others backwards to its end.

    The number of those that go to the left.
    """
    low, high = first, last - 1
    for r in range(first, last):
        prefetch(codes, np.int64(rows[np.uint64(min(r + AHEAD, last - 1))]) * n_features + feature)
        row = rows[np.uint64(r)]
        left = goes_left[codes[np.uint64(np.int64(row) * n_features + feature)]]
        spare[np.uint64(low if left else high)] = row
        low += left
        high -= 1 - left
    return low - first


@inner
def join_block(rows, spare, to_left, after, n_left, first, last):
    """Bring what `part_block` left to its place. `to_left` go to the left in the blocks before, `after` up to here."""
    for r in range(after - to_left):
        rows[np.uint64(to_left + r)] = spare[np.uint64(first + r)]
    to_right = n_left + first - to_left
    for r in range(last - first - (after - to_left)):
        rows[np.uint64(to_right + r)] = spare[np.uint64(last - 1 - r)]


@exact
def number(rows, start, stop):
    for r in range(start, stop):
        rows[np.uint64(r)] = r


@exact
def fill_leaves(rows, starts, ids, leaves, start, stop):
    """The leaf of each sample in ``rows[start:stop]``."""
    leaf = 0
    while leaf + 1 < len(starts) and starts[leaf + 1] <= start:
        leaf += 1
    while start < stop:
        last = min(stop, starts[leaf + 1] if leaf + 1 < len(starts) else len(rows))
        for r in range(start, last):
            leaves[np.uint64(rows[r])] = ids[leaf]
        start, leaf = last, leaf + 1
