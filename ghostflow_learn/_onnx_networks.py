"""Networks within what skl2onnx converts: the graph that `neural.to_onnx` makes of them becomes a part of its own."""

OPSET = 18  # of that graph


def register_networks():
    """Tell skl2onnx of the estimators that scikit-learn has not; returns their names."""
    from skl2onnx import update_registered_converter
    from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes

    from . import neural

    classifiers = (neural.NeuralNetClassifier, neural.NeuralNetBinaryClassifier)
    others = (neural.NeuralNetRegressor, neural.AutoencoderTransformer)
    for cls in (*classifiers, *others):
        shape = calculate_linear_classifier_output_shapes if cls in classifiers else _shape
        options = (
            {"zipmap": [True, False, "columns"], "nocl": [False], "output_class_labels": [False]}
            if cls in classifiers
            else None
        )
        update_registered_converter(cls, f"Ghostflow{cls.__name__}", shape, convert_network, options=options)
    return [cls.__name__ for cls in (*classifiers, *others)]


def _graph(operator):
    from .neural import to_onnx

    return to_onnx(operator.raw_operator).graph


def _shape(operator):
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType

    (given,), (output,) = operator.inputs, operator.outputs
    kind = DoubleTensorType if isinstance(given.type, DoubleTensorType) else FloatTensorType
    n_outputs = _graph(operator).output[0].type.tensor_type.shape.dim[1].dim_value
    output.type = kind([given.get_first_dimension(), n_outputs])


def convert_network(scope, operator, container):
    """Copies of all nodes and constants under names of `scope`, between conversions of types."""
    from skl2onnx.common.data_types import guess_proto_type

    if container.target_opset_onnx < OPSET:
        raise RuntimeError(f"Networks need target_opset={OPSET} or later. Got {container.target_opset_onnx}.")
    graph = _graph(operator)

    def cast(name, output, kind):
        container.add_node("Cast", name, output, name=scope.get_unique_operator_name("Cast"), op_version=13, to=kind)

    names = {"X": scope.get_unique_variable_name("X")}
    cast(operator.inputs[0].full_name, names["X"], graph.input[0].type.tensor_type.elem_type)
    for tensor in graph.initializer:
        copied = type(tensor).FromString(tensor.SerializeToString())
        copied.name = names[tensor.name] = scope.get_unique_variable_name(tensor.name)
        container.initializers.append(copied)
    for node in graph.node:
        names |= {name: scope.get_unique_variable_name(name) for name in node.output}
        copied = type(node).FromString(node.SerializeToString())
        copied.name = scope.get_unique_operator_name(node.name)
        copied.input[:], copied.output[:] = [names[name] for name in node.input], [names[name] for name in node.output]
        container.nodes.append(copied)
    container.node_domain_version_pair_sets.add(("", OPSET))
    for ours, theirs in zip(graph.output, operator.outputs):
        cast(names[ours.name], theirs.full_name, guess_proto_type(theirs.type))
