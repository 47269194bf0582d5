"""AdaBoost, of any estimators."""

from .classifier import AdaBoostClassifier
from .regressor import AdaBoostRegressor

__all__ = ["AdaBoostClassifier", "AdaBoostRegressor"]
