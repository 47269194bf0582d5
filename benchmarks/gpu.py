"""KMeans, PCA, Ridge, LogisticRegression, boosting and forests, data resident on an NVIDIA GPU: (1e7, 50) float32.

    python benchmarks/gpu.py                     a table
    python benchmarks/gpu.py --save              and benchmarks/results/gpu/estimators.json, to be committed
    python benchmarks/gpu.py --rows 1000000 --no-cpu

Each figure is a ratio: to our own CPU engine on the same machine, and to the time that reading X as often as the
algorithm must, or its arithmetic, would take at the rates that this GPU reaches when it copies and multiplies.
"""

import argparse
import json
import sys
import time
import warnings
from collections import namedtuple
from pathlib import Path

import numpy as np
from sklearn.exceptions import ConvergenceWarning

import ghostflow_learn
from _data import low_rank_plus_noise
from _harness import machine
from ghostflow_learn.cluster import KMeans
from ghostflow_learn.decomposition import PCA
from ghostflow_learn.ensemble import HistGradientBoostingClassifier, IsolationForest, RandomForestRegressor
from ghostflow_learn.linear_model import LogisticRegression, Ridge
from ghostflow_learn.preprocessing import StandardScaler

REPORT = Path(__file__).resolve().parent / "results" / "gpu" / "estimators.json"
N_FEATURES, N_CLUSTERS = 50, 50
ITERATIONS = 100  # of boosting
GROWN_ON = 20_000  # samples of a forest that is to predict


def fit(model, X, y):
    return model.fit(X, y)


def grow(model, X, y):
    return model.fit(X[:GROWN_ON], None if y is None else y[:GROWN_ON])


def predict(model, X, y):
    return float((model.predict(X) if y is not None else model.score_samples(X)).mean())


# `work` is what is timed, and `before` what is not, on the host; both take the model, X and the targets. Of the result:
# `reads`: how often the algorithm must read X; `flops`: its multiplications and additions, per value of X.
Workload = namedtuple(
    "Workload", "name estimator target score reads flops before work", defaults=(lambda model, X, y: model, fit)
)


def n_iter(model):
    return int(np.max(model.n_iter_))


def bins_read(model):
    """As many bytes as X has: bins are a quarter of them, and half of the samples count in each level but the first."""
    return n_iter(model) * (1 + np.log2(model.max_leaf_nodes) / 2) / 4


WORKLOADS = [
    Workload(
        "KMeans, 50 clusters, 20 iterations",
        lambda centers: KMeans(N_CLUSTERS, init=centers, n_init=1, max_iter=20, tol=0),
        None,
        lambda model: model.inertia_,
        reads=lambda model: n_iter(model),
        flops=lambda model: 3 * N_CLUSTERS * n_iter(model),
    ),
    Workload(
        "PCA, 10 components",
        lambda centers: PCA(10, svd_solver="covariance_eigh"),
        None,
        lambda model: model.explained_variance_.sum(),
        reads=lambda model: 2,
        flops=lambda model: N_FEATURES,
    ),
    Workload(
        "Ridge, cholesky",
        lambda centers: Ridge(solver="cholesky"),
        "regression",
        lambda model: np.linalg.norm(model.coef_),
        reads=lambda model: 2,
        flops=lambda model: N_FEATURES,
    ),
    Workload(
        "LogisticRegression, lbfgs",
        lambda centers: LogisticRegression(max_iter=50, tol=1e-6),
        "classes",
        lambda model: np.linalg.norm(model.coef_),
        reads=lambda model: n_iter(model),
        flops=lambda model: 4 * n_iter(model),
    ),
    Workload(
        f"HistGradientBoostingClassifier, {ITERATIONS} iterations, 31 leaves",
        lambda centers: HistGradientBoostingClassifier(max_iter=ITERATIONS, early_stopping=False, random_state=0),
        "classes",
        lambda model: model._predictors[-1][0].nodes["gain"].max(),
        reads=lambda model: 2 + bins_read(model),
        flops=lambda model: 0,
    ),
    Workload(
        "RandomForestRegressor.predict, 100 trees",
        lambda centers: RandomForestRegressor(100, random_state=0),
        "regression",
        float,
        reads=lambda mean: 1,
        flops=lambda mean: 0,
        before=grow,
        work=predict,
    ),
    Workload(
        "IsolationForest.score_samples, 100 trees",
        lambda centers: IsolationForest(random_state=0),
        None,
        float,
        reads=lambda mean: 1,
        flops=lambda mean: 0,
        before=grow,
        work=predict,
    ),
]


def main(arguments=None):
    args = _arguments(arguments)
    reason = why_no_gpu()
    if reason:
        print(reason, file=sys.stderr)
        return 2
    X, targets = make_data(args.rows)
    report = {"shape": X.shape, "dtype": str(X.dtype), "machine": machine(), "gpu": gpu_rates(min(X.nbytes, 2**30))}
    report["results"] = [measure(workload, X, targets, report["gpu"], args) for workload in WORKLOADS]
    print(table(report))
    if args.save:
        REPORT.parent.mkdir(parents=True, exist_ok=True)
        REPORT.write_text(json.dumps(report, indent=1) + "\n")
    return 0


def _arguments(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--repeat", type=int, default=5, help="runs after the first call (default: 5)")
    parser.add_argument("--no-cpu", action="store_true", help="leave out our CPU engine")
    parser.add_argument("--save", action="store_true", help="write benchmarks/results/gpu/estimators.json")
    return parser.parse_args(arguments)


def why_no_gpu():
    """The sentence that device='cuda' raises here, or None."""
    try:
        with ghostflow_learn.config_context(device="cuda"):
            StandardScaler().fit(np.ones((2, 1)))
    except RuntimeError as error:
        return f"benchmarks/gpu.py: {error}"
    return None


def make_data(n_samples):
    rng = np.random.default_rng(0)
    X = low_rank_plus_noise(rng, n_samples, N_FEATURES, dtype=np.float32)
    signal = X @ rng.standard_normal(N_FEATURES, dtype=np.float32)
    noisy = signal + signal.std() * rng.standard_normal(n_samples, dtype=np.float32)
    classes = (noisy > np.median(noisy)).astype(np.int32)
    return X, {None: None, "regression": noisy, "classes": classes}


def measure(workload, X, targets, gpu, args):
    import cupy

    y, centers = targets[workload.target], X[:N_CLUSTERS].copy()
    on_gpu = [None if array is None else cupy.asarray(array) for array in (X, y)]
    make = lambda: workload.before(workload.estimator(centers), X, y)
    first_call, result, seconds = timed(make, workload.work, *on_gpu, args.repeat)
    at_copy_rate = workload.reads(result) * X.nbytes / (gpu["copy_tb_per_s"] * 1e12)
    at_matmul_rate = workload.flops(result) * X.size / (gpu["matmul_f4_tflop_per_s"] * 1e12)
    row = {
        "workload": workload.name,
        "first_call": first_call,
        "seconds": seconds,
        "score": float(workload.score(result)),
        "of_memory_ceiling": at_copy_rate / np.median(seconds),
        "of_arithmetic_ceiling": at_matmul_rate / np.median(seconds),
    }
    if not args.no_cpu:
        _, result, cpu_seconds = timed(make, workload.work, X, y, max(1, args.repeat // 2))
        row |= {"cpu_seconds": cpu_seconds, "cpu_score": float(workload.score(result))}
        row["times_our_cpu"] = np.median(cpu_seconds) / np.median(seconds)
    return row


def timed(make, work, X, y, repeat):
    """(seconds of the first run, last result, seconds of the others). A run ends with its result on the host."""
    seconds = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the number of iterations is given
        for _ in range(repeat + 1):
            model = make()
            start = time.perf_counter()
            result = work(model, X, y)
            seconds.append(time.perf_counter() - start)
    return seconds[0], result, seconds[1:]


def gpu_rates(n_bytes, side=8192, repeat=10):
    """What this GPU reaches on random numbers: copying `n_bytes`, multiplying float32 matrices."""
    import cupy

    side = int(min(side, (n_bytes / 4) ** 0.5))
    a = cupy.asarray(np.random.default_rng(0).standard_normal((side, side), dtype=np.float32))
    wide = cupy.concatenate([a] * max(1, n_bytes // a.nbytes))
    properties = cupy.cuda.runtime.getDeviceProperties(cupy.cuda.Device().id)
    return {
        "name": properties["name"].decode(),
        "copy_tb_per_s": 2 * wide.nbytes / device_seconds(wide.copy, repeat) / 1e12,
        "matmul_f4_tflop_per_s": 2 * side**3 / device_seconds(lambda: a @ a.T, repeat) / 1e12,
    }


def device_seconds(function, repeat):
    """Median over `repeat` runs, after one that does not count, by events of the device."""
    import cupy

    function()
    start, end, milliseconds = cupy.cuda.Event(), cupy.cuda.Event(), []
    for _ in range(repeat):
        start.record()
        function()
        end.record()
        end.synchronize()
        milliseconds.append(cupy.cuda.get_elapsed_time(start, end))
    return float(np.median(milliseconds)) / 1e3


def table(report):
    gpu = report["gpu"]
    lines = [
        f"{gpu['name']}: copies {gpu['copy_tb_per_s']:.2f} TB/s, multiplies {gpu['matmul_f4_tflop_per_s']:.1f} TFLOP/s",
        f"X {report['shape']} {report['dtype']}",
        "| workload | first call s | median s | times our CPU | of memory ceiling | of arithmetic ceiling |",
        "|---|---|---|---|---|---|",
    ]
    for row in report["results"]:
        cpu = f"{row['times_our_cpu']:.1f}" if "times_our_cpu" in row else "-"
        lines.append(
            f"| {row['workload']} | {row['first_call']:.2f} | {np.median(row['seconds']):.4f} | {cpu} "
            f"| {row['of_memory_ceiling']:.0%} | {row['of_arithmetic_ceiling']:.0%} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
