"""Initial values have the moments they are named for."""

import math

import numpy as np
import pytest

from ghostflow_learn.neural import _initializers as init

N_IN, N_OUT = 300, 200
VARIANCES = {
    "glorot_uniform": 2 / (N_IN + N_OUT),
    "glorot_normal": 2 / (N_IN + N_OUT),
    "he_uniform": 2 / N_IN,
    "he_normal": 2 / N_IN,
    "lecun_normal": 1 / N_IN,
    "uniform": 0.1**2 / 12,
    "normal": 0.05**2,
    "truncated_normal": 0.05**2 * 0.7737,  # of a normal cut at two standard deviations
}


@pytest.mark.parametrize("name", VARIANCES)
def test_mean_and_variance(name):
    values = init.get_initializer(name)((N_IN, N_OUT), np.random.RandomState(0), np.float64)
    n = values.size
    assert abs(values.mean()) < 5 * math.sqrt(VARIANCES[name] / n)
    assert values.var() == pytest.approx(VARIANCES[name], rel=0.03)


def test_uniform_values_stay_within_their_bounds():
    values = init.he_uniform((N_IN, N_OUT), np.random.RandomState(0))
    assert np.abs(values).max() <= math.sqrt(6 / N_IN)


def test_truncated_values_stay_within_two_standard_deviations():
    values = init.truncated_normal((N_IN, N_OUT), np.random.RandomState(0), mean=1.0, std=0.1)
    assert np.abs(values - 1).max() <= 0.2 + 1e-6


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 4)])
def test_orthogonal_rows_or_columns(shape):
    W = init.orthogonal(shape, np.random.RandomState(0), np.float64)
    gram = W.T @ W if shape[0] >= shape[1] else W @ W.T
    np.testing.assert_allclose(gram, np.eye(min(shape)), atol=1e-12)
    assert W.flags.c_contiguous


def test_constants():
    np.testing.assert_array_equal(init.zeros((2, 3)), np.zeros((2, 3)))
    np.testing.assert_array_equal(init.ones(4), np.ones(4))
    np.testing.assert_array_equal(init.constant(0.5)((2,)), [0.5, 0.5])


@pytest.mark.parametrize("name", init._BY_NAME)
def test_dtype_and_seed(name, dtype):
    draw = lambda seed: init.get_initializer(name)((4, 3), np.random.RandomState(seed), dtype)
    assert draw(0).dtype == dtype
    assert draw(0).shape == (4, 3)
    np.testing.assert_array_equal(draw(0), draw(0))
    assert name in ("zeros", "ones") or (draw(0) != draw(1)).any()


def test_a_function_of_ones_own_and_a_name_that_is_none():
    own = lambda shape, rng, dtype: np.ones(shape, dtype)
    assert init.get_initializer(own) is own
    with pytest.raises(ValueError, match="Got 'he_norm' instead. Did you mean 'he_normal'?"):
        init.get_initializer("he_norm")
