"""What networks are built of: modules, parameters, layers, functions, losses, initial values."""

from . import _functions as functional
from ._module import Buffer, Module, Parameter
