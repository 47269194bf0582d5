"""pytest plugin: scikit-learn's own test modules see our classes in place of scikit-learn's.

Only modules under ``sklearn.*.tests`` do: whatever they import, before or after, from scikit-learn itself is untouched.
A test counts if one of our fits ran in it, or if it fails unexpectedly. Tests that are known to fail stand in
`expected_failures.py`; a listed test that passes fails (strict xfail), and an entry that matches no test of a collected
file is an error.
"""

import functools
import re
import sys
from collections import Counter, defaultdict
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType

import pytest
import sklearn

from ghostflow_learn import is_native
from ghostflow_learn._patch import native_estimators

from .expected_failures import EXPECTED_FAILURES

FIT_METHODS = ("fit", "fit_transform", "fit_predict", "partial_fit")
TEST_MODULE = re.compile(r"sklearn(\.\w+)*\.tests\.test_\w+")
REACHED = "reached our fit"
OUR_REASON = "ghostflow_learn: "
BY_ATTRIBUTE = ("sklearn.neighbors",)  # modules whose classes tests name as attributes: a copy holds ours
BAR = 0.98  # of the tests that reach our fit


class SubstitutingFinder:
    """First on `sys.meta_path`: runs scikit-learn's test modules while scikit-learn's modules hold our classes."""

    def __init__(self, counterparts):
        self.counterparts = counterparts

    def find_spec(self, name, path=None, target=None):
        if not TEST_MODULE.fullmatch(name):
            return None
        specs = (f.find_spec(name, path, target) for f in sys.meta_path if f is not self and hasattr(f, "find_spec"))
        spec = next(filter(None, specs), None)
        if spec is not None:
            spec.loader = SubstitutingLoader(spec.loader, self.counterparts)
        return spec


class SubstitutingLoader:
    def __init__(self, loader, counterparts):
        self.loader = loader
        self.counterparts = counterparts

    def __getattr__(self, name):
        return getattr(self.loader, name)

    def exec_module(self, module):
        with substituted(self.counterparts):
            self.loader.exec_module(module)
            for name, value in list(vars(module).items()):
                if isinstance(value, ModuleType) and value.__name__ in BY_ATTRIBUTE:
                    setattr(module, name, _copy_of(value))


def _copy_of(module):
    copied = ModuleType(module.__name__, module.__doc__)
    vars(copied).update(vars(module))
    return copied


@contextmanager
def substituted(counterparts):
    """scikit-learn's public module and the private one that defines the class both give ours."""
    places = [
        (import_module(module), ours, theirs)
        for ours, theirs in counterparts.items()
        for module in {theirs.__module__, ".".join(theirs.__module__.split(".")[:2])}
    ]
    # A test module may import another one: what it found is what it puts back.
    before = [(module, theirs.__name__, getattr(module, theirs.__name__)) for module, _, theirs in places]
    for module, ours, theirs in places:
        setattr(module, theirs.__name__, ours)
    try:
        yield
    finally:
        for module, name, value in before:
            setattr(module, name, value)


class Suite:
    """Notes which tests reach a fit of ours, and prints how many of those pass."""

    def __init__(self, names=None):
        for name in sklearn.__all__:  # so that no module of scikit-learn is first imported while it would see ours
            getattr(sklearn, name)
        self.current = None
        self.reached = set()
        self.counterparts = {
            ours: theirs
            for ours, theirs in native_estimators().items()
            if names is None or ours.__name__ in names.split(",")
        }
        for cls in self.counterparts:
            for method in FIT_METHODS:
                owner = next((base for base in cls.__mro__ if method in vars(base)), None)
                if owner is not None and is_native(owner):
                    setattr(cls, method, self.noting(vars(owner)[method]))

    def noting(self, fit):
        if hasattr(fit, "check"):  # a method under `available_if`
            return type(fit)(self.noting(fit.fn), fit.check, fit.attribute_name)

        @functools.wraps(fit)
        def fit_and_note(*args, **kwargs):
            self.reached.add(self.current)
            return fit(*args, **kwargs)

        return fit_and_note

    def pytest_sessionstart(self):
        sys.meta_path.insert(0, SubstitutingFinder(self.counterparts))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item):
        self.current = item.nodeid
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item, call):
        report = yield
        report.user_properties.append((REACHED, item.nodeid in self.reached))
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, config, items):
        expect_failures(items, EXPECTED_FAILURES, complete=config.getoption("suite_complete"))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session, exitstatus):
        terminal = session.config.pluginmanager.get_plugin("terminalreporter")
        complete = session.config.getoption("suite_complete") and not hasattr(session.config, "workerinput")
        if complete and _rate(sum(_counts(terminal).values(), Counter())) < BAR:
            session.exitstatus = max(exitstatus, pytest.ExitCode.TESTS_FAILED)

    def pytest_terminal_summary(self, terminalreporter):
        files = _counts(terminalreporter)
        terminalreporter.section("scikit-learn's own tests on our estimators")
        for file, counts in sorted(files.items()):
            terminalreporter.write_line(f"{file:<45}{_sentence(counts)}")
        if len(files) > 1:
            terminalreporter.write_line(f"{'all':<45}{_sentence(sum(files.values(), Counter()))}")


def _counts(terminal):
    """Per test file, how many tests have passed, failed, failed as we expect, or have nothing to say about us."""
    files = defaultdict(Counter)
    for outcome, column in (("passed", "passed"), ("failed", "failed"), ("error", "failed"), ("xfailed", "expected")):
        for report in terminal.getreports(outcome):
            reached = (REACHED, True) in map(tuple, report.user_properties)
            scikit_learns_own = outcome == "xfailed" and not report.wasxfail.startswith(OUR_REASON)
            counts = column == "failed" or (reached and not scikit_learns_own)
            files[report.nodeid.partition("::")[0]][column if counts else "elsewhere"] += 1
    return files


def _rate(counts):
    counted = counts["passed"] + counts["failed"] + counts["expected"]
    return counts["passed"] / counted if counted else 1.0


def _sentence(counts):
    counted = counts["passed"] + counts["failed"] + counts["expected"]
    rate = f"{_rate(counts):.2%}" if counted else "no test"
    return (
        f"{rate} of {counted} pass; {counts['failed']} fail, {counts['expected']} expected to; "
        f"{counts['elsewhere']} do not count"
    )


def expect_failures(items, expected, *, complete=True):
    """Mark what is known to fail; an entry for a collected file that matches no test is an error.

    Parameters
    ----------
    items : list of pytest items
    expected : dict
        "path/test_file.py::test" (all its parameters) or with "[parameters]" (one of them) -> reason.
    complete : bool
        Whether the collected files were collected whole.
    """
    by_id = {}
    for item in items:
        by_id.setdefault(item.nodeid, []).append(item)
        by_id.setdefault(item.nodeid.partition("[")[0], []).append(item)
    files = {item.nodeid.partition("::")[0] for item in items}
    for test, reason in expected.items():
        matched = by_id.get(test, [])
        if not matched and complete and test.partition("::")[0] in files:
            raise pytest.UsageError(f"expected_failures.py: {test!r} matches no test")
        for item in matched:
            item.add_marker(pytest.mark.xfail(reason=OUR_REASON + reason, strict=True))


def pytest_addoption(parser):
    parser.addoption("--suite-complete", action="store_true", help="the files are collected whole")
    parser.addoption("--suite-classes", help="names of our estimators to put in, comma-separated; all by default")


def pytest_configure(config):
    config.pluginmanager.register(Suite(config.getoption("suite_classes")), "ghostflow-suite")
