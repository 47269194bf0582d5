"""scikit-learn's estimators, faster, with the same code on an NVIDIA GPU."""

from ._config import config_context, get_config, set_config
from ._engine import profile

__version__ = "0.1.0.dev0"
__all__ = ["config_context", "get_config", "profile", "set_config"]
