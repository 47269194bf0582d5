"""Scaling; a name that is not here is scikit-learn's own."""

from .. import _names
from ._range_scalers import MaxAbsScaler, MinMaxScaler
from ._robust_scaler import RobustScaler
from ._standard_scaler import StandardScaler

__getattr__, __dir__ = _names.fall_through(__name__)
