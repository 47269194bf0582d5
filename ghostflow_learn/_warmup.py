"""Compile every kernel ahead: `python -m ghostflow_learn warmup`."""

import contextlib
import time
import warnings

import numpy as np
from scipy import sparse
from sklearn.base import is_regressor

from ._engine._neural import ACTIVATIONS
from ._engine.cpu import _report
from ._patch import native_estimators

# The same kernels in fewer iterations.
SHORT = {"max_iter": 3, "n_init": 1, "Cs": 2, "cv": 2, "n_clusters": 3}
# What networks choose their kernels by: names that the constraints do not list.
BY_NAME = {
    "activation": tuple(ACTIVATIONS),
    "dropout": (0.5,),
    "optimizer": ("sgd", "adam", "amsgrad", "adamw", "rmsprop", "lamb", "lars"),
    "loss": ("cross_entropy", "bce_with_logits", "focal", "mse", "mae", "huber", "poisson"),
}
PRINTING = ("verbose", "progress_bar")
MANY = 300  # times the samples: boosting grows the trees of so many on all threads, in a kernel of its own
METHODS = ("predict", "predict_proba", "decision_function", "transform", "score_samples")


def warmup(out):
    """Fit every estimator on a little data, in each dtype and with each option that selects an algorithm.

    Parameters
    ----------
    out : file
        Where the progress is drawn.

    Returns
    -------
    failed : list of str
        The estimators that cannot be fitted with their defaults.
    """
    jobs = [(cls, dtype) for cls in native_estimators() for dtype in (np.float64, np.float32)]
    start = time.perf_counter()
    failed = []
    for done, (cls, dtype) in enumerate(jobs):
        _draw(out, done, len(jobs), f"{cls.__name__} {np.dtype(dtype)}")
        if not _exercise_all(cls, dtype):
            failed.append(cls.__name__)
    _draw(out, len(jobs), len(jobs), "")
    ready = sum(len(kernel.signatures) for kernel in _report.kernels().values())
    print(f"\n{ready} kernels are ready, after {time.perf_counter() - start:.1f} s", file=out)
    for path, writable in _report.cache_folders().items():
        print(f"kept in {path}" if writable else f"NOT kept: {path} cannot be written", file=out)
    return failed


def _draw(out, done, total, what, width=30):
    bar = "#" * (width * done // total)
    line = f"[{bar:<{width}}] {done}/{total} {what}"
    # A file or a pipe gets lines; a terminal one line that is drawn again.
    print(f"\r{line:<79}" if out.isatty() else line, end="" if out.isatty() else "\n", file=out, flush=True)


def _exercise_all(cls, dtype):
    """Whether the defaults can be fitted; the other options are tried, for not all of them go together."""
    short = {name: value for name, value in SHORT.items() if name in cls._parameter_constraints}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            _exercise(cls(**short), *next(_data(cls, dtype)))
        except Exception:
            return False
        for X, y in _data(cls, dtype):
            for params in _options(cls):
                with contextlib.suppress(Exception):
                    _exercise(cls(**{**short, **params}), X, y)
    return True


def _data(cls, dtype):
    rng = np.random.default_rng(0)
    X = rng.random((300, 6)).astype(dtype)
    outcome = X @ np.arange(6) + rng.random(300)
    binary, ternary = np.digitize(outcome, [7.5]), np.digitize(outcome, [7, 8])
    targets = [outcome, np.c_[outcome, outcome]] if is_regressor(cls()) else [ternary, binary]
    for y in targets:
        yield X, y
    yield sparse.csr_matrix(np.where(X > 0.5, X, 0)), targets[0]
    if cls.__name__.startswith("HistGradientBoosting"):
        yield np.tile(X, (MANY, 1)), np.tile(outcome if is_regressor(cls()) else binary, MANY)


def _options(cls):
    """Each value that selects an algorithm, one parameter at a time, as the constraints list them."""
    yield {}
    is_network = "optimizer" in cls._parameter_constraints
    for name, constraints in cls._parameter_constraints.items():
        for option in BY_NAME.get(name, ()) if is_network else ():
            yield {name: option}
        for constraint in constraints if isinstance(constraints, list) and name not in PRINTING else ():
            for option in getattr(constraint, "options", ()):
                yield {name: option}
            if constraint == "boolean":
                yield from ({name: True}, {name: False})


def _exercise(model, X, y):
    model.fit(X, y)
    if hasattr(model, "partial_fit"):
        model.partial_fit(X, y)
    for method in METHODS:
        if hasattr(model, method):
            answer = getattr(model, method)(X)
            if method == "transform" and hasattr(model, "inverse_transform"):
                model.inverse_transform(answer)
