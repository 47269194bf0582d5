"""Fitted models pickle, copy and convert, and keep what they have learnt."""

import copy
import inspect
import pickle

import joblib
import numpy as np
import pytest
from scipy.sparse import issparse
from sklearn.base import clone, is_classifier
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_iris
from sklearn.exceptions import InconsistentVersionWarning, NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

import ghostflow_learn
from ghostflow_learn import as_sklearn, from_sklearn, is_native
from ghostflow_learn._patch import native_estimators

# LogisticRegressionCV announces its coming defaults, ours as scikit-learn's.
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")

X, y = load_iris(return_X_y=True)
X += np.random.default_rng(0).normal(scale=1e-3, size=X.shape)  # no two neighbours are as far
COUNTERPARTS = native_estimators()
HOST = ("builtins", "numpy", "scipy", "sklearn")
every_estimator = pytest.mark.parametrize("ours", COUNTERPARTS, ids=lambda cls: cls.__name__)


def fitted(cls):
    params = {"random_state": 0} if "random_state" in inspect.signature(cls).parameters else {}
    return cls(**params).fit(X.copy(), y.copy())  # which models of neighbours keep


def answers(model):
    """What the model says about new data, by every method that takes X alone."""
    new = X[::3] + 0.1
    names = ("predict", "predict_proba", "decision_function", "transform", "score_samples", "kneighbors_graph")
    return {name: dense(getattr(model, name)(new)) for name in names if hasattr(model, name)}


def dense(answer):
    return answer.toarray() if issparse(answer) else answer


def assert_same_answers(got, want, **tolerance):
    got, want = answers(got), answers(want)
    assert got.keys() & want.keys()
    assert got.keys() ^ want.keys() <= {"transform"}  # of perceptrons, which scikit-learn's have not
    for name in got.keys() & want.keys():
        np.testing.assert_allclose(got[name], want[name], err_msg=name, **tolerance)


def public_state(model):
    return {name: value for name, value in vars(model).items() if name.endswith("_") and not name.startswith("_")}


@every_estimator
@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_answers_as_the_model_does(ours, protocol):
    model = fitted(ours)
    assert_same_answers(pickle.loads(pickle.dumps(model, protocol)), model, rtol=0)


@every_estimator
def test_a_copy_does_not_share_what_it_has_learnt(ours):
    model = fitted(ours)
    twin = copy.deepcopy(model)
    before = answers(twin)
    for value in vars(model).values():
        if isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.flags.writeable:
            value[...] = 0
    for name, value in answers(twin).items():
        np.testing.assert_array_equal(value, before[name])


@every_estimator
def test_a_model_in_a_read_only_memmap_answers(ours, tmp_path):
    model = fitted(ours)
    joblib.dump(model, tmp_path / "model.joblib")
    assert_same_answers(joblib.load(tmp_path / "model.joblib", mmap_mode="r"), model, rtol=0)


@every_estimator
def test_what_a_model_has_learnt_lives_in_host_memory(ours):
    for name, value in public_state(fitted(ours)).items():
        assert is_native(type(value)) or type(value).__module__.partition(".")[0] in HOST, name


def test_a_pickle_of_another_version_warns(monkeypatch):
    model = fitted(next(iter(COUNTERPARTS)))
    monkeypatch.setattr(ghostflow_learn, "__version__", "0.0.1")
    dumped = pickle.dumps(model)
    monkeypatch.undo()
    with pytest.warns(InconsistentVersionWarning, match=r"from version 0\.0\.1 when using version") as record:
        assert_same_answers(pickle.loads(dumped), model, rtol=0)
    assert record[0].message.current_sklearn_version == ghostflow_learn.__version__


@every_estimator
def test_a_state_of_scikit_learns_model_is_taken_without_a_warning(ours):
    theirs = fitted(COUNTERPARTS[ours])
    model = ours.__new__(ours)
    model.__setstate__(theirs.__getstate__())
    assert not hasattr(model, "_sklearn_version")
    with pytest.warns(InconsistentVersionWarning, match=r"from version 1\.0"):
        ours.__new__(ours).__setstate__({**theirs.__getstate__(), "_sklearn_version": "1.0"})


@every_estimator
def test_as_sklearn_answers_as_ours_does(ours):
    model = fitted(ours)
    theirs = as_sklearn(model)
    assert type(theirs) is COUNTERPARTS[ours]
    assert_same_answers(theirs, model, rtol=1e-9, atol=1e-9)
    assert type(clone(theirs)) is COUNTERPARTS[ours]


@every_estimator
def test_from_sklearn_answers_as_theirs_does(ours):
    theirs = fitted(COUNTERPARTS[ours])
    model = from_sklearn(theirs)
    assert type(model) is ours
    assert_same_answers(model, theirs, rtol=1e-9, atol=1e-9)
    for name, value in public_state(theirs).items():
        if isinstance(value, np.ndarray) and value.dtype != object:  # those hold converted estimators
            np.testing.assert_array_equal(getattr(model, name), value, err_msg=name)


@every_estimator
def test_there_and_back_is_the_same_model(ours):
    model = fitted(ours)
    back = from_sklearn(as_sklearn(model))
    assert type(back) is ours
    assert back.get_params() == model.get_params()
    assert public_state(back).keys() >= public_state(model).keys()
    assert_same_answers(back, model, rtol=0)


@every_estimator
def test_an_estimator_that_is_not_fitted_converts_to_one_that_is_not(ours):
    theirs = as_sklearn(ours())
    assert type(theirs) is COUNTERPARTS[ours]
    with pytest.raises(NotFittedError):
        next(getattr(theirs, name) for name in ("predict", "transform", "kneighbors") if hasattr(theirs, name))(X)


def test_a_model_continues_to_learn_after_conversion():
    for ours, theirs in COUNTERPARTS.items():
        if hasattr(ours, "partial_fit"):
            classes = {"classes": [0, 1, 2]} if is_classifier(ours()) else {}
            model = ours().partial_fit(X[:75], y[:75], **classes)
            as_sklearn(model).partial_fit(X[75:], y[75:])
            peer = theirs()
            peer.partial_fit(X[:75], y[:75], **classes)  # which does not always return the estimator
            from_sklearn(peer).partial_fit(X[75:], y[75:])


def test_models_within_models_convert_too():
    pca = next(ours for ours in COUNTERPARTS if ours.__name__ == "PCA")
    linear = next(ours for ours in COUNTERPARTS if ours.__name__ == "LinearRegression")
    columns = ColumnTransformer([("some", pca(1), [0, 1])], remainder="passthrough")
    search = GridSearchCV(make_pipeline(columns, linear()), {"linearregression__fit_intercept": [True, False]})
    search.fit(X, y)
    theirs = as_sklearn(search)
    assert not is_native(theirs.best_estimator_[-1])
    assert not is_native(theirs.estimator[-1])
    assert not is_native(theirs.best_estimator_[0].named_transformers_["some"])
    assert is_native(search.best_estimator_[-1])
    assert is_native(search.best_estimator_[0].named_transformers_["some"])
    np.testing.assert_allclose(theirs.predict(X), search.predict(X), rtol=1e-12)
    back = from_sklearn(theirs)
    assert is_native(back.best_estimator_[-1])
    np.testing.assert_allclose(back.predict(X), search.predict(X), rtol=1e-12)
