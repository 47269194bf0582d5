"""Our estimators under scikit-learn's names."""

import copyreg
import pkgutil
import sys
import threading
from contextlib import AbstractContextManager
from importlib import import_module
from types import ModuleType

from ._base import BaseEstimator
from ._counterpart import STANDING_IN, counterpart, names_used_by
from ._names import OURS, is_native

_lock = threading.RLock()
_imported_before = {}  # our class -> {(module, name)} that held it before it stood in for scikit-learn's


def patch_sklearn(names=None):
    """Let unmodified scikit-learn code run on our estimators.

    Our classes stand under scikit-learn's public names, also in modules that have imported them already. Models
    made while patched are ours and stay so: they pickle, unpickle and answer `isinstance` patched or not.
    A class derived from scikit-learn's keeps deriving from scikit-learn's own.

    Parameters
    ----------
    names : str or list of str, optional
        The estimators to replace, such as ``["KMeans", "PCA"]``. All of ours by default.

    Returns
    -------
    patch : context manager
        Leaving it puts back what this call replaced. It need not be entered.

    Raises
    ------
    ValueError
        If a name is not one of our estimators.

    Examples
    --------
    >>> import sklearn.cluster
    >>> from ghostflow_learn import is_native, patch_sklearn
    >>> with patch_sklearn():
    ...     is_native(sklearn.cluster.KMeans)
    True
    >>> is_native(sklearn.cluster.KMeans)
    False
    """
    with _lock:
        chosen = {ours: theirs for ours, theirs in _chosen(names).items() if ours not in STANDING_IN}
        for module in _other_modules():
            for name, ours in _held(module, chosen):
                _imported_before.setdefault(ours, set()).add((module.__name__, name))
        STANDING_IN.update(chosen)
        for ours, theirs in chosen.items():
            setattr(_home(theirs), theirs.__name__, ours)
            if _home(theirs).__name__ == theirs.__module__:
                copyreg.pickle(theirs, _reduce_theirs)
        for module in _other_modules():
            _replace_in(module, {theirs: ours for ours, theirs in chosen.items()})
    return _Patch(chosen)


def unpatch_sklearn(names=None):
    """Put scikit-learn's classes back under their names, in every module that holds ours in their place.

    A name that a module took from `ghostflow_learn` itself stays, if it did so before :func:`patch_sklearn`.

    Parameters
    ----------
    names : str or list of str, optional
        The estimators to put back. All by default.
    """
    _put_back(_chosen(names))


def is_patched(name=None):
    """Whether our estimators, or the one of that name, stand in for scikit-learn's."""
    return any(name in (None, ours.__name__) for ours in STANDING_IN)


def native_estimators():
    """Every public estimator of ours that has a counterpart in scikit-learn.

    Returns
    -------
    counterparts : dict
        Our class -> scikit-learn's, sorted by name.
    """
    package = import_module(OURS)
    public = [name for _, name, _ in pkgutil.iter_modules(package.__path__) if not name.startswith("_")]
    classes = {
        value
        for name in public
        for value in vars(import_module(f"{OURS}.{name}")).values()
        if isinstance(value, type) and issubclass(value, BaseEstimator) and is_native(value)
    }
    return {ours: counterpart(ours) for ours in sorted(classes, key=lambda ours: ours.__name__) if counterpart(ours)}


class _Patch(AbstractContextManager):
    def __init__(self, chosen):
        self.chosen = chosen

    def __exit__(self, *exception):
        _put_back(self.chosen)

    def __repr__(self):
        return f"<{OURS} stands in for {', '.join(ours.__name__ for ours in self.chosen) or 'nothing more'}>"


def _chosen(names):
    counterparts = native_estimators()
    if names is None:
        return counterparts
    names = [names] if isinstance(names, str) else list(names)
    by_name = {ours.__name__: ours for ours in counterparts}
    unknown = [name for name in names if name not in by_name]
    if unknown:
        raise ValueError(f"names must be estimators of {OURS}: {', '.join(by_name)}. Got {unknown} instead.")
    return {by_name[name]: counterparts[by_name[name]] for name in names}


def _put_back(chosen):
    with _lock:
        chosen = {ours: theirs for ours, theirs in chosen.items() if STANDING_IN.pop(ours, None)}
        for theirs in chosen.values():
            setattr(_home(theirs), theirs.__name__, theirs)
            copyreg.dispatch_table.pop(theirs, None)
        for module in _other_modules():
            _replace_in(module, chosen, keep=set().union(*_imported_before.values()))
        for ours in chosen:
            _imported_before.pop(ours, None)


def _home(theirs):
    """The public module of scikit-learn that exports the class."""
    return sys.modules[".".join(theirs.__module__.split(".")[:2])]


def _other_modules():
    """What is loaded, but for scikit-learn, whose inner relations rest on its own classes, and us."""
    for module in list(sys.modules.values()):
        if isinstance(module, ModuleType) and module.__name__.partition(".")[0] not in ("sklearn", OURS):
            yield module


def _held(module, classes):
    """(name, class) for each global of the module that is one of the classes."""
    # Not vars(): a module that loads itself lazily would do so.
    names = object.__getattribute__(module, "__dict__")
    # Not isinstance(): a proxy that warns when it is asked for its class would do so.
    return [(n, value) for n, value in list(names.items()) if issubclass(type(value), type) and value in classes]


def _replace_in(module, replacements, keep=()):
    for name, cls in _held(module, replacements):
        if (module.__name__, name) not in keep and name not in _names_its_subclasses_use(module, cls):
            setattr(module, name, replacements[cls])


def _names_its_subclasses_use(module, cls):
    """Globals in methods of subclasses defined there: in `Base.fit(self)` the base must stay the one derived from."""
    subclasses = [sub for sub in cls.__subclasses__() if sub.__module__ == module.__name__]
    return set().union(*(names_used_by(vars(sub)) for sub in subclasses))


def _reduce_theirs(model):
    """Pickle a model of a class whose home module now has ours under its name."""
    return _new_theirs, (type(model).__module__, type(model).__qualname__), model.__getstate__()


def _new_theirs(module, name):
    cls = getattr(import_module(module), name)
    cls = STANDING_IN.get(cls, cls)
    return cls.__new__(cls)
