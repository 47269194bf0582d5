import cupy as cp

CHUNK = 2**25  # float64 values of X that are rotated at a time: 256 MB


def loo_errors(X, Y, coefs, V, shrinkage, sample_weight=None, x_offset=None, y_offset=None):
    n_samples, n_features = X.shape
    weight = cp.ones(n_samples) if sample_weight is None else sample_weight.astype(cp.float64)
    share = 0.0 if x_offset is None else 1 / weight.sum()
    x_offset, y_offset = (0.0, 0.0) if x_offset is None else (x_offset, y_offset)
    shape = (Y.shape[1], len(coefs))
    flat = cp.moveaxis(coefs, 0, 2).reshape(n_features, -1)  # one product serves all targets and penalties
    errors = cp.empty((n_samples, *shape))
    n_rows = max(1, CHUNK // n_features)
    for first in range(0, n_samples, n_rows):
        rows = slice(first, first + n_rows)
        block, w = X[rows] - x_offset, weight[rows, None]
        residuals = (Y[rows] - y_offset)[:, :, None] - (block @ flat).reshape(len(block), *shape)
        left = 1 - w * ((block @ V) ** 2 @ shrinkage + share)
        errors[rows] = cp.sqrt(w)[:, :, None] * residuals / left[:, None, :]
    return errors
