import numpy as np
import pytest
from scipy import special

from ghostflow_learn import config_context
from ghostflow_learn._engine.cpu import nn_loss
from tests._engine.test_nn_dense import slope_of

SHAPES = [(1, 1), (7, 3), (33, 40), (1000, 5)]
PLAIN = ("binary_cross_entropy", "squared_error", "absolute_error", "huber", "poisson")
OF_CLASSES = ("softmax_cross_entropy", "focal", "nll")


def problem(rng, n_samples, n_outputs):
    """Predictions, targets in [0, 1] with some ties, classes and weights."""
    prediction, target = rng.normal(size=(n_samples, n_outputs)), rng.uniform(size=(n_samples, n_outputs))
    target[::3] = 0
    prediction[1::5] = target[1::5]
    return prediction, target, rng.integers(n_outputs, size=n_samples), rng.uniform(0.5, 2, size=n_samples)


def cases(rng, n_samples, n_outputs):
    """(loss, target, further arguments) of every loss."""
    _, target, codes, _ = problem(rng, n_samples, n_outputs)
    proba = (target + 0.1) / (target + 0.1).sum(axis=1, keepdims=True)
    levels = tuple(np.linspace(0.1, 0.9, n_outputs))
    yield from ((name, target, ()) for name in PLAIN)
    yield from ((name, codes, ()) for name in OF_CLASSES)
    yield "huber", target, (0.3,)
    yield "softmax_cross_entropy", codes, (0.2,)
    yield "softmax_cross_entropy", proba, (0.2,)
    yield from (("focal", codes, (gamma,)) for gamma in (0.0, 0.5))
    yield "quantile", target[:, 0].copy(), (levels,)


def test_values_are_those_of_closed_forms(engine):
    def loss(name, prediction, target, *args):
        prediction, target = (engine.asarray(np.array(array)) for array in (prediction, target))
        return float(getattr(engine.nn_loss, name)(prediction, target, None, *args)[0])

    np.testing.assert_allclose(loss("softmax_cross_entropy", [[0.0, 0, 0, 0]], [2]), np.log(4))
    np.testing.assert_allclose(loss("softmax_cross_entropy", [[0.0, np.log(3)]], [0], 0.5), np.log(4) - np.log(3) / 4)
    np.testing.assert_allclose(loss("focal", [[0.0, np.log(3)]], [1], 2.0), np.log(4 / 3) / 16)
    np.testing.assert_allclose(loss("binary_cross_entropy", [[np.log(3)]], [[0.25]]), np.log(4) - np.log(3) / 4)
    np.testing.assert_allclose(loss("squared_error", [[1.0, 3]], [[0.0, 0]]), 5)
    np.testing.assert_allclose(loss("absolute_error", [[1.0, -3]], [[0.0, 0]]), 2)
    np.testing.assert_allclose(loss("huber", [[0.5, -3]], [[0.0, 0]], 1.0), (0.125 + 2.5) / 2)
    np.testing.assert_allclose(loss("quantile", [[1.0, 1]], [3.0], (0.25, 0.75)), (0.5 + 1.5) / 2)
    np.testing.assert_allclose(loss("poisson", [[np.log(2)]], [[3.0]]), 3 * np.log(1.5) - 1)
    np.testing.assert_allclose(loss("nll", [[-1.0, -2]], [1]), 2)


def test_gradients_are_slopes_of_the_reference(reference, rng):
    prediction, _, _, weight = problem(rng, 6, 4)
    prediction += 0.003  # off the kinks
    for name, target, args in cases(rng, 6, 4):
        op = getattr(reference.nn_loss, name)
        _, gradient = op(prediction, target, weight, *args)
        slope = slope_of(lambda p, op=op, target=target, args=args: op(p, target, weight, *args)[0], prediction)
        np.testing.assert_allclose(gradient, slope, atol=1e-8, err_msg=name)


@pytest.mark.parametrize("shape", SHAPES)
def test_losses_agree_with_reference(agrees, rng, shape):
    prediction, _, _, weight = problem(rng, *shape)
    for name, target, args in cases(rng, *shape):
        for sample_weight in (None, weight):
            agrees(f"nn_loss.{name}", prediction, target, sample_weight, *args)


def test_weights_equal_repetition(engine, rng):
    prediction, _, _, _ = problem(rng, 9, 4)
    counts = rng.integers(1, 4, size=9)
    for name, target, args in cases(rng, 9, 4):
        op = getattr(engine.nn_loss, name)
        repeated = (engine.asarray(np.repeat(array, counts, axis=0)) for array in (prediction, target))
        want, gradient = op(*repeated, None, *args)
        got, weighted = op(engine.asarray(prediction), engine.asarray(target), engine.asarray(1.0 * counts), *args)
        np.testing.assert_allclose(float(got), float(want), err_msg=name)
        sums = np.add.reduceat(engine.to_numpy(gradient), np.cumsum([0, *counts[:-1]]))
        np.testing.assert_allclose(engine.to_numpy(weighted), sums, atol=1e-14, err_msg=name)


def test_nan_in_is_nan_out(engine, rng, dtype):
    prediction, _, _, _ = problem(rng, 5, 4)
    prediction[3, 2] = np.nan
    for name, target, args in cases(rng, 5, 4):
        if name == "nll":
            target = np.full(5, 2)
        target = engine.asarray(target if target.dtype.kind == "i" else target.astype(dtype))
        loss, gradient = getattr(engine.nn_loss, name)(engine.asarray(prediction.astype(dtype)), target, None, *args)
        assert np.isnan(float(loss)), name
        assert np.isnan(engine.to_numpy(gradient)[3, 2]) or name == "nll"


def test_huge_logits_are_finite(engine, dtype):
    logits = engine.asarray(np.array([[1000.0, -1000], [-1000, 1000]], dtype))
    codes = engine.asarray(np.array([0, 0]))
    for op, want in ((engine.nn_loss.softmax_cross_entropy, 1000), (engine.nn_loss.focal, 1000)):
        loss, gradient = op(logits, codes)
        np.testing.assert_allclose(float(loss), want)
        np.testing.assert_allclose(engine.to_numpy(gradient), [[0, 0], [-0.5, 0.5]])
    loss, _ = engine.nn_loss.binary_cross_entropy(logits, engine.asarray(np.zeros((2, 2), dtype)))
    np.testing.assert_allclose(float(loss), 500)


def test_at_ties_the_gradient_is_zero(engine):
    y = engine.asarray(np.array([[1.0], [2.0]]))
    for result in (
        engine.nn_loss.absolute_error(y, y),
        engine.nn_loss.huber(y, y),
        engine.nn_loss.quantile(y, y[:, 0].copy(), None, (0.3,)),
    ):
        assert float(result[0]) == 0
        assert not engine.to_numpy(result[1]).any()


def test_focal_of_gamma_zero_is_the_cross_entropy(engine, rng):
    logits, codes = engine.asarray(rng.normal(size=(20, 5))), engine.asarray(rng.integers(5, size=20))
    for got, want in zip(
        engine.nn_loss.focal(logits, codes, None, 0.0), engine.nn_loss.softmax_cross_entropy(logits, codes)
    ):
        np.testing.assert_allclose(engine.to_numpy(got), engine.to_numpy(want), rtol=1e-12, atol=1e-15)


def test_cross_entropy_agrees_with_scipy(engine, rng):
    logits, codes = rng.normal(size=(300, 100)) * 4, rng.integers(100, size=300)
    loss, gradient = engine.nn_loss.softmax_cross_entropy(engine.asarray(logits), engine.asarray(codes))
    np.testing.assert_allclose(float(loss), -special.log_softmax(logits, axis=1)[np.arange(300), codes].mean())
    want = (special.softmax(logits, axis=1) - np.eye(100)[codes]) / 300
    np.testing.assert_allclose(engine.to_numpy(gradient), want, atol=1e-15)


def test_losses_agree_with_torch(engine, rng):
    torch = pytest.importorskip("torch")
    F = torch.nn.functional
    logits, codes, target = rng.normal(size=(30, 6)), rng.integers(6, size=30), rng.uniform(size=(30, 6))
    theirs = {
        ("softmax_cross_entropy", 0.1): lambda z: F.cross_entropy(z, torch.tensor(codes), label_smoothing=0.1),
        ("binary_cross_entropy",): lambda z: F.binary_cross_entropy_with_logits(z, torch.tensor(target)),
        ("squared_error",): lambda z: F.mse_loss(z, torch.tensor(target)),
        ("huber", 0.4): lambda z: F.huber_loss(z, torch.tensor(target), delta=0.4),
        ("nll",): lambda z: F.nll_loss(z, torch.tensor(codes)),
    }
    for (name, *args), loss in theirs.items():
        z = torch.tensor(logits, requires_grad=True)
        loss(z).backward()
        of = codes if name in OF_CLASSES else target
        got = getattr(engine.nn_loss, name)(engine.asarray(logits), engine.asarray(of), None, *args)
        np.testing.assert_allclose(float(got[0]), loss(z).item(), err_msg=name)
        np.testing.assert_allclose(engine.to_numpy(got[1]), z.grad.numpy(), atol=1e-14, err_msg=name)


def test_sums_in_blocks_have_the_bits_of_one_thread(reference, rng):
    prediction, _, _, weight = problem(rng, 5000, 100)
    for name, target, args in cases(rng, 5000, 100):
        op = getattr(nn_loss, name)
        with config_context(n_threads=1):
            one, gradient = op(prediction, target, weight, *args)
        with config_context(n_threads=3):
            three, again = op(prediction, target, weight, *args)
        assert one == three, name
        np.testing.assert_array_equal(gradient, again, err_msg=name)
        np.testing.assert_allclose(one, getattr(reference.nn_loss, name)(prediction, target, weight, *args)[0])
