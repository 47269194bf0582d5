"""Every function of the table: its gradient, its dtypes, its edges, and what it leaves alone."""

import inspect

import numpy as np
import pytest

from ghostflow_learn import config_context
from ghostflow_learn.neural import Tensor, grad
from ghostflow_learn.neural import functional as F


class Case:
    """`call` takes Tensors of `inputs(rng, n)`; `n` is the size of their first axis, which may be 0 or 1.

    Integer inputs are constants. `twice` says whether the gradient can be differentiated again.
    """

    def __init__(self, call, *draws, smallest=0, twice=True, loss=False):
        self.call, self.draws, self.smallest, self.twice, self.loss = call, draws, smallest, twice, loss

    def inputs(self, rng, n=4):
        return [draw(rng, n) for draw in self.draws]


def normal(*rest, n_first=True):
    return lambda rng, n: rng.standard_normal((n, *rest) if n_first else rest)


def positive(*rest, n_first=True):
    return lambda rng, n: rng.uniform(0.5, 2.0, (n, *rest) if n_first else rest)


def within(*rest):
    return lambda rng, n: rng.uniform(-0.8, 0.8, (n, *rest))


def apart(*rest):
    """No two values, and no value and 0, are near each other: away from the kinks of max, abs, relu."""

    def draw(rng, n):
        size = n * int(np.prod(rest))
        return ((rng.permutation(size) - size // 2 + 0.4) * 0.3).reshape(n, *rest)

    return draw


def integers(stop, *rest):
    return lambda rng, n: rng.integers(0, stop, (n, *rest))


def binary(*rest):
    return lambda rng, n: Constant(rng.integers(0, 2, (n, *rest)).astype(float))


def constant(draw):
    return lambda rng, n: Constant(draw(rng, n))


class Constant:
    """A float input that no gradient is asked of."""

    def __init__(self, array):
        self.array = array


ONE = normal(3)
LOSS = {"loss": True, "smallest": 1, "twice": False}
WEIGHT = constant(positive())
PARAMETERS, MATRIX = normal(3, n_first=False), normal(3, 2, n_first=False)
CASES = {
    "add": [Case(F.add, ONE, PARAMETERS)],
    "subtract": [Case(F.subtract, ONE, ONE)],
    "multiply": [Case(F.multiply, ONE, PARAMETERS), Case(lambda x: F.multiply(2.0, x), ONE)],
    "divide": [Case(F.divide, ONE, positive(3))],
    "negative": [Case(F.negative, ONE)],
    "power": [Case(F.power, positive(3), ONE), Case(lambda x: F.power(x, 3), ONE), Case(lambda x: 2.0**x, ONE)],
    "absolute": [Case(F.absolute, apart(3))],
    "abs": [Case(F.abs, apart(3))],
    "square": [Case(F.square, ONE)],
    "sqrt": [Case(F.sqrt, positive(3))],
    "exp": [Case(F.exp, ONE)],
    "expm1": [Case(F.expm1, ONE)],
    "log": [Case(F.log, positive(3))],
    "log1p": [Case(F.log1p, positive(3))],
    "log2": [Case(F.log2, positive(3))],
    "log10": [Case(F.log10, positive(3))],
    "sin": [Case(F.sin, ONE)],
    "cos": [Case(F.cos, ONE)],
    "tan": [Case(F.tan, within(3))],
    "sinh": [Case(F.sinh, ONE)],
    "cosh": [Case(F.cosh, ONE)],
    "arcsin": [Case(F.arcsin, within(3))],
    "arccos": [Case(F.arccos, within(3))],
    "arctan": [Case(F.arctan, ONE)],
    "logaddexp": [Case(F.logaddexp, ONE, ONE)],
    "maximum": [Case(lambda x: F.maximum(x, x[:, ::-1] * 1.5), apart(2)), Case(lambda x: F.maximum(x, 0.0), apart(3))],
    "minimum": [Case(lambda x: F.minimum(x, x[:, ::-1] * 1.5), apart(2))],
    "clip": [Case(lambda x: F.clip(x, -0.5, 0.5), apart(3)), Case(lambda x: F.clip(x, high=0.5), apart(3))],
    "where": [Case(lambda x, y: F.where(x > 0, x, y), apart(3), ONE)],
    "astype": [Case(lambda x: F.astype(x, x.dtype), ONE)],
    "sum": [
        Case(F.sum, ONE),
        Case(lambda x: F.sum(x, axis=(0, 2), keepdims=True), normal(2, 3)),
        Case(lambda x: F.sum(x, -1), ONE),
    ],
    "mean": [Case(lambda x: F.mean(x, axis=1), ONE), Case(F.mean, ONE, smallest=1)],
    "var": [Case(lambda x: F.var(x, axis=1, ddof=1), ONE), Case(F.var, ONE, smallest=1)],
    "std": [Case(lambda x: F.std(x, axis=1), ONE)],
    "max": [Case(lambda x: F.max(x, axis=1), apart(3)), Case(F.max, apart(3), smallest=1)],
    "min": [Case(lambda x: F.min(x, axis=1, keepdims=True), apart(3))],
    "prod": [Case(lambda x: F.prod(x, axis=1), positive(3))],
    "cumsum": [Case(lambda x: F.cumsum(x, 1), ONE)],
    "logsumexp": [Case(lambda x: F.logsumexp(x, axis=1), ONE), Case(F.logsumexp, ONE, smallest=1)],
    "reshape": [Case(lambda x: F.reshape(x, (3, x.shape[0])), ONE)],
    "transpose": [Case(F.transpose, ONE), Case(lambda x: F.transpose(x, (1, 2, 0)), normal(2, 3))],
    "swapaxes": [Case(lambda x: F.swapaxes(x, 0, -1), normal(2, 3))],
    "moveaxis": [Case(lambda x: F.moveaxis(x, 0, 2), normal(2, 3))],
    "expand_dims": [Case(lambda x: F.expand_dims(x, 1), ONE)],
    "squeeze": [Case(lambda x: F.squeeze(x, 1), normal(1, 3))],
    "broadcast_to": [Case(lambda x: F.broadcast_to(x, (2, x.shape[0], 3)), normal(1))],
    "flip": [Case(lambda x: F.flip(x, 1), ONE)],
    "roll": [Case(lambda x: F.roll(x, 1, 1), ONE), Case(lambda x: F.roll(x, (1, 2), (0, 1)), ONE)],
    "pad": [Case(lambda x: F.pad(x, ((1, 0), (0, 2))), ONE)],
    "repeat": [Case(lambda x: F.repeat(x, 2, 1), ONE), Case(lambda x: F.repeat(x, 2, axis=-1), ONE)],
    "tril": [Case(F.tril, ONE)],
    "triu": [Case(lambda x: F.triu(x, 1), ONE)],
    "diagonal": [Case(F.diagonal, ONE)],
    "concatenate": [Case(lambda x, y: F.concatenate([x, y], axis=1), ONE, normal(2))],
    "stack": [Case(lambda x, y: F.stack([x, y], axis=-1), ONE, ONE)],
    "split": [Case(lambda x: F.split(x, [1], axis=1)[1], ONE), Case(lambda x: F.split(x, 3, axis=1)[2], ONE)],
    "getitem": [
        Case(lambda x: x[:, 1:], ONE),
        Case(lambda x: x[..., None, 0], ONE),
        Case(lambda x: x[[0, 0, 1]], ONE, smallest=2),
        Case(lambda x: x[x > 0], apart(3)),
    ],
    "take": [
        Case(lambda x: F.take(x, np.array([0, 2, 0]), axis=1), ONE),
        Case(lambda x, i: F.take(x, i, axis=0), PARAMETERS, integers(3)),
        Case(F.take, MATRIX, integers(6)),
    ],
    "take_along_axis": [Case(lambda x, i: F.take_along_axis(x, i, 1), ONE, integers(3, 2))],
    "scatter_add": [Case(lambda x: F.scatter_add(x, (slice(None), np.array([0, 0, 1])), (len(x), 2)), ONE)],
    "sort": [Case(lambda x: F.sort(x, axis=1), apart(3))],
    "matmul": [
        Case(F.matmul, ONE, MATRIX),
        Case(F.matmul, ONE, PARAMETERS),
        Case(lambda x, y: F.matmul(y, F.transpose(x)), ONE, PARAMETERS),
        Case(F.matmul, normal(2, 3), MATRIX),
        Case(F.matmul, normal(1, 3), normal(3, 2)),
        Case(F.matmul, PARAMETERS, PARAMETERS),
    ],
    "einsum": [
        Case(lambda x, y: F.einsum("ij,kj->ik", x, y), ONE, normal(3)),
        Case(lambda x: F.einsum("ijk->j", x), normal(2, 3)),
    ],
    "solve": [
        Case(lambda a, b: F.solve(a + 4.0 * np.eye(3, dtype=a.dtype), b), normal(3, 3), normal(3, 2), twice=False),
    ],
    "relu": [Case(F.relu, apart(3))],
    "leaky_relu": [Case(lambda x: F.leaky_relu(x, 0.1), apart(3))],
    "elu": [Case(lambda x: F.elu(x, alpha=1.5), apart(3))],
    "selu": [Case(F.selu, apart(3))],
    "sigmoid": [Case(F.sigmoid, ONE)],
    "tanh": [Case(F.tanh, ONE)],
    "gelu": [Case(F.gelu, ONE, twice=False)],
    "swish": [Case(F.swish, ONE)],
    "mish": [Case(F.mish, ONE)],
    "softplus": [Case(F.softplus, ONE)],
    "prelu": [Case(F.prelu, apart(3), PARAMETERS, twice=False)],
    "softmax": [Case(F.softmax, ONE)],
    "log_softmax": [Case(lambda x: F.log_softmax(x, axis=1), ONE)],
    "linear": [
        Case(F.linear, ONE, MATRIX, normal(2, n_first=False)),
        Case(lambda x, W: F.linear(x, W, activation="swish"), ONE, MATRIX),
        Case(lambda x, W, b: F.linear(x, W, b, activation="tanh"), ONE, MATRIX, normal(2, n_first=False)),
    ],
    "dropout": [Case(lambda x: F.dropout(x, 0.4, seed=3, counter=5), ONE, twice=False)],
    "embedding": [Case(F.embedding, integers(3, 2), MATRIX, twice=False)],
    "layer_norm": [Case(F.layer_norm, ONE, PARAMETERS, PARAMETERS, twice=False)],
    "batch_norm": [Case(lambda *a: F.batch_norm(*a)[0], ONE, PARAMETERS, PARAMETERS, twice=False, smallest=2)],
    "softmax_cross_entropy": [
        Case(lambda x, y: F.softmax_cross_entropy(x, y, smoothing=0.1), ONE, integers(3), **LOSS),
        Case(lambda x, p, w: F.softmax_cross_entropy(x, F.softmax(p), w), ONE, constant(ONE), WEIGHT, **LOSS),
    ],
    "focal": [Case(lambda x, y: F.focal(x, y, gamma=1.5), ONE, integers(3), **LOSS)],
    "nll": [Case(F.nll, ONE, integers(3), WEIGHT, **LOSS)],
    "binary_cross_entropy": [Case(F.binary_cross_entropy, ONE, binary(3), WEIGHT, **LOSS)],
    "squared_error": [Case(F.squared_error, ONE, constant(ONE), WEIGHT, **LOSS)],
    "absolute_error": [Case(lambda x: F.absolute_error(x, np.zeros(x.shape)), apart(3), **LOSS)],
    "huber": [Case(lambda x: F.huber(x, np.zeros(x.shape), delta=0.5), apart(3), **LOSS)],
    "quantile": [
        Case(lambda x: F.quantile(x, np.zeros(len(x)), levels=(0.1, 0.5, 0.9)), apart(3), **LOSS),
    ],
    "poisson": [Case(F.poisson, ONE, constant(positive(3)), **LOSS)],
}
EVERY = [pytest.param(case, id=f"{name}-{i}") for name, cases in CASES.items() for i, case in enumerate(cases)]
every_case = pytest.mark.parametrize("case", EVERY)


def tensors(inputs, dtype=float, change=lambda array: array):
    """Inputs as Tensors; those of floats require a gradient, constants do not."""
    made = []
    for x in inputs:
        if isinstance(x, Constant):
            made.append(Tensor(change(x.array.astype(dtype))))
        else:
            floats = x.dtype.kind == "f"
            made.append(Tensor(change(x.astype(dtype) if floats else x), requires_grad=floats))
    return made


def directions(made, rng):
    """A direction per differentiable input: every coordinate is away from 0, so that none is invisible."""
    return [
        rng.choice([-1.0, 1.0], t.shape) * rng.uniform(0.3, 1.0, t.shape) if t.requires_grad else None for t in made
    ]


def moved(made, along, step):
    return [t if v is None else Tensor(t.data + step * v, requires_grad=True) for t, v in zip(made, along)]


def slope(function, made, along, step=1e-6):
    """The directional derivative of a function of Tensors that returns a number."""
    high, low = (float(function(*moved(made, along, s * step)).data) for s in (1, -1))
    return (high - low) / (2 * step)


def analytic(function, made, along):
    wanted = [t for t in made if t.requires_grad]
    found = grad(function(*made), wanted)
    return sum(float((g * v).sum()) for g, v in zip(found, [v for v in along if v is not None]) if g is not None)


def projected(case, made, rng):
    """The case's result, times a random cotangent, as one number."""
    shape = case.call(*made).shape
    cotangent = rng.standard_normal(shape)
    return lambda *made: (case.call(*made) * cotangent).sum()


def public_functions():
    return {name for name, thing in vars(F).items() if not name.startswith("_") and inspect.isfunction(thing)}


def test_no_function_lacks_a_case():
    assert public_functions() == set(CASES)


@pytest.mark.parametrize("device", ["reference", "cpu"])
@every_case
def test_gradient_is_the_slope(case, device, rng):
    with config_context(device=device):
        made = tensors(case.inputs(rng))
        before = [t.data.copy() for t in made]
        along, function = directions(made, rng), projected(case, made, rng)
        want = slope(function, made, along)
        assert abs(analytic(function, made, along) - want) <= 1e-6 * max(1, abs(want))
    for t, data in zip(made, before):
        np.testing.assert_array_equal(t.data, data)


@pytest.mark.parametrize("case", [param for param in EVERY if param.values[0].twice])
def test_gradient_of_the_gradient_is_its_slope(case, rng):
    made = tensors(case.inputs(rng))
    along, function = directions(made, rng), projected(case, made, rng)

    def steepness(*made):
        """The derivative along `along`, squared so that it depends on the inputs."""
        wanted = [t for t in made if t.requires_grad]
        found = grad(function(*made), wanted, create_graph=True)
        total = sum((g * v).sum() for g, v in zip(found, [v for v in along if v is not None]) if g is not None)
        return total * total + sum((t * t).sum() for t in wanted)

    want = slope(steepness, made, along, step=1e-5)
    assert abs(analytic(steepness, made, along) - want) <= 2e-6 * max(1, abs(want))


@every_case
def test_float32_in_float32_out(case, rng):
    made = tensors(case.inputs(rng), np.float32)
    exact = tensors(case.inputs(np.random.default_rng(0)))
    y, y_exact = case.call(*made), case.call(*exact)
    assert y.dtype == (np.float64 if case.loss else np.float32)
    np.testing.assert_allclose(y.data, y_exact.data, rtol=1e-4, atol=1e-5)
    ones = np.ones(y.shape)
    y.backward(ones.astype(y.dtype))
    y_exact.backward(ones)
    for t, t_exact in zip(made, exact):
        if t.requires_grad:
            assert t.grad.dtype == np.float32 and t.grad.shape == t.shape
            np.testing.assert_allclose(t.grad, t_exact.grad, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("n", [0, 1])
@every_case
def test_sizes_0_and_1(case, n, rng):
    if n < case.smallest:
        pytest.skip("needs more samples")
    made = tensors(case.inputs(rng, n))
    y = case.call(*made)
    y.backward(np.ones(y.shape))
    for t in made:
        if t.requires_grad:
            assert t.grad.shape == t.shape and np.isfinite(t.grad).all()


@every_case
def test_inputs_in_any_order_of_memory(case, rng):
    def scattered(array):
        wide = np.full((*array.shape, 2), np.nan if array.dtype.kind == "f" else 10**6).astype(array.dtype)
        wide[..., 0] = array
        return wide[..., 0]

    inputs = case.inputs(rng)
    plain, strided = tensors(inputs), tensors(inputs, change=scattered)
    for made in (plain, strided):
        y = case.call(*made)
        y.backward(np.broadcast_to(0.5, y.shape))
    for a, b in zip(plain, strided):
        if a.requires_grad:
            np.testing.assert_allclose(b.grad, a.grad, rtol=1e-12, atol=1e-12)


def test_functions_take_plain_arrays_and_document_what_a_user_passes():
    y = F.softmax(np.zeros((2, 4)))
    assert isinstance(y, Tensor) and not y.requires_grad
    np.testing.assert_array_equal(y.data, np.full((2, 4), 0.25))
    assert list(inspect.signature(F.softmax).parameters) == ["x", "axis"]
    assert all(inspect.getdoc(getattr(F, name)) for name in public_functions())


def test_losses_are_weighted_means():
    x, y = np.array([[1.0], [2.0]]), np.zeros((2, 1))
    assert F.squared_error(x, y).item() == 2.5
    assert F.squared_error(x, y, np.array([3.0, 1.0])).item() == 1.75


def test_a_target_has_no_gradient():
    x, y = Tensor(np.ones((2, 1)), requires_grad=True), Tensor(np.zeros((2, 1)), requires_grad=True)
    with pytest.raises(NotImplementedError, match="squared_error has a gradient for its prediction only"):
        F.squared_error(x, y).backward()


def test_integers_are_refused_by_kernels():
    with pytest.raises(TypeError, match="float32 or float64; got dtype int64"):
        F.relu(np.arange(3))


def test_batch_norm_gives_its_statistics(rng):
    x = rng.standard_normal((6, 3))
    _, mean, var = F.batch_norm(x, np.ones(3), np.zeros(3))
    np.testing.assert_allclose(mean, x.mean(axis=0))
    np.testing.assert_allclose(var, x.var(axis=0))


def test_einsum_refuses_what_it_has_no_gradient_for():
    for formula in ("ii->i", "ij,jk", "...i->i"):
        with pytest.raises(ValueError, match="einsum needs a formula"):
            F.einsum(formula, np.ones((2, 2)), np.ones((2, 2)))


def test_split_into_unequal_parts_says_so():
    with pytest.raises(ValueError, match="axis 0 has size 5, no multiple of 2"):
        F.split(Tensor(np.ones(5)), 2)


def test_the_table_works_on_the_gpu(on_gpu, rng):
    x = Tensor(on_gpu(rng.standard_normal((4, 3))), requires_grad=True)
    w = Tensor(on_gpu(rng.standard_normal((3, 3))), requires_grad=True)
    y = F.softmax(F.take(F.concatenate([x @ w, x], axis=1), on_gpu(np.array([0, 0, 5])), axis=1))
    (F.max(y, axis=1) + F.var(y, axis=1)).sum().backward()
    host = [Tensor(t.numpy(), requires_grad=True) for t in (x, w)]
    y = F.softmax(F.take(F.concatenate([host[0] @ host[1], host[0]], axis=1), np.array([0, 0, 5]), axis=1))
    (F.max(y, axis=1) + F.var(y, axis=1)).sum().backward()
    for t, t_host in zip((x, w), host):
        np.testing.assert_allclose(t.grad.get(), t_host.grad)


def test_fused_functions_work_on_the_gpu(on_gpu, rng):
    def loss(x, W, b, gain, bias):
        h = F.layer_norm(F.linear(x, W, b, activation="gelu"), gain, bias)
        h = F.dropout(F.batch_norm(F.tanh(h), gain, bias)[0], 0.2, seed=1, counter=2)
        return F.softmax_cross_entropy(h, np.array([0, 1, 2, 3, 0]))

    arrays = [rng.standard_normal(shape) for shape in ((5, 3), (3, 4), 4, 4, 4)]
    host, device = ([Tensor(move(a), requires_grad=True) for a in arrays] for move in (np.asarray, on_gpu))
    y, z = loss(*host), loss(*device)
    np.testing.assert_allclose(z.item(), y.item(), rtol=1e-6)
    y.backward()
    z.backward()
    for a, b in zip(host, device):
        np.testing.assert_allclose(b.grad.get(), a.grad, rtol=1e-5, atol=1e-9)
