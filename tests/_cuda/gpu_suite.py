"""Everything again on a real GPU, with one command and one JSON report. Without a GPU it runs emulated.

    python tests/_cuda/gpu_suite.py                   on a GPU: report in benchmarks/results/gpu/suite.json
    python tests/_cuda/gpu_suite.py --emulate         on the stand-in: report in out/, no rates
    python tests/_cuda/gpu_suite.py --sanitize        also under compute-sanitizer, if it is installed
    python tests/_cuda/gpu_suite.py --changed         the .cu files that changed since the committed report

Needs numpy, scipy, scikit-learn and CuPy; pytest and numba only for the tests of engines and estimators, which are
reported as not run where one of them is missing.
"""

# ruff: noqa: E402 - the folder above is put on the path before anything of it is imported

import argparse
import hashlib
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
import xml.etree.ElementTree as ElementTree
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import numpy as np

from ghostflow_learn import _cuda
from ghostflow_learn._engine import gpu_state
from tests._cuda import conformance, gpu, standin
from tests._cuda.workloads import SIZES, WORKLOADS, arguments, assert_agree, assert_same_bits, call, op_of

COMMITTED = ROOT / "benchmarks" / "results" / "gpu" / "suite.json"
LARGE = (100_000, 10_000_000)  # rows at which repeatability and rates are looked at
PYTEST_INI = "[pytest]\naddopts = --import-mode=importlib\npythonpath = {root}\nmarkers =\n gpu\n sklearn_suite\n"


def main():
    args = parse_args()
    if args.changed:
        return print_changed()
    if args.emulate:
        os.environ["GHOSTFLOW_TEST_GPU"] = "0"
    started = time.time()
    with gpu.available() as cupy:
        report = environment(cupy)
        sizes = SIZES[:4] if args.small else SIZES
        report["ops"] = [check_op(op, size, dtype) for op in WORKLOADS for size in sizes for dtype in ("f4", "f8")]
        report["on_cpu"] = ops_on_cpu()
        report["conformance"] = compare_with_stand_in(cupy)
        if not args.kernels_only:
            report["rates"] = rates(cupy, LARGE if gpu.is_real() else (33,), repeat=20 if gpu.is_real() else 1)
    if not args.kernels_only:
        report["tests"] = run_tests(args.tests)
    if args.sanitize:
        report["sanitizer"] = sanitize()
    report["seconds"] = round(time.time() - started, 1)
    path = Path(args.json or (COMMITTED if gpu.is_real() else ROOT / "out" / "gpu_suite_emulated.json"))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=1) + "\n")
    return print_summary(report, path)


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", help="where the report goes")
    parser.add_argument("--emulate", action="store_true", help="use the stand-in even where a GPU is ready")
    parser.add_argument("--tests", default="tests", help="folder or file of the tests to run; default: all of them")
    parser.add_argument("--small", action="store_true", help="kernels at up to 33 rows only")
    parser.add_argument("--kernels-only", action="store_true", help="no rates, no tests of engines and estimators")
    parser.add_argument("--sanitize", action="store_true", help="run the kernels under compute-sanitizer")
    parser.add_argument("--changed", action="store_true", help="list the sources that no report covers, and stop")
    return parser.parse_args()


# ---------------------------------------------------------------- what ran where


def environment(cupy):
    report = {
        "backend": "cuda" if gpu.is_real() else "emulated",
        "gpu_state": gpu_state(),
        "git": git("rev-parse", "HEAD"),
        "uncommitted_changes": bool(git("status", "--porcelain", "--untracked-files=no")),
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "sources": source_hashes(),
        "versions": {"python": platform.python_version(), **installed_versions()},
    }
    if gpu.is_real():
        properties = cupy.cuda.runtime.getDeviceProperties(0)
        report["device"] = {
            "name": properties["name"].decode(),
            "compute_capability": cupy.cuda.Device(0).compute_capability,
            "multiprocessors": properties["multiProcessorCount"],
            "memory_gb": round(properties["totalGlobalMem"] / 1e9, 1),
            "driver": cupy.cuda.runtime.driverGetVersion(),
            "cuda": cupy.cuda.runtime.runtimeGetVersion(),
        }
    return report


def git(*command):
    done = subprocess.run(["git", "-C", str(ROOT), *command], check=False, capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else None


def source_hashes():
    folder = Path(_cuda.__file__).parent
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.glob("*.cu*"))}


def installed_versions():
    found = {}
    for name in ("numpy", "scipy", "scikit-learn", "numba", "pytest", "cupy-cuda13x", "cupy-cuda12x"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    return found


def print_changed():
    if not COMMITTED.exists():
        print("no report of a real GPU: every kernel is proven by compilation and emulation alone")
        return 0
    proven = json.loads(COMMITTED.read_text())["sources"]
    changed = [name for name, digest in source_hashes().items() if proven.get(name) != digest]
    print("changed since the last run on a GPU:", ", ".join(changed) or "none")
    return 0


# ---------------------------------------------------------------- kernels


def check_op(op, size, dtype):
    """One op against the reference, twice."""
    report = {"op": op, "size": size, "dtype": dtype, "ok": True}
    try:
        cuda, reference = (import_module(f"ghostflow_learn._engine.{name}") for name in ("cuda", "reference"))
        args = arguments(cuda, op, size, dtype)
        got = call(cuda, op, args)
        assert_agree(op, got, call(reference, op, arguments(reference, op, size, dtype)), dtype)
        assert_same_bits(op, got, call(cuda, op, args), "from run to run")
    except Exception as error:
        report.update(ok=False, error=f"{type(error).__name__}: {error}"[:800], trace=traceback.format_exc()[-800:])
    return report


def ops_on_cpu():
    """Ops of the CUDA engine that no GPU computes yet: they pass every test of agreement, so they are listed."""
    folder = ROOT / "ghostflow_learn" / "_engine" / "cuda"
    found = []
    for family in sorted(path.stem for path in folder.glob("[!_]*.py")):
        module = import_module(f"ghostflow_learn._engine.cuda.{family}")
        found += [f"{family}.{name}" for name, op in vars(module).items() if hasattr(op, "runs_on")]
    return found


def rates(cupy, sizes, repeat):
    """Time, memory traffic and arithmetic of each op at large sizes, and whether its bits repeat.

    `traffic_tb_per_s` counts each array once; `of_copy` and `of_matmul` compare with what a copy and a matrix product
    of the same device reach.
    """
    cuda = import_module("ghostflow_learn._engine.cuda")
    report = {"ceilings": ceilings(cupy, side=8192 if gpu.is_real() else 64, repeat=repeat), "ops": []}
    for op in WORKLOADS:
        for size in sizes:
            try:
                row = {"op": op, "size": size, **rate(cupy, cuda, op, size, repeat, report["ceilings"])}
            except Exception as error:
                row = {"op": op, "size": size, "ok": False, "error": f"{type(error).__name__}: {error}"[:800]}
            report["ops"].append(row)
    if not gpu.is_real():
        return {"not_measured": "emulated", "ok": all(row["ok"] for row in report["ops"])}
    return report


def rate(cupy, cuda, op, size, repeat, ceiling):
    args = arguments(cuda, op, size, "f4")
    first = call(cuda, op, args)
    assert_same_bits(op, first, call(cuda, op, args), "from run to run")
    seconds = median_seconds(cupy, lambda: op_of(cuda, op)(*args), repeat)
    n_bytes = sum(a.nbytes for a in [*args, *first] if hasattr(a, "nbytes"))
    row = {"ok": True, "median_ms": seconds * 1e3, "traffic_tb_per_s": n_bytes / seconds / 1e12}
    row["of_copy"] = row["traffic_tb_per_s"] / ceiling["copy_tb_per_s"]
    if WORKLOADS[op].flops:
        row["tflop_per_s"] = WORKLOADS[op].flops(*args) / seconds / 1e12
        row["of_matmul"] = row["tflop_per_s"] / ceiling["matmul_f4_tflop_per_s"]
    return row


def ceilings(cupy, side, repeat):
    """What this device reaches: copying, and multiplying float32 matrices of random numbers."""
    a = cupy.asarray(np.random.default_rng(0).normal(size=(side, side)).astype(np.float32))
    b, wide = a.copy(), cupy.concatenate([a] * 8)
    copied = median_seconds(cupy, lambda: wide.copy(), repeat)
    multiplied = median_seconds(cupy, lambda: a @ b, repeat)
    return {
        "copy_tb_per_s": 2 * wide.nbytes / copied / 1e12,
        "matmul_f4_tflop_per_s": 2 * side**3 / multiplied / 1e12,
    }


def median_seconds(cupy, function, repeat):
    """Device time of a call that has already run once, by events."""
    function()
    start, end, milliseconds = cupy.cuda.Event(), cupy.cuda.Event(), []
    for _ in range(repeat):
        start.record()
        function()
        end.record()
        end.synchronize()
        milliseconds.append(cupy.cuda.get_elapsed_time(start, end))
    return float(np.median(milliseconds)) / 1e3


# ---------------------------------------------------------------- the stand-in, the test suite, the sanitizer


def compare_with_stand_in(cupy):
    report = {}
    with standin.installed() as stand_in:
        for name, expression in conformance.EXPRESSIONS.items():
            report[name] = {"stand_in": conformance.outcome(expression, stand_in)}
    if gpu.is_real():
        for name, expression in conformance.EXPRESSIONS.items():
            report[name]["cupy"] = conformance.outcome(expression, cupy)
    return report


def run_tests(target):
    """The tests that use a GPU, in a pytest of their own that needs no plugin."""
    missing = [name for name in ("pytest", "numba", "sklearn") if importlib.util.find_spec(name) is None]
    if missing:
        return {"not_run": f"not installed: {', '.join(missing)}"}
    with tempfile.TemporaryDirectory() as folder:
        ini, xml = Path(folder, "pytest.ini"), Path(folder, "report.xml")
        ini.write_text(PYTEST_INI.format(root=ROOT))
        command = [sys.executable, "-m", "pytest", "-q", "-m", "gpu", "-p", "no:cacheprovider", f"--rootdir={ROOT}"]
        command += ["-c", str(ini), f"--junitxml={xml}", str(ROOT / target)]
        done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
        if not xml.exists():
            return {"ok": False, "error": (done.stdout + done.stderr)[-2000:]}
        return {"ok": done.returncode == 0, **read_junit(xml)}


def read_junit(xml):
    suite = ElementTree.parse(xml).getroot().find("testsuite")
    counts = {key: int(suite.get(key)) for key in ("tests", "failures", "errors", "skipped")}
    failed = {}
    for case in suite.iter("testcase"):
        for fault in (*case.findall("failure"), *case.findall("error")):
            failed[f"{case.get('classname')}::{case.get('name')}"] = (fault.get("message") or "")[:500]
    return {**counts, "failed": failed, "seconds": float(suite.get("time"))}


def sanitize():
    if shutil.which("compute-sanitizer") is None:
        return {"not_run": "compute-sanitizer is not installed"}
    report = {}
    for tool in ("memcheck", "racecheck", "synccheck", "initcheck"):
        command = ["compute-sanitizer", "--tool", tool, "--error-exitcode", "9", sys.executable, __file__]
        command += ["--kernels-only", "--json", os.devnull]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        report[tool] = {"ok": done.returncode == 0, "status": done.returncode, "tail": done.stdout[-800:]}
    return report


def print_summary(report, path):
    """Print what failed; 1 if anything did."""
    faults = [
        f"{op['op']} size={op['size']} {op['dtype']}: {op['error'][:300]}" for op in report["ops"] if not op["ok"]
    ]
    for name, found in report["conformance"].items():
        if "cupy" in found and found["cupy"] != found["stand_in"]:
            faults.append(f"stand-in differs from CuPy in {name!r}: {found['stand_in']}, CuPy {found['cupy']}")
    rows = report.get("rates", {}).get("ops", [])
    faults += [f"{row['op']} size={row['size']}: {row['error'][:300]}" for row in rows if not row["ok"]]
    tests = report.get("tests", {})
    faults += [f"{name}: {message[:300]}" for name, message in tests.get("failed", {}).items()]
    faults += [tests["error"]] if "error" in tests else []
    for tool, found in report.get("sanitizer", {}).items():
        faults += [f"{tool}: {found['tail']}"] if isinstance(found, dict) and not found["ok"] else []
    for row in rows:
        print(f"{row['op']:<28}{row['size']:>10} {row.get('median_ms', 0):9.3f} ms", end="")
        print(f" {row.get('traffic_tb_per_s', 0):7.2f} TB/s {row.get('tflop_per_s', 0):7.2f} TFLOP/s")
    ran = tests.get("tests", tests.get("not_run", "none"))
    print(f"{report['backend']} ({report['gpu_state']}): {len(report['ops'])} ops, tests: {ran}, {len(faults)} faults")
    print(f"computed on the CPU: {', '.join(report.get('on_cpu', [])) or 'no op'}")
    print(f"report: {path}")
    print("".join(f"  FAULT {fault}\n" for fault in faults), end="")
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
