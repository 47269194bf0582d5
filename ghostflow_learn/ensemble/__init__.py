"""Ensembles: forests, boosting, bagging; a name that is not here is scikit-learn's own."""

from .. import _names
from ._ada_boost import AdaBoostClassifier, AdaBoostRegressor
from ._bagging import BaggingClassifier, BaggingRegressor
from ._forest import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    RandomTreesEmbedding,
)
from ._gradient_boosting import GradientBoostingClassifier, GradientBoostingRegressor
from ._hist_gradient_boosting import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from ._isolation_forest import IsolationForest

__getattr__, __dir__ = _names.fall_through(__name__)
