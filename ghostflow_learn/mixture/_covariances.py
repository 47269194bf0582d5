"""Covariance matrices in their four forms: "full", "tied", "diag" and "spherical". Small arrays, on the host."""

import numpy as np
from scipy.linalg.lapack import dtrtri

ILL_DEFINED = (
    "Fitting the mixture model failed because some components have ill-defined empirical covariance (for instance "
    "caused by singleton or collapsed samples). Try to decrease the number of components, increase reg_covar, or scale "
    "the input data."
)
OVERFLOWN = (
    "array must not contain infs or NaNs: squares of the data are too large for its dtype. Scale the input data."
)
SINGLE = " The numerical accuracy can also be improved by passing float64 data instead of float32."


def shape_of(covariance_type, n_components, n_features):
    """Shape of the covariances, the precisions and their factors."""
    return {
        "full": (n_components, n_features, n_features),
        "tied": (n_features, n_features),
        "diag": (n_components, n_features),
        "spherical": (n_components,),
    }[covariance_type]


def precisions_cholesky(covariances, covariance_type, dtype):
    """Upper triangular U with U U' the inverse of a covariance matrix; 1 / its root where it is diagonal.

    Raises
    ------
    ValueError
        If a covariance matrix is not finite or not positive definite.
    """
    if not np.isfinite(covariances).all():
        raise ValueError(OVERFLOWN)
    if covariance_type in ("diag", "spherical"):
        if (covariances <= 0).any():
            raise ValueError(_ill_defined(dtype))
        return 1 / np.sqrt(covariances)
    try:
        lower = np.linalg.cholesky(covariances)
    except np.linalg.LinAlgError:
        raise ValueError(_ill_defined(dtype)) from None
    if covariance_type == "tied":
        return _inverse(lower).T
    return np.stack([_inverse(factor).T for factor in lower])


def cholesky_of_precisions(precisions, covariance_type):
    """The same factor of given precision matrices: that of the matrix read backwards, read backwards."""
    if covariance_type in ("diag", "spherical"):
        return np.sqrt(precisions)
    return np.linalg.cholesky(precisions[..., ::-1, ::-1])[..., ::-1, ::-1]


def precisions_of(factors, covariance_type):
    """The precision matrices of their factors."""
    if covariance_type in ("diag", "spherical"):
        return factors**2
    return factors @ np.swapaxes(factors, -1, -2)


def log_det(factors, covariance_type, n_features):
    """Logarithm of the determinant of each factor, (n_components,), or a number for "tied"."""
    if covariance_type == "spherical":
        return n_features * np.log(factors)
    diagonals = factors if covariance_type == "diag" else np.diagonal(factors, axis1=-2, axis2=-1)
    return np.log(diagonals).sum(axis=-1)


def _inverse(lower):
    inverse, _ = dtrtri(lower, lower=1)
    return inverse


def _ill_defined(dtype):
    return ILL_DEFINED + (SINGLE if dtype == np.float32 else "")
