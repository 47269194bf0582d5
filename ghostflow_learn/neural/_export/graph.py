"""An ONNX graph made of the calls of a trace: a constant is what does not depend on the input."""

from itertools import count

import numpy as np

from .._tensor import Tensor
from .nodes import ANY_SHAPE, NODES, UNSUPPORTED

OPSET, IR_VERSION = 18, 8  # of 2022: onnxruntime 1.14 and later
LARGEST = 2**31  # bytes: no protobuf is longer


class Graph:
    """Nodes and constants, and the names of the arrays of a trace that depend on the input.

    Parameters
    ----------
    onnx : module
    traces : (Trace, Trace)
        Of two batches.
    labels : dict
        Names for constants, by the id of an array.
    dtype : dtype
        Of the input of the model; it is converted to that of the traces.

    Attributes
    ----------
    call, twin : Call
        The one that becomes nodes, and the same one of the other trace.
    """

    def __init__(self, onnx, traces, labels, dtype):
        self.onnx, self.first, self.second, self.labels = onnx, *traces, labels
        self.nodes, self.initializers, self._constants, self._count = [], [], {}, count()
        self._keep = []  # arrays whose ids are names
        self.layer = None
        self.inputs = [self._info("X", dtype, _dims(self.first.x, self.second.x))]
        x = "X" if dtype == self.first.x.dtype else self.cast("X", self.first.x.dtype)
        self._names, self._twins = {id(self.first.x.data): x}, {id(self.second.x.data): x}
        for i in range(len(self.first.calls)):
            self._add(i)
        self.layer = None

    @property
    def dtype(self):
        """Of what the call returns."""
        return self.call.output.dtype

    def node(self, op_type, *inputs, output=None, **attributes):
        """Add a node of one output; returns its name."""
        name = output or f"{op_type.lower()}_{next(self._count)}"
        place = f"{self.layer}/{op_type}_{len(self.nodes)}" if self.layer else f"{op_type}_{len(self.nodes)}"
        self.nodes.append(self.onnx.helper.make_node(op_type, inputs, [name], name=place, **attributes))
        return name

    def constant(self, array, label=None):
        """The name of a constant: one for each array."""
        array = np.asarray(array)
        if id(array) not in self._constants:
            name = label or self.labels.get(id(array)) or f"constant_{next(self._count)}"
            self.initializers.append(self.onnx.numpy_helper.from_array(_storable(array), name))
            self._constants[id(array)] = name
            self._keep.append(array)
        return self._constants[id(array)]

    def cast(self, name, dtype):
        return self.node("Cast", name, to=self.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def value(self, arg, dtype=None):
        """The name of an argument of the call, converted to `dtype`, by default that of the result."""
        dtype, array = np.dtype(dtype or self.dtype), _array(arg)
        name = self._names.get(id(array))
        if name is None:
            array = np.asarray(array)
            return self.constant(array if array.dtype == dtype else array.astype(dtype))
        return name if array.dtype == dtype else self.cast(name, dtype)

    def integers(self, *numbers):
        return self.constant(np.array(numbers, dtype=np.int64))

    def dims(self):
        """The shape of what the call returns: numbers, None where they change with the batch."""
        return _dims(self.call.output, self.twin.output)

    def arg_dims(self):
        """The same of the first argument of the call."""
        return _dims(self.call.args[0], self.twin.args[0])

    def n_samples(self, size, twin_size):
        """The name of the number of samples, which a size that changes must be."""
        if (size, twin_size) != (len(self.first.x), len(self.second.x)):
            self.refuse("makes an axis whose size changes with the number of samples, but is another number")
        return self.node("Shape", "X", start=0, end=1)

    def refuse(self, why):
        where = f" in {self.layer}" if self.layer else ""
        raise NotImplementedError(f"{self.call.name}{where} cannot become a part of an ONNX graph: it {why}.")

    def output(self, name="variable", value=None, dtype=None, dims=None):
        """Declare an output of the model; by default what the traced function returned."""
        if value is None:
            value = self.result
        dtype, dims = dtype or self.first.y.dtype, dims or _dims(self.first.y, self.second.y)
        self.node("Identity", value, output=name)
        return self._info(name, dtype, dims)

    @property
    def result(self):
        name = self._names.get(id(self.first.y.data))
        if name is None:
            raise ValueError(
                "What comes out has lost its way from X: a function that ONNX does not know of made it. Use functions "
                "of nn.functional on Tensors, not on their .data."
            )
        return name

    def model(self, outputs):
        helper = self.onnx.helper
        if sum(len(tensor.raw_data) for tensor in self.initializers) >= LARGEST:
            raise ValueError("The parameters take more than 2 GB, which an ONNX file cannot hold.")
        graph = helper.make_graph(self.nodes, "ghostflow_learn", self.inputs, outputs, self.initializers)
        opsets = [helper.make_opsetid("", OPSET)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="ghostflow_learn")
        self.onnx.checker.check_model(model, full_check=True)
        return model

    def _add(self, i):
        self.call, self.twin, self.layer = self.first.calls[i], self.second.calls[i], self.first.layers.get(i)
        call, twin, passed_on = self.call, self.twin, self._names.get(id(_array(self.call.output)))
        if passed_on is None:
            args = [*call.args, *call.params.values()]
            grows = call.function in ANY_SHAPE and None in self.dims()  # a constant, once for each sample
            if not grows and not any(self._names.get(id(_array(arg))) for arg in args):
                return
            if call.function not in NODES:
                self.refuse(UNSUPPORTED.get(call.function, "is not one of nn.functional"))
            if call.function not in ANY_SHAPE:
                self._require_constants(args, [*twin.args, *twin.params.values()])
            passed_on = NODES[call.function](self, *call.args, **call.params)
        self._names[id(_array(call.output))] = self._twins[id(_array(twin.output))] = passed_on

    def _require_constants(self, args, twins):
        for one, other in zip(args, twins, strict=True):
            name = self._names.get(id(_array(one)))
            if name != self._twins.get(id(_array(other))) or (name is None and not _same(one, other)):
                self.refuse(
                    "takes a value that changes with the batch in a way that is not recorded, such as what NumPy makes "
                    "of an array, a sort, or the number of samples"
                )

    def _info(self, name, dtype, dims):
        kind = self.onnx.TensorProto.STRING if np.dtype(dtype).kind in "UOT" else None
        kind = kind or self.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        dims = ["n_samples" if axis == 0 and size is None else size for axis, size in enumerate(dims)]
        return self.onnx.helper.make_tensor_value_info(name, kind, dims)


def _dims(one, other):
    return [a if a == b else None for a, b in zip(one.shape, other.shape)]


def _array(arg):
    return arg.data if isinstance(arg, Tensor) else arg


def _storable(array):
    if array.dtype.kind in "UOT":
        return np.array([str(value) for value in array.ravel()], dtype=object).reshape(array.shape)
    return np.ascontiguousarray(array).reshape(array.shape)


def _same(a, b):
    """Whether two arguments are equal: numbers, arrays, slices, and tuples and lists of them."""
    a, b = _array(a), _array(b)
    if isinstance(a, slice) and isinstance(b, slice):
        return _same((a.start, a.stop, a.step), (b.start, b.stop, b.step))
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(map(_same, a, b))
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")
    return type(a) is type(b) and a == b
