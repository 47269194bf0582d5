import warnings

import numpy as np
import pytest
from sklearn.ensemble._hist_gradient_boosting.binning import _BinMapper


@pytest.fixture(params=["reference", "cpu"])
def binning(request, reference):
    if request.param == "reference":
        return reference.binning
    from ghostflow_learn._engine import cpu

    return cpu.binning


def columns(rng, n_samples, dtype=np.float64):
    """Normal, integer, few distinct values, constant, heavy-tailed, with missing values."""
    X = rng.normal(size=(n_samples, 6)).astype(dtype)
    X[:, 1], X[:, 2], X[:, 3] = rng.integers(0, 300, n_samples), rng.integers(0, 20, n_samples), 5
    X[:, 4] = rng.standard_cauchy(n_samples)
    X[rng.random(X.shape) < 0.1] = np.nan
    return X


@pytest.mark.parametrize("max_bins", [2, 16, 255])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n_samples", [9, 33, 257, 2550])
def test_edges_and_codes_are_those_of_scikit_learn(binning, rng, n_samples, weighted, max_bins, dtype):
    X = columns(rng, n_samples, dtype)
    weight = rng.integers(0, 3, n_samples).astype(np.float64) if weighted else None
    mapper = _BinMapper(n_bins=max_bins + 1).fit(X, sample_weight=weight)
    edges = binning.find_edges(X, max_bins, np.zeros(6, dtype=bool), sample_weight=weight)
    for got, want in zip(edges, mapper.bin_thresholds_, strict=True):
        np.testing.assert_array_equal(got, want)
    bins = binning.transform(X, edges, np.zeros(6, dtype=bool), max_bins)
    np.testing.assert_array_equal(bins.codes, mapper.transform(X))
    np.testing.assert_array_equal(bins.n_bins, mapper.n_bins_non_missing_)
    np.testing.assert_array_equal(bins.has_missing, np.isnan(X).any(axis=0))


def test_only_the_rows_that_are_named_choose_edges(binning, rng):
    X = columns(rng, 400)
    rows = rng.integers(0, 200, 300)
    of_rows = binning.find_edges(X, 255, np.zeros(6, dtype=bool), rows)
    alone = binning.find_edges(X[rows], 255, np.zeros(6, dtype=bool))
    for got, want in zip(of_rows, alone, strict=True):
        np.testing.assert_array_equal(got, want)


def test_categories_are_bins_and_negative_or_missing_ones_have_the_last(binning):
    X = np.array([[3.0], [7.0], [0.0], [-1.0], [np.nan]])
    bins = binning.transform(X, [np.array([0.0, 3.0, 7.0])], np.array([True]), 255)
    assert bins.codes[:, 0].tolist() == [1, 2, 0, 255, 255]
    assert (bins.n_bins[0], bins.has_missing[0]) == (3, 1)


def test_infinite_values_have_bins_of_their_own(binning):
    X = np.array([[-np.inf], [0.0], [1.0], [np.inf]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        edges = binning.find_edges(X, 255, np.array([False]))
    codes = binning.transform(X, edges, np.array([False]), 255).codes[:, 0]
    assert codes.tolist() == [0, 1, 2, 3]
    assert np.isfinite(edges[0][-1])


def test_all_missing_has_no_edge(binning):
    X = np.full((5, 1), np.nan)
    edges = binning.find_edges(X, 255, np.array([False]))
    assert len(edges[0]) == 0
    assert binning.transform(X, edges, np.array([False]), 255).codes.tolist() == [[255]] * 5


def test_255_categories_and_255_bins_find_their_last_bin(binning):
    X = np.arange(255.0)[:, None] * np.ones(2)
    edges = [np.arange(255.0), binning.find_edges(X, 255, np.zeros(2, dtype=bool))[1]]
    bins = binning.transform(X, edges, np.array([True, False]), 255)
    np.testing.assert_array_equal(bins.codes, X)
