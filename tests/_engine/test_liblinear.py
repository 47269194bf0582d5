import numpy as np
import pytest
import scipy.sparse as sp

from ghostflow_learn._engine import cpu
from ghostflow_learn._engine.cpu import liblinear


def problem(rng, n_samples=80, n_features=6):
    X = rng.normal(size=(n_samples, n_features))
    codes = (X[:, 0] + rng.normal(size=n_samples) > 0).astype(np.int32)
    return X, codes, rng.uniform(0.5, 2, size=n_samples)


@pytest.fixture
def dtype():
    """LIBLINEAR computes in float64."""
    return np.dtype(np.float64)


@pytest.mark.parametrize("op, tol", [("dual", 1e-3), ("l1", 1e-4)])
@pytest.mark.parametrize("bias", [0.0, 2.0])
def test_agrees_with_reference(agrees, rng, op, tol, bias):
    X, codes, bounds = problem(rng)
    agrees(f"liblinear.{op}", X, codes, bounds, bias, tol, 50, 3, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("op", ["dual", "l1"])
def test_sparse_rows_give_what_dense_ones_do(rng, op):
    X, codes, bounds = problem(rng)
    X = np.where(X > 0.3, X, 0)
    dense, sparse = (
        getattr(cpu.liblinear, op)(rows, codes, bounds, 1.0, 1e-3, 50, 3) for rows in (X, sp.csr_matrix(X))
    )
    np.testing.assert_allclose(sparse[0], dense[0])
    assert sparse[1] == dense[1]


@pytest.mark.parametrize("op", ["dual", "l1"])
def test_stops_after_the_iterations_it_may_take(rng, engine, op):
    X, codes, bounds = (engine.asarray(a) for a in problem(rng))
    assert int(getattr(engine.liblinear, op)(X, codes, bounds, 1.0, 0.0, 2, 3)[1]) == 2


def test_words_that_would_bias_a_number_are_refused(reference):
    """The word 0 is, for every bound that does not divide 2^32: the two ways to draw must skip the same words."""

    class Words:
        def __init__(self):
            self.words = iter(range(0, 2**32, 2**20 - 7))

        def randint(self, high, size=None, dtype=None):
            return (
                np.uint32(next(self.words))
                if size is None
                else np.array([next(self.words) for _ in range(size)], dtype)
            )

    ours, theirs = np.arange(40), np.arange(40)
    liblinear._shuffle(ours, liblinear._positions(Words(), 40))
    reference.liblinear._shuffle(theirs, 40, Words())
    np.testing.assert_array_equal(ours, theirs)
    assert sorted(ours) == list(range(40))
