"""Linear models; a name that is not here is scikit-learn's own."""

from .. import _names
from ._linear_regression import LinearRegression
from ._logistic import LogisticRegression
from ._logistic_cv import LogisticRegressionCV
from ._ridge import Ridge, RidgeClassifier
from ._ridge_cv import RidgeClassifierCV, RidgeCV

__getattr__, __dir__ = _names.fall_through(__name__)
