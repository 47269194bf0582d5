"""The CUDA C++ sources of the kernels: read, compiled at first use, cached."""

import functools

from ._sources import TEMPLATE_VALUES, expression, families, instances, kernels_of, parameters, read_source

__all__ = [
    "TEMPLATE_VALUES",
    "expression",
    "families",
    "instances",
    "kernels_of",
    "load_kernel",
    "parameters",
    "read_source",
]

_OPTIONS = ("-std=c++17",)


@functools.cache
def load_kernel(family, name):
    """The compiled kernel that the name expression `name` stands for, such as `assign<float>`.

    One module holds one instance, so that the first call of an op waits for the compiler no longer than it must.
    CuPy compiles for, and keeps it on, each device that launches it.
    """
    import cupy

    module = cupy.RawModule(code=read_source(family), options=_OPTIONS, name_expressions=(name,))
    return module.get_function(name)
