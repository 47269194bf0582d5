"""Our estimators under scikit-learn's names."""

import pkgutil
from importlib import import_module

from ._base import BaseEstimator
from ._counterpart import counterpart
from ._names import OURS, is_native


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
