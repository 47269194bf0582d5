import numpy as np
import pytest

from ghostflow_learn import config_context
from ghostflow_learn._engine import cpu_engine

SHAPES = [(1, 1), (2, 3), (257, 5), (3000, 70)]


@pytest.fixture(params=SHAPES, ids=str)
def X(request, rng):
    """With NaN, in each column but not only."""
    X = rng.normal(3, 2, size=request.param)
    X[rng.uniform(size=X.shape) < 0.1] = np.nan
    return X


def test_moments_agree_with_the_reference(agrees, rng, X):
    agrees("columns.moments", X, rtol=1e-6)
    agrees("columns.moments", X, rng.uniform(size=len(X)), rtol=1e-6)


def test_group_moments_agree_with_the_reference(agrees, rng, X):
    codes = rng.integers(4, size=len(X))
    agrees("columns.group_moments", X, codes, 5, rtol=1e-6)  # the last group is empty
    agrees("columns.group_moments", X, codes, 5, rng.uniform(size=len(X)), rtol=1e-6)


def test_moments_of_a_constant_feature_are_exact(engine, dtype):
    X = np.full((5000, 3), 0.1, dtype=dtype)
    weight, mean, ssd = map(engine.to_numpy, engine.columns.moments(engine.asarray(X)))
    assert weight.tolist() == [5000] * 3
    assert (mean == dtype.type(0.1)).all()
    assert (ssd == 0).all()


def test_moments_do_not_cancel_far_from_zero(engine, rng):
    """Squares of values near 1e9 leave no digit of a variance of 1; nor may one far value in front spoil the rest."""
    X = rng.normal(size=(20_000, 2)) + 1e9
    X[0, 1] = 0
    _, mean, ssd = map(engine.to_numpy, engine.columns.moments(engine.asarray(X)))
    exact = X.astype(np.longdouble)
    np.testing.assert_allclose(mean, exact.mean(axis=0).astype(float), rtol=1e-15)
    np.testing.assert_allclose(ssd, ((exact - exact.mean(axis=0)) ** 2).sum(axis=0).astype(float), rtol=1e-12)


def test_a_sample_of_weight_zero_does_not_count_however_far(engine, rng):
    X, weight = rng.normal(size=(1000, 2)), np.ones(1000)
    X[0], weight[0] = 1e12, 0
    _, _, ssd = map(engine.to_numpy, engine.columns.moments(engine.asarray(X), engine.asarray(weight)))
    np.testing.assert_allclose(ssd, 999 * X[1:].var(axis=0), rtol=1e-6)


def test_merged_parts_are_the_moments_of_the_whole(engine, rng):
    X = rng.normal(5, size=(1000, 3))
    parts = [engine.columns.moments(engine.asarray(part)) for part in np.split(X, [10, 400])]
    merged = engine.columns.merge(*(engine.xp.stack(part) for part in zip(*parts)))
    for got, want in zip(merged, engine.columns.moments(engine.asarray(X))):
        np.testing.assert_allclose(engine.to_numpy(got), engine.to_numpy(want), rtol=1e-12)


def test_min_max_agrees_with_the_reference(agrees, X):
    agrees("columns.min_max", X)


@pytest.mark.parametrize("q", [(0.5,), (0.25, 0.5, 0.75), (0.0, 0.1, 0.1, 1.0)])
def test_quantiles_agree_with_the_reference(agrees, X, q):
    agrees("columns.quantiles", X, q)


def test_a_feature_without_values_has_nan_for_statistics(engine, dtype):
    X = engine.asarray(np.array([[np.nan, 1], [np.nan, 3]], dtype=dtype))
    low, high = map(engine.to_numpy, engine.columns.min_max(X))
    np.testing.assert_array_equal([low, high], [[np.nan, 1], [np.nan, 3]])
    np.testing.assert_array_equal(engine.to_numpy(engine.columns.quantiles(X, (0.5,))), [[np.nan, 2]])
    weight, mean, ssd = map(engine.to_numpy, engine.columns.moments(X))
    np.testing.assert_array_equal([weight, mean, ssd], [[0, 2], [0, 2], [0, 2]])


def test_quantiles_of_many_ties(agrees, rng):
    agrees("columns.quantiles", rng.integers(3, size=(1001, 9)).astype(float), (0.25, 0.5, 0.75))


@pytest.mark.parametrize("op", ["columns.standardize", "columns.restore"])
def test_scaling_agrees_with_the_reference(agrees, rng, X, op):
    center, scale = rng.normal(size=X.shape[1]), rng.uniform(0.5, 2, size=X.shape[1])
    agrees(op, X, center, scale)
    agrees(op, X, center, scale, low=-0.5, high=1.0)


@pytest.mark.parametrize("op", ["standardize", "restore"])
def test_scaling_in_place_gives_the_same_bits(engine, rng, dtype, op):
    X, center = rng.normal(size=(300, 7)).astype(dtype), rng.normal(size=7).astype(dtype)
    apply = getattr(engine.columns, op)
    data, center, scale = map(engine.asarray, (X, center, np.full(7, 0.3, dtype)))
    apart = engine.to_numpy(apply(data, center, scale))
    assert apply(data, center, scale, out=data) is data
    np.testing.assert_array_equal(engine.to_numpy(data), apart)


def test_the_least_value_lands_on_the_bound_to_the_last_bit(engine, rng):
    """A fused multiply-add would leave the rounding of the product over."""
    X = rng.normal(size=(100, 20))
    scale = 1 / (X.max(axis=0) - X.min(axis=0))
    out = engine.columns.restore(*map(engine.asarray, (X, -X.min(axis=0) * scale, scale)))
    assert (engine.to_numpy(out).min(axis=0) == 0).all()


@pytest.mark.parametrize("n_threads", [1, 3])
def test_fortran_order_gives_what_c_order_gives(rng, dtype, n_threads):
    columns = cpu_engine().columns
    X = rng.normal(2, size=(70_000, 3)).astype(dtype)
    X[rng.uniform(size=X.shape) < 0.1] = np.nan
    center, scale, out = X[0], np.abs(X[1]) + 1, np.empty_like(X, order="F")
    F, strided = np.asfortranarray(X), np.repeat(X, 2, axis=1)[:, ::2]
    with config_context(n_threads=n_threads):
        for same in (F, strided):
            np.testing.assert_array_equal(columns.moments(same), columns.moments(X))
            np.testing.assert_array_equal(columns.min_max(same), columns.min_max(X))
            np.testing.assert_array_equal(columns.quantiles(same, (0.3, 0.9)), columns.quantiles(X, (0.3, 0.9)))
            for scaled in (columns.standardize, columns.restore):
                np.testing.assert_array_equal(scaled(same, center, scale, -1, 1), scaled(X, center, scale, -1, 1))
                assert scaled(same, center, scale, out=out) is out
                np.testing.assert_array_equal(out, scaled(X, center, scale))
    assert columns.standardize(F, center, scale).flags.f_contiguous


def test_quantiles_leave_the_data_alone(engine, rng):
    for order in "CF":
        X = np.array(rng.normal(size=(100, 3)), order=order)
        before = X.copy()
        engine.columns.quantiles(engine.asarray(X, order="K"), (0.5,))
        np.testing.assert_array_equal(X, before)
