"""Moving data to the GPU and back, and ops that still run on the CPU: seen in the log, in profile(), or refused."""

import logging
from collections import namedtuple
from importlib import import_module

import numpy as np
import pytest

import ghostflow_learn
from ghostflow_learn._engine import get_engine
from ghostflow_learn._engine.cpu import linalg
from ghostflow_learn.linear_model import Ridge

from . import gpu, standin

Split = namedtuple("Split", "gain rows")


@pytest.fixture
def bridge(cuda, monkeypatch):
    module = import_module("ghostflow_learn._engine.cuda._bridge")
    monkeypatch.setattr(module, "_logged", set())
    return module


@pytest.fixture
def split(bridge, monkeypatch):
    """An op that exists on the CPU only: takes and returns arrays inside of tuples."""
    gain = lambda X, parts, *, axis: (Split(float(X.sum()), parts[0] * 2), X.sum(axis=axis), [X[0]])
    monkeypatch.setattr(linalg, "split", gain, raising=False)
    return bridge.on_cpu("linalg.split")


def test_arrays_inside_of_tuples_and_keywords_make_the_round_trip(cuda, split):
    X, rows = cuda.asarray(np.ones((3, 2))), cuda.asarray(np.arange(3))
    (gain, doubled), sums, rest = split(X, (rows,), axis=0)
    assert gain == 6.0
    assert [type(a) for a in (doubled, sums, rest[0])] == [cuda.xp.ndarray] * 3
    assert doubled.get().tolist() == [0, 2, 4]
    assert sums.get().tolist() == [3, 3]


def test_a_result_may_stay_on_the_host(cuda, bridge, split):
    X = cuda.asarray(np.ones((3, 2)))
    (_, doubled), sums, _ = bridge.on_cpu("linalg.split", stays=True)(X, (X,), axis=0)
    assert type(doubled) is type(sums) is np.ndarray


def test_the_log_names_the_op_once(cuda, split, caplog):
    X = cuda.asarray(np.ones((3, 2)))
    with caplog.at_level(logging.INFO, logger="ghostflow_learn.engine"):
        split(X, (X,), axis=0)
        split(X, (X,), axis=0)
    assert [r.getMessage() for r in caplog.records] == [
        "linalg.split has no CUDA kernel: its arrays go to the host and back"
    ]


def test_fallback_warn(cuda, split):
    X = cuda.asarray(np.ones((3, 2)))
    with (
        ghostflow_learn.config_context(fallback="warn"),
        pytest.warns(RuntimeWarning, match=r"linalg\.split has no CUDA kernel"),
    ):
        split(X, (X,), axis=0)


def test_fallback_raise(cuda, split):
    X = cuda.asarray(np.ones((3, 2)))
    with (
        ghostflow_learn.config_context(fallback="raise"),
        pytest.raises(NotImplementedError, match=r"linalg\.split has no CUDA kernel. Set fallback='log'"),
    ):
        split(X, (X,), axis=0)


def test_profile_shows_where_it_ran_and_what_moved(cuda, split, monkeypatch):
    monkeypatch.setattr(import_module("ghostflow_learn._engine.cuda.linalg"), "split", split, raising=False)
    X = cuda.asarray(np.ones((3, 2)))
    with ghostflow_learn.profile() as table, ghostflow_learn.config_context(device="cuda"):
        get_engine(X).linalg.split(X, (X,), axis=0)
    (row,) = [row for row in table.rows if row.op == "linalg.split"]
    assert (row.engine, row.calls, row.reason) == ("cpu", 1, "no CUDA kernel")
    assert row.bytes_moved == 48 + 48 + 48 + 16 + 16  # X twice to the host; three results to the device


# ---------------------------------------------------------------- asarray, to_numpy, hand_back


def test_results_go_back_to_where_the_input_lived(cuda):
    result = cuda.asarray(np.arange(3.0))
    assert type(cuda.hand_back(result, like=np.ones(2))) is np.ndarray
    assert cuda.hand_back(result, like=cuda.xp.ones(2)) is result
    names = np.array(["a", "b"])
    assert cuda.hand_back(names, like=np.ones(2)) is names


def test_torch_tensors_go_back_as_torch_tensors(cuda):
    torch = pytest.importorskip("torch")
    back = cuda.hand_back(cuda.asarray(np.arange(3.0)), like=torch.ones(2))
    assert isinstance(back, torch.Tensor)
    assert back.tolist() == [0, 1, 2]


def test_a_gpu_array_is_not_copied(cuda, counting):
    X = cuda.xp.ones((3, 2))
    with counting() as events:
        assert cuda.asarray(X) is X
    assert events["h2d"] == events["d2h"] == events["sync"] == 0


def test_kernels_see_c_order_whatever_came(cuda):
    X = np.arange(6.0).reshape(2, 3)
    for array in (np.asfortranarray(X), X.astype(">f8"), cuda.xp.asarray(X.T.copy()).T):
        on_device = cuda.asarray(array)
        assert on_device.flags.c_contiguous
        np.testing.assert_array_equal(cuda.to_numpy(on_device), X)


def test_the_device_of_the_setting_is_used(cuda):
    if cuda.xp.cuda.runtime.getDeviceCount() < 2:
        pytest.skip("needs two GPUs")
    with ghostflow_learn.config_context(device="cuda:1"):
        engine = get_engine(np.ones((3, 2)))
        X = engine.asarray(np.ones((3, 2)))
        labels, _ = engine.kmeans.assign(X, X[:1])
    assert X.device.id == labels.device.id == 1
    with cuda.xp.cuda.Device(0):
        like = cuda.xp.ones(1)
    assert cuda.hand_back(labels, like=like).device.id == 0


def test_a_fit_on_another_gpu_leaves_the_current_one_of_the_thread(cuda, rng):
    if cuda.xp.cuda.runtime.getDeviceCount() < 2:
        pytest.skip("needs two GPUs")
    X = rng.normal(size=(50, 3))
    with cuda.xp.cuda.Device(0):
        with ghostflow_learn.config_context(device="cuda:1"):
            Ridge().fit(X, X[:, 0])
            assert cuda.xp.cuda.Device().id == 0
            with pytest.raises(ValueError, match="number of penalties"):
                Ridge(alpha=[1.0, 2.0]).fit(X, X[:, 0])
        assert cuda.xp.cuda.Device().id == 0


def test_out_of_memory_names_the_array(cuda):
    if gpu.is_real():
        pytest.skip("the stand-in's memory has a limit that can be set")
    X = np.ones((1000, 50))
    with standin.limited_memory(1e5), pytest.raises(MemoryError, match=r"shape \(1000, 50\) and dtype float64"):
        cuda.asarray(X)
    with standin.limited_memory(1e5), pytest.raises(MemoryError, match=r"\(0\.0004 GB\) does not fit in GPU memory"):
        cuda.asarray(X)
