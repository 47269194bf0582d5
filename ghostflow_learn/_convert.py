"""Fitted models of ours as scikit-learn's, and back."""

import contextlib
import inspect

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import Bunch

from ._patch import native_estimators

# What scikit-learn's own methods read beside the public fitted attributes.
_NEEDED_BY_THEIRS = {
    **dict.fromkeys(
        (
            "KNeighborsClassifier",
            "KNeighborsRegressor",
            "KNeighborsTransformer",
            "LocalOutlierFactor",
            "NearestNeighbors",
        ),
        lambda model: {"_tree": _search_tree(model)},
    ),
    "KMeans": lambda model: {"_n_threads": 1},
    "MiniBatchKMeans": lambda model: {"_n_threads": 1},
    "RidgeClassifier": lambda model: {"_label_binarizer": _signs(model.classes_)},
    "RidgeClassifierCV": lambda model: {"_label_binarizer": _signs(model.classes_)},
}


def as_sklearn(model):
    """The same model as an estimator of scikit-learn's own class, fitted if `model` is.

    Parameters
    ----------
    model : estimator
        One of ours, or a pipeline, search or ensemble that holds some.

    Returns
    -------
    model : estimator
        A new one; parameters that only we have are dropped.

    Raises
    ------
    ValueError
        If scikit-learn's class cannot hold the model, such as a perceptron with norms.

    Examples
    --------
    >>> from ghostflow_learn import as_sklearn
    >>> from ghostflow_learn.preprocessing import StandardScaler
    >>> as_sklearn(StandardScaler().fit([[0.0], [2.0]])).transform([[1.0]])
    array([[0.]])
    """
    return _Conversion(native_estimators()).convert(model)


def from_sklearn(model):
    """The same model as an estimator of ours, fitted if `model` is; the inverse of :func:`as_sklearn`.

    Parameters
    ----------
    model : estimator
        One of scikit-learn's classes that we have, or a pipeline, search or ensemble that holds some.

    Returns
    -------
    model : estimator
        A new one.
    """
    return _Conversion({theirs: ours for ours, theirs in native_estimators().items()}).convert(model)


class _Conversion:
    """Rebuilds what a model is made of; an object met twice is one object afterwards, too."""

    def __init__(self, classes):
        self.classes = classes
        self.done = {}

    def convert(self, value):
        if id(value) not in self.done:
            # The value is kept with its conversion: a freed one would lend its id to another.
            self.done[id(value)] = (value, self.rebuilt(value))
        return self.done[id(value)][1]

    def rebuilt(self, value):
        if isinstance(value, BaseEstimator):
            return self.translated(value) if type(value) in self.classes else self.copied(value)
        if type(value) in (dict, Bunch):
            items = {key: self.convert(item) for key, item in value.items()}
            return items if type(value) is dict else Bunch(**items)
        if type(value) in (list, tuple):
            return type(value)(self.convert(item) for item in value)
        if type(value) is np.ndarray and value.dtype == object:
            return np.array([self.convert(item) for item in value.flat], dtype=object).reshape(value.shape)
        return value

    def copied(self, model):
        copy = type(model).__new__(type(model))
        vars(copy).update({name: self.convert(value) for name, value in vars(model).items()})
        return copy

    def translated(self, model):
        cls = self.classes[type(model)]
        reason = getattr(model, "_no_counterpart", lambda: None)()
        if reason:
            raise ValueError(f"{reason} Predict with it as it is.")
        params = model.get_params(deep=False)
        accepted = inspect.signature(cls).parameters
        result = cls(**{name: self.convert(value) for name, value in params.items() if name in accepted})
        for name, value in {**_fitted(model, params), **_needed(result, model)}.items():
            if not isinstance(getattr(cls, name, None), property):
                setattr(result, name, self.convert(value))
        return result


def _fitted(model, params):
    """Every attribute that is not a parameter, with the public fitted ones that are properties."""
    state = {name: value for name, value in vars(model).items() if not name.startswith("_cache_")}
    for name in dir(type(model)):
        is_fitted_name = name.endswith("_") and not name.startswith("_")
        if is_fitted_name and isinstance(inspect.getattr_static(model, name), property):
            with contextlib.suppress(AttributeError, ValueError):  # what AdaBoost raises where it is not fitted
                state[name] = getattr(model, name)
    return {name: value for name, value in state.items() if name not in params}


def _needed(result, model):
    needed = _NEEDED_BY_THEIRS.get(type(result).__name__)
    return needed(model) if needed and hasattr(model, "n_features_in_") else {}


def _search_tree(model):
    from sklearn.neighbors import BallTree, KDTree

    if model._fit_method == "brute":
        return None
    tree = KDTree if model._fit_method == "kd_tree" else BallTree
    return tree(model._fit_X, model.leaf_size, metric=model.effective_metric_, **model.effective_metric_params_)


def _signs(classes):
    from sklearn.preprocessing import LabelBinarizer

    return LabelBinarizer(pos_label=1, neg_label=-1).fit(classes)
