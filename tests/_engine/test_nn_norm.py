import numpy as np
import pytest

from ghostflow_learn import config_context
from ghostflow_learn._engine.cpu import nn_norm
from tests._engine.test_nn_dense import slope_of

SHAPES = [(1, 3), (7, 1), (33, 40), (600, 37)]
SUMS = {"rtol": 1e-4, "atol": 3e-4}  # of float32


def problem(rng, n_samples, n_features):
    """x, a gradient of its shape, gain and bias."""
    x, g = rng.normal(size=(2, n_samples, n_features))
    return 3 * x + 2, g, rng.uniform(0.5, 2, size=n_features), rng.normal(size=n_features)


@pytest.mark.parametrize("shape", SHAPES)
def test_layer_norm_agrees_with_reference(agrees, reference, rng, shape):
    x, g, gain, bias = problem(rng, *shape)
    agrees("nn_norm.layer_norm", x, gain, bias, 1e-3, rtol=1e-4, atol=1e-5)
    _, mean, inv_std = reference.nn_norm.layer_norm(x, gain, bias, 1e-3)
    agrees("nn_norm.layer_norm_backward", g, x, gain, mean, inv_std, **SUMS)


@pytest.mark.parametrize("shape", SHAPES)
def test_batch_norm_agrees_with_reference(agrees, reference, rng, shape):
    x, g, gain, bias = problem(rng, *shape)
    agrees("nn_norm.batch_norm", x, gain, bias, 1e-3, rtol=1e-4, atol=1e-5)
    _, mean, var = reference.nn_norm.batch_norm(x, gain, bias, 1e-3)
    agrees("nn_norm.batch_norm_apply", x, gain, bias, mean, var, 1e-3)
    agrees("nn_norm.batch_norm_backward", g, x, gain, mean, var, 1e-3, **SUMS)


@pytest.mark.parametrize("axis", [0, 1])
def test_gradients_are_slopes_of_the_reference(reference, rng, axis):
    x, g, gain, bias = problem(rng, 6, 4)
    name = "layer_norm" if axis else "batch_norm"
    op, backward = getattr(reference.nn_norm, name), getattr(reference.nn_norm, f"{name}_backward")
    _, *statistics = op(x, gain, bias, 1e-3)
    got = backward(g, x, gain, *statistics, *([] if axis else [1e-3]))
    np.testing.assert_allclose(got[0], slope_of(lambda x: (g * op(x, gain, bias, 1e-3)[0]).sum(), x), atol=1e-7)
    np.testing.assert_allclose(got[1], slope_of(lambda gain: (g * op(x, gain, bias, 1e-3)[0]).sum(), gain), atol=1e-7)
    np.testing.assert_allclose(got[2], slope_of(lambda bias: (g * op(x, gain, bias, 1e-3)[0]).sum(), bias), atol=1e-7)


@pytest.mark.parametrize("axis", [0, 1])
def test_results_have_mean_zero_and_deviation_one_far_from_zero(engine, rng, dtype, axis):
    x = (rng.normal(size=(40, 50)) + 1000).astype(dtype)
    ones, zeros = engine.asarray(np.ones(50, dtype)), engine.asarray(np.zeros(50, dtype))
    op = engine.nn_norm.layer_norm if axis else engine.nn_norm.batch_norm
    y = engine.to_numpy(op(engine.asarray(x), ones, zeros, 1e-8)[0]).astype(np.float64)
    np.testing.assert_allclose(y.mean(axis=axis), 0, atol=1e-3)
    np.testing.assert_allclose(y.std(axis=axis), 1, atol=1e-3)


def test_a_constant_sample_or_feature_becomes_the_bias(engine, dtype):
    x, bias = engine.asarray(np.full((5, 4), 3, dtype)), engine.asarray(np.arange(4, dtype=dtype))
    ones = engine.asarray(np.ones(4, dtype))
    for op in (engine.nn_norm.layer_norm, engine.nn_norm.batch_norm):
        np.testing.assert_array_equal(engine.to_numpy(op(x, ones, bias, 1e-5)[0]), np.tile(np.arange(4), (5, 1)))


def test_nan_stays_in_its_sample_or_feature(engine, rng, dtype):
    x, _, gain, bias = (array.astype(dtype) for array in problem(rng, 6, 5))
    x[2, 3] = np.nan
    arrays = [engine.asarray(array) for array in (x, gain, bias)]
    by_sample = np.isnan(engine.to_numpy(engine.nn_norm.layer_norm(*arrays, 1e-5)[0]))
    by_feature = np.isnan(engine.to_numpy(engine.nn_norm.batch_norm(*arrays, 1e-5)[0]))
    np.testing.assert_array_equal(by_sample, np.arange(6)[:, None] == np.full(5, 2))
    np.testing.assert_array_equal(by_feature, np.full((6, 1), 3) == np.arange(5))


def test_norms_agree_with_torch(engine, rng):
    torch = pytest.importorskip("torch")
    x, g, gain, bias = problem(rng, 20, 7)
    theirs = {
        "layer_norm": lambda x, gain, bias: torch.nn.functional.layer_norm(x, (7,), gain, bias, 1e-4),
        "batch_norm": lambda x, gain, bias: torch.nn.functional.batch_norm(x, None, None, gain, bias, True, eps=1e-4),
    }
    for name, function in theirs.items():
        tensors = [torch.tensor(array, requires_grad=True) for array in (x, gain, bias)]
        function(*tensors).backward(torch.tensor(g))
        arrays = [engine.asarray(array) for array in (x, gain, bias)]
        y, *statistics = getattr(engine.nn_norm, name)(*arrays, 1e-4)
        np.testing.assert_allclose(engine.to_numpy(y), function(*tensors).detach().numpy(), atol=1e-12)
        eps = [1e-4] if name == "batch_norm" else []
        got = getattr(engine.nn_norm, f"{name}_backward")(engine.asarray(g), *arrays[:2], *statistics, *eps)
        for gradient, tensor in zip(got, tensors, strict=True):
            np.testing.assert_allclose(engine.to_numpy(gradient), tensor.grad.numpy(), atol=1e-12)


def test_sums_in_blocks_have_the_bits_of_one_thread(reference, rng):
    x, g, gain, bias = (array.astype(np.float32) for array in problem(rng, 3000, 400))
    results = []
    for n_threads in (1, 3):
        with config_context(n_threads=n_threads):
            y, *of_samples = nn_norm.layer_norm(x, gain, bias, 1e-5)
            z, *of_features = nn_norm.batch_norm(x, gain, bias, 1e-5)
            gradients = nn_norm.layer_norm_backward(g, x, gain, *of_samples)
            others = nn_norm.batch_norm_backward(g, x, gain, *of_features, 1e-5)
            results.append((y, *of_samples, *gradients, z, *of_features, *others))
    for one, three in zip(*results, strict=True):
        np.testing.assert_array_equal(one, three)
    want = reference.nn_norm.layer_norm_backward(g, x, gain, *of_samples)
    for gradient, wanted in zip(gradients, want, strict=True):
        np.testing.assert_allclose(gradient, wanted, rtol=1e-3, atol=1e-3)
