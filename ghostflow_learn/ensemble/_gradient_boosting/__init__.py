"""Gradient boosting with exact trees."""

from .classifier import GradientBoostingClassifier
from .regressor import GradientBoostingRegressor

__all__ = ["GradientBoostingClassifier", "GradientBoostingRegressor"]
