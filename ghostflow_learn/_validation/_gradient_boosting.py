"""What gradient boosting takes from scikit-learn's own: the losses a fitted model keeps, the draws of subsamples.

Not imported with the rest of `_validation`: it loads all of scikit-learn's ensembles.
"""

from sklearn._loss.loss import (
    AbsoluteError,
    ExponentialLoss,
    HalfBinomialLoss,
    HalfMultinomialLoss,
    HalfSquaredError,
    HuberLoss,
    PinballLoss,
)
from sklearn.ensemble._gradient_boosting import _random_sample_mask as draw_subsample
from sklearn.ensemble._gradient_boosting import predict_stages
from sklearn.utils.stats import _weighted_percentile as weighted_percentile

__all__ = [
    "AbsoluteError",
    "ExponentialLoss",
    "HalfBinomialLoss",
    "HalfMultinomialLoss",
    "HalfSquaredError",
    "HuberLoss",
    "PinballLoss",
    "draw_subsample",
    "predict_stages",
    "weighted_percentile",
]
