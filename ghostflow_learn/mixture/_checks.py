"""What users may pass in as parameters of Gaussians; the sentences are scikit-learn's."""

import numpy as np

from .._validation import check_array


def check_weights(weights, n_components):
    """Weights of components as a float64 array that adds up to 1."""
    weights = _checked(weights, "weights", (n_components,))
    if (weights < 0).any() or (weights > 1).any():
        raise ValueError(
            "The parameter 'weights' should be in the range [0, 1], but got max value "
            f"{weights.min():.5f}, min value {weights.max():.5f}"
        )
    atol = 1e-6 if weights.dtype == np.float32 else 1e-8
    total = weights.sum()
    if not abs(1 - float(total)) <= atol:
        raise ValueError(f"The parameter 'weights' should be normalized, but got sum(weights) = {total:.5f}")
    return weights.astype(np.float64)


def check_means(means, shape):
    """Means as a float64 array of `shape`."""
    return _checked(means, "means", shape).astype(np.float64)


def check_matrices(matrices, name, covariance_type, shape):
    """Precision or covariance matrices, in the form of `covariance_type`, as a positive definite float64 array."""
    matrices = _checked(matrices, f"{covariance_type} {name}", shape)
    if covariance_type in ("diag", "spherical"):
        if (matrices <= 0).any():
            raise ValueError(f"'{covariance_type} precision' should be positive")
        return matrices.astype(np.float64)
    for matrix in matrices.reshape(-1, *shape[-2:]):
        if not (np.isclose(matrix, matrix.T).all() and (np.linalg.eigvalsh(matrix) > 0).all()):
            raise ValueError(f"'{covariance_type} precision' should be symmetric, positive-definite")
    return matrices.astype(np.float64)


def _checked(array, name, shape):
    array = check_array(array, ensure_2d=False, allow_nd=True)
    array = array.get() if hasattr(array, "get") else array
    if array.shape != shape:
        raise ValueError(f"The parameter '{name}' should have the shape of {shape}, but got {array.shape}")
    return array
