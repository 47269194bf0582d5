"""The small L-BFGS against SciPy's L-BFGS-B, step for step."""

import numpy as np
import pytest
import scipy.optimize
from numpy.testing import assert_allclose
from scipy.optimize import rosen, rosen_der

from ghostflow_learn.linear_model._logistic_solvers import lbfgs
from ghostflow_learn.linear_model._logistic_solvers.line_search import line_search


def of_scipy(evaluate, x, max_iter, tol):
    options = {"maxiter": max_iter, "gtol": tol, "maxls": 50, "ftol": 64 * np.finfo(float).eps}
    return scipy.optimize.minimize(evaluate, x, method="L-BFGS-B", jac=True, options=options)


def rosenbrock(x):
    return rosen(x), rosen_der(x)


def steep(x):
    """Flat far from 0 and steep near it: the line search needs every kind of step."""
    return float(np.sum(np.log1p((10 * x) ** 4))), 40 * (10 * x) ** 3 / (1 + (10 * x) ** 4)


@pytest.mark.parametrize("max_iter", [0, 1, 7, 1000])
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("evaluate, size", [(rosenbrock, 2), (rosenbrock, 5), (steep, 3)])
def test_iterates_are_scipys(evaluate, size, seed, max_iter):
    x = 3 * np.random.default_rng(seed).standard_normal(size)
    want = of_scipy(evaluate, x, max_iter, 1e-8)
    got = lbfgs.minimize(evaluate, x, max_iter, 1e-8)
    assert (got.n_iter, got.status, got.message) == (want.nit, want.status, want.message)
    assert_allclose(got.x, want.x, rtol=1e-6, atol=1e-8)


def test_a_minimum_needs_no_iteration():
    got = lbfgs.minimize(lambda x: (float(x @ x), 2 * x), np.zeros(3), 10, 1e-8)
    assert (got.n_iter, got.status) == (0, 0)


def test_a_jump_up_in_every_direction_ends_as_abnormal():
    def jump(x):
        return float(np.any(x != 1)), np.ones(2)

    want = of_scipy(jump, np.ones(2), 10, 1e-8)
    got = lbfgs.minimize(jump, np.ones(2), 10, 1e-8)
    assert (got.n_iter, got.status, got.message) == (want.nit, want.status, want.message)
    assert got.status == 2
    assert_allclose(got.x, np.ones(2))


def test_line_search_refuses_to_go_up():
    assert line_search(rosenbrock, np.zeros(2), *rosenbrock(np.zeros(2)), rosen_der(np.zeros(2)), 1.0) == (None, 0)


def test_the_callback_sees_every_iterate():
    seen = []
    got = lbfgs.minimize(rosenbrock, np.zeros(2), 1000, 1e-8, seen.append)
    assert len(seen) == got.n_iter
    assert_allclose(seen[-1], got.x)
    assert all(np.diff([rosen(x) for x in seen]) < 0)
