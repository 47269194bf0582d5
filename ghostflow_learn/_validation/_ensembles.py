"""What ensembles of any estimators take from scikit-learn's own: metadata routing, the size of a bootstrap sample.

Not imported with the rest of `_validation`: it loads all of scikit-learn's ensembles.
"""

from sklearn.ensemble._bootstrap import _get_n_samples_bootstrap as n_samples_bootstrap
from sklearn.utils.metadata_routing import _manual_routing as without_routing
from sklearn.utils.metadata_routing import _raise_for_unsupported_routing as raise_for_unsupported_routing
from sklearn.utils.metadata_routing import _RoutingNotSupportedMixin as RoutingNotSupportedMixin
from sklearn.utils.validation import _estimator_has as estimator_has

__all__ = [
    "RoutingNotSupportedMixin",
    "estimator_has",
    "n_samples_bootstrap",
    "raise_for_unsupported_routing",
    "without_routing",
]
