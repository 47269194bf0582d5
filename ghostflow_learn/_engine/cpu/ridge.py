import numpy as np
from scipy.sparse import issparse

from ._launch import run_blocks

BUFFER = 2**16  # values of the block of rows that one thread centres and rotates: stays in its L2 cache


def loo_errors(X, Y, coefs, V, shrinkage, sample_weight=None, x_offset=None, y_offset=None):
    n_samples, n_features = X.shape
    weight = np.ones(n_samples) if sample_weight is None else sample_weight.astype(np.float64)
    share = 0.0 if x_offset is None else 1 / weight.sum()
    x_offset, y_offset = (0.0, 0.0) if x_offset is None else (x_offset, y_offset)
    shape = (Y.shape[1], len(coefs))
    flat = np.moveaxis(coefs, 0, 2).reshape(n_features, -1)  # one product serves all targets and penalties
    errors = np.empty((n_samples, *shape))
    n_rows = max(64, BUFFER // n_features)

    def fill(start, stop):
        for first in range(start, stop, n_rows):
            rows = slice(first, min(first + n_rows, stop))
            block = (X[rows].toarray() if issparse(X) else X[rows]) - x_offset
            w = weight[rows, None]
            residuals = (Y[rows] - y_offset)[:, :, None] - (block @ flat).reshape(len(block), *shape)
            left = 1 - w * ((block @ V) ** 2 @ shrinkage + share)
            np.divide(np.sqrt(w)[:, :, None] * residuals, left[:, None, :], out=errors[rows])

    run_blocks(fill, n_samples, row_cost=n_features * (n_features + coefs.shape[0] * (Y.shape[1] + 1)))
    return errors
