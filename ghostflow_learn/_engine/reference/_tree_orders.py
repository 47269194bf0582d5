"""The samples of a node, brought into the order of a feature or parted at a threshold, in scikit-learn's ways.

`samples` and `values` belong together: ``values[p]`` is the value of the current feature for ``samples[p]``.
"""

import numpy as np

from ._introsort import sort_together

FEATURE_THRESHOLD = np.float32(1e-7)  # values no further apart are the same


def is_above(x, y):
    """Whether x is larger than y by more than rounding, in float32 as X is."""
    return np.float32(x) > np.float32(y) + FEATURE_THRESHOLD


class DenseOrder:
    """For an array; NaN is missing."""

    def __init__(self, X, samples):
        self.X, self.samples = X.astype(np.float64), samples
        self.values = [0.0] * len(X)

    def start_node(self, start, stop):
        self.start, self.stop, self.n_missing = start, stop, 0

    def sort(self, feature):
        self._move_missing_last(self.X[:, feature])
        known = slice(self.start, self.stop - self.n_missing)
        values, samples = [float(self.X[i, feature]) for i in self.samples[known]], self.samples[known]
        sort_together(values, samples)
        self.values[known], self.samples[known] = values, samples

    def is_constant(self):
        """Whether all values are the same, or all are missing; to be asked after `sort`."""
        last = self.stop - self.n_missing - 1
        return last < self.start or (self.n_missing == 0 and not is_above(self.values[last], self.values[self.start]))

    def shift_missing_to_the_left(self):
        for array in self.samples, self.values:
            known, missing = (
                array[self.start : self.stop - self.n_missing],
                array[self.stop - self.n_missing : self.stop],
            )
            array[self.start : self.stop] = missing + known

    def positions(self, missing_go_to_left):
        """Where the sorted samples can be split, each with the position before, whose value is smaller."""
        position = self.start + (self.n_missing if missing_go_to_left else 0)
        end = self.stop if missing_go_to_left else self.stop - self.n_missing
        while position < end:
            position += 1
            while position < end and not is_above(self.values[position], self.values[position - 1]):
                position += 1
            if position < self.stop:
                yield position - 1, position

    def all_known_before(self, position):
        return position == self.stop - self.n_missing

    def range(self, feature):
        """The smallest and the largest value."""
        node = slice(self.start, self.stop)
        self.values[node] = [float(self.X[i, feature]) for i in self.samples[node]]
        known = [value for value in self.values[node] if value == value]
        self.n_missing = self.stop - self.start - len(known)
        return min(known, default=np.inf), max(known, default=-np.inf)

    def partition(self, threshold, missing_go_to_left):
        """Part the samples whose values `range` has read; where the right part starts."""
        position, end = self.start, self.stop
        while position < end:
            if _goes_left(self.values[position], threshold, missing_go_to_left):
                position += 1
            else:
                end -= 1
                for array in self.samples, self.values:
                    array[position], array[end] = array[end], array[position]
        return end

    def partition_finally(self, split):
        node = slice(self.start, self.stop)
        self.values[node] = [float(self.X[i, split.feature]) for i in self.samples[node]]
        self.partition(split.threshold, split.missing_go_to_left)

    def _move_missing_last(self, column):
        position, end, samples = self.start, self.stop, self.samples
        while position < end:
            if np.isnan(column[samples[end - 1]]):
                end -= 1
                continue
            if np.isnan(column[samples[position]]):
                end -= 1
                samples[position], samples[end] = samples[end], samples[position]
            position += 1
        self.n_missing = self.stop - end


class SparseOrder:
    """For a CSC matrix: negative values, then the zeros, of which only the first and the last are written, then others.

    Samples from `zeros` to `positive` have the value 0.
    """

    n_missing = 0

    def __init__(self, X, samples):
        self.X, self.samples = X, samples
        self.values = [0.0] * X.shape[0]

    def start_node(self, start, stop):
        self.start, self.stop = start, stop

    def sort(self, feature):
        self._read(feature)
        for part in slice(self.start, self.zeros), slice(self.positive, self.stop):
            values, samples = self.values[part], self.samples[part]
            sort_together(values, samples)
            self.values[part], self.samples[part] = values, samples
        if self.zeros < self.positive:
            self.values[self.zeros] = self.values[self.positive - 1] = 0.0

    def is_constant(self):
        """Whether all values are the same; to be asked after `sort`."""
        return not is_above(self.values[self.stop - 1], self.values[self.start])

    def positions(self, missing_go_to_left):
        """Where the sorted samples can be split, each with the position before, whose value is smaller."""
        position = self.start
        while position < self.stop:
            after = self._after(position)
            while after < self.stop and not is_above(self.values[after], self.values[position]):
                position, after = after, self._after(after)
            if after < self.stop:
                yield position, after
            position = after

    def all_known_before(self, position):
        return False

    def range(self, feature):
        """The smallest and the largest value."""
        self._read(feature)
        values = self.values[self.start : self.zeros] + self.values[self.positive : self.stop]
        if self.zeros < self.positive:
            values.append(0.0)
        return min(values), max(values)

    def partition(self, threshold, missing_go_to_left):
        """Part the samples whose values `range` has read; where the right part starts."""
        if threshold == 0:
            return self.positive
        position, end = (self.start, self.zeros) if threshold < 0 else (self.positive, self.stop)
        while position < end:
            if self.values[position] <= threshold:
                position += 1
            else:
                end -= 1
                self._swap(position, end)
        return end

    def partition_finally(self, split):
        self._read(split.feature)
        self.partition(split.threshold, split.missing_go_to_left)

    def _after(self, position):
        """The next position with a value: of the zeros only the first and the last have one."""
        return self.positive - 1 if self.zeros <= position < self.positive - 1 else position + 1

    def _read(self, feature):
        """Values of the feature that are not 0, in the order of the samples in X, to the two ends."""
        self.zeros, self.positive = self.start, self.stop
        column = slice(*self.X.indptr[feature : feature + 2])
        where = {i: p for p, i in enumerate(self.samples[self.start : self.stop], self.start)}
        for i, x in zip(self.X.indices[column].tolist(), self.X.data[column].tolist(), strict=True):
            if i in where and x > 0:
                self.positive -= 1
                self._move(i, x, self.positive, where)
            elif i in where and x < 0:
                self._move(i, x, self.zeros, where)
                self.zeros += 1

    def _move(self, i, x, position, where):
        other, place = self.samples[position], where[i]
        self.samples[place], self.samples[position] = other, i
        where[other], where[i] = place, position
        self.values[position] = x

    def _swap(self, i, j):
        for array in self.samples, self.values:
            array[i], array[j] = array[j], array[i]


def _goes_left(value, threshold, missing_go_to_left):
    return missing_go_to_left if np.isnan(value) else value <= threshold
