"""Singular value decompositions of X - offset, whole or in part: pure functions of an engine and its arrays."""

import numpy as np
from scipy.sparse import issparse

FEW = 2**14  # values whose Householder QR takes less time than the calls of CholeskyQR2


def choose_solver(solver, n_components, X):
    """The solver that "auto" stands for: by the shape of X."""
    if solver != "auto":
        return solver
    if issparse(X):
        return "arpack"
    n_samples, n_features = X.shape
    if n_features <= 1000 and n_samples >= 10 * n_features:
        return "covariance_eigh"
    if max(X.shape) <= 500 or n_components in (None, "mle"):
        return "full"
    return "randomized" if 1 <= n_components < 0.8 * min(X.shape) else "full"


def column_means(engine, X):
    """(n_features,) float64, of a CSR matrix too."""
    if issparse(X):
        return np.asarray(X.mean(axis=0, dtype=np.float64)).ravel()
    return engine.moments.mean(X)


def covariance_svd(engine, X):
    """Means of X, singular values and right singular vectors of X about them, from its covariance.

    Squares the condition number, but reads X once; best where it is tall.

    Parameters
    ----------
    engine : module
    X : (n_samples, n_features), or a CSR matrix

    Returns
    -------
    mean : (n_features,) float64
    s : (n_features,) float64
        Descending.
    Vt : (n_features, n_features) float64
    """
    mean, scatter = _scatter(engine, X)
    values, vectors = engine.linalg.eigh(scatter)
    # Rounding leaves some eigenvalues a little below zero.
    return mean, engine.xp.sqrt(engine.xp.maximum(values[::-1], 0)), vectors[:, ::-1].T


def _scatter(engine, X):
    """mean, (X - mean)' (X - mean)"""
    if not issparse(X):
        mean, _, scatter, _ = engine.moments.scatter(X)
        return mean, scatter
    mean, X = column_means(engine, X), X.astype(np.float64, copy=False)
    return mean, (X.T @ X).toarray() - X.shape[0] * np.multiply.outer(mean, mean)


def full_svd(engine, X, offset):
    """Singular values and right singular vectors of X - offset, to machine precision.

    Parameters
    ----------
    engine : module
    X : (n_samples, n_features)
    offset : (n_features,) or None

    Returns
    -------
    s : (min(n_samples, n_features),)
        Descending.
    Vt : (min(n_samples, n_features), n_features)
    """
    if X.shape[0] > X.shape[1]:
        core, _ = engine.moments.root(X, X[:, :0], x_offset=offset)
    else:
        core = X if offset is None else X - offset
    _, s, Vt = engine.linalg.svd(core)
    return s, Vt


def arpack_svd(engine, X, n_components, offset, *, tol, rng):
    """The leading singular triplets U, s, Vt of X - offset, by Lanczos iterations."""
    # ARPACK's own start vectors are uniform, too; others hinder its convergence.
    v0 = rng.uniform(-1, 1, min(X.shape))
    return engine.linalg.svds(X, n_components, engine.asarray(v0), tol=tol, offset=offset)


def randomized_svd(engine, X, n_components, offset, *, n_oversamples, n_iter, normalizer, rng):
    """The leading singular triplets U, s, Vt of X - offset, by subspace iteration from a random start.

    Parameters
    ----------
    engine : module
    X : (n_samples, n_features), or a CSR matrix
    n_components : int
    offset : (n_features,) or None
    n_oversamples : int
        Random vectors beyond `n_components`.
    n_iter : int or "auto"
        Power iterations; "auto" is 7 for few components, else 4.
    normalizer : {"auto", "QR", "LU", "none"}
        Whether each iteration ends in an orthonormal basis. The span is that of scikit-learn's, whose "LU" is
        another basis of it; "auto" normalizes where there are more than two iterations.
    rng : numpy.random.RandomState

    References
    ----------
    Halko, Martinsson, Tropp: Finding structure with randomness, doi:10.1137/090771806.
    """
    forward, backward, there_and_back = _maps(engine.centered, X, offset)
    if n_iter == "auto":
        n_iter = 7 if n_components < 0.1 * min(X.shape) else 4
    normalize = normalizer in ("QR", "LU") or (normalizer == "auto" and n_iter > 2)
    start = rng.normal(size=(min(X.shape), n_components + n_oversamples))
    Q = engine.asarray(start.astype(X.dtype, copy=False))
    for _ in range(n_iter):
        Q = there_and_back(Q)
        if normalize:
            Q = engine.linalg.qr(Q)[0]
    Q = orthonormal(engine, forward(Q))
    V, s, Ut = engine.linalg.svd(backward(Q))
    U, s, V = engine.linalg.matmul(Q, Ut[:n_components].T), s[:n_components], V[:, :n_components]
    return (U, s, V.T) if X.shape[0] >= X.shape[1] else (V, s, U.T)


def _maps(centered, X, offset):
    """Products with A, A' and A'A, where A is X - offset, or its transpose if that is taller."""

    def multiply(B):
        return centered.matmul(X, B, offset)

    def multiply_transposed(B):
        return centered.rmatmul(X, B, offset)

    if X.shape[0] >= X.shape[1]:
        return multiply, multiply_transposed, lambda B: centered.gram_matmul(X, B, offset)
    return multiply_transposed, multiply, lambda B: multiply(multiply_transposed(B))


def orthonormal(engine, Y):
    """An orthonormal basis of the columns of Y.

    Where Y is tall and well conditioned by CholeskyQR2, which is products alone; else by Householder reflections.

    Parameters
    ----------
    engine : module
    Y : (n, k)

    Returns
    -------
    Q : (n, min(n, k)), dtype of Y
    """
    xp, (n, k) = engine.xp, Y.shape
    if n < 4 * k or n * k < FEW:
        return engine.linalg.qr(Y)[0]
    # The error of Q is that of Y times the condition number, of which the diagonal of L is a good estimate here:
    # subspace iteration leaves the columns in descending order.
    least = np.finfo(Y.dtype).eps ** 0.25
    Q = Y
    for _ in range(2):
        try:
            L = engine.linalg.cholesky(engine.moments.gram(Q)[0])
        except np.linalg.LinAlgError:
            return engine.linalg.qr(Y)[0]
        diagonal = xp.diagonal(L)
        if diagonal.min() < least * diagonal.max():
            return engine.linalg.qr(Y)[0]
        inverse = engine.linalg.solve_triangular(L, xp.eye(k))
        Q = engine.linalg.matmul(Q, xp.ascontiguousarray(inverse.T.astype(Y.dtype)))
    return Q


def flip_signs(Vt):
    """The sign of each row of Vt (on the host) that makes its entry of largest magnitude positive: +1, -1 or 0."""
    largest = np.abs(Vt).argmax(axis=1)
    return np.sign(Vt[np.arange(len(Vt)), largest])
