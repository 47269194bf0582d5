"""A stand-in for CuPy on machines without a GPU.

NumPy does the arithmetic; the public interface of the real CuPy (`cupy_api.json`, read from the installed wheel by
`make_contract.py`) is the contract: a name or keyword that CuPy lacks is refused, and so is every implicit mix of host
and device. Raw kernels run in the checked emulator. Transfers, synchronisations, operations and launches are counted.

    with standin.installed() as cupy:      # `import cupy` and `import cupyx` give the stand-in
        with standin.counting() as events:
            ...
        assert events["sync"] == 0
"""

import contextlib
import sys

from ._array import API, counting, ndarray
from ._cuda import limited_memory
from ._modules import MODULES, cupy

__all__ = ["API", "MODULES", "counting", "cupy", "installed", "limited_memory", "ndarray"]


@contextlib.contextmanager
def installed():
    """The stand-in under CuPy's names in `sys.modules`, and what was there put back afterwards."""
    before = {name: sys.modules.pop(name) for name in list(sys.modules) if name.split(".")[0] in ("cupy", "cupyx")}
    sys.modules.update(MODULES)
    try:
        with cupy.cuda.Device(0):
            yield cupy
    finally:
        for name in MODULES:
            sys.modules.pop(name, None)
        sys.modules.update(before)
