"""Learning rates over time: closed forms, PyTorch's, and going on from a saved state."""

import numpy as np
import pytest

from ghostflow_learn.neural import _schedulers as schedules


class Optimizer:
    """All that a schedule asks of one."""

    def __init__(self, lr=0.1):
        self.lr = lr


def rates(make, n_steps=30):
    optimizer = Optimizer()
    schedule = make(optimizer)
    seen = [optimizer.lr]
    for _ in range(n_steps):
        schedule.step()
        seen.append(optimizer.lr)
    return np.array(seen)


def test_steps():
    got = rates(lambda opt: schedules.StepLR(opt, 2, gamma=0.5), 5)
    np.testing.assert_allclose(got, [0.1, 0.1, 0.05, 0.05, 0.025, 0.025])


def test_exponential_decay():
    np.testing.assert_allclose(rates(lambda opt: schedules.ExponentialLR(opt, 0.5), 2), [0.1, 0.05, 0.025])


def test_half_a_cosine():
    got = rates(lambda opt: schedules.CosineAnnealingLR(opt, 10, min_lr=0.02), 10)
    np.testing.assert_allclose(got[[0, 5, 10]], [0.1, 0.06, 0.02])
    assert np.all(np.diff(got) < 0)


def test_warm_up_and_what_follows():
    np.testing.assert_allclose(rates(lambda opt: schedules.LinearWarmup(opt, 4), 5), [0, 0.025, 0.05, 0.075, 0.1, 0.1])
    got = rates(lambda opt: schedules.LinearWarmup(opt, 2, 0.5, lambda opt: schedules.ExponentialLR(opt, 0.1)), 4)
    np.testing.assert_allclose(got, [0.05, 0.075, 0.1, 0.01, 0.001])


def test_a_cycle_starts_low_peaks_and_ends_at_almost_nothing():
    got = rates(lambda opt: schedules.OneCycle(opt, 1.0, 20, div_factor=10, final_div_factor=100), 25)
    assert got[0] == pytest.approx(0.1)
    assert got.argmax() == 5
    assert got[5] == pytest.approx(1)
    np.testing.assert_allclose(got[19:], 0.001)


@pytest.mark.parametrize("warmup_fraction", [0.05, 0.999])
def test_a_cycle_whose_ends_are_short(warmup_fraction):
    got = rates(lambda opt: schedules.OneCycle(opt, 1.0, 20, warmup_fraction), 25)
    assert np.all(np.isfinite(got))
    assert 0.9 < got.max() <= 1


def test_a_plateau_reduces_the_rate_after_patience():
    optimizer = Optimizer()
    schedule = schedules.ReduceLROnPlateau(optimizer, factor=0.5, patience=1, cooldown=1, min_lr=0.03)
    seen = []
    for metric in [1.0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]:
        schedule.step(metric)
        seen.append(optimizer.lr)
    np.testing.assert_allclose(seen, [0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.03, 0.03, 0.03])


def test_a_plateau_of_a_score_and_of_nothing_but_nan():
    optimizer = Optimizer()
    schedule = schedules.ReduceLROnPlateau(optimizer, patience=0, lower_is_better=False)
    schedule.step(0.5)
    schedule.step(0.6)
    assert optimizer.lr == 0.1
    schedule.step(0.6)
    assert optimizer.lr == pytest.approx(0.01)
    schedule = schedules.ReduceLROnPlateau(optimizer, patience=0)
    schedule.step(np.nan)
    assert optimizer.lr == pytest.approx(0.001)


@pytest.mark.parametrize(
    "make",
    [
        lambda opt: schedules.StepLR(opt, 3),
        lambda opt: schedules.LinearWarmup(opt, 4, 0.1, lambda opt: schedules.CosineAnnealingLR(opt, 9)),
        lambda opt: schedules.OneCycle(opt, 1.0, 20),
    ],
)
def test_a_schedule_goes_on_from_its_state(make):
    want = rates(make, 12)
    before, after = Optimizer(), Optimizer(0.3)
    schedule = make(before)
    for _ in range(6):
        schedule.step()
    resumed = make(after)
    resumed.load_state_dict(schedule.state_dict())
    got = [after.lr]
    for _ in range(6):
        resumed.step()
        got.append(after.lr)
    np.testing.assert_allclose(got, want[6:])


def test_a_plateau_goes_on_from_its_state():
    first, second = Optimizer(), Optimizer(5.0)
    one, other = (schedules.ReduceLROnPlateau(opt, patience=1) for opt in (first, second))
    one.step(1.0)
    one.step(1.0)
    other.load_state_dict(one.state_dict())
    for schedule in (one, other):
        schedule.step(1.0)
    assert first.lr == second.lr == pytest.approx(0.01)


def test_parameters_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="step_size must be at least 1. Got 0"):
        schedules.StepLR(Optimizer(), 0)
    with pytest.raises(ValueError, match="warmup_fraction must lie between 0 and 1. Got 1"):
        schedules.OneCycle(Optimizer(), 1.0, 10, 1)
    with pytest.raises(ValueError, match="factor must lie between 0 and 1. Got 2"):
        schedules.ReduceLROnPlateau(Optimizer(), 2)
    with pytest.raises(TypeError, match="rate is a function of time. Got ReduceLROnPlateau"):
        schedules.LinearWarmup(Optimizer(), 2, after=schedules.ReduceLROnPlateau)


PAIRS = {
    "StepLR": (lambda opt: schedules.StepLR(opt, 4, 0.5), lambda t, opt: t.StepLR(opt, 4, 0.5)),
    "ExponentialLR": (lambda opt: schedules.ExponentialLR(opt, 0.9), lambda t, opt: t.ExponentialLR(opt, 0.9)),
    "CosineAnnealingLR": (
        lambda opt: schedules.CosineAnnealingLR(opt, 15, 0.01),
        lambda t, opt: t.CosineAnnealingLR(opt, 15, 0.01),
    ),
    "LinearWarmup": (lambda opt: schedules.LinearWarmup(opt, 5, 0.2), lambda t, opt: t.LinearLR(opt, 0.2, 1.0, 5)),
    "OneCycle": (
        lambda opt: schedules.OneCycle(opt, 0.7, 31),
        lambda t, opt: t.OneCycleLR(opt, 0.7, 31, cycle_momentum=False),
    ),
}


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.filterwarnings("ignore")
def test_rates_are_pytorchs(name):
    torch = pytest.importorskip("torch")
    ours, theirs = PAIRS[name]
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    schedule = theirs(torch.optim.lr_scheduler, optimizer)
    want = [optimizer.param_groups[0]["lr"]]
    for _ in range(30):
        optimizer.step()
        schedule.step()
        want.append(optimizer.param_groups[0]["lr"])
    np.testing.assert_allclose(rates(ours), want, rtol=1e-6, atol=1e-12)


@pytest.mark.filterwarnings("ignore")
def test_plateaus_are_pytorchs():
    torch = pytest.importorskip("torch")
    theirs = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    ours = Optimizer()
    one = schedules.ReduceLROnPlateau(ours, 0.5, 2, cooldown=1)
    other = torch.optim.lr_scheduler.ReduceLROnPlateau(theirs, factor=0.5, patience=2, cooldown=1)
    for metric in np.random.default_rng(0).normal(size=60).cumsum():
        one.step(metric)
        other.step(metric)
        assert ours.lr == pytest.approx(theirs.param_groups[0]["lr"])
