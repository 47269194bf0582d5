"""scikit-learn's estimators, faster, with the same code on an NVIDIA GPU."""

from . import _names
from ._config import config_context, get_config, set_config
from ._engine import profile
from ._names import is_native

__version__ = "0.1.0.dev0"
__all__ = ["config_context", "get_config", "is_native", "profile", "set_config"]

_names.install_finder()
__getattr__, __dir__ = _names.fall_through(__name__)
