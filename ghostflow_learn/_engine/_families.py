"""Op families are modules of an engine, imported when first used."""

from importlib import import_module
from importlib.util import find_spec


def lazy_families(package):
    """A module `__getattr__` for the engine `package`: ``engine.kmeans`` imports ``<package>.kmeans``."""

    def __getattr__(name):
        if name.startswith("_") or find_spec(f"{package}.{name}") is None:
            raise AttributeError(f"engine {package!r} has no op family {name!r}")
        return import_module(f"{package}.{name}")

    return __getattr__
