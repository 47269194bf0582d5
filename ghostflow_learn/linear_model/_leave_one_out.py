"""Ridge regression for several penalties at once, with the errors of leaving out one sample at a time.

One decomposition of X serves all penalties. The model fitted without sample i errs there by ``residual_i / (1 -
leverage_i)``, where the leverage is the sample's own part in its prediction [1]_.

References
----------
.. [1] Rifkin and Lippert (2007). "Notes on Regularized Least Squares." MIT-CSAIL-TR-2007-025.
"""

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from . import _reduction


def leave_one_out(engine, problem, alphas, use_svd):
    """Offsets of the intercept, and the models in turn.

    Parameters
    ----------
    engine : module
    problem : Problem
    alphas : (n_alphas,) NumPy array, positive
    use_svd : bool
        Decompose X itself, which keeps all digits, instead of X'X or X X'.

    Returns
    -------
    x_offset, y_offset : arrays, or None without intercept
    models : iterator of (coef, errors)
        For each penalty coef (n_features, n_targets), and errors (n_samples, n_targets) times the root of the weights.
    """
    n_samples, n_features = problem.X.shape
    return (_tall if n_samples > n_features else _wide)(engine, problem, alphas, use_svd)


def _tall(engine, problem, alphas, use_svd):
    x_offset, y_offset, values, V, rotated = (_tall_svd if use_svd else _tall_eigen)(engine, problem)
    chunk = max(1, problem.X.shape[1] // problem.Y.shape[1])  # penalties whose errors are no larger than X

    def models():
        for first in range(0, len(alphas), chunk):
            shrinkage = 1 / (values[:, None] + engine.asarray(alphas[first : first + chunk]))
            coefs = V @ (shrinkage.T[:, :, None] * rotated)
            X, Y, sample_weight, _ = problem
            errors = engine.ridge.loo_errors(X, Y, coefs, V, shrinkage, sample_weight, x_offset, y_offset)
            for k, coef in enumerate(coefs):
                yield coef, errors[:, :, k]

    return x_offset, y_offset, models()


def _tall_eigen(engine, problem):
    x_offset, y_offset, xx, xy = _products(engine, problem)
    values, V = engine.linalg.eigh(xx)
    return x_offset, y_offset, engine.xp.maximum(values, 0), V, V.T @ xy


def _tall_svd(engine, problem):
    X, Y, sample_weight, _ = problem
    x_offset, y_offset = _reduction.offsets(engine, problem)
    R, Z = engine.moments.root(X, Y, sample_weight, x_offset, y_offset)
    U, s, Vt = engine.linalg.svd(R)
    return x_offset, y_offset, s**2, Vt.T, s[:, None] * (U.T @ Z)


def _products(engine, problem):
    """Of a sparse X too, whose mean is taken out of X'X instead of X."""
    if not issparse(problem.X):
        return _reduction.products(engine, problem)
    x_offset, y_offset = _reduction.offsets(engine, problem)
    A, B, root_weight = _reduction.weighted_sparse(problem, y_offset)
    xx, xy = (A.T @ A).toarray(), A.T @ B
    if x_offset is not None:
        xx -= (root_weight @ root_weight) * np.outer(x_offset, x_offset)
        xy -= np.outer(x_offset, root_weight @ B)
    return x_offset, y_offset, xx, xy


def _wide(engine, problem, alphas, use_svd):
    x_offset, y_offset, values, Q, B, multiply_transposed = _wide_parts(engine, problem, use_svd)
    sample_weight = problem.sample_weight
    root_weight = engine.xp.ones(len(B)) if sample_weight is None else engine.xp.sqrt(sample_weight.astype(np.float64))
    rotated, rotated_weight = Q.T @ B, Q.T @ root_weight
    total = 0.0 if x_offset is None else 1 / (root_weight @ root_weight)

    def models():
        for alpha in map(float, alphas):
            kept = alpha / (values + alpha)  # what the penalty leaves of each direction's residual
            residuals = Q @ (kept[:, None] * rotated)
            # The intercept's part is weight / sum(weight), but that would not cancel the rounding of small eigenvalues.
            of_intercept = root_weight * (Q @ (kept * rotated_weight)) * total
            yield multiply_transposed(residuals / alpha), residuals / (Q**2 @ kept - of_intercept)[:, None]

    return x_offset, y_offset, models()


def _wide_parts(engine, problem, use_svd):
    """Offsets, eigenvalues and eigenvectors of X X', Y, and the product with X', all centered and weighted."""
    if issparse(problem.X):
        return _wide_sparse_parts(problem, *_reduction.offsets(engine, problem))
    X, Y, sample_weight, _ = problem
    x_offset, y_offset = _reduction.offsets(engine, problem)
    A, B = engine.moments.root(X, Y, sample_weight, x_offset, y_offset)
    if use_svd:
        Q, s, _ = engine.linalg.svd(A)
        values = s**2
    else:
        values, Q = engine.linalg.eigh(engine.linalg.matmul(A, A.T))
    return x_offset, y_offset, engine.xp.maximum(values, 0), Q, B, lambda C: engine.linalg.matmul(A.T, C)


def _wide_sparse_parts(problem, x_offset, y_offset):
    A, B, root_weight = _reduction.weighted_sparse(problem, y_offset)
    mean = np.zeros(A.shape[1]) if x_offset is None else x_offset
    along = A @ mean
    kernel = (A @ A.T).toarray() + (mean @ mean) * np.outer(root_weight, root_weight)
    kernel -= np.outer(along, root_weight) + np.outer(root_weight, along)
    values, Q = np.linalg.eigh(kernel)
    return x_offset, y_offset, np.maximum(values, 0), Q, B, lambda C: A.T @ C - np.outer(mean, root_weight @ C)


class Choice:
    """The best of the models considered so far.

    Parameters
    ----------
    engine : module
    problem : Problem
    scorer : callable or None
        ``scorer(predictions, Y)``; None for the negative mean squared error.
    per_target : bool
        Whether each target has its own penalty.
    keep_results : bool

    Attributes
    ----------
    coef : (n_features, n_targets) NumPy array
    alpha, score : float, or (n_targets,) arrays where each target has its own
    results : list of (n_samples, n_targets) arrays
        Of every model considered: squared errors, or predictions where there is a scorer.
    """

    def __init__(self, engine, problem, scorer, per_target, keep_results):
        self.engine = engine
        self.Y = engine.to_numpy(problem.Y)
        self.weight = None if problem.sample_weight is None else engine.to_numpy(problem.sample_weight)
        self.scorer = scorer
        self.per_target = per_target and self.Y.shape[1] > 1
        self.keep_results = keep_results
        self.score = None
        self.results = []

    def consider(self, alpha, coef, errors):
        """Take the model of `alpha` if it is better than those before."""
        if self.scorer is None:
            result = errors**2
            score = -self.engine.to_numpy(result.mean(axis=0 if self.per_target else None))[()]
        else:
            result = self._predictions(self.engine.to_numpy(errors))
            score = self._score(result)
        if self.keep_results:
            self.results.append(self.engine.to_numpy(result))
        coef = self.engine.to_numpy(coef)
        if self.score is None:
            self.coef, self.score, self.alpha = coef, score, np.full_like(score, alpha) if self.per_target else alpha
        elif self.per_target:
            better = score > self.score
            choose = ((self.coef, coef), (self.score, score), (self.alpha, alpha))
            self.coef, self.score, self.alpha = (np.where(better, new, old) for old, new in choose)
        elif score > self.score:
            self.coef, self.score, self.alpha = coef, score, alpha

    def _predictions(self, errors):
        root_weight = 1 if self.weight is None else np.sqrt(self.weight, dtype=np.float64)[:, None]
        return self.Y - errors / root_weight

    def _score(self, predictions):
        if self.per_target:
            return np.array([self.scorer(p, y) for p, y in zip(predictions.T, self.Y.T)])
        return self.scorer(*(np.squeeze(A, axis=1) if A.shape[1] == 1 else A for A in (predictions, self.Y)))


def score(scorer, is_classifier, params, predictions, Y):
    """What scikit-learn's `scorer` says of predictions that are known.

    Parameters
    ----------
    scorer : callable(estimator, X, y, **params)
    is_classifier : bool
        Predictions and Y are then those of the targets -1 and 1 of each class, or of the second of two classes.
    params : dict
    predictions, Y : (n_samples, n_targets) or (n_samples,)
    """
    if not is_classifier:
        return scorer(_KnownRegressor(), predictions, Y, **params)
    known = _KnownClassifier(np.arange(max(2, Y.shape[1] if Y.ndim == 2 else 0)))
    return scorer(known, predictions, known.predict(Y), **params)


class _KnownRegressor(RegressorMixin, BaseEstimator):
    """Its X are the predictions."""

    def predict(self, X):
        return X


class _KnownClassifier(ClassifierMixin, BaseEstimator):
    """Its X are the decision values."""

    def __init__(self, classes):
        self.classes_ = classes

    def decision_function(self, X):
        return X

    def predict(self, X):
        return (X > 0).astype(int) if X.ndim == 1 else X.argmax(axis=1)
