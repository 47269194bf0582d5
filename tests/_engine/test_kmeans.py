import numpy as np
import pytest
from scipy.sparse import csr_array

from ghostflow_learn._engine import cpu, reference

SHAPES = [(1, 1, 1), (31, 3, 2), (33, 5, 33), (257, 33, 4), (1000, 16, 40)]


def sparse(rng, n_samples, n_features, dtype):
    X = rng.normal(size=(n_samples, n_features)).astype(dtype)
    return csr_array(np.where(X > 0.5, X, 0))


@pytest.mark.parametrize("n_samples, n_features, n_clusters", SHAPES)
def test_assign_finds_the_nearest_center(agrees, rng, n_samples, n_features, n_clusters):
    X, centers = rng.normal(size=(n_samples, n_features)), rng.normal(size=(n_clusters, n_features))
    (labels, sq_dists), _ = agrees("kmeans.assign", X, centers, chosen=[0])
    np.testing.assert_allclose(((X - centers[labels]) ** 2).sum(axis=1), sq_dists, rtol=1e-4, atol=1e-5)


def test_assign_gives_ties_to_the_lowest_index(agrees):
    labels, _ = agrees("kmeans.assign", np.zeros((3, 2)), np.ones((40, 2)))[0]
    assert labels.tolist() == [0, 0, 0]


def test_assign_keeps_its_digits_far_from_the_origin(agrees, rng):
    centers = 2.0**14 + np.arange(20.0)[:, None] * np.ones(3)
    truth = rng.integers(20, size=500)
    labels, _ = agrees("kmeans.assign", centers[truth] + rng.uniform(-0.4, 0.4, size=(500, 3)), centers, rtol=1e-2)[0]
    np.testing.assert_array_equal(labels, truth)


@pytest.mark.parametrize("n_samples, n_features, n_clusters", SHAPES)
def test_update_sums_the_samples_of_each_cluster(agrees, rng, n_samples, n_features, n_clusters):
    agrees(
        "kmeans.update",
        rng.normal(size=(n_samples, n_features)),
        rng.uniform(size=n_samples),
        rng.integers(n_clusters, size=n_samples).astype(np.int32),
        n_clusters,
    )


@pytest.mark.parametrize("n_samples, n_features, n_clusters", SHAPES)
def test_distances_and_the_squared_one_to_the_own_center(agrees, rng, n_samples, n_features, n_clusters):
    X, centers = rng.normal(size=(n_samples, n_features)), rng.normal(size=(n_clusters, n_features))
    (all_of_them,), _ = agrees("kmeans.distances", X, centers)
    labels = rng.integers(n_clusters, size=n_samples).astype(np.int32)
    (own,), _ = agrees("kmeans.sq_dists", X, centers, labels)
    np.testing.assert_allclose(all_of_them[np.arange(n_samples), labels] ** 2, own, rtol=1e-4)


def test_mean_variance(agrees, rng):
    agrees("kmeans.mean_variance", 1000 + rng.normal(size=(3000, 4)) * np.arange(4), rtol=1e-4)


@pytest.mark.parametrize("n_samples, n_features, n_clusters", [(5, 1, 5), (31, 3, 2), (3000, 5, 12), (500, 33, 40)])
def test_seed_makes_the_choices_of_the_reference(agrees, rng, n_samples, n_features, n_clusters):
    X, sample_weight = rng.normal(size=(n_samples, n_features)), rng.uniform(size=n_samples)
    draws = agrees.as_is(rng.uniform(size=(n_clusters - 1, 5)))
    (chosen,), _ = agrees("kmeans.seed", X, sample_weight, 3, draws)
    assert len(np.unique(chosen)) == n_clusters


def test_seed_never_chooses_a_sample_without_weight(agrees, rng):
    X, sample_weight = rng.normal(size=(2500, 3)), rng.uniform(size=2500)
    sample_weight[::2] = 0
    (chosen,), _ = agrees("kmeans.seed", X, sample_weight, 1, agrees.as_is(rng.uniform(size=(30, 4))))
    assert (chosen % 2 == 1).all()


def test_seed_goes_on_where_all_samples_are_the_same(agrees):
    (chosen,), _ = agrees("kmeans.seed", np.ones((7, 2)), np.ones(7), 3, agrees.as_is(np.full((3, 4), 0.5)))
    assert chosen.tolist() == [3, 0, 0, 0]


@pytest.mark.parametrize("n_samples, n_features, n_clusters", [(1, 1, 1), (33, 5, 33), (5000, 8, 30), (3000, 40, 7)])
def test_regroup_gives_what_assign_and_update_give(engine, reference, dtype, rng, n_samples, n_features, n_clusters):
    X = rng.normal(size=(n_samples, n_features)).astype(dtype)
    sample_weight = rng.uniform(size=n_samples).astype(dtype)
    on_engine = engine.asarray(X.copy()), engine.asarray(sample_weight.copy())
    centers, found, wanted, n_examined = X[:n_clusters].copy(), None, None, []
    for _ in range(12):
        found = engine.kmeans.regroup(*on_engine, engine.asarray(centers.copy()), found)
        wanted = reference.kmeans.regroup(X, sample_weight, centers, wanted)
        assert_same_clusters(engine, X, centers, found, wanted)
        n_examined.append(getattr(found.state, "n_examined", 0))
        centers = (wanted.sums / np.where(wanted.weight > 0, wanted.weight, 1)[:, None]).astype(dtype)
    if engine.__name__.endswith("cpu") and n_samples == 5000:
        assert min(n_examined) < 0.7 * n_samples, "few samples were ever skipped"


def assert_same_clusters(engine, X, centers, found, wanted):
    labels = engine.to_numpy(found.labels)
    differing = labels != wanted.labels
    if differing.any():  # near ties of float32
        gap = ((X - centers[labels]) ** 2).sum(axis=1) - ((X - centers[wanted.labels]) ** 2).sum(axis=1)
        assert X.dtype == np.float32
        assert differing.sum() <= 2
        assert np.abs(gap).max() < 1e-4
        return
    np.testing.assert_allclose(engine.to_numpy(found.sums), wanted.sums, rtol=1e-6, atol=1e-5)
    np.testing.assert_allclose(engine.to_numpy(found.weight), wanted.weight, rtol=1e-6, atol=1e-7)
    assert int(found.n_changed) == wanted.n_changed


def test_regroup_leaves_nothing_behind_in_a_cluster_that_lost_its_samples(rng):
    X, sample_weight = rng.normal(size=(1000, 3)), rng.uniform(0.1, 1, size=1000)
    found = cpu.kmeans.regroup(X, sample_weight, X[:4].copy())
    away = np.vstack([X[:3], np.full(3, 1e3)])
    found = cpu.kmeans.regroup(X, sample_weight, away, found)
    assert found.weight[3] == 0
    assert (found.sums[3] == 0).all()


@pytest.mark.parametrize("n_samples, n_features, n_clusters", SHAPES)
def test_sparse_rows_give_what_dense_rows_give(rng, dtype, n_samples, n_features, n_clusters):
    X, sample_weight = sparse(rng, n_samples, n_features, dtype), rng.uniform(size=n_samples).astype(dtype)
    centers = rng.normal(size=(n_clusters, n_features)).astype(dtype)
    labels, sq_dists = cpu.kmeans.assign(X, centers)
    wanted, wanted_sq_dists = reference.kmeans.assign(X, centers)
    np.testing.assert_array_equal(labels, wanted)
    np.testing.assert_allclose(sq_dists, wanted_sq_dists, rtol=1e-4, atol=1e-5)
    for op, args in (
        ("update", (sample_weight, labels, n_clusters)),
        ("sq_dists", (centers, labels)),
        ("distances", (centers,)),
        ("seed", (sample_weight, 0, rng.uniform(size=(2, 4)))),
    ):
        got, want = getattr(cpu.kmeans, op)(X, *args), getattr(reference.kmeans, op)(X, *args)
        for g, w in zip(got, want) if isinstance(got, tuple) else ((got, want),):
            np.testing.assert_allclose(g, w, rtol=1e-4, atol=1e-5, err_msg=op)


def test_regroup_of_sparse_rows(rng, dtype):
    X, sample_weight = sparse(rng, 3000, 12, dtype), rng.uniform(size=3000).astype(dtype)
    centers, found, wanted = X[:9].toarray(), None, None
    for _ in range(12):
        found, wanted = (e.kmeans.regroup(X, sample_weight, centers, f) for e, f in ((cpu, found), (reference, wanted)))
        assert_same_clusters(cpu, X.toarray(), centers, found, wanted)
        centers = (wanted.sums / wanted.weight[:, None]).astype(dtype)
    assert found.state.n_examined < 3000
