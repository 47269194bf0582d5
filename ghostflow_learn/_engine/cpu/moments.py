import numpy as np

from ._launch import BLOCKS, PARTIALS, run_blocks

BUFFER = 2**16  # values of the block of rows that one thread centres and multiplies: stays in its L2 cache
LEAST_ROWS = 256  # a product of fewer rows is bound by the output that it adds to
QUIET = {"over": "ignore", "invalid": "ignore"}  # squares that overflow are infinite, and the caller has `root`


def mean(X, sample_weight=None):
    if sample_weight is None:
        return _summed(lambda start, stop: X[start:stop].sum(axis=0, dtype=np.float64), X) / len(X)
    weight = sample_weight.astype(np.float64, copy=False)
    return _summed(lambda start, stop: weight[start:stop] @ X[start:stop], X) / weight.sum()


def _summed(partial, X):
    return np.sum(run_blocks(partial, len(X), X.shape[1]), axis=0)


def gram(X, Y=None, sample_weight=None, x_offset=None, y_offset=None):
    columns = _Columns(X, Y, sample_weight)
    total = sum(columns.run(lambda start, stop: columns.products(start, stop, x_offset, y_offset)))[:-1, :-1]
    return columns.split(total)


@np.errstate(**QUIET)
def scatter(X, Y=None, sample_weight=None):
    columns = _Columns(X, Y, sample_weight)

    @np.errstate(**QUIET)
    def partial(start, stop):
        # The first rows tell where the data is. What is left of the mean shows in the products with the ones.
        head = slice(start, min(start + columns.n_rows, stop))
        x_offset = X[head].mean(axis=0, dtype=np.float64)
        y_offset = None if Y is None else Y[head].mean(axis=0, dtype=np.float64)
        total = columns.products(start, stop, x_offset, y_offset)
        weight = total[-1, -1]
        shift = total[-1, :-1] / (weight or 1)
        offset = x_offset if Y is None else np.concatenate((x_offset, y_offset))
        return weight, offset + shift, total[:-1, :-1] - weight * np.outer(shift, shift)

    weights, means, within = zip(*columns.run(partial))
    center = np.average(means, axis=0, weights=weights)
    between = np.sqrt(weights)[:, None] * (means - center)
    xx, xy = columns.split(sum(within) + between.T @ between)
    return center[: X.shape[1]], None if Y is None else center[X.shape[1] :], xx, xy


class _Columns:
    """The columns [X, Y, 1], of which blocks of rows are centred and multiplied."""

    def __init__(self, X, Y, sample_weight):
        self.X, self.Y = X, Y
        self.root_weight = None if sample_weight is None else np.sqrt(sample_weight, dtype=np.float64)[:, None]
        self.width = X.shape[1] + (0 if Y is None else Y.shape[1]) + 1
        self.n_rows = max(LEAST_ROWS, BUFFER // self.width)

    def run(self, partial):
        max_blocks = max(1, min(BLOCKS, PARTIALS // (8 * self.width**2)))
        return run_blocks(partial, len(self.X), self.width**2 / 2, max_blocks)

    @np.errstate(**QUIET)
    def products(self, start, stop, x_offset, y_offset):
        buffer = np.empty((min(self.n_rows, stop - start), self.width))
        product, total = np.empty((self.width, self.width)), np.zeros((self.width, self.width))
        for first in range(start, stop, self.n_rows):
            block = buffer[: stop - first]
            self.fill(block, slice(first, first + len(block)), x_offset, y_offset)
            total += np.matmul(block.T, block, out=product)  # one operand twice: BLAS computes half of it
        return total

    def fill(self, block, rows, x_offset, y_offset):
        n_features = self.X.shape[1]
        np.subtract(self.X[rows], 0 if x_offset is None else x_offset, out=block[:, :n_features])
        if self.Y is not None:
            np.subtract(self.Y[rows], 0 if y_offset is None else y_offset, out=block[:, n_features:-1])
        block[:, -1] = 1
        if self.root_weight is not None:
            block *= self.root_weight[rows]

    def split(self, total):
        n_features = self.X.shape[1]
        return total[:n_features, :n_features], None if self.Y is None else total[:n_features, n_features:]


def root(X, Y, sample_weight=None, x_offset=None, y_offset=None):
    n_samples, n_features = X.shape
    columns = _Columns(X, Y, sample_weight)

    def filled(start, stop):
        block = np.empty((stop - start, columns.width))
        columns.fill(block, slice(start, stop), x_offset, y_offset)
        return block[:, :-1]

    def triangle(start, stop):
        R = np.empty((0, columns.width - 1))
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
