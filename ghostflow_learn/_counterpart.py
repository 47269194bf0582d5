"""Our class and scikit-learn's class of the same name: `isinstance` holds between them.

Third parties ask `isinstance(model, sklearn.linear_model.Ridge)`, so our Ridge answers yes. Half of scikit-learn's
classes are no ABCs and cannot `register` a virtual subclass; what all of them look at is the method resolution order,
so scikit-learn's class stands there, just before `object`.
"""

import inspect
import sys
import types
from abc import ABCMeta
from importlib import import_module

from ._names import OURS

# Sub-packages of ours whose classes scikit-learn has under another name.
THEIR_PACKAGES = {"neural": "neural_network"}

# Our class -> scikit-learn's, for the classes that now stand under scikit-learn's names (see `_patch`).
STANDING_IN = {}


class EstimatorType(ABCMeta):
    """The class of our estimator classes."""

    def mro(cls):
        order = super().mro()
        theirs = counterpart(cls)
        return order if theirs is None or theirs in order else [*order[:-1], theirs, object]

    def __new__(metacls, name, bases, namespace, **kwargs):
        # A class written against scikit-learn's internals (imbalanced-learn's are) needs scikit-learn's own class below
        # it, also where it finds ours under that name.
        written_for = tuple(STANDING_IN.get(base, base) for base in bases)
        if written_for != bases:
            _give_back_names(namespace, bases)
            return types.new_class(name, written_for, kwargs, lambda body: body.update(namespace))
        return super().__new__(metacls, name, bases, namespace, **kwargs)

    def __instancecheck__(cls, instance):
        return cls.__subclasscheck__(type(instance))

    def __subclasscheck__(cls, subclass):
        return super().__subclasscheck__(subclass) or (cls in STANDING_IN and issubclass(subclass, STANDING_IN[cls]))


def counterpart(cls):
    """Scikit-learn's public class of the name and sub-package of ours, or None."""
    # From the dictionary: while `mro` runs, `cls.__module__` is still the metaclass's.
    root, _, path = vars(cls)["__module__"].partition(".")
    package = path.partition(".")[0]
    if root != OURS or package.startswith("_") or cls.__name__.startswith("_"):
        return None
    try:
        public = import_module(f"sklearn.{THEIR_PACKAGES.get(package, package)}")
    except ModuleNotFoundError:
        return None
    theirs = getattr(public, cls.__name__, None)
    return STANDING_IN.get(theirs, theirs)


def names_used_by(namespace):
    """The globals that the functions of a class body mention."""
    codes = (getattr(inspect.unwrap(getattr(f, "__func__", f)), "__code__", None) for f in namespace.values())
    return {name for code in codes if code for name in code.co_names}


def _give_back_names(namespace, bases):
    """In `Base.fit(self)`, in a method of a class derived from scikit-learn's, the base must be scikit-learn's."""
    names = vars(sys.modules.get(namespace.get("__module__"), types))
    for name in names_used_by(namespace) & set(names):
        if any(names[name] is base for base in bases):
            names[name] = STANDING_IN.get(names[name], names[name])
