import numpy as np
import pytest

from ghostflow_learn._engine.reference import kmeans
from ghostflow_learn._engine.reference._limits import refuse_large


def test_one_gigabyte_is_the_most():
    refuse_large(2**27, itemsize=8)
    with pytest.raises(MemoryError, match=r"would need 1\.1 GB for a temporary array of shape \(134217729,\)"):
        refuse_large(2**27 + 1, itemsize=8)


def test_an_op_refuses_before_it_allocates():
    X = np.broadcast_to(np.zeros((1, 100)), (1_000_000, 100))
    with pytest.raises(MemoryError, match="Set device='cpu'"):
        kmeans.assign(X, np.zeros((50, 100)))
