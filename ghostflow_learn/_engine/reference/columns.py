"""Statistics of each feature, NaN left out, and the scaling of features by them.

X may be in C or Fortran order here: a DataFrame's values mostly are in the latter.
"""

import numpy as np

from .. import _merge


def moments(X, sample_weight=None):
    """Weight, mean and sum of squared deviations of each feature.

    Parameters
    ----------
    X : (n_samples, n_features) float32 or float64
        NaN is left out.
    sample_weight : (n_samples,) float, optional

    Returns
    -------
    weight : (n_features,) float64
        Of the values that are there: their number, or the sum of their weights.
    mean : (n_features,) float64
        0 where no value is there.
    ssd : (n_features,) float64
        Weighted sum of squared deviations from the mean.
    """
    weight, mean, ssd = group_moments(X, np.zeros(len(X), dtype=np.int64), 1, sample_weight)
    return weight[0], mean[0], ssd[0]


def group_moments(X, codes, n_groups, sample_weight=None):
    """The moments of each feature within each group of samples.

    Parameters
    ----------
    X : (n_samples, n_features) float32 or float64
        NaN is left out.
    codes : (n_samples,) int64
        The group of each sample.
    n_groups : int
    sample_weight : (n_samples,) float, optional

    Returns
    -------
    weight, mean, ssd : (n_groups, n_features) float64
        As in `moments`.
    """
    weight = ~np.isnan(X) * (1.0 if sample_weight is None else sample_weight.astype(np.float64)[:, None])
    member = (codes == np.arange(n_groups)[:, None]).astype(np.float64)
    X = np.nan_to_num(X.astype(np.float64), nan=0.0)
    total = member @ weight
    mean = member @ (weight * X) / np.where(total == 0, 1, total)
    return total, mean, member @ (weight * (X - mean[codes]) ** 2)


def merge(weight, mean, ssd):
    """The moments of all parts together, from those of each part.

    Parameters
    ----------
    weight, mean, ssd : (n_parts, ...) float64
        As `moments` or `group_moments` return them, stacked.

    Returns
    -------
    weight, mean, ssd : (...) float64

    References
    ----------
    Chan, Golub, LeVeque: Algorithms for computing the sample variance. The American Statistician 37 (1983),
    doi:10.1080/00031305.1983.10483115
    """
    return _merge.merge(weight, mean, ssd)


def min_max(X):
    """Least and largest value of each feature.

    Parameters
    ----------
    X : (n_samples, n_features) float32 or float64
        NaN is left out.

    Returns
    -------
    low, high : (n_features,), dtype of X
        NaN where no value is there.
    """
    return np.fmin.reduce(X, axis=0), np.fmax.reduce(X, axis=0)


def quantiles(X, q):
    """Quantiles of each feature, interpolated linearly between two order statistics.

    Parameters
    ----------
    X : (n_samples, n_features) float32 or float64
        NaN is left out.
    q : tuple of floats in [0, 1], ascending

    Returns
    -------
    quantiles : (len(q), n_features) float64
        NaN where no value is there.
    """
    out = np.full((len(q), X.shape[1]), np.nan)
    for j, column in enumerate(X.T):
        values = column[~np.isnan(column)].astype(np.float64)
        if len(values):
            out[:, j] = np.quantile(values, q)
    return out


def standardize(X, center, scale, low=-np.inf, high=np.inf, out=None):
    """``(X - center) / scale``, kept within [low, high].

    Parameters
    ----------
    X : (n_samples, n_features) float32 or float64
        NaN stays NaN.
    center, scale : (n_features,), dtype of X
    low, high : float
    out : array like X, optional
        Where the result goes; X itself for a change in place.

    Returns
    -------
    out : (n_samples, n_features), dtype of X
    """
    return _into(out, np.clip((X - center) / scale, low, high))


def restore(X, center, scale, low=-np.inf, high=np.inf, out=None):
    """``X * scale + center``, kept within [low, high]; parameters are those of `standardize`."""
    return _into(out, np.clip(X * scale + center, low, high))


def _into(out, result):
    if out is None:
        return result
    out[...] = result
    return out
