"""KNeighborsClassifier and NearestCentroid: fit, and predictions of samples that were held out."""

from functools import partial

from _data import interactions, iris
from _harness import Workload, fit_predict, main

BAR = "1.2 times as fast as scikit-learn-intelex"
WIDE_BAR = "1.5 times as fast as the best of scikit-learn and scikit-learn-intelex"
ON_IRIS = "no slower than scikit-learn"


def fit_predict_held_out(n_queries, estimator, X, y):
    """The last `n_queries` rows are queries; their predictions are kept for the score."""
    n_fitted = len(X) - min(n_queries, len(X) // 2)
    estimator.fit(X[:n_fitted], y[:n_fitted])
    estimator.predicted = estimator.predict(X[n_fitted:])
    return estimator


def held_out(n_queries):
    run = partial(fit_predict_held_out, n_queries)
    run.__name__ = f"fit, predict {n_queries}"
    return run


def accuracy(model, X, y):
    return "accuracy", (model.predicted == y[len(y) - len(model.predicted) :]).mean()


def accuracy_on_all(model, X, y):
    return "accuracy", model.score(X, y)


def scaled(*args):
    X, y = interactions(*args)
    return X / X.std(axis=0), y


WORKLOADS = [
    Workload(
        name="knn_classifier",
        estimator="neighbors.KNeighborsClassifier",
        data=partial(scaled, 220_000, 6, 2),
        score=accuracy,
        params={"n_neighbors": 10},
        bar=BAR,
        run=held_out(20_000),
    ),
    Workload(
        name="knn_classifier_wide",
        estimator="neighbors.KNeighborsClassifier",
        data=partial(scaled, 72_000, 100, 2),
        score=accuracy,
        params={"n_neighbors": 10},
        bar=WIDE_BAR,
        run=held_out(12_000),
    ),
    Workload(
        name="knn_regressor",
        estimator="neighbors.KNeighborsRegressor",
        data=partial(scaled, 110_000, 5, 0),
        score=lambda model, X, y: ("R2", 1 - ((model.predicted - y[-len(model.predicted) :]) ** 2).mean() / y.var()),
        params={"n_neighbors": 10, "weights": "distance"},
        bar=BAR,
        run=held_out(10_000),
    ),
    Workload(
        name="iris_knn_classifier",
        estimator="neighbors.KNeighborsClassifier",
        data=iris,
        score=accuracy_on_all,
        bar=ON_IRIS,
        run=fit_predict,
    ),
    Workload(
        name="iris_nearest_centroid",
        estimator="neighbors.NearestCentroid",
        data=iris,
        score=accuracy_on_all,
        bar=ON_IRIS,
        run=fit_predict,
    ),
]

if __name__ == "__main__":
    main(WORKLOADS, "neighbors")
