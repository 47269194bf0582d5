"""scikit-learn's own voting and stacking, found under our names, with our estimators inside."""

import pickle

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_iris
from sklearn.model_selection import GridSearchCV

from ghostflow_learn import as_sklearn, is_native
from ghostflow_learn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from ghostflow_learn.linear_model import LogisticRegression, Ridge
from ghostflow_learn.tree import DecisionTreeClassifier, DecisionTreeRegressor

OF_CLASSES = {
    "boosted": GradientBoostingClassifier(n_estimators=5, random_state=0),
    "tree": DecisionTreeClassifier(max_depth=3, random_state=0),
    "linear": LogisticRegression(tol=1e-8, max_iter=1000),
}
OF_NUMBERS = {
    "boosted": GradientBoostingRegressor(n_estimators=5, random_state=0),
    "tree": DecisionTreeRegressor(max_depth=3, random_state=0),
    "linear": Ridge(alpha=0.1),
}
ENSEMBLES = [
    VotingClassifier(list(OF_CLASSES.items()), voting="soft", weights=[1, 2, 3]),
    VotingClassifier(list(OF_CLASSES.items()), voting="hard"),
    StackingClassifier(list(OF_CLASSES.items()), LogisticRegression(tol=1e-8), cv=3),
    VotingRegressor(list(OF_NUMBERS.items())),
    StackingRegressor(list(OF_NUMBERS.items()), Ridge(), cv=3, passthrough=True),
]


@pytest.mark.parametrize("ensemble", ENSEMBLES, ids=lambda e: f"{type(e).__name__}-{getattr(e, 'voting', '')}")
def test_they_predict_what_they_do_with_scikit_learns_estimators(ensemble):
    assert not is_native(type(ensemble))
    load = load_iris if "Classifier" in type(ensemble).__name__ else load_diabetes
    X, y = load(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    X, y, new = X[order[:-40]], y[order[:-40]], X[order[-40:]]
    theirs = as_sklearn(ensemble).fit(X, y)
    ours = ensemble.fit(X, y)
    assert all(is_native(type(member)) for member in ours.estimators_)
    assert not any(is_native(type(member)) for member in theirs.estimators_)
    for method in ("predict", "predict_proba", "transform"):
        if hasattr(theirs, method):
            np.testing.assert_allclose(getattr(ours, method)(new), getattr(theirs, method)(new), rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(ours)).predict(new), ours.predict(new))


def test_a_search_reaches_what_is_inside():
    X, y = load_iris(return_X_y=True)
    voting = VotingClassifier(list(OF_CLASSES.items()), voting="soft")
    search = GridSearchCV(voting, {"tree__max_depth": [1, 2], "boosted__learning_rate": [0.1, 1.0]}, cv=3).fit(X, y)
    assert search.best_score_ > 0.9
    assert search.best_estimator_.named_estimators_["tree"].max_depth == search.best_params_["tree__max_depth"]
