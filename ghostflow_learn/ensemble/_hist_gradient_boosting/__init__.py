"""Gradient boosting on binned features."""

from ._classifier import HistGradientBoostingClassifier
from ._regressor import HistGradientBoostingRegressor

__all__ = ["HistGradientBoostingClassifier", "HistGradientBoostingRegressor"]
