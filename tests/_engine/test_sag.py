import re

import numba
import numpy as np
import pytest
import scipy.sparse as sp

from ghostflow_learn._engine.cpu import sag
from ghostflow_learn._engine.cpu._jit import FASTMATH

OPTIONS = [{}, {"saga": True}, {"fit_intercept": True}, {"saga": True, "fit_intercept": True}]


@pytest.fixture
def problem(rng):
    X = rng.normal(1, size=(60, 5))
    return X, X @ rng.normal(size=5) + 3 + rng.normal(size=60), rng.uniform(0.5, 2, size=60)


def test_largest_sq_norm_agrees_with_reference(agrees, rng):
    X = rng.normal(2, size=(500, 7))
    agrees("sag.largest_sq_norm", X, rtol=1e-6)
    agrees("sag.largest_sq_norm", X, X.mean(axis=0), rtol=1e-6)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_least_squares_agrees_with_reference(agrees, problem, options):
    X, y, sample_weight = problem
    agrees("sag.least_squares", X, y, None, 1.0, 0.02, 7, 1e-9, 42, rtol=1e-4, **options)
    agrees(
        "sag.least_squares", X, y, sample_weight, 1.0, 0.02, 7, 1e-9, 2**31, offset=X.mean(axis=0), rtol=1e-4, **options
    )


@pytest.mark.parametrize("shrinking", [1.0, 1000.0])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_least_squares_on_sparse_data_agrees_with_reference(reference, problem, options, shrinking):
    """Strong penalties shrink the common scale of the coefficients below what it is multiplied out at."""
    X, y, sample_weight = problem
    X = sp.csr_matrix(np.where(X > 1, X, 0))
    args = (X, y, sample_weight, shrinking, 0.02, 7, 1e-9, 42)
    got, n_iter = sag.least_squares(*args, **options)
    want, want_n_iter = reference.sag.least_squares(*args, **options)
    np.testing.assert_allclose(got, want, rtol=1e-8)
    assert n_iter == want_n_iter
    assert sag.largest_sq_norm(X) == pytest.approx(reference.sag.largest_sq_norm(X))


def test_least_squares_stops_where_coefficients_stand_still(engine, problem):
    X, y, _ = (engine.asarray(a) for a in problem)
    _, n_iter = engine.sag.least_squares(X, y, None, 1.0, 0.02, 1000, 1e-3, 1)
    assert 2 < n_iter < 1000


def test_least_squares_with_too_long_a_step_is_not_finite(engine, problem):
    X, y, _ = (engine.asarray(a) for a in problem)
    with np.errstate(all="ignore"):
        solution, _ = engine.sag.least_squares(X, y, None, 1.0, 1e30, 50, 1e-3, 1)
    assert not np.isfinite(engine.to_numpy(solution)).all()


def test_a_draw_is_computed_in_packed_instructions(problem):
    X, y, sample_weight = problem
    fresh = numba.njit(nogil=True, error_model="numpy", fastmath=FASTMATH)(sag._draw.py_func)
    zeros = [np.zeros(size) for size in (5, 3, 5, 60)]
    fresh(X, np.zeros(5), y, sample_weight, *zeros, np.zeros(60, dtype=np.bool_), np.array([1]), 0.1, 0.9, False, 1)
    (assembly,) = fresh.inspect_asm().values()
    assert len(re.findall(r"\tvf\w*madd\w*pd\t.*[yz]mm", assembly)) >= 4
