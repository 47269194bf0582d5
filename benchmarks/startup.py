"""What a user waits for before the first result: imports, and kernels compiled or loaded from the cache.

    python benchmarks/startup.py [--only KMeans] [--repeat 5] [--save]

Every figure comes from fresh processes. "Compiler" is the first fit of a process less the second, with importing
Numba in it; first with an empty cache, then with the cache that the process before has left.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

from _harness import HERE, machine

ESTIMATORS = {
    "LinearRegression": "linear_model",
    "Ridge": "linear_model",
    "RidgeCV": "linear_model",
    "RidgeClassifier": "linear_model",
    "LogisticRegression": "linear_model",
    "LogisticRegressionCV": "linear_model",
    "KMeans": "cluster",
    "MiniBatchKMeans": "cluster",
    "GaussianMixture": "mixture",
    "BayesianGaussianMixture": "mixture",
    "PCA": "decomposition",
    "TruncatedSVD": "decomposition",
    "GaussianNB": "naive_bayes",
    "DecisionTreeClassifier": "tree",
    "DecisionTreeRegressor": "tree",
    "RandomForestClassifier": "ensemble",
    "RandomForestRegressor": "ensemble",
    "ExtraTreesClassifier": "ensemble",
    "GradientBoostingClassifier": "ensemble",
    "AdaBoostClassifier": "ensemble",
    "IsolationForest": "ensemble",
    "HistGradientBoostingClassifier": "ensemble",
    "HistGradientBoostingRegressor": "ensemble",
    "StandardScaler": "preprocessing",
    "MinMaxScaler": "preprocessing",
    "MaxAbsScaler": "preprocessing",
    "RobustScaler": "preprocessing",
    "MLPClassifier": "neural_network",
    "MLPRegressor": "neural_network",
    "BernoulliRBM": "neural_network",
    "NeuralNetClassifier": "neural",
    "NeuralNetRegressor": "neural",
    "AutoencoderTransformer": "neural",
}
BARS = {"first": 5.0, "later": 1.0, "import": 0.1}

FITS = """
import sys, time, warnings
import numpy as np
from sklearn.datasets import make_classification
warnings.simplefilter("ignore")
X, y = make_classification(5000, 12, random_state=0)
from {package}.{module} import {name}
def seconds():
    start = time.perf_counter()
    {name}().fit(X, y)
    return time.perf_counter() - start
print(seconds() - min(seconds(), seconds()))
"""
IMPORTS = """
import sys, time
import sklearn, {theirs}
start = time.perf_counter()
import ghostflow_learn, {ours}
print(time.perf_counter() - start)
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", metavar="NAME", default=list(ESTIMATORS), choices=ESTIMATORS)
    parser.add_argument("--repeat", type=int, default=3, help="processes per figure (default: 3)")
    parser.add_argument("--save", action="store_true", help="write to benchmarks/results/")
    args = parser.parse_args()
    result = {"import": imports(args.repeat), "first": {}, "later": {}}
    print(f"import ghostflow_learn and its sub-packages, beyond scikit-learn's: {result['import']:.3f} s")
    for name in args.only:
        result["first"][name], result["later"][name] = waits(name, args.repeat)
        print(
            f"{name:<22} first ever {result['first'][name]:6.2f} s   later process {result['later'][name]:6.2f} s",
            flush=True,
        )
    if args.save:
        path = HERE / "results" / "startup.json"
        if path.is_file():  # figures of estimators that were left out stay
            before = json.loads(path.read_text())["startup"]
            result |= {kind: before[kind] | result[kind] for kind in ("first", "later")}
        path.write_text(json.dumps({"bars": BARS, "startup": result, "machine": machine()}, indent=1) + "\n")


def waits(name, repeat):
    """Medians of the compiler's share with an empty and with a filled cache."""
    code = FITS.format(package="ghostflow_learn", module=ESTIMATORS[name], name=name)
    first, later = [], []
    for _ in range(repeat):
        with tempfile.TemporaryDirectory() as cache:
            first.append(run(code, NUMBA_CACHE_DIR=cache))
            later.append(run(code, NUMBA_CACHE_DIR=cache))
    return statistics.median(first), statistics.median(later)


def imports(repeat):
    modules = sorted(set(ESTIMATORS.values()))
    theirs = ", ".join(f"sklearn.{name}" for name in modules if name != "neural")
    ours = ", ".join(f"ghostflow_learn.{name}" for name in modules)
    code = IMPORTS.format(theirs=theirs, ours=ours)
    run(code)  # writes the bytecode
    return statistics.median(run(code) for _ in range(repeat))


def run(code, **environment):
    # Bytecode is kept, as it is where the library is installed.
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent), "PYTHONDONTWRITEBYTECODE": "", **environment}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return float(done.stdout)


if __name__ == "__main__":
    main()
