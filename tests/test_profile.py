"""profile() and the engine's log say what ran where, and why."""

import logging

import numpy as np
import pytest

import ghostflow_learn as gl
from ghostflow_learn._engine import get_engine
from ghostflow_learn._engine._profile import Profile


@pytest.fixture
def A(rng):
    return rng.normal(size=(30, 4))


def test_profile_counts_the_calls_of_each_op(A):
    with gl.profile() as table:
        engine = get_engine(A)
        engine.linalg.matmul(A, A.T)
        engine.linalg.matmul(A, A.T)
        engine.linalg.qr(A)
    calls = {(row.op, row.engine): row.calls for row in table.rows}
    assert calls == {("linalg.matmul", "cpu"): 2, ("linalg.qr", "cpu"): 1}
    assert all(row.seconds > 0 for row in table.rows)


def test_profile_prints_the_most_expensive_op_first():
    table = Profile()
    table.record("kmeans.assign", "cuda", seconds=0.5)
    table.record("kmeans.update", "cpu", seconds=2.0, bytes_moved=3_000_000, reason="no CUDA kernel")
    header, first, second = str(table).splitlines()
    assert header.split()[:3] == ["op", "engine", "calls"]
    assert first.split()[:4] == ["kmeans.update", "cpu", "1", "2.0000"]
    assert "3.0" in first
    assert first.endswith("no CUDA kernel")
    assert second.startswith("kmeans.assign")
    assert table.to_frame()["seconds"].tolist() == [2.0, 0.5]


def test_nothing_is_recorded_outside_the_block(A):
    with gl.profile() as table:
        pass
    get_engine(A).linalg.qr(A)
    assert table.rows == []


def test_profiled_results_are_the_results(A):
    plain = get_engine(A).linalg.svd(A)
    with gl.profile():
        profiled = get_engine(A).linalg.svd(A)
    for a, b in zip(plain, profiled):
        np.testing.assert_array_equal(a, b)


def test_transfers_are_counted_in_bytes(on_gpu, A):
    with gl.profile() as table:
        engine = get_engine(on_gpu(A))
        engine.to_numpy(engine.asarray(A))
    moved = {row.op: row.bytes_moved for row in table.rows}
    assert moved == {"asarray": A.nbytes, "to_numpy": A.nbytes}


def test_a_fallback_is_recorded_with_its_reason(on_gpu, A):
    with gl.profile() as table:
        get_engine(on_gpu(A)).linalg.svds(on_gpu(A), 2, on_gpu(np.ones(4)))
    (row,) = [row for row in table.rows if row.engine == "cpu"]
    assert (row.op, row.reason) == ("linalg.svds", "no CUDA kernel")
    assert row.bytes_moved >= A.nbytes


def test_fallback_can_warn_or_raise(on_gpu, A):
    svds = get_engine(on_gpu(A)).linalg.svds
    with gl.config_context(fallback="warn"), pytest.warns(RuntimeWarning, match="svds has no CUDA kernel"):
        svds(on_gpu(A), 2, on_gpu(np.ones(4)))
    with gl.config_context(fallback="raise"), pytest.raises(NotImplementedError, match="Set fallback='log'"):
        svds(on_gpu(A), 2, on_gpu(np.ones(4)))


def test_a_gpu_array_under_device_cpu_is_copied_and_logged(on_gpu, A, caplog):
    X = on_gpu(A)
    with gl.config_context(device="cpu"), caplog.at_level(logging.INFO, "ghostflow_learn.engine"):
        engine = get_engine(X)
        out = engine.hand_back(engine.asarray(X).sum(axis=0), like=X)
    assert "copied from the GPU to the host" in caplog.text
    assert type(out) is type(X)


def test_asking_for_a_gpu_without_one_says_what_is_missing(monkeypatch, A):
    monkeypatch.setattr("ghostflow_learn._engine.gpu_state", lambda: "no driver found (libcuda.so.1).")
    message = r"device='cuda' needs an NVIDIA GPU: no driver found \(libcuda.so.1\). Or set device='cpu'."
    with gl.config_context(device="cuda"), pytest.raises(RuntimeError, match=message):
        get_engine(A)
