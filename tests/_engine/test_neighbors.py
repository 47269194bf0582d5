import numpy as np
import pytest

from ghostflow_learn import config_context
from ghostflow_learn._engine import cpu

SHAPES = [(1, 1, 1), (31, 3, 31), (257, 33, 7), (1000, 6, 12)]
METRICS = ["euclidean", "manhattan", "chebyshev"]


def grown(engine, X, leaf_size):
    return engine.neighbors.grow(engine.asarray(X), leaf_size)


def assert_chosen_dists(X, queries, dists, indices, metric):
    diff = np.abs(X[indices] - queries[:, None, :])
    norm = {"euclidean": lambda d: np.sqrt((d**2).sum(axis=2)), "manhattan": lambda d: d.sum(axis=2)}
    expected = norm.get(metric, lambda d: d.max(axis=2))(diff)
    np.testing.assert_allclose(dists, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("n_samples, n_features, n_neighbors", SHAPES)
def test_nearest_finds_what_comparing_all_finds(agrees, rng, n_samples, n_features, n_neighbors, metric):
    X, queries = rng.normal(size=(n_samples, n_features)), rng.normal(size=(70, n_features))
    (dists, indices), _ = agrees("neighbors.nearest", X, queries, n_neighbors, metric, chosen=[1])
    assert_chosen_dists(X, queries, dists, indices, metric)
    assert all(len(set(row)) == n_neighbors for row in indices.tolist())


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("n_samples, n_features, n_neighbors", SHAPES)
def test_a_tree_finds_what_comparing_all_finds(
    engine, reference, dtype, rng, n_samples, n_features, n_neighbors, metric
):
    X, queries = (rng.normal(size=(n, n_features)).astype(dtype) for n in (n_samples, 70))
    tree = grown(engine, X, leaf_size=4)
    dists, indices = map(
        engine.to_numpy, engine.neighbors.nearest_in_tree(tree, engine.asarray(queries), n_neighbors, metric)
    )
    want = reference.neighbors.nearest(X, queries, n_neighbors, metric)
    np.testing.assert_allclose(dists, want[0], rtol=1e-11)
    np.testing.assert_array_equal(indices, want[1])


@pytest.mark.parametrize("metric", METRICS)
def test_of_samples_as_far_the_first_come_first(engine, reference, rng, metric):
    # Whole numbers: no distance is rounded.
    X, queries = rng.integers(4, size=(500, 3)).astype(float), rng.integers(4, size=(60, 3)).astype(float)
    want = reference.neighbors.nearest(X, queries, 40, metric)[1]
    on_engine = engine.asarray(queries)
    _, indices = engine.neighbors.nearest(engine.asarray(X), on_engine, 40, metric)
    np.testing.assert_array_equal(engine.to_numpy(indices), want)
    _, indices = engine.neighbors.nearest_in_tree(grown(engine, X, 9), on_engine, 40, metric)
    np.testing.assert_array_equal(engine.to_numpy(indices), want)


@pytest.mark.parametrize("n_samples, leaf_size", [(1, 1), (7, 2), (100, 100), (1000, 30)])
def test_a_tree_holds_every_sample_once_and_cuts_halves(rng, dtype, n_samples, leaf_size):
    X = rng.normal(size=(n_samples, 3)).astype(dtype)
    tree = cpu.neighbors.grow(X, leaf_size)
    there = tree.rows < n_samples
    assert sorted(tree.rows[there]) == list(range(n_samples))
    assert there.sum(axis=1).max() <= leaf_size
    assert np.ptp(there.sum(axis=1)) <= 1
    np.testing.assert_array_equal(tree.points.transpose(0, 2, 1)[there], X[tree.rows[there]])
    assert (tree.gaps[:, 0] <= tree.gaps[:, 1]).all()


def test_the_reference_grows_such_a_tree_too(reference, rng):
    X = rng.normal(size=(100, 3))
    ours, theirs = cpu.neighbors.grow(X, 8), reference.neighbors.grow(X, 8)
    np.testing.assert_array_equal(ours.axes, theirs.axes)
    np.testing.assert_array_equal(ours.gaps, theirs.gaps)
    np.testing.assert_array_equal(np.sort(ours.rows), np.sort(theirs.rows))
    np.testing.assert_array_equal(ours.box, theirs.box)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "move",
    [
        lambda X: X + 1e4,
        lambda X: X * 1e-18,
        lambda X: X * 1e15,
        lambda X: np.vstack([X, np.full(X.shape[1], 1e6)]),
        lambda X: X * np.logspace(-9, 0, X.shape[1]),
    ],
    ids=["far_from_the_origin", "tiny", "huge", "with_an_outlier", "on_many_scales"],
)
def test_products_in_float32_lose_no_neighbour(rng, reference, dtype, move):
    X = move(rng.normal(size=(1500, 17))).astype(dtype)
    queries = X[::9] + (X[1] - X[0]) * 0.01
    dists, indices = cpu.neighbors.nearest(X, queries, 6, "euclidean")
    want = reference.neighbors.nearest(X, queries, 6, "euclidean")
    np.testing.assert_allclose(dists, want[0], rtol=1e-11)
    np.testing.assert_array_equal(indices, want[1])


def test_the_number_of_threads_changes_no_bit(rng):
    X, queries = rng.normal(size=(5000, 20)), rng.normal(size=(1000, 20))
    results = []
    for n_threads in (1, 2, 7):
        with config_context(n_threads=n_threads):
            tree = cpu.neighbors.grow(X, 30)
            found = cpu.neighbors.nearest(X, queries, 5, "euclidean")
            results.append([*tree[:5], *found, *cpu.neighbors.nearest_in_tree(tree, queries, 5, "euclidean")])
    for other in results[1:]:
        for one, two in zip(results[0], other):
            np.testing.assert_array_equal(one, two)
