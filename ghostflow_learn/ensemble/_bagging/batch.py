"""What one process does: it fits, or asks, a part of the estimators."""

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.metadata_routing import get_routing_for_object
from sklearn.utils.validation import has_fit_parameter

from ..._engine import get_engine
from ..._validation import routing_enabled, select_rows
from .._members import new_member
from .draws import draw


def fit_batch(template, plan, seeds, n_all, X, y, fit_params, verbose):
    """Fit an estimator for each seed.

    An estimator that takes sample weights gets all samples, with the number of times that each was drawn as its weight;
    others get copies.

    Returns
    -------
    estimators : list of estimators
    features : list of arrays
        The features that each was fitted on.
    """
    weighs = _takes_weights(template)
    estimators, all_features = [], []
    for i, seed in enumerate(seeds):
        if verbose > 1:
            print(f"Building estimator {i + 1} of {len(seeds)} for this parallel run (total {n_all})...")
        estimator = new_member(template, check_random_state(seed))
        features, samples = draw(plan, seed)
        if weighs:
            counts = np.bincount(samples, minlength=plan.n_samples)
            estimator.fit(_columns(X, features, plan), y, **fit_params, sample_weight=counts)
        else:
            params = select_rows(X, params=fit_params, indices=samples)
            estimator.fit(_columns(X[samples], features, plan), y[samples], **params)
        estimators.append(estimator)
        all_features.append(features)
    return estimators, all_features


def sum_of_probabilities(estimators, features, X, n_classes, predict_params, predict_proba_params):
    """(n_samples, n_classes); an estimator without probabilities votes."""
    total = np.zeros((X.shape[0], n_classes))
    for estimator, chosen in zip(estimators, features):
        if hasattr(estimator, "predict_proba"):
            probabilities = _on_host(estimator.predict_proba(X[:, chosen], **predict_proba_params))
            total[:, _classes(estimator, n_classes)] += probabilities[:, : len(estimator.classes_)]
        else:
            codes = _on_host(estimator.predict(X[:, chosen], **predict_params))
            total[np.arange(len(total)), codes] += 1
    return total


def log_of_sum_of_probabilities(estimators, features, X, n_classes, params):
    """(n_samples, n_classes)"""
    total = np.full((X.shape[0], n_classes), -np.inf)
    for estimator, chosen in zip(estimators, features):
        part = _on_host(estimator.predict_log_proba(X[:, chosen], **params))[:, : len(estimator.classes_)]
        seen = _classes(estimator, n_classes)
        total[:, seen] = np.logaddexp(total[:, seen], part)
    return total


def sum_of_answers(estimators, features, X, method, params):
    """What each estimator's `method` answers, added up."""
    return sum(
        _on_host(getattr(estimator, method)(X[:, chosen], **params)) for estimator, chosen in zip(estimators, features)
    )


def _takes_weights(estimator):
    if routing_enabled():
        return get_routing_for_object(estimator).consumes("fit", ("sample_weight",))
    return has_fit_parameter(estimator, "sample_weight")


def _columns(X, features, plan):
    all_in_order = not plan.bootstrap_features and plan.max_features == plan.n_features
    return X if all_in_order else X[:, features]


def _classes(estimator, n_classes):
    """Where the estimator's classes, which are codes, stand among all."""
    return slice(None) if len(estimator.classes_) == n_classes else estimator.classes_


def _on_host(answer):
    return get_engine(answer).to_numpy(answer)
