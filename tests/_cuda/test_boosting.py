"""Histogram boosting on a GPU: the bins, the words, the trees and the predictions of the reference, bit for bit."""

import numpy as np
import pytest


def awkward_columns(rng, n, dtype):
    """Many values, few, one, none; infinities, the smallest floats, whole numbers, some NaN."""
    X = rng.normal(size=(n, 8))
    X[:, 1] = rng.integers(5, size=n)
    X[:, 2], X[:, 3] = 7, np.nan
    X[: n // 3, 4] = np.inf
    X[n // 2 :, 4] = -np.inf
    X[:, 5] = rng.choice([-3, -1, 0, 1, 2], size=n) * np.finfo(dtype).smallest_subnormal
    X[rng.uniform(size=n) < 0.3, 6] = np.nan
    X[:, 7] = rng.integers(-1, 4, size=n)
    return X.astype(dtype)


@pytest.mark.parametrize("n_rows", [None, 1, 900])
@pytest.mark.parametrize("is_weighted", [False, True])
def test_edges_are_those_of_the_reference(cuda, reference, rng, dtype, n_rows, is_weighted):
    X = awkward_columns(rng, 600, dtype)
    is_categorical = np.arange(8) == 7
    rows = None if n_rows is None else rng.integers(len(X), size=n_rows)
    weight = rng.choice([0, 0.1, 0.7, 2], size=len(X)) if is_weighted else None
    want = reference.binning.find_edges(X, 31, is_categorical, rows, weight)
    moved = [None if array is None else cuda.asarray(array) for array in (rows, weight)]
    got = cuda.binning.find_edges(cuda.asarray(X), 31, is_categorical, *moved)
    assert [type(edges) for edges in got] == [np.ndarray] * 8
    for g, w in zip(got, want, strict=True):
        np.testing.assert_array_equal(g, w)


def test_a_few_columns_are_sorted_at_a_time(cuda, reference, rng, monkeypatch):
    X = awkward_columns(rng, 100, "float32")
    monkeypatch.setattr(cuda.binning, "SORTED", 300)
    got = cuda.binning.find_edges(cuda.asarray(X), 16, np.zeros(8, bool))
    for g, w in zip(got, reference.binning.find_edges(X, 16, np.zeros(8, bool)), strict=True):
        np.testing.assert_array_equal(g, w)


def test_the_edges_of_a_large_sample_take_few_transfers(cuda, counting, rng):
    X = cuda.asarray(rng.normal(size=(5000, 6)).astype(np.float32))
    with counting() as events:
        cuda.binning.find_edges(X, 255, np.zeros(6, bool))
    assert events["d2h"] == 2
    assert events["d2h_bytes"] < X.nbytes / 2


def test_bins_are_those_of_the_reference(cuda, reference, rng, dtype):
    X = awkward_columns(rng, 600, dtype)
    is_categorical = np.arange(8) == 7
    edges = reference.binning.find_edges(X, 31, is_categorical)
    edges[7] = np.arange(4.0)
    edges[5] = np.array([-2.0, -1, 0, 1]) * np.finfo(dtype).smallest_subnormal
    got = cuda.binning.transform(cuda.asarray(X), edges, is_categorical, 31)
    for g, w in zip(got, reference.binning.transform(X, edges, is_categorical, 31), strict=True):
        np.testing.assert_array_equal(cuda.to_numpy(g), w)


def test_a_block_takes_sums_apart_before_they_overflow(cuda, reference, rng, monkeypatch):
    """The largest gradients and hessians there may be, all in one bin, and one block for all samples."""
    monkeypatch.setattr("ghostflow_learn._engine.cuda._fixed_point.BLOCKS", 1)
    n = 2000
    gradients, hessians = np.full((1, n), -3.0), np.ones((1, n))
    codes = np.zeros((n, 2), dtype=np.uint8)
    packed = cuda.histogram.pack(cuda.asarray(gradients), cuda.asarray(hessians), 0)
    got = [cuda.to_numpy(sums) for sums in cuda.histogram.build(cuda.asarray(codes), packed)]
    want = reference.histogram.build(codes, reference.histogram.pack(gradients, hessians, 0))
    assert packed.interval == 512
    np.testing.assert_array_equal(got, want)
    np.testing.assert_allclose(got[0][:, 0] * cuda.to_numpy(packed.units)[0, 0], -3.0 * n)
