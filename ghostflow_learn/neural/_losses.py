"""Losses: callables `loss(prediction, target, sample_weight=None)` that return one number to differentiate.

All are weighted means over the samples, ``sum(w l) / sum(w)``. `prediction` is a Tensor; target and weights are arrays.
"""

from difflib import get_close_matches

import numpy as np

from . import _functions as F
from ._tensor import Tensor

__all__ = [
    "BCELoss",
    "BCEWithLogitsLoss",
    "CosineLoss",
    "CrossEntropyLoss",
    "FocalLoss",
    "HuberLoss",
    "MAELoss",
    "MSELoss",
    "NLLLoss",
    "PoissonLoss",
    "QuantileLoss",
    "TripletLoss",
    "get_loss",
]


class Loss:
    """What losses share. `output` says what a network trained on it predicts."""

    output = "mean"
    trusts_codes = False  # True where class codes have been checked already: looking at them makes a GPU wait

    def __call__(self, prediction, target, sample_weight=None):
        raise NotImplementedError

    def __repr__(self):
        params = {name: value for name, value in vars(self).items() if name != "trusts_codes"}
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in params.items())})"


class MSELoss(Loss):
    """Mean of ``(prediction - target)^2``; predicts means."""

    def __call__(self, prediction, target, sample_weight=None):
        return F.squared_error(*_alike(self, prediction, target), _weight(sample_weight, prediction))


class MAELoss(Loss):
    """Mean of ``|prediction - target|``; predicts medians."""

    def __call__(self, prediction, target, sample_weight=None):
        return F.absolute_error(*_alike(self, prediction, target), _weight(sample_weight, prediction))


class HuberLoss(Loss):
    """Half the squared error up to an absolute error of `delta`, linear beyond: outliers count less.

    Parameters
    ----------
    delta : float > 0, default=1.0
    """

    def __init__(self, delta=1.0):
        if not delta > 0:
            raise ValueError(f"delta must be positive. Got {delta!r} instead.")
        self.delta = delta

    def __call__(self, prediction, target, sample_weight=None):
        weight = _weight(sample_weight, prediction)
        return F.huber(*_alike(self, prediction, target), weight, delta=self.delta)


class QuantileLoss(Loss):
    """The pinball loss; predicts quantiles, one output for each level.

    Parameters
    ----------
    levels : float or tuple of floats in (0, 1), default=0.5
    """

    def __init__(self, levels=0.5):
        self.levels = (levels,) if isinstance(levels, float) else tuple(levels)
        if not all(0 < level < 1 for level in self.levels):
            raise ValueError(f"levels must lie between 0 and 1. Got {levels!r} instead.")

    def __call__(self, prediction, target, sample_weight=None):
        target = _on(prediction, target)
        n_samples, n_levels = prediction.shape[0], len(self.levels)
        if prediction.size != n_samples * n_levels or target.size != n_samples:
            raise ValueError(
                f"QuantileLoss of {n_levels} levels needs a prediction of shape ({n_samples}, {n_levels}) and a target "
                f"of shape ({n_samples},). Got {prediction.shape} and {target.shape}."
            )
        prediction, target = prediction.reshape(n_samples, n_levels), target.reshape(n_samples)
        return F.quantile(prediction, target, _weight(sample_weight, prediction), levels=self.levels)


class PoissonLoss(Loss):
    """Half the Poisson deviance, for counts; the network predicts the logarithm of the mean."""

    output = "log_mean"

    def __call__(self, prediction, target, sample_weight=None):
        prediction, target = _alike(self, prediction, target)
        if isinstance(target, np.ndarray) and target.size and target.min() < 0:  # a GPU would have to be waited for
            raise ValueError(f"{type(self).__name__} is of counts, 0 or more. Got {target.min():g} among the targets.")
        return F.poisson(prediction, target, _weight(sample_weight, prediction))


class CrossEntropyLoss(Loss):
    """Minus the log probability of the target; the network predicts logits, one for each class.

    Parameters
    ----------
    smoothing : float in [0, 1), default=0.0
        Part of the target that is spread evenly over all classes.
    class_weight : array of shape (n_classes,), default=None
        Multiplies the weight of the samples of each class.
    """

    output = "logits"

    def __init__(self, smoothing=0.0, class_weight=None):
        if not 0 <= smoothing < 1:
            raise ValueError(f"smoothing must lie in [0, 1). Got {smoothing!r} instead.")
        self.smoothing, self.class_weight = smoothing, class_weight

    def __call__(self, prediction, target, sample_weight=None):
        if getattr(target, "ndim", 1) == 2:
            target = _alike(self, prediction, target)[1]
            if self.class_weight is not None:
                raise ValueError("class_weight needs class codes as the target. Got probabilities; pass sample_weight.")
        else:
            target = _codes(self, prediction, target)
        weight = _class_weight(self.class_weight, target, sample_weight, prediction)
        return F.softmax_cross_entropy(prediction, target, weight, smoothing=self.smoothing)


class FocalLoss(Loss):
    """Cross-entropy times ``(1 - p)^gamma``: samples that are classified well already count less.

    Parameters
    ----------
    gamma : float >= 0, default=2.0
    class_weight : array of shape (n_classes,), default=None

    References
    ----------
    Lin et al.: Focal loss for dense object detection. ICCV 2017, doi:10.1109/ICCV.2017.324
    """

    output = "logits"

    def __init__(self, gamma=2.0, class_weight=None):
        if not gamma >= 0:
            raise ValueError(f"gamma must not be negative. Got {gamma!r} instead.")
        self.gamma, self.class_weight = gamma, class_weight

    def __call__(self, prediction, target, sample_weight=None):
        target = _codes(self, prediction, target)
        weight = _class_weight(self.class_weight, target, sample_weight, prediction)
        return F.focal(prediction, target, weight, gamma=self.gamma)


class NLLLoss(Loss):
    """Minus the log probability of the target; the network ends in `LogSoftmax`.

    Parameters
    ----------
    class_weight : array of shape (n_classes,), default=None
    """

    output = "log_proba"

    def __init__(self, class_weight=None):
        self.class_weight = class_weight

    def __call__(self, prediction, target, sample_weight=None):
        target = _codes(self, prediction, target)
        return F.nll(prediction, target, _class_weight(self.class_weight, target, sample_weight, prediction))


class BCEWithLogitsLoss(Loss):
    """Minus the log probability of outcomes that are independent of each other; the network predicts logits."""

    output = "logits"

    def __call__(self, prediction, target, sample_weight=None):
        return F.binary_cross_entropy(*_alike(self, prediction, target), _weight(sample_weight, prediction))


class BCELoss(Loss):
    """As `BCEWithLogitsLoss`, of probabilities: less exact, for networks that end in `Sigmoid`.

    Logarithms are not taken of less than 1e-12 (1e-7 in float32).
    """

    output = "proba"

    def __call__(self, prediction, target, sample_weight=None):
        prediction, target = _alike(self, prediction, target)
        tiny = 1e-7 if prediction.dtype.itemsize < 8 else 1e-12
        p = F.clip(prediction, tiny, 1 - tiny)
        return _mean(-(target * F.log(p) + (1.0 - target) * F.log(1.0 - p)), sample_weight)


class CosineLoss(Loss):
    """One minus the cosine of the angle between prediction and target, row by row."""

    def __call__(self, prediction, target, sample_weight=None):
        prediction, target = _alike(self, prediction, target)
        dot = (prediction * target).sum(axis=1)
        norms = (prediction * prediction).sum(axis=1) * (target * target).sum(axis=1)
        return _mean(1.0 - dot / F.sqrt(F.maximum(norms, 1e-16)), sample_weight)


class TripletLoss(Loss):
    """``max(0, |anchor - positive| - |anchor - negative| + margin)``: alike samples close, others far.

    Parameters
    ----------
    margin : float, default=1.0
    """

    output = "embedding"

    def __init__(self, margin=1.0):
        self.margin = margin

    def __call__(self, anchor, positive, negative, sample_weight=None):
        losses = _distance(anchor, positive) - _distance(anchor, negative) + self.margin
        return _mean(F.maximum(losses, 0.0), sample_weight)


def find_loss(criterion):
    """The class of that name; anything else is returned as it is."""
    if not isinstance(criterion, str):
        return criterion
    if criterion not in LOSSES:
        close = get_close_matches(criterion, LOSSES, 1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise ValueError(f"criterion must be a loss or one of {sorted(LOSSES)}. Got {criterion!r} instead.{hint}")
    return LOSSES[criterion]


def get_loss(criterion, **params):
    """A loss from its name, its class or itself; a function ``(prediction, target, sample_weight)`` is one, too."""
    criterion = find_loss(criterion)
    if isinstance(criterion, type):
        return criterion(**params)
    if not callable(criterion):
        raise TypeError(f"criterion must be a name, a class or a callable. Got {criterion!r} instead.")
    if params:
        raise ValueError(f"Parameters {sorted(params)} need a class of losses as criterion. Got {criterion!r} instead.")
    return criterion


LOSSES = {
    "mse": MSELoss,
    "mae": MAELoss,
    "huber": HuberLoss,
    "quantile": QuantileLoss,
    "poisson": PoissonLoss,
    "cross_entropy": CrossEntropyLoss,
    "focal": FocalLoss,
    "nll": NLLLoss,
    "bce": BCELoss,
    "bce_with_logits": BCEWithLogitsLoss,
    "cosine": CosineLoss,
}


def _on(prediction, array):
    """The array where the prediction is, in its dtype."""
    data = array.data if isinstance(array, Tensor) else array
    return prediction.engine.asarray(data).astype(prediction.dtype, copy=False)


def _weight(sample_weight, prediction):
    return None if sample_weight is None else _on(prediction, sample_weight)


def _alike(loss, prediction, target):
    target = _on(prediction, target)
    if target.shape != prediction.shape:
        raise ValueError(
            f"{type(loss).__name__} needs a prediction and a target of one shape. The prediction has "
            f"{prediction.shape}, the target {target.shape}. Change the number of outputs of the module, or reshape "
            "one of them."
        )
    return prediction, target


def _codes(loss, prediction, target):
    xp = prediction.engine.xp
    target = prediction.engine.asarray(target.data if isinstance(target, Tensor) else target)
    if prediction.ndim != 2 or target.shape != prediction.shape[:1] or target.dtype.kind not in "iu":
        raise ValueError(
            f"{type(loss).__name__} needs a prediction of shape (n_samples, n_classes) and integer class codes of "
            f"shape (n_samples,). Got {prediction.shape}, and {target.shape} of dtype {target.dtype}."
        )
    n_classes, codes = prediction.shape[1], target.astype(xp.int64, copy=False)
    # Read as unsigned, a negative code is larger than any class: one look is enough.
    if not loss.trusts_codes and codes.size and int(codes.view(xp.uint64).max()) >= n_classes:
        raise ValueError(
            f"The module predicts {n_classes} classes, so class codes must lie in 0 to {n_classes - 1}. "
            f"Got {int(xp.min(target))} to {int(xp.max(target))}."
        )
    return codes


def _class_weight(class_weight, codes, sample_weight, prediction):
    weight = _weight(sample_weight, prediction)
    if class_weight is None:
        return weight
    by_class = _on(prediction, class_weight)[codes]
    return by_class if weight is None else weight * by_class


def _mean(losses, sample_weight):
    """The weighted mean over samples of the mean over what a sample predicts."""
    if sample_weight is None:
        return losses.mean()
    if losses.ndim > 1:
        losses = losses.reshape(losses.shape[0], -1).mean(axis=1)
    weight = _on(losses, sample_weight)
    return (losses * (weight / weight.sum())).sum()


def _distance(a, b):
    diff = a - b + 1e-6  # so that the root has a derivative at 0
    return F.sqrt((diff * diff).sum(axis=1))
