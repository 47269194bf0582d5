import cupy as cp

from .._merge import merge, typical_row
from ._launch import launch

__all__ = ["group_moments", "merge", "min_max", "moments", "quantiles", "restore", "standardize"]

LANES, PARTIALS_PER_BLOCK = 32, 8  # of a block that reduces columns
ROWS_PER_PARTIAL = 64  # at least
PARTIAL_BYTES = 2**26  # all partials of a reduction together
VALUES_PER_THREAD = 8  # of a kernel that scales
SORTED = 2**27  # values that are sorted at a time


def moments(X, sample_weight=None):
    return tuple(total[0] for total in group_moments(X, None, 1, sample_weight))


def group_moments(X, codes, n_groups, sample_weight=None):
    X = cp.ascontiguousarray(X)
    sample_weight = None if sample_weight is None else sample_weight.astype(cp.float64)
    sizes = (n_groups, *_partials(X, 24 * n_groups))
    shift = typical_row(cp, X)
    partials = cp.zeros((2, sizes[1], n_groups, X.shape[1]))
    _reduce("group_sums", X, (codes, sample_weight, shift, partials), *sizes)
    weight, total = partials[0].sum(axis=0), partials[1].sum(axis=0)
    mean = cp.where(weight > 0, shift + total / cp.where(weight > 0, weight, 1), 0)
    squares = cp.zeros((sizes[1], n_groups, X.shape[1]))
    _reduce("group_squares", X, (codes, sample_weight, mean, squares), *sizes)
    return weight, mean, squares.sum(axis=0)


def min_max(X):
    X = cp.ascontiguousarray(X)
    n_partials, rows_per_partial = _partials(X, 2 * X.itemsize)
    partials = cp.empty((2, n_partials, X.shape[1]), dtype=X.dtype)
    _reduce("min_max", X, (partials,), n_partials, rows_per_partial)
    low, high = partials[0].min(axis=0), partials[1].max(axis=0)
    is_empty = low > high
    return tuple(cp.where(is_empty, X.dtype.type(cp.nan), bound) for bound in (low, high))


def _partials(X, bytes_per_feature):
    """(number of partials, rows of each but the last), a function of the shapes alone."""
    n_most = max(1, min(4096, PARTIAL_BYTES // (bytes_per_feature * X.shape[1])))
    n_rows = max(ROWS_PER_PARTIAL, -(-len(X) // n_most))
    return max(1, -(-len(X) // n_rows)), n_rows


def _reduce(kernel, X, arrays, *sizes):
    *_, n_partials, _ = sizes
    grid = (-(-n_partials // PARTIALS_PER_BLOCK), -(-X.shape[1] // LANES))
    launch("columns", kernel, len(X), (X, *arrays, *X.shape, *sizes), block=(LANES, PARTIALS_PER_BLOCK), grid=grid)


def quantiles(X, q):
    n_columns = max(1, SORTED // len(X))
    blocks = [_quantiles(X[:, start : start + n_columns], q) for start in range(0, X.shape[1], n_columns)]
    return cp.concatenate(blocks, axis=1)


def _quantiles(X, q):
    n_there = (~cp.isnan(X)).sum(axis=0)
    X = cp.sort(X, axis=0)  # NaN goes last
    position = cp.asarray(q)[:, None] * cp.maximum(n_there - 1, 0)
    lower = position.astype(cp.int64)
    upper = cp.minimum(lower + 1, cp.maximum(n_there - 1, 0))
    a, b = (cp.take_along_axis(X, rank, 0).astype(cp.float64) for rank in (lower, upper))
    t = position - lower
    return cp.where(t < 0.5, a + (b - a) * t, b - (b - a) * (1 - t))  # that of NumPy


def standardize(X, center, scale, low=-cp.inf, high=cp.inf, out=None):
    return _rescale("standardize", X, center, scale, low, high, out)


def restore(X, center, scale, low=-cp.inf, high=cp.inf, out=None):
    return _rescale("restore", X, center, scale, low, high, out)


def _rescale(kernel, X, center, scale, low, high, out):
    source = cp.ascontiguousarray(X)
    target = out if out is not None and out.flags.c_contiguous else cp.empty_like(source)
    args = (source, center, scale, target, low, high, X.size, X.shape[1])
    launch("columns", kernel, -(-X.size // VALUES_PER_THREAD), args)
    if out is None or out is target:
        return target
    out[...] = target
    return out
