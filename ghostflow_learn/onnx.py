"""Our estimators in ONNX: `register()` lets skl2onnx convert them, alone and within pipelines."""

import functools

from ._onnx_networks import convert_network, register_networks
from ._patch import native_estimators


def register():
    """Tell skl2onnx to convert each of our estimators as it converts scikit-learn's of the same name.

    Our fitted attributes are scikit-learn's, so its converters read them; that of `BernoulliRBM`, which it lacks, is
    our own. Of the nets, of `AutoencoderTransformer`, and of perceptrons beyond scikit-learn's the graph of
    :func:`neural.to_onnx` becomes a part of its own. Call it once per process, before ``skl2onnx.to_onnx`` or
    ``skl2onnx.convert_sklearn``.

    Returns
    -------
    names : list of str
        The estimators that can be converted.

    Raises
    ------
    ImportError
        If skl2onnx is not installed: ``pip install ghostflow-learn[onnx]``.

    Examples
    --------
    >>> import ghostflow_learn.onnx
    >>> "PCA" in ghostflow_learn.onnx.register()
    True
    """
    from skl2onnx import update_registered_converter
    from skl2onnx._parse import sklearn_parsers_map
    from skl2onnx._supported_operators import sklearn_operator_name_map
    from skl2onnx.operator_converters import random_forest

    _let_protobuf_take_flags(random_forest)
    _convert_perceptrons_that_are_not_scikit_learns()
    counterparts = native_estimators()
    for ours, theirs in counterparts.items():
        for known in (sklearn_operator_name_map, sklearn_parsers_map):
            # skl2onnx knows ours already, and not scikit-learn's, if it was imported while patched.
            entry = known.get(theirs, known.get(ours))
            if entry is not None:
                known[ours] = known[theirs] = entry
        if ours.__name__ in ("GaussianMixture", "BayesianGaussianMixture"):
            sklearn_parsers_map[ours] = sklearn_parsers_map[theirs] = _parse_mixture
        if ours.__name__ == "BernoulliRBM":
            update_registered_converter(ours, "GhostflowBernoulliRBM", _rbm_shape, _convert_rbm)
    return [ours.__name__ for ours in counterparts if ours in sklearn_operator_name_map] + register_networks()


def _parse_mixture(scope, model, inputs, custom_parsers=None):
    """The outputs that skl2onnx declares by the exact type of scikit-learn's mixtures."""
    from skl2onnx._supported_operators import _get_sklearn_operator_name
    from skl2onnx.common.data_types import Int64TensorType, guess_tensor_type

    operator = scope.declare_local_operator(_get_sklearn_operator_name(type(model)), model)
    operator.inputs = inputs
    number = guess_tensor_type(inputs[0].type)
    operator.outputs.append(scope.declare_local_variable("label", Int64TensorType()))
    operator.outputs.append(scope.declare_local_variable("probabilities", number))
    if scope.get_options(model, {"score_samples": False})["score_samples"]:
        operator.outputs.append(scope.declare_local_variable("score_samples", number))
    return operator.outputs


def _rbm_shape(operator):
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType

    (given,), (output,) = operator.inputs, operator.outputs
    kind = DoubleTensorType if isinstance(given.type, DoubleTensorType) else FloatTensorType
    output.type = kind([given.get_first_dimension(), len(operator.raw_operator.components_)])


def _convert_rbm(scope, operator, container):
    """The probabilities of the hidden units: sigmoid(X components_.T + intercept_hidden_)."""
    from skl2onnx.common.data_types import guess_proto_type

    def add(op_type, inputs, output=None, **attributes):
        output = output or scope.get_unique_variable_name(op_type.lower())
        version = {"Cast": 9, "Gemm": 13, "Sigmoid": 13}[op_type]
        container.add_node(
            op_type, inputs, output, name=scope.get_unique_operator_name(op_type), op_version=version, **attributes
        )
        return output

    def constant(name, array):
        name = scope.get_unique_variable_name(name)
        container.add_initializer(name, kind, array.shape, array.ravel())
        return name

    rbm, kind = operator.raw_operator, guess_proto_type(operator.outputs[0].type)
    weights = constant("components", rbm.components_)
    intercept = constant("intercept", rbm.intercept_hidden_)
    X = operator.inputs[0].full_name
    if guess_proto_type(operator.inputs[0].type) != kind:  # whole numbers
        X = add("Cast", [X], to=kind)
    add("Sigmoid", [add("Gemm", [X, weights, intercept], transB=1)], operator.outputs[0].full_name)


def _let_protobuf_take_flags(module, name="add_tree_to_attribute_pairs_hist_gradient_boosting"):
    """Boosted trees have a flag in each node that skl2onnx 1.20 writes as False, where protobuf wants the number 0."""
    add_tree = getattr(module, name)
    if hasattr(add_tree, "__wrapped__"):
        return

    @functools.wraps(add_tree)
    def add_tree_with_numbers(attributes, *args, **kwargs):
        add_tree(attributes, *args, **kwargs)
        flags = "nodes_missing_value_tracks_true"
        attributes[flags] = [int(flag) for flag in attributes[flags]]

    setattr(module, name, add_tree_with_numbers)


def _convert_perceptrons_that_are_not_scikit_learns():
    """skl2onnx reads `coefs_` and would leave out norms, residuals and other activations without a word."""
    from skl2onnx.common._registration import get_converter

    def choosing(convert):
        @functools.wraps(convert)
        def convert_theirs_or_ours(scope, operator, container):
            is_ours = getattr(operator.raw_operator, "_no_counterpart", lambda: None)() is not None
            (convert_network if is_ours else convert)(scope, operator, container)

        return convert_theirs_or_ours

    for name in ("SklearnMLPClassifier", "SklearnMLPRegressor"):
        known = get_converter(name)
        if not hasattr(known._fct, "__wrapped__"):
            known._fct = choosing(known._fct)
