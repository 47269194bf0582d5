"""Not imported with the rest of `_validation`: it loads all of scikit-learn's linear models, metrics and searches."""

from sklearn.linear_model._base import SparseCoefMixin

__all__ = ["SparseCoefMixin"]
