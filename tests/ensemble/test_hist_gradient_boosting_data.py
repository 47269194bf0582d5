"""Histogram gradient boosting on tables of people and of houses, with words as categories, beside LightGBM."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline

from ghostflow_learn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

DATA = Path(__file__).parents[3] / "shared" / "data"
GRID = {"learning_rate": [0.05, 0.15], "max_leaf_nodes": [31]}

pandas = pytest.importorskip("pandas")


def table(name, target):
    """The table split in two, words as categories; missing ones stay missing."""
    path = DATA / f"{name}.csv"
    if not path.is_file():
        pytest.skip(f"{path} is not here")
    frame = pandas.read_csv(path, skipinitialspace=True, na_values=["?"])
    y = frame.pop(target)
    words = [column for column in frame if not pandas.api.types.is_numeric_dtype(frame[column])]
    frame = frame.astype(dict.fromkeys(words, "category"))
    return train_test_split(frame, y, test_size=0.3, random_state=0)


def searched(model, X, y):
    """The best model of a grid, in a pipeline that fills the gaps of one numeric column and leaves all others."""
    numbers = [column for column in X if pandas.api.types.is_numeric_dtype(X[column])]
    filled = ColumnTransformer(
        [("fill", SimpleImputer(), numbers[:1])], remainder="passthrough", verbose_feature_names_out=False
    ).set_output(transform="pandas")
    pipeline = make_pipeline(filled, model)
    grid = {f"{type(model).__name__.lower()}__{name}": values for name, values in GRID.items()}
    return GridSearchCV(pipeline, grid, cv=3).fit(X, y)


def lightgbm(kind, X, y, **params):
    module = pytest.importorskip("lightgbm")
    model = getattr(module, f"LGBM{kind}")(n_estimators=100, verbose=-1, n_jobs=1, random_state=0, **params)
    return model.fit(X, y)


def test_incomes_of_adults_are_classified_as_well_as_by_lightgbm():
    X, X_test, y, y_test = table("adult", "Salary")
    model = searched(HistGradientBoostingClassifier(random_state=0, early_stopping=False), X, y)
    best = model.best_estimator_[-1]
    assert best.is_categorical_.sum() == 8
    assert set(model.predict(X_test)) == {"<=50K", ">50K"}
    auc = roc_auc_score(y_test == ">50K", model.predict_proba(X_test)[:, 1])
    other = lightgbm("Classifier", X, y, learning_rate=best.learning_rate)
    assert auc > 0.925
    assert auc > roc_auc_score(y_test == ">50K", other.predict_proba(X_test)[:, 1]) - 0.002
    assert model.score(X_test, y_test) > other.score(X_test, y_test) - 0.004


def test_prices_of_houses_are_predicted_as_well_as_by_lightgbm():
    X, X_test, y, y_test = table("housing", "median_house_value")
    model = searched(HistGradientBoostingRegressor(random_state=0, early_stopping=False), X, y)
    best = model.best_estimator_[-1]
    assert best.is_categorical_.sum() == 1
    other = lightgbm("Regressor", X, y, learning_rate=best.learning_rate)
    r2 = r2_score(y_test, model.predict(X_test))
    assert r2 > 0.82
    assert r2 > r2_score(y_test, other.predict(X_test)) - 0.01
    importances = dict(zip(best.feature_names_in_, best.feature_importances_))
    assert max(importances, key=importances.get) in ("median_income", "ocean_proximity")


def test_bands_of_house_prices_hold_as_many_as_they_say():
    X, X_test, y, y_test = table("housing", "median_house_value")
    model = HistGradientBoostingRegressor(loss="quantile", quantile=[0.05, 0.95], max_iter=60, random_state=0)
    low, high = model.fit(X, y).predict(X_test).T
    assert np.mean((low <= y_test) & (y_test <= high)) == pytest.approx(0.9, abs=0.05)


def test_fit_takes_little_more_than_a_byte_a_value(rng):
    """1.2 bytes a value and 40 a sample, where that is more than the histograms of a few nodes."""
    X = rng.normal(size=(300_000, 28))
    y = (X[:, 0] * X[:, 1] > 0).astype(np.int64)
    model = HistGradientBoostingClassifier(max_iter=3, early_stopping=False).fit(X, y)  # compiles
    tracemalloc.start()
    model.fit(X, y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.2 * X.size + 40 * len(X)
