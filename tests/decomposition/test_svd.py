import numpy as np
import pytest

from ghostflow_learn.decomposition._dimension import infer_dimension
from ghostflow_learn.decomposition._svd import flip_signs, orthonormal


@pytest.mark.parametrize("condition", [1, 1e3, 1e9, np.inf])
@pytest.mark.parametrize("shape", [(4000, 6), (400, 6), (6, 6), (3, 6)])
def test_orthonormal_spans_the_columns(engine, rng, condition, shape, dtype):
    """By CholeskyQR2 where that is stable, by reflections where it is not."""
    scales = np.geomspace(1, 1 / condition, shape[1]) if np.isfinite(condition) else np.arange(shape[1]) < 3
    Y = (np.linalg.qr(rng.normal(size=shape))[0] @ np.diag(scales)[: min(shape)] @ rng.normal(size=(6, 6))).astype(
        dtype
    )
    Q = engine.to_numpy(orthonormal(engine, engine.asarray(Y)))
    assert Q.dtype == dtype
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(Q.T @ Q, np.eye(Q.shape[1]), atol=50 * eps)
    np.testing.assert_allclose(Q @ (Q.T @ Y), Y, atol=200 * eps * np.abs(Y).max())


def test_well_conditioned_columns_cost_products_alone(rng, monkeypatch):
    from ghostflow_learn._engine import cpu

    monkeypatch.setattr(cpu.linalg, "qr", None)
    Q = orthonormal(cpu, rng.normal(size=(5000, 5)))
    np.testing.assert_allclose(Q.T @ Q, np.eye(5), atol=1e-14)


def test_the_largest_entry_of_each_row_becomes_positive():
    Vt = np.array([[0.6, -0.8], [-0.8, -0.6], [0.8, 0.6]])
    np.testing.assert_array_equal(flip_signs(Vt), [-1, -1, 1])


def test_infer_dimension_of_a_step_is_its_width():
    for width in (1, 3, 6):
        assert infer_dimension(np.where(np.arange(8) < width, 10.0 - np.arange(8) / 100, 0.1), n_samples=500) == width


def test_negligible_eigenvalues_add_no_dimension():
    assert infer_dimension(np.array([1.0, 1e-30, 1e-30, 1e-30]), n_samples=10) == 1
