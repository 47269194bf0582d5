"""Decision trees; a name that is not here is scikit-learn's own."""

from .. import _names
from ._classification import DecisionTreeClassifier, ExtraTreeClassifier
from ._regression import DecisionTreeRegressor, ExtraTreeRegressor

__getattr__, __dir__ = _names.fall_through(__name__)
