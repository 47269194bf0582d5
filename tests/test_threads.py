"""Fits from many threads and processes at once, on any number of threads, interrupted, where nothing can be written."""

import inspect
import multiprocessing
import os
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV, cross_val_score

import ghostflow_learn
from ghostflow_learn import config_context, get_config
from ghostflow_learn._patch import native_estimators
from ghostflow_learn.cluster import KMeans
from ghostflow_learn.decomposition import PCA
from ghostflow_learn.linear_model import LogisticRegression, Ridge
from ghostflow_learn.naive_bayes import GaussianNB
from ghostflow_learn.preprocessing import StandardScaler

QUICKER = {
    "LogisticRegressionCV": {"Cs": 2, "cv": 2},
    "KMeans": {"max_iter": 10},
}
SEVERAL = [KMeans, PCA, Ridge, LogisticRegression, GaussianNB, StandardScaler]
every_estimator = pytest.mark.parametrize("ours", native_estimators(), ids=lambda cls: cls.__name__)


def data(n_samples=40_000, n_features=30):
    """Enough rows that a fit is cut into several blocks; three classes."""
    rng = np.random.default_rng(0)
    y = rng.integers(3, size=n_samples)
    return rng.normal(size=(n_samples, n_features)) + y[:, None] * np.linspace(0, 0.5, n_features), y


def learnt(ours, n_samples=40_000):
    """A digest of every bit that a fit of `ours` sets."""
    params = {"random_state": 0} if "random_state" in inspect.signature(ours).parameters else {}
    model = ours(**params, **QUICKER.get(ours.__name__, {})).fit(*data(n_samples))
    return {name: joblib.hash(value) for name, value in vars(model).items() if name.endswith("_")}


@every_estimator
@pytest.mark.filterwarnings("ignore::FutureWarning")  # defaults that scikit-learn is about to change
def test_the_number_of_threads_changes_no_bit(ours):
    models = []
    for n_threads in (1, 2, 5):
        with config_context(n_threads=n_threads):
            models.append(learnt(ours))
    assert models[0] == models[1] == models[2]


def test_eight_python_threads_fit_at_once():
    want = {ours: learnt(ours) for ours in SEVERAL}
    start = threading.Barrier(8)

    def work(i):
        start.wait()
        return [(ours, learnt(ours)) for ours in SEVERAL[i % 6 :] + SEVERAL[: i % 6]]

    with ThreadPoolExecutor(8) as pool:
        for results in pool.map(work, range(8)):
            assert dict(results) == want


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_forked_children_fit_after_their_parent_did():
    want = [learnt(ours) for ours in SEVERAL]
    with multiprocessing.get_context("fork").Pool(2) as pool:
        got = pool.map_async(learnt, SEVERAL, chunksize=1).get(timeout=120)
    assert got == want


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_children_forked_in_the_middle_of_a_fit_fit():
    want = learnt(Ridge)
    stop = threading.Event()

    def fit_without_end():
        while not stop.is_set():
            learnt(Ridge)

    thread = threading.Thread(target=fit_without_end)
    thread.start()
    try:
        for _ in range(5):
            with multiprocessing.get_context("fork").Pool(1) as pool:
                assert pool.apply_async(learnt, (Ridge,)).get(timeout=120) == want
    finally:
        stop.set()
        thread.join()


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_joblib_workers_fit_the_same_models(backend):
    want = [learnt(ours) for ours in SEVERAL]
    assert joblib.Parallel(n_jobs=2, backend=backend)(joblib.delayed(learnt)(ours) for ours in SEVERAL) == want


def n_threads_seen(model, X, y):
    return get_config()["n_threads"]


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_settings_reach_the_workers_of_scikit_learn(backend):
    X, y = load_iris(return_X_y=True)
    with config_context(n_threads=3), joblib.parallel_config(backend=backend):
        scores = cross_val_score(GaussianNB(), X, y, scoring=n_threads_seen, n_jobs=2)
        grid = {"var_smoothing": [1e-9, 1e-6]}
        search = GridSearchCV(GaussianNB(), grid, scoring=n_threads_seen, n_jobs=2).fit(X, y)
    assert set(scores) == set(search.cv_results_["mean_test_score"]) == {3}


LONG_FITS = """
import os, signal, sys, threading, time
import numpy as np
from ghostflow_learn.cluster import KMeans
from ghostflow_learn.decomposition import PCA
from ghostflow_learn.linear_model import LogisticRegression

rng = np.random.default_rng(0)
X, y = rng.normal(size=(50_000, 40)), rng.integers(2, size=50_000)
few = slice(0, 200)
for model, short in [
    (KMeans(100, n_init=10_000, random_state=0), KMeans(3, n_init=1, random_state=0)),
    (PCA(5, svd_solver="randomized", iterated_power=100_000, random_state=0), PCA(5)),
    (LogisticRegression(solver="saga", tol=0, max_iter=1_000_000, random_state=0), LogisticRegression()),
]:
    type(model)(**{**model.get_params(), **LIMITS[type(model).__name__]}).fit(X[few], y[few])  # compiled before
    timer = threading.Timer(1, os.kill, (os.getpid(), signal.SIGINT))
    start = time.perf_counter()
    timer.start()
    try:
        model.fit(X, y)
    except KeyboardInterrupt:
        print(type(model).__name__, time.perf_counter() - start)
    timer.join()
    before = short.fit(X[few], y[few]).score(X[few], y[few])
    assert before == short.fit(X[few], y[few]).score(X[few], y[few])
"""
LIMITS = {"KMeans": {"n_init": 1}, "PCA": {"iterated_power": 1}, "LogisticRegression": {"tol": 1.0}}


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_a_long_fit_can_be_interrupted_and_the_process_goes_on():
    done = subprocess.run(
        [sys.executable, "-c", f"LIMITS = {LIMITS}\n{LONG_FITS}"], capture_output=True, text=True, timeout=180
    )
    assert done.returncode == 0, done.stderr
    waited = dict(line.split() for line in done.stdout.splitlines())
    assert waited.keys() == LIMITS.keys()
    assert all(float(seconds) < 10 for seconds in waited.values()), waited


@pytest.fixture
def read_only_install(tmp_path):
    """A copy of the package beside whose modules no cache can be made, not even by root."""
    package = tmp_path / "site" / "ghostflow_learn"
    shutil.copytree(Path(ghostflow_learn.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    for folder in [package, *(path for path in package.rglob("*") if path.is_dir())]:
        (folder / "__pycache__").write_text("a file where a folder should be")
    return package.parent


FIRST_FIT = """
import sys
import joblib, numpy as np
import ghostflow_learn
from ghostflow_learn.preprocessing import StandardScaler
assert ghostflow_learn.__file__.startswith(sys.argv[1]), ghostflow_learn.__file__
X = np.random.default_rng(0).normal(size=(20_000, 30)).astype(sys.argv[2])
scaler = StandardScaler().fit(X)
print(joblib.hash((scaler.mean_, scaler.var_)))
"""


def first_fits(install, home, dtypes):
    """What processes print that fit at the same time, one for each dtype."""
    without = {"NUMBA_CACHE_DIR", "XDG_CACHE_HOME", "PYTHONPYCACHEPREFIX"}
    env = {name: value for name, value in os.environ.items() if name not in without}
    env |= {"PYTHONPATH": str(install), "HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", FIRST_FIT, str(install)]
    running = [
        subprocess.Popen([*command, dtype], env=env, cwd=install, stdout=-1, stderr=-1, text=True) for dtype in dtypes
    ]
    results = [(process, *process.communicate(timeout=240)) for process in running]
    for process, _, err in results:
        assert process.returncode == 0, err
    return [out for _, out, _ in results]


@pytest.mark.skipif(os.name == "nt", reason="caches are elsewhere on Windows")
def test_processes_that_fit_for_the_first_time_at_once_on_a_read_only_install(read_only_install, tmp_path):
    dtypes = ["float32", "float64"] * 3
    printed = first_fits(read_only_install, tmp_path, dtypes)
    assert printed[0::2] == printed[:1] * 3
    assert printed[1::2] == printed[1:2] * 3
    assert list(tmp_path.glob(".cache/numba/**/*.nbi")), "the compiled kernels went to the user's cache"
    assert first_fits(read_only_install, tmp_path, dtypes[:2]) == printed[:2], "code from the cache gives other bits"


@pytest.mark.skipif(os.name == "nt", reason="caches are elsewhere on Windows")
def test_a_fit_without_any_place_for_a_cache(read_only_install):
    assert len(first_fits(read_only_install, "/dev/null", ["float64"])) == 1
