"""Ensembles: forests, boosting, bagging; a name that is not here is scikit-learn's own."""

from .. import _names

__getattr__, __dir__ = _names.fall_through(__name__)
