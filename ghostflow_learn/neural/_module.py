"""Modules: plain objects whose parameters are found by looking at their attributes."""

import numpy as np

from ._flat import KINDS, pack_arrays
from ._tensor import Tensor


class Parameter(Tensor):
    """A tensor that is trained: an attribute of a module that optimizers find.

    Parameters
    ----------
    data : array-like
    kind : {"weight", "bias", "norm"}, default="weight"
        What it is, so that weight decay, for one, can leave biases and the gains of normalisations alone.
    engine : module, default=None

    Attributes
    ----------
    slot : array or None
        After :meth:`Module.pack`: where its gradient is kept, a view of the module's ``flat_grad``. ``grad`` is this
        view once a gradient has arrived, and None before.
    span : slice or None
        After :meth:`Module.pack`: its place in ``flat`` and ``flat_grad``.
    home : array or None
        After :meth:`Module.pack`: that ``flat_grad``.
    """

    __slots__ = ("home", "kind", "slot", "span")

    def __init__(self, data, kind="weight", engine=None):
        super().__init__(data, requires_grad=True, engine=engine)
        if kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}; got {kind!r}.")
        self.kind, self.slot, self.span, self.home = kind, None, None, None

    @property
    def fresh(self):
        """Whether no gradient has arrived since the last ``zero_grad()``: what its slot holds is an old one."""
        return self.grad is None

    def receive(self, grad):
        if self.slot is None:
            super().receive(grad)
        elif isinstance(grad, Tensor):
            raise RuntimeError(
                "backward(create_graph=True) cannot keep the graph of a gradient in the flat arrays of a packed "
                "module. Use grad(output, inputs, create_graph=True), which returns it."
            )
        elif self.grad is None:
            self.slot[...] = grad
            self.grad = self.slot
        else:  # a weight used twice, or gradients accumulated over batches
            self.grad += grad

    def zero_grad(self):
        """Forget the gradient: the next one is stored, later ones are added."""
        self.grad = None

    def __reduce__(self):
        return Parameter, (self.numpy(), self.kind)

    def __deepcopy__(self, memo):
        return Parameter(self.data.copy(), self.kind, self.engine)


class Buffer(Tensor):
    """An array that belongs to a module's state but is not trained, such as a running mean.

    Parameters
    ----------
    data : array-like
    engine : module, default=None
    """

    __slots__ = ()

    def __init__(self, data, engine=None):
        super().__init__(data, engine=engine)

    def __reduce__(self):
        return Buffer, (self.numpy(),)

    def __deepcopy__(self, memo):
        return Buffer(self.data.copy(), self.engine)


class Module:
    """A part of a network: parameters, buffers and other modules as attributes, and a :meth:`forward`.

    Attributes may also be lists, tuples and dicts of them. Nothing needs registering, and ``super().__init__()`` need
    not be called. A module whose sizes come from the data creates its parameters in :meth:`build`, at its first call.

    Examples
    --------
    >>> import numpy as np
    >>> from ghostflow_learn.neural import nn
    >>> class Scale(nn.Module):
    ...     def build(self, x):
    ...         self.gain = nn.Parameter(np.ones(x.shape[1], x.dtype))
    ...     def forward(self, x):
    ...         return x * self.gain
    >>> layer = Scale()
    >>> layer(np.ones((4, 3))).shape
    (4, 3)
    >>> [(name, parameter.shape) for name, parameter in layer.named_parameters()]
    [('gain', (3,))]
    """

    training = True
    flat = flat_grad = None
    _packed = None  # the parameters in the flat arrays: looking through all attributes costs more than a small step
    _built = False
    _seed = _random = None
    _forward_hooks = ()

    def forward(self, *inputs):
        raise NotImplementedError(f"{type(self).__name__} has no forward(); define what it computes there.")

    def build(self, *inputs):
        """Create the parameters whose sizes depend on the inputs. Called once, before the first :meth:`forward`."""

    @property
    def _builds(self):
        return type(self).build is not Module.build

    def __call__(self, *inputs, **options):
        inputs = [x if isinstance(x, Tensor) or not hasattr(x, "dtype") else Tensor(x) for x in inputs]
        if not self._built:
            self.build(*inputs)
            self._built = True
        output = self.forward(*inputs, **options)
        for hook in self._forward_hooks:
            changed = hook(self, inputs, output)
            output = output if changed is None else changed
        return output

    def register_forward_hook(self, hook):
        """Call `hook(module, inputs, output)` after each forward; what it returns, if not None, is the output.

        Parameters
        ----------
        hook : callable

        Returns
        -------
        remove : callable
            Takes the hook away again.
        """
        self._forward_hooks = [*self._forward_hooks, hook]

        def remove():
            self._forward_hooks = [kept for kept in self._forward_hooks if kept is not hook]

        return remove

    def named_modules(self):
        """Yield ``(dotted name, module)`` for this module, whose name is "", and all inside; each module once."""
        yield from _walk(self, Module)

    def modules(self):
        """This module and all inside, each once."""
        return [module for _, module in self.named_modules()]

    def named_parameters(self):
        """Yield ``(dotted name, parameter)``, each parameter once, by its first name."""
        yield from _walk(self, Parameter)

    def parameters(self):
        """All parameters, each once, in the order of the attributes."""
        return [parameter for _, parameter in self.named_parameters()]

    def named_buffers(self):
        """Yield ``(dotted name, buffer)``, each buffer once."""
        yield from _walk(self, Buffer)

    def buffers(self):
        """All buffers, each once."""
        return [buffer for _, buffer in self.named_buffers()]

    def train(self, mode=True):
        """Switch this module and all inside to training, or to inference if not `mode`.

        Parameters
        ----------
        mode : bool, default=True

        Returns
        -------
        self : Module
        """
        for module in self.modules():
            module.training = mode
        return self

    def eval(self):
        """Switch this module and all inside to inference."""
        return self.train(False)

    def seed(self, random_state):
        """Give each module inside a seed of its own, so that initial values and dropout are reproducible.

        Parameters
        ----------
        random_state : int or RandomState

        Returns
        -------
        self : Module
        """
        rng = random_state if isinstance(random_state, np.random.RandomState) else np.random.RandomState(random_state)
        for module in self.modules():
            module._seed, module._random = int(rng.randint(2**31 - 1)), None
        return self

    @property
    def own_seed(self):
        """This module's seed, an int: from :meth:`seed`, else drawn once."""
        if self._seed is None:
            self._seed = int(np.random.RandomState().randint(2**31 - 1))
        return self._seed

    @property
    def rng(self):
        """This module's RandomState, for initial values."""
        if self._random is None:
            self._random = np.random.RandomState(self.own_seed)
        return self._random

    @property
    def engine(self):
        """The engine of the parameters."""
        return (self._packed or self.parameters())[0].engine

    def zero_grad(self):
        """Forget the gradients of all parameters."""
        for parameter in self._packed or self.parameters():
            parameter.grad = None

    def pack(self, engine=None):
        """Move all parameters into one flat array, and their gradients into another.

        Each parameter becomes a view of ``flat``, its gradient one of ``flat_grad``, so that an optimizer's step, a
        snapshot or a copy to a GPU is one operation. Parameters of one kind are neighbours, each starts at a multiple
        of 16 elements, and the gaps stay 0. Buffers move to the engine too. Another pack() is needed after parameters
        were added, and after a module that contains this one, or is inside, was packed.

        Parameters
        ----------
        engine : module, default=None
            Where they go; by default they stay on the engine of the first parameter.

        Returns
        -------
        self : Module
        """
        pack_arrays(self, engine)
        return self

    def settle_grad(self):
        """The flat gradients, with 0 for parameters that no gradient has reached since :meth:`zero_grad`."""
        for parameter in self._packed:
            if parameter.home is not self.flat_grad:
                raise RuntimeError(
                    f"The parameters of this {type(self).__name__} have moved into the flat arrays of another module. "
                    "Train that one, or call pack() again and make a new optimizer."
                )
            if parameter.grad is None:
                parameter.slot[...] = 0
        return self.flat_grad

    def state_dict(self):
        """All parameters and buffers as NumPy copies, by dotted name."""
        found = [*self.named_parameters(), *self.named_buffers()]
        return {name: tensor.numpy().copy() for name, tensor in found}

    def load_state_dict(self, state):
        """Copy values, by dotted name, into the parameters and buffers that are there.

        Parameters
        ----------
        state : dict of arrays
            As :meth:`state_dict` returns it. Names and shapes must be those of this module.

        Returns
        -------
        self : Module
        """
        own = dict([*self.named_parameters(), *self.named_buffers()])
        _check_names(own, state, self)
        for name, tensor in own.items():
            if tuple(state[name].shape) != tuple(tensor.shape):
                raise ValueError(f"{name} has shape {tuple(state[name].shape)} in state; here it is {tensor.shape}.")
        for name, tensor in own.items():
            tensor.data[...] = tensor.engine.asarray(state[name])
        return self

    def summary(self, *inputs):
        """A table of the modules, the shapes they return for `inputs`, and their numbers of parameters.

        Parameters
        ----------
        *inputs : arrays or Tensors
            One batch; modules that take their sizes from the data are built with it.

        Returns
        -------
        table : str
        """
        from ._summary import table

        return table(self, inputs)

    def __getstate__(self):
        """Without the flat arrays: each parameter carries its own values, and :meth:`pack` makes new ones."""
        return {name: value for name, value in vars(self).items() if name not in {"flat", "flat_grad", "_packed"}}


def _walk(module, kind):
    """(dotted name, object) of each `kind` in attributes, lists, tuples and dicts; depth first, each object once."""
    waiting, seen = [("", module)], set()
    while waiting:
        name, thing = waiting.pop()
        if id(thing) in seen:
            continue
        if isinstance(thing, (Tensor, Module)):
            seen.add(id(thing))
        if isinstance(thing, kind):
            yield name, thing
        waiting += reversed([(f"{name}.{key}" if name else str(key), value) for key, value in _children(thing)])


def _children(thing):
    if isinstance(thing, Module):
        thing = vars(thing)
    elif isinstance(thing, (list, tuple)):
        thing = dict(enumerate(thing))
    if not isinstance(thing, dict):
        return []
    return [(key, value) for key, value in thing.items() if isinstance(value, (Tensor, Module, list, tuple, dict))]


def _check_names(own, state, module):
    missing, unknown = sorted(own.keys() - state.keys()), sorted(state.keys() - own.keys())
    if missing or unknown:
        unbuilt = [name or type(m).__name__ for name, m in module.named_modules() if m._builds and not m._built]
        advice = " Call the module once with a batch first, to build it." if unknown and unbuilt else ""
        raise ValueError(f"The state does not fit: missing {missing}, unknown {unknown}.{advice}")
