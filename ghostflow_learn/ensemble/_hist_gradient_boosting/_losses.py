"""Which loss a fit minimises: scikit-learn's objects, one for several quantiles, and losses that users write."""

from functools import partial

import numpy as np

from ghostflow_learn._engine._boosting import Loss
from ghostflow_learn._validation._boosting import (
    AbsoluteError,
    BaseLoss,
    HalfBinomialLoss,
    HalfGammaLoss,
    HalfMultinomialLoss,
    HalfPoissonLoss,
    HalfSquaredError,
    PinballLoss,
)

# What the engines have gradients of, by the name they have there.
NAMES = {
    HalfSquaredError: "squared_error",
    AbsoluteError: "absolute_error",
    PinballLoss: "quantile",
    HalfPoissonLoss: "poisson",
    HalfGammaLoss: "gamma",
    HalfBinomialLoss: "binomial",
    HalfMultinomialLoss: "multinomial",
}
REGRESSION = {NAMES[cls]: cls for cls in (HalfSquaredError, AbsoluteError, HalfPoissonLoss, HalfGammaLoss)}


def regression_loss(loss, quantile, sample_weight):
    """The object for a name, or for an object itself."""
    if not isinstance(loss, str):
        return loss if isinstance(loss, BaseLoss) else UserLoss(loss)
    if loss != "quantile":
        return REGRESSION[loss](sample_weight=sample_weight)
    if np.ndim(quantile) == 0:
        return PinballLoss(sample_weight=sample_weight, quantile=quantile)
    return PinballLosses([PinballLoss(sample_weight=sample_weight, quantile=q) for q in quantile])


def classification_loss(loss, n_trees, sample_weight):
    """The object for "log_loss" of two classes (one tree an iteration) or more, or for an object itself."""
    if not isinstance(loss, str):
        return loss if isinstance(loss, BaseLoss) else UserLoss(loss, n_trees, is_classifier=True)
    if n_trees == 1:
        return HalfBinomialLoss(sample_weight=sample_weight)
    return HalfMultinomialLoss(sample_weight=sample_weight, n_classes=n_trees)


class Identity:
    """The link of losses on the scale of y."""

    @staticmethod
    def inverse(raw_prediction):
        return raw_prediction


class PinballLosses:
    """One pinball loss for each column of raw predictions: several quantiles in one model."""

    link = Identity()
    differentiable = False

    def __init__(self, losses):
        self.losses = losses

    def fit_intercept_only(self, y_true, sample_weight=None):
        return np.array([loss.fit_intercept_only(y_true, sample_weight) for loss in self.losses])

    def __call__(self, y_true, raw_prediction, sample_weight=None, n_threads=1):
        columns = np.ascontiguousarray(raw_prediction.T)
        return np.mean(
            [loss(y_true, raw, sample_weight, n_threads=n_threads) for loss, raw in zip(self.losses, columns)]
        )


class UserLoss:
    """A loss object of a user, with what it leaves out filled in.

    Parameters
    ----------
    loss : object
        With ``gradient_hessian(y_true, raw_prediction, sample_weight)``; see the estimators' `loss`.
    n_outputs : int
        Columns of the raw predictions.
    is_classifier : bool
        Whether raw predictions stand for probabilities: log odds, unless `loss` has a ``predict_proba``.
    """

    differentiable = True

    def __init__(self, loss, n_outputs=1, is_classifier=False):
        self.loss = loss
        self.n_outputs = n_outputs
        self.link = getattr(loss, "link", Identity())
        if is_classifier:
            self.predict_proba = getattr(loss, "predict_proba", partial(probabilities, np))

    def gradient_hessian(self, y_true, raw_prediction, sample_weight=None):
        if self.n_outputs == 1:
            raw_prediction = raw_prediction.reshape(-1)
        return self.loss.gradient_hessian(y_true=y_true, raw_prediction=raw_prediction, sample_weight=sample_weight)

    def fit_intercept_only(self, y_true, sample_weight=None):
        if hasattr(self.loss, "fit_intercept_only"):
            return np.asarray(self.loss.fit_intercept_only(y_true=y_true, sample_weight=sample_weight), dtype=float)
        return np.zeros(self.n_outputs)

    def __call__(self, y_true, raw_prediction, sample_weight=None, n_threads=1):
        if not callable(self.loss):
            raise TypeError(
                f"Early stopping by the loss needs a loss that can be called: give {type(self.loss).__name__} a "
                "__call__(y_true, raw_prediction, sample_weight), set scoring, or set early_stopping=False."
            )
        if self.n_outputs == 1:
            raw_prediction = raw_prediction.reshape(-1)
        return self.loss(y_true=y_true, raw_prediction=raw_prediction, sample_weight=sample_weight)


def probabilities(xp, raw_prediction):
    """Of log odds: the second class's for one column, one column per class otherwise."""
    if raw_prediction.ndim == 1 or raw_prediction.shape[1] == 1:
        positive = 1 / (1 + xp.exp(-raw_prediction.reshape(-1)))
        return xp.stack([1 - positive, positive], axis=1)
    proba = xp.exp(raw_prediction - raw_prediction.max(axis=1, keepdims=True))
    return proba / proba.sum(axis=1, keepdims=True)


def best_constant(engine, loss, y, sample_weight):
    """The raw predictions, one for each output, that a model without trees makes; of y where it lives if it can be.

    The loss of most depends on y through its mean, or the weight of each class, alone.
    """
    names = [formula.name for formula in formulas(loss) or ()]
    if engine.xp is np or names not in (["squared_error"], ["poisson"], ["gamma"], ["binomial"], ["multinomial"]):
        y, weight = engine.to_numpy(y), None if sample_weight is None else engine.to_numpy(sample_weight)
    elif names == ["multinomial"]:
        weight = engine.to_numpy(engine.xp.bincount(y.astype(np.int64), sample_weight, minlength=loss.n_classes))
        y, weight = np.arange(loss.n_classes, dtype=np.float64), weight.astype(np.float64)
    else:
        y, weight = np.array([float(engine.xp.average(y, weights=sample_weight))]), None
    return np.asarray(loss.fit_intercept_only(y_true=y, sample_weight=weight), dtype=np.float64)


def formulas(loss):
    """The engine's description of a loss, one for each output where they differ; None where it does not know it."""
    losses = loss.losses if isinstance(loss, PinballLosses) else [loss]
    if type(losses[0]) not in NAMES:
        return None
    return [Loss(NAMES[type(one)], getattr(one.closs, "quantile", 0.5)) for one in losses]


def quantiles_of(loss):
    """Which quantile of the residuals is the best value of a leaf, for each output; None if that is no quantile."""
    losses = loss.losses if isinstance(loss, PinballLosses) else [loss]
    if type(losses[0]) not in (AbsoluteError, PinballLoss):
        return None
    return [getattr(one.closs, "quantile", 0.5) for one in losses]
