import numpy as np

from ._launch import PARTIALS, run_blocks

BUFFER = 2**15  # values of the block of rows that one thread centres and multiplies: stays in its L2 cache
LEAST_ROWS = 256  # a product of fewer rows is bound by the output that it adds to


def mean(X, sample_weight=None):
    if sample_weight is None:
        return _summed(lambda start, stop: X[start:stop].sum(axis=0, dtype=np.float64), X) / len(X)
    weight = sample_weight.astype(np.float64, copy=False)
    return _summed(lambda start, stop: weight[start:stop] @ X[start:stop], X) / weight.sum()


def _summed(partial, X):
    return np.sum(run_blocks(partial, len(X), X.shape[1]), axis=0)


def gram(X, Y=None, sample_weight=None, x_offset=None, y_offset=None):
    n_features, n_targets = X.shape[1], 0 if Y is None else Y.shape[1]
    width = n_features + n_targets
    n_rows = max(LEAST_ROWS, BUFFER // width)
    root_weight = None if sample_weight is None else np.sqrt(sample_weight, dtype=np.float64)[:, None]

    def partial(start, stop):
        buffer, product = np.empty((n_rows, width)), np.empty((width, width))
        total = np.zeros((width, width))
        for first in range(start, stop, n_rows):
            rows = slice(first, min(first + n_rows, stop))
            block = buffer[: rows.stop - first]
            np.subtract(X[rows], 0 if x_offset is None else x_offset, out=block[:, :n_features])
            if Y is not None:
                np.subtract(Y[rows], 0 if y_offset is None else y_offset, out=block[:, n_features:])
            if root_weight is not None:
                block *= root_weight[rows]
            total += np.matmul(block.T, block, out=product)  # one operand twice: BLAS computes half of it
        return total

    max_blocks = max(1, PARTIALS // (8 * width**2))
    total = sum(run_blocks(partial, len(X), width**2 / 2, max_blocks))
    return total[:n_features, :n_features], None if Y is None else total[:n_features, n_features:]
