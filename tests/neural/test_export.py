"""to_onnx: what onnxruntime makes of a model is what the model makes, and what has no counterpart is named."""

import inspect
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ghostflow_learn.neural import (
    AutoencoderTransformer,
    NeuralNetBinaryClassifier,
    NeuralNetClassifier,
    NeuralNetRegressor,
    Tensor,
    custom_vjp,
    differentiable,
    nn,
    stop_gradient,
    straight_through,
    to_onnx,
)
from ghostflow_learn.neural import functional as F
from ghostflow_learn.neural._export.nodes import NODES, UNSUPPORTED
from ghostflow_learn.neural_network import BernoulliRBM, MLPClassifier, MLPRegressor

onnx = pytest.importorskip("onnx", reason="pip install ghostflow-learn[onnx]")
onnxruntime = pytest.importorskip("onnxruntime", reason="pip install ghostflow-learn[test]")

every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])


def run(model, X):
    """Outputs of a ModelProto by name."""
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return dict(zip([output.name for output in session.get_outputs()], session.run(None, {"X": X})))


class Of(nn.Module):
    """A module that is a function."""

    def __init__(self, function):
        self.function = function

    def forward(self, x):
        return self.function(x)


def assert_same(module, X, rtol=1e-5, atol=1e-6):
    """Also for one sample, and for more than the graph was made with."""
    module = module if isinstance(module, nn.Module) else Of(module)
    model = to_onnx(module.eval(), X[:2])
    for n in (1, 2, len(X)):
        want = module(X[:n]).numpy()
        got = run(model, X[:n])["variable"]
        assert got.dtype == want.dtype and got.shape == want.shape
        np.testing.assert_allclose(got, want, rtol=rtol, atol=atol)


# Functions, of x of shape (n, 4), and of the cube of shape (n, 2, 3)

C = np.array([0.5, -1.0, 2.0, 0.25])
W = np.arange(12.0).reshape(4, 3) / 10 - 0.5
FLAT = {
    "add": lambda x: x + C,
    "subtract": lambda x: 1 - x,
    "multiply": lambda x: x * C * x,
    "divide": lambda x: C / (x * x + 1),
    "power": lambda x: x**2 + F.power(1 + x * x, x),
    "negative": lambda x: -x,
    "absolute": F.absolute,
    "abs": abs,
    "square": F.square,
    "sqrt": lambda x: F.sqrt(x * x),
    "exp": F.exp,
    "expm1": F.expm1,
    "log": lambda x: F.log(x * x + 0.1),
    "log1p": lambda x: F.log1p(x * x),
    "log2": lambda x: F.log2(x * x + 0.1),
    "log10": lambda x: F.log10(x * x + 0.1),
    "sin": F.sin,
    "cos": F.cos,
    "tan": lambda x: F.tan(0.3 * x),
    "sinh": F.sinh,
    "cosh": F.cosh,
    "arcsin": lambda x: F.arcsin(0.2 * x),
    "arccos": lambda x: F.arccos(0.2 * x),
    "arctan": F.arctan,
    "logaddexp": lambda x: F.logaddexp(x, 50 * x),
    "maximum": lambda x: F.maximum(x, 0.5 * C),
    "minimum": lambda x: F.minimum(x, 0.5),
    "clip": lambda x: F.clip(x, -0.5, 0.5) + x.clip(high=0.1) + F.clip(x, 0.2),
    "where": lambda x: F.where(C > 0, x, -1.0) + F.where(x > 0.1, x, 0.2 * x) + F.where(x <= C, x * (x < 1), 0.0),
    "astype": lambda x: F.astype(x * 3, "int64").astype(x.dtype),
    "relu": F.relu,
    "leaky_relu": lambda x: F.leaky_relu(x, 0.2) + F.leaky_relu(x) + F.leaky_relu(x, slope=0.3),
    "elu": lambda x: F.elu(x) + F.elu(x, alpha=0.5),
    "selu": F.selu,
    "sigmoid": F.sigmoid,
    "tanh": F.tanh,
    "gelu": F.gelu,
    "swish": F.swish,
    "mish": F.mish,
    "softplus": F.softplus,
    "prelu": lambda x: F.prelu(x, C.astype(x.dtype)),
    "softmax": lambda x: F.softmax(10 * x) + F.softmax(x, axis=0),
    "log_softmax": lambda x: F.log_softmax(10 * x, axis=1),
    "linear": lambda x: F.linear(x, W.astype(x.dtype), activation="elu", slope=0.7),
    "embedding": lambda x: F.embedding(F.astype(F.absolute(x), "int64"), W.astype(x.dtype)).reshape(x.shape[0], -1),
    "layer_norm": lambda x: F.layer_norm(x, C.astype(x.dtype), C.astype(x.dtype), eps=1e-3),
    "matmul": lambda x: x @ W.astype(x.dtype),
    "sum": lambda x: F.sum(x, axis=1, keepdims=True) + x.sum() + x.sum(axis=0),
    "mean": lambda x: x - x.mean(axis=0) + x.mean(axis=1, keepdims=True),
    "max": lambda x: x - F.max(x, axis=-1, keepdims=True),
    "min": lambda x: F.min(x, axis=1),
    "prod": lambda x: F.prod(x, axis=1),
    "var": lambda x: x.var(axis=1, ddof=1) + x.var() + F.var(x, axis=0).sum(),
    "std": lambda x: x.std(axis=1, keepdims=True),
    "cumsum": lambda x: F.cumsum(x, 1) + x.cumsum(axis=0),
    "logsumexp": lambda x: F.logsumexp(100 * x, axis=1) + F.logsumexp(x),
    "broadcast_to": lambda x: F.broadcast_to(x[:, :1], (x.shape[0], 3)) + F.broadcast_to(C[:3], (len(x), 3)),
    "concatenate": lambda x: F.concatenate([x, 2 * x, np.zeros((1, 4))]),
    "stack": lambda x: F.stack([x, 2 * x], axis=-1),
    "getitem": lambda x: x[:, ::-1][..., None, 1] + x[:, 1:3] + x[:, [0, 2]] + x[0, 3] + x[None, -1, 0:1],
    "take": lambda x: F.take(x, np.array([3, 0]), axis=1) + F.take(x, np.array([0, 1])),
    "split": lambda x: F.split(x, 2, axis=1)[1],
    "repeat": lambda x: F.repeat(x, 2, axis=1),
    "roll": lambda x: F.roll(x, (1,), (1,)),
    "pad": lambda x: F.pad(x, ((0, 1), (2, 0)), constant_values=1.5),
    "flip": lambda x: F.flip(x) + F.flip(x, 1),
    "tril": F.tril,
    "triu": lambda x: F.triu(x, 1),
}
CUBE = {
    "reshape": lambda x: F.reshape(x, (3, -1)) + 0 * x.reshape(3, x.shape[0] * 2),
    "transpose": lambda x: F.transpose(x, (1, 0, 2)) + F.transpose(x).T.transpose(1, 0, 2),
    "swapaxes": lambda x: x.swapaxes(0, -1),
    "moveaxis": lambda x: F.moveaxis(x, 0, 2),
    "expand_dims": lambda x: F.expand_dims(x, 1),
    "squeeze": lambda x: F.squeeze(F.expand_dims(x, 1), 1) + x[:, None].squeeze(),
    "einsum": lambda x: F.einsum("nij,kj->nik", x, np.ones((4, 3))),
}


def public_functions():
    return {name for name, thing in vars(F).items() if not name.startswith("_") and inspect.isfunction(thing)}


def test_every_function_becomes_nodes_or_says_why_not():
    refused = {name for name in public_functions() if getattr(F, name) in UNSUPPORTED}
    assert public_functions() == {*FLAT, *CUBE, *refused, "sort"}
    assert not set(NODES) & set(UNSUPPORTED)


@every_dtype
@pytest.mark.parametrize("name", FLAT)
def test_a_function_of_columns(name, dtype, rng):
    X = rng.normal(size=(5, 4)).astype(dtype)
    assert_same(FLAT[name], X, rtol=1e-4 if dtype == "float32" else 1e-6, atol=1e-5 if dtype == "float32" else 1e-7)


@pytest.mark.parametrize("name", CUBE)
def test_a_function_of_a_cube(name, rng):
    X = rng.normal(size=(5, 2, 3)).astype(np.float32)
    model = to_onnx(Of(CUBE[name]), X[:2])
    for n in (2, 5):
        np.testing.assert_allclose(run(model, X[:n])["variable"], CUBE[name](Tensor(X[:n])).numpy(), rtol=1e-5)


# Layers


ACTIVATIONS = [nn.ReLU, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.SELU, nn.Sigmoid, nn.Tanh, nn.GELU, nn.SiLU, nn.Mish]
ACTIVATIONS += [nn.Softplus, nn.Softmax, nn.LogSoftmax]


@every_dtype
def test_every_layer(dtype, rng):
    X = rng.normal(size=(20, 6)).astype(dtype)
    activated = [part for activation in ACTIVATIONS for part in (nn.Linear(6), activation(), nn.BatchNorm1d())]
    fused = [nn.Linear(6, activation=name) for name in ("selu", "gelu", "swish", "mish", "softplus", "leaky_relu")]
    module = nn.Sequential(
        *activated, nn.Dropout(), nn.Residual(*fused, nn.LayerNorm()), nn.Linear(4, bias=False), nn.Linear(2)
    ).seed(0)
    for _ in range(3):
        module(X)  # running statistics
    assert_same(module, X, rtol=1e-3, atol=1e-4 if dtype == "float32" else 1e-6)


def test_embedding_flatten_and_axes_within_a_sample(rng):
    X = rng.integers(0, 9, (10, 5))
    module = nn.Sequential(nn.Embedding(9, 4), nn.LayerNorm(), nn.Linear(3, activation="tanh"), nn.Flatten())
    module(X)
    assert_same(module, X)


def test_dtypes_of_the_input_are_those_of_the_samples(rng):
    module = nn.Sequential(nn.Linear(4, 2)).seed(0)
    X = rng.integers(0, 5, (6, 4))
    want = module(X.astype(np.float32)).numpy()
    model = to_onnx(module, X.astype(np.float64))
    np.testing.assert_allclose(run(model, X.astype(np.float64))["variable"], want, rtol=1e-5)


class OwnGradient(nn.Module):
    """A user's module: functions, parameters in a dict, gradients of its own, one weight used twice."""

    def __init__(self):
        self.parts = {"W": nn.Parameter(np.arange(8, dtype=np.float32).reshape(4, 2) / 8)}

    def forward(self, x):
        cube = custom_vjp(lambda x: x**3, lambda x, y, g: 3 * x * x * g)
        h = cube(x) @ self.parts["W"]
        weights = stop_gradient(F.softmax(h)) * F.exp(self.parts["W"].sum() * 0.1)
        return straight_through(h * weights, h) + self.parts["W"].T @ np.ones(4, np.float32)


def test_a_module_of_ones_own(rng):
    assert_same(OwnGradient(), rng.normal(size=(6, 4)).astype(np.float32))


def test_names_in_the_graph_are_those_of_parameters_and_layers():
    module = nn.Sequential(nn.Linear(3, 2), nn.Sigmoid())
    module(np.ones((1, 3), np.float32))
    graph = to_onnx(module, np.ones((1, 3), np.float32)).graph
    assert {tensor.name for tensor in graph.initializer} == {"layers.0.W", "layers.0.b"}
    assert graph.node[1].name.startswith("layers.1 (Sigmoid)/")
    assert [dim.dim_param or dim.dim_value for dim in graph.input[0].type.tensor_type.shape.dim] == ["n_samples", 3]


def test_the_module_stays_as_it_is():
    X = np.ones((3, 2), np.float32)
    module = nn.Sequential(nn.Linear(2, 2), nn.Dropout(), nn.BatchNorm1d()).seed(0)
    module(X)
    before = module.state_dict()
    to_onnx(module, X)
    assert module.training and all("forward" not in vars(part) for part in module.modules())
    for name, value in module.state_dict().items():
        np.testing.assert_array_equal(value, before[name])


# Estimators


@pytest.fixture(scope="module")
def iris():
    X, y = load_iris(return_X_y=True)
    return StandardScaler().fit_transform(X).astype(np.float32), y


def assert_classifies(model, X, rtol=1e-4, atol=1e-6):
    out = run(to_onnx(model), X)
    np.testing.assert_array_equal(out["label"], model.predict(X))
    np.testing.assert_allclose(out["probabilities"], model.predict_proba(X), rtol=rtol, atol=atol)
    assert list(out) == ["label", "probabilities"]
    return out


def words(y):
    return np.array(["setosa", "versicolor", "virginica"])[y]


LABELS = {"numbers": lambda y: y + 3, "words": words, "objects": lambda y: words(y).astype(object)}
LABELS["truth values"] = lambda y: y > 0


@pytest.mark.parametrize("labels", LABELS)
def test_classes_keep_their_labels(labels, iris):
    X, y = iris
    out = assert_classifies(NeuralNetClassifier(max_epochs=5, random_state=0).fit(X, LABELS[labels](y)), X)
    assert np.asarray(out["label"]).shape == (150,)


def test_a_net_with_everything(iris):
    X, y = iris
    module = nn.Sequential(
        nn.Linear(16, activation="gelu"), nn.BatchNorm1d(), nn.Dropout(0.2), nn.Residual(nn.Linear(16)), nn.Linear(3)
    )
    assert_classifies(NeuralNetClassifier(module, max_epochs=5, random_state=0).fit(X, y), X)
    logs = nn.Sequential(nn.Linear(3), nn.LogSoftmax())
    assert_classifies(NeuralNetClassifier(logs, criterion="nll", max_epochs=5, random_state=0).fit(X, y), X)
    halves = NeuralNetClassifier(nonlinearity=lambda x: F.softmax(x) * 0.5, max_epochs=2, random_state=0).fit(X, y)
    assert_classifies(halves, X)


@every_dtype
def test_two_classes_and_their_threshold(dtype, iris):
    X, y = iris
    X, y = X[y > 0], words(y[y > 0])
    model = NeuralNetBinaryClassifier(dtype=dtype, threshold=0.8, max_epochs=5, random_state=0).fit(X, y)
    proba = run(to_onnx(model), X.astype(dtype))
    np.testing.assert_array_equal(proba["label"], model.predict(X))
    np.testing.assert_allclose(proba["probabilities"], model.predict_proba(X), rtol=1e-4, atol=1e-6)
    assert (model.predict(X) != np.where(model.predict_proba(X)[:, 1] >= 0.5, *model.classes_[::-1])).any()


@pytest.mark.parametrize("criterion", ["mse", "poisson", "quantile"])
def test_numbers(criterion, iris):
    X, y = iris
    model = NeuralNetRegressor(criterion=criterion, max_epochs=5, random_state=0).fit(X, y)
    got = run(to_onnx(model), X)["variable"]
    np.testing.assert_allclose(got, model.predict(X)[:, None], rtol=1e-4, atol=1e-5)


def test_images_keep_their_shape(rng):
    X = rng.normal(size=(20, 4, 5)).astype(np.float32)
    module = nn.Sequential(nn.Flatten(), nn.Linear(2))
    assert_classifies(NeuralNetClassifier(module, max_epochs=2, random_state=0).fit(X, X[:, 0, 0] > 0), X)


@pytest.mark.parametrize("params", [{}, {"tied": True}, {"noise": 0.1, "masking": 0.1}], ids=["plain", "tied", "noise"])
def test_an_autoencoder_and_its_parts(params, iris):
    X, _ = iris
    model = AutoencoderTransformer(2, (8,), max_epochs=3, random_state=0, **params).fit(X)
    code = run(to_onnx(model), X)["variable"]
    np.testing.assert_allclose(code, model.transform(X), rtol=1e-4, atol=1e-5)
    if not params.get("tied"):
        again = run(to_onnx(model.module_.decoder, code), code)["variable"]
        np.testing.assert_allclose(again, model.inverse_transform(code), rtol=1e-4, atol=1e-5)
    whole = run(to_onnx(model.module_, X), X)["variable"]
    np.testing.assert_allclose(whole, model.inverse_transform(model.transform(X)), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "activation, dtype",
    [("identity", "float64"), ("logistic", "float32"), ("tanh", "float64"), ("relu", "float32")],
)
def test_perceptrons(activation, dtype, iris):
    X, y = iris[0].astype(dtype), iris[1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # too few epochs to converge
        params = {"hidden_layer_sizes": (6, 5), "activation": activation, "max_iter": 5, "random_state": 0}
        fit = lambda kind, y, **more: kind(**params, **more).fit(X, y)
        assert_classifies(fit(MLPClassifier, words(y)), X)
        assert_classifies(fit(MLPClassifier, y > 0), X)
        assert_classifies(fit(MLPClassifier, np.column_stack([y > 0, y > 1, y == 0]).astype(int)), X)
        model = fit(MLPRegressor, np.column_stack([y, -y]))
        np.testing.assert_allclose(run(to_onnx(model), X)["variable"], model.predict(X), rtol=1e-4, atol=1e-6)
        other = X.astype({"float32": "float64", "float64": "float32"}[dtype])
        got = run(to_onnx(model, other), other)["variable"]
        assert got.dtype == other.dtype
        np.testing.assert_allclose(got, model.predict(other), rtol=1e-4, atol=1e-5)
        counts = fit(MLPRegressor, y, loss="poisson")
        np.testing.assert_allclose(run(to_onnx(counts), X)["variable"], counts.predict(X)[:, None], rtol=1e-4)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_perceptrons_beyond_scikit_learns(iris):
    X, y = iris
    params = {"hidden_layer_sizes": (8, 8), "max_iter": 5, "random_state": 0, "batch_size": 50, "norm": "batch"}
    params |= {"activation": ["gelu", "prelu"], "dropout": 0.1, "residual": True, "dtype": "float64"}
    assert_classifies(MLPClassifier(**params).fit(X, words(y)), X.astype(np.float64))
    assert_classifies(MLPClassifier(**params, loss="cross_entropy").fit(X, y > 0), X.astype(np.float64))
    numbers = MLPRegressor(**params, loss="huber").fit(X, y)
    np.testing.assert_allclose(run(to_onnx(numbers, X), X)["variable"][:, 0], numbers.predict(X), rtol=1e-4, atol=1e-6)


def test_a_boltzmann_machine(rng):
    X = (rng.random((30, 8)) > 0.5).astype(np.float64)
    model = BernoulliRBM(4, n_iter=3, random_state=0).fit(X)
    np.testing.assert_allclose(run(to_onnx(model), X)["variable"], model.transform(X), rtol=1e-6)


def test_samples_may_be_frames_sparse_or_whole_numbers(iris):
    X, y = iris
    model = NeuralNetClassifier(max_epochs=2, random_state=0).fit(X, y)
    whole = X.round().astype(np.int64)
    for sample in (pd.DataFrame(whole), csr_matrix(whole), whole.tolist()):
        out = run(to_onnx(model, sample), whole)
        np.testing.assert_allclose(out["probabilities"], model.predict_proba(whole), rtol=1e-4, atol=1e-6)


def test_a_model_fitted_on_a_gpu(on_gpu, iris):
    X, y = iris
    model = NeuralNetClassifier(max_epochs=2, random_state=0).fit(on_gpu(X[::4]), y[::4])
    assert_classifies(model, X, rtol=1e-3, atol=1e-4)


# What cannot be


def refused(forward, X=None):
    X = np.random.RandomState(0).normal(size=(4, 3)).astype(np.float32) if X is None else X
    return to_onnx(Of(forward), X)


@differentiable
def relu(engine, x):
    """Not ours."""
    return engine.xp.maximum(x, 1), lambda g, needed: (g * (x > 1),)


REFUSED = {
    "a function of one's own": (relu, r"relu in Of cannot become .*: it is not one of nn.functional"),
    "a loss": (lambda x: F.squared_error(x, np.zeros((1, 3))), "squared_error in Of .* is a loss"),
    "dropout called by hand": (lambda x: F.dropout(x, 0.5, 1, 2), "dropout in Of .* use the layer"),
    "a mask made of masks": (
        lambda x: F.where((x > 0) & (x < 1), x, 0.0),
        "where in Of .* what NumPy makes of an array",
    ),
    "a sort": (F.sort, "take_along_axis in Of .* as a sort does"),
    "values taken out": (lambda x: x * float(x.data.max()), "multiply in Of .* changes with the batch"),
    "the number of samples": (lambda x: x / len(x), "divide in Of .* or the number of samples"),
    "samples among each other": (lambda x: F.roll(x, 1, 0), "roll in Of .* moves samples"),
    "two arrays at once": (lambda x: x[[0, 1], [0, 1]], "getitem in Of .* one after the other"),
}


@pytest.mark.parametrize("forward, message", REFUSED.values(), ids=REFUSED)
def test_what_has_no_counterpart_is_named(forward, message):
    with pytest.raises(NotImplementedError, match=message):
        refused(forward)


def test_the_layer_is_named():
    inner = nn.Sequential(nn.Linear(3, 3), Of(lambda x: F.where(~(x > 0), x, 0.0)))
    module = nn.Sequential(nn.ReLU(), inner, nn.Tanh())
    module(np.ones((2, 3), np.float32))
    with pytest.raises(NotImplementedError, match=r"where in layers.1.layers.1 \(Of\) cannot"):
        to_onnx(module, np.random.RandomState(0).normal(size=(4, 3)).astype(np.float32))


def test_what_is_no_graph_of_one_batch_is_named():
    with pytest.raises(ValueError, match="other steps for another batch"):
        refused(lambda x: x * 2.0 if len(x) % 2 else x)
    with pytest.raises(ValueError, match="lost its way from X"):
        refused(lambda x: Tensor(np.tanh(x.data)))
    with pytest.raises(TypeError, match="must return one Tensor. Got tuple"):
        refused(lambda x: (x, x))
    with pytest.raises(ValueError, match="could not be broadcast") as error:
        refused(lambda x: x + np.ones((3, 3), np.float32))
    assert "calls forward with 3 and with 4 samples" in error.value.__notes__[0]


def test_models_that_do_not_fit_are_named(iris):
    X, y = iris
    with pytest.raises(ValueError, match=r"layers.0 has no parameters yet: call the module once"):
        to_onnx(nn.Sequential(nn.Linear(3)), X)
    with pytest.raises(ValueError, match="a module needs X"):
        to_onnx(nn.ReLU())
    with pytest.raises(NotFittedError):
        to_onnx(NeuralNetClassifier())
    with pytest.raises(TypeError, match=r"Got Pipeline: call ghostflow_learn.onnx.register\(\)"):
        to_onnx(make_pipeline(StandardScaler()))
    model = NeuralNetClassifier(max_epochs=1).fit(X, y)
    with pytest.raises(
        ValueError, match=r"X has samples of shape \(3,\), but NeuralNetClassifier was fitted on \(4,\)"
    ):
        to_onnx(model, X[:, :3])
    with pytest.raises(TypeError, match="X must be samples of one type of numbers"):
        to_onnx(model, pd.DataFrame({"a": ["x"], "b": [1]}))


def test_without_onnx_the_error_says_what_to_install():
    code = (
        "import sys; sys.modules['onnx'] = None\n"
        "import numpy as np\n"
        "from ghostflow_learn.neural import nn, to_onnx\n"
        "try: to_onnx(nn.ReLU(), np.ones((1, 2)))\n"
        "except ImportError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "pip install 'ghostflow-learn[onnx]'" in done.stdout, done.stderr
