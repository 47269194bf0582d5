"""Modules and estimators in ONNX."""

from ... import config_context
from .estimators import plan_for
from .graph import Graph
from .trace import trace_twice


def to_onnx(model, X=None):
    """A module or a fitted neural estimator as an ONNX model, which runs without this library.

    The graph is what the forward of the model does with a batch, function by function, so one's own modules become
    graphs, too. The batch may have any number of samples.

    Parameters
    ----------
    model : Module or estimator
        A module with parameters; `NeuralNetClassifier`, `NeuralNetBinaryClassifier`, `NeuralNetRegressor`,
        `AutoencoderTransformer`, whose encoder it is, `MLPClassifier`, `MLPRegressor`, or `BernoulliRBM`.
    X : array-like of shape (n_samples, n_features) or (n_samples, ...), default=None
        Some samples as they will come: their dtype is that of the input. A module needs them; an estimator only where
        its module takes other values than those between 0 and 1.

    Returns
    -------
    onnx_model : onnx.ModelProto
        With the input ``X``. A classifier has the outputs ``label`` of shape (n_samples,) and ``probabilities`` of
        shape (n_samples, n_classes), anything else ``variable`` of shape (n_samples, n_outputs): skl2onnx's names.

    Raises
    ------
    ImportError
        If onnx is not installed: ``pip install 'ghostflow-learn[onnx]'``.
    NotImplementedError
        If a function has no counterpart; the message names it and its layer.
    ValueError
        If what forward does depends on the values of the batch in a way that is not recorded.

    Notes
    -----
    Operator set 18. Dropout does nothing, batch norms use their running statistics. The module is called with two small
    batches to tell what depends on the input from what is constant; it is copied before. What an ``if`` of forward
    decides by values stays as it was for these batches. Float64 models call for float64 kernels, of which onnxruntime
    lacks those of erf (GELU) and the inverse trigonometric functions: these are computed in float32.

    Examples
    --------
    >>> import numpy as np
    >>> from ghostflow_learn.neural import nn, to_onnx
    >>> module = nn.Sequential(nn.Linear(3, 8, activation="relu"), nn.Linear(8, 2)).seed(0)
    >>> X = np.ones((4, 3), np.float32)
    >>> Y = module(X)
    >>> model = to_onnx(module, X)
    >>> [node.op_type for node in model.graph.node]
    ['Gemm', 'Relu', 'Gemm', 'Identity']
    """
    onnx = _onnx()
    with config_context(device="cpu"):
        plan = plan_for(model, X)
        traces = trace_twice(plan.function, plan.module, plan.X)
    named = [] if plan.module is None else [*plan.module.named_parameters(), *plan.module.named_buffers()]
    graph = Graph(onnx, traces, {id(tensor.data): name for name, tensor in named}, plan.dtype)
    return graph.model(plan.outputs(graph))


def _onnx():
    try:
        import onnx
    except ImportError as error:
        raise ImportError("to_onnx needs the package onnx: pip install 'ghostflow-learn[onnx]'.") from error
    return onnx
