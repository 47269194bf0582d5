"""What all our estimators share: scikit-learn's BaseEstimator, and pickles that know their version."""

import functools
import warnings

import sklearn.base
from sklearn.exceptions import InconsistentVersionWarning

from ._counterpart import EstimatorType


class BaseEstimator(sklearn.base.BaseEstimator, metaclass=EstimatorType):
    """Right-most base of every estimator, as scikit-learn's own is."""

    @classmethod
    @functools.cache
    def _get_param_names(cls):
        # Python takes longer to inspect a signature than many a fit takes.
        return super()._get_param_names()

    def __getstate__(self):
        from . import __version__

        return {**super().__getstate__(), "_ghostflow_learn_version": __version__}

    def __setstate__(self, state):
        from . import __version__

        state = dict(state)
        version = state.pop("_ghostflow_learn_version", None)
        # Without our version it is scikit-learn's model, from a pickle that names a class which ours stands in for.
        theirs = state.pop("_sklearn_version", None) if version is None else None
        now, then = (sklearn.__version__, theirs) if theirs else (__version__, version or "unknown")
        if then != now:
            warning = InconsistentVersionWarning(
                estimator_name=type(self).__name__, current_sklearn_version=now, original_sklearn_version=then
            )
            warnings.warn(warning, stacklevel=2)
        super().__setstate__(state)
