"""What becomes a graph of a module or an estimator: a function of a Tensor, and the outputs of the model."""

import copy
from collections import namedtuple

import numpy as np

from ..._engine import get_engine
from ..._validation import check_is_fitted
from .. import _functions as F
from .._autoencoder import AutoencoderTransformer
from .._mlp import MLPClassifier, MLPRegressor
from .._mlp._losses import LINKS
from .._module import Module
from .._net import NeuralNetBinaryClassifier, NeuralNetClassifier, NeuralNetRegressor
from .._rbm import BernoulliRBM

Plan = namedtuple("Plan", "function module X dtype outputs")
Plan.__doc__ = """How a model becomes a graph.

Parameters
----------
function : callable
    From a Tensor to a Tensor.
module : Module or None
    Whose layers are named in errors.
X : ndarray
    Some samples, in the dtype that the function computes in.
dtype : dtype
    Of the input of the graph.
outputs : callable
    From a Graph to what it declares as outputs.
"""

N_TRACED = 3  # samples


def plan_for(model, X):
    """The Plan of a module or an estimator, with some samples of `X`, which an estimator can do without."""
    for kinds, plan in PLANS:
        if isinstance(model, kinds):
            return plan(model, X)
    raise TypeError(
        f"neural.to_onnx takes modules and estimators of neural. Got {type(model).__name__}: call "
        "ghostflow_learn.onnx.register(), then skl2onnx.to_onnx takes it, also where it contains a neural estimator."
    )


def _of_module(module, X):
    if X is None:
        raise ValueError("to_onnx of a module needs X, some samples as they will come.")
    unbuilt = [name or type(m).__name__ for name, m in module.named_modules() if m._builds and not m._built]
    if unbuilt:
        raise ValueError(f"{', '.join(unbuilt)} has no parameters yet: call the module once with a batch, or train it.")
    module, X = _on_host(module), _samples(X)
    dtypes = {p.dtype for p in module.parameters()} if X.dtype.kind == "f" else ()
    dtype = next(iter(dtypes)) if len(dtypes) == 1 else X.dtype
    return Plan(module, module, X.astype(dtype), X.dtype, lambda g: [g.output()])


def _of_net(net, X):
    net, X, dtype = _fitted(net, X)
    function = net._nonlinearity()
    return Plan(lambda x: function(net._columns(x)), net.module_, X, dtype, lambda g: [g.output()])


def _of_classifier(net, X):
    plan = _of_net(net, X)
    return plan._replace(outputs=lambda g: _classes(g, net.classes_, g.node("ArgMax", g.result, axis=1, keepdims=0)))


def _of_binary_classifier(net, X):
    plan = _of_net(net, X)

    def outputs(g):
        return _classes(g, net.classes_, _second(g, "GreaterOrEqual", net.threshold))

    return plan._replace(function=lambda x: _both(plan.function(x)), outputs=outputs)


def _of_autoencoder(model, X):
    model, X, dtype = _fitted(model, X)
    return Plan(model.module_.encoder, model.module_, X, dtype, lambda g: [g.output()])


def _of_perceptron(model, X):
    check_is_fitted(model, "coefs_")
    link, module = LINKS[model.out_activation_], getattr(model, "module_", None)
    if module is not None:
        module = _on_host(module)
        layers, (X, dtype) = module, _input(model, X, module.parameters()[0].dtype)
    else:
        X, dtype = _input(model, X, model.coefs_[0].dtype)
        own = model.dtype or (np.float32 if dtype == np.float32 else np.float64)  # that of X, where none is asked for
        X = X.astype(own)
        pairs = [(W.astype(X.dtype, copy=False), b.astype(X.dtype, copy=False)) for W, b in _pairs(model)]
        layers = lambda x: _perceptron(x, pairs, model.activation)
    return Plan(lambda x: link(layers(x)), module, X, dtype, lambda g: [g.output()])


def _of_perceptron_of_classes(model, X):
    plan, classes = _of_perceptron(model, X), model.classes_
    if model.out_activation_ == "softmax":
        return plan._replace(outputs=lambda g: _classes(g, classes, g.node("ArgMax", g.result, axis=1, keepdims=0)))
    if model._label_binarizer.y_type_.startswith("multilabel"):
        return plan._replace(outputs=_labels)
    least = 0.5 if len(classes) > 1 else np.inf
    outputs = lambda g: _classes(g, classes, _second(g, "Greater", least))
    return plan._replace(function=lambda x: _both(plan.function(x)), outputs=outputs)


def _of_machine(rbm, X):
    check_is_fitted(rbm, "components_")
    X, dtype = _input(rbm, X, rbm.components_.dtype)
    weights, intercept = np.ascontiguousarray(rbm.components_.T), rbm.intercept_hidden_
    function = lambda x: F.linear(x, weights, intercept, activation="sigmoid")
    return Plan(function, None, X, dtype, lambda g: [g.output()])


def _pairs(model):
    return zip(model.coefs_, model.intercepts_)


def _perceptron(x, pairs, activation):
    for W, b in pairs[:-1]:
        x = F.linear(x, W, b, activation=activation)
    return F.linear(x, *pairs[-1])


def _both(p):
    """The probabilities of two classes from that of the second."""
    return F.concatenate([1.0 - p, p], axis=1)


def _second(g, op_type, threshold):
    """1 where the second probability compares so with the threshold."""
    p = g.node("Gather", g.result, g.constant(np.array(1)), axis=1)
    return g.cast(g.node(op_type, p, g.constant(np.array(threshold, dtype=g.first.y.dtype))), np.int64)


def _classes(g, classes, codes):
    """The outputs of a classifier, as skl2onnx names them."""
    classes = classes.astype(np.int64) if classes.dtype.kind in "iu" else classes
    label = g.node("Gather", g.constant(classes, "classes"), codes)
    return [g.output("label", label, classes.dtype, [None]), g.output("probabilities")]


def _labels(g):
    likely = g.node("Greater", g.result, g.constant(np.array(0.5, dtype=g.first.y.dtype)))
    return [g.output("label", g.cast(likely, np.int64), np.int64), g.output("probabilities")]


def _fitted(model, X):
    """A copy of a net whose module is in host memory, samples in its dtype, and the dtype of the input."""
    check_is_fitted(model, "module_")
    model, module = copy.copy(model), _on_host(model.module_)
    model.module_ = module
    return model, *_input(model, X, np.dtype(model.dtype))


def _on_host(module):
    """A copy that does not train."""
    module = copy.deepcopy(module).eval()
    engine = get_engine(None)
    if module.parameters() and module.engine is not engine:
        module.pack(engine)
    return module


def _input(model, X, dtype):
    """Samples in the dtype that the model computes in, and the dtype of the input."""
    shape = getattr(model, "_shape", (model.n_features_in_,))
    if X is None:
        return np.random.RandomState(0).uniform(size=(N_TRACED, *shape)).astype(dtype), dtype
    X = _samples(X)
    if X.shape[1:] != tuple(shape):
        raise ValueError(f"X has samples of shape {X.shape[1:]}, but {type(model).__name__} was fitted on {shape}.")
    return X.astype(dtype), X.dtype


def _samples(X):
    X = X[:N_TRACED]
    X = X.toarray() if hasattr(X, "toarray") else X.get() if hasattr(X, "get") and hasattr(X, "device") else X
    X = np.asarray(X)
    if X.dtype.kind not in "fiub" or not X.ndim or not len(X):
        raise TypeError(f"X must be samples of one type of numbers. Got shape {X.shape} of dtype {X.dtype}.")
    return X


PLANS = [
    (Module, _of_module),
    (NeuralNetClassifier, _of_classifier),
    (NeuralNetBinaryClassifier, _of_binary_classifier),
    (NeuralNetRegressor, _of_net),
    (AutoencoderTransformer, _of_autoencoder),
    (MLPClassifier, _of_perceptron_of_classes),
    (MLPRegressor, _of_perceptron),
    (BernoulliRBM, _of_machine),
]
