"""What neural says of its public names is true: parameters match signatures, and every example runs."""

import doctest
import inspect

import pytest

from ghostflow_learn import neural
from ghostflow_learn.neural import nn, optim
from tests.test_docstrings import entries, name_of, parameters, sections


def public_things():
    """Classes and functions of the three modules, each once."""
    found = {}
    for module in (neural, nn, optim):
        for name, thing in vars(module).items():
            if not name.startswith("_") and callable(thing) and thing.__module__.startswith(neural.__name__):
                found.setdefault(id(thing), thing)
    return sorted(found.values(), key=name_of)


THINGS = public_things()


def methods(cls):
    return [m for name, m in vars(cls).items() if inspect.isfunction(m) and not name.startswith("_")]


@pytest.mark.parametrize("thing", THINGS, ids=name_of)
def test_parameters_are_those_of_the_signature(thing):
    assert inspect.getdoc(thing)
    documented = list(entries(sections(thing).get("Parameters", "")))
    assert documented in (parameters(thing), [""])


@pytest.mark.parametrize("thing", [t for t in THINGS if inspect.isclass(t)], ids=name_of)
def test_methods_document_their_parameters(thing):
    wrong = {}
    for method in methods(thing):
        documented = [name for name in entries(sections(method).get("Parameters", "")) if name]
        if documented and documented != parameters(method):
            wrong[method.__name__] = documented, parameters(method)
    assert not wrong


@pytest.mark.parametrize("thing", THINGS, ids=name_of)
def test_examples_run(thing):
    runner, report = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE), []
    for example in doctest.DocTestFinder().find(thing, thing.__qualname__, globs={}):
        runner.run(example, out=report.append)
    assert runner.failures == 0, "".join(report)
