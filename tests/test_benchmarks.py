"""The benchmarks measure what they say: contenders, turns, memory, ratios."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
BEYOND = ("neural.", "operation.", "digits.")  # what scikit-learn has no counterpart of
SCRIPTS = sorted(path.stem for path in BENCHMARKS.glob("bench_*.py"))

HUNGRY = """
import sys
import time
import numpy as np

sys.path.insert(0, {benchmarks!r})
from _harness import Workload, main


class Hungry:
    # needs 48 MiB for a moment and keeps 8
    def fit(self, X, y):
        passing = np.ones(40 * 2**17)
        self.kept = np.ones(8 * 2**17)
        time.sleep(0.02)
        return self


class Frugal:
    def fit(self, X, y):
        time.sleep(0.4)
        return self


WORKLOADS = [
    Workload(
        name="hungry",
        estimator="nothing.Nothing",
        data=lambda scale: (np.zeros((300_000, 10)), None),
        score=lambda model, X, y: ("hunger", hasattr(model, "kept")),
        others={{"ghostflow_learn": Hungry, "frugal": Frugal}},
    )
]
if __name__ == "__main__":
    main(WORKLOADS, "tests")
"""


@pytest.fixture
def benchmark_module(monkeypatch):
    """Imports a module of benchmarks/ for one test."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    before = set(sys.modules)
    yield importlib.import_module
    for name in set(sys.modules) - before:
        if (BENCHMARKS / f"{name}.py").is_file():
            del sys.modules[name]


@pytest.mark.parametrize("script", SCRIPTS)
def test_each_workload_finds_ours_and_scikit_learns(script, benchmark_module):
    harness = benchmark_module("_harness")
    for workload in benchmark_module(script).WORKLOADS:
        contenders, absent = harness.find_contenders(workload, ["ghostflow_learn", "scikit-learn"])
        made = {name: type(make()).__module__.partition(".")[0] for name, make in contenders.items()}
        if workload.estimator.startswith(BEYOND):
            assert "ghostflow_learn" in made, absent
        else:
            assert made == {"ghostflow_learn": "ghostflow_learn", "scikit-learn": "sklearn"}, absent


def test_operations_of_networks_give_what_torch_gives(benchmark_module):
    pytest.importorskip("torch")
    harness = benchmark_module("_harness")
    for workload in benchmark_module("bench_neural").OPERATIONS:
        rows = harness.measure(workload, 0.01, 1, ["ghostflow_learn", "torch"], memory=False)["results"]
        assert rows["ghostflow_learn"]["score"] == pytest.approx(rows["torch"]["score"], rel=1e-4), workload.name


def test_a_measured_workload_has_every_turn_and_equal_scores(benchmark_module):
    harness = benchmark_module("_harness")
    workload = next(w for w in benchmark_module("bench_decomposition").WORKLOADS if w.name == "iris_pca")
    result = harness.measure(workload, 1.0, 3, ["ghostflow_learn", "scikit-learn"], memory=False)
    rows = result["results"]
    assert [len(row["seconds"]) for row in rows.values()] == [3, 3]
    assert all(0 < second < 5 for row in rows.values() for second in row["seconds"])
    assert rows["ghostflow_learn"]["score"] == pytest.approx(rows["scikit-learn"]["score"], rel=1e-6)
    json.dumps(result)


def test_memory_and_ratios_of_contenders_that_are_known(tmp_path, benchmark_module):
    script = tmp_path / "hungry.py"
    script.write_text(HUNGRY.format(benchmarks=str(BENCHMARKS)))
    done = subprocess.run([sys.executable, script, "--repeat", "3"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "out" / "bench" / "hungry.json").read_text())
    hungry, frugal = (result["results"][name] for name in ("ghostflow_learn", "frugal"))
    assert sorted(result["absent"]) == ["scikit-learn", "scikit-learn-intelex"]
    report = benchmark_module("_report")
    assert 2 < report.speedup(result, "frugal") < 21
    if hungry["memory"] is not None:  # elsewhere than on Linux
        assert 47 * 2**20 < hungry["memory"] < 52 * 2**20
        assert frugal["memory"] < 2**20
    assert "| hungry (300,000, 10) float64 | ghostflow_learn |" in report.table([result])


@pytest.mark.parametrize("value, text", [(2.5, "2.5 s"), (0.0123, "12.3 ms"), (4.2e-5, "42 us")])
def test_times_are_written_with_three_digits(value, text, benchmark_module):
    assert benchmark_module("_report").seconds(value) == text
