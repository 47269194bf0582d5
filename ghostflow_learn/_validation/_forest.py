"""What forests take from scikit-learn's own. Not imported with the rest of `_validation`."""

from sklearn.utils.validation import _check_feature_names_in as check_feature_names
from sklearn.utils.validation import _num_samples as n_samples_of

__all__ = ["check_feature_names", "n_samples_of"]
