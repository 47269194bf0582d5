"""AutoencoderTransformer: what it learns, scikit-learn's contract, data, weights, repeatability, messages."""

import copy
import pickle
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler, scale
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    check_get_feature_names_out_error,
    check_param_validation,
    check_set_output_transform_pandas,
    check_set_output_transform_polars,
    check_transformer_get_feature_names_out,
    check_transformer_get_feature_names_out_pandas,
    parametrize_with_checks,
)

from ghostflow_learn import config_context
from ghostflow_learn.neural import AutoencoderTransformer, EarlyStopping, EpochScoring, load_into, nn, save

# These compare two fits, or two predictions, to 1e-7, about the rounding of float32: in float64 they must pass.
BEYOND_FLOAT32 = {
    "check_sample_weight_equivalence_on_dense_data": "three equal terms added round otherwise than one times three",
    "check_sample_weight_equivalence_on_sparse_data": "three equal terms added round otherwise than one times three",
    "check_methods_subset_invariance": "BLAS multiplies one row by another kernel than twenty, which rounds otherwise",
}


@parametrize_with_checks(
    [AutoencoderTransformer()], expected_failed_checks=lambda model: BEYOND_FLOAT32, xfail_strict=False
)
@pytest.mark.filterwarnings("ignore")
def test_estimator_passes(estimator, check):
    check(estimator)


@pytest.mark.parametrize("check", BEYOND_FLOAT32)
@pytest.mark.filterwarnings("ignore")
def test_checks_beyond_float32_pass_in_float64(check):
    getattr(estimator_checks, check)("AutoencoderTransformer", AutoencoderTransformer(dtype="float64"))


@pytest.mark.parametrize(
    "check",
    [
        check_param_validation,
        check_dataframe_column_names_consistency,
        check_get_feature_names_out_error,
        check_set_output_transform_pandas,
        check_set_output_transform_polars,
        check_transformer_get_feature_names_out,
        check_transformer_get_feature_names_out_pandas,
    ],
    ids=lambda check: check.__name__,
)
@pytest.mark.filterwarnings("ignore")
def test_checks_that_check_estimator_leaves_out(check):
    check("AutoencoderTransformer", AutoencoderTransformer(max_epochs=2))


@pytest.fixture(scope="module")
def iris():
    return scale(load_iris().data).astype(np.float32)


def linear(n_components, **params):
    """Exact steps to the minimum of a linear autoencoder."""
    settings = {"optimizer": "lbfgs", "optimizer__max_iter": 300, "lr": 1.0, "max_epochs": 1, "batch_size": None}
    settings |= {"dtype": "float64", "random_state": 0, **params}
    return AutoencoderTransformer(n_components, (), **settings)


def error(X, model):
    return np.mean((model.inverse_transform(model.transform(X)) - X) ** 2)


# What it learns


@pytest.mark.parametrize("tied", [False, True])
def test_a_linear_one_makes_again_what_pca_does(tied):
    X = load_iris().data
    X = X - X.mean(axis=0)
    for n_components in (1, 2):
        best = error(X, PCA(n_components).fit(X))
        assert best * (1 - 1e-9) <= error(X, linear(n_components, tied=tied).fit(X)) <= best * 1.001


def test_the_components_of_a_linear_one_span_those_of_pca():
    X = load_iris().data
    X = X - X.mean(axis=0)
    code, want = linear(2).fit_transform(X), PCA(2).fit_transform(X)
    centered = code - code.mean(axis=0)
    solution = np.linalg.lstsq(centered, want, rcond=None)[0]
    np.testing.assert_allclose(centered @ solution, want, atol=0.02)


def test_hidden_layers_follow_what_pca_cannot():
    X = load_digits().data / 16
    model = AutoencoderTransformer(2, (64, 32), "gelu", lr=0.005, batch_size=32, random_state=0).fit(X[::2])
    assert -model.score(X[1::2]) < 0.8 * error(X[1::2], PCA(2).fit(X[::2]))


def test_weights_that_are_tied_are_one_matrix(iris):
    model = AutoencoderTransformer(2, (8,), tied=True, random_state=0).fit(iris)
    assert {name for name, _ in model.module_.named_parameters()} == {
        *(f"encoder.layers.{i}.{name}" for i in (0, 1) for name in "Wb"),
        *(f"decoder.layers.{i}.b" for i in (0, 1)),
    }
    W, V = (layer.W.numpy() for layer in model.module_.encoder)
    b, c = (layer.b.numpy() for layer in model.module_.decoder)
    code = model.transform(iris)
    want = np.maximum(code @ V.T + b, 0) @ W.T + c
    np.testing.assert_allclose(model.inverse_transform(code), want, rtol=1e-4, atol=1e-5)
    assert error(iris, model) < 0.25  # of a variance of 1


@pytest.mark.parametrize("corruption", [{"noise": 0.5}, {"masking": 0.4}], ids=["noise", "masking"])
def test_corruption_in_training_cleans_corrupted_data(corruption, rng):
    t = rng.uniform(-1, 1, (400, 1))
    X = (t @ np.ones((1, 20))).astype(np.float32)
    model = AutoencoderTransformer(20, (), lr=0.005, max_epochs=30, random_state=0)
    plain, cleaning = model.fit(X), clone(model).set_params(**corruption).fit(X)
    seen = X * (rng.random(X.shape) > 0.4) if "masking" in corruption else X + rng.normal(0, 0.5, X.shape)
    errors = [np.mean((m.inverse_transform(m.transform(seen)) - X) ** 2) for m in (plain, cleaning)]
    assert errors[1] < 0.5 * errors[0]
    np.testing.assert_array_equal(cleaning.transform(X), cleaning.transform(X))


@pytest.mark.parametrize("criterion, output", [("bce_with_logits", "identity"), ("bce", "sigmoid")])
def test_probabilities_of_pixels(criterion, output):
    X = load_digits().data[:500] / 16
    model = AutoencoderTransformer(8, (64,), max_epochs=20, lr=0.005, random_state=0)
    model.set_params(criterion=criterion, output_activation=output).fit(X)
    pixels = model.inverse_transform(model.transform(X))
    assert 0 <= pixels.min() <= pixels.max() <= 1
    assert error(X, model) == pytest.approx(-model.score(X), rel=1e-4)
    assert error(X, model) < 0.5 * X.var(axis=0).mean()


def test_rows_that_are_distributions_and_counts(rng):
    X = rng.dirichlet(np.ones(5) / 5, 200)
    model = AutoencoderTransformer(4, criterion="cross_entropy", max_epochs=100, random_state=0).fit(X)
    np.testing.assert_allclose(model.inverse_transform(model.transform(X)).sum(axis=1), 1, rtol=1e-5)
    assert error(X, model) < 0.1 * X.var(axis=0).mean()
    X = rng.poisson(np.exp(rng.uniform(-1, 2, (200, 1)) + np.zeros(5)))
    model = AutoencoderTransformer(1, criterion="poisson", batch_size=32, lr=0.003, random_state=0).fit(X)
    assert np.all(model.inverse_transform(model.transform(X)) > 0)
    assert error(X, model) < 0.6 * X.var(axis=0).mean()


def test_ones_own_modules(iris):
    encoder = nn.Sequential(nn.Linear(16, activation="gelu"), nn.LayerNorm(), nn.Linear(3))
    decoder = nn.Sequential(nn.Linear(16, activation="gelu"), nn.Linear(4))
    model = AutoencoderTransformer(3, encoder=encoder, decoder=decoder, batch_size=16, random_state=0).fit(iris)
    assert model.transform(iris).shape == (150, 3)
    assert error(iris, model) < 0.1
    assert not encoder.parameters()
    half = AutoencoderTransformer(3, (16,), encoder=encoder, random_state=0).fit(iris)
    assert [layer.W.shape for layer in half.module_.decoder] == [(3, 16), (16, 4)]


def test_samples_unlike_the_others_score_low(iris):
    model = AutoencoderTransformer(2, random_state=0).fit(iris)
    strange = iris[:1] * np.array([[5, -5, 5, -5]], dtype=np.float32)
    assert model.score_samples(strange) < model.score_samples(iris).min()
    assert model.score(iris, sample_weight=np.eye(150)[3]) == pytest.approx(model.score_samples(iris)[3], rel=1e-5)


# Data


def test_frames_sparse_matrices_and_lists_are_arrays(iris):
    fit = lambda X: AutoencoderTransformer(max_epochs=2, random_state=0).fit(X)
    want = fit(iris)
    for other in (csr_matrix(iris), iris.tolist()):
        got = fit(other)
        np.testing.assert_allclose(got.transform(other), want.transform(iris), rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(got.score_samples(other), want.score_samples(iris), rtol=1e-3, atol=1e-5)
    names = [f"f{j}" for j in range(4)]
    for frame in (pd.DataFrame(iris, columns=names), pl.DataFrame(iris, schema=names)):
        model = fit(frame)
        np.testing.assert_allclose(model.transform(frame), want.transform(iris), rtol=1e-4, atol=1e-5)
        assert list(model.feature_names_in_) == names
    out = model.set_output(transform="pandas").transform(frame)
    assert list(out.columns) == ["autoencodertransformer0", "autoencodertransformer1"]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dtype_is_that_of_parameters_and_components(iris, dtype):
    model = AutoencoderTransformer(dtype=dtype, max_epochs=1).fit(iris.astype(np.float64))
    assert {p.dtype.name for p in model.module_.parameters()} == {dtype}
    assert model.transform(iris).dtype == model.inverse_transform(model.transform(iris)).dtype == dtype


def test_weights_are_repetitions_and_zeros_are_gone(iris):
    weight = np.random.RandomState(0).randint(0, 3, len(iris))
    rows = np.repeat(np.arange(len(iris)), weight)
    for dtype, tolerance in (("float64", 1e-9), ("float32", 1e-4)):
        model = AutoencoderTransformer(batch_size=None, max_epochs=5, dtype=dtype, random_state=0)
        weighed, repeated = clone(model).fit(iris, sample_weight=weight), clone(model).fit(iris[rows])
        np.testing.assert_allclose(weighed.transform(iris), repeated.transform(iris), rtol=tolerance, atol=tolerance)
    assert np.abs(model.fit(iris).transform(iris) - repeated.transform(iris)).max() > 0.001


def test_validation_data_and_early_stopping(iris):
    plain = AutoencoderTransformer(max_epochs=4, random_state=0).fit(iris[:100])
    watched = clone(plain).fit(iris[:100], X_val=iris[100:])
    np.testing.assert_array_equal(plain.transform(iris), watched.transform(iris))
    assert list(watched.history.columns[:3]) == ["lr", "train_loss", "valid_loss"]
    assert watched.history.valid_loss.iloc[-1] == pytest.approx(-watched.score(iris[100:]), rel=1e-4)
    stops = AutoencoderTransformer(
        max_epochs=200, validation_fraction=0.2, callbacks=[EarlyStopping(patience=2)], lr=0.05, random_state=0
    ).fit(iris)
    assert len(stops.history_) < 200
    best = stops.callbacks_["earlystopping"]
    assert best.best_score_ == pytest.approx(stops.history.valid_loss.min(), rel=0.01)


def reconstruction(net, X, y):
    return net.score(X)


def test_callbacks_score_the_validation_data(iris):
    scoring = EpochScoring(reconstruction, name="score")
    model = AutoencoderTransformer(validation_fraction=0.2, max_epochs=2, callbacks=[scoring], random_state=0).fit(iris)
    np.testing.assert_allclose(model.history.score, -model.history.valid_loss, rtol=1e-4)


# Among scikit-learn's tools


def test_a_search_finds_enough_components():
    X = load_iris().data
    pipeline = make_pipeline(StandardScaler(), AutoencoderTransformer(max_epochs=15, random_state=0))
    grid = {"autoencodertransformer__n_components": [1, 3], "autoencodertransformer__optimizer__weight_decay": [0.0]}
    search = GridSearchCV(pipeline, grid, cv=2, n_jobs=2, error_score="raise").fit(X)
    assert search.best_params_["autoencodertransformer__n_components"] == 3
    assert search.best_score_ < 0


def test_a_classifier_learns_from_the_components():
    X, y = load_digits(return_X_y=True)
    model = make_pipeline(
        MinMaxScaler(), AutoencoderTransformer(16, random_state=0, max_epochs=20), LogisticRegression(max_iter=1000)
    )
    assert model.fit(X[::2], y[::2]).score(X[1::2], y[1::2]) > 0.9


# Repeatability and going on


@pytest.mark.parametrize("params", [{}, {"noise": 0.1, "masking": 0.1, "tied": True}], ids=["plain", "corrupted"])
def test_a_seed_gives_one_model_at_any_number_of_threads(params):
    X = np.random.RandomState(0).normal(size=(1500, 40))
    flats = []
    for n_threads in (1, 2, 5):
        model = AutoencoderTransformer(8, batch_size=500, max_epochs=2, random_state=0, **params)
        with config_context(n_threads=n_threads):
            flats.append(model.fit(X).module_.flat.copy())
    np.testing.assert_array_equal(flats[0], flats[1])
    np.testing.assert_array_equal(flats[0], flats[2])


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))], ids=["copy", "pickle"])
@pytest.mark.parametrize("tied", [False, True])
def test_a_copy_answers_and_goes_on_as_the_original(copied, tied, iris):
    model = AutoencoderTransformer(max_epochs=3, warm_start=True, noise=0.1, tied=tied, random_state=0).fit(iris)
    twin = copied(model)
    np.testing.assert_array_equal(twin.transform(iris), model.transform(iris))
    np.testing.assert_allclose(twin.fit(iris).transform(iris), model.fit(iris).transform(iris), rtol=1e-5, atol=1e-6)
    assert len(twin.history_) == 6


def test_partial_fits_are_the_epochs_of_a_fit(iris):
    whole, parts = (
        AutoencoderTransformer(max_epochs=4, random_state=0).fit(iris),
        AutoencoderTransformer(random_state=0),
    )
    for _ in range(4):
        parts.partial_fit(iris)
    np.testing.assert_array_equal(whole.transform(iris), parts.transform(iris))
    assert len(parts.history_) == 4


def test_parameters_go_through_a_file(iris, tmp_path):
    model = AutoencoderTransformer(random_state=0).fit(iris)
    save(model.module_, tmp_path / "autoencoder.safetensors")
    other = AutoencoderTransformer(max_epochs=1, random_state=1).fit(iris)
    assert np.abs(other.transform(iris) - model.transform(iris)).max() > 0.1
    load_into(other.module_, tmp_path / "autoencoder.safetensors")
    np.testing.assert_array_equal(other.transform(iris), model.transform(iris))
    np.testing.assert_array_equal(other.score_samples(iris), model.score_samples(iris))


def test_a_gpu_trains_and_answers_there(on_gpu, iris):
    X = iris[:40]
    fit = lambda X: AutoencoderTransformer(max_epochs=2, noise=0.1, masking=0.1, tied=True, random_state=0).fit(X)
    host, device = fit(X), fit(on_gpu(X))
    code = device.transform(on_gpu(X))
    assert type(code) is type(on_gpu(X)) is type(device.inverse_transform(code))
    np.testing.assert_allclose(code.get(), host.transform(X), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(device.score(on_gpu(X)), host.score(X), rtol=1e-3)
    for model in (device, pickle.loads(pickle.dumps(device))):  # and on the host
        np.testing.assert_allclose(model.transform(X), host.transform(X), rtol=1e-3, atol=1e-4)


# Messages


def test_what_does_not_fit_is_named(iris):
    small, large = nn.Linear(2), nn.Linear(9)
    wrong = [
        ({"encoder": large}, r"encoder must return shape \(1, 2\) for one sample. Got \(1, 9\) instead"),
        ({"decoder": large}, r"Autoencoder must return shape \(128, 4\) for 128 samples: one output for each feature"),
        ({"tied": True, "encoder": small}, "tied=True ties the layers made here"),
        ({"hidden_layer_sizes": (3, 0)}, r"hidden_layer_sizes must be > 0, got \[3, 0\]"),
        ({"activation": "rleu"}, "'activation' parameter of AutoencoderTransformer must be a str among"),
        ({"encoder": nn.Linear}, "'encoder' parameter of AutoencoderTransformer must be an instance of"),
        ({"criterion": "bce_with_logits"}, r"needs X in \[0, 1\]. Got -2.\d+ to 3.\d+. Use MinMaxScaler"),
        ({"criterion": nn.PoissonLoss}, "needs X >= 0"),
        ({"criterion": "mes"}, "Did you mean 'mse'"),
        ({"optimizer__weight_decy": 1.0}, "Did you mean 'optimizer__weight_decay'"),
    ]
    for params, message in wrong:
        with pytest.raises(ValueError, match=message):
            AutoencoderTransformer(**params).fit(iris)
    with pytest.raises(TypeError, match="takes no parameter 'module__width'"):
        AutoencoderTransformer(module__width=3).fit(iris)
    with pytest.raises(ValueError, match="Invalid parameter 'module__width'"):
        AutoencoderTransformer().set_params(module__width=3)


def test_data_that_do_not_fit_are_named(iris):
    with pytest.raises(NotFittedError):
        AutoencoderTransformer().inverse_transform(iris)
    model = AutoencoderTransformer(max_epochs=1).fit(iris)
    with pytest.raises(ValueError, match="X has 4 features, but inverse_transform expects 2: what transform returns"):
        model.inverse_transform(iris)
    with pytest.raises(ValueError, match="X has 3 features, but AutoencoderTransformer is expecting 4"):
        model.score(iris[:, :3])
    with pytest.raises(ValueError, match="Found array with dim 3"):
        model.fit(iris[None])
    with pytest.raises(ValueError, match="Negative values in data passed to `sample_weight`"):
        model.fit(iris, sample_weight=-np.ones(150))


def test_divergence_is_an_error_and_leaves_nothing_behind(iris):
    model = AutoencoderTransformer(2, (), optimizer="sgd", lr=1e30)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ValueError, match="training has diverged. Lower lr"):
            model.fit(iris)
    with pytest.raises(NotFittedError):
        model.transform(iris)
