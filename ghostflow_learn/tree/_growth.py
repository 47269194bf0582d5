"""From the parameters of a tree to what the engine grows."""

from math import ceil
from numbers import Integral

import numpy as np
from sklearn.base import is_classifier

from .._engine._trees import CRITERIA, SPLITTERS, Growth

UNLIMITED = np.iinfo(np.int32).max
SEEDS = 2**31 - 1


def growth_of(tree, n_samples, n_features, n_classes, total_weight):
    """The choices and limits of `tree`, whose parameters may be fractions.

    Parameters
    ----------
    tree : estimator
        Anything with the parameters of a tree.
    n_samples, n_features : int
    n_classes : (n_outputs,) int64
        Ones for regression.
    total_weight : float
        The sum of the sample weights.

    Returns
    -------
    growth : Growth
    """
    min_samples_leaf = _count(tree.min_samples_leaf, n_samples)
    return Growth(
        criterion=CRITERIA[tree.criterion],
        splitter=SPLITTERS[tree.splitter],
        max_depth=UNLIMITED if tree.max_depth is None else min(int(tree.max_depth), UNLIMITED),
        max_leaf_nodes=-1 if tree.max_leaf_nodes is None else min(int(tree.max_leaf_nodes), UNLIMITED),
        min_samples_split=max(2, _count(tree.min_samples_split, n_samples), 2 * min_samples_leaf),
        min_samples_leaf=min_samples_leaf,
        min_weight_leaf=float(tree.min_weight_fraction_leaf * total_weight),
        max_features=max_features_of(tree.max_features, n_features),
        min_impurity_decrease=float(tree.min_impurity_decrease),
        monotonic_cst=_constraints(tree, n_features, n_classes),
        n_classes=n_classes,
    )


def seed_of(random_state):
    """The seed of the engine's generator, as scikit-learn draws it, once for a tree."""
    return random_state.randint(0, SEEDS)


def max_features_of(max_features, n_features):
    """The number of features to try in a node."""
    if max_features is None:
        return n_features
    if isinstance(max_features, str):
        return max(1, int(np.sqrt(n_features) if max_features == "sqrt" else np.log2(n_features)))
    if isinstance(max_features, Integral):
        return int(max_features)
    return max(1, int(max_features * n_features)) if max_features > 0 else 0


def _count(number_or_fraction, n_samples):
    if isinstance(number_or_fraction, Integral):
        return int(number_or_fraction)
    return ceil(number_or_fraction * n_samples)


def _constraints(tree, n_features, n_classes):
    """Signs for the first class, or for the target; empty for no constraints."""
    if tree.monotonic_cst is None:
        return np.empty(0, dtype=np.int8)
    if len(n_classes) > 1:
        raise ValueError("Monotonicity constraints are not supported with multiple outputs.")
    signs = np.asarray(tree.monotonic_cst)
    if signs.shape[0] != n_features:
        raise ValueError(f"monotonic_cst has shape {signs.shape[0]} but the input data X has {n_features} features.")
    if not np.isin(signs, (-1, 0, 1)).all():
        raise ValueError(f"monotonic_cst must be None or an array-like of -1, 0 or 1, but got {np.unique(signs)}")
    signs = signs.astype(np.int8)
    if not is_classifier(tree):
        return signs
    if n_classes[0] > 2:
        raise ValueError("Monotonicity constraints are not supported with multiclass classification")
    return -signs  # they are meant for the second class
