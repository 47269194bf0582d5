"""The solvers of LogisticRegression, one file for each family.

Weights are (n_features or n_features + 1, n_outputs) float64 on the host: a column for each class, or one for two
classes; the last of `n_features + 1` rows is the intercept.
"""

from collections import namedtuple

from . import lbfgs, liblinear, newton, sag
from .objective import Objective

__all__ = ["SOLVERS", "Data", "Settings", "solve_path"]

SMOOTH = {"lbfgs": lbfgs.solve, "newton-cg": newton.newton_cg, "newton-cholesky": newton.newton_cholesky}
SOLVERS = {*SMOOTH, "liblinear", "sag", "saga"}

# X and codes (int32) live on the engine, and sample_weight unless it is None; total_weight is its sum.
Data = namedtuple("Data", "engine X codes sample_weight total_weight n_outputs")
# l1_ratio is that of the penalty in use; rng draws for sag, saga and liblinear; lbfgs calls on_iteration(weights);
# sag and saga derive their step from largest_sq_norm, of a row of X, and compute it if it is None.
Settings = namedtuple(
    "Settings", "solver l1_ratio dual tol max_iter intercept_scaling rng verbose on_iteration largest_sq_norm"
)


def solve_path(data, Cs, start, settings):
    """Solutions for each C in turn, each from the one before.

    Parameters
    ----------
    data : Data
    Cs : sequence of float
    start : (n_features or n_features + 1, n_outputs) float64
    settings : Settings

    Returns
    -------
    weights : list of arrays like `start`
    n_iters : list of int
    """
    if settings.solver in ("sag", "saga"):
        return sag.solve_path(data, Cs, start, settings)
    solutions, n_iters = [], []
    for C in Cs:
        if settings.solver == "liblinear":
            start, n_iter = liblinear.solve(data, C, start.shape, settings)
        else:
            objective = Objective(data, 1 / (C * data.total_weight), start.shape)
            start, n_iter = SMOOTH[settings.solver](objective, start, settings)
        solutions.append(start)
        n_iters.append(n_iter)
    return solutions, n_iters
