"""Layers: closed forms, PyTorch's values and gradients, sizes, seeds, modes, and what they say when they cannot."""

import pickle

import numpy as np
import pytest

from ghostflow_learn.neural import Tensor, checkpoint, nn, no_grad

RTOL = {"float32": 2e-5, "float64": 1e-10}


def batch(rng, *shape, dtype="float32"):
    return rng.normal(size=shape).astype(dtype)


def test_linear_is_a_product_with_a_bias(rng):
    layer = nn.Linear(3, 2, init="he_normal").seed(0)
    X = batch(rng, 5, 3)
    got = layer(X)
    np.testing.assert_allclose(got.numpy(), X @ layer.W.numpy() + layer.b.numpy(), rtol=1e-6)
    assert layer.W.shape == (3, 2)
    assert np.all(layer.b.numpy() == 0)


def test_sizes_come_from_the_first_batch_and_dtype_too(rng, dtype):
    layer = nn.Linear(4)
    assert layer(batch(rng, 5, 3, dtype=dtype)).dtype == dtype
    assert layer.W.shape == (3, 4)
    assert layer.W.dtype == dtype


def test_a_seed_gives_one_set_of_initial_values(rng):
    X = batch(rng, 5, 3)
    models = [nn.Sequential(nn.Linear(8), nn.PReLU(), nn.Linear(2)).seed(seed) for seed in (0, 0, 1)]
    first, again, other = (model(X).numpy() for model in models)
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.1


def test_axes_in_front_of_the_features_are_kept(rng):
    X = batch(rng, 2, 3, 4)
    for layer in (nn.Linear(5), nn.LayerNorm(), nn.PReLU()):
        rows = layer(X.reshape(6, 4)).numpy()
        np.testing.assert_allclose(layer(X).numpy(), rows.reshape(2, 3, -1), rtol=1e-6)


@pytest.mark.parametrize(
    "activation, function",
    [("relu", nn.ReLU), ("leaky_relu", nn.LeakyReLU), ("gelu", nn.GELU), ("tanh", nn.Tanh), ("mish", nn.Mish)],
)
def test_a_fused_activation_is_the_module(rng, activation, function):
    X = batch(rng, 5, 3)
    fused = nn.Linear(3, 4, activation=activation).seed(0)
    plain = nn.Sequential(nn.Linear(3, 4, init="zeros"), function())
    fused(X), plain(X)
    plain[0].W.data[...] = fused.W.data
    np.testing.assert_allclose(fused(X).numpy(), plain(X).numpy(), rtol=1e-5, atol=1e-6)


def test_dropout_scales_what_it_keeps_and_does_nothing_at_inference(rng):
    layer, X = nn.Dropout(0.25).seed(0), np.ones((200, 200), np.float32)
    got = layer(X).numpy()
    np.testing.assert_allclose(np.unique(got), [0, 4 / 3], rtol=1e-6)
    assert 0.24 < (got == 0).mean() < 0.26
    assert (layer(X).numpy() != got).any()
    np.testing.assert_array_equal(layer.eval()(X).numpy(), X)
    again = nn.Dropout(0.25).seed(0)
    np.testing.assert_array_equal(again(X).numpy(), got)


def test_dropout_gives_gradients_where_it_kept(rng):
    x = Tensor(batch(rng, 20, 20), requires_grad=True)
    y = nn.Dropout(0.5).seed(0)(x)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad, np.where(y.numpy() == 0, 0, 2))


def test_recomputed_dropout_drops_the_same_and_statistics_move_once(rng):
    model = nn.Sequential(nn.BatchNorm1d(4), nn.Dropout(0.5)).seed(0)
    plain = pickle.loads(pickle.dumps(model))
    X = batch(rng, 6, 4)
    one, other = Tensor(X, requires_grad=True), Tensor(X, requires_grad=True)
    (model(one) ** 2).sum().backward()
    (checkpoint(plain, other) ** 2).sum().backward()
    np.testing.assert_allclose(one.grad, other.grad, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(model[0].running_mean.numpy(), plain[0].running_mean.numpy())


def test_embedding_takes_rows_and_sums_gradients_of_repeats():
    layer = nn.Embedding(4, 2).seed(0)
    got = layer(np.array([[1, 3], [1, 1]]))
    np.testing.assert_array_equal(got.numpy(), layer.table.numpy()[[[1, 3], [1, 1]]])
    got.sum().backward()
    np.testing.assert_array_equal(layer.table.grad, [[0, 0], [3, 3], [0, 0], [1, 1]])


def test_embedding_does_not_wait_for_a_gpu_and_says_later_what_came(on_gpu, counting):
    layer = nn.Embedding(4, 2).seed(0)
    layer(on_gpu(np.array([0, 1])))
    indices = on_gpu(np.array([3, -1, 4, 0]))
    with counting() as events:
        got = layer(indices)
        layer(on_gpu(np.array([2])))
    assert events["sync"] == events["d2h"] == 0
    np.testing.assert_array_equal(np.isnan(got.numpy()).any(axis=1), [False, True, True, False])
    np.testing.assert_array_equal(got.numpy()[::3], layer.table.numpy()[[3, 0]])
    assert pickle.loads(pickle.dumps(layer)).table.shape == (4, 2)
    with pytest.raises(ValueError, match="integers in 0 to 3. Got -1 to 4"):
        layer.require_known()
    layer.require_known()


def test_batch_norm_learns_mean_and_variance(rng):
    layer = nn.BatchNorm1d(momentum=0.5)
    X = batch(rng, 64, 3) * 5 + 2
    for _ in range(30):
        got = layer(X).numpy()
    np.testing.assert_allclose(got.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(got.std(axis=0), 1, rtol=1e-4)
    np.testing.assert_allclose(layer.running_var.numpy(), X.var(axis=0, ddof=1), rtol=1e-4)
    np.testing.assert_allclose(layer.eval()(X).numpy(), got, rtol=0.02, atol=0.01)


def test_a_batch_of_one_is_normalised_by_running_statistics(rng):
    layer = nn.BatchNorm1d()
    layer(batch(rng, 8, 3))
    x = batch(rng, 1, 3)
    trained = layer(x).numpy()
    np.testing.assert_array_equal(layer.eval()(x).numpy(), trained)
    assert np.all(np.isfinite(trained))


def test_residual_adds_and_flatten_joins(rng):
    X = batch(rng, 4, 3)
    inner = nn.Linear(3, 3)
    np.testing.assert_allclose(nn.Residual(inner)(X).numpy(), X + inner(X).numpy(), rtol=1e-6)
    assert nn.Flatten()(batch(rng, 2, 3, 4)).shape == (2, 12)
    assert nn.Flatten()(batch(rng, 0, 3, 4)).shape == (0, 12)


def test_sequential_is_a_list(rng):
    model = nn.Sequential(nn.Linear(4), lambda x: x * 2.0, nn.ReLU())
    assert len(model) == 3
    assert [type(layer).__name__ for layer in model] == ["Linear", "function", "ReLU"]
    X = batch(rng, 2, 3)
    np.testing.assert_array_equal(model(X).numpy(), np.maximum(2 * model[:1](X).numpy(), 0))


@pytest.mark.parametrize("norm", [None, "batch", "layer"])
def test_mlp_has_its_layers(rng, norm):
    model = nn.MLP(3, hidden=(8, 4), norm=norm, dropout=0.1).seed(0)
    assert model(batch(rng, 5, 6)).shape == (5, 3)
    wanted = 6 * 8 + 8 + 8 * 4 + 4 + 4 * 3 + 3 + (2 * (8 + 4) if norm else 0)
    assert sum(p.size for p in model.parameters()) == wanted


def test_hidden_layers_of_an_mlp_are_what_they_say(rng):
    X, double = batch(rng, 5, 4), lambda x: x * 2.0
    model = nn.MLP(2, (4, 4, 3), ["tanh", double, nn.PReLU], norm="layer", residual=True).seed(0)
    first, second, third = model.eval()(X) is not None and model.layers[:-1]
    h = np.tanh(first.norm(first.linear(X)).numpy())
    h2 = h + 2 * second.norm(second.linear(h)).numpy()  # as wide as the hidden layer before; the first has none before
    h3 = third.norm(third.linear(h2)).numpy()
    h3 = np.where(h3 > 0, h3, 0.25 * h3)
    np.testing.assert_allclose(model(X).numpy(), model.layers[-1](h3).numpy(), rtol=1e-5, atol=1e-6)
    assert [linear.n_out for linear in model.linears()] == [4, 4, 3, 2]


@pytest.mark.parametrize(
    "layer",
    [nn.Linear(3, 2), nn.LayerNorm(3), nn.BatchNorm1d(3), nn.PReLU(3), nn.MLP(2, (4,), norm="batch")],
    ids=lambda layer: type(layer).__name__,
)
def test_no_samples_are_no_results(layer, rng):
    layer(batch(rng, 2, 3))
    assert len(layer.eval()(batch(rng, 0, 3))) == 0


def test_messages(rng):
    X = batch(rng, 4, 3)
    with pytest.raises(ValueError, match=r"Linear takes 5 features. Got an input of shape \(4, 3\)"):
        nn.Linear(5, 2)(X)
    with pytest.raises(TypeError, match="Linear needs floats"):
        nn.Linear(2)(np.ones((4, 3), int))
    with pytest.raises(TypeError, match="Embedding takes integers"):
        nn.Embedding(4, 2)(X)
    with pytest.raises(ValueError, match="integers in 0 to 3. Got -1 to 4"):
        nn.Embedding(4, 2)(np.array([-1, 4]))
    with pytest.raises(ValueError, match=r"rate must lie in \[0, 1\). Got 1"):
        nn.Dropout(1)
    with pytest.raises(TypeError, match="maybe it lacks its"):
        nn.Sequential(nn.ReLU)
    with pytest.raises(ValueError, match=r"They return shape \(4, 2\) for an input of shape \(4, 3\)"):
        nn.Residual(nn.Linear(2))(X)
    with pytest.raises(ValueError, match="norm must be None"):
        nn.MLP(2, norm="instance")
    with pytest.raises(ValueError, match=r"residual=True needs two hidden layers of one size.*\(4, 3, 4\)"):
        nn.MLP(2, (4, 3, 4), residual=True)
    with pytest.raises(ValueError, match="dropout has 2 entries for 1 hidden layers"):
        nn.MLP(2, dropout=[0.1, 0.2])
    with pytest.raises(ValueError, match="There is no activation 'reul'. Did you mean 'relu'"):
        nn.MLP(2, activation="reul")
    with pytest.raises(TypeError, match="activation must be a name"):
        nn.MLP(2, activation=3)
    with pytest.raises(ValueError, match="Did you mean 'he_uniform'"):
        nn.Linear(2, init="he_unifrm")
    with pytest.raises(ValueError, match="activation must be one of"):
        nn.Linear(2, activation="rleu")(X)


def theirs(torch):
    """Ours and PyTorch's, with the names of what is to be copied from theirs to ours."""
    linear = lambda: torch.nn.Linear(3, 4)
    names = {"W": "weight", "b": "bias"}
    norm = {"gain": "weight", "bias": "bias"}
    act = {
        "ReLU": (nn.ReLU(), torch.nn.ReLU()),
        "LeakyReLU": (nn.LeakyReLU(0.2), torch.nn.LeakyReLU(0.2)),
        "ELU": (nn.ELU(0.7), torch.nn.ELU(0.7)),
        "SELU": (nn.SELU(), torch.nn.SELU()),
        "Sigmoid": (nn.Sigmoid(), torch.nn.Sigmoid()),
        "Tanh": (nn.Tanh(), torch.nn.Tanh()),
        "GELU": (nn.GELU(), torch.nn.GELU()),
        "SiLU": (nn.SiLU(), torch.nn.SiLU()),
        "Mish": (nn.Mish(), torch.nn.Mish()),
        "Softplus": (nn.Softplus(), torch.nn.Softplus()),
        "Softmax": (nn.Softmax(), torch.nn.Softmax(dim=-1)),
        "LogSoftmax": (nn.LogSoftmax(), torch.nn.LogSoftmax(dim=-1)),
    }
    return {name: (*pair, {}) for name, pair in act.items()} | {
        "Linear": (nn.Linear(3, 4), linear(), names),
        "LayerNorm": (nn.LayerNorm(3), torch.nn.LayerNorm(3), norm),
        "BatchNorm1d": (nn.BatchNorm1d(3), torch.nn.BatchNorm1d(3), norm),
        "PReLU": (nn.PReLU(3), torch.nn.PReLU(3), {"slopes": "weight"}),
    }


NAMES = (
    "ReLU LeakyReLU ELU SELU Sigmoid Tanh GELU SiLU Mish Softplus Softmax LogSoftmax Linear LayerNorm BatchNorm1d PReLU"
)


@pytest.mark.parametrize("name", NAMES.split())
def test_values_and_gradients_are_pytorchs(name, dtype, rng):
    torch = pytest.importorskip("torch")
    ours, other, names = theirs(torch)[name]
    other = other.to(getattr(torch, dtype.name))
    X = batch(rng, 7, 3, dtype=dtype)
    ours(X)
    for own, their in names.items():
        value = rng.normal(size=getattr(ours, own).shape[::-1]).astype(dtype)
        getattr(other, their).data = torch.tensor(value)
        getattr(ours, own).data[...] = value.T
    if name == "BatchNorm1d":
        ours.running_mean.data[...], ours.running_var.data[...] = 0, 1
    x, x_torch = Tensor(X, requires_grad=True), torch.tensor(X, requires_grad=True)
    y, y_torch = ours(x), other(x_torch)
    u = batch(rng, *y.shape, dtype=dtype)
    y.backward(u)
    y_torch.backward(torch.tensor(u))
    close = {"rtol": RTOL[dtype.name], "atol": 10 * RTOL[dtype.name]}
    np.testing.assert_allclose(y.numpy(), y_torch.detach().numpy(), **close)
    np.testing.assert_allclose(x.grad, x_torch.grad.numpy(), **close)
    for own, their in names.items():
        np.testing.assert_allclose(getattr(ours, own).grad, getattr(other, their).grad.numpy().T, **close)
    if name == "BatchNorm1d":
        with no_grad():
            np.testing.assert_allclose(ours.eval()(X).numpy(), other.eval()(x_torch).detach().numpy(), **close)


def test_embedding_is_pytorchs(rng):
    torch = pytest.importorskip("torch")
    ours, other = nn.Embedding(5, 3), torch.nn.Embedding(5, 3)
    codes = rng.integers(5, size=(4, 2))
    ours(codes)
    ours.table.data[...] = other.weight.detach().numpy()
    (ours(codes) ** 2).sum().backward()
    (other(torch.tensor(codes)) ** 2).sum().backward()
    np.testing.assert_allclose(ours.table.grad, other.weight.grad.numpy(), rtol=1e-5)
