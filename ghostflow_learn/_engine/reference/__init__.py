"""Plain NumPy: the contract of every op, and the slow twin that the other engines are checked against."""

from .._families import lazy_families
from .._host import asarray, hand_back, to_numpy, xp

__all__ = ["asarray", "hand_back", "to_numpy", "xp"]

__getattr__ = lazy_families(__name__)
