import numpy as np
import pytest
import scipy.sparse

SHAPES = [(1, 1, 1), (7, 3, 2), (3, 7, 2), (300, 2000, 5), (5000, 33, 4)]


@pytest.fixture
def sparse(rng):
    return scipy.sparse.random_array((600, 90), density=0.1, format="csr", rng=rng)


@pytest.mark.parametrize("n_samples, n_features, k", SHAPES)
@pytest.mark.parametrize("shifted", [False, True])
def test_products_agree_with_reference(agrees, dtype, rng, n_samples, n_features, k, shifted):
    X = rng.normal(3, size=(n_samples, n_features))
    offset = X.mean(axis=0) if shifted else None
    B, Y = rng.normal(size=(n_features, k)), rng.normal(size=(n_samples, k))
    atol = 1e-5 * n_samples**0.5 * n_features**0.5 * n_features if dtype == "float32" else 1e-8
    agrees("centered.matmul", X, B, offset, atol=atol)
    agrees("centered.rmatmul", X, Y, offset, atol=atol)
    agrees("centered.gram_matmul", X, B, offset, atol=atol)
    agrees("centered.matmul", X, B[:, 0], offset, atol=atol)
    agrees("centered.rmatmul", X, Y[:, 0], offset, atol=atol)


@pytest.mark.parametrize("n_samples, n_features, k", SHAPES)
def test_sq_norm_agrees_with_reference(agrees, rng, n_samples, n_features, k):
    X = rng.normal(3, size=(n_samples, n_features))
    agrees("centered.sq_norm", X, rtol=1e-5)
    agrees("centered.sq_norm", X, X.mean(axis=0), rtol=1e-5)


def test_a_large_offset_costs_no_digits(engine, rng):
    """Products first and the offset after would leave about one digit of float32."""
    X = (rng.normal(size=(2000, 50)) + 1e5).astype(np.float32)
    offset, B = X.mean(axis=0, dtype=np.float64).astype(np.float32), rng.normal(size=(50, 3)).astype(np.float32)
    got = engine.centered.matmul(*map(engine.asarray, (X, B, offset)))
    want = (X.astype(np.float64) - offset) @ B
    np.testing.assert_allclose(engine.to_numpy(got), want, atol=1e-4)


@pytest.mark.parametrize("shifted", [False, True])
def test_sparse_products_are_those_of_the_dense_matrix(reference, rng, sparse, shifted):
    from ghostflow_learn._engine import cpu

    offset = sparse.mean(axis=0) if shifted else None
    B, Y = rng.normal(size=(90, 40)), rng.normal(size=(600, 40))
    for op, args in (
        ("matmul", (B,)),
        ("rmatmul", (Y,)),
        ("gram_matmul", (B,)),
        ("matmul", (B[:, 0],)),
        ("sq_norm", ()),
    ):
        want = getattr(reference.centered, op)(sparse.toarray(), *args, offset)
        for on in (cpu, reference):
            got = getattr(on.centered, op)(sparse, *args, offset)
            np.testing.assert_allclose(got, want, rtol=1e-11, atol=1e-10, err_msg=op)


def test_svds_of_a_shifted_matrix(engine, rng):
    A = rng.normal(5, size=(60, 12))
    offset = A.mean(axis=0)
    U, s, Vt = map(
        engine.to_numpy,
        engine.linalg.svds(engine.asarray(A), 3, engine.asarray(np.ones(12)), offset=engine.asarray(offset)),
    )
    np.testing.assert_allclose(s, np.linalg.svd(A - offset, compute_uv=False)[:3], rtol=1e-8)
    np.testing.assert_allclose((A - offset) @ Vt.T, U * s, atol=1e-8)
