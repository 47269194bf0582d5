import numpy as np

from ._launch import BLOCKS, PARTIALS, run_blocks

BUFFER = 2**16  # values of the block of rows that one thread centres and multiplies: stays in its L2 cache
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


def gram(X, Y=None, sample_weight=None, x_offset=None, y_offset=None):
    columns = _Columns(X, Y, sample_weight)
    parts = columns.run(lambda start, stop: columns.products(start, stop, x_offset, y_offset)[:2])
    xx, xy = (sum(part) for part in zip(*parts))
    return xx, None if Y is None else xy[:, :-1]


@np.errstate(**QUIET)
def scatter(X, Y=None, sample_weight=None):
    columns = _Columns(X, Y, sample_weight)

    @np.errstate(**QUIET)
    def partial(start, stop):
        # The first rows tell where the data is. What is left of the mean shows in the products with the ones.
        head = slice(start, min(start + HEAD, stop))
        x_offset = X[head].mean(axis=0, dtype=np.float64)
        y_offset = np.zeros(0) if Y is None else Y[head].mean(axis=0, dtype=np.float64)
        xx, xy, yy = columns.products(start, stop, x_offset, y_offset)
        weight = yy[-1, -1]
        x_shift, y_shift = xy[:, -1] / (weight or 1), yy[-1, :-1] / (weight or 1)
        xx -= weight * np.outer(x_shift, x_shift)
        return weight, x_offset + x_shift, y_offset + y_shift, xx, xy[:, :-1] - weight * np.outer(x_shift, y_shift)

    weights, x_means, y_means, xx, xy = zip(*columns.run(partial))
    x_mean, y_mean = (np.average(means, axis=0, weights=weights) for means in (x_means, y_means))
    root_weights = np.sqrt(weights)[:, None]
    x_between, y_between = root_weights * (x_means - x_mean), root_weights * (y_means - y_mean)
    xx, xy = sum(xx) + x_between.T @ x_between, sum(xy) + x_between.T @ y_between
    return (x_mean, None, xx, None) if Y is None else (x_mean, y_mean, xx, xy)


class _Columns:
    """The columns X and [Y, 1], of which blocks of rows are centred and multiplied."""

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
        """Sums of products of X, and of X and [Y, 1]: (n_features, width); and of [Y, 1]: (n_targets + 1,) * 2."""
        n_features, n_rows = self.X.shape[1], min(self.n_rows, stop - start)
        x_block, y_block = np.empty((n_rows, n_features)), np.empty((n_rows, self.width - n_features))
        # An offset for each row costs a buffer, but NumPy is slow to repeat a short row.
        x_offsets = None if x_offset is None else np.tile(x_offset, (n_rows, 1))
        product, xx = np.empty((n_features, n_features)), np.zeros((n_features, n_features))
        xy, yy = np.zeros((n_features, y_block.shape[1])), np.zeros((y_block.shape[1],) * 2)
        for first in range(start, stop, n_rows):
            n = min(n_rows, stop - first)
            x, y = x_block[:n], y_block[:n]
            self.fill(x, y, slice(first, first + n), None if x_offset is None else x_offsets[:n], y_offset)
            xx += np.matmul(x.T, x, out=product)  # one operand twice: BLAS computes half of it
            xy += x.T @ y
            yy += y.T @ y
        return xx, xy, yy

    def fill(self, x, y, rows, x_offset, y_offset):
        np.subtract(self.X[rows], 0 if x_offset is None else x_offset, out=x)
        if self.Y is not None:
            np.subtract(self.Y[rows], 0 if y_offset is None else y_offset, out=y[:, :-1])
        y[:, -1] = 1
        if self.root_weight is not None:
            x *= self.root_weight[rows]
            y *= self.root_weight[rows]


def root(X, Y, sample_weight=None, x_offset=None, y_offset=None):
    n_samples, n_features = X.shape
    columns = _Columns(X, Y, sample_weight)

    def filled(start, stop):
        block = np.empty((stop - start, columns.width))
        columns.fill(block[:, :n_features], block[:, n_features:], slice(start, stop), x_offset, y_offset)
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
