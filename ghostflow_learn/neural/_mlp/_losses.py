"""What a perceptron minimises: scikit-learn's losses, those of `nn.losses`, and one's own."""

import copy

from .. import _functions as F
from .._gradients import scale_gradient
from .._hints import hint
from .._losses import LOSSES, BCELoss, BCEWithLogitsLoss, Loss, get_loss

OF_CLASSES, OF_NUMBERS = ("logits", "log_proba", "proba"), ("mean", "log_mean")  # what networks predict
LINKS = {"softmax": F.softmax, "logistic": F.sigmoid, "exp": F.exp, "identity": lambda x: x}


def find_loss(loss, theirs):
    """The name where it is one of `theirs`, scikit-learn's; else a loss to call."""
    if isinstance(loss, str):
        if loss in theirs:
            return loss
        if loss not in LOSSES:
            raise ValueError(f"There is no loss {loss!r}.{hint(loss, [*theirs, *LOSSES])}")
    found = copy.copy(get_loss(loss))
    if isinstance(found, Loss):
        found.trusts_codes = True
    return found


def output_for_classes(loss, y_type):
    """The last activation for labels of the type "binary", "multiclass" or "multilabel-indicator"."""
    is_multilabel = y_type.startswith("multilabel")
    if loss == "log_loss":
        return "softmax" if y_type == "multiclass" else "logistic"
    is_binary = isinstance(loss, (BCELoss, BCEWithLogitsLoss))
    if isinstance(loss, Loss):
        if loss.output not in OF_CLASSES:
            raise ValueError(
                f"{loss!r} does not compare classes. For classes take 'log_loss', 'cross_entropy' or 'focal'."
            )
        if is_binary and y_type == "multiclass":
            raise ValueError(f"{loss!r} is for two classes, or several labels. For more classes take 'cross_entropy'.")
        if is_multilabel and not is_binary:
            raise ValueError(f"{loss!r} is for one class a sample. For several labels take 'bce_with_logits'.")
    return "logistic" if is_binary or is_multilabel else "softmax"


def output_for_numbers(loss):
    """The last activation for numbers."""
    if isinstance(loss, str):
        return {"squared_error": "identity", "poisson": "exp"}[loss]
    if isinstance(loss, Loss) and loss.output not in OF_NUMBERS:
        raise ValueError(
            f"{loss!r} does not compare numbers. For numbers take 'squared_error', 'mae', 'huber' or 'quantile'."
        )
    return "exp" if getattr(loss, "output", None) == "log_mean" else "identity"


class Objective:
    """The mean loss of a batch, and the L2 penalty on the weights of a step.

    Parameters
    ----------
    loss : str or callable
        From :func:`find_loss`.
    output : str
        The last activation; a loss sees what it is taken of.
    n_outputs : int
    alpha : float
        Factor of half the squared weights, over `step_weight`.
    linears : list of Linear

    Attributes
    ----------
    step_weight : float
        Sum of the weights of the samples of the step at hand.
    """

    def __init__(self, loss, output, n_outputs, alpha, linears):
        self.alpha, self.weights, self.step_weight = alpha, [linear.W for linear in linears], 1.0
        self.loss = _theirs(output, n_outputs) if isinstance(loss, str) else _after_link(loss)

    def __call__(self, prediction, target, sample_weight):
        loss = self.loss(prediction, target, sample_weight)
        if not self.alpha:
            return loss
        factor = self.alpha / 2 / self.step_weight
        return loss + sum((W * W).sum() for W in self.weights) * factor


def _theirs(output, n_outputs):
    """scikit-learn's loss: summed over outputs; of squared errors it is the mean, and its gradient that of the sum."""
    if output == "softmax":
        return F.softmax_cross_entropy
    if output == "identity":
        return lambda p, y, w: scale_gradient(F.squared_error(p, y, w) * 0.5, float(n_outputs))
    op = F.poisson if output == "exp" else F.binary_cross_entropy
    return lambda p, y, w: op(p, y, w) * float(n_outputs)


def _after_link(loss):
    link = {"log_proba": F.log_softmax, "proba": F.sigmoid}.get(getattr(loss, "output", None))
    return loss if link is None else lambda p, y, w: loss(link(p), y, w)
