"""`make test-gpu` runs here on the stand-in, so that the script is known to work before GPU time is spent on it."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from . import conformance, emulator, gpu_suite, standin
from .gpu import skip_outside_ci

SCRIPT = Path(gpu_suite.__file__)


def run(*args):
    return subprocess.run([sys.executable, SCRIPT, *args], capture_output=True, text=True)


def test_the_suite_passes_in_emulation_and_reports_what_ran(tmp_path):
    if emulator.missing_tool():
        skip_outside_ci(emulator.missing_tool())
    path = tmp_path / "report.json"
    done = run("--emulate", "--small", "--json", path, "--tests", "tests/_cuda/test_launch.py")
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(path.read_text())
    assert report["backend"] == "emulated"
    assert all(op["ok"] for op in report["ops"])
    assert report["rates"] == {"not_measured": "emulated", "ok": True}
    assert report["tests"]["tests"] > 10
    assert report["tests"]["failed"] == {}
    assert len(report["sources"]["kmeans.cu"]) == 64
    assert "linalg.svds" in report["on_cpu"]


def test_a_wrong_result_is_a_fault(monkeypatch, cuda, tmp_path, capsys):
    kmeans = cuda.kmeans
    right = kmeans.update
    monkeypatch.setattr(kmeans, "update", lambda *args: tuple(a * 1.001 for a in right(*args)))
    row = gpu_suite.check_op("kmeans.update", 33, "f4")
    assert not row["ok"]
    assert "kmeans.update output 0" in row["error"]
    report = {"ops": [row], "conformance": {}, "backend": "emulated", "gpu_state": ""}
    assert gpu_suite.print_summary(report, tmp_path) == 1
    assert "FAULT kmeans.update size=33 f4" in capsys.readouterr().out


def test_bits_that_change_from_run_to_run_are_a_fault(monkeypatch, cuda):
    calls = []
    right = cuda.kmeans.update

    def drifting(*args):
        calls.append(1)
        return tuple(a * (1 + 1e-14 * len(calls)) for a in right(*args))

    monkeypatch.setattr(cuda.kmeans, "update", drifting)
    assert "differs from run to run" in gpu_suite.check_op("kmeans.update", 33, "f8")["error"]


def test_what_the_stand_in_gets_wrong_is_a_fault(tmp_path, capsys):
    found = {"sum is 0-d": {"stand_in": ["value", []], "cupy": ["value", [1]]}}
    report = {"ops": [], "conformance": found, "backend": "cuda", "gpu_state": "ready"}
    assert gpu_suite.print_summary(report, tmp_path) == 1
    assert "stand-in differs from CuPy in 'sum is 0-d'" in capsys.readouterr().out


def test_outcomes_are_values_or_exception_types():
    cp = standin.cupy
    assert conformance.outcome(lambda cp: cp.ones(2), cp) == ["value", [1, 1]]
    assert conformance.outcome(lambda cp: np.asarray(cp.ones(2)), cp) == ["raises", "TypeError"]


def test_changed_sources_are_listed(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(gpu_suite, "COMMITTED", tmp_path / "suite.json")
    gpu_suite.print_changed()
    assert "no report of a real GPU" in capsys.readouterr().out
    proven = gpu_suite.source_hashes() | {"kmeans.cu": "0" * 64}
    gpu_suite.COMMITTED.write_text(json.dumps({"sources": proven}))
    gpu_suite.print_changed()
    assert capsys.readouterr().out == "changed since the last run on a GPU: kmeans.cu\n"


def test_missing_packages_are_reported(monkeypatch):
    monkeypatch.setattr(gpu_suite.importlib.util, "find_spec", lambda name: None if name == "pytest" else object())
    assert gpu_suite.run_tests("tests") == {"not_run": "not installed: pytest"}


@pytest.mark.parametrize("status", ["passed", "failed"])
def test_the_outcome_of_the_test_run_is_read(tmp_path, status):
    fault = '<failure message="assert 1 == 2"/>' if status == "failed" else ""
    xml = tmp_path / "report.xml"
    xml.write_text(
        f'<testsuites><testsuite tests="1" failures="{bool(fault):d}" errors="0" skipped="0" time="0.5">'
        f'<testcase classname="tests.x" name="test_y">{fault}</testcase></testsuite></testsuites>'
    )
    read = gpu_suite.read_junit(xml)
    assert read["failed"] == ({"tests.x::test_y": "assert 1 == 2"} if fault else {})
