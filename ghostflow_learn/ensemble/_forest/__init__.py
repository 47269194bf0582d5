"""Forests: trees that are grown apart from each other, on random samples, of random splits."""

from .embedding import RandomTreesEmbedding
from .extra_trees import ExtraTreesClassifier, ExtraTreesRegressor
from .random_forest import RandomForestClassifier, RandomForestRegressor

__all__ = [
    "ExtraTreesClassifier",
    "ExtraTreesRegressor",
    "RandomForestClassifier",
    "RandomForestRegressor",
    "RandomTreesEmbedding",
]
