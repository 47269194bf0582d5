"""What histogram gradient boosting takes from scikit-learn's own: containers that others read, losses, checks.

Not imported with the rest of `_validation`: it loads all of scikit-learn's ensembles.
"""

from sklearn._loss.loss import (
    AbsoluteError,
    BaseLoss,
    HalfBinomialLoss,
    HalfGammaLoss,
    HalfMultinomialLoss,
    HalfPoissonLoss,
    HalfSquaredError,
    PinballLoss,
)
from sklearn.ensemble._hist_gradient_boosting.binning import _BinMapper as BinMapper
from sklearn.ensemble._hist_gradient_boosting.common import PREDICTOR_RECORD_DTYPE as NODE
from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor
from sklearn.utils._missing import is_scalar_nan
from sklearn.utils.validation import _check_categorical_features as check_categorical_features
from sklearn.utils.validation import _check_monotonic_cst as check_monotonic_cst
from sklearn.utils.validation import _check_y

from .._engine._arrays import is_cuda_array
from . import _device, _on_host

__all__ = [
    "NODE",
    "AbsoluteError",
    "BaseLoss",
    "BinMapper",
    "HalfBinomialLoss",
    "HalfGammaLoss",
    "HalfMultinomialLoss",
    "HalfPoissonLoss",
    "HalfSquaredError",
    "PinballLoss",
    "TreePredictor",
    "check_categorical_features",
    "check_monotonic_cst",
    "check_y",
    "is_scalar_nan",
]


def check_y(estimator, y, like):
    """Validated targets of one output, where `like` is."""
    if is_cuda_array(like):
        return _device.check_target(y, like, type(estimator).__name__)
    return _check_y(_on_host(y), estimator=estimator)
