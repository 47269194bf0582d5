"""Every example runs, draws something, and is short; the demo runs on a user's file and refuses a bad one."""

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("*/plot_*.py"))
DEMO = ROOT / "examples" / "demo.py"
DATA = ROOT.parent / "shared" / "data"


@pytest.fixture
def figures(monkeypatch):
    """matplotlib without a screen; gives the numbers of the figures that are open."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    monkeypatch.setattr(plt, "show", lambda: None)
    plt.close("all")
    yield plt.get_fignums
    plt.close("all")


@pytest.mark.timeout(60)
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs_and_draws(path, figures):
    runpy.run_path(str(path), run_name="__main__")
    assert figures()


def test_every_sub_package_has_an_example():
    package = ROOT / "ghostflow_learn"
    folders = {path.parent.name for path in package.glob("[!_]*/__init__.py")} | {"naive_bayes"}
    assert folders <= {path.parent.name for path in EXAMPLES}


@pytest.fixture
def demo(tmp_path, capsys, monkeypatch):
    """`demo(*arguments)` runs the demo in this process: exit code, standard output, standard error."""

    def run(*arguments):
        monkeypatch.setattr(
            sys, "argv", [str(DEMO), *map(str, arguments), "--out", str(tmp_path / "out"), "--rounds=1"]
        )
        with pytest.raises(SystemExit) as exit_code:
            runpy.run_path(str(DEMO), run_name="__main__")
        return exit_code.value.code, *capsys.readouterr()

    return run


@pytest.fixture
def wages(tmp_path):
    """A table of 400 rows: two numbers with gaps, a category, a number and a word to predict."""
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(0)
    table = pd.DataFrame({"age": rng.integers(18, 65, 400), "years": rng.uniform(0, 20, 400)})
    table["city"] = rng.choice(["Bergen", "Oslo", "Lima"], 400)
    table["wage"] = 20 * table["age"] + 100 * table["years"] + 500 * (table["city"] == "Oslo") + rng.normal(0, 50, 400)
    table["paid"] = np.where(table["wage"] > table["wage"].median(), "well", "badly")
    table.loc[::50, "years"] = None
    path = tmp_path / "wages.csv"
    table.to_csv(path, index=False)
    return path


@pytest.mark.parametrize("target, score", [("wage", "R2"), ("paid", "accuracy")])
def test_the_demo_finds_both_libraries_equally_good_on_a_file(demo, wages, target, score):
    code, out, _ = demo("--csv", wages, "--target", target)
    assert code == 0, out
    rows = [line for line in out.splitlines() if line.startswith("wages ") and score in line]
    ours, theirs = (float(row.split(score)[1].split()[0]) for row in rows)
    assert ours > 0.8
    assert ours == pytest.approx(theirs, abs=0.02)
    pictures = out.rpartition("Pictures: ")[2].split(", ")
    assert all(Path(picture.strip()).stat().st_size > 5000 for picture in pictures)


BAD = {
    "a file that is not there": (None, "age", "No such file"),
    "an empty file": (b"", "age", "No columns"),
    "a file that is no text": (bytes(range(256)) * 9, "age", "cannot read"),
    "a column that is not there": (b"a,b\n1,2\n", "age", "no column 'age'"),
    "too few rows": (b"age,b\n1,2\n", "age", "needs 100"),
    "one class": (b"age,b\n" + b"x,2\n" * 200, "age", "1 classes"),
    "nothing to predict from": (b"age\n" + b"1\n2\n3\n" * 200, "age", "no column to predict"),
}


@pytest.mark.parametrize("content, target, message", BAD.values(), ids=BAD.keys())
def test_a_bad_file_or_column_is_one_line_and_exit_code_2(demo, tmp_path, content, target, message):
    path = tmp_path / "table.csv"
    if content is not None:
        path.write_bytes(content)
    code, _, err = demo("--csv", path, "--target", target)
    assert code == 2
    assert message in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("arguments", [["--csv", "x.csv"], ["--target", "y"], ["--colour", "red"]])
def test_a_bad_command_line_is_one_line_and_exit_code_2(demo, arguments):
    code, _, err = demo(*arguments)
    assert (code, err.count("\n")) == (2, 1)


@pytest.mark.parametrize(
    "name, target", [("housing.csv", "median_house_value"), ("titanic.csv", "Survived"), ("adult.csv", "Salary")]
)
def test_the_demo_runs_on_well_known_tables(name, target, tmp_path):
    if not (DATA / name).is_file():
        pytest.skip(f"{name} is not beside this checkout")
    command = [sys.executable, DEMO, "--csv", DATA / name, "--target", target, "--out", tmp_path, "--rounds", "1"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "ours is faster by" in done.stdout
