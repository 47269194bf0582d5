"""The number of principal components: what may be asked for, and what the data have evidence for."""

import numpy as np
from scipy.special import gammaln

NEGLIGIBLE = 1e-15  # a smaller eigenvalue adds no dimension


def check_n_components(n_components, solver, n_samples, n_features):
    """Raise where `n_components` is not for `solver` or not for data of this shape."""
    most = min(n_samples, n_features)
    exact = solver in ("full", "covariance_eigh")
    if n_components == "mle":
        if not exact:
            raise ValueError(f"n_components='mle' cannot be a string with svd_solver='{solver}'")
        if n_samples < n_features:
            raise ValueError("n_components='mle' is only supported if n_samples >= n_features")
        return
    least = 0 if exact else 1
    if not least <= n_components <= most:
        raise ValueError(
            f"n_components={n_components} must be between {least} and min(n_samples, n_features)={most} "
            f"with svd_solver={solver!r}"
        )
    if solver == "arpack" and n_components == most:
        raise ValueError(
            f"n_components={n_components} must be strictly less than min(n_samples, n_features)={most} "
            f"with svd_solver={solver!r}"
        )


def infer_dimension(spectrum, n_samples):
    """Minka's estimate of the dimension of Gaussian data plus isotropic noise.

    Parameters
    ----------
    spectrum : (n_features,)
        Eigenvalues of the covariance, descending.
    n_samples : int

    Returns
    -------
    n_components : int in [1, n_features - 1]

    References
    ----------
    Minka: Automatic choice of dimensionality for PCA, NIPS 2000, equation 31.
    """
    spectrum = np.asarray(spectrum, dtype=np.float64)
    evidence = [_log_evidence(spectrum, rank, n_samples) for rank in range(1, len(spectrum))]
    return 1 + int(np.argmax(evidence)) if evidence else 0


def _log_evidence(spectrum, rank, n_samples):
    if spectrum[rank - 1] < NEGLIGIBLE:
        return -np.inf
    n_features = len(spectrum)
    halves = (n_features - np.arange(rank)) / 2
    log_prior = -rank * np.log(2) + (gammaln(halves) - np.log(np.pi) * halves).sum()
    noise = max(NEGLIGIBLE, spectrum[rank:].mean())
    log_likelihood = -n_samples / 2 * (np.log(spectrum[:rank]).sum() + np.log(noise) * (n_features - rank))
    n_angles = n_features * rank - rank * (rank + 1) / 2
    log_volume = np.log(2 * np.pi) * (n_angles + rank) / 2 - rank * np.log(n_samples) / 2
    return log_prior + log_likelihood + log_volume - _log_curvature(spectrum, rank, noise, n_samples) / 2


def _log_curvature(spectrum, rank, noise, n_samples):
    """Log-determinant of the Hessian in the angles of the kept axes; equal eigenvalues have none between them."""
    smoothed = np.where(np.arange(len(spectrum)) < rank, spectrum, noise)
    gaps = spectrum[:rank, None] - spectrum[None, :]
    curvature = gaps * (1 / smoothed[None, :] - 1 / smoothed[:rank, None])
    after = np.arange(len(spectrum))[None, :] > np.arange(rank)[:, None]
    counted = curvature[after & (curvature > 0)]
    return (np.log(counted) + np.log(n_samples)).sum()
