"""The data of a fit, and parts of them."""

import numpy as np


class Part:
    """Validated data: X, labels or targets as they came, targets as the loss takes them, and weights; or None."""

    def __init__(self, X, y, target, weight):
        self.X, self.y, self.target, self.weight = X, y, target, weight

    def take(self, rows):
        return Part(*(None if array is None else array[rows] for array in (self.X, self.y, self.target, self.weight)))


def given(validation):
    """Whether X_val is among X_val, y_val and sample_weight_val; the others alone are an error."""
    if validation is None:
        return False
    if validation[0] is None and any(array is not None for array in validation[1:]):
        raise ValueError("y_val and sample_weight_val belong to X_val, which is missing. Pass it too.")
    return validation[0] is not None


def on_host(array):
    """As a NumPy array; None stays."""
    return None if array is None else np.asarray(array.get() if hasattr(array, "get") else array)
