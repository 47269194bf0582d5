"""Epochs of Adam or stochastic gradient descent, and when they end."""

import warnings
from collections import namedtuple

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from .._training import DivergedError

Settings = namedtuple("Settings", "batch_size max_iter shuffle tol verbose early_stopping n_iter_no_change one_epoch")


class Progress:
    """What an estimator remembers of its epochs, over several fits with `warm_start`.

    `stale` counts epochs without an improvement. `best` is a copy of the parameters with the best validation score.
    """

    def __init__(self, early_stopping, has_losses=False):
        self.t = self.stale = self.n_iter = 0
        self.loss_curve, self.loss, self.best = [], None, None
        self.validation_scores = [] if early_stopping else None
        self.best_validation_score = -np.inf if early_stopping else None
        self.best_loss = None if early_stopping else np.inf
        self.validation_losses = [] if has_losses else None

    def note_loss(self, loss, tol):
        self.stale = self.stale + 1 if loss > self.best_loss - tol else 0
        self.best_loss = min(self.best_loss, loss)

    def note_score(self, score, tol, snapshot):
        self.validation_scores.append(score)
        self.stale = self.stale + 1 if score < self.best_validation_score + tol else 0
        if score > self.best_validation_score:
            self.best_validation_score, self.best = score, snapshot()


def run_epochs(trainer, progress, settings, rng, check):
    """Train until the settings, or the trainer, say stop.

    Parameters
    ----------
    trainer : FusedTrainer or ModuleTrainer
    progress : Progress
    settings : Settings
    rng : RandomState
        Draws the order of the samples, as scikit-learn does.
    check : callable
        Gives score and loss on validation data; None where they are not asked for.
    """
    order = np.arange(trainer.n_samples)
    progress.n_iter = 0
    try:
        while progress.n_iter < settings.max_iter:
            if settings.shuffle:
                rng.shuffle(order)
            loss = trainer.train(order)
            _note_epoch(progress, loss, trainer.n_samples, settings)
            diverged = trainer.has_diverged(loss)
            _note_quality(progress, loss, trainer, settings, check)
            if diverged:
                _stop_diverged(progress, trainer.rate, settings)
                break
            asked = trainer.end_epoch(progress)
            if _is_done(progress, trainer, settings) or asked or settings.one_epoch:
                break
            if progress.n_iter == settings.max_iter:
                warnings.warn(
                    f"Stochastic Optimizer: Maximum iterations ({settings.max_iter}) reached and the optimization "
                    "hasn't converged yet.",
                    ConvergenceWarning,
                )
    except KeyboardInterrupt:
        warnings.warn("Training interrupted by user.")


def _note_epoch(progress, loss, n_samples, settings):
    progress.n_iter += 1
    progress.t += n_samples
    progress.loss = loss
    progress.loss_curve.append(loss)
    if settings.verbose:
        print(f"Iteration {progress.n_iter}, loss = {loss:.8f}")


def _note_quality(progress, loss, trainer, settings, check):
    score, validation_loss = check()
    if progress.validation_losses is not None:
        progress.validation_losses.append(validation_loss)
    if not settings.early_stopping:
        progress.note_loss(loss, settings.tol)
        return
    progress.note_score(score, settings.tol, trainer.snapshot)
    if settings.verbose:
        print(f"Validation score: {score:f}")


def _stop_diverged(progress, rate, settings):
    """An error, or a warning where weights from before are kept."""
    advice = (
        f"The loss became {progress.loss} in epoch {progress.n_iter}, at a learning rate of {rate:.3g}: lower "
        "learning_rate_init, or scale X (and y in regression) with StandardScaler."
    )
    if not settings.early_stopping or progress.best is None:
        raise DivergedError(
            "Solver produced non-finite parameter weights. The input data may contain large values and need to be "
            f"preprocessed. {advice}"
        )
    warnings.warn(f"{advice} The weights of the best validation score are kept.", ConvergenceWarning)


def _is_done(progress, trainer, settings):
    if progress.stale <= settings.n_iter_no_change:
        return False
    what = "Validation score" if settings.early_stopping else "Training loss"
    message = (
        f"{what} did not improve more than tol={settings.tol:f} for {settings.n_iter_no_change} consecutive epochs."
    )
    if trainer.stops(message, settings.verbose):
        return True
    progress.stale = 0
    return False
