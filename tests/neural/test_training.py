"""The fit loop without an estimator: means over batches, gradient accumulation by hand, inference, snapshots."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from ghostflow_learn._engine import get_engine
from ghostflow_learn.neural import DataLoader, Tensor, nn, optim
from ghostflow_learn.neural import _training as training


def problem(rng, n=50, weight=None, X=None):
    X = rng.normal(size=(n, 3)) if X is None else X
    y = rng.normal(size=(n, 1))
    model = nn.Sequential(nn.Linear(8, activation="tanh"), nn.BatchNorm1d(), nn.Linear(1)).seed(0)
    model(rng.normal(size=(4, 3)))
    optimizer = optim.SGD(model, 1e-12)
    samples = training.Samples(get_engine(X), X, y, weight)
    return training.Task(model, model, nn.MSELoss()), optimizer, samples


@pytest.mark.parametrize("weighted", [False, True])
def test_the_loss_of_an_epoch_is_the_mean_over_samples(rng, weighted):
    weight = rng.uniform(0.1, 3, 50) if weighted else None
    task, optimizer, samples = problem(rng, weight=weight)
    task = training.Task(task.module.layers[0], task.module.layers[0], lambda p, y, w: nn.MSELoss()(p[:, :1], y, w))
    got = training.train_epoch(task, optimizer, DataLoader(samples, 16, shuffle=True, random_state=0))
    want = task.loss_of(task.forward(samples.X), samples.others[0], weight).item()
    assert got == pytest.approx(want)
    assert training.evaluate(task, samples, 7) == pytest.approx(want)


def test_training_switches_modes(rng):
    task, optimizer, samples = problem(rng)
    modes = []
    task = task._replace(forward=lambda X: modes.append(task.module.training) or task.module(X))
    training.train_epoch(task, optimizer, DataLoader(samples, 30))
    training.evaluate(task, samples, 30)
    assert modes == [True, True, False, False]


def test_hooks_see_gradients_before_the_step_and_the_step_after(rng):
    task, optimizer, samples = problem(rng)
    optimizer.lr = 0.1
    seen = []
    training.train_epoch(
        task,
        optimizer,
        DataLoader(samples, 50),
        lambda: seen.append((optimizer.t, np.abs(task.module.flat_grad).max() > 0)),
        lambda: seen.append(optimizer.t),
    )
    assert seen == [(0, True), 1]


@pytest.mark.parametrize("weighted", [False, True])
def test_accumulated_gradients_are_those_of_one_batch(rng, weighted):
    X, y = rng.normal(size=(50, 3)), rng.normal(size=(50, 1))
    weight = rng.uniform(0.1, 3, 50) if weighted else None

    def trained(batch_size, accumulate):
        """Parameters, loss and the number of steps after each of them."""
        model, steps = nn.MLP(1, (8,), "tanh").seed(0), []
        model(X)
        optimizer = optim.Adam(model, 0.01)
        task, samples = training.Task(model, model, nn.MSELoss()), training.Samples(get_engine(X), X, y, weight)
        hooks = (None, lambda: steps.append(optimizer.t))
        loss = training.train_epoch(task, optimizer, DataLoader(samples, batch_size), *hooks, accumulate)
        return model.flat.copy(), loss, steps

    whole, parts, small = trained(24, 1), trained(8, 3), trained(8, 1)
    np.testing.assert_allclose(parts[0], whole[0], rtol=1e-9, atol=1e-12)
    assert parts[1:] == (pytest.approx(whole[1]), [1, 2, 3])
    assert whole[2] == [1, 2, 3] and small[2] == [1, 2, 3, 4, 5, 6, 7]
    assert np.abs(small[0] - whole[0]).max() > 1e-3


def test_an_epoch_learns(rng):
    task, optimizer, samples = problem(rng)
    optimizer.lr = 0.1
    losses = [training.train_epoch(task, optimizer, DataLoader(samples, 10)) for _ in range(20)]
    assert losses[-1] < 0.7 * losses[0]


def test_lbfgs_takes_its_steps_by_closure(rng):
    task, _, samples = problem(rng)
    model = nn.Sequential(nn.Linear(1)).seed(0)
    model(samples.X)
    task = training.Task(model, model, nn.MSELoss())
    training.train_epoch(task, optim.LBFGS(model, max_iter=50), DataLoader(samples, None))
    A = np.column_stack([samples.X, np.ones(50)])
    want = ((samples.others[0] - A @ np.linalg.lstsq(A, samples.others[0])[0]) ** 2).mean()
    assert training.evaluate(task, samples, None) == pytest.approx(want, rel=1e-6)


def test_inference_is_the_same_in_any_batches_and_for_sparse_rows(rng):
    X = rng.normal(size=(20, 3)) * (rng.random((20, 3)) < 0.5)
    task, _, samples = problem(rng, X=X)
    task.module.eval()
    want = task.module(X).numpy()
    for size in (1, 7, 20, None):
        np.testing.assert_allclose(training.infer(task.forward, samples, size), want, rtol=1e-12)
    sparse = training.Samples(samples.engine, csr_matrix(X))
    np.testing.assert_allclose(training.infer(task.forward, sparse, 6), want, rtol=1e-12)
    assert training.infer(task.forward, training.Samples(samples.engine, X[:0]), 6).shape == (0, 1)


def test_a_snapshot_brings_back_parameters_and_buffers(rng):
    task, optimizer, samples = problem(rng)
    optimizer.lr = 0.5
    before, values = task.module.state_dict(), training.snapshot(task.module)
    training.train_epoch(task, optimizer, DataLoader(samples, 10))
    after = task.module.state_dict()
    assert all((after[name] != before[name]).any() for name in before)
    training.restore(task.module, values)
    for name, value in task.module.state_dict().items():
        np.testing.assert_array_equal(value, before[name])


def test_a_loss_that_is_no_number_is_refused(rng):
    task, optimizer, samples = problem(rng)
    each = task._replace(loss_of=lambda p, y, w: (p - y) ** 2)
    with pytest.raises(ValueError, match=r"Tensor of one number, to be differentiated. Got a Tensor of shape \(50"):
        training.train_epoch(each, optimizer, DataLoader(samples, None))
    with pytest.raises(ValueError, match="Got 1.0"):
        training.train_epoch(task._replace(loss_of=lambda p, y, w: 1.0), optimizer, DataLoader(samples, None))


@pytest.mark.parametrize("loss", [np.nan, np.inf])
def test_divergence_says_where_and_what_to_try(loss, rng):
    with pytest.raises(ValueError, match=rf"loss is {loss} in epoch 3: training has diverged. Lower lr=0.5"):
        training.require_finite(loss, 3, optim.SGD(nn.Linear(2, 1), 0.5))


def test_rows_are_tensors_of_the_engine(rng):
    samples = training.Samples(get_engine(), rng.normal(size=(5, 2)), np.arange(5))
    X, y, weight = samples[np.array([3, 1])]
    assert isinstance(X, Tensor)
    assert y.tolist() == [3, 1]
    assert weight is None
