"""The epochs of a perceptron are the same on every engine, in a loop, in blocks and on sparse rows."""

import numpy as np
import pytest
from scipy import sparse

from ghostflow_learn import config_context
from ghostflow_learn._engine._mlp import Adam, Data, Network, Sgd, Training, layers, n_weights
from ghostflow_learn._engine.cpu import nn_mlp
from ghostflow_learn._engine.reference import nn_mlp as reference_mlp
from tests._cuda import gpu

RULES = {"adam": Adam(0.01, 0.9, 0.999, 1e-8, 3), "nesterov": Sgd(0.01, 0.9, True), "sgd": Sgd(0.02, 0.5, False)}
LAYERS = [(5, 3), (5, 7, 3), (5, 16, 9, 3)]


def problem(rng, network, dtype, n_samples=53, weighted=False):
    X = rng.standard_normal((n_samples, network.sizes[0])).astype(dtype)
    if network.output == "softmax":
        Y = rng.integers(network.sizes[-1], size=(n_samples, 1))
    elif network.output == "identity":
        Y = rng.standard_normal((n_samples, network.sizes[-1]))
    else:
        Y = rng.integers(2 if network.output == "logistic" else 4, size=(n_samples, network.sizes[-1]))
    weight = rng.integers(3, size=n_samples).astype(dtype) if weighted else None
    return X, Y.astype(dtype), weight


def parameters(rng, network, dtype):
    n_params = n_weights(network) + sum(network.sizes[1:])
    return (0.2 * rng.standard_normal(n_params)).astype(dtype)


def state_of(rule, params):
    return tuple(np.full_like(params, 0.01) for _ in range(2 if isinstance(rule, Adam) else 1))


def trained(engine, X, Y, weight, params, network, rule, size=10, alpha=0.3, order=None):
    """What an epoch leaves behind: the loss, the parameters and the state, as NumPy."""
    order = np.random.default_rng(1).permutation(X.shape[0]) if order is None else order
    X, Y, weight = (None if a is None else engine.asarray(a) for a in (X, Y, weight))
    params, state = engine.asarray(params.copy()), tuple(map(engine.asarray, state_of(rule, params)))
    prepared = engine.nn_mlp.prepare(Training(Data(X, Y, weight), size, params, state, network, alpha))
    loss = engine.nn_mlp.train(prepared, order, rule)
    return [loss, *map(engine.to_numpy, (params, *state))]


def assert_same(got, want, dtype):
    rtol, atol = (1e-4, 1e-5) if dtype == np.float32 else (1e-9, 1e-11)
    for g, w in zip(got, want, strict=True):
        np.testing.assert_allclose(g, w, rtol=rtol, atol=atol)


@pytest.mark.parametrize("output", ["identity", "exp", "logistic", "softmax"])
@pytest.mark.parametrize("activation", ["identity", "relu", "tanh", "logistic"])
def test_an_epoch_agrees(engine, reference, dtype, rng, activation, output):
    network = Network((5, 16, 9, 3), activation, output)
    data, params = problem(rng, network, dtype), parameters(rng, network, dtype)
    for rule in RULES.values():
        assert_same(
            trained(engine, *data, params, network, rule), trained(reference, *data, params, network, rule), dtype
        )


@pytest.mark.parametrize("sizes", LAYERS)
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_an_epoch_of_weighted_samples_agrees(engine, reference, dtype, rng, sizes, rule):
    network = Network(sizes, "relu", "softmax")
    X, Y, weight = problem(rng, network, dtype, weighted=True)
    weight[np.random.default_rng(1).permutation(len(X))[10:20]] = 0  # a batch that teaches nothing
    params = parameters(rng, network, dtype)
    got, want = (trained(e, X, Y, weight, params, network, rule) for e in (engine, reference))
    assert_same(got, want, dtype)


@pytest.mark.parametrize("output", ["identity", "exp", "logistic", "softmax"])
def test_loss_and_gradient_agree(engine, reference, dtype, rng, output):
    network = Network((5, 16, 9, 3), "tanh", output)
    X, Y, weight = problem(rng, network, dtype, weighted=True)
    params = parameters(rng, network, dtype)
    for w in (None, weight):
        want = reference.nn_mlp.loss_gradient(Data(X, Y, w), params, network, 0.3)
        on_device = [None if a is None else engine.asarray(a) for a in (X, Y, w)]
        loss, gradient = engine.nn_mlp.loss_gradient(Data(*on_device), engine.asarray(params), network, 0.3)
        assert_same([loss, engine.to_numpy(gradient)], want, dtype)


@pytest.mark.parametrize("output", ["identity", "exp", "logistic", "softmax"])
def test_outputs_agree(engine, reference, dtype, rng, output):
    network = Network((5, 16, 9, 3), "logistic", output)
    X, _, _ = problem(rng, network, dtype, n_samples=1000)
    params = parameters(rng, network, dtype)
    want = reference.nn_mlp.forward(X, layers(params, network), network)
    got = engine.nn_mlp.forward(engine.asarray(X), layers(engine.asarray(params), network), network)
    assert got.dtype == dtype
    assert_same([engine.to_numpy(got)], [want], dtype)


@pytest.mark.parametrize("output", ["identity", "logistic", "softmax"])
@pytest.mark.parametrize("activation", ["identity", "relu", "tanh", "logistic"])
def test_the_gradient_is_the_derivative_of_the_loss(reference, rng, activation, output):
    network = Network((5, 16, 1 if output == "identity" else 3), activation, output)
    X, Y, weight = problem(rng, network, np.float64, weighted=True)
    params = parameters(rng, network, np.float64)
    _, gradient = reference.nn_mlp.loss_gradient(Data(X, Y, weight), params, network, 0.3)
    direction = rng.choice([-1.0, 1.0], len(params)) * rng.uniform(0.5, 1, len(params))
    step = 1e-6
    plus, minus = (
        reference.nn_mlp.loss_gradient(Data(X, Y, weight), params + s * direction, network, 0.3)[0]
        for s in (step, -step)
    )
    assert (plus - minus) / (2 * step) == pytest.approx(gradient @ direction, rel=1e-6)


@pytest.mark.parametrize("activation", ["identity", "relu", "tanh", "logistic"])
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_blocks_do_what_the_loop_does(monkeypatch, reference, dtype, rng, activation, rule):
    network = Network((5, 16, 9, 3), activation, "softmax")
    data, params = problem(rng, network, dtype, weighted=True), parameters(rng, network, dtype)
    cpu = pytest.importorskip("ghostflow_learn._engine.cpu")
    monkeypatch.setattr(nn_mlp, "WIDE", 0)
    assert_same(trained(cpu, *data, params, network, rule), trained(reference, *data, params, network, rule), dtype)


def test_sparse_rows_are_what_dense_ones_are(dtype, rng):
    network = Network((5, 16, 3), "relu", "softmax")
    X, Y, _ = problem(rng, network, dtype)
    X[X < 0] = 0
    params = parameters(rng, network, dtype)
    cpu = pytest.importorskip("ghostflow_learn._engine.cpu")
    want = trained(cpu, X, Y, None, params, network, RULES["adam"])
    assert_same(trained(cpu, sparse.csr_matrix(X), Y, None, params, network, RULES["adam"]), want, dtype)
    want = reference_mlp.loss_gradient(Data(X, Y, None), params, network, 0.1)
    assert_same(cpu.nn_mlp.loss_gradient(Data(sparse.csr_matrix(X), Y, None), params, network, 0.1), want, dtype)


def test_nan_in_a_sample_is_nan_in_the_loss_and_in_all_weights(engine, dtype, rng):
    for activation in ("relu", "tanh"):
        network = Network((5, 16, 3), activation, "softmax")
        X, Y, _ = problem(rng, network, dtype, n_samples=10)
        X[3, 2] = np.nan
        loss, params, *_ = trained(engine, X, Y, None, parameters(rng, network, dtype), network, RULES["adam"])
        assert np.isnan(loss)
        assert np.isnan(params).all()


def test_the_order_of_blocks_and_threads_changes_no_bit(engine, dtype, rng):
    network = Network((40, 300, 5), "tanh", "softmax")
    data, params = problem(rng, network, dtype, n_samples=1500), parameters(rng, network, dtype)
    runs = []
    for context in gpu.orders() if engine.__name__.endswith("cuda") else thread_counts():
        with context:
            runs.append(trained(engine, *data, params, network, RULES["adam"], size=700))
    for a, b in zip(*runs):
        np.testing.assert_array_equal(a, b)


def thread_counts():

    return [config_context(n_threads=1), config_context(n_threads=3)]
