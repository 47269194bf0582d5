"""A name we do not have is scikit-learn's own, so that `sklearn` may be replaced by `ghostflow_learn` in any import."""

import sys
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import find_spec

OURS = __name__.partition(".")[0]
_MISSING = object()


def fall_through(module_name):
    """The ``__getattr__`` and ``__dir__`` of a module whose missing names are scikit-learn's.

    Parameters
    ----------
    module_name : str
        The module's ``__name__``, such as ``"ghostflow_learn.cluster"``.

    Returns
    -------
    __getattr__, __dir__ : functions
    """

    def __getattr__(name):
        if name.startswith("__") and name != "__all__":
            raise AttributeError(f"module {module_name!r} has no attribute {name!r}")
        theirs = import_module(_sklearn_name(module_name))
        value = getattr(theirs, name, _MISSING)
        if value is _MISSING or getattr(value, "__name__", None) == f"{theirs.__name__}.{name}":
            return _sub_module(module_name, name)
        return value

    def __dir__():
        theirs = import_module(_sklearn_name(module_name))
        return sorted({*vars(sys.modules[module_name]), *dir(theirs)})

    return __getattr__, __dir__


def is_native(obj):
    """True for a class or function of this library, False for one that is scikit-learn's own.

    Parameters
    ----------
    obj : class, function or instance

    Returns
    -------
    bool

    Examples
    --------
    >>> from ghostflow_learn import is_native
    >>> from ghostflow_learn.cluster import SpectralClustering
    >>> is_native(SpectralClustering)
    False
    """
    return (getattr(obj, "__module__", None) or "").partition(".")[0] == OURS


def _sklearn_name(module_name):
    return "sklearn" + module_name.removeprefix(OURS)


def _sub_module(parent, name):
    try:
        return import_module(f"{parent}.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"{parent}.{name}":
            raise
        message = f"module {parent!r} has no attribute {name!r}, and neither has {_sklearn_name(parent)!r}"
        raise AttributeError(message, name=name, obj=sys.modules[parent]) from None


class _ForwardingFinder:
    """Finds ``ghostflow_learn.x`` where only ``sklearn.x`` exists: last on `sys.meta_path`, so ours come first.

    The module it makes is a thin one of its own; scikit-learn's module and its ``__spec__`` stay untouched.
    """

    def find_spec(self, name, path=None, target=None):
        if not name.startswith(f"{OURS}."):
            return None
        try:
            theirs = find_spec(_sklearn_name(name))
        except ModuleNotFoundError:  # a sub-package that scikit-learn does not have either
            theirs = None
        if theirs is None:
            return None
        return ModuleSpec(name, self, origin=theirs.origin, is_package=theirs.submodule_search_locations is not None)

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        theirs = import_module(_sklearn_name(module.__name__))
        module.__doc__ = theirs.__doc__
        module.__getattr__, module.__dir__ = fall_through(module.__name__)


def install_finder():
    """Let the import system find scikit-learn's modules under our name, once per process."""
    if not any(isinstance(finder, _ForwardingFinder) for finder in sys.meta_path):
        sys.meta_path.append(_ForwardingFinder())
