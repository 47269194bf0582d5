import numpy as np

from .._merge import merge, typical_row
from ._jit import kernel
from ._launch import BLOCKS, PARTIALS, launch, run_blocks

__all__ = ["group_moments", "merge", "min_max", "moments", "quantiles", "restore", "standardize"]

CHUNK = 2**15  # values that stay in a core's L2 cache between two passes over them
MOVED = 6  # multiply-adds in the time that one value takes from memory and back
SELECTED = 60  # multiply-adds in the time that the selection of quantiles takes for one value
GATHERED = 8  # columns copied out of rows together: as many float64 values as a cache line holds

_NO_CODES = np.empty(0, dtype=np.int64)
_NO_WEIGHT = np.empty(0)


def moments(X, sample_weight=None):
    return tuple(total[0] for total in group_moments(X, _NO_CODES, 1, sample_weight))


def group_moments(X, codes, n_groups, sample_weight=None):
    sample_weight = _NO_WEIGHT if sample_weight is None else sample_weight.astype(np.float64, copy=False)
    n_rows = max(64, 4 * n_groups, CHUNK // X.shape[1])
    shift = typical_row(np, X)

    def partial(start, stop):
        rows = np.ascontiguousarray(X[start:stop])  # a copy, one block at a time, of an X in Fortran order
        return _group_moments(rows, codes[start:stop], n_groups, sample_weight[start:stop], shift, n_rows)

    max_blocks = max(1, min(BLOCKS, PARTIALS // (24 * n_groups * X.shape[1])))
    weight, mean, ssd = merge(*np.stack(run_blocks(partial, len(X), MOVED * X.shape[1], max_blocks), axis=1))
    return weight, np.where(weight > 0, mean + shift, 0.0), ssd


@kernel
def _group_moments(X, codes, n_groups, sample_weight, shift, n_rows):
    # Two passes over each chunk of rows, which the second one finds in the cache, then Chan's update: as accurate as
    # two passes over all of X. Means are those of X - shift.
    n_samples, n_features = X.shape
    moments = np.zeros((3, n_groups, n_features))
    for first in range(0, n_samples, n_rows):
        last = min(first + n_rows, n_samples)
        chunk = np.zeros((n_groups, 4, n_features))  # weight, sum and then center, residual, squares
        _sum_chunk(X, codes, sample_weight, shift, chunk, first, last)
        for k in range(n_groups):
            for j in range(n_features):
                chunk[k, 1, j] = chunk[k, 1, j] / chunk[k, 0, j] if chunk[k, 0, j] > 0 else 0.0
        _square_chunk(X, codes, sample_weight, shift, chunk, first, last)
        _add_chunk(chunk, moments[0], moments[1], moments[2])
    return moments


@kernel
def _sum_chunk(X, codes, sample_weight, shift, chunk, first, last):
    for i in range(first, last):
        w = sample_weight[i] if len(sample_weight) else 1.0
        k = codes[i] if len(codes) else 0
        row, weight, sums = X[i], chunk[k, 0], chunk[k, 1]
        for j in range(len(row)):
            diff = row[j] - shift[j]
            there = not np.isnan(diff)
            weight[j] += w if there else 0.0
            sums[j] += w * diff if there else 0.0


# Not reassociated to x - (shift + center), where a sum far from 0 is rounded.
@kernel(fastmath={"contract"})
def _square_chunk(X, codes, sample_weight, shift, chunk, first, last):
    for i in range(first, last):
        w = sample_weight[i] if len(sample_weight) else 1.0
        k = codes[i] if len(codes) else 0
        row, center, residual, squares = X[i], chunk[k, 1], chunk[k, 2], chunk[k, 3]
        for j in range(len(row)):
            diff = row[j] - shift[j] - center[j]
            diff = 0.0 if np.isnan(diff) else diff
            residual[j] += w * diff
            squares[j] += w * diff * diff


@kernel
def _add_chunk(chunk, total, mean, ssd):
    for k in range(total.shape[0]):
        for j in range(total.shape[1]):
            weight, center, residual, squares = chunk[k, 0, j], chunk[k, 1, j], chunk[k, 2, j], chunk[k, 3, j]
            if weight > 0:
                center += residual / weight  # what rounding left between the center and the mean
                diff = center - mean[k, j]
                share = weight / (total[k, j] + weight)
                ssd[k, j] += max(0.0, squares - residual**2 / weight) + diff * diff * share * total[k, j]
                mean[k, j] = mean[k, j] + diff * share if total[k, j] > 0 else center
                total[k, j] += weight


def min_max(X):
    if not X.flags.c_contiguous:
        return _min_max_by_column(X)
    low, high = np.stack(run_blocks(lambda start, stop: _min_max(X, start, stop), len(X), MOVED * X.shape[1]), axis=1)
    low, high = low.min(axis=0), high.max(axis=0)
    empty = low > high
    low[empty] = high[empty] = np.nan
    return low, high


@kernel
def _min_max(X, start, stop):
    low = np.full(X.shape[1], np.inf, X.dtype)
    high = np.full(X.shape[1], -np.inf, X.dtype)
    for i in range(start, stop):
        row = X[i]
        for j in range(len(row)):
            value, least, largest = row[j], low[j], high[j]
            low[j] = value if value < least else least
            high[j] = value if value > largest else largest
    return low, high


def _min_max_by_column(X):
    bounds = np.empty((2, X.shape[1]), dtype=X.dtype)

    def run(first, last):
        for j in range(first, last):
            bounds[:, j] = np.fmin.reduce(X[:, j]), np.fmax.reduce(X[:, j])

    run_blocks(run, X.shape[1], len(X))
    return tuple(bounds)


def quantiles(X, q):
    out = np.full((len(q), X.shape[1]), np.nan)

    def run(first, last):
        columns = np.empty((GATHERED, len(X)), dtype=X.dtype)
        for start in range(first, last, GATHERED):
            n_columns = min(GATHERED, last - start)
            _gather(X, start, columns[:n_columns])
            for j in range(n_columns):
                out[:, start + j] = _quantiles(columns[j], q)

    run_blocks(run, X.shape[1], SELECTED * len(X), max_blocks=-(-X.shape[1] // GATHERED))
    return out


def _gather(X, first, columns):
    if X.flags.c_contiguous:
        _gather_from_rows(X, first, columns)
    else:
        columns[:] = X[:, first : first + len(columns)].T


@kernel
def _gather_from_rows(X, first, columns):
    for i in range(columns.shape[1]):
        for j in range(columns.shape[0]):
            columns[j, i] = X[i, first + j]


def _quantiles(values, q):
    """Quantiles of `values`, whose order changes."""
    missing = np.isnan(values)
    if missing.any():
        values = values[~missing]
    if len(values) == 0:
        return np.full(len(q), np.nan)
    position = np.multiply(q, len(values) - 1.0)
    lower = position.astype(np.int64)
    _partition(values, lower, 0, len(values))
    # Behind a partition point everything is larger up to the next one: the least of it is the next order statistic.
    stops = [next((r for r in lower if r > rank), len(values) - 1) + 1 for rank in lower]
    a = values[lower].astype(np.float64)
    b = np.array([values[min(rank + 1, stop - 1) : stop].min() for rank, stop in zip(lower, stops)], dtype=np.float64)
    t = position - lower
    return np.where(t < 0.5, a + (b - a) * t, b - (b - a) * (1 - t))  # that of NumPy


def _partition(values, ranks, start, stop):
    """Put the order statistics `ranks` of `values`, ascending, where they belong, within [start, stop)."""
    if len(ranks) and start < stop:
        middle = len(ranks) // 2
        rank = ranks[middle]
        values[start:stop].partition(rank - start)  # one at a time: NumPy has that in vector instructions
        _partition(values, ranks[:middle][ranks[:middle] < rank], start, rank)
        _partition(values, ranks[middle + 1 :][ranks[middle + 1 :] > rank], rank + 1, stop)


def standardize(X, center, scale, low=-np.inf, high=np.inf, out=None):
    return _rescale(_standardize, (np.subtract, np.divide), X, (center, scale), low, high, out)


def restore(X, center, scale, low=-np.inf, high=np.inf, out=None):
    return _rescale(_restore, (np.multiply, np.add), X, (scale, center), low, high, out)


def _rescale(row_kernel, ufuncs, X, operands, low, high, out):
    out = np.empty_like(X) if out is None else out
    if X.flags.c_contiguous and out.flags.c_contiguous:
        launch(row_kernel, len(X), (X, *operands, low, high, out, out is X), MOVED * X.shape[1])
    else:
        _rescale_by_column(ufuncs, X, operands, low, high, out)
    return out


# No contraction to a fused multiply-add: the least value of a feature must land on the bound of MinMaxScaler to the
# last bit. A row is copied before it is changed, so that one kernel serves both ways.
@kernel(fastmath=False)
def _standardize(X, center, scale, low, high, out, in_place, start, stop):
    for i in range(start, stop):
        source, row = X[i], out[i]
        if not in_place:
            for j in range(len(row)):
                row[j] = source[j]
        for j in range(len(row)):
            value = (row[j] - center[j]) / scale[j]
            value = low if value < low else value
            row[j] = high if value > high else value


@kernel(fastmath=False)
def _restore(X, scale, center, low, high, out, in_place, start, stop):
    for i in range(start, stop):
        source, row = X[i], out[i]
        if not in_place:
            for j in range(len(row)):
                row[j] = source[j]
        for j in range(len(row)):
            value = row[j] * scale[j] + center[j]
            value = low if value < low else value
            row[j] = high if value > high else value


def _rescale_by_column(ufuncs, X, operands, low, high, out):
    n_pieces = -(-len(X) // CHUNK)

    def run(start, stop):
        for j, piece in (divmod(number, n_pieces) for number in range(start, stop)):
            values = out[piece * CHUNK : (piece + 1) * CHUNK, j]
            ufuncs[0](X[piece * CHUNK : (piece + 1) * CHUNK, j], operands[0][j], out=values)
            ufuncs[1](values, operands[1][j], out=values)
            if low > -np.inf or high < np.inf:
                np.clip(values, low, high, out=values)

    run_blocks(run, X.shape[1] * n_pieces, MOVED * min(CHUNK, len(X)))
