"""Names, signatures, defaults and public methods are scikit-learn's, as `sklearn_signatures.txt` holds them."""

import inspect
import re
from importlib import import_module
from pathlib import Path

import pytest

from ghostflow_learn import is_native
from ghostflow_learn._patch import native_estimators

ENTRY = re.compile(r"sklearn\.(.+)\.(\w+)(\(.*\))\n    fit(\(.*\))\n    methods: (.*)")
SURFACE = ENTRY.findall((Path(__file__).parent / "sklearn_signatures.txt").read_text())
surface = pytest.mark.parametrize(
    "module, name, init, fit, methods", [pytest.param(*entry, id=entry[1]) for entry in SURFACE]
)


def our_class(module, name):
    return getattr(import_module(f"ghostflow_learn.{module}"), name)


def parameters(signature):
    """Parameters as text; those that only we have stand last and are keyword-only."""
    return [str(p) for p in signature.parameters.values() if p.name != "self"]


def stated(text):
    scope = {}
    exec(f"def function{text}: pass", scope)
    return parameters(inspect.signature(scope["function"]))


def test_the_copy_lists_every_estimator_we_have():
    assert {entry[1] for entry in SURFACE} == {ours.__name__ for ours in native_estimators()}


@surface
def test_constructor_takes_scikit_learns_parameters_in_its_order(module, name, init, fit, methods):
    ours = our_class(module, name)
    assert is_native(ours)
    signature = inspect.signature(ours)
    wanted = stated(init)
    assert parameters(signature)[: len(wanted)] == wanted
    assert all(p.kind == p.KEYWORD_ONLY for p in list(signature.parameters.values())[len(wanted) :])


@surface
def test_every_parameter_is_constrained_as_in_scikit_learn(module, name, init, fit, methods):
    theirs = getattr(import_module(f"sklearn.{module}"), name)
    ours = our_class(module, name)
    assert set(ours._parameter_constraints) >= set(theirs._parameter_constraints)
    assert set(ours._parameter_constraints) == set(inspect.signature(ours).parameters)


@surface
def test_fit_takes_what_scikit_learns_takes(module, name, init, fit, methods):
    signature = inspect.signature(our_class(module, name).fit)
    wanted = stated(fit)
    assert parameters(signature)[: len(wanted)] == wanted
    assert all(p.kind == p.KEYWORD_ONLY for p in list(signature.parameters.values())[len(wanted) + 1 :])


@surface
def test_public_methods_are_there_and_none_is_left_to_scikit_learns_class(module, name, init, fit, methods):
    ours = our_class(module, name)
    theirs = getattr(import_module(f"sklearn.{module}"), name)
    for method in methods.split(", "):
        owner = next(cls for cls in ours.__mro__ if method in vars(cls))
        assert owner is not theirs, f"{name}.{method} is scikit-learn's own"


@surface
def test_other_methods_take_what_scikit_learns_take(module, name, init, fit, methods):
    ours = our_class(module, name)
    theirs = getattr(import_module(f"sklearn.{module}"), name)
    for method in set(methods.split(", ")) - {"fit"}:
        assert parameters(inspect.signature(getattr(ours, method))) == parameters(
            inspect.signature(getattr(theirs, method))
        ), method
