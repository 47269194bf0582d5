"""Where boosting starts: a constant, zero, or another model's predictions."""

import numpy as np
from sklearn.base import is_classifier
from sklearn.dummy import DummyClassifier, DummyRegressor

from ..._validation._gradient_boosting import AbsoluteError, HuberLoss, PinballLoss


def fit_initial(model, loss, train, weighted):
    """The fitted ``init_`` of a model, or "zero".

    Raises
    ------
    ValueError
        If there are weights and the estimator takes none.
    """
    if isinstance(model.init, str):
        return model.init
    estimator = _constant(model, loss) if model.init is None else model.init
    if not weighted:
        return estimator.fit(train.X, train.y)
    message = f"The initial estimator {type(estimator).__name__} does not support sample weights."
    try:
        return estimator.fit(train.X, train.y, sample_weight=train.sample_weight)
    except TypeError as error:
        if "unexpected keyword argument 'sample_weight'" in str(error):
            raise ValueError(message) from error
        raise
    except ValueError as error:
        if "pass parameters to specific steps of your pipeline using the stepname__parameter" in str(error):
            raise ValueError(message) from error
        raise


def _constant(model, loss):
    if is_classifier(model):
        return DummyClassifier(strategy="prior")
    if isinstance(loss, AbsoluteError | HuberLoss):
        return DummyRegressor(strategy="quantile", quantile=0.5)
    if isinstance(loss, PinballLoss):
        return DummyRegressor(strategy="quantile", quantile=model.alpha)
    return DummyRegressor(strategy="mean")


def initial_raw_predictions(estimator, X, loss, of_classes):
    """Predictions of the estimator on the scale of the trees.

    Returns
    -------
    raw_predictions : (n_samples, n_trees_per_iteration) float64
    """
    if of_classes:
        predictions = estimator.predict_proba(X)
        if not loss.is_multiclass:
            predictions = predictions[:, 1]
        eps = np.finfo(np.float64).eps
        predictions = np.clip(predictions, eps, 1 - eps, dtype=np.float64)
    else:
        predictions = estimator.predict(X).astype(np.float64)
    raw_predictions = loss.link.link(predictions)
    return raw_predictions.reshape(-1, 1) if raw_predictions.ndim == 1 else raw_predictions
