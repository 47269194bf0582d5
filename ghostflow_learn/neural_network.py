"""scikit-learn's neural networks; a name that is not here is scikit-learn's own. More of ours is in `neural`."""

from . import _names
from .neural._mlp import MLPClassifier, MLPRegressor  # noqa: F401  re-exports
from .neural._rbm import BernoulliRBM  # noqa: F401  re-exports

__getattr__, __dir__ = _names.fall_through(__name__)
