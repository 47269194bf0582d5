"""Histogram gradient boosting on a GPU, or its stand-in: the model of the CPU, and answers where the data live."""

import numpy as np
import pytest

from ghostflow_learn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

SMALL = {"max_iter": 3, "max_leaf_nodes": 5, "random_state": 0}


def table(n_classes=0):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3))
    X[:, 1] = rng.integers(0, 5, 300)
    X[::17, 2] = np.nan
    y = np.exp(X[:, 0]) + (X[:, 1] == 2)
    return X, np.digitize(y, np.quantile(y, np.arange(1, n_classes) / n_classes)) if n_classes else y


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"loss": "poisson"},
        {"loss": "absolute_error"},
        {"loss": "quantile", "quantile": [0.2, 0.8]},
        {"categorical_features": [1]},
        {"early_stopping": True},
        {"early_stopping": True, "scoring": "r2"},
        {"subsample": 0.5, "sampling": "goss"},
        {"max_features": 0.5},
    ],
    ids=str,
)
def test_a_regression_is_that_of_the_cpu(params, on_gpu):
    X, y = table()
    want = HistGradientBoostingRegressor(**SMALL, **params).fit(X, y)
    got = HistGradientBoostingRegressor(**SMALL, **params).fit(on_gpu(X), on_gpu(y))
    predicted = got.predict(on_gpu(X))
    assert type(predicted) is type(on_gpu(X))
    np.testing.assert_allclose(predicted.get(), want.predict(X), rtol=1e-9)
    np.testing.assert_allclose(got.predict(X), want.predict(X), rtol=1e-9)
    np.testing.assert_allclose(got.validation_score_, want.validation_score_, rtol=1e-9)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize(
    "params", [{}, {"class_weight": "balanced"}, {"early_stopping": True, "scoring": None}], ids=str
)
def test_a_classification_is_that_of_the_cpu(n_classes, params, on_gpu):
    X, y = table(n_classes)
    want = HistGradientBoostingClassifier(**SMALL, **params).fit(X, y)
    got = HistGradientBoostingClassifier(**SMALL, **params).fit(on_gpu(X), on_gpu(y))
    for method in ("predict", "predict_proba", "decision_function"):
        answer = getattr(got, method)(on_gpu(X))
        assert type(answer) is type(on_gpu(X))
        np.testing.assert_allclose(answer.get(), getattr(want, method)(X), rtol=1e-9)
    staged = [proba.get() for proba in got.staged_predict_proba(on_gpu(X))]
    np.testing.assert_allclose(staged, list(want.staged_predict_proba(X)), rtol=1e-9)


def test_neither_samples_nor_targets_come_to_the_host(counting, on_gpu):
    X, y = table(2)
    X, y = on_gpu(np.tile(X, (40, 4))), on_gpu(np.tile(y, 40))
    with counting() as events:
        model = HistGradientBoostingClassifier(max_iter=1, max_leaf_nodes=2, early_stopping=False).fit(X, y)
        model.predict(X)
    assert events["d2h_bytes"] < y.nbytes
