"""What surrounds a fit, and the choice of an engine."""

import numpy as np
import pytest

import ghostflow_learn as gl
from ghostflow_learn._engine import fit_scope, get_engine


def engine_name(X):
    return get_engine(X).__name__.rpartition(".")[2]


def test_auto_follows_the_data(on_gpu):
    assert engine_name(np.ones((2, 2))) == "cpu"
    assert engine_name(on_gpu(np.ones((2, 2)))) == "cuda"
    assert engine_name(None) == "cpu"


@pytest.mark.parametrize("device, engine", [("cpu", "cpu"), ("cuda", "cuda"), ("cuda:0", "cuda"), ("reference",) * 2])
def test_a_device_by_name_overrules_the_data(on_gpu, device, engine):
    with gl.config_context(device=device):
        assert engine_name(np.ones((2, 2))) == engine_name(on_gpu(np.ones((2, 2)))) == engine


def test_running_out_of_gpu_memory_names_the_size_of_the_data():
    class OutOfMemoryError(MemoryError):
        pass

    OutOfMemoryError.__module__ = "cupy.cuda.memory"
    X = np.ones((7, 3), dtype=np.float32)
    message = r"Out of memory.*shape \(7, 3\) and dtype float32. Use fewer rows"
    with pytest.raises(MemoryError, match=message), fit_scope(X):
        raise OutOfMemoryError("Out of memory allocating 84 bytes.")


def test_running_out_of_host_memory_stays_what_it_is():
    with pytest.raises(MemoryError, match="^Unable to allocate$"), fit_scope(np.ones((7, 3))):
        raise MemoryError("Unable to allocate")
