"""`python -m ghostflow_learn`: scripts run on ours, warmup compiles, doctor tells the truth."""

import io
import subprocess
import sys
from unittest import mock

import numpy as np
import pytest

from ghostflow_learn import __main__, _doctor, _warmup, config_context
from ghostflow_learn._engine.cpu import boosting
from ghostflow_learn._patch import native_estimators
from ghostflow_learn.neural._losses import LOSSES
from ghostflow_learn.neural._optimizers import get_optimizer

SCRIPT = """
import sys
from sklearn.decomposition import PCA
from helper import twice
print(__name__, sys.argv, type(PCA()).__module__.partition(".")[0], twice(2))
"""


def run(*args, cwd=None):
    return subprocess.run(
        [sys.executable, "-m", "ghostflow_learn", *map(str, args)], capture_output=True, text=True, cwd=cwd
    )


@pytest.fixture
def script(tmp_path):
    (tmp_path / "helper.py").write_text("def twice(x): return 2 * x")
    path = tmp_path / "script.py"
    path.write_text(SCRIPT)
    return path


@pytest.fixture
def only_pca(monkeypatch):
    counterparts = {ours: theirs for ours, theirs in native_estimators().items() if ours.__name__ == "PCA"}
    monkeypatch.setattr(_doctor, "native_estimators", lambda: counterparts)
    monkeypatch.setattr(_warmup, "native_estimators", lambda: counterparts)
    return next(iter(counterparts))


def test_a_script_runs_on_ours_with_its_arguments_and_neighbours(script):
    done = run(script, "--alpha", "1")
    assert done.stdout.strip() == f"__main__ {[str(script), '--alpha', '1']} ghostflow_learn 4", done.stderr


def test_a_module_runs_on_ours(script):
    done = run("-m", "script", "1", cwd=script.parent)
    assert done.stdout.split(" ", 1)[0] == "__main__", done.stderr
    assert done.stdout.strip().endswith("'1'] ghostflow_learn 4")


def test_a_scripts_exit_code_and_traceback_are_its_own(tmp_path):
    (tmp_path / "script.py").write_text("raise SystemExit(7)")
    assert run(tmp_path / "script.py").returncode == 7
    (tmp_path / "script.py").write_text("1 / 0")
    done = run(tmp_path / "script.py")
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr


@pytest.mark.parametrize("args, said", [(["missing.py"], "No script 'missing.py'"), ([], "script.py"), (["-x"], "-m")])
def test_what_cannot_be_run_is_told_in_one_line_and_exit_code_2(args, said, capsys):
    assert __main__.main(args) == 2
    assert said in capsys.readouterr().err


def test_help_is_printed(capsys):
    assert __main__.main(["--help"]) == 0
    assert "warmup" in capsys.readouterr().out


def test_doctor_finds_this_installation_healthy(capsys):
    assert __main__.main(["doctor"]) == 0
    told = capsys.readouterr().out
    for fact in ("scikit-learn", "CPU", "threads", "GPU", "JIT cache", "estimators agree with scikit-learn's"):
        assert fact in told


def test_doctor_fails_if_an_estimator_gives_another_answer(only_pca, monkeypatch, capsys):
    monkeypatch.setattr(only_pca, "score", lambda self, X, y=None: 12.5)
    assert __main__.main(["doctor"]) == 1
    assert "FAILS: PCA gives 12.5 where scikit-learn gives" in capsys.readouterr().out


def test_doctor_fails_if_an_estimator_raises(only_pca, monkeypatch, capsys):
    monkeypatch.setattr(only_pca, "fit", lambda self, X, y=None: 1 / 0)
    assert __main__.main(["doctor"]) == 1
    assert "FAILS: PCA raises ZeroDivisionError" in capsys.readouterr().out


def test_warmup_draws_its_progress_and_says_where_kernels_are_kept(only_pca):
    out = io.StringIO()
    assert _warmup.warmup(out) == []
    assert "[" + "#" * 15 + " " * 15 + "] 1/2 PCA float32" in out.getvalue()
    assert "[" + "#" * 30 + "] 2/2" in out.getvalue()
    assert "kept in" in out.getvalue()


def test_warmup_fails_if_an_estimator_cannot_be_fitted(only_pca, monkeypatch, capsys):
    monkeypatch.setattr(only_pca, "fit", lambda self, X, y=None: 1 / 0)
    assert __main__.main(["warmup"]) == 1
    assert "cannot be fitted: PCA" in capsys.readouterr().err


@pytest.mark.parametrize("ours", native_estimators(), ids=lambda cls: cls.__name__)
def test_warmup_tries_every_option_that_selects_an_algorithm(ours):
    options = list(_warmup._options(ours))
    for name in ("solver", "algorithm", "svd_solver"):
        if name in ours._parameter_constraints:
            assert len([o for o in options if name in o]) >= 2
    assert not any("verbose" in o or "progress_bar" in o for o in options)


def test_warmup_tries_what_networks_choose_their_kernels_by():
    mlp = next(cls for cls in native_estimators() if cls.__name__ == "MLPClassifier")
    options = list(_warmup._options(mlp))
    for name, values in _warmup.BY_NAME.items():
        assert [o[name] for o in options if name in o] == list(values)
    assert all(get_optimizer(name) for name in _warmup.BY_NAME["optimizer"])
    assert set(_warmup.BY_NAME["loss"]) <= set(LOSSES)


@pytest.mark.parametrize("name", ["HistGradientBoostingClassifier", "HistGradientBoostingRegressor"])
def test_warmup_grows_trees_on_all_threads_too(name):
    """The data are enough, and of two classes: a tree for each of many would grow on its own thread."""
    ours = next(cls for cls in native_estimators() if cls.__name__ == name)
    X, y = list(_warmup._data(ours, np.float64))[-1]
    grown = boosting._grow_together
    with mock.patch.object(boosting, "_grow_together", side_effect=grown) as growing, config_context(n_threads=2):
        ours(max_iter=1, early_stopping=False).fit(X, y)
    assert growing.called
