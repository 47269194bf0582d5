"""Bagging, of any estimators."""

from .classifier import BaggingClassifier
from .regressor import BaggingRegressor

__all__ = ["BaggingClassifier", "BaggingRegressor"]
