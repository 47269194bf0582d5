"""GaussianNB: fit and predict."""

from functools import partial

from _data import classification, iris
from _harness import Workload, fit_predict, main


def accuracy(model, X, y):
    return "accuracy", model.score(X[:100_000], y[:100_000])


WORKLOADS = [
    Workload(
        name="gaussian_nb",
        estimator="naive_bayes.GaussianNB",
        data=partial(classification, 1_000_000, 30, 5),
        score=accuracy,
        bar="3 times as fast as scikit-learn",
        run=fit_predict,
    ),
    Workload(
        name="iris_gaussian_nb",
        estimator="naive_bayes.GaussianNB",
        data=iris,
        score=accuracy,
        bar="no slower than scikit-learn",
        run=fit_predict,
    ),
]

if __name__ == "__main__":
    main(WORKLOADS, "naive_bayes")
