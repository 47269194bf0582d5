"""What linear models share: their predictions."""

from scipy.sparse import issparse
from sklearn.base import ClassifierMixin

from ghostflow_learn._engine import get_engine
from ghostflow_learn._validation import check_predict, take_labels


def linear_scores(estimator, X):
    """X coef_' + intercept_ of a fitted estimator, and the engine that holds it.

    Returns
    -------
    engine : module
    scores : (n_samples,) where ``coef_`` is one-dimensional, else (n_samples, n_outputs)
    """
    data = check_predict(estimator, X, accept_sparse="csr")
    engine = get_engine(data)
    coef = estimator.coef_.toarray() if issparse(estimator.coef_) else estimator.coef_  # sparse after sparsify()
    scores = engine.centered.matmul(engine.asarray(data), engine.asarray(coef.T))
    intercept = estimator.intercept_
    return engine, scores + (engine.asarray(intercept) if getattr(intercept, "ndim", 0) else intercept)


class LinearRegressorMixin:
    """Mixin of linear regressors: `predict`."""

    def predict(self, X):
        """Predict using the linear model.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        y_pred : ndarray of shape (n_samples,) or (n_samples, n_targets)
        """
        engine, scores = linear_scores(self, X)
        return engine.hand_back(scores, like=X)


class LinearClassifierMixin(ClassifierMixin):
    """Mixin of linear classifiers: `decision_function` and `predict`."""

    def decision_function(self, X):
        """Predict confidence scores: proportional to the signed distance to the hyperplane.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        scores : ndarray of shape (n_samples,) or (n_samples, n_classes)
            With two classes, a score above 0 means ``classes_[1]``.
        """
        engine, scores = linear_scores(self, X)
        return engine.hand_back(_flat(scores), like=X)

    def predict(self, X):
        """Predict class labels.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        y_pred : ndarray of shape (n_samples,)
        """
        engine, scores = linear_scores(self, X)
        scores = _flat(scores)
        codes = (scores > 0).astype(int) if scores.ndim == 1 else scores.argmax(axis=1)
        return take_labels(engine, self.classes_, codes, like=X)


def _flat(scores):
    return scores.ravel() if scores.ndim == 2 and scores.shape[1] == 1 else scores
