"""What every estimator takes and what it refuses in scikit-learn's words, shown on GaussianNB and the scalers."""

import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import sklearn
import sklearn.naive_bayes
import sklearn.preprocessing
from sklearn.pipeline import make_pipeline
from sklearn.utils import get_tags

from ghostflow_learn.naive_bayes import GaussianNB
from ghostflow_learn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler

NAMES = ["a", "b", "c"]
PAIRS = [(GaussianNB, sklearn.naive_bayes.GaussianNB)] + [
    (ours, getattr(sklearn.preprocessing, ours.__name__))
    for ours in (StandardScaler, MinMaxScaler, MaxAbsScaler, RobustScaler)
]


@pytest.fixture
def X(rng):
    """Small whole numbers, which every dtype holds."""
    return rng.integers(0, 100, size=(60, 3)).astype(np.float64)


@pytest.fixture
def y(X):
    return (X[:, 0] + X[:, 1] > 100).astype(int)


# ------------------------------------------------------------------------------------------------ what is taken


def read_only(X):
    X = X.copy()
    X.flags.writeable = False
    return X


def frame(X, dtype):
    return pd.DataFrame(X, columns=NAMES).astype(dtype)


def polars(X):
    return pytest.importorskip("polars").DataFrame(X, schema=NAMES)


CONTAINERS = {
    "C order": np.ascontiguousarray,
    "Fortran order": np.asfortranarray,
    "every other column": lambda X: np.repeat(X, 2, axis=1)[:, ::2],
    "backwards": lambda X: X[::-1, ::-1],
    "read-only": read_only,
    "big-endian": lambda X: X.astype(">f8"),
    "big-endian integers": lambda X: X.astype(">i4"),
    "float16": lambda X: X.astype(np.float16),
    "float32": lambda X: X.astype(np.float32),
    "int8": lambda X: X.astype(np.int8),
    "uint64": lambda X: X.astype(np.uint64),
    "huge integers": lambda X: X.astype(np.int64) * 2**55,
    "bool": lambda X: X > 50,
    "objects": lambda X: X.astype(object),
    "lists": lambda X: X.tolist(),
    "tuples": lambda X: tuple(map(tuple, X.tolist())),
    "frame": lambda X: frame(X, "float64"),
    "mixed frame": lambda X: frame(X, {"a": "int32", "b": "float32", "c": "uint8"}),
    "nullable Int64": lambda X: frame(X, "Int64"),
    "nullable Float32": lambda X: frame(X, "Float32"),
    "nullable boolean": lambda X: frame(X > 50, "boolean"),
    "categorical of numbers": lambda X: frame(X, "category"),
    "frame of objects": lambda X: frame(X, object),
    "polars": polars,
}


@pytest.mark.parametrize("ours, theirs", PAIRS)
@pytest.mark.parametrize("container", CONTAINERS)
def test_any_container_gives_what_it_gives_in_scikit_learn(ours, theirs, container, X, y):
    data = CONTAINERS[container](X)
    with np.errstate(over="ignore", invalid="ignore"):  # scikit-learn computes float16 in float16
        model, reference = ours().fit(data, y), theirs().fit(data, y)
        method = "predict" if ours is GaussianNB else "transform"
        got, want = getattr(model, method)(data), getattr(reference, method)(data)
    assert type(got) is type(want)
    assert got.dtype == want.dtype
    if container == "float16":
        assert (np.abs(got - want) < 0.02).mean() > 0.9
    else:
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)
    assert model.n_features_in_ == 3
    assert getattr(model, "feature_names_in_", None) is None or list(model.feature_names_in_) == NAMES
    assert hasattr(model, "feature_names_in_") == hasattr(reference, "feature_names_in_")


@pytest.mark.parametrize("form", ["csr", "csc", "coo", "lil"])
@pytest.mark.parametrize("kind", ["array", "matrix"])
def test_sparse_is_taken_where_scikit_learn_takes_it_and_refused_in_its_words(X, y, form, kind):
    data = getattr(sp, f"{form}_{kind}")(X)
    got, want = (cls(with_mean=False).fit_transform(data) for cls in PAIRS[1])
    assert type(got) is type(want)
    np.testing.assert_allclose(got.toarray(), want.toarray(), rtol=1e-12)
    assert_refused_alike(GaussianNB(), sklearn.naive_bayes.GaussianNB(), (data, y))


@pytest.mark.parametrize(
    "labels",
    [
        list,
        np.asfortranarray,
        lambda y: y.astype(bool),
        lambda y: y.astype(">i8"),
        lambda y: np.where(y, "yes", "no"),
        lambda y: np.where(y, "yes", "no").astype(object),
        pd.Series,
        lambda y: pd.Series(np.where(y, "yes", "no"), dtype="category"),
        lambda y: pd.Series(y, dtype="Int64"),
        lambda y: pytest.importorskip("polars").Series(y),
    ],
)
def test_any_labels_give_what_they_give_in_scikit_learn(X, y, labels):
    model, reference = (cls().fit(X, labels(y)) for cls in PAIRS[0])
    assert model.classes_.dtype == reference.classes_.dtype
    np.testing.assert_array_equal(model.classes_, reference.classes_)
    np.testing.assert_array_equal(model.predict(X), reference.predict(X))


def test_labels_in_a_column_are_taken_with_scikit_learns_warning(X, y):
    messages = []
    for cls in PAIRS[0]:
        with pytest.warns(sklearn.exceptions.DataConversionWarning) as caught:
            cls().fit(X, y[:, None])
        messages.append(str(caught[0].message))
    assert messages[0] == messages[1]


def test_a_memory_map_is_read_where_it_lies(X, y, tmp_path):
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    np.testing.assert_array_equal(GaussianNB().fit(mapped, y).theta_, GaussianNB().fit(X, y).theta_)


# ------------------------------------------------------------------------------------------------ what is refused


def refusal(model, args, then=None):
    """The type and text of the error; `then` is given to the fitted model."""

    def use():
        model.fit(*args)
        if then is not None:
            (model.predict if hasattr(model, "predict") else model.transform)(then)

    with pytest.raises((ValueError, TypeError)) as error:
        use()
    return type(error.value), str(error.value)


def assert_refused_alike(ours, theirs, args, then=None):
    assert refusal(ours, args, then) == refusal(theirs, args, then)


def with_value(X, value, dtype=np.float64):
    X = X.astype(dtype)
    X[3, 1] = value
    return X


BAD_X = {
    "NaN": lambda X: with_value(X, np.nan),
    "NaN in float32": lambda X: with_value(X, np.nan, np.float32),
    "infinity": lambda X: with_value(X, np.inf),
    "infinity and NaN": lambda X: with_value(with_value(X, np.nan)[::-1], np.inf),
    "infinity in float32": lambda X: with_value(X, -np.inf, np.float32),
    "one dimension": lambda X: X[:, 0],
    "three dimensions": lambda X: X[:, :, None],
    "a number": lambda X: X[0, 0],
    "no samples": lambda X: X[:0],
    "no features": lambda X: X[:, :0],
    "complex": lambda X: X * 1j,
}
BAD_X_ON_THE_HOST = {
    "text": lambda X: X.astype(str)[:, :1] + "x",
    "objects that are no numbers": lambda X: np.array([["a"]] * len(X), dtype=object),
    "np.matrix": np.asmatrix,
    "missing in a nullable column": lambda X: frame(X, "Int64").replace(int(X[0, 0]), pd.NA),
    "a column of text": lambda X: frame(X, "float64").assign(a="x"),
    "None": lambda X: None,
    "ragged lists": lambda X: [[1.0, 2.0], [3.0]],
}
BAD_Y = {
    "too short": lambda y: y[:-1],
    "two columns": lambda y: np.column_stack([y, y]),
    "NaN": lambda y: np.where(y, np.nan, 0.0),
    "infinity": lambda y: np.where(y, np.inf, 0.0),
    "continuous": lambda y: y + 0.5,
    "None": lambda y: None,
}
BAD_WEIGHT = {
    "too short": lambda w: w[:-1],
    "two-dimensional": lambda w: w[:, None],
    "NaN": lambda w: w * np.nan,
    "infinite": lambda w: w * np.inf,
    "all zero": lambda w: w * 0,
}


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
@pytest.mark.parametrize("ours, theirs", PAIRS)
@pytest.mark.parametrize("what", [*BAD_X, *BAD_X_ON_THE_HOST])
def test_bad_data_is_refused_in_scikit_learns_words(ours, theirs, what, X, y):
    bad = (BAD_X | BAD_X_ON_THE_HOST)[what](X)
    if "NaN" in what and "infinity" not in what and ours is not GaussianNB:
        np.testing.assert_allclose(ours().fit_transform(bad), theirs().fit_transform(bad), rtol=1e-4, atol=1e-5)
    elif (
        what in ("text", "None") and ours is GaussianNB
    ):  # scikit-learn asks for numbers of any dtype there, we for floats
        assert refusal(ours(), (bad, y))[0] is refusal(theirs(), (bad, y))[0]
    elif what == "missing in a nullable column" and ours is not GaussianNB:
        np.testing.assert_allclose(ours().fit_transform(bad), theirs().fit_transform(bad), rtol=1e-10)
    else:
        assert_refused_alike(ours(), theirs(), (bad, y))


@pytest.mark.parametrize("what", BAD_Y)
def test_bad_labels_are_refused_in_scikit_learns_words(what, X, y):
    assert_refused_alike(*(cls() for cls in PAIRS[0]), (X, BAD_Y[what](y)))


@pytest.mark.parametrize("pair", PAIRS[:2])
@pytest.mark.parametrize("what", BAD_WEIGHT)
def test_bad_weights_are_refused_in_scikit_learns_words(pair, what, X, y):
    assert_refused_alike(*(cls() for cls in pair), (X, y, BAD_WEIGHT[what](np.ones(len(X)))))


@pytest.mark.parametrize("ours, theirs", PAIRS)
def test_other_features_are_refused_in_scikit_learns_words(ours, theirs, X, y):
    data = frame(X, "float64")
    for other in (data[["a", "b"]], data.rename(columns={"a": "z"}), data[["c", "b", "a"]], data.assign(d=1.0)):
        assert_refused_alike(ours(), theirs(), (data, y), then=other)
    messages = []
    for cls in (ours, theirs):
        model = cls().fit(data, y)
        with pytest.warns(UserWarning, match="does not have valid feature names") as caught:
            (model.predict if cls in PAIRS[0] else model.transform)(X)
        messages.append(str(caught[0].message))
    assert messages[0] == messages[1]


@pytest.mark.parametrize("ours, theirs", PAIRS)
def test_a_model_that_is_not_fitted_says_so_in_scikit_learns_words(ours, theirs, X):
    errors = []
    for cls in (ours, theirs):
        with pytest.raises(sklearn.exceptions.NotFittedError) as error:
            (cls().predict if cls in PAIRS[0] else cls().transform)(X)
        errors.append(str(error.value))
    assert errors[0] == errors[1]


def test_large_data_is_checked_in_full(rng):
    """Large arrays are checked for NaN by all threads; one value anywhere must be seen."""
    X, y = rng.normal(size=(300_000, 4)), rng.integers(2, size=300_000)
    for value, row in ((np.nan, 0), (np.inf, 299_999), (-np.inf, 150_000)):
        bad = X.copy()
        bad[row, 3] = value
        assert_refused_alike(*(cls() for cls in PAIRS[0]), (bad, y))
        if np.isinf(value):
            assert_refused_alike(StandardScaler(), sklearn.preprocessing.StandardScaler(), (bad,))
    assert np.isfinite(MaxAbsScaler().fit(np.abs(X) * 1e305).scale_).all()  # the sum overflows, no value does


# ------------------------------------------------------------------------------------------------ around an estimator


@pytest.mark.parametrize("ours, theirs", PAIRS)
def test_tags_are_scikit_learns(ours, theirs):
    got, want = get_tags(ours()), get_tags(theirs())
    want.array_api_support = got.array_api_support
    assert got == want


@pytest.mark.parametrize("ours, theirs", PAIRS[:2])
def test_sample_weight_is_routed_as_in_scikit_learn(ours, theirs, X, y, rng):
    weight = rng.uniform(size=len(X))
    with sklearn.config_context(enable_metadata_routing=True):
        models = []
        for cls in (ours, theirs):
            assert str(cls().get_metadata_routing()) == str(theirs().get_metadata_routing())
            step = cls().set_fit_request(sample_weight=True)
            steps = (
                [step]
                if cls in PAIRS[0]
                else [step, sklearn.naive_bayes.GaussianNB().set_fit_request(sample_weight=False)]
            )
            models.append(make_pipeline(*steps).fit(X, y, sample_weight=weight)[0])
    name = "theta_" if ours is GaussianNB else "mean_"
    np.testing.assert_allclose(getattr(models[0], name), getattr(models[1], name), rtol=1e-12)
    assert np.abs(getattr(models[0], name) - getattr(ours().fit(X, y), name)).max() > 1e-6


@pytest.mark.parametrize("ours, theirs", PAIRS[1:])
def test_names_of_the_output_are_scikit_learns(ours, theirs, X):
    for data in (X, frame(X, "float64")):
        model, reference = ours().fit(data), theirs().fit(data)
        np.testing.assert_array_equal(model.get_feature_names_out(), reference.get_feature_names_out())
        assert list(model.get_feature_names_out(NAMES)) == NAMES
    with pytest.raises(ValueError, match="input_features is not equal to feature_names_in_"):
        model.get_feature_names_out(["x", "y", "z"])


@pytest.mark.parametrize("ours, theirs", PAIRS)
def test_the_html_shows_the_parameters_and_that_it_is_fitted(ours, theirs, X, y):
    before, after = ours()._repr_html_(), ours().fit(X, y)._repr_html_()
    assert ours.__name__ in before
    assert all(name in before for name in ours().get_params())
    assert "Not fitted" in before
    assert "Not fitted" not in after


# ------------------------------------------------------------------------------------------------ torch


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "int64", "bool"])
def test_a_torch_tensor_gives_a_torch_tensor(X, dtype, rng):
    torch = pytest.importorskip("torch")
    tensor = torch.from_numpy(X).to(getattr(torch, dtype))
    y = rng.integers(2, size=len(X))
    for model in (StandardScaler(), GaussianNB()):
        out = model.fit(tensor, torch.from_numpy(y))
        out = model.predict(tensor) if isinstance(model, GaussianNB) else model.transform(tensor)
        want = type(model)().fit(tensor.numpy(), y)
        want = want.predict(tensor.numpy()) if isinstance(model, GaussianNB) else want.transform(tensor.numpy())
        assert isinstance(out, torch.Tensor)
        np.testing.assert_array_equal(out.numpy(), want)


def test_a_torch_tensor_that_needs_a_gradient_is_taken(X):
    torch = pytest.importorskip("torch")
    tensor = torch.from_numpy(X).requires_grad_()
    out = StandardScaler().fit(tensor).transform(tensor)
    assert not out.requires_grad
    np.testing.assert_array_equal(out.numpy(), StandardScaler().fit_transform(X))


def test_a_bad_torch_tensor_is_refused_in_scikit_learns_words(X, y):
    torch = pytest.importorskip("torch")
    for bad in (with_value(X, np.nan), X[:, 0], X[:0]):
        want = refusal(sklearn.naive_bayes.GaussianNB(), (bad, y))
        assert refusal(GaussianNB(), (torch.from_numpy(bad), torch.from_numpy(y))) == want


# ------------------------------------------------------------------------------------------------ on a GPU


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "int8", "uint64", "bool"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_a_gpu_array_of_any_dtype_and_order_is_taken(X, y, on_gpu, dtype, order):
    data = np.array(X, dtype=dtype, order=order)
    model, reference = GaussianNB().fit(on_gpu(data), on_gpu(y)), GaussianNB().fit(data, y)
    np.testing.assert_allclose(model.theta_, reference.theta_, rtol=1e-6)
    assert model.theta_.dtype == reference.theta_.dtype
    out = StandardScaler().fit(on_gpu(data)).transform(on_gpu(data))
    want = StandardScaler().fit(data).transform(data)
    assert out.dtype == want.dtype
    np.testing.assert_allclose(out.get(), want, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("ours, theirs", PAIRS)
@pytest.mark.parametrize("what", BAD_X)
def test_bad_data_on_a_gpu_is_refused_in_scikit_learns_words(ours, theirs, what, X, y, on_gpu):
    bad = BAD_X[what](X)
    if "NaN" in what and "infinity" not in what and ours is not GaussianNB:
        assert np.isnan(ours().fit_transform(on_gpu(bad)).get()).any()
    else:
        assert refusal(ours(), (on_gpu(bad), on_gpu(y))) == refusal(theirs(), (bad, y))


@pytest.mark.parametrize("what", BAD_Y)
def test_bad_labels_on_a_gpu_are_refused_in_scikit_learns_words(what, X, y, on_gpu):
    bad = BAD_Y[what](y)
    there = None if bad is None else on_gpu(bad)
    assert refusal(GaussianNB(), (on_gpu(X), there)) == refusal(sklearn.naive_bayes.GaussianNB(), (X, bad))


@pytest.mark.parametrize("what", BAD_WEIGHT)
def test_bad_weights_on_a_gpu_are_refused_in_scikit_learns_words(what, X, y, on_gpu):
    bad = BAD_WEIGHT[what](np.ones(len(X)))
    want = refusal(sklearn.naive_bayes.GaussianNB(), (X, y, bad))
    assert refusal(GaussianNB(), (on_gpu(X), on_gpu(y), on_gpu(bad))) == want
    assert refusal(GaussianNB(), (on_gpu(X), on_gpu(y), bad)) == want


@pytest.mark.parametrize("ours, theirs", PAIRS)
def test_other_features_on_a_gpu_are_refused_in_scikit_learns_words(ours, theirs, X, y, on_gpu):
    want = refusal(theirs(), (X, y), then=X[:, :2])
    assert refusal(ours(), (on_gpu(X), on_gpu(y)), then=on_gpu(X)[:, :2]) == want


def test_a_gpu_array_without_names_warns_as_an_array_does(X, y, on_gpu):
    model = GaussianNB().fit(frame(X, "float64"), y)
    with pytest.warns(UserWarning, match="X does not have valid feature names, but GaussianNB was fitted with"):
        model.predict(on_gpu(X))


def test_gpu_data_is_checked_on_the_gpu(X, on_gpu, counting):
    data = on_gpu(np.tile(X, (50, 1)))
    with counting() as events:
        MinMaxScaler().fit(data)
    assert events["d2h_bytes"] < 1000


def test_labels_on_the_host_with_data_on_the_gpu(X, y, on_gpu):
    names = np.where(y, "yes", "no")
    model = GaussianNB().fit(on_gpu(X), names)
    reference = GaussianNB().fit(X, names)
    np.testing.assert_array_equal(model.predict(on_gpu(X)), reference.predict(X))
    np.testing.assert_allclose(GaussianNB().fit(on_gpu(X), y.tolist()).theta_, reference.theta_, rtol=1e-12)


def test_nothing_here_warns(X, y):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        GaussianNB().fit(frame(X, "float64"), y).predict(frame(X, "float64"))
