"""Optimizers: closed forms, PyTorch's first steps, groups, clipping, state, and problems they solve."""

import copy
import pickle

import numpy as np
import pytest

from ghostflow_learn._engine import get_engine
from ghostflow_learn.neural import nn, optim

MAKERS = {
    "sgd": lambda m: optim.SGD(m, 0.1),
    "decayed": lambda m: optim.SGD(m, 0.1, weight_decay=0.1),
    "momentum": lambda m: optim.SGD(m, 0.1, momentum=0.9),
    "nesterov": lambda m: optim.SGD(m, 0.1, momentum=0.9, nesterov=True, weight_decay=0.1),
    "adam": lambda m: optim.Adam(m, 0.1, weight_decay=0.1),
    "amsgrad": lambda m: optim.AMSGrad(m, 0.1),
    "adamw": lambda m: optim.AdamW(m, 0.1, weight_decay=0.3),
    "rmsprop": lambda m: optim.RMSprop(m, 0.01, momentum=0.5, weight_decay=0.1),
    "plain_rmsprop": lambda m: optim.RMSprop(m, 0.01),
    "lamb": lambda m: optim.LAMB(m, 0.1, weight_decay=0.1),
    "lars": lambda m: optim.LARS(m, 0.2, trust=0.1, weight_decay=0.01),
    "lbfgs": lambda m: optim.LBFGS(m, max_iter=3),
}
PYTORCHS = {
    "sgd": lambda o, p: o.SGD(p, 0.1),
    "decayed": lambda o, p: o.SGD(p, 0.1, weight_decay=0.1),
    "momentum": lambda o, p: o.SGD(p, 0.1, momentum=0.9),
    "nesterov": lambda o, p: o.SGD(p, 0.1, momentum=0.9, nesterov=True, weight_decay=0.1),
    "adam": lambda o, p: o.Adam(p, 0.1, weight_decay=0.1),
    "amsgrad": lambda o, p: o.Adam(p, 0.1, amsgrad=True),
    "adamw": lambda o, p: o.AdamW(p, 0.1, weight_decay=0.3),
    "rmsprop": lambda o, p: o.RMSprop(p, 0.01, momentum=0.5, weight_decay=0.1),
    "plain_rmsprop": lambda o, p: o.RMSprop(p, 0.01),
}


class Problem:
    """A small regression by two layers, and how to take steps on it."""

    def __init__(self, make, dtype="float64"):
        rng = np.random.default_rng(0)
        self.X, self.y = rng.normal(size=(20, 3)).astype(dtype), rng.normal(size=(20, 2)).astype(dtype)
        self.model = nn.Sequential(nn.Linear(5, activation="tanh"), nn.Linear(2)).seed(0)
        self.model(self.X)
        self.optimizer = make(self.model)

    def loss(self):
        return nn.MSELoss()(self.model(self.X), self.y)

    def closure(self):
        self.optimizer.zero_grad()
        loss = self.loss()
        loss.backward()
        return loss

    def step(self, n_steps=1):
        for _ in range(n_steps):
            if self.optimizer.needs_closure:
                self.optimizer.step(self.closure)
            else:
                self.closure()
                self.optimizer.step()
        return self

    def values(self):
        return [p.numpy().copy() for p in self.model.parameters()]


def assert_same(got, want, rtol=0.0):
    for g, w in zip(got, want, strict=True):
        np.testing.assert_allclose(g, w, rtol=rtol, atol=rtol)


def pytorchs_copy(torch, problem):
    parameters = [torch.tensor(value, requires_grad=True) for value in problem.values()]
    X, y = torch.tensor(problem.X), torch.tensor(problem.y)

    def loss():
        W, b, V, c = parameters
        return ((torch.tanh(X @ W + b) @ V + c - y) ** 2).mean()

    return parameters, loss


@pytest.mark.parametrize("name", PYTORCHS)
def test_three_steps_are_pytorchs(name, dtype):
    torch = pytest.importorskip("torch")
    problem = Problem(MAKERS[name], dtype)
    parameters, loss = pytorchs_copy(torch, problem)
    theirs = PYTORCHS[name](torch.optim, parameters)
    for _ in range(3):
        theirs.zero_grad()
        loss().backward()
        theirs.step()
        problem.step()
    want = [p.detach().numpy() for p in parameters]
    assert_same(problem.values(), want, rtol={"float32": 2e-5, "float64": 1e-9}[dtype.name])


def test_lbfgs_without_a_line_search_is_pytorchs():
    torch = pytest.importorskip("torch")
    problem = Problem(lambda m: optim.LBFGS(m, lr=0.5, max_iter=7, line_search=False))
    parameters, loss = pytorchs_copy(torch, problem)
    theirs = torch.optim.LBFGS(parameters, lr=0.5, max_iter=7, history_size=10)

    def closure():
        theirs.zero_grad()
        value = loss()
        value.backward()
        return value

    theirs.step(closure)
    problem.step()
    assert_same(problem.values(), [p.detach().numpy() for p in parameters], rtol=1e-8)


def test_lamb_and_lars_step_by_parts_of_the_norm():
    w, g = np.array([3.0, 4.0]), np.array([0.5, -2.0])

    def stepped(make):
        p = nn.Parameter(w.copy())
        optimizer = make([p])
        (p * g).sum().backward()
        optimizer.step()
        return p.numpy()

    update = np.sign(g)  # the first step of Adam, but for eps
    want = w - 0.1 * 5 / np.linalg.norm(update) * update
    np.testing.assert_allclose(stepped(lambda p: optim.LAMB(p, 0.1, eps=1e-12)), want, rtol=1e-9)
    want = w - 0.2 * 0.01 * 5 / np.linalg.norm(g) * g
    np.testing.assert_allclose(stepped(lambda p: optim.LARS(p, 0.2, trust=0.01)), want, rtol=1e-6)


@pytest.mark.parametrize("rule", [optim.LAMB, optim.LARS])
def test_a_tensor_or_gradient_of_zeros_is_trusted_fully(rule):
    at_zero, flat = nn.Parameter(np.zeros(2)), nn.Parameter(np.array([3.0, 4.0]))
    optimizer = rule([at_zero, flat], 0.1, weight_decay=0.5)
    g = np.array([0.5, -2.0])
    ((at_zero * g).sum() + (flat * 0.0).sum()).backward()
    optimizer.step()
    want = -0.1 * (np.sign(g) if rule is optim.LAMB else g)
    np.testing.assert_allclose(at_zero.numpy(), want, rtol=1e-5)
    part = 0.9 if rule is optim.LAMB else 0.95  # decay alone moves it: LAMB by lr of its norm, LARS by lr * decay
    np.testing.assert_allclose(flat.numpy(), part * np.array([3.0, 4.0]), rtol=1e-5)


@pytest.mark.parametrize("name", MAKERS)
def test_it_goes_on_from_its_state_its_pickle_and_its_copy(name):
    first = Problem(MAKERS[name]).step(3)
    state, values = pickle.loads(pickle.dumps(first.optimizer.state_dict())), first.model.state_dict()
    pickled, copied = pickle.loads(pickle.dumps(first)), copy.deepcopy(first)
    resumed = Problem(MAKERS[name])
    resumed.model.load_state_dict(values)
    resumed.optimizer.load_state_dict(state)
    want = first.step(2).values()
    for other in (resumed, pickled, copied):
        assert other.model is not first.model
        assert_same(other.step(2).values(), want, rtol=1e-12)


@pytest.mark.parametrize("name", MAKERS)
def test_the_loss_falls(name):
    problem = Problem(MAKERS[name])
    before = problem.loss().item()
    assert problem.step(30).loss().item() < 0.9 * before


def test_lbfgs_solves_a_quadratic_and_an_awkward_valley():
    x = nn.Parameter(np.array([-1.2, 1.0]))
    optimizer = optim.LBFGS([x], max_iter=200, tol_change=1e-14)

    def rosenbrock():
        optimizer.zero_grad()
        loss = (1.0 - x[0]) ** 2 + 100.0 * (x[1] - x[0] ** 2) ** 2
        loss.backward()
        return loss

    optimizer.step(rosenbrock)
    np.testing.assert_allclose(x.numpy(), [1, 1], rtol=1e-5)


def test_lbfgs_with_weight_decay_is_ridge(rng):
    X, y = rng.normal(size=(30, 4)), rng.normal(size=(30, 1))
    model = nn.Linear(4, 1, bias=False, dtype="float64").seed(0)
    optimizer = optim.LBFGS(model, max_iter=100, weight_decay=0.3, tol_change=1e-15)

    def closure():
        optimizer.zero_grad()
        loss = nn.MSELoss()(model(X), y)
        loss.backward()
        return loss

    optimizer.step(closure)
    want = np.linalg.solve(X.T @ X + 0.3 * 15 * np.eye(4), X.T @ y)
    np.testing.assert_allclose(model.W.numpy(), want, rtol=1e-5)


def test_groups_have_rates_and_decays_of_their_own():
    model = nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.Linear(4, 2))
    groups = [
        {"params": [], "lr": 7.0},
        {"kind": "bias", "lr_factor": 2.0, "weight_decay": 0.0},
        {"kind": "norm", "lr": 0.05},
    ]
    optimizer = optim.SGD(model, 0.1, weight_decay=0.5, groups=groups)
    before = {name: p.numpy().copy() for name, p in model.named_parameters()}
    for p in model.parameters():
        p.receive(np.ones(p.shape, p.dtype))
    optimizer.lr = 0.2  # the ratios stay
    optimizer.step()
    for name, p in model.named_parameters():
        lr, decay = {"weight": (0.2, 0.5), "bias": (0.4, 0), "norm": (0.1, 0.5)}[p.kind]
        np.testing.assert_allclose(p.numpy(), before[name] - lr * (1 + decay * before[name]), rtol=1e-5, atol=1e-6)
    assert len(optimizer._ranges) == 3


def test_gradients_are_clipped_by_value_then_by_norm():
    p = nn.Parameter(np.zeros(2))
    optimizer = optim.SGD([p], 1.0, clip_value=3.0, clip_norm=1.0)
    (p * np.array([3.0, 40.0])).sum().backward()
    optimizer.step()
    np.testing.assert_allclose(p.numpy(), -np.array([1, 1]) / np.sqrt(2), rtol=1e-5)


def test_clipping_by_hand_is_pytorchs(rng):
    torch = pytest.importorskip("torch")
    model = nn.Linear(3, 2, dtype="float64").seed(0)
    optim.SGD(model)
    theirs = []
    for p in model.parameters():
        p.receive(rng.normal(size=p.shape))
        theirs.append(torch.nn.Parameter(torch.tensor(p.numpy())))
        theirs[-1].grad = torch.tensor(p.grad.copy())
    norm = optim.clip_grad_norm(model, 0.7)
    assert float(norm) == pytest.approx(torch.nn.utils.clip_grad_norm_(theirs, 0.7).item())
    optim.clip_grad_value(model, 0.2)
    torch.nn.utils.clip_grad_value_(theirs, 0.2)
    for p, other in zip(model.parameters(), theirs):
        np.testing.assert_allclose(p.grad, other.grad.numpy(), rtol=1e-6)


def test_gradients_of_two_batches_add_up():
    once, twice = Problem(MAKERS["sgd"]), Problem(MAKERS["sgd"])
    once.step()
    twice.optimizer.zero_grad()
    for _ in range(2):
        (twice.loss() * 0.5).backward()
    twice.optimizer.step()
    assert_same(twice.values(), once.values(), rtol=1e-12)


def test_a_parameter_without_a_gradient_is_left_where_it_is():
    problem = Problem(MAKERS["momentum"])
    problem.optimizer.zero_grad()
    problem.loss().backward()
    other = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    optimizer = optim.SGD(other, 1.0)
    before = other[1].W.numpy().copy()
    other[0](np.ones((1, 2), np.float32)).sum().backward()
    optimizer.step()
    np.testing.assert_array_equal(other[1].W.numpy(), before)


@pytest.mark.parametrize("name", sorted(set(MAKERS) - {"lbfgs"}))
def test_steps_on_a_gpu_are_those_of_the_cpu(on_gpu, name):
    host, device = Problem(MAKERS[name], "float32"), Problem(MAKERS[name], "float32")
    host.step(2)
    device.step()
    device.model.pack(get_engine(on_gpu(device.X)))  # in the middle of it
    device.X, device.y = on_gpu(device.X), on_gpu(device.y)
    device.step()
    assert_same(device.values(), host.values(), rtol=1e-4)


def test_messages():
    with pytest.raises(ValueError, match="lr must be positive. Got 0"):
        optim.SGD(nn.Linear(2, 1), 0)
    with pytest.raises(ValueError, match="weight_decay must not be negative. Got -1"):
        optim.SGD(nn.Linear(2, 1), weight_decay=-1)
    with pytest.raises(ValueError, match="nesterov=True needs momentum"):
        optim.SGD(nn.Linear(2, 1), nesterov=True)
    with pytest.raises(ValueError, match=r"betas\[1\] must lie in \[0, 1\). Got 1"):
        optim.Adam(nn.Linear(2, 1), betas=(0.9, 1))
    with pytest.raises(ValueError, match="eps must be positive. Got 'small'"):
        optim.Adam(nn.Linear(2, 1), eps="small")
    with pytest.raises(RuntimeError, match="Call the module once with a batch first"):
        optim.Adam(nn.Linear(2))
    with pytest.raises(TypeError, match="needs a Module or a list of Parameters"):
        optim.Adam([])
    model = nn.Linear(2, 1)
    optim.Adam(model)
    with pytest.raises(ValueError, match="packed into the arrays of another"):
        optim.Adam(model.parameters())
    with pytest.raises(ValueError, match="A group has either params or kind"):
        optim.Adam(model, groups=[{"learning_rate": 1}])
    with pytest.raises(ValueError, match="not one of the module's"):
        optim.Adam(model, groups=[{"params": [nn.Parameter(np.ones(1))]}])
    with pytest.raises(KeyError, match="the state has"):
        optim.SGD(model).load_state_dict({"t": 1, "lr": 0.1, "m": np.zeros(16)})
    with pytest.raises(ValueError, match="the module needs"):
        optim.Adam(model).load_state_dict({"t": 1, "lr": 0.1, "m": np.zeros(3)})
