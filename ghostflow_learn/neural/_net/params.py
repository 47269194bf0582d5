"""Parameters with double underscores: `module__width`, `optimizer__momentum`, `callbacks__stop__patience`."""

import inspect

from sklearn.base import clone

from .._hints import hint

PREFIXES = ("module", "criterion", "optimizer", "iterator")


def dunder(params, prefix):
    """Those of `params` that belong to `prefix`, without it."""
    start = f"{prefix}__"
    return {name.removeprefix(start): value for name, value in params.items() if name.startswith(start)}


def accepted(function, skip=0):
    """Names of the parameters a class or function takes, but for the first few; None where it takes any name."""
    parameters, kinds = _signature(function), inspect.Parameter
    if parameters is None:
        return None
    parameters = parameters[skip:]
    if any(p.kind is kinds.VAR_KEYWORD for p in parameters):
        inherited = _inherited(function, skip)
        if inherited is None:
            return None
        return {p.name for p in parameters if p.kind is not kinds.VAR_KEYWORD} | inherited
    return {p.name for p in parameters if p.kind is not kinds.VAR_POSITIONAL}


def _signature(function):
    """The parameters of a class or function; None for what is written in C and does not tell."""
    try:
        return list(inspect.signature(function).parameters.values())
    except ValueError:
        return None


def _inherited(cls, skip):
    """What ``**options`` of a constructor stands for, where it goes on to a constructor of the base class."""
    if not isinstance(cls, type) or cls.__init__ is object.__init__ or len(cls.__mro__) < 3:
        return None
    return accepted(cls.__mro__[1], skip)


def check_accepted(prefix, target, params, skip=0, given=()):
    """Raise for a name that `target` does not take.

    Parameters
    ----------
    prefix : str
    target : class or callable
    params : dict
    skip : int, default=0
        First parameters that are not the user's, such as the module of an optimizer.
    given : collection of str, default=()
        Names that the estimator passes itself.
    """
    known = accepted(target, skip)
    if known is None:
        return
    for name in params:
        if name not in known - set(given):
            owner = getattr(target, "__name__", type(target).__name__)
            full, wanted = f"{prefix}__{name}", [f"{prefix}__{other}" for other in known - set(given)]
            raise ValueError(f"{owner} takes no parameter {name!r} ({full}).{hint(full, wanted)}")


def check_complete(prefix, target, params):
    """Raise for a parameter that `target` needs and `params` lacks."""
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    for p in _signature(target) or ():
        if p.name not in params and p.kind in kinds and p.default is p.empty:
            owner = getattr(target, "__name__", target)
            raise TypeError(f"{owner} needs a parameter {p.name!r}. Set {prefix}__{p.name}.")


def refusal(cls, name, own):
    """Why `name` is no parameter of an estimator; None for one of `own` or with one of the prefixes."""
    prefix, separator, rest = name.partition("__")
    if name in own or (separator and rest and prefix in cls._prefixes):
        return None
    return f"{cls.__name__} takes no parameter {name!r}.{hint(name, [*own, *(f'{p}__' for p in cls._prefixes)])}"


def named(callbacks):
    """(name, callback) of each; a callback without a name gets that of its class, and a number if it is not alone."""
    pairs, taken = [], {}
    for entry in callbacks or ():
        name, callback = entry if isinstance(entry, tuple) else (type(entry).__name__.lower(), entry)
        taken[name] = taken.get(name, 0) + 1
        pairs.append((name if taken[name] == 1 else f"{name}_{taken[name]}", callback))
    return pairs


def copied(callbacks):
    """Copies of the callbacks, by name."""
    for name, callback in named(callbacks):
        if isinstance(callback, type) or not hasattr(callback, "on_train_begin"):
            raise TypeError(f"callbacks must be objects such as EarlyStopping(). Got {callback!r} as {name!r}.")
    return {name: clone(callback, safe=False) for name, callback in named(callbacks)}


def replaced(callbacks, name, value):
    """The list with the callback of that name replaced, or taken out where `value` is None."""
    pairs = named(callbacks)
    return [(key, value if key == name else callback) for key, callback in pairs if key != name or value is not None]


class CallbackParams:
    """get_params and set_params of an estimator with a `callbacks` parameter, which see inside the callbacks."""

    def get_params(self, deep=True):
        """Parameters of this estimator.

        Parameters
        ----------
        deep : bool, default=True
            Also those of its callbacks.

        Returns
        -------
        params : dict
        """
        params = super().get_params(deep=deep)
        if deep and isinstance(self.callbacks, list | tuple):
            for name, callback in named(self.callbacks):
                params[f"callbacks__{name}"] = callback
                inner = callback.get_params() if hasattr(callback, "get_params") else {}
                params |= {f"callbacks__{name}__{key}": value for key, value in inner.items()}
        return params

    def set_params(self, **params):
        """Set parameters, also those of callbacks, such as `callbacks__earlystopping__patience`.

        Parameters
        ----------
        **params : dict

        Returns
        -------
        self : estimator
        """
        inside = {name: params.pop(name) for name in list(params) if name.startswith("callbacks__")}
        super().set_params(**params)
        for name in sorted(inside, key=lambda name: name.count("__")):  # callbacks before what is inside them
            self._set_callback(name, inside[name])
        return self

    def _set_callback(self, full_name, value):
        name, _, inner = full_name.removeprefix("callbacks__").partition("__")
        known = dict(named(self.callbacks))
        if name not in known:
            raise ValueError(f"There is no callback {name!r}.{hint(name, known) if known else ' There are none.'}")
        if inner:
            known[name].set_params(**{inner: value})
        else:
            self.callbacks = replaced(self.callbacks, name, value)


class _OwnParams:
    """Parameters of an estimator's own, and those with the prefixes."""

    def get_params(self, deep=True):
        params = super().get_params(deep=deep)
        further = [name for name in vars(self) if "__" in name and not name.startswith("_")]
        return params | {name: getattr(self, name) for name in (*further, *self._misnamed)}

    def set_params(self, **params):
        own = [*self._get_param_names(), *self._misnamed]
        for name, value in params.items():
            reason = refusal(type(self), name, own)
            if reason:
                raise ValueError(f"Invalid parameter {name!r} for estimator {self}. {reason}")
            setattr(self, name, value)
        return self


class DunderParams(CallbackParams, _OwnParams):
    """get_params and set_params of an estimator with a `callbacks` parameter and parameters of its prefixes."""

    _prefixes = PREFIXES
    _misnamed = ()  # scikit-learn wants constructors not to raise: `fit` does

    def _take_further(self, params):
        """Keep parameters with double underscores as attributes, as `clone` and `get_params` expect."""
        misnamed = tuple(name for name in params if refusal(type(self), name, self._get_param_names()))
        if misnamed:
            self._misnamed = misnamed
        for name, value in params.items():
            setattr(self, name, value)

    def _check_names(self):
        for name in self._misnamed:
            raise TypeError(refusal(type(self), name, self._get_param_names()))

    def _inner(self, prefix):
        return dunder(vars(self), prefix)
