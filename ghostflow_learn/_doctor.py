"""What this installation has and whether it computes correctly: `python -m ghostflow_learn doctor`."""

import inspect
import platform
import time
import warnings
from importlib.metadata import PackageNotFoundError, version

import numpy as np
from sklearn.datasets import load_iris

from . import __version__
from ._config import get_config
from ._engine import gpu_state
from ._engine.cpu import _report
from ._engine.cpu._launch import n_threads
from ._patch import native_estimators

PACKAGES = ("scikit-learn", "numpy", "scipy", "numba", "joblib", "pandas", "threadpoolctl")
OPTIONAL = ("cupy-cuda13x", "cupy-cuda12x", "torch", "polars", "skl2onnx")
AGREEMENT = 1e-4  # relative; both libraries stop iterating at tolerances of this size


def doctor(out):
    """Print the state of this installation.

    Parameters
    ----------
    out : file

    Returns
    -------
    healthy : bool
        Whether every estimator agrees with scikit-learn's.
    """
    for name, value in _facts():
        print(f"{name:<16}{value}", file=out, flush=True)  # the self test compiles first, on a fresh install
    start = time.perf_counter()
    faults = self_test()
    seconds = time.perf_counter() - start
    for fault in faults:
        print(f"{'self test':<16}FAILS: {fault}", file=out)
    n_estimators = len(native_estimators())
    if not faults:
        print(f"{'self test':<16}{n_estimators} estimators agree with scikit-learn's ({seconds:.1f} s)", file=out)
    return not faults


def self_test():
    """Fit each estimator and scikit-learn's on iris.

    Returns
    -------
    faults : list of str
        One sentence per estimator that fails or disagrees.
    """
    faults = []
    for ours, theirs in native_estimators().items():
        try:
            got, want = _outcome(ours), _outcome(theirs)
        except Exception as error:
            faults.append(f"{ours.__name__} raises {type(error).__name__}: {error}")
            continue
        if not np.allclose(got, want, rtol=AGREEMENT, atol=AGREEMENT):
            faults.append(f"{ours.__name__} gives {got:.6g} where scikit-learn gives {want:.6g}")
    return faults


def _outcome(cls):
    """One number that sums up what the estimator has learnt: its score, or the spread of what it answers."""
    X, y = load_iris(return_X_y=True)
    X += np.random.default_rng(0).normal(scale=1e-3, size=X.shape)  # no two neighbours are as far
    accepted = inspect.signature(cls).parameters
    params = {"random_state": 0, "n_clusters": 3}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = cls(**{name: value for name, value in params.items() if name in accepted}).fit(X, y)
        if hasattr(model, "score"):
            return model.score(X, y)
        names = ("transform", "score_samples", "kneighbors_graph")
        return np.abs(getattr(model, next(name for name in names if hasattr(model, name)))(X)).mean()


def _facts():
    yield "ghostflow_learn", __version__
    yield "Python", f"{platform.python_version()} on {platform.platform()}"
    for package in PACKAGES + OPTIONAL:
        try:
            yield package, version(package)
        except PackageNotFoundError:
            if package in PACKAGES:
                yield package, "MISSING"
    name, features = _report.cpu()
    yield "CPU", f"{name} ({', '.join(features) or 'no vector instructions known'})"
    yield "threads", f"{n_threads()} (setting: {get_config()['n_threads'] or 'auto'})"
    yield "device", get_config()["device"]
    yield "GPU", gpu_state()
    folders = _report.cache_folders()
    for path, writable in folders.items():
        yield "JIT cache", path if writable else f"{path} (cannot be written: kernels compile in every process)"
    if not folders:
        yield "JIT cache", "none can be written: kernels compile in every process"
