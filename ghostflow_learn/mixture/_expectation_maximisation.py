"""Expectation-maximisation, for any model of components, and what it says as it goes."""

from collections import namedtuple
from time import time

# params       : what the model's `update` returns
# lower_bounds : list of float, one for each iteration
# converged    : bool
Run = namedtuple("Run", "params lower_bounds converged")


def expectation_maximisation(samples, model, params, lower_bound, tol, max_iter, report):
    """One run from `params`, whose lower bound is `lower_bound`, until that changes by less than `tol`.

    Parameters
    ----------
    samples : Samples
    model : object
        ``density(params)``, ``update(statistics)`` -> params and ``lower_bound(params, totals, n_samples)``.
    """
    lower_bounds, converged = [], False
    while len(lower_bounds) < max_iter and not converged:
        totals, statistics = samples.step(model.density(params))
        params = model.update(statistics)
        previous, lower_bound = lower_bound, model.lower_bound(params, totals, len(samples.X))
        lower_bounds.append(lower_bound)
        report.iteration(len(lower_bounds), lower_bound - previous)
        converged = abs(lower_bound - previous) < tol
    if max_iter > 0:
        report.end(lower_bound, converged)
    return Run(params, lower_bounds, converged)


def last_bound(run):
    return run.lower_bounds[-1] if run.lower_bounds else -float("inf")


class Report:
    """Prints scikit-learn's lines: nothing for verbose=0, times and bounds from verbose=2 on."""

    def __init__(self, verbose, interval):
        self.verbose, self.interval = verbose, interval

    def begin(self, n_init):
        if self.verbose:
            print(f"Initialization {n_init}")
        self.started = self.printed = time()

    def iteration(self, n_iter, change):
        if not self.verbose or n_iter % self.interval:
            return
        if self.verbose == 1:
            print(f"  Iteration {n_iter}")
            return
        now = time()
        print(f"  Iteration {n_iter}\t time lapse {now - self.printed:.5f}s\t ll change {change:.5f}")
        self.printed = now

    def end(self, lower_bound, converged):
        message = "converged" if converged else "did not converge"
        if self.verbose == 1:
            print(f"Initialization {message}.")
        elif self.verbose:
            lapse = time() - self.started
            print(f"Initialization {message}. time lapse {lapse:.5f}s\t lower bound {lower_bound:.5f}.")
