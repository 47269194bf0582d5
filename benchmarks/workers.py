"""What two joblib workers on two cores cost each other: two fits at once, against the same two one after another.

    python benchmarks/workers.py               every fit, a table
    python benchmarks/workers.py --only pca    those whose name holds "pca"

One process gives each fit all its threads; a worker of joblib's has one. Run it on two cores and nothing else
(`taskset -c 0,1` on a larger machine). The bar: two warm workers finish fits of two seconds and more within 15 % of
the time of the serial run.
"""

import argparse
import statistics
import time

import joblib
import numpy as np

from _data import classification, overlapping_blobs
from ghostflow_learn.cluster import KMeans
from ghostflow_learn.decomposition import PCA
from ghostflow_learn.linear_model import LogisticRegression

BAR = 1.15
FITS = {
    "kmeans": (
        lambda: KMeans(100, n_init=1, max_iter=100, tol=0, random_state=0),
        lambda: (overlapping_blobs(300_000, 16, 150, np.float64), None),
    ),
    "pca_randomized": (
        lambda: PCA(20, svd_solver="randomized", iterated_power=150, random_state=0),
        lambda: (overlapping_blobs(20_000, 500, 40, np.float64), None),
    ),
    "logistic_regression": (
        lambda: LogisticRegression(C=1e6, tol=1e-12, max_iter=400),
        lambda: classification(400_000, 50, 3),
    ),
}


def main():
    parser = argparse.ArgumentParser(description="Two fits in two workers, against the same two one after another.")
    parser.add_argument("--only", default="", metavar="PART", help="fits whose name holds this")
    parser.add_argument("--repeat", type=int, default=5, help="rounds after the first (default: 5)")
    args = parser.parse_args()
    print(f"{'two fits of':<22}{'one process':>13}{'two workers':>13}{'ratio':>8}   (bar: {BAR})")
    for name in FITS:
        if args.only in name:
            serial, parallel = measure(name, args.repeat)
            print(f"{name:<22}{serial:>11.2f} s{parallel:>11.2f} s{parallel / serial:>8.2f}", flush=True)


def measure(name, repeat):
    """Median seconds of two fits, one after another in this process, and at once in two workers."""
    with joblib.Parallel(n_jobs=2) as workers:
        in_turn(name), in_workers(workers, name)  # imports, compiled kernels, data
        serial, parallel = [], []
        for _ in range(repeat):  # interleaved: a slow minute of the machine falls on both
            serial.append(in_turn(name))
            parallel.append(in_workers(workers, name))
    return statistics.median(serial), statistics.median(parallel)


def in_turn(name):
    return sum(timed_fit(name) for _ in range(2))


def in_workers(workers, name):
    """Seconds until the slower of two workers is done."""
    start = time.time() + 0.3  # the one clock that all processes share: neither begins alone
    return max(workers(joblib.delayed(timed_fit)(name, start) for _ in range(2)))


def timed_fit(name, start=0.0):
    make, _ = FITS[name]
    X, y = data(name)
    time.sleep(max(0.0, start - time.time()))
    begin = time.perf_counter()
    make().fit(X, y)
    return time.perf_counter() - begin


def data(name, made={}):  # noqa: B006  kept for the next fit of this process
    if name not in made:
        made[name] = FITS[name][1]()
    return made[name]


if __name__ == "__main__":
    main()
