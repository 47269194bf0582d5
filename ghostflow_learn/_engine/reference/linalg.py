"""The linear algebra that NumPy and CuPy do not share, and products of tall matrices."""

import numpy as np
import scipy.linalg
import scipy.sparse.linalg


def matmul(A, B):
    """Matrix product, cut into row blocks where it is long.

    Parameters
    ----------
    A : (n, m) or (m,)
    B : (m, k) or (m,), dtype of A

    Returns
    -------
    product : (n, k), (n,) or (k,), dtype of A
    """
    return A @ B


def cholesky(A):
    """Lower triangular L with L L' = A.

    Parameters
    ----------
    A : (n, n), symmetric

    Returns
    -------
    L : (n, n)

    Raises
    ------
    numpy.linalg.LinAlgError
        If A is not positive definite.
    """
    return np.linalg.cholesky(A)


def solve_triangular(L, B, trans=False):
    """X with L X = B, or L' X = B.

    Parameters
    ----------
    L : (n, n), lower triangular
    B : (n, k) or (n,)
    trans : bool, default=False

    Returns
    -------
    X : shape of B
    """
    return scipy.linalg.solve_triangular(L, B, lower=True, trans=int(trans), check_finite=False)


def cho_solve(L, B):
    """X with L L' X = B.

    Parameters
    ----------
    L : (n, n), lower triangular
    B : (n, k) or (n,)

    Returns
    -------
    X : shape of B
    """
    return solve_triangular(L, solve_triangular(L, B), trans=True)


def eigh(A):
    """Eigenvalues, ascending, and eigenvectors of a symmetric matrix.

    Parameters
    ----------
    A : (n, n), symmetric

    Returns
    -------
    eigenvalues : (n,)
    eigenvectors : (n, n)
        One per column.
    """
    return np.linalg.eigh(A)


def svd(A):
    """Thin singular value decomposition A = U diag(s) Vt.

    Parameters
    ----------
    A : (n, m)

    Returns
    -------
    U : (n, min(n, m))
    s : (min(n, m),)
        Descending.
    Vt : (min(n, m), m)
    """
    return np.linalg.svd(A, full_matrices=False)


def qr(A):
    """Reduced QR decomposition.

    Parameters
    ----------
    A : (n, m)

    Returns
    -------
    Q : (n, min(n, m))
    R : (min(n, m), m)
    """
    return np.linalg.qr(A)


def svds(A, k, v0, tol=0, offset=None):
    """The k largest singular triplets of A - offset, by Lanczos iterations.

    Parameters
    ----------
    A : (n, m), or a CSR matrix where the engine computes on the host
    k : int, less than min(n, m)
    v0 : (min(n, m),)
        Start vector.
    tol : float, default=0
        Relative accuracy of the singular values; 0 is machine precision.
    offset : (m,), dtype of A, optional
        Subtracted from each row of A.

    Returns
    -------
    U : (n, k)
    s : (k,)
        Descending.
    Vt : (k, m)
    """
    A = A.toarray() if scipy.sparse.issparse(A) else A
    U, s, Vt = scipy.sparse.linalg.svds(A if offset is None else A - offset, k=k, tol=tol, v0=v0)
    return U[:, ::-1], s[::-1], Vt[::-1]
