"""Stochastic average gradients: "sag", and "saga", which also takes L1 penalties."""

import time
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning


def solve_path(data, Cs, start, settings):
    """Weights and passes over the data for each C; every solution starts from the one before."""
    engine, n_samples = data.engine, data.X.shape[0]
    memory = engine.asarray(np.zeros((n_samples, data.n_outputs + 1)))
    largest_sq_norm = settings.largest_sq_norm or float(engine.sag.largest_sq_norm(data.X))
    solutions, n_iters = [], []
    for C in Cs:
        alpha, beta = (1 - settings.l1_ratio) / C, settings.l1_ratio / C
        step = _step(largest_sq_norm, alpha / n_samples, len(start) > data.X.shape[1], n_samples, settings.solver)
        seed = int(settings.rng.randint(1, np.iinfo(np.int32).max))
        weights, memory, n_iter = engine.logistic_sag.minimize(
            data.X,
            data.codes,
            data.sample_weight,
            engine.asarray(start),
            memory,
            alpha,
            beta,
            step,
            settings.max_iter,
            settings.tol,
            seed,
            saga=settings.solver == "saga",
            on_pass=_reporter(settings) if settings.verbose else None,
        )
        start, n_iter = engine.to_numpy(weights), int(n_iter)
        _check(start, n_iter, settings.max_iter)
        solutions.append(start)
        n_iters.append(n_iter)
    return solutions, n_iters


def _step(largest_sq_norm, alpha, has_intercept, n_samples, solver):
    """1 / L for SAG and 1 / (2 L + min(2 n alpha, L)) for SAGA, where L bounds the curvature of a sample's loss."""
    curvature = 0.25 * (largest_sq_norm + int(has_intercept)) + alpha
    step = 1 / (2 * curvature + min(2 * n_samples * alpha, curvature)) if solver == "saga" else 1 / curvature
    if step * alpha == 1:
        raise ZeroDivisionError("Current sag implementation does not handle the case step_size * alpha_scaled == 1")
    return step


def _check(weights, n_iter, max_iter):
    if not np.isfinite(weights).all():
        raise ValueError(
            f"Floating-point under-/overflow occurred at epoch #{n_iter}. Scaling input data with StandardScaler or"
            " MinMaxScaler might help."
        )
    if n_iter == max_iter:
        warnings.warn(
            "The max_iter was reached which means the coef_ did not converge", ConvergenceWarning, stacklevel=5
        )


def _reporter(settings):
    started = time.time()

    def report(n_iter, change):
        seconds = int(time.time() - started)
        if change <= settings.tol:
            print(f"convergence after {n_iter} epochs took {seconds} seconds")
            return
        print(f"Epoch {n_iter}, change: {change:.8g}")
        if n_iter == settings.max_iter:
            print(f"max_iter reached after {seconds} seconds")

    return report
