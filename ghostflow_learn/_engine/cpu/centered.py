import numpy as np
from scipy.sparse import issparse

from ._launch import BLOCKS, PARTIALS, run_blocks

TILE = 2**20  # bytes of X that one thread shifts and multiplies at a time: stays in its L2 cache
LEAST_ROWS = 64  # a product of fewer rows spends its time on packing the other operand
SPARSE_COLUMNS = 16  # columns of the dense operand that one reading of a sparse matrix serves


def matmul(X, B, offset=None):
    if issparse(X):
        product = _sparse_matmul(X, B)
        return product if offset is None else product - offset @ B
    out = np.empty((len(X), *B.shape[1:]), dtype=np.result_type(X, B))

    def multiply(start, stop):
        for tile in _tiles(X, start, stop):
            np.matmul(_shifted(X[tile], offset), B, out=out[tile])

    run_blocks(multiply, len(X), B.size, max_blocks=_most_blocks(len(X)))
    return out


def rmatmul(X, B, offset=None):
    if issparse(X):
        product = _sparse_matmul(X.T, B)
        return product if offset is None else product - np.multiply.outer(offset, B.sum(axis=0))
    return _rmatmul_by_columns(X, B, offset) if X.shape[1] > X.shape[0] else _rmatmul_by_rows(X, B, offset)


def _rmatmul_by_columns(X, B, offset):
    out = np.empty((X.shape[1], *B.shape[1:]), dtype=np.result_type(X, B))

    def multiply(start, stop):
        for tile in _tiles(X.T, start, stop):
            part = X[:, tile] if offset is None else X[:, tile] - offset[tile]
            np.matmul(part.T, B, out=out[tile])

    run_blocks(multiply, X.shape[1], B.size, max_blocks=_most_blocks(X.shape[1]))
    return out


def _rmatmul_by_rows(X, B, offset):
    def multiply(start, stop):
        return sum(_shifted(X[tile], offset).T @ B[tile] for tile in _tiles(X, start, stop))

    return _summed(multiply, X, X.shape[1] * B[:1].size, X.shape[1] * B[:1].nbytes)


def gram_matmul(X, B, offset=None):
    if issparse(X):
        return rmatmul(X, matmul(X, B, offset), offset)

    def multiply(start, stop):
        total = np.zeros_like(B)
        for tile in _tiles(X, start, stop):
            part = _shifted(X[tile], offset)
            total += part.T @ (part @ B)
        return total

    return _summed(multiply, X, 2 * B.size, B.nbytes)


def sq_norm(X, offset=None):
    if issparse(X):
        return _sparse_sq_norm(X, offset)

    def add_up(start, stop):
        total = 0.0
        for tile in _tiles(X, start, stop):
            part = _shifted(X[tile], offset).ravel()
            total += float(part @ part)
        return total

    return np.float64(sum(run_blocks(add_up, len(X), 2 * X.shape[1])))


def _shifted(X, offset):
    return X if offset is None else X - offset


def _tiles(X, start, stop):
    n_rows = max(LEAST_ROWS, TILE // max(1, X.itemsize * X.shape[1]))
    return [slice(first, min(first + n_rows, stop)) for first in range(start, stop, n_rows)]


def _most_blocks(n):
    return min(BLOCKS, -(-n // LEAST_ROWS))


def _summed(partial, X, row_cost, n_bytes):
    """Sum of `partial` over blocks of rows; fewer blocks where a partial is large."""
    max_blocks = min(_most_blocks(len(X)), max(2, PARTIALS // n_bytes))
    return sum(run_blocks(partial, len(X), row_cost, max_blocks))


def _sparse_matmul(X, B):
    """X B; threads share the columns of B, as SciPy's product has no use for several."""
    if B.ndim == 1:
        return X @ B
    out = np.empty((X.shape[0], B.shape[1]), dtype=np.result_type(X, B))

    def multiply(start, stop):
        out[:, start:stop] = X @ B[:, start:stop]

    run_blocks(multiply, B.shape[1], X.nnz, max_blocks=-(-B.shape[1] // SPARSE_COLUMNS))
    return out


def _sparse_sq_norm(X, offset):
    if offset is None:
        return np.square(X.data, dtype=np.float64).sum()
    n_zeros = X.shape[0] - np.bincount(X.indices, minlength=X.shape[1])
    stored = np.square(X.data - offset[X.indices], dtype=np.float64).sum()
    return stored + n_zeros @ np.square(offset, dtype=np.float64)
