"""The data of a fit, and parts of them."""

import numpy as np


class Part:
    """Validated data: X, labels or targets as they came, targets as the loss takes them, and weights; or None."""

    def __init__(self, X, y, target, weight):
        self.X, self.y, self.target, self.weight = X, y, target, weight

    def take(self, rows):
        return Part(*(None if array is None else array[rows] for array in (self.X, self.y, self.target, self.weight)))


def on_host(array):
    """As a NumPy array; None stays."""
    return None if array is None else np.asarray(array.get() if hasattr(array, "get") else array)
