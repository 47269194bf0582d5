"""LinearRegression, Ridge, LogisticRegression."""

from functools import partial

from sklearn.metrics import log_loss

from _data import classification, iris, regression
from _harness import Workload, main

AS_FAST_AS_INTELEX = "as fast as scikit-learn-intelex"
ON_IRIS = "no slower than scikit-learn"


def r2(model, X, y):
    return "R2", model.score(X[:100_000], y[:100_000])


def loss(model, X, y):
    return "log loss", log_loss(y[:100_000], model.predict_proba(X[:100_000]))


WORKLOADS = [
    Workload(
        name="linear_regression",
        estimator="linear_model.LinearRegression",
        data=partial(regression, 1_000_000, 50),
        score=r2,
        bar=f"{AS_FAST_AS_INTELEX}; memory under 10 % of X",
    ),
    Workload(
        name="ridge",
        estimator="linear_model.Ridge",
        data=partial(regression, 500_000, 100),
        score=r2,
        bar=AS_FAST_AS_INTELEX,
    ),
    Workload(
        name="logistic_binary",
        estimator="linear_model.LogisticRegression",
        data=partial(classification, 200_000, 50, 2),
        score=loss,
        bar=AS_FAST_AS_INTELEX,
    ),
    Workload(
        name="logistic_10_classes",
        estimator="linear_model.LogisticRegression",
        data=partial(classification, 100_000, 50, 10),
        score=loss,
        bar=AS_FAST_AS_INTELEX,
    ),
    Workload("iris_linear_regression", "linear_model.LinearRegression", iris, r2, bar=ON_IRIS),
    Workload("iris_ridge", "linear_model.Ridge", iris, r2, bar=ON_IRIS),
    Workload("iris_logistic", "linear_model.LogisticRegression", iris, loss, bar=ON_IRIS),
]

if __name__ == "__main__":
    main(WORKLOADS, "linear_model")
