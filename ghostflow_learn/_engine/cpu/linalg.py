from contextlib import nullcontext

import numpy as np
import scipy.linalg
import scipy.sparse.linalg

from . import centered
from ._blas import all_threads
from ._launch import cut, run_blocks

LARGE = 2**32  # multiply-adds from which a single LAPACK call is worth all of BLAS's threads


def matmul(A, B):
    if A.ndim == 1 or A.shape[1] > 4 * A.shape[0]:
        return _matmul_along_inner(A, B)
    n_columns = B.shape[1] if B.ndim == 2 else 1
    out = np.empty((len(A), *B.shape[1:]), dtype=np.result_type(A, B))
    run_blocks(lambda start, stop: np.matmul(A[start:stop], B, out=out[start:stop]), len(A), A.shape[1] * n_columns)
    return out


def _matmul_along_inner(A, B):
    """A wide A: one partial product per block of the inner dimension."""
    cost = max(1, A.size // A.shape[-1]) * max(1, B.size // max(1, len(B)))
    if len(cut(len(B), cost)) <= 1:
        return A @ B
    return sum(run_blocks(lambda start, stop: A[..., start:stop] @ B[start:stop], len(B), cost))


def cholesky(A):
    with _threads_for(len(A) ** 3 / 3):
        return np.linalg.cholesky(A)


def solve_triangular(L, B, trans=False):
    return scipy.linalg.solve_triangular(L, B, lower=True, trans=int(trans), check_finite=False)


def cho_solve(L, B):
    return scipy.linalg.cho_solve((L, True), B, check_finite=False)


def eigh(A):
    with _threads_for(9 * len(A) ** 3):
        return np.linalg.eigh(A)


def svd(A):
    with _threads_for(6 * A.size * min(A.shape)):
        return np.linalg.svd(A, full_matrices=False)


def qr(A):
    with _threads_for(2 * A.size * min(A.shape)):
        return np.linalg.qr(A)


def svds(A, k, v0, tol=0, offset=None):
    def multiply(B):
        return centered.matmul(A, B, offset)

    def multiply_transposed(B):
        return centered.rmatmul(A, B, offset)

    operator = scipy.sparse.linalg.LinearOperator(
        A.shape,
        matvec=multiply,
        rmatvec=multiply_transposed,
        matmat=multiply,
        rmatmat=multiply_transposed,
        dtype=A.dtype,
    )
    U, s, Vt = scipy.sparse.linalg.svds(operator, k=k, tol=tol, v0=v0)
    return U[:, ::-1], s[::-1], Vt[::-1]


def _threads_for(cost):
    return all_threads() if cost > LARGE else nullcontext()
