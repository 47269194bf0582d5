import re

import numba
import numpy as np
import pytest

from ghostflow_learn._engine._neural import (
    PIECE,
    LarsRates,
    RmspropRates,
    SgdRates,
    adam_rates,
    lamb_rates,
    pieces,
)
from ghostflow_learn._engine.cpu import nn_optim
from ghostflow_learn._engine.cpu._jit import FASTMATH

SEGMENTS = ((0, 1), (3, 300), (320, 1000))
ADAM = adam_rates(0.01, 0.9, 0.999, 1e-8, 3, decay=0.01, shrink=0.02)
SGD = (SgdRates(0.1, 0.9), SgdRates(0.1, 0.9, True, 0.01, 0.02), SgdRates(0.1))


def flat_arrays(rng, n_params, n_arrays):
    """Parameters, gradients, and what is remembered: a first moment, then others that are not negative."""
    arrays = rng.normal(size=(n_arrays, n_params))
    arrays[3:] **= 2
    return list(arrays)


def steps(rng, n_params):
    """(op, arrays, rates) of all optimizers on ranges."""
    p, g, m, v, v_max = flat_arrays(rng, n_params, 5)
    yield from (("sgd", (p, g, m), rates) for rates in SGD)
    yield "sgd", (p, g, None), SgdRates(0.1, decay=0.01)
    yield "adam", (p, g, m, v), ADAM
    yield "amsgrad", (p, g, m, v, v_max), ADAM
    yield "rmsprop", (p, g, v, m), RmspropRates(0.01, 0.99, 1e-8, 0.9, 0.01, 0.02)
    yield "rmsprop", (p, g, v, None), RmspropRates(0.01, 0.99, 1e-8)


@pytest.mark.parametrize("n_params", [1, 7, 1000, 1_000_000])
def test_steps_agree_with_reference(agrees, rng, n_params, request):
    if n_params > 1000 and "cuda" in request.node.name:
        pytest.skip("emulated, it takes long")
    for op, arrays, rates in steps(rng, n_params):
        agrees(f"nn_optim.{op}", *arrays, rates, 0, n_params)
        agrees(f"nn_optim.{op}", *arrays, rates, n_params // 3, n_params - n_params // 4, np.array([0.3]))


@pytest.mark.parametrize("scale", [None, np.array([0.3])])
def test_steps_by_segments_agree_with_reference(agrees, rng, scale):
    p, g, m, v = flat_arrays(rng, 1000, 4)
    agrees("nn_optim.squared_norm", p, SEGMENTS, rtol=1e-5)
    agrees("nn_optim.lamb", p, g, m, v, lamb_rates(0.01, 0.9, 0.999, 1e-6, 3, decay=0.1), SEGMENTS, scale)
    agrees("nn_optim.lars", p, g, m, LarsRates(0.1, decay=0.01), SEGMENTS, scale)


def test_norms_of_long_segments(agrees, rng):
    agrees("nn_optim.squared_norm", rng.normal(size=3 * PIECE), ((5, 2 * PIECE + 9), (2 * PIECE + 9, 3 * PIECE)))
    bounds, firsts = pieces(((5, 2 * PIECE + 9), (7, 7), (8, 9)))
    assert bounds == [(5, PIECE + 5, 0), (PIECE + 5, 2 * PIECE + 5, 0), (2 * PIECE + 5, 2 * PIECE + 9, 0), (8, 9, 2)]
    assert firsts == [0, 3, 3, 4]


def test_what_lies_outside_the_range_is_left_alone(engine, rng):
    for op, arrays, rates in steps(rng, 50):
        before = [None if array is None else engine.asarray(array.copy()) for array in arrays]
        for result in getattr(engine.nn_optim, op)(*before, rates, 10, 20):
            if result is not None:
                original = next(a for a, b in zip(arrays, before, strict=True) if b is result)
                same = engine.to_numpy(result) == original
                assert same[:10].all()
                assert same[20:].all()
                assert not same[10:20].all()


def test_a_zero_tensor_moves_by_the_learning_rate(engine):
    """Its norm is 0: a ratio of norms would hold it there for ever."""
    p, g, m = engine.asarray(np.zeros(4)), engine.asarray(np.full(4, 2.0)), engine.asarray(np.zeros(4))
    engine.nn_optim.lars(p, g, m, LarsRates(0.1), ((0, 4),))
    np.testing.assert_allclose(engine.to_numpy(p), -0.2)
    p, m, v = (engine.asarray(np.zeros(4)) for _ in range(3))
    engine.nn_optim.lamb(p, g, m, v, lamb_rates(0.1, 0.9, 0.999, 0.0, 1), ((0, 4),))
    np.testing.assert_allclose(engine.to_numpy(p), -0.1)


def test_nan_in_is_nan_out(engine, rng):
    for op, arrays, rates in steps(rng, 5):
        arrays = [None if array is None else array.copy() for array in arrays]
        arrays[1][2] = np.nan
        arrays = [None if array is None else engine.asarray(array) for array in arrays]
        for result in getattr(engine.nn_optim, op)(*arrays, rates, 0, 5):
            if result is not None:
                assert np.isnan(engine.to_numpy(result)).tolist() == [False, False, True, False, False]


def test_adam_in_the_form_of_scikit_learn(engine, rng):
    p, g, m, v = flat_arrays(rng, 6, 4)
    arrays = [engine.asarray(array.copy()) for array in (p, g, m, v)]
    engine.nn_optim.adam(*arrays, adam_rates(0.01, 0.9, 0.999, 1e-8, 5, like_sklearn=True), 0, 6)
    m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
    lr = 0.01 * np.sqrt(1 - 0.999**5) / (1 - 0.9**5)
    np.testing.assert_allclose(engine.to_numpy(arrays[0]), p - lr * m / (np.sqrt(v) + 1e-8))


def test_steps_agree_with_torch(engine, rng):
    torch = pytest.importorskip("torch")
    start, gradients = rng.normal(size=20), rng.normal(size=(4, 20))
    zeros = lambda: engine.asarray(np.zeros(20))

    def adam(op, n_moments, **decay):
        moments = [zeros() for _ in range(n_moments)]

        def step(p, g, t):
            op(p, g, *moments, adam_rates(0.01, 0.9, 0.999, 1e-8, t, **decay), 0, 20)

        return step

    velocity, square, momentum = zeros(), zeros(), zeros()
    optim, ours = torch.optim, engine.nn_optim
    pairs = [
        (optim.Adam, {"lr": 0.01, "weight_decay": 0.1}, adam(ours.adam, 2, decay=0.1)),
        (optim.AdamW, {"lr": 0.01, "weight_decay": 0.1}, adam(ours.adam, 2, shrink=0.001)),
        (optim.Adam, {"lr": 0.01, "amsgrad": True}, adam(ours.amsgrad, 3)),
        (
            optim.SGD,
            {"lr": 0.01, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1},
            lambda p, g, t: ours.sgd(p, g, velocity, SgdRates(0.01, 0.9, True, 0.1), 0, 20),
        ),
        (
            optim.RMSprop,
            {"lr": 0.01, "momentum": 0.9},
            lambda p, g, t: ours.rmsprop(p, g, square, momentum, RmspropRates(0.01, 0.99, 1e-8, 0.9), 0, 20),
        ),
    ]
    for theirs, settings, step in pairs:
        tensor, p = torch.nn.Parameter(torch.tensor(start)), engine.asarray(start.copy())
        optimizer = theirs([tensor], **settings)
        for t, gradient in enumerate(gradients, start=1):
            tensor.grad = torch.tensor(gradient)
            optimizer.step()
            step(p, engine.asarray(gradient), t)
        np.testing.assert_allclose(engine.to_numpy(p), tensor.detach().numpy(), rtol=1e-9, err_msg=str(theirs))


def test_adam_is_computed_in_packed_instructions():
    fresh = numba.njit(nogil=True, error_model="numpy", fastmath=FASTMATH)(nn_optim._adam.py_func)
    fresh(*np.ones((4, 8), np.float32), ADAM, 1.0, 0, 8)
    (assembly,) = fresh.inspect_asm().values()
    assert len(re.findall(r"\tv\w*(?:sqrt|div)ps\t.*[yz]mm", assembly)) >= 2
