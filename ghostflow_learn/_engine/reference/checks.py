"""Checks of data that read all of it."""

import numpy as np


def all_finite(X):
    """Whether no value is NaN or infinite.

    Parameters
    ----------
    X : (n_samples, n_features) float32 or float64

    Returns
    -------
    finite : bool
    """
    return bool(np.isfinite(X).all())
