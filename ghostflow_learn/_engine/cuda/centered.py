import cupy as cp

TILE = 2**26  # bytes of X that are shifted at a time


def matmul(X, B, offset=None):
    if offset is None:
        return X @ B
    return cp.concatenate([(X[tile] - offset) @ B for tile in _tiles(X)])


def rmatmul(X, B, offset=None):
    return X.T @ B if offset is None else sum((X[tile] - offset).T @ B[tile] for tile in _tiles(X))


def gram_matmul(X, B, offset=None):
    if offset is None:
        return X.T @ (X @ B)
    total = 0
    for tile in _tiles(X):
        part = X[tile] - offset
        total = total + part.T @ (part @ B)
    return total


def sq_norm(X, offset=None):
    return sum(cp.square(_shifted(X[tile], offset)).sum(dtype=cp.float64) for tile in _tiles(X))


def _shifted(X, offset):
    return X if offset is None else X - offset


def _tiles(X):
    n_rows = max(1, TILE // (X.itemsize * X.shape[1]))
    return [slice(start, start + n_rows) for start in range(0, len(X), n_rows)]
