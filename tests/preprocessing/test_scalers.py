import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import sklearn.preprocessing
from sklearn.base import clone

from ghostflow_learn import config_context, preprocessing
from ghostflow_learn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler

DENSE = [
    StandardScaler(),
    StandardScaler(with_mean=False),
    StandardScaler(with_std=False),
    StandardScaler(with_mean=False, with_std=False),
    MinMaxScaler(),
    MinMaxScaler((-2, 3), clip=True),
    MaxAbsScaler(),
    MaxAbsScaler(clip=True),
    RobustScaler(),
    RobustScaler(with_centering=False, quantile_range=(10, 60)),
    RobustScaler(with_scaling=False),
    RobustScaler(quantile_range=(50, 95), unit_variance=True),
]
SPARSE = [
    StandardScaler(with_mean=False),
    StandardScaler(with_mean=False, with_std=False),
    MaxAbsScaler(),
    MaxAbsScaler(clip=True),
    RobustScaler(with_centering=False),
]
ALL = [StandardScaler(), MinMaxScaler(), MaxAbsScaler(), RobustScaler()]

over_dense = pytest.mark.parametrize("scaler", DENSE, ids=str)
over_sparse = pytest.mark.parametrize("scaler", SPARSE, ids=str)
over_all = pytest.mark.parametrize("scaler", ALL, ids=str)


def theirs(scaler):
    """Scikit-learn's scaler with the same parameters."""
    return getattr(sklearn.preprocessing, type(scaler).__name__)(**scaler.get_params())


def assert_same_model(ours, reference, dtype):
    """Every fitted attribute has scikit-learn's type, dtype, shape and value."""
    names = {name for name in vars(reference) if name.endswith("_")}
    assert names == {name for name in vars(ours) if name.endswith("_")}
    for name in names:
        got, want = getattr(ours, name), getattr(reference, name)
        assert type(got) is type(want), name
        assert getattr(got, "dtype", None) == getattr(want, "dtype", None), name
        if want is not None:
            rtol = 1e-5 if dtype == np.float32 else 1e-11
            np.testing.assert_allclose(got, want, rtol=rtol, atol=rtol, err_msg=name)


@pytest.fixture(params=["plain", "nan"])
def X(request, rng, dtype):
    X = rng.normal([0, 5, -3], [1, 2, 10], size=(200, 3))
    if request.param == "nan":
        X[rng.uniform(size=X.shape) < 0.1] = np.nan
    return X.astype(dtype)


# ------------------------------------------------------------------------------------------------ closed form


def test_standard_scaler_gives_mean_0_and_variance_1(X):
    out = StandardScaler().fit_transform(X).astype(np.float64)
    np.testing.assert_allclose(np.nanmean(out, axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(np.nanvar(out, axis=0), 1, rtol=1e-5)


def test_min_max_scaler_puts_the_extremes_on_the_bounds(X):
    out = MinMaxScaler((-1, 2)).fit_transform(X)
    np.testing.assert_allclose([np.nanmin(out, axis=0), np.nanmax(out, axis=0)], [[-1] * 3, [2] * 3], rtol=1e-6)


def test_max_abs_scaler_gives_1_for_the_largest(X):
    assert np.nanmax(np.abs(MaxAbsScaler().fit_transform(X)), axis=0).tolist() == [1, 1, 1]


def test_robust_scaler_gives_median_0_and_quartile_distance_1(X):
    out = RobustScaler().fit_transform(X).astype(np.float64)
    low, median, high = np.nanquantile(out, [0.25, 0.5, 0.75], axis=0)
    np.testing.assert_allclose(median, 0, atol=1e-6)
    np.testing.assert_allclose(high - low, 1, rtol=1e-5)


# ------------------------------------------------------------------------------------------------ invariance


@over_dense
def test_inverse_transform_brings_the_data_back(scaler, X):
    scaler = clone(scaler).fit(X)
    np.testing.assert_allclose(scaler.inverse_transform(scaler.transform(X)), X, rtol=1e-5, atol=1e-5)


def test_weight_two_is_the_sample_twice(X, rng):
    weight = rng.integers(1, 3, size=len(X))
    weighted = StandardScaler().fit(X, sample_weight=weight)
    repeated = StandardScaler().fit(np.repeat(X, weight, axis=0))
    np.testing.assert_allclose(weighted.mean_, repeated.mean_, rtol=1e-12)
    np.testing.assert_allclose(weighted.var_, repeated.var_, rtol=1e-12)


@pytest.mark.parametrize("scaler", [s for s in DENSE if hasattr(s, "partial_fit")], ids=str)
def test_partial_fit_in_batches_is_fit(scaler, X):
    whole, parts = clone(scaler).fit(X), clone(scaler)
    for batch in (X[:1], X[1:50], X[50:]):
        parts.partial_fit(batch)
    assert_same_model(parts, whole, X.dtype)


@over_dense
def test_order_of_memory_does_not_matter(scaler, X):
    c, f = clone(scaler).fit(X), clone(scaler).fit(np.asfortranarray(X))
    np.testing.assert_array_equal(f.transform(np.asfortranarray(X)), c.transform(X))


def test_same_bits_at_any_number_of_threads(rng):
    X, models = rng.normal(size=(100_000, 5)), []
    for n_threads in (1, 3):
        with config_context(n_threads=n_threads):
            models.append([clone(scaler).fit(X) for scaler in ALL])
    for one, three in zip(*models):
        np.testing.assert_array_equal(one.scale_, three.scale_)
        np.testing.assert_array_equal(one.transform(X), three.transform(X))


# ------------------------------------------------------------------------------------------------ as scikit-learn


@over_dense
def test_dense_agrees_with_scikit_learn(scaler, X, rng):
    ours, reference = clone(scaler).fit(X), theirs(scaler).fit(X)
    assert_same_model(ours, reference, X.dtype)
    new = rng.normal(size=(20, 3)).astype(X.dtype)
    for method in ("transform", "inverse_transform"):
        got, want = getattr(ours, method)(new), getattr(reference, method)(new)
        assert got.dtype == want.dtype
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("scaler", DENSE[:4] + SPARSE[:2], ids=str)
def test_weighted_batches_agree_with_scikit_learn(scaler, X, rng):
    weight = rng.uniform(size=len(X))
    data = sp.csr_array(X) if not scaler.with_mean else X
    ours = clone(scaler).fit(data, sample_weight=weight).partial_fit(data[:50], sample_weight=weight[:50])
    reference = theirs(scaler).fit(data, sample_weight=weight).partial_fit(data[:50], sample_weight=weight[:50])
    assert_same_model(ours, reference, X.dtype)


@over_sparse
@pytest.mark.parametrize("container", [sp.csr_array, sp.csc_array, sp.csr_matrix, sp.coo_array])
def test_sparse_agrees_with_scikit_learn(scaler, X, container):
    X[np.abs(X) < 3] = 0
    data = container(X)
    ours, reference = clone(scaler).fit(data), theirs(scaler).fit(data)
    assert_same_model(ours, reference, X.dtype)
    for method in ("transform", "inverse_transform"):
        got, want = getattr(ours, method)(data), getattr(reference, method)(data)
        assert type(got) is type(want)
        np.testing.assert_allclose(got.toarray(), want.toarray(), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(data.toarray(), X)


@over_all
def test_float16_comes_back_as_float16(scaler, rng):
    X = rng.normal(size=(30, 2)).astype(np.float16)
    out = clone(scaler).fit_transform(X)
    assert out.dtype == np.float16
    np.testing.assert_allclose(out, theirs(scaler).fit_transform(X), atol=0.02)


@over_all
def test_float32_data_far_from_zero_keeps_its_spread(scaler, rng):
    X = (rng.normal(size=(50_000, 1)) + 4096).astype(np.float32)
    np.testing.assert_allclose(clone(scaler).fit(X).scale_, theirs(scaler).fit(X.astype(np.float64)).scale_, rtol=1e-5)


# ------------------------------------------------------------------------------------------------ edges


@over_all
def test_constant_features_are_not_divided_by_zero(scaler):
    X = np.column_stack([np.full(100, 0.1), np.zeros(100), np.full(100, -1e9)])
    np.testing.assert_allclose(clone(scaler).fit_transform(X), theirs(scaler).fit_transform(X), atol=1e-12)


@over_all
def test_one_sample(scaler):
    X = np.array([[1.0, -2.0]])
    np.testing.assert_array_equal(clone(scaler).fit_transform(X), theirs(scaler).fit_transform(X))


@over_all
def test_a_feature_of_nan_alone_stays_nan(scaler):
    X = np.array([[np.nan, 1.0], [np.nan, 3.0]])
    out = clone(scaler).fit_transform(X)
    assert np.isnan(out[:, 0]).all()
    assert np.isfinite(out[:, 1]).all()


def test_a_batch_without_values_of_a_feature_changes_nothing(rng):
    X = rng.normal(size=(50, 2))
    missing = np.column_stack([np.full(10, np.nan), rng.normal(size=10)])
    before = StandardScaler().fit(X)
    for batches in ((X, missing), (missing, X)):
        scaler = StandardScaler()
        for batch in batches:
            scaler.partial_fit(batch)
        np.testing.assert_allclose([scaler.mean_[0], scaler.var_[0]], [before.mean_[0], before.var_[0]], rtol=1e-12)


@over_all
@pytest.mark.parametrize("order", ["C", "F"])
def test_copy_decides_whether_the_data_changes(scaler, rng, order):
    X = np.array(rng.normal(2, size=(50, 3)), order=order)
    before = X.copy()
    out = clone(scaler).fit(X).transform(X)
    np.testing.assert_array_equal(X, before)
    in_place = clone(scaler).set_params(copy=False).fit(X)
    assert in_place.transform(X) is X
    np.testing.assert_array_equal(X, out)
    in_place.inverse_transform(X)
    np.testing.assert_allclose(X, before, rtol=1e-12)


@over_all
def test_read_only_data_is_scaled_on_a_copy(scaler, rng, tmp_path):
    np.save(tmp_path / "X.npy", rng.normal(size=(50, 3)))
    X = np.load(tmp_path / "X.npy", mmap_mode="r")
    out = clone(scaler).set_params(copy=False).fit_transform(X)
    np.testing.assert_array_equal(out, clone(scaler).fit_transform(np.array(X)))


# ------------------------------------------------------------------------------------------------ containers, messages


@over_all
@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_output_in_a_frame_has_the_names_of_the_input(scaler, rng, container):
    pytest.importorskip(container)
    X = pd.DataFrame(rng.normal(size=(20, 2)), columns=["a", "b"])
    out = clone(scaler).set_output(transform=container).fit_transform(X)
    assert type(out).__module__.partition(".")[0] == container
    assert list(out.columns) == ["a", "b"]
    np.testing.assert_array_equal(out.to_numpy(), clone(scaler).fit_transform(X.to_numpy()))


BAD = {
    "another number of features": ("transform", np.ones((2, 5))),
    "infinity": ("fit", np.array([[np.inf, 1.0], [0.0, 1.0]])),
    "no samples": ("fit", np.ones((0, 3))),
    "one dimension": ("fit", np.arange(5.0)),
    "complex": ("fit", np.ones((3, 2), dtype=complex)),
    "text": ("fit", np.array([["a", "b"]])),
}


@over_all
@pytest.mark.parametrize("what", BAD)
def test_bad_data_is_refused_in_scikit_learns_words(scaler, what):
    method, bad = BAD[what]
    good, errors = np.arange(6.0).reshape(3, 2), []
    for model in (clone(scaler), theirs(scaler)):
        with pytest.raises(ValueError) as error:
            getattr(model.fit(good), method)(bad)
        errors.append(str(error.value))
    assert errors[0] == errors[1]


@pytest.mark.parametrize(
    "scaler, X",
    [
        (StandardScaler(), sp.csr_array(np.eye(3))),
        (RobustScaler(), sp.csr_array(np.eye(3))),
        (MinMaxScaler(), sp.csr_array(np.eye(3))),
        (MinMaxScaler((1, 0)), np.eye(3)),
        (MinMaxScaler([0, 1]), np.eye(3)),
        (RobustScaler(quantile_range=(75, 25)), np.eye(3)),
        (StandardScaler(copy="yes"), np.eye(3)),
    ],
    ids=str,
)
def test_bad_parameters_are_refused_in_scikit_learns_words(scaler, X):
    errors = []
    for model in (scaler, theirs(scaler)):
        with pytest.raises((ValueError, TypeError)) as error:
            model.fit(X)
        errors.append(str(error.value))
    assert errors[0] == errors[1]


@over_all
def test_inverse_transform_refuses_another_number_of_features(scaler):
    with pytest.raises(ValueError, match=r"X has 3 features, but \w+ is expecting 2 features"):
        clone(scaler).fit(np.eye(2)).inverse_transform(np.eye(3))


def test_all_weights_zero_or_one_missing_are_refused():
    for weight in (np.zeros(3), np.ones(2), [1.0, np.nan, 1.0]):
        with pytest.raises(ValueError, match="weight"):
            StandardScaler().fit(np.eye(3), sample_weight=weight)


def test_callbacks_hear_of_the_fit():
    pytest.importorskip("sklearn.callback")
    heard = []

    class Listener:
        def setup(self, estimator, context):
            heard.append("setup")

        def on_fit_task_begin(self, *args, **kwargs):
            heard.append("begin")

        def on_fit_task_end(self, *args, **kwargs):
            heard.append("end")

        def teardown(self, estimator, context):
            heard.append("teardown")

    scalers = [
        scaler.set_callbacks(Listener()) for scaler in (preprocessing.StandardScaler(), theirs(StandardScaler()))
    ]
    for scaler in scalers:
        scaler.fit(np.eye(3))
    assert heard == ["setup", "begin", "end", "teardown"] * 2


# ------------------------------------------------------------------------------------------------ on a GPU


@over_dense
def test_gpu_agrees_with_the_cpu_and_stays_there(scaler, X, on_gpu):
    data = on_gpu(X)
    there, here = clone(scaler).fit(data), clone(scaler).fit(X)
    assert_same_model(there, here, X.dtype)
    for method in ("transform", "inverse_transform"):
        out = getattr(there, method)(data)
        assert type(out) is type(data)
        np.testing.assert_allclose(out.get(), getattr(here, method)(X), rtol=1e-5, atol=1e-5)


@over_all
def test_nothing_as_large_as_the_data_leaves_the_gpu(scaler, rng, on_gpu, counting):
    X = on_gpu(rng.normal(size=(3000, 8)))
    with counting() as events:
        clone(scaler).fit(X).transform(X)
    assert events["d2h_bytes"] + events["h2d_bytes"] < X.nbytes / 50
    assert events["host_iter"] == 0


@over_all
def test_a_model_of_the_gpu_works_on_the_cpu(scaler, X, on_gpu):
    model = clone(scaler).fit(on_gpu(X))
    np.testing.assert_allclose(model.transform(X), clone(scaler).fit_transform(X), rtol=1e-5, atol=1e-6)


@over_all
def test_the_reference_gives_the_same_answers(scaler, X):
    with config_context(device="reference"):
        out = clone(scaler).fit_transform(X)
    np.testing.assert_allclose(out, clone(scaler).fit_transform(X), rtol=1e-5, atol=1e-6)
