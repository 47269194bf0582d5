"""Nearest neighbours; a name that is not here is scikit-learn's own."""

from .. import _names
from ._classification import KNeighborsClassifier
from ._local_outlier_factor import LocalOutlierFactor
from ._nearest_centroid import NearestCentroid
from ._nearest_neighbors import NearestNeighbors
from ._regression import KNeighborsRegressor
from ._transformer import KNeighborsTransformer

__getattr__, __dir__ = _names.fall_through(__name__)
