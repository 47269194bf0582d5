"""Losses: closed forms, weights, gradients, PyTorch's values, and messages."""

import pickle

import numpy as np
import pytest

from ghostflow_learn.neural import Tensor, nn

losses = nn.losses

PER_OUTPUT = {
    "mse": losses.MSELoss(),
    "mae": losses.MAELoss(),
    "huber": losses.HuberLoss(0.7),
    "poisson": losses.PoissonLoss(),
    "bce": losses.BCELoss(),
    "bce_with_logits": losses.BCEWithLogitsLoss(),
    "cosine": losses.CosineLoss(),
    "quantile": losses.QuantileLoss((0.1, 0.5, 0.9)),
}
PER_CLASS = {
    "cross_entropy": losses.CrossEntropyLoss(),
    "smoothed": losses.CrossEntropyLoss(smoothing=0.1),
    "class_weight": losses.CrossEntropyLoss(class_weight=np.array([1.0, 2.0, 3.0])),
    "focal": losses.FocalLoss(),
    "nll": losses.NLLLoss(class_weight=np.array([1.0, 2.0, 3.0])),
}
ALL = PER_OUTPUT | PER_CLASS
N = 12


def data(name, rng):
    """A prediction and a target that the loss takes, away from its kinks."""
    if name in PER_CLASS:
        z = rng.normal(size=(N, 3))
        return (z - np.log(np.exp(z).sum(axis=1, keepdims=True)) if name == "nll" else z), rng.integers(3, size=N)
    target = {"poisson": rng.poisson(2, (N, 3)), "quantile": rng.normal(size=N)}.get(name, rng.random((N, 3)))
    low, high = (0.05, 0.95) if name == "bce" else (-2, 2)
    return rng.uniform(low, high, (N, 3)), target.astype(float)


def value(loss, prediction, target, weight=None):
    return loss(Tensor(prediction), target, weight).item()


@pytest.mark.parametrize("name", ALL)
def test_gradient_is_that_of_the_value(name, rng):
    prediction, target = data(name, rng)
    weight, direction = rng.uniform(0.5, 2, N), rng.normal(size=prediction.shape)
    x = Tensor(prediction, requires_grad=True)
    ALL[name](x, target, weight).backward()
    step = 1e-6
    up, down = (value(ALL[name], prediction + s * step * direction, target, weight) for s in (1, -1))
    np.testing.assert_allclose((x.grad * direction).sum(), (up - down) / (2 * step), rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("name", ALL)
def test_a_weight_of_two_is_two_samples_and_of_zero_none(name, rng):
    prediction, target = data(name, rng)
    weight = rng.integers(3, size=N)
    rows = np.repeat(np.arange(N), weight)
    got = value(ALL[name], prediction, target, weight.astype(float))
    np.testing.assert_allclose(got, value(ALL[name], prediction[rows], target[rows]), rtol=1e-10)


@pytest.mark.parametrize("name", ALL)
def test_float32_stays_float32(name, rng):
    prediction, target = data(name, rng)
    x = Tensor(prediction.astype(np.float32), requires_grad=True)
    loss = ALL[name](x, target, np.ones(N))
    loss.backward()
    assert x.grad.dtype == np.float32
    np.testing.assert_allclose(loss.item(), value(ALL[name], prediction, target), rtol=1e-4)


def test_closed_forms():
    two = np.array([[1.0], [3.0]])
    assert value(losses.MSELoss(), two, np.zeros((2, 1))) == pytest.approx(5)
    assert value(losses.MAELoss(), two, np.zeros((2, 1))) == pytest.approx(2)
    assert value(losses.HuberLoss(), two, np.zeros((2, 1))) == pytest.approx((0.5 + 2.5) / 2)
    assert value(losses.QuantileLoss(0.9), two, np.array([2.0, 2.0])) == pytest.approx((0.9 + 0.1) / 2)
    assert value(losses.CrossEntropyLoss(), np.zeros((2, 4)), np.array([0, 3])) == pytest.approx(np.log(4))
    assert value(losses.FocalLoss(gamma=1), np.zeros((2, 4)), np.array([0, 3])) == pytest.approx(0.75 * np.log(4))
    assert value(losses.CosineLoss(), np.array([[1.0, 0.0], [1.0, 1.0]]), np.array([[0.0, 2.0], [3.0, 3.0]])) == (
        pytest.approx(0.5)
    )


def test_focal_loss_without_focus_is_cross_entropy(rng):
    z, target = data("focal", rng)
    assert value(losses.FocalLoss(gamma=0), z, target) == pytest.approx(value(losses.CrossEntropyLoss(), z, target))


def test_probabilities_as_the_target_are_codes_where_they_are_certain(rng):
    z, target = data("cross_entropy", rng)
    loss = losses.CrossEntropyLoss(smoothing=0.2)
    assert value(loss, z, np.eye(3)[target]) == pytest.approx(value(loss, z, target))


def test_bce_stays_finite_where_it_is_certain_and_wrong():
    assert np.isfinite(value(losses.BCELoss(), np.array([[0.0], [1.0]]), np.array([[1.0], [0.0]])))
    assert value(losses.BCEWithLogitsLoss(), np.array([[-800.0]]), np.array([[1.0]])) == pytest.approx(800)


def test_triplets(rng):
    anchor, positive, negative = rng.normal(size=(3, N, 4))
    gaps = np.linalg.norm(anchor - positive, axis=1) - np.linalg.norm(anchor - negative, axis=1) + 0.5
    got = losses.TripletLoss(margin=0.5)(Tensor(anchor), Tensor(positive), Tensor(negative))
    np.testing.assert_allclose(got.item(), np.maximum(gaps, 0).mean(), rtol=1e-4)
    x = Tensor(anchor, requires_grad=True)
    losses.TripletLoss()(x, x, Tensor(negative)).backward()
    assert np.all(np.isfinite(x.grad))


def test_a_loss_is_found_by_name_and_pickles():
    assert losses.get_loss("huber", delta=2.0).delta == 2
    assert isinstance(losses.get_loss(losses.MSELoss), losses.MSELoss)
    assert repr(pickle.loads(pickle.dumps(losses.FocalLoss(1.5)))) == "FocalLoss(gamma=1.5, class_weight=None)"


def test_messages(rng):
    z, target = data("cross_entropy", rng)
    with pytest.raises(ValueError, match=r"The prediction has \(12, 3\), the target \(12,\)"):
        value(losses.MSELoss(), z, np.zeros(N))
    with pytest.raises(ValueError, match="class codes must lie in 0 to 2. Got 0 to 7"):
        value(losses.CrossEntropyLoss(), z, np.array([7] + [0] * (N - 1)))
    with pytest.raises(ValueError, match="integer class codes"):
        value(losses.NLLLoss(), z, np.zeros(N))
    with pytest.raises(ValueError, match="class_weight needs class codes"):
        value(losses.CrossEntropyLoss(class_weight=np.ones(3)), z, np.eye(3)[target])
    with pytest.raises(ValueError, match="smoothing must lie in"):
        losses.CrossEntropyLoss(smoothing=1)
    with pytest.raises(ValueError, match="delta must be positive. Got 0"):
        losses.HuberLoss(0)
    with pytest.raises(ValueError, match="levels must lie between 0 and 1. Got 1.5"):
        losses.QuantileLoss(1.5)
    with pytest.raises(ValueError, match="gamma must not be negative. Got -1"):
        losses.FocalLoss(-1)
    with pytest.raises(ValueError, match=r"prediction of shape \(12, 2\)"):
        value(losses.QuantileLoss((0.1, 0.9)), z, np.zeros(N))
    with pytest.raises(ValueError, match="Got 'mes' instead. Did you mean 'mse'?"):
        losses.get_loss("mes")
    with pytest.raises(TypeError, match="criterion must be"):
        losses.get_loss(3)
    with pytest.raises(ValueError, match="need a class of losses"):
        losses.get_loss(losses.HuberLoss(), delta=2.0)


def pytorchs(torch, name, z, y):
    f = torch.nn.functional
    return {
        "mse": lambda: f.mse_loss(z, y),
        "mae": lambda: f.l1_loss(z, y),
        "huber": lambda: f.huber_loss(z, y, delta=0.7),
        "bce": lambda: f.binary_cross_entropy(z, y),
        "bce_with_logits": lambda: f.binary_cross_entropy_with_logits(z, y),
        "cosine": lambda: (1 - f.cosine_similarity(z, y)).mean(),
        "poisson": lambda: f.poisson_nll_loss(z, y) - (y - torch.xlogy(y, y)).mean(),
        "cross_entropy": lambda: f.cross_entropy(z, y),
        "smoothed": lambda: f.cross_entropy(z, y, label_smoothing=0.1),
        "class_weight": lambda: f.cross_entropy(z, y, weight=torch.tensor([1.0, 2.0, 3.0], dtype=z.dtype)),
        "nll": lambda: f.nll_loss(z, y, weight=torch.tensor([1.0, 2.0, 3.0], dtype=z.dtype)),
    }[name]()


@pytest.mark.parametrize("name", sorted(set(ALL) - {"quantile", "focal"}))
def test_values_and_gradients_are_pytorchs(name, rng):
    torch = pytest.importorskip("torch")
    prediction, target = data(name, rng)
    x, z = Tensor(prediction, requires_grad=True), torch.tensor(prediction, requires_grad=True)
    ours, theirs = ALL[name](x, target), pytorchs(torch, name, z, torch.tensor(target))
    ours.backward()
    theirs.backward()
    np.testing.assert_allclose(ours.item(), theirs.item(), rtol=1e-6)
    np.testing.assert_allclose(x.grad, z.grad.numpy(), rtol=1e-6, atol=1e-10)


def test_triplets_are_pytorchs(rng):
    torch = pytest.importorskip("torch")
    arrays = rng.normal(size=(3, N, 4))
    ours = losses.TripletLoss()(*map(Tensor, arrays)).item()
    assert ours == pytest.approx(torch.nn.TripletMarginLoss()(*map(torch.tensor, arrays)).item())
