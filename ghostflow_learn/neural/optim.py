"""Optimizers and schedules of the learning rate."""

from . import _schedulers as schedules
