"""Clustering; a name that is not here is scikit-learn's own."""

from .. import _names
from ._kmeans import KMeans
from ._mini_batch_kmeans import MiniBatchKMeans

__getattr__, __dir__ = _names.fall_through(__name__)
