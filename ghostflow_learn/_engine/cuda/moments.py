import cupy as cp

CHUNK = 2**25  # float64 values of X that are centred at a time: 256 MB


def mean(X, sample_weight=None):
    if sample_weight is None:
        return X.sum(axis=0, dtype=cp.float64) / len(X)
    weight = sample_weight.astype(cp.float64)
    return sum(weight[rows] @ X[rows].astype(cp.float64) for rows in _chunks(X)) / weight.sum()


def gram(X, Y=None, sample_weight=None, x_offset=None, y_offset=None):
    xx, xy = 0, None if Y is None else 0
    for rows in _chunks(X):
        block = _centred(X[rows], x_offset)
        weighted = block if sample_weight is None else block * sample_weight[rows, None]
        xx = xx + block.T @ weighted
        if Y is not None:
            xy = xy + weighted.T @ _centred(Y[rows], y_offset)
    return xx, xy


def scatter(X, Y=None, sample_weight=None):
    x_mean, y_mean = mean(X, sample_weight), None if Y is None else mean(Y, sample_weight)
    return x_mean, y_mean, *gram(X, Y, sample_weight, x_mean, y_mean)


def root(X, Y, sample_weight=None, x_offset=None, y_offset=None):
    n_samples, n_features = X.shape
    blocks = []
    for rows in _chunks(X) if n_samples > n_features else [slice(None)]:
        block = cp.hstack((_centred(X[rows], x_offset), _centred(Y[rows], y_offset)))
        if sample_weight is not None:
            block *= cp.sqrt(sample_weight[rows].astype(cp.float64))[:, None]
        blocks.append(block if n_samples <= n_features else cp.linalg.qr(block, mode="r"))
    R = blocks[0] if len(blocks) == 1 else cp.linalg.qr(cp.concatenate(blocks), mode="r")
    R = R[: min(X.shape)]
    return R[:, :n_features], R[:, n_features:]


def _centred(block, offset):
    block = block.astype(cp.float64)
    return block if offset is None else block - offset


def _chunks(X):
    n_rows = max(1, CHUNK // max(1, X.shape[1]))
    return [slice(start, start + n_rows) for start in range(0, len(X), n_rows)]
