"""Matrix decomposition; a name that is not here is scikit-learn's own."""

from .. import _names
from ._pca import PCA
from ._truncated_svd import TruncatedSVD

__getattr__, __dir__ = _names.fall_through(__name__)
