"""Reverse-mode differentiation: a Tensor remembers the function that sends its gradient to its parents.

A differentiable function is written on arrays of one engine: it returns its value and a vjp, `vjp(g, needed)`, which
returns one gradient, or None, per argument. It knows nothing of graphs, accumulation, broadcasting or modules. It
writes neither into its arguments nor into `g`, which may be another node's gradient too.
"""

import inspect
from functools import wraps
from itertools import count

import numpy as np

from .._engine import get_engine
from . import _guard
from ._modes import CHECK, RECORD, TRACE, Call, mode, trace

_next_order = count().__next__  # atomic, so threads can record graphs at once


class Tensor:
    """An array that remembers how it was computed, so that gradients can flow back through it.

    Operators, indexing, reductions and methods are NumPy's; comparisons give plain arrays. Operations are recorded
    where an operand requires a gradient, and :meth:`backward` fills the ``grad`` of those it started from.

    Parameters
    ----------
    data : array-like
        NumPy or CuPy array, kept as it is where it already lives on the engine's device; a list becomes an array.
    requires_grad : bool, default=False
        Whether :meth:`backward` should compute the gradient of this tensor. Only floating-point data can have one.
    engine : module, default=None
        The engine that computes; by default the one that the settings and the place of `data` choose.

    Attributes
    ----------
    data : array
        The values.
    grad : array or None
        The gradient, where one was asked for and computed; a :class:`Tensor` after ``backward(create_graph=True)``.
    requires_grad : bool
    engine : module

    Examples
    --------
    >>> import numpy as np
    >>> from ghostflow_learn.neural import Tensor
    >>> x = Tensor(np.array([1.0, 2.0, 3.0]), requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    array([2., 4., 6.])
    """

    __slots__ = ("_hooks", "_node", "data", "engine", "grad", "requires_grad")
    __array_ufunc__ = None  # ndarray + Tensor asks Tensor, instead of building an array of objects

    def __init__(self, data, requires_grad=False, engine=None):
        if isinstance(data, Tensor):
            data, engine = data.data, engine or data.engine
        if hasattr(data, "tocsr"):
            raise TypeError(f"A Tensor is dense; got a sparse matrix of shape {data.shape}. Convert it with toarray().")
        self.engine = engine = engine or get_engine(data)
        self.data = engine.asarray(data, order="K")
        self.grad = self._node = self._hooks = None
        self.requires_grad = bool(requires_grad)
        if requires_grad and self.data.dtype.kind not in "fc":
            raise TypeError(
                f"Only floating-point tensors can require a gradient; got dtype {self.data.dtype}. Convert the data "
                "with astype(float), or leave requires_grad=False."
            )

    @property
    def shape(self):
        return self.data.shape

    @property
    def dtype(self):
        return self.data.dtype

    @property
    def ndim(self):
        return self.data.ndim

    @property
    def size(self):
        return self.data.size

    def __len__(self):
        return len(self.data)

    def __iter__(self):
        return iter([self[i] for i in range(len(self))])

    def __repr__(self):
        recorded = ", requires_grad=True" if self.requires_grad else ""
        return f"{type(self).__name__}({np.array2string(self.numpy(), separator=', ')}, dtype={self.dtype}{recorded})"

    def __array__(self, dtype=None, copy=None):
        if self.requires_grad and mode.get() & RECORD:
            raise TypeError(
                "NumPy would lose the gradient of this tensor. Use nn.functional, or numpy() for its values."
            )
        return np.array(self.numpy(), dtype=dtype, copy=copy)

    def __float__(self):
        return float(self.data)

    def __int__(self):
        return int(self.data)

    def __bool__(self):
        return bool(self.data)

    def __reduce__(self):
        return type(self), (self.numpy(), self.requires_grad)

    def __deepcopy__(self, memo):
        return Tensor(self.data.copy(), self.requires_grad, self.engine)

    def numpy(self):
        """The values as a NumPy array, in host memory; it shares memory with `data` on the CPU."""
        return np.asarray(self.engine.to_numpy(self.data))

    def item(self):
        """The only value, as a Python number."""
        return self.data.item()

    def detach(self):
        """The same values, without the graph: a new tensor that requires no gradient and shares `data`."""
        return _wrap(self.data, self.engine, None)

    def backward(self, grad=None, retain_graph=False, create_graph=False):
        """Fill `grad` of every tensor this one was computed from that requires one, and free the graph.

        Gradients are added to those that are there.

        Parameters
        ----------
        grad : array, default=None
            The gradient of what is differentiated with respect to this tensor; 1 for a tensor of one element.
        retain_graph : bool, default=False
            Keep the graph, so that another backward() can pass through it.
        create_graph : bool, default=False
            Record the computation of the gradients, so that they can be differentiated: they become tensors. The graph
            is kept. Fused functions, such as linear or the losses, cannot do it and raise.
        """
        seed = _backward.start(self, grad, create_graph)
        if self._node is None:
            self.receive(seed)
        else:
            _backward.sweep(self._node, seed, retain_graph, create_graph)

    def receive(self, grad):
        """Add a gradient to `grad` of this leaf. The first is stored, not copied, so it is not ours to write into."""
        self.grad = grad if self.grad is None else self.grad + grad

    def register_hook(self, hook):
        """Call `hook(grad)` when the whole gradient of this tensor has been computed; what it returns replaces it.

        Parameters
        ----------
        hook : callable
            Takes the gradient, an array, and returns another one, or None to leave it. It must not write into it.

        Returns
        -------
        remove : callable
            Takes the hook away again.
        """
        if not self.requires_grad:
            raise RuntimeError("register_hook() needs a tensor that requires a gradient; this one does not.")
        owner = self if self._node is None else self._node
        owner._hooks = [*(owner._hooks or ()), hook]

        def remove():
            owner._hooks = [kept for kept in owner._hooks if kept is not hook] or None

        return remove


class Node:
    """A recorded call: where its gradient goes, and how it is computed."""

    __slots__ = ("_hooks", "call", "dtype", "engine", "guard", "name", "order", "parents", "shape", "trace", "vjp")

    def __init__(self, name, engine, parents, vjp, value, call=None):
        self.order, self.parents, self.vjp = _next_order(), parents, vjp
        self.shape, self.dtype = value.shape, value.dtype
        self.name, self.engine, self.call = name, engine, call  # (function, args, params) to run again, if it may be
        self._hooks = self.guard = self.trace = None

    def free(self):
        """Drop what was saved: the arrays die here."""
        self.vjp = self.call = self.guard = None
        self.parents = ()


def _wrap(data, engine, node):
    """A Tensor made by a function: no checks."""
    tensor = _new(Tensor)
    tensor.data, tensor.engine, tensor._node = data, engine, node
    tensor.grad = tensor._hooks = None
    tensor.requires_grad = node is not None
    return tensor


_new = Tensor.__new__


def differentiable(function=None, *, fused=False, extras=False):
    """Lift a function of arrays, which returns its value and its vjp, to Tensors.

    Parameters
    ----------
    function : callable
        ``function(engine, *arrays, **params) -> (value, vjp)`` with ``vjp(g, needed) -> gradients``: a tuple with one
        gradient, or None, for each array. `needed` says which are wanted. A gradient may have the shape of the
        broadcast arguments: the stretched axes are summed afterwards. Neither may write into its arguments.
    fused : bool, default=False
        The function calls ops of the engine, so that its gradient cannot be differentiated again; nothing but what
        the vjp holds on to is kept alive for it. Other functions are written with operators, methods and
        ``engine.xp``, so that ``create_graph=True`` can run them on Tensors.
    extras : bool, default=False
        The function returns ``(value, vjp, extras)``; the lifted one ``(tensor, *extras)``. Extras have no gradient.

    Returns
    -------
    lifted : callable
        Takes Tensors, arrays and numbers, and returns a Tensor.

    Examples
    --------
    >>> import numpy as np
    >>> from ghostflow_learn.neural import Tensor, differentiable
    >>> @differentiable
    ... def cube(engine, x):
    ...     return x**3, lambda g, needed: (3 * x * x * g,)
    >>> x = Tensor(np.array([1.0, 2.0]), requires_grad=True)
    >>> cube(x).sum().backward()
    >>> x.grad
    array([ 3., 12.])
    """
    if function is None:
        return lambda function: differentiable(function, fused=fused, extras=extras)

    name = function.__name__.strip("_")

    @wraps(function)
    def on_tensors(*args, **params):
        arrays, parents, engine = _unwrapped(args)
        if params:
            params = {name: _data(value) for name, value in params.items()}
        value, vjp, *more = function(engine, *arrays, **params)
        flags, node = mode.get(), None
        if parents is not None and flags & RECORD:
            node = Node(name, engine, parents, vjp, value, None if fused else (function, args, params))
        tensor = _wrap(value, engine, node)
        if flags & CHECK:
            _guard.after_forward(name, node, arrays, value, engine)
        if flags & TRACE:
            trace.get().append(Call(name, args, params, tensor, on_tensors))
        return (tensor, *more[0]) if extras else tensor

    signature = inspect.signature(function)
    on_tensors.__signature__ = signature.replace(parameters=list(signature.parameters.values())[1:])
    return on_tensors


def _unwrapped(args):
    """The arrays for a function; the parents of its node, or None where no gradient is asked for; and the engine."""
    arrays, parents, engine, needs_grad, on_host = [], [], None, False, False
    for a in args:
        parent = None
        if isinstance(a, Tensor):
            engine = engine or a.engine
            if a.requires_grad:
                needs_grad, parent = True, a._node or a
            a = a.data
        elif isinstance(a, np.ndarray):
            on_host = True
        elif isinstance(a, np.generic):  # a float64 one would turn float32 into float64; a Python number not
            a = a.item()
        arrays.append(a)
        parents.append(parent)
    if engine is None:
        engine = get_engine(next((a for a in arrays if hasattr(a, "dtype")), None))
    if on_host and engine.xp is not np:
        arrays = [engine.asarray(a, order="K") if isinstance(a, np.ndarray) else a for a in arrays]
    return arrays, parents if needs_grad else None, engine


def _data(value):
    return value.data if isinstance(value, Tensor) else value


from . import _backward  # noqa: E402 - it builds Tensors
