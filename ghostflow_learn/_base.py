"""What all our estimators share: scikit-learn's BaseEstimator, and pickles that know their version."""

import warnings

import sklearn.base
from sklearn.exceptions import InconsistentVersionWarning

from ._counterpart import EstimatorType


class BaseEstimator(sklearn.base.BaseEstimator, metaclass=EstimatorType):
    """Right-most base of every estimator, as scikit-learn's own is."""

    def __getstate__(self):
        from . import __version__

        return {**super().__getstate__(), "_ghostflow_learn_version": __version__}

    def __setstate__(self, state):
        from . import __version__

        version = state.pop("_ghostflow_learn_version", "unknown")
        if version != __version__:
            warnings.warn(
                InconsistentVersionWarning(
                    estimator_name=type(self).__name__,
                    current_sklearn_version=__version__,
                    original_sklearn_version=version,
                ),
                stacklevel=2,
            )
        super().__setstate__(state)
