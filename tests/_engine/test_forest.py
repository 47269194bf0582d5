"""Prediction by forests of random trees: not what learning yields, but every shape that it may yield."""

from collections import namedtuple

import numpy as np
import pytest
from scipy import sparse

from ghostflow_learn import config_context

Nodes = namedtuple("Nodes", "left right feature threshold missing_go_to_left value")
SIZES = [(1, 1), (33, 3), (257, 7), (5000, 40)]  # rows, features; the last is more than one tile


def random_tree(rng, n_splits, n_features, n_values=2):
    """Splits of random leaves, parents before children, in no order beyond that."""
    n_nodes = 2 * n_splits + 1
    left, right = np.full((2, n_nodes), -1)
    leaves = [0]
    for n in range(1, n_nodes, 2):
        node = leaves.pop(rng.integers(len(leaves)))
        left[node], right[node] = rng.permutation([n, n + 1])
        leaves += [n, n + 1]
    feature = np.where(left >= 0, rng.integers(n_features, size=n_nodes), -2)
    missing_go_to_left = rng.integers(2, size=n_nodes).astype(np.uint8)
    return Nodes(
        left, right, feature, rng.normal(size=n_nodes), missing_go_to_left, rng.normal(size=(n_nodes, n_values))
    )


@pytest.fixture(params=SIZES, ids=str)
def problem(request, rng):
    """Trees with and without splits, and X with some missing values."""
    n_samples, n_features = request.param
    X = rng.normal(size=(n_samples, n_features)).astype(np.float32)
    X[rng.uniform(size=X.shape) < 0.1] = np.nan
    return [random_tree(rng, n_splits, n_features) for n_splits in (0, 1, 40, 0, 300)], X


def outputs(engine, op, trees, X, *args):
    forest = engine.forest.pack(trees)
    moved = [engine.asarray(arg) if isinstance(arg, np.ndarray) else arg for arg in (X, *args)]
    result = getattr(engine.forest, op)(forest, *moved)
    return [engine.to_numpy(array) for array in (result if isinstance(result, tuple) else (result,))]


def agree(engine, reference, op, trees, X, *args):
    """The op gives what the reference gives, bit for bit, on any number of threads; returns it."""
    want = outputs(reference, op, trees, X, *args)
    for n_threads in (1, 3):
        with config_context(n_threads=n_threads):
            for g, w in zip(outputs(engine, op, trees, X, *args), want, strict=True):
                assert g.dtype == w.dtype
                np.testing.assert_array_equal(g, w)
    return want


def test_a_sample_goes_left_where_it_is_not_larger_and_missing_goes_where_the_split_says(engine, reference):
    def stump(missing_go_to_left):
        return Nodes(
            *map(np.array, ([1, -1, -1], [2, -1, -1], [0, -2, -2], [0.5, -2, -2], missing_go_to_left)), np.eye(3)
        )

    X = np.array([[0.5], [np.nextafter(np.float32(0.5), np.float32(1))], [-np.inf], [np.inf], [np.nan]], np.float32)
    trees = [stump([0, 0, 0]), stump([1, 0, 0])]
    (leaves,) = agree(engine, reference, "apply", trees, X)
    assert leaves.T.tolist() == [[1, 2, 1, 2, 2], [1, 2, 1, 2, 1]]
    (sums,) = agree(engine, reference, "predict", trees, X)
    assert sums.tolist() == [[0, 2, 0], [0, 0, 2], [0, 2, 0], [0, 0, 2], [0, 1, 1]]


@pytest.mark.parametrize("threshold", [0.1, -0.1, 1e-45, -1e-46, -0.0, 1e300, -1e300, np.inf, 3.4e38, 16777217.0])
def test_float32_values_compare_with_float64_thresholds_exactly(engine, reference, threshold):
    stump = Nodes(*map(np.array, ([1, -1, -1], [2, -1, -1], [0, -2, -2], [threshold, -2, -2], [0, 0, 0])), np.eye(3))
    with np.errstate(over="ignore"):
        near = np.float32(threshold)
    around = [near, np.nextafter(near, np.float32(-np.inf)), np.nextafter(near, np.float32(np.inf)), -near]
    X = np.array([*around, 0.0, -0.0, 1.0, -1.0], dtype=np.float32).reshape(-1, 1)
    (leaves,) = agree(engine, reference, "apply", [stump], X)
    np.testing.assert_array_equal(leaves, np.where(X.astype(np.float64) <= threshold, 1, 2))


@pytest.mark.parametrize("op", ["apply", "predict", "paths"])
def test_engines_agree(engine, reference, problem, op):
    agree(engine, reference, op, *problem)


@pytest.mark.parametrize("op", ["apply", "predict", "paths"])
def test_sparse_rows_are_the_dense_ones(reference, rng, op):
    """A sparse matrix is always computed on the CPU."""
    from ghostflow_learn._engine import cpu

    X = sparse.random(70, 30_000, 0.3, format="csr", random_state=0, dtype=np.float32)  # more than one block of rows
    trees = [random_tree(rng, 50, X.shape[1]) for _ in range(3)]
    dense = outputs(reference, op, trees, X.toarray())
    for got, want in zip(agree(cpu, reference, op, trees, X), dense, strict=True):
        np.testing.assert_array_equal(got, want)


def test_trees_add_to_their_groups_and_to_what_was_there(engine, reference, rng, problem):
    trees, X = problem
    start = rng.normal(size=(len(X), 6))
    kept = start.copy()
    (sums,) = agree(engine, reference, "predict", trees[:4], X, 3, start)
    np.testing.assert_array_equal(start, kept)
    for group in range(3):
        (alone,) = outputs(engine, "predict", trees[group:4:3], X)
        np.testing.assert_allclose(
            sums[:, 2 * group : 2 * group + 2] - kept[:, 2 * group : 2 * group + 2], alone, atol=1e-12
        )


def test_paths_lead_from_the_root_to_the_leaf(engine, problem):
    trees, X = problem
    nodes, indptr = outputs(engine, "paths", trees[2:3], X)
    (leaves,) = outputs(engine, "apply", trees[2:3], X)
    parent = np.full(len(trees[2].left), -1)
    for side in (trees[2].left, trees[2].right):
        parent[side[side >= 0]] = np.flatnonzero(side >= 0)
    for path, leaf in zip(np.split(nodes, indptr[1:-1]), leaves[:, 0], strict=True):
        assert path[0] == 0
        assert path[-1] == leaf
        np.testing.assert_array_equal(parent[path[1:]], path[:-1])


def test_a_gpu_predicts_many_rows_a_part_at_a_time(cuda, reference, problem, monkeypatch):
    monkeypatch.setattr(cuda.forest, "LEAVES", 100)
    agree(cuda, reference, "apply", *problem)
    agree(cuda, reference, "predict", *problem)
