"""Scores of each iteration, and when to stop for them."""

from collections import namedtuple
from contextlib import contextmanager

import numpy as np
from sklearn.base import is_classifier
from sklearn.metrics import check_scoring
from sklearn.utils import resample

from ._losses import formulas

SMALL = 10_000  # training samples that a scorer sees

# Samples as a scorer sees them, on the host. raw : callable, gives their raw predictions so far, (n_samples, n_outputs)
Scored = namedtuple("Scored", "X y sample_weight raw")


class Progress:
    """Raw predictions so far, (n_outputs, n_samples) each."""

    def __init__(self, raw, raw_val):
        self.raw, self.raw_val = raw, raw_val


@contextmanager
def in_fit(model):
    """Within it, `_raw_predict` takes X as preprocessed and knows the raw predictions of what is scored."""
    model._in_fit = []
    try:
        yield
    finally:
        del model._in_fit


def should_stop(scores, n_iter_no_change, tol):
    """Whether none of the last `n_iter_no_change` scores is better, by more than `tol`, than the one before them."""
    if len(scores) < n_iter_no_change + 1:
        return False
    reference = scores[-n_iter_no_change - 1] + tol
    return not any(score > reference for score in scores[-n_iter_no_change:])


def small_trainset(model, X, y, sample_weight, seed):
    """At most 10,000 samples, classes in their proportions, for scorers: X, y, sample_weight, indices."""
    if X.shape[0] <= SMALL:
        return X, y, sample_weight, slice(None)
    stratify = y if is_classifier(model) else None
    indices = resample(np.arange(X.shape[0]), n_samples=SMALL, replace=False, random_state=seed, stratify=stratify)
    return X[indices], y[indices], None if sample_weight is None else sample_weight[indices], indices


def monitor(model, engine, train, val, progress):
    """What scores the model after each iteration, as its `scoring` says."""
    kind = LossMonitor if model.scoring == "loss" else ScorerMonitor
    return kind(model, engine, train, val, progress)


class LossMonitor:
    """Scores are the negative loss of the training samples, and of the validation samples if there are any.

    Parameters
    ----------
    model : estimator
        Its lists ``train_score_`` and ``validation_score_`` grow.
    engine : module
    train, val : Part; `val` may be None
    progress : Progress
    """

    def __init__(self, model, engine, train, val, progress):
        self.model, self.engine, self.train, self.val, self.progress = model, engine, train, val, progress

    def after_iteration(self):
        """Append the scores; True when it is time to stop."""
        model = self.model
        model.train_score_.append(self.score(self.train, self.progress.raw))
        if self.val is None:
            return model._should_stop(model.train_score_)
        model.validation_score_.append(self.score(self.val, self.progress.raw_val))
        return model._should_stop(model.validation_score_)

    def score(self, part, raw):
        loss, known = self.model._loss, formulas(self.model._loss)
        if known is None:
            y, raw = self._host(part.y), self._host(raw)
            return -float(loss(y_true=y, raw_prediction=raw.T, sample_weight=self._host(part.sample_weight)))
        columns = [raw] if len(known) == 1 else [raw[k : k + 1] for k in range(len(known))]
        mean_loss = self.engine.boosting.loss
        return -float(np.mean([mean_loss(f, part.y, some, part.sample_weight) for f, some in zip(known, columns)]))

    def _host(self, array):
        return None if array is None else self.engine.to_numpy(array)


class ScorerMonitor(LossMonitor):
    """Scores are those of a scorer, which calls predict or predict_proba of the model as it is so far."""

    def __init__(self, model, engine, train, val, progress):
        super().__init__(model, engine, train, val, progress)
        model._scorer = check_scoring(model, model.scoring)
        y, weight = self._host(train.y), self._host(train.sample_weight)
        rows = np.arange(len(y))
        _, y, weight, some = small_trainset(model, rows, y, weight, model._random_seed)
        rows = rows[some] if train.rows is None else self._host(train.rows)[some]
        self.train = self._scored(train.X, rows, y, weight, lambda: progress.raw[:, some])
        if val is not None:
            y, weight = self._host(val.y), self._host(val.sample_weight)
            rows = np.arange(len(y)) if val.rows is None else self._host(val.rows)
            self.val = self._scored(val.X, rows, y, weight, lambda: progress.raw_val)
        model._in_fit[:] = [scored for scored in (self.train, self.val) if scored is not None]

    def _scored(self, X, rows, y, weight, raw):
        if is_classifier(self.model):
            y = self.model.classes_[y.astype(np.intp)]
        return Scored(self._host(X[rows]), y, weight, lambda: self._host(raw()).T)

    def score(self, scored, raw):
        weight = {} if scored.sample_weight is None else {"sample_weight": scored.sample_weight}
        return self.model._scorer(self.model, scored.X, scored.y, **weight)
