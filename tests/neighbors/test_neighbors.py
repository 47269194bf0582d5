import gzip
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sklearn.neighbors
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.metrics import pairwise_distances
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

import ghostflow_learn
from ghostflow_learn import config_context, patch_sklearn
from ghostflow_learn.neighbors import (
    KNeighborsClassifier,
    KNeighborsRegressor,
    KNeighborsTransformer,
    NearestNeighbors,
)

DATA = Path(__file__).parents[3] / "shared" / "data"
ESTIMATORS = [KNeighborsClassifier, KNeighborsRegressor, KNeighborsTransformer, NearestNeighbors]
every_estimator = pytest.mark.parametrize("ours", ESTIMATORS, ids=lambda cls: cls.__name__)
METRICS = [
    ("euclidean", {}),
    ("manhattan", {}),
    ("chebyshev", {}),
    ("minkowski", {"p": 3}),
    ("minkowski", {"p": 2, "metric_params": {"w": np.array([1.0, 2.0, 0.5])}}),
    ("cosine", {}),
    ("correlation", {}),
    ("hamming", {}),
    ("seuclidean", {"metric_params": {"V": np.array([1.0, 2.0, 3.0])}}),
    ("mahalanobis", {"metric_params": {"VI": np.diag([1.0, 2.0, 3.0])}}),
]
metrics = pytest.mark.parametrize(
    "metric, params", METRICS, ids=[f"{metric}_{'_'.join(params)}".rstrip("_") for metric, params in METRICS]
)


@pytest.fixture
def data(rng):
    """X, queries, classes, targets."""
    X = rng.normal(size=(120, 3))
    return X, rng.normal(size=(40, 3)), (X[:, 0] > 0).astype(int) + (X[:, 1] > 1), X @ [1.0, -2.0, 0.5]


def theirs(ours):
    return getattr(sklearn.neighbors, ours.__name__)


def test_neighbours_on_a_line_are_those_on_each_side():
    neighbors = NearestNeighbors(n_neighbors=3).fit(np.arange(10.0)[:, None])
    dists, indices = neighbors.kneighbors([[4.2]])
    np.testing.assert_allclose(dists, [[0.2, 0.8, 1.2]])
    assert indices.tolist() == [[4, 5, 3]]
    assert neighbors.kneighbors(n_neighbors=2, return_distance=False)[[0, 5, 9]].tolist() == [[1, 2], [4, 6], [8, 7]]


@pytest.mark.parametrize("algorithm", ["brute", "kd_tree", "ball_tree"])
def test_of_duplicates_the_first_come_first_and_none_is_its_own_neighbour(algorithm):
    X = np.repeat([[0.0, 0.0], [1.0, 0.0]], 50, axis=0)
    neighbors = NearestNeighbors(n_neighbors=3, algorithm=algorithm, leaf_size=5).fit(X)
    assert neighbors.kneighbors([[0.1, 0.0], [0.9, 0.0]], return_distance=False).tolist() == [[0, 1, 2], [50, 51, 52]]
    indices = neighbors.kneighbors(return_distance=False)
    assert (indices != np.arange(100)[:, None]).all()
    np.testing.assert_array_equal(X[indices], X[:, None, :].repeat(3, axis=1))


@metrics
def test_every_metric_finds_scikit_learns_neighbours(data, metric, params):
    X, queries, _, _ = data
    ours, peer = (cls(metric=metric, **params).fit(X) for cls in (NearestNeighbors, theirs(NearestNeighbors)))
    for got, want in zip(ours.kneighbors(queries), peer.kneighbors(queries)):
        np.testing.assert_allclose(got, want, rtol=1e-9)
    assert abs(ours.kneighbors_graph(mode="distance") - peer.kneighbors_graph(mode="distance")).max() < 1e-9
    dists, indices = ours.radius_neighbors(queries, 0.7, sort_results=True)
    for got, want in zip((dists, indices), peer.radius_neighbors(queries, 0.7, sort_results=True)):
        for of_ours, of_peer in zip(got, want):
            np.testing.assert_allclose(of_ours, of_peer, rtol=1e-9)


@pytest.mark.parametrize("weights", ["uniform", "distance", lambda dists: np.exp(-dists)], ids=["same", "near", "call"])
@pytest.mark.parametrize("algorithm", ["brute", "kd_tree"])
def test_predictions_are_scikit_learns(data, weights, algorithm):
    X, queries, classes, targets = data
    queries[0] = X[7]  # at distance 0
    params = {"n_neighbors": 7, "weights": weights, "algorithm": algorithm}
    for y in classes, np.array(["no", "yes", "so"])[classes], np.c_[classes, classes > 0]:
        ours, peer = (cls(**params).fit(X, y) for cls in (KNeighborsClassifier, theirs(KNeighborsClassifier)))
        np.testing.assert_array_equal(ours.predict(queries), peer.predict(queries))
        np.testing.assert_array_equal(ours.predict(None), peer.predict(None))
        for got, want in zip(ours.predict_proba(queries), peer.predict_proba(queries)):
            np.testing.assert_allclose(got, want)
        assert y.ndim == 2 or ours.score(None, y) == peer.score(None, y)
    for y in targets, np.c_[targets, -targets], targets.astype(np.float32), (10 * targets).astype(int):
        ours, peer = (cls(**params).fit(X, y) for cls in (KNeighborsRegressor, theirs(KNeighborsRegressor)))
        np.testing.assert_allclose(ours.predict(queries), peer.predict(queries), rtol=1e-6)
        assert ours.predict(queries).dtype == peer.predict(queries).dtype


def test_a_tie_of_votes_goes_to_the_first_class():
    model = KNeighborsClassifier(n_neighbors=2).fit([[0.0], [1.0]], ["b", "a"])
    assert model.predict([[0.4]]) == ["a"]


def test_handwritten_digits_are_recognised():
    images, labels = (DATA / f"mnist10k-{name}.gz" for name in ("images-idx3-ubyte", "labels-idx1-ubyte"))
    if not images.exists():
        pytest.skip("the digits are not here")
    X = np.frombuffer(gzip.decompress(images.read_bytes()), np.uint8, offset=16).reshape(-1, 784).astype(np.float32)
    y = np.frombuffer(gzip.decompress(labels.read_bytes()), np.uint8, offset=8)
    model = KNeighborsClassifier(3).fit(X[:5000], y[:5000])
    peer = theirs(KNeighborsClassifier)(3).fit(X[:5000], y[:5000])
    assert model.score(X[5000:6000], y[5000:6000]) > 0.93
    np.testing.assert_array_equal(model.predict(X[5000:6000]), peer.predict(X[5000:6000]))


def test_a_precomputed_matrix_gives_what_its_data_give(data):
    X, queries, y, _ = data
    model = KNeighborsClassifier(metric="precomputed").fit(pairwise_distances(X), y)
    direct = KNeighborsClassifier().fit(X, y)
    np.testing.assert_array_equal(model.predict(pairwise_distances(queries, X)), direct.predict(queries))
    graph = KNeighborsTransformer(n_neighbors=20).fit(X)
    chained = KNeighborsClassifier(metric="precomputed").fit(graph.transform(X), y)
    np.testing.assert_array_equal(chained.predict(graph.transform(queries)), direct.predict(queries))


def test_the_metric_may_be_a_callable_and_missing_values_may_have_one(data):
    X, queries, _, _ = data
    by_call = NearestNeighbors(metric=lambda a, b: np.abs(a - b).sum()).fit(X)
    by_name = NearestNeighbors(metric="manhattan").fit(X)
    np.testing.assert_array_equal(by_call.kneighbors(queries)[1], by_name.kneighbors(queries)[1])
    X[0, 0] = np.nan
    assert NearestNeighbors(metric="nan_euclidean").fit(X).kneighbors(X[:1], 1)[1] == [[0]]
    with pytest.raises(ValueError, match="Input X contains NaN"):
        NearestNeighbors().fit(X)


def test_sparse_data_frames_and_float32_find_the_same(data):
    X, queries, _, _ = data
    want = NearestNeighbors().fit(X).kneighbors(queries)[1]
    np.testing.assert_array_equal(NearestNeighbors().fit(csr_array(X)).kneighbors(csr_array(queries))[1], want)
    frame = NearestNeighbors().fit(pd.DataFrame(X, columns=["a", "b", "c"]))
    assert frame.feature_names_in_.tolist() == ["a", "b", "c"]
    np.testing.assert_array_equal(frame.kneighbors(pd.DataFrame(queries, columns=["a", "b", "c"]))[1], want)
    single = NearestNeighbors().fit(X.astype(np.float32))
    np.testing.assert_array_equal(single.kneighbors(queries.astype(np.float32))[1], want)


def test_a_fitted_search_or_tree_may_stand_for_the_data(data):
    X, queries, y, _ = data
    want = KNeighborsClassifier(metric="manhattan").fit(X, y).predict(queries)
    tree = sklearn.neighbors.KDTree(X, metric="manhattan")
    for stands_in in tree, NearestNeighbors(metric="manhattan").fit(X):
        np.testing.assert_array_equal(KNeighborsClassifier(metric="manhattan").fit(stands_in, y).predict(queries), want)
    np.testing.assert_array_equal(KNeighborsClassifier().fit(tree, y).predict(queries), want)  # the tree's own metric


@every_estimator
def test_a_pickle_holds_the_data_once(ours, rng):
    X, y = rng.normal(size=(3000, 8)), rng.integers(2, size=3000)
    model = ours().fit(X, y)
    model.kneighbors(X[:5])
    dumped = pickle.dumps(model)
    assert len(dumped) < 1.5 * X.nbytes
    with patch_sklearn():
        again = pickle.loads(dumped)
    np.testing.assert_array_equal(again.kneighbors(X[:20])[1], model.kneighbors(X[:20])[1])
    assert not hasattr(clone(model), "n_samples_fit_")


def test_a_search_over_neighbours_uses_one_graph_for_all(data):
    X, _, y, _ = data
    graph = KNeighborsTransformer(n_neighbors=15, mode="distance")
    search = GridSearchCV(
        make_pipeline(graph, KNeighborsClassifier(metric="precomputed")),
        {"kneighborsclassifier__n_neighbors": [1, 5, 15]},
        cv=3,
    )
    direct = GridSearchCV(KNeighborsClassifier(), {"n_neighbors": [1, 5, 15]}, cv=3)
    scores = [s.fit(X, y).cv_results_["mean_test_score"] for s in (search, direct)]
    np.testing.assert_array_equal(*scores)


@pytest.mark.parametrize("weights", ["uniform", "distance"])
def test_on_a_gpu_it_predicts_what_it_predicts_on_the_cpu(on_gpu, data, dtype, weights):
    X, queries, y, targets = (array.astype(dtype) if array.dtype.kind == "f" else array for array in data)
    for cls, target in (KNeighborsClassifier, y), (KNeighborsRegressor, targets):
        cpu, gpu = cls(weights=weights).fit(X, target), cls(weights=weights).fit(on_gpu(X), on_gpu(target))
        assert isinstance(gpu._fit_X, np.ndarray)
        answer = gpu.predict(on_gpu(queries))
        assert type(answer) is type(on_gpu(X))
        np.testing.assert_allclose(answer.get(), cpu.predict(queries), rtol=1e-4, atol=1e-5)
        for got, want in zip(gpu.kneighbors(on_gpu(queries)), cpu.kneighbors(queries)):
            np.testing.assert_allclose(got.get(), want, rtol=1e-4, atol=1e-5)
    proba = KNeighborsClassifier(weights=weights).fit(X, y).predict_proba(on_gpu(queries))
    assert type(proba) is type(on_gpu(X))


def test_on_a_gpu_a_metric_without_a_kernel_goes_through_the_cpu_and_says_so(on_gpu, data):
    X, queries, _, _ = data
    model = NearestNeighbors(metric="cosine").fit(X)
    want = model.kneighbors(queries)[1]
    with (
        config_context(device="cuda", fallback="warn"),
        pytest.warns(RuntimeWarning, match="metric='cosine' has no CUDA"),
    ):
        indices = model.kneighbors(on_gpu(queries))[1]
    np.testing.assert_array_equal(indices.get(), want)
    with config_context(device="cuda", fallback="raise"):
        with pytest.raises(NotImplementedError, match="metric='cosine' has no CUDA kernel"):
            model.kneighbors(queries)
        with pytest.raises(NotImplementedError, match=r"neighbors.grow has no CUDA kernel"):
            NearestNeighbors(algorithm="kd_tree").fit(X)
        NearestNeighbors().fit(X).kneighbors(queries)  # "auto" compares with all


@every_estimator
@pytest.mark.parametrize(
    "params, message",
    [
        ({"n_neighbors": 0}, "The 'n_neighbors' parameter"),
        ({"metric": "nonsense"}, "The 'metric' parameter"),
        ({"metric": "cosine", "algorithm": "kd_tree"}, "Metric 'cosine' not valid"),
        ({"metric": "mahalanobis"}, "(?i)V"),
        ({"metric": "precomputed"}, "Precomputed matrix must be square. Input is a 120x3 matrix"),
    ],
    ids=["no_neighbours", "no_metric", "no_such_tree", "a_parameter_is_missing", "not_square"],
)
def test_what_cannot_be_fitted_is_named(ours, data, params, message):
    X, queries, y, _ = data
    with pytest.raises((ValueError, TypeError), match=message):
        ours(**params).fit(np.abs(X), y).kneighbors(queries)


def test_what_cannot_be_asked_is_named(data):
    X, queries, y, _ = data
    model = NearestNeighbors().fit(X)
    with pytest.raises(ValueError, match="Expected n_neighbors <= n_samples_fit, but n_neighbors = 121, n_samples_fit"):
        model.kneighbors(queries, 121)
    with pytest.raises(ValueError, match="Expected n_neighbors < n_samples_fit, but n_neighbors = 120"):
        model.kneighbors(n_neighbors=120)
    with pytest.raises(TypeError, match="enter integer value"):
        model.kneighbors(queries, 2.5)
    with pytest.raises(ValueError, match="Unsupported mode"):
        model.kneighbors_graph(queries, mode="both")
    with pytest.raises(ValueError, match="return_distance must be True if sort_results is True"):
        model.radius_neighbors(queries, return_distance=False, sort_results=True)
    with pytest.raises(ValueError, match="X has 2 features, but NearestNeighbors is expecting 3"):
        model.kneighbors(queries[:, :2])
    negative = NearestNeighbors(metric="precomputed").fit(pairwise_distances(X))
    with pytest.raises(ValueError, match="Negative values in data"):
        negative.kneighbors(-pairwise_distances(queries, X))
    with pytest.raises(ValueError, match="All neighbors of some sample is getting zero weights"):
        KNeighborsClassifier(weights=np.zeros_like).fit(X, y).predict(queries)


def test_scikit_learns_functions_take_ours(data):
    X, _, _, _ = data
    graph = sklearn.neighbors.kneighbors_graph(NearestNeighbors(n_neighbors=4).fit(X), 4)
    assert (graph != NearestNeighbors(n_neighbors=4).fit(X).kneighbors_graph()).nnz == 0
    assert ghostflow_learn.is_native(NearestNeighbors)
