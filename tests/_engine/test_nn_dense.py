import re

import numba
import numpy as np
import pytest
from scipy import special

from ghostflow_learn import config_context
from ghostflow_learn._engine._neural import ACTIVATIONS, FROM_INPUT, hash_start
from ghostflow_learn._engine.cpu import _activations, nn_dense
from ghostflow_learn._engine.cpu._jit import FASTMATH

SHAPES = [(0, 3, 2), (1, 1, 1), (7, 3, 5), (33, 40, 17)]
SUMS = {"rtol": 3e-5, "atol": 1e-4}  # of float32


def slope_of(function, x, step=1e-6):
    """The gradient of a number with respect to an array, by differences."""
    gradient = np.empty_like(x)
    for at in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[at] += step
        down[at] -= step
        gradient[at] = (function(up) - function(down)) / (2 * step)
    return gradient


def layer(rng, n_samples, n_in, n_out):
    """x, W, b and a gradient of the result."""
    shapes = (n_samples, n_in), (n_in, n_out), (n_out,), (n_samples, n_out)
    return [rng.normal(size=shape) for shape in shapes]


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations_are_those_of_their_formulas(reference, activation):
    z = np.array([-3.0, -0.5, 0, 0.5, 3])
    formula = {
        "identity": z,
        "relu": np.maximum(z, 0),
        "leaky_relu": np.where(z < 0, 0.1 * z, z),
        "elu": np.where(z < 0, 0.1 * (np.exp(z) - 1), z),
        "selu": 1.0507009873554805 * np.where(z < 0, 1.6732632423543772 * (np.exp(z) - 1), z),
        "sigmoid": 1 / (1 + np.exp(-z)),
        "tanh": np.tanh(z),
        "gelu": z * special.ndtr(z),
        "swish": z / (1 + np.exp(-z)),
        "mish": z * np.tanh(np.log(1 + np.exp(z))),
        "softplus": np.log(1 + np.exp(z)),
    }
    name = {"logistic": "sigmoid", "silu": "swish"}.get(activation, activation)
    np.testing.assert_allclose(reference.nn_dense.activate(z, activation, 0.1), formula[name], atol=1e-15)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradients_are_slopes_of_the_reference(reference, rng, activation):
    x, W, b, g = layer(rng, 5, 3, 4)

    def value(x, W, b):
        return (g * reference.nn_dense.linear(x, W, b, activation, 0.3)[0]).sum()

    y, saved = reference.nn_dense.linear(x, W, b, activation, 0.3)
    assert (saved is not None) == (ACTIVATIONS[activation] in FROM_INPUT)
    dx, dW, db = reference.nn_dense.linear_backward(g, x, W, y, saved, activation, 0.3, (True, True, True))
    np.testing.assert_allclose(dx, slope_of(lambda x: value(x, W, b), x), atol=1e-7)
    np.testing.assert_allclose(dW, slope_of(lambda W: value(x, W, b), W), atol=1e-7)
    np.testing.assert_allclose(db, slope_of(lambda b: value(x, W, b), b), atol=1e-7)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_linear_agrees_with_reference(agrees, reference, rng, activation):
    x, W, b, g = layer(rng, 33, 40, 17)
    W /= 6
    agrees("nn_dense.linear", x, W, b, activation, 0.3)
    y, saved = reference.nn_dense.linear(x, W, b, activation, 0.3)
    agrees("nn_dense.linear_backward", g, x, W, y, saved, activation, 0.3, (True, True, True), **SUMS)
    agrees("nn_dense.linear_backward", g, x, W, y, saved, activation, 0.3, (True, False, False), **SUMS)
    agrees("nn_dense.activate", x, activation, 0.3)
    agrees("nn_dense.activate_backward", g, y, y, activation, 0.3)


@pytest.mark.parametrize("shape", SHAPES)
def test_linear_of_any_size(agrees, rng, shape):
    x, W, b, g = layer(rng, *shape)
    agrees("nn_dense.linear", x, W, b, "relu")
    agrees("nn_dense.linear", x, W, None, "identity")
    agrees("nn_dense.linear", x, W, None, "gelu")
    agrees("nn_dense.linear_backward", g, x, W, g, None, "identity", 0.0, (True, True, True))
    agrees("nn_dense.linear_backward", g, x, W, g, None, "relu", 0.0, (False, True, False))


@pytest.mark.parametrize("shape", [(3000, 64, 100), (400, 300, 50)])
def test_products_in_blocks_have_the_bits_of_one_thread(rng, shape):
    x, W, b, g = (array.astype(np.float32) for array in layer(rng, *shape))
    results = []
    for n_threads in (1, 3):
        with config_context(n_threads=n_threads):
            y, _ = nn_dense.linear(x, W, b, "tanh")
            results.append((y, *nn_dense.linear_backward(g, x, W, y, None, "tanh", 0.0, (True, True, True))))
    for one, three in zip(*results, strict=True):
        np.testing.assert_array_equal(one, three)
    np.testing.assert_allclose(results[0][0], np.tanh(x @ W + b), atol=1e-4)
    dz = g * (1 - np.tanh(x @ W + b) ** 2)
    np.testing.assert_allclose(results[0][2], x.T @ dz, atol=2e-2)


def test_a_result_goes_where_it_is_asked_to(engine, rng):
    x, W, b, g = (engine.asarray(array) for array in layer(rng, 6, 4, 4))
    out = engine.xp.empty_like(x)
    for call in (
        lambda: engine.nn_dense.linear(x, W, b, "gelu", out=out)[0],
        lambda: engine.nn_dense.activate(x, "tanh", out=out),
        lambda: engine.nn_dense.activate_backward(g, x, x, "tanh", out=out),
        lambda: engine.nn_dense.dropout(x, 0.5, 1, 2, out=out),
        lambda: engine.nn_dense.prelu(x, b, out=out),
    ):
        assert call() is out
    want = engine.to_numpy(engine.nn_dense.activate(x, "tanh"))
    np.testing.assert_array_equal(engine.to_numpy(engine.nn_dense.activate(x, "tanh", out=x)), want)
    want = engine.to_numpy(engine.nn_dense.activate_backward(g, x, x, "tanh"))
    np.testing.assert_array_equal(engine.to_numpy(engine.nn_dense.activate_backward(g, x, x, "tanh", out=g)), want)


@pytest.mark.parametrize("activation", sorted(set(ACTIVATIONS) - {"logistic", "silu"}))
def test_nan_in_is_nan_out(engine, dtype, activation):
    z = engine.asarray(np.array([np.nan, 1.0], dtype))
    y = engine.nn_dense.activate(z, activation, 0.1)
    assert np.isnan(engine.to_numpy(y)).tolist() == [True, False]
    ones = engine.asarray(np.array([1.0, np.nan], dtype))
    dz = engine.to_numpy(engine.nn_dense.activate_backward(ones, z, y, activation, 0.1))
    assert np.isnan(dz[1])
    assert np.isnan(dz[0]) or activation in {"identity", "relu", "leaky_relu", "elu", "selu"}


@pytest.mark.parametrize("activation", sorted(set(ACTIVATIONS) - {"logistic", "silu"}))
def test_activations_of_huge_numbers_are_finite(engine, dtype, activation):
    z = engine.asarray(np.array([-1000.0, 1000], dtype))
    y = engine.nn_dense.activate(z, activation, 0.1)
    dz = engine.nn_dense.activate_backward(engine.xp.ones_like(z), z, y, activation, 0.1)
    assert np.isfinite(engine.to_numpy(y)).all()
    assert np.isfinite(engine.to_numpy(dz)).all()


def test_relu_has_no_slope_at_zero(engine):
    y = engine.asarray(np.array([0.0, -0.0, 1e-30]))
    dz = engine.nn_dense.activate_backward(engine.xp.ones_like(y), None, y, "relu")
    assert engine.to_numpy(dz).tolist() == [0, 0, 1]


def test_an_unknown_activation_is_named(engine):
    with pytest.raises(ValueError, match=r"activation must be one of .*'gelu'.* Got 'rellu'"):
        engine.nn_dense.activate(engine.asarray(np.zeros(2)), "rellu")


def test_prelu_agrees_with_reference(agrees, reference, rng):
    z, g = rng.normal(size=(2, 33, 17))
    slopes = rng.uniform(size=17)
    agrees("nn_dense.prelu", z, slopes)
    agrees("nn_dense.prelu_backward", g, z, slopes, **SUMS)
    dz, dslopes = reference.nn_dense.prelu_backward(g, z, slopes)
    np.testing.assert_allclose(dz, slope_of(lambda z: (g * reference.nn_dense.prelu(z, slopes)).sum(), z), atol=1e-7)
    expected = slope_of(lambda s: (g * reference.nn_dense.prelu(z, s)).sum(), slopes)
    np.testing.assert_allclose(dslopes, expected, atol=1e-7)


@pytest.mark.parametrize("shape", [(0,), (1,), (7, 5), (3, 4, 50)])
def test_dropout_agrees_with_reference(agrees, rng, shape):
    agrees("nn_dense.dropout", rng.normal(size=shape), 0.3, 2**40 + 1, 12)


def test_dropout_keeps_the_mean_and_forgets_between_draws(engine):
    ones = engine.asarray(np.ones(20_000, dtype=np.float32))
    draws = [engine.to_numpy(engine.nn_dense.dropout(ones, 0.25, 5, counter)) for counter in (0, 1)]
    for draw in draws:
        assert set(np.unique(draw)) == {0, np.float32(4 / 3)}
        assert abs(draw.mean() - 1) < 0.02
    assert abs(np.corrcoef(*draws)[0, 1]) < 0.03
    assert len({hash_start(seed, counter) for seed in range(100) for counter in range(100)}) == 10_000
    np.testing.assert_array_equal(engine.to_numpy(engine.nn_dense.dropout(ones, 0.0, 5, 0)), 1)


def test_dropout_is_the_same_in_any_block(rng):
    x = rng.normal(size=300_000).astype(np.float32)
    with config_context(n_threads=3):
        got = nn_dense.dropout(x, 0.5, 3, 4)
    kept = got != 0
    np.testing.assert_array_equal(kept[:1000], nn_dense.dropout(x[:1000], 0.5, 3, 4) != 0)
    assert abs(kept[150_000:].mean() - 0.5) < 0.01


@pytest.mark.parametrize("shape", [(0,), (1,), (40,), (9, 4)])
def test_embedding_agrees_with_reference(agrees, rng, shape):
    indices = rng.integers(10, size=shape)
    agrees("nn_dense.embedding", indices, rng.normal(size=(10, 37)))
    agrees("nn_dense.embedding", indices.astype(np.int8) - 2, rng.normal(size=(6, 37)))  # some outside, at both ends
    agrees("nn_dense.embedding_backward", rng.normal(size=(*shape, 37)), indices, 11)


def test_gradients_of_a_repeated_row_are_added(engine):
    g = engine.asarray(np.array([[1.0], [10], [100]]))
    dtable = engine.nn_dense.embedding_backward(g, engine.asarray(np.array([2, 0, 2])), 4)
    assert engine.to_numpy(dtable).ravel().tolist() == [10, 0, 101, 0]


@pytest.mark.parametrize("kind", _activations.KINDS[4:])
@pytest.mark.parametrize("kernel", [nn_dense._activate, nn_dense._activate_backward])
def test_activations_are_computed_in_packed_instructions(kernel, kind):
    fresh = numba.njit(nogil=True, error_model="numpy", fastmath=FASTMATH)(kernel.py_func)
    arrays = np.ones((3, 8), np.float32)[: 2 + (kernel is nn_dense._activate_backward)]
    fresh(*arrays, kind(0.5), 0, 8)
    (assembly,) = fresh.inspect_asm().values()
    assert len(re.findall(r"\tv\w+ps\t.*[yz]mm", assembly)) > 3
