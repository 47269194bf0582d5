"""Times ours and its peers in one process, interleaved, and writes what was measured.

    python benchmarks/bench_cluster.py                        every workload, a table, results in out/bench/
    python benchmarks/bench_cluster.py --only iris --repeat 5 those whose name holds "iris"
    python benchmarks/bench_cluster.py --quick                a twentieth of the rows, two repeats
    python benchmarks/bench_cluster.py --save                 results in benchmarks/results/, to be committed

Times are of one `run` (usually `fit`) on data that is made once. The first call is kept apart: it may wait for a
compiler or load a library. After it the contenders take turns, each starting the round once in a while, so that a
slow minute of the machine falls on all of them. Memory is measured in a process of its own for each contender.
"""

import argparse
import ctypes
import gc
import importlib
import json
import logging
import os
import platform
import subprocess
import sys
import time
import warnings
from collections import namedtuple
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
from sklearn.exceptions import ConvergenceWarning

import _report

HERE = Path(__file__).resolve().parent
LIBRARIES = {"ghostflow_learn": "ghostflow_learn", "scikit-learn": "sklearn", "scikit-learn-intelex": "sklearnex"}
SHORTEST = 0.02  # seconds: quicker runs are timed many at once


def fit(estimator, X, y):
    return estimator.fit(X, y)


def fit_predict(estimator, X, y):
    estimator.fit(X, y).predict(X)
    return estimator


def fit_transform(estimator, X, y):
    estimator.fit_transform(X)
    return estimator


Workload = namedtuple("Workload", "name estimator data score params bar run others", defaults=({}, "", fit, {}))
Workload.__doc__ = """What is run, on what, and what it must reach.

Parameters
----------
name : str
    Also the name of its result file.
estimator : str
    "cluster.KMeans"; each library has it under its own first name, or is left out.
data : callable
    ``data(scale)`` returns X and y (None where there is none), with ``scale`` times the rows.
score : callable
    ``score(model, X, y)`` returns the name of the score and its value; equal quality is equal to 1 %.
params : dict
    The estimator's parameters, the same for every library.
bar : str
    What the project asks of ours.
run : callable
    What is timed: ``run(estimator, X, y)`` returns the fitted model.
others : dict
    Specialised peers: name -> callable that makes an estimator, raising ImportError where it is not installed.
"""


def main(workloads, subpackage):
    """Run the workloads that the command line names."""
    args = _arguments()
    if args.memory_of:
        name, library, size = args.memory_of
        return _print_peak(next(w for w in workloads if w.name == name), library, size)
    scale, repeat = (0.05, 2) if args.quick else (1.0, args.repeat)
    folder = HERE / "results" if args.save else Path("out/bench")
    if args.save and args.quick:
        sys.exit("--save keeps results of full size only: leave out --quick.")
    chosen = [w for w in workloads if not args.only or any(part in w.name for part in args.only)]
    if not chosen:
        sys.exit(f"No workload's name holds {args.only}. There are: {', '.join(w.name for w in workloads)}.")
    folder.mkdir(parents=True, exist_ok=True)
    results = []
    for workload in chosen:
        result = measure(workload, scale, repeat, args.libraries, not args.no_memory)
        result.update(subpackage=subpackage, machine=machine())
        (folder / f"{workload.name}.json").write_text(json.dumps(result, indent=1) + "\n")
        print(_report.table([result]), flush=True)
        results.append(result)
    _report.write(folder)


def _arguments():
    parser = argparse.ArgumentParser(description="Ours and its peers, interleaved in one process.")
    parser.add_argument("--only", nargs="+", metavar="PART", help="workloads whose name holds one of these")
    parser.add_argument("--repeat", type=int, default=7, help="rounds after the first call (default: 7)")
    parser.add_argument("--quick", action="store_true", help="a twentieth of the rows, two rounds")
    parser.add_argument("--save", action="store_true", help="write to benchmarks/results/")
    parser.add_argument("--no-memory", action="store_true", help="leave out the memory runs")
    parser.add_argument("--libraries", nargs="+", metavar="NAME", help=f"of {', '.join(LIBRARIES)}, ...")
    parser.add_argument("--memory-of", nargs=3, help=argparse.SUPPRESS)
    return parser.parse_args()


# ---------------------------------------------------------------- time and score


def measure(workload, scale, repeat, libraries=None, memory=True):
    """Times, score and memory of every contender on one workload, as a dict ready for JSON."""
    X, y = workload.data(scale)
    contenders, absent = find_contenders(workload, libraries)
    rows = {name: _first_call(workload, make, X, y) for name, make in contenders.items()}
    loops = {name: max(1, int(SHORTEST / max(row.pop("warm"), 1e-9))) for name, row in rows.items()}
    names = list(contenders)
    for i in range(repeat):
        for name in names[i % len(names) :] + names[: i % len(names)]:
            seconds = _time(workload, contenders[name], X, y, loops[name])
            rows[name]["seconds"].append(seconds)
    if memory:
        for name in names if X.nbytes > 2**20 else ():
            rows[name]["memory"] = peak_memory(workload, name, scale)
    return {
        "workload": workload.name,
        "estimator": workload.estimator,
        "params": {key: value for key, value in workload.params.items() if key != "random_state"},
        "run": workload.run.__name__,
        "shape": list(X.shape),
        "dtype": str(X.dtype),
        "bytes": X.nbytes,
        "bar": workload.bar,
        "results": rows,
        "absent": absent,
    }


def find_contenders(workload, libraries=None):
    """Two dicts: name -> callable that makes an estimator, and name -> why it is left out."""
    makers = {name: _maker(workload, package) for name, package in LIBRARIES.items()} | workload.others
    contenders, absent = {}, {}
    for name, make in makers.items():
        if libraries and name not in libraries:
            continue
        try:
            make()
            contenders[name] = make
        except (ImportError, AttributeError) as error:
            absent[name] = str(error)
    return contenders, absent


def _maker(workload, package):
    module, class_name = f"{package}.{workload.estimator}".rsplit(".", 1)

    def make():
        cls = getattr(importlib.import_module(module), class_name)
        if not cls.__module__.startswith(package):
            raise AttributeError(f"{package} has no {class_name} of its own")
        return cls(**workload.params)

    return make


def _first_call(workload, make, X, y):
    with _fallback_log() as notes:
        first, model = _timed_run(workload, make, X, y)
    warm = first if first > 50 * SHORTEST else _timed_run(workload, make, X, y)[0]
    score_name, score = workload.score(model, X, y)
    row = {"first_call": first, "warm": warm, "seconds": [], "score_name": score_name, "score": float(score)}
    n_iter = getattr(model, "n_iter_", None)
    if n_iter is not None:
        row["n_iter"] = int(np.max(n_iter))
    return row | ({"note": "hands the work to scikit-learn"} if notes else {})


class _fallback_log(logging.Handler):
    """Holds what scikit-learn-intelex says when it calls scikit-learn instead."""

    def __enter__(self):
        self.records = []
        self._logger = logging.getLogger("sklearnex")
        self._before = self._logger.level, self._logger.handlers
        self._logger.setLevel(logging.INFO)
        self._logger.handlers = [self]
        return self.records

    def emit(self, record):
        if "fallback to original" in record.getMessage():
            self.records.append(record)

    def __exit__(self, *exc_info):
        level, self._logger.handlers = self._before
        self._logger.setLevel(level)


def _time(workload, make, X, y, n_loops):
    gc.collect()
    time.sleep(0.02)  # OpenMP's threads spin for some milliseconds after the contender before
    start = time.perf_counter()
    for _ in range(n_loops):
        _run(workload, make, X, y)
    return (time.perf_counter() - start) / n_loops


def _timed_run(workload, make, X, y):
    start = time.perf_counter()
    model = _run(workload, make, X, y)
    return time.perf_counter() - start, model


def _run(workload, make, X, y):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return workload.run(make(), X, y)


# ---------------------------------------------------------------- memory


def peak_memory(workload, name, scale):
    """Bytes that one run needs at its highest beyond X and y; None where the system cannot tell (not Linux).

    In a fresh process, after a run on a twentieth of the rows, so that libraries and the kernels are already there.
    """
    if not os.access("/proc/self/clear_refs", os.W_OK):
        return None
    command = [sys.executable, sys.argv[0], "--memory-of", workload.name, name, str(scale)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"The memory run of {name} on {workload.name} failed:\n{done.stderr}")
    return int(done.stdout.split()[-1])


def _print_peak(workload, name, scale):
    X, y = workload.data(float(scale))
    make = find_contenders(workload)[0][name]
    n_few = max(1000, len(X) // 20)
    _run(workload, make, X[:n_few].copy(), None if y is None else y[:n_few])
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    before = _status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # VmHWM counts from here
    model = _run(workload, make, X, y)
    print(max(0, _status("VmHWM") - before))
    del model


def _status(field):
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) * 1024


# ---------------------------------------------------------------- where


def machine():
    """What the figures depend on: processor, cores, memory, versions, commit, date."""
    return {
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": _versions(
            "ghostflow-learn", "scikit-learn", "scikit-learn-intelex", "numpy", "scipy", "numba", "torch"
        ),
        "commit": _commit(),
        "date": datetime.now(UTC).date().isoformat(),
    }


def _cpu_model():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "unknown")
    flags = next((line for line in lines if line.startswith("flags")), "")
    widest = next((name for name in ("avx512f", "avx2", "sse2") if f" {name} " in f"{flags} "), "")
    return f"{model} ({widest})" if widest else model


def _versions(*distributions):
    found = {}
    for name in distributions:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _commit():
    git = ["git", "-C", str(HERE)]
    done = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    changed = subprocess.run([*git, "diff", "--quiet", "HEAD", "--", "../ghostflow_learn"], capture_output=True)
    return done.stdout.strip() + ("-changed" if changed.returncode else "")
