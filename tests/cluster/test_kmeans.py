import pickle
import warnings
from itertools import pairwise

import numpy as np
import pytest
import sklearn.cluster
from scipy.sparse import csr_array
from sklearn.datasets import load_digits, make_blobs
from sklearn.exceptions import ConvergenceWarning

from ghostflow_learn import config_context
from ghostflow_learn.cluster import KMeans

PAIRS = np.array([[0.0, 0.0], [0.0, 1.0], [10.0, 0.0], [10.0, 1.0]])


@pytest.fixture
def blobs():
    return make_blobs(n_samples=1500, n_features=6, centers=12, cluster_std=2.5, random_state=3)[0]


def assert_same_model(ours, theirs, rtol=1e-9):
    assert ours.labels_.dtype == theirs.labels_.dtype
    assert ours.cluster_centers_.dtype == theirs.cluster_centers_.dtype
    np.testing.assert_array_equal(ours.labels_, theirs.labels_)
    np.testing.assert_allclose(ours.cluster_centers_, theirs.cluster_centers_, rtol=rtol, atol=rtol * 10)
    np.testing.assert_allclose(ours.inertia_, theirs.inertia_, rtol=max(rtol, 1e-9))
    assert ours.n_iter_ == theirs.n_iter_


def test_two_far_pairs_have_their_midpoints_for_centers():
    model = KMeans(2, random_state=0).fit(PAIRS)
    np.testing.assert_allclose(np.sort(model.cluster_centers_, axis=0), [[0.0, 0.5], [10.0, 0.5]])
    assert model.inertia_ == pytest.approx(1.0)


def test_one_cluster_is_the_weighted_mean(rng):
    X, sample_weight = rng.normal(size=(50, 3)), rng.uniform(size=50)
    model = KMeans(1).fit(X, sample_weight=sample_weight)
    np.testing.assert_allclose(model.cluster_centers_[0], np.average(X, axis=0, weights=sample_weight))
    assert model.inertia_ == pytest.approx((sample_weight[:, None] * (X - model.cluster_centers_) ** 2).sum())


def test_converged_centers_are_the_means_of_their_samples(blobs):
    model = KMeans(8, tol=0, random_state=0).fit(blobs)
    means = [blobs[model.labels_ == k].mean(axis=0) for k in range(8)]
    np.testing.assert_allclose(model.cluster_centers_, means, rtol=1e-10)
    np.testing.assert_array_equal(model.labels_, model.predict(blobs))


def test_inertia_never_increases_with_more_iterations(blobs):
    with warnings.catch_warnings():
        inertias = [KMeans(9, max_iter=m, tol=0, random_state=0).fit(blobs).inertia_ for m in (1, 2, 4, 8, 16)]
    assert all(later <= earlier for earlier, later in pairwise(inertias))


def test_a_weight_of_two_is_a_sample_that_is_there_twice(blobs, rng):
    weights = rng.integers(1, 4, size=len(blobs))
    weighted = KMeans(5, init=blobs[:5], n_init=1).fit(blobs, sample_weight=weights)
    repeated = KMeans(5, init=blobs[:5], n_init=1).fit(np.repeat(blobs, weights, axis=0))
    np.testing.assert_allclose(weighted.cluster_centers_, repeated.cluster_centers_, rtol=1e-10)
    assert weighted.inertia_ == pytest.approx(repeated.inertia_)


@pytest.mark.parametrize("algorithm", ["lloyd", "elkan"])
@pytest.mark.parametrize("init", ["k-means++", "random"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("container", [np.asarray, csr_array])
def test_the_same_seed_gives_the_model_of_scikit_learn(blobs, init, algorithm, dtype, container):
    X = container(np.where(np.abs(blobs) > 3, blobs, 0).astype(dtype))
    params = {"n_clusters": 7, "init": init, "n_init": 2, "algorithm": algorithm, "random_state": 5}
    ours, theirs = KMeans(**params).fit(X), sklearn.cluster.KMeans(**params).fit(X)
    assert_same_model(ours, theirs, rtol=1e-9 if dtype == "float64" else 1e-4)


def test_weights_and_digits_as_in_scikit_learn(rng):
    X = load_digits().data
    sample_weight = rng.uniform(size=len(X))
    ours = KMeans(20, random_state=1).fit(X, sample_weight=sample_weight)
    theirs = sklearn.cluster.KMeans(20, random_state=1).fit(X, sample_weight=sample_weight)
    assert_same_model(ours, theirs)
    np.testing.assert_allclose(ours.transform(X), theirs.transform(X), atol=1e-8)
    assert ours.score(X, sample_weight=sample_weight) == pytest.approx(theirs.score(X, sample_weight=sample_weight))
    assert list(ours.get_feature_names_out()) == list(theirs.get_feature_names_out())


def test_a_callable_gets_centered_data_as_in_scikit_learn(blobs):
    def init(X, n_clusters, random_state):
        assert np.abs(X.mean(axis=0)).max() < 1e-9
        return X[random_state.randint(len(X), size=n_clusters)]

    params = {"n_clusters": 4, "init": init, "random_state": 2}
    assert_same_model(KMeans(**params).fit(blobs + 50), sklearn.cluster.KMeans(**params).fit(blobs + 50))


@pytest.mark.parametrize("container", [np.asarray, csr_array])
def test_empty_clusters_move_to_far_samples_as_in_scikit_learn(blobs, container):
    X, init = container(blobs), np.vstack([blobs[:4], np.full((3, 6), 1e3)])
    ours = KMeans(7, init=init, n_init=1).fit(X)
    assert_same_model(ours, sklearn.cluster.KMeans(7, init=init, n_init=1).fit(X))
    assert len(np.unique(ours.labels_)) == 7


def test_far_from_the_origin_nothing_is_lost(blobs):
    near, far = (KMeans(6, random_state=0).fit(blobs + shift) for shift in (0.0, 1e6))
    np.testing.assert_array_equal(near.labels_, far.labels_)
    assert far.inertia_ == pytest.approx(near.inertia_, rel=1e-6)


def test_the_number_of_threads_changes_no_bit(rng):
    X = rng.normal(size=(40_000, 6))
    models = []
    for n_threads in (1, 3):
        with config_context(n_threads=n_threads):
            models.append(KMeans(12, random_state=0, max_iter=12).fit(X))
    np.testing.assert_array_equal(models[0].cluster_centers_, models[1].cluster_centers_)
    np.testing.assert_array_equal(models[0].labels_, models[1].labels_)
    assert models[0].inertia_ == models[1].inertia_


def test_fit_on_a_gpu_gives_the_model_of_the_cpu(on_gpu, blobs, dtype):
    X = blobs.astype(dtype)
    ours, gpu = KMeans(7, random_state=0).fit(X), KMeans(7, random_state=0).fit(on_gpu(X))
    assert isinstance(gpu.cluster_centers_, np.ndarray)
    assert isinstance(gpu.labels_, np.ndarray)
    assert_same_model(gpu, ours, rtol=1e-10 if dtype == "float64" else 1e-5)
    labels = gpu.predict(on_gpu(X[:50]))
    assert type(labels) is type(on_gpu(X))
    np.testing.assert_array_equal(labels.get(), ours.labels_[:50])
    np.testing.assert_allclose(gpu.transform(on_gpu(X)).get(), ours.transform(X), rtol=1e-4)
    assert gpu.score(on_gpu(X)) == pytest.approx(ours.score(X), rel=1e-5)


@pytest.mark.parametrize("init", ["random", "callable", "far"])
def test_each_start_on_a_gpu(on_gpu, blobs, init):
    starts = {"callable": lambda X, k, random_state: X[:k], "far": np.vstack([blobs[:3], np.full((2, 6), 1e3)])}
    params = {"n_clusters": 5, "init": starts.get(init, init), "random_state": 0, "n_init": 1}
    assert_same_model(KMeans(**params).fit(on_gpu(blobs)), KMeans(**params).fit(blobs))


def test_an_iteration_on_a_gpu_waits_once(on_gpu, counting, blobs):
    X, waits = on_gpu(blobs), []
    for max_iter in (4, 9):
        with counting() as events:
            KMeans(7, random_state=0, tol=0, max_iter=max_iter).fit(X)
        waits.append(events["sync"])
        assert events["d2h_bytes"] < 2 * blobs.nbytes
    assert waits[1] - waits[0] == 5


def test_as_many_clusters_as_samples():
    model = KMeans(4, random_state=0).fit(PAIRS)
    assert sorted(model.labels_) == [0, 1, 2, 3]
    assert model.inertia_ == 0


def test_one_sample_and_one_feature():
    model = KMeans(1).fit([[3.0]])
    assert model.cluster_centers_.tolist() == [[3.0]]
    assert model.labels_.tolist() == [0]


def test_a_constant_feature_changes_nothing(blobs):
    with_constant = KMeans(5, random_state=0).fit(np.c_[blobs, np.full(len(blobs), 1e5)])
    np.testing.assert_array_equal(with_constant.labels_, KMeans(5, random_state=0).fit(blobs).labels_)


@pytest.mark.parametrize("algorithm", ["lloyd", "elkan"])
def test_fewer_distinct_samples_than_clusters_warn(algorithm):
    X = np.array([[0, 0], [1, 1], [1, 1], [1, 0], [0, 1]])
    with pytest.warns(ConvergenceWarning, match=r"distinct clusters \(4\) found smaller than n_clusters \(5\)"):
        assert KMeans(5, init=X, algorithm=algorithm).fit(X).n_iter_ == 1


def test_data_are_neither_copied_nor_changed(blobs, tmp_path):
    np.save(tmp_path / "X.npy", blobs)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    want = KMeans(4, random_state=0).fit(blobs)
    before = blobs.copy()
    for X in (mapped, np.asfortranarray(blobs), blobs):
        assert_same_model(KMeans(4, random_state=0, copy_x=False).fit(X), want)
    np.testing.assert_array_equal(blobs, before)


@pytest.mark.parametrize("algorithm", ["lloyd", "elkan"])
@pytest.mark.parametrize("tol", [1e-2, 0])
def test_verbose_prints_the_lines_of_scikit_learn(blobs, capsys, algorithm, tol):
    params = {"n_clusters": 4, "algorithm": algorithm, "tol": tol, "random_state": 0, "verbose": 1}
    lines = []
    for cls in (KMeans, sklearn.cluster.KMeans):
        cls(**params).fit(blobs)
        lines.append(capsys.readouterr().out.splitlines())
    ours, theirs = lines
    assert len(ours) == len(theirs)
    for our, their in zip(ours, theirs):
        assert words(our) == words(their)


def words(line):
    """The line with its numbers at six digits."""
    out = []
    for word in line.split():
        number = word.rstrip(".,")
        try:
            out.append(f"{float(number):.6g}{word[len(number) :]}")
        except ValueError:
            out.append(word)
    return out


def test_a_model_survives_pickling(blobs):
    model = KMeans(4, random_state=0).fit(blobs)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(blobs), model.labels_)


@pytest.mark.parametrize(
    "params, message",
    [
        ({"n_clusters": 5}, r"n_samples=4 should be >= n_clusters=5\. Lower n_clusters\."),
        ({"n_clusters": 3, "init": PAIRS[:2]}, r"initial centers \(2, 2\) does not match the number of clusters 3"),
        (
            {"n_clusters": 2, "init": PAIRS[:2, :1]},
            r"initial centers \(2, 1\) does not match the number of features of the data 2",
        ),
        (
            {"n_clusters": 2, "init": lambda X, k, random_state: X[:1]},
            r"initial centers \(1, 2\) does not match the number of clusters 2",
        ),
        ({"n_clusters": 0}, "The 'n_clusters' parameter of KMeans must be an int in the range"),
        ({"algorithm": "full"}, "The 'algorithm' parameter of KMeans must be a str among"),
    ],
)
def test_wrong_parameters_say_what_is_wrong(params, message):
    with pytest.raises(ValueError, match=message):
        KMeans(**params).fit(PAIRS)


@pytest.mark.parametrize(
    "X, message",
    [
        (np.array([[np.nan, 1.0], [1.0, 2.0]]), "Input X contains NaN"),
        (np.array([[np.inf, 1.0], [1.0, 2.0]]), "Input X contains infinity"),
        (np.zeros((0, 2)), r"Found array with 0 sample\(s\)"),
        (np.arange(4.0), "Expected 2D array, got 1D array instead"),
        (np.array([["a", "b"], ["c", "d"]]), "could not convert string to float"),
        (np.array([[1j, 2.0], [1.0, 2.0]]), "Complex data not supported"),
    ],
)
def test_bad_data_are_refused(X, message):
    with pytest.raises(ValueError, match=message):
        KMeans(2).fit(X)


def test_bad_weights_are_refused():
    with pytest.raises(ValueError, match="at least one non-zero"):
        KMeans(2).fit(PAIRS, sample_weight=np.zeros(4))
    with pytest.raises(ValueError, match="non-negative"):
        KMeans(2).fit(PAIRS, sample_weight=[1, 1, -1, 1])


def test_another_number_of_features_is_refused():
    with pytest.raises(ValueError, match="X has 3 features, but KMeans is expecting 2 features"):
        KMeans(2, random_state=0).fit(PAIRS).predict(np.zeros((1, 3)))


def test_an_array_of_centers_is_run_once_with_a_warning():
    with pytest.warns(RuntimeWarning, match="performing only one init in KMeans instead of n_init=3"):
        KMeans(2, init=PAIRS[:2], n_init=3).fit(PAIRS)


def test_elkan_warns_of_a_single_cluster():
    with pytest.warns(RuntimeWarning, match="doesn't make sense for a single cluster"):
        KMeans(1, algorithm="elkan").fit(PAIRS)


def test_an_interrupted_fit_leaves_the_process_usable(blobs, monkeypatch):
    from ghostflow_learn._engine.cpu import kmeans

    def interrupt(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(kmeans, "_regroup", interrupt)
        with pytest.raises(KeyboardInterrupt):
            KMeans(4, random_state=0).fit(blobs)
    assert KMeans(4, random_state=0).fit(blobs).n_iter_ > 1
