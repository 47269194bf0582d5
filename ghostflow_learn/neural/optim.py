"""Optimizers and schedules of the learning rate."""

from . import _schedulers as schedules
from ._optimizers import (
    LAMB,
    LARS,
    LBFGS,
    SGD,
    Adam,
    AdamW,
    AMSGrad,
    Optimizer,
    RMSprop,
    clip_grad_norm,
    clip_grad_value,
)
