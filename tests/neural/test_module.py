"""Modules: what they find in their attributes, their flat arrays, their state, their seeds."""

import copy
import pickle

import numpy as np
import pytest

from ghostflow_learn.neural import Tensor, checkpoint, grad
from ghostflow_learn.neural import functional as F
from ghostflow_learn.neural._modes import is_recomputing, replayed
from ghostflow_learn.neural.nn import Buffer, Module, Parameter


class Affine(Module):
    def __init__(self, n_out):
        self.n_out = n_out

    def build(self, x):
        self.W = Parameter(self.rng.standard_normal((x.shape[-1], self.n_out)))
        self.b = Parameter(np.zeros(self.n_out), kind="bias")

    def forward(self, x):
        return x @ self.W + self.b


class Net(Module):
    def __init__(self):
        self.layers = [Affine(4), Affine(2)]
        self.heads = {"gain": Parameter(np.ones(2), kind="norm")}
        self.seen = Buffer(np.zeros(1))

    def forward(self, x):
        for layer in self.layers:
            x = F.arctan(layer(x))
        return x * self.heads["gain"]


NAMES = ["layers.0.W", "layers.0.b", "layers.1.W", "layers.1.b", "heads.gain"]


@pytest.fixture
def X(rng):
    return rng.standard_normal((5, 3))


@pytest.fixture
def net(X):
    net = Net().seed(0)
    net(X)
    return net


def test_parameters_are_found_in_attributes_lists_and_dicts(net):
    assert [name for name, _ in net.named_parameters()] == NAMES
    assert [name for name, _ in net.named_modules()] == ["", "layers.0", "layers.1"]
    assert [name for name, _ in net.named_buffers()] == ["seen"]
    assert len(net.buffers()) == 1 and len(net.modules()) == 3


def test_a_shared_parameter_is_found_once_and_gets_both_gradients(X):
    net = Net().seed(0)
    net.layers = [Affine(3), Affine(3)]
    net.heads = {"gain": Parameter(np.ones(3), kind="norm")}
    net(X)
    net.layers[1].W = net.layers[0].W
    assert len(net.parameters()) == 4
    net(X).sum().backward()
    loose = net.layers[0].W.grad.copy()
    net.zero_grad()
    net.pack()
    net(X).sum().backward()
    np.testing.assert_allclose(net.layers[0].W.grad, loose)


def test_a_module_is_built_once_by_its_first_batch(X):
    layer = Affine(2).seed(1)
    assert layer.parameters() == []
    layer(X)
    W = layer.W
    layer(X)
    assert layer.W is W and W.shape == (3, 2)


def test_one_seed_one_model_and_every_module_has_its_own(X):
    first, second = Net().seed(3), Net().seed(3)
    np.testing.assert_array_equal(first(X).data, second(X).data)
    assert len({module.own_seed for module in first.modules()}) == 3
    assert Affine(2).own_seed != Affine(2).own_seed


def test_packed_parameters_and_gradients_are_views_of_two_arrays(net, X):
    want = net.state_dict()
    net(X).sum().backward()
    before = {name: p.grad.copy() for name, p in net.named_parameters()}
    net.zero_grad()
    assert net.pack() is net
    for name, p in net.named_parameters():
        assert np.shares_memory(p.data, net.flat) and p.span.start % 16 == 0 and p.fresh
        np.testing.assert_array_equal(p.data, want[name])
        np.testing.assert_array_equal(net.flat[p.span], want[name].ravel())
    net(X).sum().backward()
    for name, p in net.named_parameters():
        assert p.grad is p.slot and np.shares_memory(p.slot, net.flat_grad)
        np.testing.assert_allclose(p.grad, before[name])
    net.flat -= 0.1 * net.flat_grad
    np.testing.assert_allclose(net.layers[0].b.data, -0.1 * before["layers.0.b"])


def test_kinds_are_neighbours_in_the_flat_array(net):
    net.pack()
    kinds = [p.kind for p in sorted(net.parameters(), key=lambda p: p.span.start)]
    assert kinds == ["weight", "weight", "bias", "bias", "norm"]
    used = np.zeros(net.flat.size, bool)
    for p in net.parameters():
        used[p.span] = True
    assert used.sum() == 12 + 4 + 8 + 2 + 2 and not net.flat[~used].any()


def test_the_first_gradient_overwrites_and_later_ones_add(net, X):
    net.pack()
    net.flat_grad[:] = np.nan
    net(X).sum().backward()
    once = net.settle_grad()[net.layers[0].W.span].copy()
    net(X).sum().backward()
    np.testing.assert_allclose(net.flat_grad[net.layers[0].W.span], 2 * once)
    net.zero_grad()
    assert net.layers[0].W.grad is None
    (net.layers[1].b * 1.0).sum().backward()
    settled = net.settle_grad()
    assert not settled[net.layers[0].W.span].any() and settled[net.layers[1].b.span].all()


def test_a_module_notices_that_its_parameters_were_packed_elsewhere(net):
    net.pack()
    net.layers[0].pack()
    with pytest.raises(RuntimeError, match="this Net have moved into the flat arrays of another module"):
        net.settle_grad()
    net.pack().settle_grad()
    assert net.engine is net.layers[0].W.engine


def test_gradients_that_were_there_survive_packing(net, X):
    net(X).sum().backward()
    want = net.layers[0].W.grad.copy()
    net.pack()
    np.testing.assert_array_equal(net.layers[0].W.grad, want)


def test_pack_says_what_it_lacks(X):
    with pytest.raises(RuntimeError, match="not been called yet: layers.0, layers.1. Call the module once"):
        Net().pack()
    with pytest.raises(ValueError, match="Module has no parameters"):
        Module().pack()
    mixed = Net()
    mixed(X)
    mixed.heads["gain"] = Parameter(np.ones(2, np.float32), kind="norm")
    with pytest.raises(TypeError, match="one dtype; got float32, float64"):
        mixed.pack()
    with pytest.raises(ValueError, match="kind must be one of weight, bias, norm; got 'scale'"):
        Parameter(np.ones(1), kind="scale")


def test_second_derivatives_of_packed_parameters_come_from_grad(net, X):
    net.pack()
    W = net.layers[0].W
    penalty = (grad((net(X) ** 2).sum(), W, create_graph=True) ** 2).sum()
    penalty.backward()
    assert W.grad.any()
    with pytest.raises(RuntimeError, match="Use grad.output, inputs, create_graph=True."):
        net(X).sum().backward(create_graph=True)


def test_state_goes_out_and_comes_back(net, X):
    state = net.state_dict()
    assert list(state) == [*NAMES, "seen"]
    other = Net().seed(1)
    other(X)
    other.pack()
    assert other.load_state_dict(state) is other
    np.testing.assert_array_equal(other(X).data, net(X).data)
    assert np.shares_memory(other.layers[0].W.data, other.flat)
    state["seen"][0] = 7
    assert net.seen.data[0] == 0


def test_a_state_that_does_not_fit_changes_nothing(net):
    before = net.state_dict()
    state = net.state_dict() | {"layers.0.W": np.ones((2, 4)), "layers.0.b": np.ones(4)}
    with pytest.raises(ValueError, match=r"layers.0.W has shape \(2, 4\) in state; here it is \(3, 4\)"):
        net.load_state_dict(state)
    np.testing.assert_array_equal(net.layers[0].b.data, before["layers.0.b"])
    with pytest.raises(ValueError, match="missing .., unknown .'layers.0.W.*Call the module once"):
        Net().load_state_dict(before)
    del state["seen"]
    with pytest.raises(ValueError, match="missing .'seen'., unknown .."):
        net.load_state_dict(state)


def test_copies_and_pickles_stand_alone(net, X):
    net.pack()
    for twin in (pickle.loads(pickle.dumps(net)), copy.deepcopy(net)):
        assert twin.flat is None and twin.layers[0].W.slot is None
        np.testing.assert_array_equal(twin(X).data, net(X).data)
        twin.pack()
        twin.flat += 1
    assert [p.kind for p in twin.parameters()] == [p.kind for p in net.parameters()]
    assert net.heads["gain"].data[0] == 1


def test_training_is_switched_everywhere(net):
    assert net.training
    assert net.eval() is net and not any(module.training for module in net.modules())
    net.train()
    assert all(module.training for module in net.modules())


def test_hooks_see_a_forward_and_may_change_it(net, X):
    seen = []
    remove = net.layers[0].register_forward_hook(lambda module, inputs, y: seen.append((inputs[0].shape, y.shape)))
    stop = net.register_forward_hook(lambda module, inputs, y: y * 0.0)
    assert not net(X).data.any() and seen == [((5, 3), (5, 4))]
    remove(), stop()
    assert net(X).data.any() and len(seen) == 1


def test_summary_shows_shapes_and_counts(X):
    net = Net()
    assert net.summary(X).splitlines() == [
        "module              output  parameters",
        "Net                 (5, 2)           2",
        "  layers.0: Affine  (5, 4)          16",
        "  layers.1: Affine  (5, 2)          10",
        "total                               28",
    ]
    assert net.training and not net._forward_hooks


def test_arrays_become_tensors_and_a_missing_forward_is_named(X):
    class Bare(Module):
        pass

    class Look(Module):
        def forward(self, x, *, scale):
            assert isinstance(x, Tensor)
            return x * scale

    assert Look()(X, scale=2.0).shape == X.shape
    with pytest.raises(NotImplementedError, match=r"Bare has no forward\(\)"):
        Bare()(X)


def test_a_recomputed_module_draws_the_same_numbers_and_knows_it(X):
    class Noisy(Affine):
        draws, recomputed = 0, ()

        def forward(self, x):
            self.recomputed = [*self.recomputed, is_recomputing()]
            return super().forward(x) * replayed(self._draw)

        def _draw(self):
            self.draws += 1
            return float(self.draws)

    layer = Noisy(2).seed(0)
    layer(X)
    checkpoint(layer, X).sum().backward()
    np.testing.assert_allclose(layer.b.grad, [10.0, 10.0])  # 5 samples, draw 2
    assert layer.draws == 2 and layer.recomputed == [False, False, True]


def test_modules_live_on_the_gpu(on_gpu, X):
    net = Net().seed(0)
    host = net(X).data
    on_device = Tensor(on_gpu(X))
    net.pack(on_device.engine)
    assert type(net.flat) is type(on_device.data) is type(net.seen.data)
    y = net(on_device)
    y.sum().backward()
    np.testing.assert_allclose(y.numpy(), host)
    assert type(net.settle_grad()) is type(net.flat) and net.layers[0].W.grad is net.layers[0].W.slot
    assert isinstance(net.state_dict()["layers.0.W"], np.ndarray)
    assert isinstance(pickle.loads(pickle.dumps(net)).layers[0].W.data, np.ndarray)
