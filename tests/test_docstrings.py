"""Docstrings are true: sections match signatures and fitted models, and every example runs."""

import doctest
import inspect
import re
import warnings

import pytest
from sklearn.datasets import load_iris

import ghostflow_learn
from ghostflow_learn import is_native
from ghostflow_learn._patch import native_estimators

ESTIMATORS = list(native_estimators())
FUNCTIONS = [getattr(ghostflow_learn, name) for name in ghostflow_learn.__all__]
SECTION = re.compile(r"^(\w[\w ]*)\n-{3,}$", re.MULTILINE)


def sections(thing):
    """Title -> text of the numpydoc sections of a docstring."""
    parts = SECTION.split(inspect.getdoc(thing) or "")
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def entries(section):
    """Name -> description; "a, b : int" is two names, and stars stay as they are in a signature."""
    found = {}
    for entry in re.split(r"\n(?=\S)", section.strip("\n")):
        head, _, rest = entry.partition("\n")
        names, _, kind = head.partition(" : ")
        found |= {name.strip(): f"{kind}\n{rest}" for name in names.split(",")}
    return found


def parameters(function):
    return [str(p).split("=")[0] for name, p in inspect.signature(function).parameters.items() if name != "self"]


def public_methods(cls):
    """Those we wrote: inherited ones of scikit-learn have its docstrings."""
    names = [name for name in dir(cls) if not name.startswith("_")]
    return [m for m in (getattr(cls, name) for name in names) if inspect.isfunction(m) and is_native(m)]


def name_of(thing):
    return thing.__qualname__


@pytest.fixture(scope="module")
def iris():
    return load_iris(return_X_y=True, as_frame=True)


def test_there_are_estimators_to_look_at():
    assert len(ESTIMATORS) >= 15


@pytest.mark.parametrize("cls", ESTIMATORS, ids=name_of)
def test_an_estimator_documents_its_parameters_in_their_order(cls):
    assert list(entries(sections(cls)["Parameters"])) == parameters(cls)


@pytest.mark.parametrize("cls", ESTIMATORS, ids=name_of)
def test_an_estimator_has_every_section(cls):
    assert {"Parameters", "Attributes", "Notes", "Examples"} <= sections(cls).keys()
    assert ">>> " in sections(cls)["Examples"]


@pytest.mark.parametrize("cls", ESTIMATORS, ids=name_of)
def test_documented_attributes_are_those_of_a_fitted_model(cls, iris):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = cls().fit(*iris)
    documented = entries(sections(cls)["Attributes"])
    fitted = {name for name in vars(model) if name.endswith("_") and not name.startswith("_")}
    assert fitted <= documented.keys()
    conditional = {name for name, text in documented.items() if re.search(r"(?i)\b(only|defined|if|with)\b", text)}
    missing = {name for name in documented if not hasattr(model, name)}
    assert missing <= conditional


@pytest.mark.parametrize("cls", ESTIMATORS, ids=name_of)
def test_methods_document_their_parameters(cls):
    wrong = {}
    for method in public_methods(cls):
        if "; parameters are " in inspect.getdoc(method):  # those of another method, which it names
            continue
        documented = list(entries(sections(method).get("Parameters", "")))
        if [name for name in documented if name] != parameters(method):
            wrong[method.__name__] = documented, parameters(method)
    assert not wrong


@pytest.mark.parametrize("function", FUNCTIONS, ids=name_of)
def test_a_public_function_says_what_it_does(function):
    assert inspect.getdoc(function)
    assert list(entries(sections(function).get("Parameters", ""))) in (parameters(function), [""])


@pytest.mark.parametrize("thing", ESTIMATORS + FUNCTIONS, ids=name_of)
def test_examples_in_docstrings_run(thing):
    runner, report = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE), []
    for example in doctest.DocTestFinder().find(thing, thing.__qualname__, globs={}):
        runner.run(example, out=report.append)
    assert runner.failures == 0, "".join(report)
