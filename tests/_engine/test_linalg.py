import numpy as np
import pytest


@pytest.fixture
def positive_definite(rng):
    A = rng.normal(size=(20, 6))
    return A.T @ A + np.eye(6)


@pytest.mark.parametrize("n, m, k", [(1, 1, 1), (50, 7, 3), (3, 5000, 4), (20_000, 30, 20)])
def test_matmul_agrees_with_reference(agrees, rng, n, m, k):
    agrees("linalg.matmul", rng.normal(size=(n, m)), rng.normal(size=(m, k)))
    agrees("linalg.matmul", rng.normal(size=(n, m)), rng.normal(size=m))
    agrees("linalg.matmul", rng.normal(size=m), rng.normal(size=(m, k)))


def test_cholesky_and_solves_agree_with_reference(agrees, rng, positive_definite):
    L = np.linalg.cholesky(positive_definite)
    B = rng.normal(size=(6, 2))
    agrees("linalg.cholesky", positive_definite)
    agrees("linalg.cho_solve", L, B)
    agrees("linalg.solve_triangular", L, B)
    agrees("linalg.solve_triangular", L, B, True)


def test_cholesky_of_an_indefinite_matrix_raises(engine):
    with pytest.raises(np.linalg.LinAlgError):
        engine.linalg.cholesky(engine.asarray(np.diag([1.0, -1.0])))


def test_eigh_gives_ascending_eigenpairs(engine, positive_definite):
    A = engine.asarray(positive_definite)
    values, vectors = (engine.to_numpy(out) for out in engine.linalg.eigh(A))
    assert (np.diff(values) >= 0).all()
    np.testing.assert_allclose(positive_definite @ vectors, vectors * values, atol=1e-12)


def test_svd_and_qr_rebuild_the_matrix(engine, rng):
    A = rng.normal(size=(30, 5))
    U, s, Vt = (engine.to_numpy(out) for out in engine.linalg.svd(engine.asarray(A)))
    np.testing.assert_allclose(U * s @ Vt, A, atol=1e-12)
    assert (np.diff(s) <= 0).all()
    Q, R = (engine.to_numpy(out) for out in engine.linalg.qr(engine.asarray(A)))
    np.testing.assert_allclose(Q @ R, A, atol=1e-12)
    np.testing.assert_allclose(Q.T @ Q, np.eye(5), atol=1e-12)


def test_svds_finds_the_largest_triplets(engine, rng):
    A = rng.normal(size=(40, 12))
    U, s, Vt = (engine.to_numpy(out) for out in engine.linalg.svds(engine.asarray(A), 3, engine.asarray(np.ones(12))))
    np.testing.assert_allclose(s, np.linalg.svd(A, compute_uv=False)[:3], rtol=1e-8)
    np.testing.assert_allclose(A @ Vt.T, U * s, atol=1e-8)
