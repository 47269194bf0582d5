"""Leave-one-out errors of ridge regression."""

import numpy as np
from scipy.sparse import issparse


def loo_errors(X, Y, coefs, V, shrinkage, sample_weight=None, x_offset=None, y_offset=None):
    """Errors at each sample of the models fitted without it, for several penalties in one pass over X.

    They are residuals divided by one minus the leverage of the sample: for a row x of X about the offset
    x V diag(shrinkage) V' x' times its weight, plus its part of the total weight where there is an intercept.

    Parameters
    ----------
    X : (n_samples, n_features) float32 or float64, or a CSR matrix where the engine computes on the host
    Y : (n_samples, n_targets) float64
    coefs : (n_penalties, n_features, n_targets) float64
    V : (n_features, n_features) float64
        Eigenvectors of X'X about the offset, in columns.
    shrinkage : (n_features, n_penalties) float64
        1 / (eigenvalue + penalty).
    sample_weight : (n_samples,), optional
    x_offset : (n_features,), optional
        None without intercept, and so is y_offset.
    y_offset : (n_targets,), optional

    Returns
    -------
    errors : (n_samples, n_targets, n_penalties) float64
        Times the root of the weights.
    """
    X = X.toarray() if issparse(X) else X
    weight = np.ones(len(X)) if sample_weight is None else sample_weight.astype(np.float64)
    leverage = weight[:, None] * (((X - (0 if x_offset is None else x_offset)) @ V) ** 2 @ shrinkage)
    if x_offset is not None:
        X, Y, leverage = X - x_offset, Y - y_offset, leverage + (weight / weight.sum())[:, None]
    residuals = np.sqrt(weight)[:, None, None] * (Y[:, :, None] - np.einsum("ij,ajt->ita", X, coefs))
    return residuals / (1 - leverage)[:, None, :]
