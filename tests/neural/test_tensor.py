"""The tape: what backward() fills, in which order, what it frees, and what it refuses."""

import copy
import pickle
import threading
import weakref

import numpy as np
import pytest
from scipy.sparse import csr_array

from ghostflow_learn.neural import (
    Tensor,
    anomaly_mode,
    checkpoint,
    custom_vjp,
    differentiable,
    grad,
    is_recording,
    nn,
    no_grad,
    optim,
    stop_gradient,
)
from ghostflow_learn.neural import functional as F
from ghostflow_learn.neural._modes import traced


def leaf(*values, dtype=float):
    return Tensor(np.array(values, dtype), requires_grad=True)


def test_a_value_used_three_times_gets_the_sum_of_its_gradients():
    x = leaf(3.0)
    y = x * x
    (y * (y + y)).backward()  # 2 x^4
    assert x.grad == 8 * 27


def test_gradients_of_two_backward_passes_add_up():
    x = leaf(3.0)
    for _ in range(2):
        (x * 2.0).backward()
    assert x.grad == 4


def test_a_gradient_shared_by_two_parents_is_not_written_into():
    a, b = leaf(1.0, 2.0), leaf(1.0, 2.0)
    total = a * 1.0 + b * 1.0
    (total + a * 5.0).sum().backward()
    np.testing.assert_array_equal(a.grad, [6.0, 6.0])
    np.testing.assert_array_equal(b.grad, [1.0, 1.0])


@pytest.mark.parametrize(
    "shapes", [((3, 4), (4,)), ((3, 4), (3, 1)), ((3, 4), ()), ((2, 1, 4), (3, 1)), ((0, 4), (1, 4))]
)
def test_broadcast_axes_are_summed(shapes, rng):
    a, b = (Tensor(rng.standard_normal(shape), requires_grad=True) for shape in shapes)
    (a * b).sum().backward()
    full = np.broadcast_shapes(*shapes)
    for x, other in ((a, b), (b, a)):
        assert x.grad.shape == x.shape
        axes = tuple(i for i, n in enumerate((1,) * (len(full) - x.ndim) + x.shape) if n != full[i])
        want = np.broadcast_to(other.data, full).sum(axis=axes, keepdims=True).reshape(x.shape)
        np.testing.assert_allclose(x.grad, want)


def test_a_graph_of_20000_calls_needs_no_recursion():
    x = leaf(1.0)
    y = x
    for _ in range(20_000):
        y = y + 1.0
    y.backward()
    assert x.grad == 1
    for _ in range(20_000):
        y = y * 1.0
    del y  # freeing one does not recurse either


def test_only_wanted_gradients_are_asked_for():
    calls = []

    @differentiable
    def spy(engine, a, b):
        return a * b, lambda g, needed: calls.append(needed) or (g * b, None)

    spy(leaf(1.0), Tensor(np.ones(1))).backward()
    assert calls == [(True, False)]


def test_a_freed_graph_refuses_and_a_retained_one_does_not():
    x = leaf(3.0)
    y = x * x
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad == 12
    with pytest.raises(RuntimeError, match="freed by an earlier backward.. .at multiply.*retain_graph"):
        y.backward()
    with pytest.raises(RuntimeError, match="freed"):
        (y + 1.0).backward()


def test_float32_stays_float32():
    x = leaf(1.0, 2.0, dtype=np.float32)
    loss = (x * np.float64(0.5) + 1.0).mean() / np.float64(3)
    loss.backward()
    assert loss.dtype == x.grad.dtype == np.float32


def test_a_gradient_has_the_dtype_of_its_tensor():
    x = leaf(1.0, 2.0, dtype=np.float32)
    (x * np.ones(2)).sum().backward()
    assert x.grad.dtype == np.float32


def test_nothing_is_recorded_without_need():
    x = leaf(1.0)
    with no_grad():
        assert not is_recording() and not (x * x).requires_grad
    assert is_recording() and (x * x).requires_grad
    assert not (Tensor(np.ones(1)) * 2.0).requires_grad


def test_recording_is_a_matter_of_each_thread():
    found = []
    with no_grad():
        thread = threading.Thread(target=lambda: found.append(is_recording()))
        thread.start()
        thread.join()
    assert found == [True]


def test_saved_arrays_die_with_the_graph():
    x = leaf(1.0, 2.0)
    for end in (lambda y: y.backward(), lambda y: None):
        inner = F.exp(x)
        saved = weakref.ref(inner.data)
        y = (inner * inner).sum()
        del inner
        assert saved() is not None
        end(y)
        del y  # no cycle keeps them: no garbage collector is needed
        assert saved() is None


def test_threads_record_and_sweep_side_by_side():
    def work(results, i):
        x = leaf(float(i))
        for _ in range(200):
            y = x
            for _ in range(20):
                y = y * 1.0 + x
            y.backward()
        results[i] = float(x.grad[0])

    results = {}
    threads = [threading.Thread(target=work, args=(results, i)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == dict.fromkeys(range(4), 200 * 21.0)


def test_backward_says_what_it_lacks():
    x = leaf(1.0, 2.0)
    with pytest.raises(ValueError, match=r"one element; got shape \(2,\)"):
        (x * x).backward()
    with pytest.raises(ValueError, match=r"grad has shape \(3,\)"):
        (x * x).backward(np.ones(3))
    with pytest.raises(RuntimeError, match="does not. Was it computed under no_grad"):
        Tensor(np.ones(1)).backward()
    with pytest.raises(TypeError, match="Only floating-point tensors .* got dtype int64"):
        Tensor(np.arange(3), requires_grad=True)
    (x * x).backward(np.array([1.0, 10.0]))
    np.testing.assert_array_equal(x.grad, [2.0, 40.0])


def test_a_leaf_takes_its_own_gradient():
    x = leaf(5.0)
    x.backward()
    assert x.grad == 1


def test_the_second_derivative_of_a_cube():
    x = leaf(2.0, 3.0)
    slope = grad((x**3).sum(), x, create_graph=True)
    np.testing.assert_allclose(slope.data, 3 * x.data**2)
    curvature = grad(slope.sum(), x, create_graph=True)
    np.testing.assert_allclose(curvature.data, 6 * x.data)
    np.testing.assert_allclose(grad(curvature.sum(), x), [6.0, 6.0])
    assert x.grad is None


def test_backward_with_create_graph_leaves_a_tensor():
    x = leaf(2.0)
    (x * x * x).backward(create_graph=True)
    (x.grad * 2.0).backward()
    assert isinstance(x.grad, Tensor)


def test_grad_of_inner_tensors_and_of_what_is_not_there():
    x, other = leaf(2.0), leaf(1.0)
    y = x * 3.0
    assert grad(y * y, [x], np.array([2.0]), retain_graph=True) == [72.0]
    assert grad(y * y, [y, other]) == [12.0, None]


def test_create_graph_refuses_fused_functions():
    @differentiable(fused=True)
    def fused_square(engine, x):
        return x * x, lambda g, needed: (2 * x * g,)

    x = leaf(2.0)
    with pytest.raises(NotImplementedError, match="cannot pass through fused_square.*small functions"):
        fused_square(x).backward(create_graph=True)


def test_a_fused_function_keeps_its_inputs_only_if_its_vjp_does():
    @differentiable(fused=True)
    def double(engine, x):
        return x * 2, lambda g, needed: (g * 2,)

    node = double(leaf(1.0) * 1.0)._node
    assert node.call is None


def test_extras_are_handed_through():
    @differentiable(extras=True)
    def with_peak(engine, x):
        return x * 2, lambda g, needed: (g * 2,), (x.max(),)

    y, peak = with_peak(leaf(1.0, 4.0))
    assert peak == 4 and y.requires_grad


def test_hooks_see_the_whole_gradient_and_may_change_it():
    x, seen = leaf(2.0), []
    y = x * 1.0
    remove = y.register_hook(seen.append)
    x.register_hook(lambda g: g * 10)
    (y + y * 2.0 + x).backward(retain_graph=True)
    assert seen == [3.0] and x.grad == 40
    remove()
    (y + y).backward()
    assert len(seen) == 1
    with pytest.raises(RuntimeError, match="requires a gradient"):
        Tensor(np.ones(1)).register_hook(seen.append)


def test_stop_gradient_and_detach_share_values():
    x = leaf(2.0, 3.0)
    assert stop_gradient(x).data is x.data and not x.detach().requires_grad
    (x * stop_gradient(x)).sum().backward()
    np.testing.assert_array_equal(x.grad, x.data)


def test_a_custom_vjp_is_used():
    reverse = custom_vjp(lambda x: x * 1.0, lambda g, y, x: -g)
    x = leaf(2.0)
    reverse(x).backward()
    assert x.grad == -1


def test_checkpoint_computes_again_and_gives_the_same_gradients():
    calls = []

    def block(x, w):
        calls.append(is_recording())
        return F.tanh(x * w)

    x, w = leaf(0.5, 0.2), leaf(1.0, 2.0)
    block(x, w).sum().backward()
    want, x.grad, w.grad = (x.grad, w.grad), None, None
    y = checkpoint(block, x, w).sum()
    assert calls == [True, False]
    y.backward()
    assert calls == [True, False, True]
    np.testing.assert_array_equal(x.grad, want[0])
    np.testing.assert_array_equal(w.grad, want[1])


def test_anomaly_mode_shows_where_the_bad_gradient_was_recorded():
    x = leaf(0.0, 1.0)
    with anomaly_mode(), np.errstate(divide="ignore", invalid="ignore"):
        y = F.sqrt(x).sum()
        with pytest.raises(FloatingPointError, match=r"gradient of sqrt for its argument 0(.*\n)*.*test_tensor.py"):
            y.backward()
        with pytest.raises(FloatingPointError, match=r"log returned NaN or infinity, for shape \(2,\) float64 .finite"):
            F.log(x)


def test_anomaly_mode_protects_arrays_until_their_gradient_is_there():
    x = leaf(1.0, 2.0)
    view = x.data[:1]
    with anomaly_mode():
        y = (x * x).sum()
        with pytest.raises(ValueError, match="read-only"):
            x.data[0] = 5
        y.backward()
    x.data[0] = 5
    view[0] = 6
    with anomaly_mode():
        y = Tensor(x.data[:1], requires_grad=True) * x
        del y  # a graph that is dropped lets go too
    x.data[0] = 7


def test_anomaly_mode_finds_a_change_behind_a_view():
    layer = nn.Linear(2, 1).seed(0)
    optimizer = optim.SGD(layer, 0.1)
    layer(np.ones((3, 2), np.float32)).sum().backward()
    with anomaly_mode():
        loss = layer(np.ones((3, 2), np.float32)).sum()
        optimizer.step()
        with pytest.raises(RuntimeError, match=r"of linear needs has been changed in place(.*\n)*.*test_tensor.py"):
            loss.backward()
        layer(np.ones((3, 2), np.float32)).sum().backward()


def test_anomaly_mode_finds_changes_on_the_gpu(on_gpu):
    x = Tensor(on_gpu(np.array([1.0, 2.0])), requires_grad=True)
    with anomaly_mode():
        (x * x).sum().backward()
        y = (x * x).sum()
        x.data[0] = 5
        with pytest.raises(RuntimeError, match="gradient of multiply needs has been changed in place"):
            y.backward()


def test_ndarray_on_the_left_asks_the_tensor():
    x = leaf(1.0, 2.0)
    for y, want in (
        (np.ones(2) + x, [2.0, 3.0]),
        (np.ones(2) - x, [0.0, -1.0]),
        (2.0 / x, [2.0, 1.0]),
        (2.0**x, [2.0, 4.0]),
        (np.eye(2) @ x, [1.0, 2.0]),
        (np.float64(2) * x, [2.0, 4.0]),
    ):
        assert isinstance(y, Tensor)
        np.testing.assert_allclose(y.data, want)


def test_numpys_names():
    x = Tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
    assert (x.shape, x.ndim, x.size, len(x), x.dtype) == ((2, 3), 2, 6, 2, np.float64)
    assert x.T.shape == x.transpose(1, 0).shape == x.reshape(3, 2).shape == x.reshape((3, -1)).shape == (3, 2)
    assert x.flatten().shape == (6,)
    np.testing.assert_allclose(x.std(axis=0, ddof=1).data, x.data.std(axis=0, ddof=1))
    np.testing.assert_array_equal(x > 2, x.data > 2)
    assert x.argmax() == 5 and x[1, 2].item() == 5.0 == float(x[1, 2]) and int(x[0, 1]) == 1
    assert [row.shape for row in x] == [(3,), (3,)]
    with pytest.raises(TypeError, match="len"):
        list(x.sum())
    assert repr(x[0]) == "Tensor([0., 1., 2.], dtype=float64, requires_grad=True)"
    assert x in [x] and len({x, x}) == 1


def test_numpy_does_not_lose_a_gradient_unnoticed():
    x = leaf(1.0, 2.0)
    np.testing.assert_array_equal(np.asarray(x.detach()), x.data)
    np.testing.assert_array_equal(x.numpy(), x.data)
    for careless in (np.asarray, lambda x: np.concatenate([x, x]), np.exp):
        with pytest.raises(TypeError, match=r"lose the gradient.*nn.functional|does not support ufuncs"):
            careless(x)


def test_a_sparse_matrix_is_refused():
    with pytest.raises(TypeError, match=r"sparse matrix of shape .3, 4.. Convert it with toarray"):
        Tensor(csr_array((3, 4)))


def test_calls_can_be_traced_without_recording():
    x = leaf(1.0, 2.0)
    with no_grad(), traced() as calls:
        y = F.exp(x).sum(axis=0)
    assert [call.name for call in calls] == ["exp", "sum"]
    assert calls[0].args == (x,) and calls[1].params == {"axis": 0} and calls[1].output is y
    assert calls[1].args[0] is calls[0].output


def test_a_tensor_pickles_without_its_graph():
    x = leaf(1.0, 2.0)
    for twin in (pickle.loads(pickle.dumps(x * 1.0)), copy.deepcopy(x)):
        assert twin.requires_grad and twin._node is None
        np.testing.assert_array_equal(twin.data, x.data)


def test_a_list_becomes_an_array_and_an_array_is_not_copied():
    array = np.ones((3, 4)).T
    assert Tensor(array).data is array and Tensor(Tensor(array)).data is array
    assert Tensor([1.0, 2.0]).dtype == np.float64


def test_tensors_live_on_the_gpu(on_gpu, rng):
    values = rng.standard_normal((4, 3))
    x, w = Tensor(on_gpu(values), requires_grad=True), Tensor(on_gpu(values.T.copy()), requires_grad=True)
    y = F.arctan(x @ w)[1:].mean()
    y.backward()
    assert y.engine.__name__.endswith("cuda") and type(x.grad) is type(x.data)
    x_host, w_host = (Tensor(t.numpy(), requires_grad=True) for t in (x, w))
    F.arctan(x_host @ w_host)[1:].mean().backward()
    np.testing.assert_allclose(x.grad.get(), x_host.grad)
    np.testing.assert_allclose(w.grad.get(), w_host.grad)


def test_host_arrays_meet_tensors_on_the_gpu(on_gpu):
    x = Tensor(on_gpu(np.array([1.0, 2.0])), requires_grad=True)
    y = (np.array([3.0, 4.0]) * x + np.float64(1.0)).sum()
    y.backward()
    assert y.item() == 13.0
    np.testing.assert_array_equal(x.grad.get(), [3.0, 4.0])
