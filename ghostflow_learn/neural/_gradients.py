"""Functions that change what flows back, not what flows forward; and recomputation in place of memory."""

from ._backward import sweep
from ._modes import RECORD, Draws, mode, no_grad, recording
from ._tensor import Node, Tensor, _wrap, differentiable


def stop_gradient(tensor):
    """The same values, as a constant: no gradient flows back through it.

    Parameters
    ----------
    tensor : Tensor

    Returns
    -------
    constant : Tensor

    Examples
    --------
    >>> import numpy as np
    >>> from ghostflow_learn.neural import Tensor, stop_gradient
    >>> x = Tensor(np.array([2.0, 3.0]), requires_grad=True)
    >>> (x * stop_gradient(x)).sum().backward()
    >>> x.grad
    array([2., 3.])
    """
    return tensor.detach()


@differentiable
def clip_gradient(engine, x, limit):
    """x, whose gradient is limited to [-limit, limit] on its way back.

    Parameters
    ----------
    x : Tensor
    limit : float

    Returns
    -------
    y : Tensor
        The values of `x`.
    """
    return x, lambda g, needed: (engine.xp.clip(g, -limit, limit), None)


@differentiable
def scale_gradient(engine, x, factor):
    """x, whose gradient is multiplied by a factor on its way back; a negative one reverses it.

    Parameters
    ----------
    x : Tensor
    factor : float

    Returns
    -------
    y : Tensor
        The values of `x`.
    """
    return x, lambda g, needed: (g * factor, None)


@differentiable
def straight_through(engine, value, x):
    """`value`, such as x rounded, whose gradient goes to x as if the two were equal.

    Parameters
    ----------
    value : Tensor or array
    x : Tensor of the same shape

    Returns
    -------
    y : Tensor
        The values of `value`.

    Examples
    --------
    >>> import numpy as np
    >>> from ghostflow_learn.neural import Tensor, straight_through
    >>> x = Tensor(np.array([0.2, 0.8]), requires_grad=True)
    >>> straight_through(np.round(x.data), x).sum().backward()
    >>> x.grad
    array([1., 1.])
    """
    return value, lambda g, needed: (None, g)


def custom_vjp(function, vjp):
    """A function whose gradient is given by another one.

    Parameters
    ----------
    function : callable
        ``function(*tensors) -> Tensor``; nothing inside is recorded.
    vjp : callable
        ``vjp(g, y, *tensors) -> gradients``: from the gradient `g` of the value `y`, a tuple with one gradient, or
        None, for each argument; one alone needs no tuple. Tensors come in, Tensors or arrays go out.

    Returns
    -------
    lifted : callable
        Takes Tensors and returns a Tensor.

    Examples
    --------
    >>> import numpy as np
    >>> from ghostflow_learn.neural import Tensor, custom_vjp
    >>> from ghostflow_learn.neural.nn import functional as F
    >>> log1pexp = custom_vjp(lambda x: F.log(1 + F.exp(x)), lambda g, y, x: g * (1 - F.exp(-y)))
    >>> x = Tensor(np.array([0.0]), requires_grad=True)
    >>> log1pexp(x).backward()
    >>> x.grad
    array([0.5])
    """

    def custom(engine, *arrays):
        inputs = [_wrap(a, engine, None) if hasattr(a, "dtype") else a for a in arrays]
        with no_grad():
            value = function(*inputs)

        def on_arrays(g, needed):
            with no_grad():
                grads = vjp(_wrap(g, engine, None), value.detach(), *inputs)
            grads = grads if isinstance(grads, tuple) else (grads,)
            return tuple(grad.data if isinstance(grad, Tensor) else grad for grad in grads)

        return value.data, on_arrays

    custom.__name__ = getattr(function, "__name__", "custom")
    return differentiable(custom, fused=True)


def checkpoint(function, *tensors):
    """`function(*tensors)`, which keeps nothing in memory for its gradient: it is computed again on the way back.

    Parameters
    ----------
    function : callable
        Takes the tensors and returns one Tensor: a module, for example. Its parameters get their gradients too. Dropout
        drops the same values both times.
    *tensors : Tensors or arrays

    Returns
    -------
    output : Tensor

    Examples
    --------
    >>> import numpy as np
    >>> from ghostflow_learn.neural import Tensor, checkpoint
    >>> x = Tensor(np.array([1.0, 2.0]), requires_grad=True)
    >>> checkpoint(lambda x: (x * x).sum(), x).backward()
    >>> x.grad
    array([2., 4.])
    """
    draws = Draws()
    with no_grad(), draws.kept(again=False):
        output = function(*tensors)
    if not mode.get() & RECORD:
        return output

    def vjp(g, needed):
        inputs = [t.detach() if isinstance(t, Tensor) else t for t in tensors]
        for x, needs in zip(inputs, needed):
            if needs:
                x.requires_grad = True
        with recording(), draws.kept(again=True):
            again = function(*inputs)
        if again._node is not None:
            sweep(again._node, g)
        return tuple(x.grad if needs else None for x, needs in zip(inputs, needed))

    parents = [(t._node or t) if isinstance(t, Tensor) and t.requires_grad else None for t in tensors]
    node = Node("checkpoint", output.engine, parents, vjp, output.data)
    return _wrap(output.data, output.engine, node)
