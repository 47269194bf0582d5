"""Histogram gradient boosting beside scikit-learn's, LightGBM's and XGBoost's; boosting of exact trees, and forests.

Peers are set up as ours: learning rate, leaves, bins, samples and hessian of a leaf, l2, threads, no early stopping.
XGBoost limits the hessian of a leaf alone: 20 samples of a logistic loss have one of 5 at most.
"""

import os
from functools import partial

from sklearn.metrics import accuracy_score, log_loss, r2_score, roc_auc_score

from _data import categories, interactions, iris, scattered
from _harness import Workload, fit_predict, main

N_THREADS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
NEW = 21  # the seed of samples that no contender has seen
N_NEW = 50_000

BOOSTING = {"max_iter": 100, "learning_rate": 0.1, "max_leaf_nodes": 31, "early_stopping": False, "random_state": 0}
LIGHTGBM = {
    "n_estimators": 100,
    "learning_rate": 0.1,
    "num_leaves": 31,
    "min_child_samples": 20,
    "min_child_weight": 1e-3,
    "max_bin": 255,
    "n_jobs": N_THREADS,
    "verbose": -1,
}
XGBOOST = {
    "n_estimators": 100,
    "learning_rate": 0.1,
    "tree_method": "hist",
    "grow_policy": "lossguide",
    "max_leaves": 31,
    "max_depth": 0,
    "max_bin": 255,
    "reg_lambda": 0,
    "n_jobs": N_THREADS,
}


def auc(data, model, X, y):
    X, y = data(seed=NEW)
    return "AUC on new samples", roc_auc_score(y, model.predict_proba(X)[:, 1])


def loss(data, model, X, y):
    X, y = data(seed=NEW)
    return "log loss on new samples", log_loss(y, model.predict_proba(X))


def accuracy(data, model, X, y):
    X, y = data(seed=NEW)
    return "accuracy on new samples", accuracy_score(y, model.predict(X))


def accuracy_on_iris(model, X, y):
    return "accuracy on the training data", accuracy_score(y, model.predict(X))


def r2(data, model, X, y):
    X, y = data(seed=NEW)
    return "R2 on new samples", r2_score(y, model.predict(X))


def lightgbm(kind, categorical=(), **params):
    import lightgbm

    class Model(getattr(lightgbm, f"LGBM{kind}")):
        def fit(self, X, y):
            return super().fit(X, y, categorical_feature=list(categorical) or "auto")

    Model.__name__ = f"LGBM{kind}"
    return Model(**{**LIGHTGBM, **params})


def xgboost(kind, categorical=(), **params):
    import xgboost

    types = {"feature_types": ["c"] * len(categorical), "enable_categorical": True} if categorical else {}
    weight = 5 if kind == "Classifier" else 20
    return getattr(xgboost, f"XGB{kind}")(**{**XGBOOST, "min_child_weight": weight, **types, **params})


def peers(kind, **settings):
    return {"LightGBM": partial(lightgbm, kind, **settings), "XGBoost": partial(xgboost, kind, **settings)}


_fitted = {}


def predict(model, X, y):
    """Predict with a model that the first call has fitted."""
    model = _fitted.setdefault(type(model).__name__ + type(model).__module__, model)
    if not hasattr(model, "n_features_in_"):
        model.fit(X[:100_000], y[:100_000])
    model.predict_proba(X)
    return model


def boosting(name, kind, make, shape, score, bar, run=None, **params):
    """A workload of `shape` drawn by `make`; `params` go to ours and scikit-learn's beside the common ones."""
    n_samples, *rest = shape
    settings = {"categorical": params["categorical_features"]} if "categorical_features" in params else {}
    return Workload(
        name=name,
        estimator=f"ensemble.HistGradientBoosting{kind}",
        data=partial(make, n_samples, *rest),
        score=partial(score, partial(make, N_NEW, *rest)),
        params={**BOOSTING, **params},
        bar=bar,
        others=peers(kind, **settings),
        **({"run": run} if run else {}),
    )


def exact(name, estimator, n_samples, n_features, bar, **params):
    """A workload of two classes for an estimator that boosts exact trees, beside scikit-learn's."""
    data = partial(interactions, n_samples, n_features, 2)
    score = partial(accuracy, partial(interactions, N_NEW, n_features, 2))
    return Workload(name, f"ensemble.{estimator}", data, score, {"random_state": 0, **params}, bar)


def forest(name, estimator, n_samples, n_features, n_classes, bar, **params):
    """A workload of fit and predict; every library may use all threads."""
    score = partial(accuracy if n_classes else r2, partial(interactions, N_NEW, n_features, n_classes))
    data = partial(interactions, n_samples, n_features, n_classes)
    params = {"random_state": 0, "n_jobs": N_THREADS, **params}
    return Workload(name, f"ensemble.{estimator}", data, score, params, bar, run=fit_predict)


def fit_and_score(model, X, y):
    model.fit(X).score_samples(X)
    return model


def detection(model, X, is_scattered):
    return "AUC of the scattered samples", roc_auc_score(is_scattered, -model.score_samples(X))


def part_of_outliers(model, X, y):
    return "part called outliers", (model.predict(X) == -1).mean()


def outliers(name, n_samples, n_features, bar):
    data = partial(scattered, n_samples, n_features)
    return Workload(name, "ensemble.IsolationForest", data, detection, {"random_state": 0}, bar, run=fit_and_score)


def on_iris(estimator):
    name = f"iris_{estimator.lower()}"
    return Workload(name, f"ensemble.{estimator}", iris, accuracy_on_iris, {"random_state": 0}, ON_IRIS)


AS_FAST = "no slower than the fastest peer"
ON_IRIS = "no slower than scikit-learn"
BEST = "1.3 times as fast as the fastest peer"
FOREST = "1.2 times as fast as scikit-learn-intelex, a score not below scikit-learn's but for noise"
WORKLOADS = [
    boosting(
        "boosting_binary",
        "Classifier",
        interactions,
        (500_000, 28, 2),
        auc,
        "1.8 times as fast as LightGBM and XGBoost, AUC within 0.001 of the best; memory under 1.2 bytes a value "
        "and 40 bytes a row",
    ),
    boosting("boosting_5000", "Classifier", interactions, (5_000, 20, 2), auc, AS_FAST),
    boosting("boosting_1000", "Classifier", interactions, (1_000, 10, 2), auc, AS_FAST),
    boosting("boosting_10_classes", "Classifier", interactions, (100_000, 50, 10), loss, BEST),
    boosting("boosting_regression", "Regressor", interactions, (1_000_000, 20, 0), r2, BEST),
    boosting(
        "boosting_200_categories",
        "Classifier",
        categories,
        (200_000, 10, 200),
        auc,
        BEST,
        categorical_features=list(range(10)),
    ),
    boosting(
        "boosting_predict",
        "Classifier",
        interactions,
        (1_000_000, 28, 2),
        auc,
        "1.5 times as fast as the fastest peer",
        run=predict,
    ),
    exact(
        "gradient_boosting",
        "GradientBoostingClassifier",
        20_000,
        20,
        "5 times as fast as scikit-learn",
        n_estimators=50,
    ),
    exact(
        "ada_boost_stumps",
        "AdaBoostClassifier",
        50_000,
        20,
        "8 times as fast as scikit-learn, the same predictions",
        n_estimators=50,
    ),
    forest("random_forest", "RandomForestClassifier", 50_000, 30, 2, FOREST, n_estimators=100),
    forest("random_forest_regression", "RandomForestRegressor", 50_000, 20, 0, FOREST, n_estimators=50),
    forest("extra_trees", "ExtraTreesClassifier", 50_000, 30, 2, "1.5 times as fast as the fastest peer"),
    outliers("isolation_forest", 100_000, 10, "twice as fast as scikit-learn"),
    on_iris("GradientBoostingClassifier"),
    on_iris("AdaBoostClassifier"),
    on_iris("BaggingClassifier"),
    on_iris("RandomForestClassifier"),
    on_iris("ExtraTreesClassifier"),
    Workload("iris_isolationforest", "ensemble.IsolationForest", iris, part_of_outliers, {"random_state": 0}, ON_IRIS),
]

if __name__ == "__main__":
    main(WORKLOADS, "ensemble")
