import numpy as np

from ._launch import BLOCKS, PARTIALS, run_blocks

BUFFER = 2**17  # values of the block of rows that one thread centres and multiplies: stays in its L2 cache
LEAST_ROWS = 256  # a product of fewer rows is bound by the output that it adds to
HEAD = 256  # rows whose mean tells where a block of the data is
QUIET = {"over": "ignore", "invalid": "ignore"}  # squares that overflow are infinite, and the caller has `root`


def mean(X, sample_weight=None):
    if sample_weight is None:
        return _summed(lambda start, stop: X[start:stop].sum(axis=0, dtype=np.float64), X) / len(X)
    weight = sample_weight.astype(np.float64, copy=False)
    return _summed(lambda start, stop: weight[start:stop] @ X[start:stop], X) / weight.sum()


def _summed(partial, X):
    return np.sum(run_blocks(partial, len(X), X.shape[1]), axis=0)


@np.errstate(**QUIET)
def gram(X, Y=None, sample_weight=None, x_offset=None, y_offset=None):
    columns = _Columns(X, Y, sample_weight)
    offset = columns.offset(x_offset, y_offset)
    total = sum(columns.run(lambda start, stop: columns.products(start, stop, offset)))
    return columns.split(total[1:])


@np.errstate(**QUIET)
def scatter(X, Y=None, sample_weight=None):
    columns, n_features = _Columns(X, Y, sample_weight), X.shape[1]

    @np.errstate(**QUIET)
    def partial(start, stop):
        # The first rows tell where the data is. What is left of the mean shows in the products with the ones.
        offset = columns.offset(*(_center(A, slice(start, min(start + HEAD, stop))) for A in (X, Y)))
        total = columns.products(start, stop, offset)
        weight = total[0, 0]
        shift = total[0] / (weight or 1)
        mean = shift if offset is None else offset + shift
        return weight, mean, total[1:] - weight * np.outer(shift[1 : 1 + n_features], shift)

    weights, means, products = zip(*columns.run(partial))
    mean = np.average(means, axis=0, weights=weights)
    between = np.sqrt(weights)[:, None] * (means - mean)
    products = sum(products) + between[:, 1 : 1 + n_features].T @ between
    return *columns.split(mean), *columns.split(products)


def _center(X, rows):
    """Mean of a few rows, or None where all features lie about zero: sums of squares then lose a digit at most."""
    if X is None:
        return None
    mean, std = X[rows].mean(axis=0, dtype=np.float64), X[rows].std(axis=0, dtype=np.float64)
    return None if (np.abs(mean) < std).all() else mean


class _Columns:
    """The columns [1, X, Y, 0], of which blocks of rows are centred and multiplied."""

    def __init__(self, X, Y, sample_weight):
        self.X, self.Y = X, Y
        self.root_weight = None if sample_weight is None else np.sqrt(sample_weight, dtype=np.float64)[:, None]
        n_features, n_targets = X.shape[1], 0 if Y is None else Y.shape[1]
        self.used = slice(1, 1 + n_features + n_targets)
        self.width = -(-self.used.stop // 4) * 4  # columns of zeros fill up: BLAS takes longer for 6 columns than for 8
        # One operand twice, and BLAS computes half of the product; not where most of it is among the targets.
        self.n_left = self.width if n_targets <= n_features else 1 + n_features
        self.n_rows = max(LEAST_ROWS, BUFFER // self.width)

    def run(self, partial):
        n_products = self.n_left * self.width
        return run_blocks(partial, len(self.X), n_products / 2, max(1, min(BLOCKS, PARTIALS // (8 * n_products))))

    def offset(self, x_offset, y_offset):
        """Of each column, (width,), or None where all are."""
        if x_offset is None and y_offset is None:
            return None
        offset = np.zeros(self.width)
        for part, given in zip(self.split(offset), (x_offset, y_offset)):
            if given is not None:
                part[:] = given
        return offset

    def split(self, array):
        """What belongs to X and what to Y along the last axis; None for no Y."""
        first_target = 1 + self.X.shape[1]
        return array[..., 1:first_target], None if self.Y is None else array[..., first_target : self.used.stop]

    @np.errstate(**QUIET)
    def products(self, start, stop, offset):
        """Sums of products of [1, X] and [1, X, Y, 0], (1 + n_features, width)."""
        n_rows = min(self.n_rows, stop - start)
        block, product = np.zeros((n_rows, self.width)), np.empty((self.n_left, self.width))
        # An offset for each row costs a buffer, but NumPy is slow to repeat a short row.
        offsets = None if offset is None else np.tile(offset, (n_rows, 1))
        total = np.zeros_like(product)
        for first in range(start, stop, n_rows):
            n = min(n_rows, stop - first)
            part = self.fill(block[:n], slice(first, first + n), None if offset is None else offsets[:n])
            total += np.matmul(part[:, : self.n_left].T, part, out=product)
        return total[: 1 + self.X.shape[1]]

    def fill(self, block, rows, offset):
        block[:, 0] = 1
        for part, array in zip(self.split(block), (self.X, self.Y)):
            if array is not None:
                part[:] = array[rows]
        if offset is not None:
            block -= offset
        if self.root_weight is not None:
            block *= self.root_weight[rows]
        return block


def root(X, Y, sample_weight=None, x_offset=None, y_offset=None):
    n_samples, n_features = X.shape
    columns = _Columns(X, Y, sample_weight)
    offset = columns.offset(x_offset, y_offset)

    def filled(start, stop):
        return columns.fill(np.zeros((stop - start, columns.width)), slice(start, stop), offset)[:, columns.used]

    def triangle(start, stop):
        R = np.empty((0, X.shape[1] + Y.shape[1]))
        for first in range(start, stop, n_rows):
            R = np.linalg.qr(np.vstack((R, filled(first, min(first + n_rows, stop)))), mode="r")
        return R

    if n_samples <= n_features:
        R = filled(0, n_samples)
    else:
        n_rows = max(columns.n_rows, 4 * columns.width)
        max_blocks = max(1, min(BLOCKS, n_samples // n_rows))
        triangles = run_blocks(triangle, n_samples, 2 * columns.width**2, max_blocks)
        R = triangles[0] if len(triangles) == 1 else np.linalg.qr(np.vstack(triangles), mode="r")
    R = R[: min(X.shape)]
    return R[:, :n_features], R[:, n_features:]
