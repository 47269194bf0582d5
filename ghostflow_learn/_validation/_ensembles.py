"""What ensembles of any estimators take from scikit-learn's own: metadata routing.

Not imported with the rest of `_validation`: only these ensembles need it.
"""

from sklearn.utils.metadata_routing import _raise_for_unsupported_routing as raise_for_unsupported_routing
from sklearn.utils.metadata_routing import _RoutingNotSupportedMixin as RoutingNotSupportedMixin

__all__ = ["RoutingNotSupportedMixin", "raise_for_unsupported_routing"]
