"""The tool behind `make test-sklearn` does what it says; the run itself takes minutes and is a command of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.sklearn_suite.plugin import expect_failures

RUN = Path(__file__).parent / "sklearn_suite" / "run.py"


def run(*args):
    return subprocess.run([sys.executable, str(RUN), *args], capture_output=True, text=True)


def test_a_test_module_of_scikit_learn_sees_ours_and_scikit_learn_does_not():
    done = run("--only", "decomposition/tests/test_truncated_svd.py", "-k", "test_integers")
    assert "100.00% of 1 pass; 0 fail, 0 expected to; 0 do not count" in done.stdout, done.stdout + done.stderr


def test_without_ours_no_test_counts():
    done = run("--only", "decomposition/tests/test_truncated_svd.py", "-k", "test_integers", "--theirs")
    assert "no test of 0 pass; 0 fail, 0 expected to; 1 do not count" in done.stdout, done.stdout + done.stderr


class Item:
    def __init__(self, nodeid):
        self.nodeid = nodeid
        self.markers = []

    def add_marker(self, marker):
        self.markers.append(marker)


def test_expected_failures_are_strict_and_name_one_or_all_parameters():
    items = [Item(f"a/test_a.py::{name}") for name in ("test_x[1]", "test_x[2]", "test_y[1]", "test_y[2]")]
    expect_failures(items, {"a/test_a.py::test_x[2]": "reason", "a/test_a.py::test_y": "reason"})
    assert [len(item.markers) for item in items] == [0, 1, 1, 1]
    assert items[1].markers[0].kwargs == {"reason": "ghostflow_learn: reason", "strict": True}


@pytest.mark.parametrize("entry, matches", [("test_a.py::test_z", False), ("test_b.py::test_x", True)])
def test_an_entry_that_matches_no_test_of_a_collected_file_is_an_error(entry, matches):
    items = [Item("test_a.py::test_x")]
    if matches:  # the entry's file was not collected
        expect_failures(items, {entry: "reason"})
    else:
        with pytest.raises(pytest.UsageError, match=r"'test_a.py::test_z' matches no test"):
            expect_failures(items, {entry: "reason"})
    expect_failures(items, {entry: "reason"}, complete=False)
