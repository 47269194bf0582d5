"""The sweep back through a recorded graph, latest call first: creation order is a topological order.

So there is no search and no recursion, and a graph may be as deep as memory allows.
"""

from heapq import heappop, heappush

from . import _guard
from ._modes import CHECK, mode, recording
from ._tensor import Node, Tensor, _wrap


def start(tensor, grad, create_graph):
    """The gradient that `tensor` starts the sweep with, checked."""
    if not tensor.requires_grad:
        raise RuntimeError(
            "backward() needs a tensor that requires a gradient; this one does not. Was it computed under no_grad(), "
            "detached, or from tensors without requires_grad=True?"
        )
    data = tensor.data
    if grad is None:
        if data.size != 1:
            raise ValueError(
                f"backward() without grad needs a tensor of one element; got shape {tuple(data.shape)}. "
                "Reduce it, as with mean(), or pass grad, an array of that shape."
            )
        grad = tensor.engine.xp.ones(data.shape, data.dtype)
        return _wrap(grad, tensor.engine, None) if create_graph else grad
    if tuple(grad.shape) != tuple(data.shape):
        raise ValueError(f"grad has shape {tuple(grad.shape)}, but the tensor has shape {tuple(data.shape)}.")
    grad = grad if isinstance(grad, Tensor) else Tensor(grad, engine=tensor.engine)
    grad = grad if grad.dtype == data.dtype else grad.astype(data.dtype)
    return grad if create_graph else grad.data


def sweep(root, grad, retain_graph=False, create_graph=False, sink=None):
    """Send `grad` from the node `root` to the leaves, or to the keys of `sink` where that dict is given."""
    if create_graph:
        with recording():
            _sweep(root, grad, _fire_recorded, True, sink)
    else:
        _sweep(root, grad, _fire, retain_graph, sink)


def _sweep(root, grad, fire, keep, sink):
    arrived = {root.order: [root, grad, False]}
    waiting, hooked, checks = [-root.order], {}, mode.get() & CHECK
    while waiting:
        node, grad, _ = arrived.pop(-heappop(waiting))
        if node._hooks:
            grad = _hooks_applied(node, grad)
        if sink is not None and node in sink:
            sink[node] = grad
        if checks:
            _guard.before_backward(node)
        grads = fire(node, grad)
        if checks:
            _guard.after_backward(node, grads, node.engine)
        _deliver(node.parents, grads, arrived, waiting, hooked, sink)
        if not keep:
            node.free()
    for leaf, grad in hooked.values():
        _give(leaf, _hooks_applied(leaf, grad), sink)


def _deliver(parents, grads, arrived, waiting, hooked, sink):
    for parent, grad in zip(parents, grads):
        if parent is None or grad is None:
            continue
        if grad.shape != parent.shape or grad.dtype != parent.dtype:
            grad = _fitted(grad, parent)
        if type(parent) is not Node:
            if parent._hooks:
                before = hooked.get(id(parent))
                hooked[id(parent)] = parent, grad if before is None else before[1] + grad
            else:
                _give(parent, grad, sink)
            continue
        entry = arrived.get(parent.order)
        if entry is None:
            arrived[parent.order] = [parent, grad, False]
            heappush(waiting, -parent.order)
        elif entry[2]:
            entry[1] += grad
        else:  # the first one may be somebody else's gradient too: only a sum made here is ours to write into
            entry[1], entry[2] = entry[1] + grad, True


def _give(leaf, grad, sink):
    if sink is None:
        leaf.receive(grad)
    elif leaf in sink:
        sink[leaf] = grad if sink[leaf] is None else sink[leaf] + grad


def _fire(node, grad):
    vjp = node.vjp
    if vjp is None:
        raise RuntimeError(
            f"The graph behind this tensor was freed by an earlier backward() (at {node.name}). Compute the tensor "
            "again, or pass retain_graph=True to that backward()."
        )
    return vjp(grad, tuple([parent is not None for parent in node.parents]))


def _fire_recorded(node, grad):
    """The gradients as Tensors: the function is run again on Tensors, so that its vjp records what it does."""
    if node.vjp is None:
        return _fire(node, grad)  # it was freed: raises
    if node.call is None:
        raise NotImplementedError(
            f"create_graph=True cannot pass through {node.name}: its gradient comes from a fused kernel, or from a "
            "function of yours, which has no derivative of its own. Write that part with small functions (matmul, add, "
            "tanh, ...)."
        )
    from ._second_order import engine_of_tensors

    function, args, params = node.call
    _, vjp = function(engine_of_tensors(node.engine), *args, **params)
    return vjp(grad, tuple([parent is not None for parent in node.parents]))


def _hooks_applied(owner, grad):
    for hook in owner._hooks:
        changed = hook(grad)
        grad = grad if changed is None else changed
    return grad


def _fitted(grad, parent):
    """Undo broadcasting, by a sum over the axes that were stretched, and promotion."""
    shape = parent.shape
    if grad.shape != shape:
        lead = grad.ndim - len(shape)
        stretched = [i + lead for i, n in enumerate(shape) if n == 1 and grad.shape[i + lead] != 1]
        grad = grad.sum(axis=(*range(lead), *stretched), keepdims=True).reshape(shape)
    return grad if grad.dtype == parent.dtype else grad.astype(parent.dtype)


def grad(output, inputs, grad=None, retain_graph=False, create_graph=False):
    """The gradients of `output` with respect to `inputs`, without touching any tensor's ``grad``.

    Parameters
    ----------
    output : Tensor
    inputs : Tensor or list of Tensors
        They must require a gradient.
    grad : array, default=None
        The gradient to start from; 1 for an `output` of one element.
    retain_graph : bool, default=False
        Keep the graph for another backward pass.
    create_graph : bool, default=False
        Return Tensors that can be differentiated again, as for a penalty on a gradient.

    Returns
    -------
    gradients : array or list of arrays
        One for each input, None where `output` does not depend on it; Tensors if `create_graph`.

    Examples
    --------
    >>> import numpy as np
    >>> from ghostflow_learn.neural import Tensor, grad
    >>> x = Tensor(np.array([1.0, 2.0]), requires_grad=True)
    >>> slope = grad((x**3).sum(), x, create_graph=True)
    >>> grad(slope.sum(), x)
    array([ 6., 12.])
    """
    several = isinstance(inputs, (list, tuple))
    keys = [tensor if tensor._node is None else tensor._node for tensor in (inputs if several else [inputs])]
    sink = dict.fromkeys(keys)
    seed = start(output, grad, create_graph)
    if output._node is None:
        _give(output, seed, sink)
    else:
        sweep(output._node, seed, retain_graph, create_graph, sink)
    return [sink[key] for key in keys] if several else sink[keys[0]]
