"""The steps of expectation-maximisation for mixtures of Gaussians.

Component k has the density N(x; mean_k, (U_k U_k')^-1), U_k the upper triangular factor of its precision matrix.
`covariance_type` says what `precisions_cholesky` holds: "full" (n_components, n_features, n_features); "tied"
(n_features, n_features), one for all; "diag" (n_components, n_features); "spherical" (n_components,).
"""

import numpy as np

from ._limits import refuse_large


def posterior(X, means, precisions_cholesky, constant, covariance_type):
    """Log density of each sample, and what each component has in it.

    Parameters
    ----------
    X : (n_samples, n_features) float32 or float64
    means : (n_components, n_features), dtype of X
    precisions_cholesky : array, dtype of X
    constant : (n_components,), dtype of X
        What is added to minus half of the squared Mahalanobis distance: log weight and normalisation.
    covariance_type : {"full", "tied", "diag", "spherical"}

    Returns
    -------
    log_norm : (n_samples,), dtype of X
        log sum_k exp(constant_k - d_ik^2 / 2).
    log_resp : (n_samples, n_components), dtype of X
        Logarithms of the responsibilities, constant_k - d_ik^2 / 2 - log_norm_i.
    """
    refuse_large(len(X), len(means), itemsize=X.itemsize)
    log_prob = np.empty((len(X), len(means)))
    for k in range(len(means)):
        diff = X.astype(np.float64) - means[k]
        factor = precisions_cholesky if covariance_type == "tied" else precisions_cholesky[k]
        scaled = diff @ factor if covariance_type in ("full", "tied") else diff * factor
        log_prob[:, k] = constant[k] - 0.5 * (scaled**2).sum(axis=1)
    log_norm = np.logaddexp.reduce(log_prob, axis=1)
    return log_norm.astype(X.dtype), (log_prob - log_norm[:, None]).astype(X.dtype)


def moments(X, resp, about, covariance_type):
    """Weighted sums of samples about a center for each component.

    Parameters
    ----------
    X : (n_samples, n_features) float32 or float64
    resp : (n_samples, n_components), dtype of X
        Responsibilities.
    about : (n_components, n_features), dtype of X
        What is subtracted from samples: near the means, products keep their digits.
    covariance_type : {"full", "tied", "diag", "spherical"}

    Returns
    -------
    weight : (n_components,) float64
        sum_i r_ik
    sums : (n_components, n_features) float64
        sum_i r_ik (x_i - about_k)
    products : float64, or None for "tied", whose covariance needs none
        sum_i r_ik (x_i - about_k) (x_i - about_k)', (n_components, n_features, n_features) for "full", else its
        diagonal, (n_components, n_features).
    """
    resp, sums, products = resp.astype(np.float64), [], []
    for k in range(len(about)):
        diff = X.astype(np.float64) - about[k]
        sums.append(resp[:, k] @ diff)
        products.append((resp[:, k] * diff.T) @ diff if covariance_type == "full" else resp[:, k] @ diff**2)
    return resp.sum(axis=0), np.array(sums), None if covariance_type == "tied" else np.array(products)


def step(X, means, precisions_cholesky, constant, about, covariance_type):
    """`posterior` and `moments` in one pass over X.

    Parameters
    ----------
    X : (n_samples, n_features) float32 or float64
    means, precisions_cholesky, constant : see `posterior`
    about : (n_components, n_features), dtype of X
    covariance_type : {"full", "tied", "diag", "spherical"}

    Returns
    -------
    totals : (2,) float64
        sum_i log_norm_i, and sum_ik r_ik log r_ik.
    weight, sums, products : see `moments`
    """
    log_norm, log_resp = posterior(X.astype(np.float64), means, precisions_cholesky, constant, covariance_type)
    resp = np.exp(log_resp)
    surprise = np.where(resp > 0, resp * np.maximum(log_resp, -1e4), 0)
    totals = np.array([log_norm.sum(), surprise.sum()])
    return totals, *moments(X, resp, about, covariance_type)
