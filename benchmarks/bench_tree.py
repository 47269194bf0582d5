"""Decision and extra trees of exact splits beside scikit-learn's; fits, predictions, pruning."""

from functools import partial

from sklearn.metrics import accuracy_score, r2_score

from _data import interactions, iris
from _harness import Workload, main

BAR = "3 times as fast as scikit-learn"
ON_IRIS = "no slower than scikit-learn"
NEW = 21  # the seed of samples that no contender has seen
N_NEW = 50_000


def accuracy(data, model, X, y):
    X, y = data(seed=NEW)
    return "accuracy on new samples", accuracy_score(y, model.predict(X))


def r2(data, model, X, y):
    X, y = data(seed=NEW)
    return "r2 on new samples", r2_score(y, model.predict(X))


def n_leaves(model, X, y):
    return "leaves", model.get_n_leaves()


def n_steps(model, X, y):
    return "steps of pruning", model.n_steps_


_fitted = {}


def predict(model, X, y):
    """Predict with a model that the first call has fitted."""
    model = _fitted.setdefault(type(model).__module__, model)
    if not hasattr(model, "tree_"):
        model.fit(X, y)
    model.predict(X)
    return model


def pruning_path(estimator, X, y):
    estimator.n_steps_ = len(estimator.cost_complexity_pruning_path(X, y).ccp_alphas)
    return estimator


def workload(name, estimator, data, score, bar="", **params):
    new = partial(data.func, N_NEW, *data.args[1:])
    return Workload(name, f"tree.{estimator}", data, partial(score, new), {"random_state": 0, **params}, bar)


WORKLOADS = [
    workload(
        "decision_tree_classifier", "DecisionTreeClassifier", partial(interactions, 100_000, 30, 2), accuracy, bar=BAR
    ),
    workload("decision_tree_10_classes", "DecisionTreeClassifier", partial(interactions, 100_000, 30, 10), accuracy),
    workload("decision_tree_regressor", "DecisionTreeRegressor", partial(interactions, 100_000, 30, 0), r2),
    workload(
        "decision_tree_of_absolute_errors",
        "DecisionTreeRegressor",
        partial(interactions, 5_000, 10, 0),
        r2,
        criterion="absolute_error",
    ),
    workload(
        "decision_tree_100_leaves",
        "DecisionTreeClassifier",
        partial(interactions, 100_000, 30, 2),
        accuracy,
        max_leaf_nodes=100,
    ),
    workload("extra_tree_classifier", "ExtraTreeClassifier", partial(interactions, 100_000, 30, 2), accuracy),
    Workload(
        "tree_pruning",
        "tree.DecisionTreeRegressor",
        partial(interactions, 20_000, 10, 0),
        n_steps,
        {"random_state": 0},
        run=pruning_path,
    ),
    Workload(
        "tree_predict",
        "tree.DecisionTreeClassifier",
        partial(interactions, 200_000, 30, 2),
        n_leaves,
        {"random_state": 0, "max_depth": 12},
        run=predict,
    ),
    *[
        Workload(f"iris_{name}", f"tree.{estimator}", iris, n_leaves, {"random_state": 0}, ON_IRIS)
        for name, estimator in (
            ("decision_tree_classifier", "DecisionTreeClassifier"),
            ("decision_tree_regressor", "DecisionTreeRegressor"),
            ("extra_tree_classifier", "ExtraTreeClassifier"),
            ("extra_tree_regressor", "ExtraTreeRegressor"),
        )
    ],
]

if __name__ == "__main__":
    main(WORKLOADS, "tree")
