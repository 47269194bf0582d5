"""First and second moments of tall matrices, summed in float64 whatever the dtype of the data."""

import numpy as np


def mean(X, sample_weight=None):
    """Weighted mean of each feature.

    Parameters
    ----------
    X : (n_samples, n_features) float32 or float64
    sample_weight : (n_samples,), optional

    Returns
    -------
    mean : (n_features,) float64
    """
    return np.average(X.astype(np.float64), axis=0, weights=sample_weight)


def gram(X, Y=None, sample_weight=None, x_offset=None, y_offset=None):
    """Weighted sums of products, of X with itself and with Y, about given points.

    Parameters
    ----------
    X : (n_samples, n_features) float32 or float64
    Y : (n_samples, n_targets), optional
    sample_weight : (n_samples,), optional
        Not negative.
    x_offset : (n_features,), optional
        Subtracted from each row of X.
    y_offset : (n_targets,), optional
        Subtracted from each row of Y.

    Returns
    -------
    xx : (n_features, n_features) float64
    xy : (n_features, n_targets) float64, or None without Y
    """
    X = X.astype(np.float64) - (0 if x_offset is None else x_offset)
    weighted = X if sample_weight is None else X * sample_weight[:, None]
    if Y is None:
        return X.T @ weighted, None
    return X.T @ weighted, weighted.T @ (Y.astype(np.float64) - (0 if y_offset is None else y_offset))


def scatter(X, Y=None, sample_weight=None):
    """Weighted means, and weighted sums of products about them, in one pass over X.

    Parameters
    ----------
    X : (n_samples, n_features) float32 or float64
    Y : (n_samples, n_targets), optional
    sample_weight : (n_samples,), optional
        Not negative, not all zero.

    Returns
    -------
    x_mean : (n_features,) float64
    y_mean : (n_targets,) float64, or None without Y
    xx : (n_features, n_features) float64
    xy : (n_features, n_targets) float64, or None without Y
    """
    x_mean, y_mean = mean(X, sample_weight), None if Y is None else mean(Y, sample_weight)
    return x_mean, y_mean, *gram(X, Y, sample_weight, x_mean, y_mean)


def root(X, Y, sample_weight=None, x_offset=None, y_offset=None):
    """R and Z with R' R and R' Z the two results of `gram`, found without squaring X: least squares on R and Z, as on X
    and Y, keep all digits.

    Parameters
    ----------
    X, Y, sample_weight, x_offset, y_offset
        See `gram`.

    Returns
    -------
    R : (min(n_samples, n_features), n_features) float64
    Z : (min(n_samples, n_features), n_targets) float64
    """
    weight = 1 if sample_weight is None else np.sqrt(sample_weight, dtype=np.float64)[:, None]
    X = weight * (X.astype(np.float64) - (0 if x_offset is None else x_offset))
    Y = weight * (Y.astype(np.float64) - (0 if y_offset is None else y_offset))
    if len(X) <= X.shape[1]:
        return X, Y
    Q, R = np.linalg.qr(X)
    return R, Q.T @ Y
