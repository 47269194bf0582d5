"""benchmarks/gpu.py runs on the stand-in, so that it is known to work before GPU time is spent on it."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

import ghostflow_learn

from . import gpu

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def benchmark(on_gpu, monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(BENCHMARKS)
    module = importlib.import_module("gpu")
    monkeypatch.setattr(module, "REPORT", tmp_path / "estimators.json")
    monkeypatch.setattr(module, "ITERATIONS", 2)
    return module


def test_every_workload_runs_and_agrees_with_the_cpu(benchmark, capsys):
    assert benchmark.main(["--rows", "300", "--repeat", "1", "--save"]) == 0
    report = json.loads(benchmark.REPORT.read_text())
    assert [row["workload"] for row in report["results"]] == [workload.name for workload in benchmark.WORKLOADS]
    for row in report["results"]:
        assert row["score"] == pytest.approx(row["cpu_score"], rel=1e-3), row["workload"]
    assert "KMeans, 50 clusters" in capsys.readouterr().out


def test_every_workload_is_an_estimator_of_ours(benchmark):
    for workload in benchmark.WORKLOADS:
        assert ghostflow_learn.is_native(type(workload.estimator(None)))


def test_without_a_gpu_it_says_why_and_stops():
    if gpu.is_real():
        pytest.skip("there is a GPU here")
    done = subprocess.run([sys.executable, BENCHMARKS / "gpu.py"], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("benchmarks/gpu.py: device='cuda' needs an NVIDIA GPU: no driver found")
    assert done.stderr.count("\n") == 1
