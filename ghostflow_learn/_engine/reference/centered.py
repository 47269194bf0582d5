"""Products with a matrix whose rows are shifted by a common offset, without the shifted copy of it."""

import numpy as np
import scipy.sparse


def matmul(X, B, offset=None):
    """(X - offset) B.

    Parameters
    ----------
    X : (n_samples, n_features) float32 or float64, or a CSR matrix where the engine computes on the host
    B : (n_features, k) or (n_features,), dtype of X
    offset : (n_features,), dtype of X, optional
        Subtracted from each row of X.

    Returns
    -------
    product : (n_samples, k) or (n_samples,), dtype of X
    """
    return _shifted(X, offset) @ B


def rmatmul(X, B, offset=None):
    """(X - offset)' B.

    Parameters
    ----------
    X : (n_samples, n_features) float32 or float64, or a CSR matrix where the engine computes on the host
    B : (n_samples, k) or (n_samples,), dtype of X
    offset : (n_features,), dtype of X, optional

    Returns
    -------
    product : (n_features, k) or (n_features,), dtype of X
    """
    return _shifted(X, offset).T @ B


def gram_matmul(X, B, offset=None):
    """(X - offset)' (X - offset) B, in one pass over X.

    Parameters
    ----------
    X : (n_samples, n_features) float32 or float64, or a CSR matrix where the engine computes on the host
    B : (n_features, k), dtype of X
    offset : (n_features,), dtype of X, optional

    Returns
    -------
    product : (n_features, k), dtype of X
    """
    shifted = _shifted(X, offset)
    return shifted.T @ (shifted @ B)


def sq_norm(X, offset=None):
    """Sum of the squares of X - offset.

    Parameters
    ----------
    X : (n_samples, n_features) float32 or float64, or a CSR matrix where the engine computes on the host
    offset : (n_features,), optional

    Returns
    -------
    sq_norm : float64
    """
    return np.square(_shifted(X, offset), dtype=np.float64).sum()


def _shifted(X, offset):
    X = X.toarray() if scipy.sparse.issparse(X) else X
    return X if offset is None else X - offset
