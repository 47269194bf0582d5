"""scikit-learn's estimators, faster, with the same code on an NVIDIA GPU."""

from . import _names
from ._config import config_context, get_config, set_config
from ._convert import as_sklearn, from_sklearn
from ._engine import profile
from ._names import is_native
from ._patch import is_patched, patch_sklearn, unpatch_sklearn

__version__ = "0.1.0.dev0"
__all__ = [
    "as_sklearn",
    "config_context",
    "from_sklearn",
    "get_config",
    "is_native",
    "is_patched",
    "patch_sklearn",
    "profile",
    "set_config",
    "unpatch_sklearn",
]

_names.install_finder()
__getattr__, __dir__ = _names.fall_through(__name__)
