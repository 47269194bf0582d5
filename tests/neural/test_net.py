"""NeuralNet estimators: what they learn, scikit-learn's contract, parameters, weights, repeatability, messages."""

import copy
import logging
import pickle
import warnings

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris
from sklearn.exceptions import DataConversionWarning, NotFittedError
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, scale
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    check_param_validation,
    parametrize_with_checks,
)

from ghostflow_learn import config_context
from ghostflow_learn.neural import (
    Callback,
    EarlyStopping,
    NeuralNetBinaryClassifier,
    NeuralNetClassifier,
    NeuralNetRegressor,
    Tensor,
    nn,
)

NETS = [NeuralNetClassifier, NeuralNetBinaryClassifier, NeuralNetRegressor]
every_net = pytest.mark.parametrize("net", NETS, ids=lambda cls: cls.__name__)

# These compare two fits, or two predictions, to 1e-7: less than a rounding of float32, which is 6e-8 of each number.
# Whether they pass is chance, so they are no failures to rely on; in float64 they must pass.
BEYOND_FLOAT32 = {
    "check_sample_weight_equivalence_on_dense_data": "three equal terms added round otherwise than one times three",
    "check_sample_weight_equivalence_on_sparse_data": "three equal terms added round otherwise than one times three",
    "check_methods_subset_invariance": "BLAS multiplies one row by another kernel than twenty, which rounds otherwise",
}


@parametrize_with_checks([cls() for cls in NETS], expected_failed_checks=lambda net: BEYOND_FLOAT32, xfail_strict=False)
@pytest.mark.filterwarnings("ignore")
def test_estimator_passes(estimator, check):
    check(estimator)


@every_net
@pytest.mark.parametrize("check", BEYOND_FLOAT32)
@pytest.mark.filterwarnings("ignore")
def test_checks_beyond_float32_pass_in_float64(net, check):
    getattr(estimator_checks, check)(net.__name__, net(dtype="float64"))


@every_net
def test_a_row_alone_is_answered_as_in_a_batch_but_for_rounding(net):
    X, y = data(net)
    model = net(Wide, max_epochs=5, random_state=0).fit(X, y)
    alone = np.concatenate([answer(model, row[None]) for row in X[:20]])
    np.testing.assert_allclose(answer(model, X)[:20], alone, rtol=2e-6, atol=1e-6)


@every_net
@pytest.mark.filterwarnings("ignore")
def test_checks_that_check_estimator_leaves_out(net):
    for check in (check_param_validation, check_dataframe_column_names_consistency):
        check(net.__name__, net())


class Wide(nn.Module):
    """A user's module: its output size comes from y, its input size from X."""

    def __init__(self, n_outputs, width=16, activation="relu"):
        self.hidden, self.out = nn.Linear(width, activation=activation), nn.Linear(n_outputs)

    def forward(self, x):
        return self.out(self.hidden(x))


def data(net, n=120):
    """Two or three classes, or a number, from four features."""
    X, y = load_iris(return_X_y=True)
    X = scale(X).astype(np.float32)
    if net is NeuralNetBinaryClassifier:
        X, y = X[y > 0], y[y > 0]
    elif net is NeuralNetRegressor:
        X, y = X[:, 1:], X[:, 0]
    rows = np.random.RandomState(0).permutation(len(y))[:n]
    return X[rows], y[rows]


def answer(model, X):
    return model.predict_proba(X) if hasattr(model, "predict_proba") else model.predict(X)


# What it learns


def test_a_linear_module_with_lbfgs_is_linear_regression():
    X, y = load_diabetes(return_X_y=True)
    X, y = scale(X), scale(y)
    net = NeuralNetRegressor(
        nn.Linear, module__n_in=1, optimizer="lbfgs", optimizer__max_iter=300, lr=1.0, max_epochs=1
    ).set_params(batch_size=None, dtype="float64", random_state=0)
    np.testing.assert_allclose(net.fit(X, y).predict(X), LinearRegression().fit(X, y).predict(X), atol=1e-3)


def test_a_linear_module_with_decay_is_logistic_regression():
    X, y = data(NeuralNetClassifier)
    net = NeuralNetClassifier(nn.MLP, module__hidden=(), optimizer="lbfgs", optimizer__max_iter=300, lr=1.0)
    net.set_params(max_epochs=1, batch_size=None, dtype="float64", random_state=0)
    net.set_params(callbacks=[_FreeBias(1 / len(X))])
    want = LogisticRegression(tol=1e-10, max_iter=1000).fit(X, y).predict_proba(X)
    np.testing.assert_allclose(net.fit(X, y).predict_proba(X), want, atol=1e-4)


class _FreeBias(Callback):
    """L2 on the weights alone, as scikit-learn's has it."""

    def __init__(self, alpha=0.0):
        self.alpha = alpha

    def on_train_begin(self, net):
        loss, W = net.criterion_, net.module_.layers[0].W
        net.criterion_ = lambda p, y, w: loss(p, y, w) + (W * W).sum() * (self.alpha / 2)


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "amsgrad", "adamw", "rmsprop", "lamb"])
def test_digits_are_learnt_by_every_optimizer(optimizer):
    X, y = load_digits(return_X_y=True)
    train, test = train_test_split(np.arange(len(y)), stratify=y, random_state=0)
    lr = {"sgd": 0.2}.get(optimizer, 0.005)
    net = NeuralNetClassifier(Wide, module__width=64, optimizer=optimizer, lr=lr, max_epochs=20, random_state=0)
    assert net.fit(X[train] / 16, y[train]).score(X[test] / 16, y[test]) > 0.94


@pytest.mark.parametrize("norm", [None, "batch", "layer"])
def test_digits_are_learnt_with_dropout_and_norms(norm):
    X, y = load_digits(return_X_y=True)
    train, test = train_test_split(np.arange(len(y)), stratify=y, random_state=0)
    net = NeuralNetClassifier(module__norm=norm, module__dropout=0.2, max_epochs=30, lr=0.005, random_state=0)
    assert net.fit(X[train] / 16, y[train]).score(X[test] / 16, y[test]) > 0.96


def test_two_classes_are_learnt_and_the_threshold_moves_recall():
    X, y = load_breast_cancer(return_X_y=True)
    X = scale(X)
    net = NeuralNetBinaryClassifier(Wide, max_epochs=20, random_state=0).fit(X[::2], y[::2])
    assert net.score(X[1::2], y[1::2]) > 0.95
    n_found = [(net.set_params(threshold=t).predict(X) == 1).sum() for t in (0.05, 0.5, 0.95)]
    assert n_found[0] > n_found[1] > n_found[2]
    np.testing.assert_array_equal(net.predict(X), (net.predict_proba(X)[:, 1] >= 0.95).astype(int))


def test_quantiles_cover_what_they_say(rng):
    X = rng.uniform(-1, 1, (2000, 1))
    y = X[:, 0] + rng.normal(size=2000) * (1.5 + X[:, 0])
    net = NeuralNetRegressor(criterion="quantile", criterion__levels=(0.1, 0.5, 0.9), max_epochs=60, random_state=0)
    got = net.fit(X, y).predict(X)
    assert got.shape == (2000, 3)
    np.testing.assert_allclose((y[:, None] <= got).mean(axis=0), [0.1, 0.5, 0.9], atol=0.04)


def test_counts_are_predicted_by_their_mean(rng):
    X = rng.uniform(-1, 1, (1000, 2))
    y = rng.poisson(np.exp(X @ [1.0, -0.5] + 1))
    got = NeuralNetRegressor(criterion="poisson", max_epochs=40, random_state=0).fit(X, y).predict(X)
    assert np.all(got > 0)
    np.testing.assert_allclose(got.mean(), y.mean(), rtol=0.15)
    assert np.corrcoef(got, np.exp(X @ [1.0, -0.5]))[0, 1] > 0.97


def test_several_targets(rng):
    X = rng.normal(size=(200, 3))
    Y = np.column_stack([X[:, 0], -X[:, 1], X.sum(axis=1)])
    assert NeuralNetRegressor(random_state=0).fit(X, Y).score(X, Y) > 0.95


@pytest.mark.parametrize("criterion", ["cross_entropy", "focal", nn.CrossEntropyLoss(smoothing=0.1), nn.FocalLoss])
def test_criteria_of_classes(criterion):
    X, y = data(NeuralNetClassifier)
    net = NeuralNetClassifier(criterion=criterion, random_state=0).fit(X, y)
    assert net.score(X, y) > 0.95
    np.testing.assert_allclose(net.predict_proba(X).sum(axis=1), 1, rtol=1e-5)


def test_a_module_that_ends_in_log_softmax_and_one_in_sigmoid():
    X, y = data(NeuralNetClassifier)
    module = nn.Sequential(nn.Linear(16, activation="tanh"), nn.Linear(3), nn.LogSoftmax())
    net = NeuralNetClassifier(module, criterion="nll", random_state=0).fit(X, y)
    np.testing.assert_allclose(net.predict_proba(X).sum(axis=1), 1, rtol=1e-5)
    assert net.score(X, y) > 0.95
    X, y = data(NeuralNetBinaryClassifier)
    module = nn.Sequential(nn.Linear(16, activation="tanh"), nn.Linear(1), nn.Sigmoid())
    net = NeuralNetBinaryClassifier(module, criterion="bce", random_state=0).fit(X, y)
    assert net.score(X, y) > 0.9
    assert 0 <= net.predict_proba(X).min() <= net.predict_proba(X).max() <= 1


def test_images_keep_their_shape():
    class Pooled(nn.Module):
        def __init__(self, n_outputs):
            self.out = nn.Linear(n_outputs)

        def forward(self, x):
            assert x.shape[1:] == (8, 8)
            return self.out(nn.Flatten()(x))

    X, y = load_digits(return_X_y=True)
    X = X.reshape(-1, 8, 8) / 16
    assert NeuralNetClassifier(Pooled, max_epochs=20, random_state=0).fit(X, y).score(X, y) > 0.95


# Data


@every_net
def test_frames_sparse_matrices_and_lists_are_arrays(net):
    X, y = data(net)
    fit = lambda X: net(Wide, max_epochs=2, random_state=0).fit(X, y)
    want = answer(fit(X), X)
    for other in (csr_matrix(X), X.tolist()):
        np.testing.assert_allclose(answer(fit(other), other), want, rtol=1e-4, atol=1e-5)
    names = [f"f{j}" for j in range(X.shape[1])]
    for frame in (pd.DataFrame(X, columns=names), pl.DataFrame(X, schema=names)):
        model = fit(frame)
        np.testing.assert_allclose(answer(model, frame), want, rtol=1e-4, atol=1e-5)
        assert list(model.feature_names_in_) == names


def test_labels_may_be_strings():
    X, y = data(NeuralNetClassifier)
    words = np.array(["setosa", "versicolor", "virginica"])[y]
    net = NeuralNetClassifier(random_state=0).fit(X, words)
    assert net.score(X, words) > 0.95
    assert net.predict(X[:2]).dtype == words.dtype


@every_net
def test_dtype_is_that_of_the_parameters_and_the_prediction(net):
    X, y = data(net)
    for dtype in ("float32", "float64"):
        model = net(Wide, dtype=dtype, max_epochs=2).fit(X, y)
        assert {p.dtype.name for p in model.module_.parameters()} == {dtype}
        assert answer(model, X).dtype == (dtype if net is not NeuralNetRegressor else X.dtype)


@every_net
def test_weights_are_repetitions_and_zeros_are_gone(net):
    X, y = data(net)
    weight = np.random.RandomState(0).randint(0, 3, len(y))
    rows = np.repeat(np.arange(len(y)), weight)
    for dtype, rtol in (("float64", 1e-9), ("float32", 1e-4)):
        fit = net(Wide, batch_size=None, max_epochs=5, dtype=dtype, random_state=0).fit
        np.testing.assert_allclose(answer(fit(X, y, weight), X), answer(fit(X[rows], y[rows]), X), rtol=rtol)


@every_net
def test_accumulated_batches_are_one_large_batch(net):
    X, y = data(net)
    fit = lambda **p: net(Wide, max_epochs=3, dtype="float64", random_state=0, **p).fit(X, y)
    want = answer(fit(batch_size=32), X)
    np.testing.assert_allclose(answer(fit(batch_size=16, accumulate_grad_batches=2), X), want, rtol=1e-6)
    assert np.abs(answer(fit(batch_size=16), X) - want).max() > 1e-4
    with pytest.raises(ValueError, match="LBFGS takes all samples at once, so it cannot accumulate gradients"):
        fit(optimizer="lbfgs", accumulate_grad_batches=2)


def test_class_weights_are_sample_weights():
    X, y = data(NeuralNetClassifier)
    keep = (y > 0) | (np.arange(len(y)) % 5 == 0)
    X, y = X[keep], y[keep]
    fit = lambda weight=None, **p: NeuralNetClassifier(Wide, max_epochs=5, random_state=0, **p).fit(X, y, weight)
    balanced = len(y) / (3 * np.bincount(y))
    want = fit(balanced[y]).predict_proba(X)
    np.testing.assert_allclose(fit(class_weight="balanced").predict_proba(X), want, rtol=1e-4, atol=1e-6)
    by_hand = dict(enumerate(balanced))
    np.testing.assert_allclose(fit(class_weight=by_hand).predict_proba(X), want, rtol=1e-4, atol=1e-6)
    assert np.abs(fit().predict_proba(X) - want).max() > 0.01


@every_net
def test_validation_data_give_a_loss_and_are_not_trained_on(net):
    X, y = data(net)
    plain = net(Wide, max_epochs=4, random_state=0).fit(X[:90], y[:90])
    watched = net(Wide, max_epochs=4, random_state=0).fit(X[:90], y[:90], X_val=X[90:], y_val=y[90:])
    np.testing.assert_array_equal(answer(plain, X), answer(watched, X))
    assert "valid_loss" not in plain.history_[0]
    split = net(Wide, max_epochs=4, random_state=0, validation_fraction=0.25).fit(X, y)
    for model in (watched, split):
        assert list(model.history.columns[:3]) == ["lr", "train_loss", "valid_loss"]
        assert model.history.valid_loss.iloc[-1] < model.history.valid_loss.iloc[0]


# Parameters by name


def test_parameters_reach_module_criterion_optimizer_and_loader():
    X, y = data(NeuralNetClassifier)
    net = NeuralNetClassifier(
        Wide,
        module__width=7,
        criterion__smoothing=0.1,
        optimizer="sgd",
        optimizer__momentum=0.5,
        iterator__drop_last=True,
        iterator__prefetch=1,
        batch_size=50,
        max_epochs=1,
    ).fit(X, y)
    assert net.module_.hidden.W.shape == (4, 7)
    assert net.criterion_.smoothing == 0.1
    assert net.optimizer_.momentum == 0.5
    assert net.optimizer_.t == 2


def test_get_and_set_params_see_inside():
    net = NeuralNetClassifier(Wide, module__width=7, callbacks=[EarlyStopping(), ("mine", EarlyStopping(patience=2))])
    params = net.get_params()
    assert params["module__width"] == 7
    assert params["callbacks__earlystopping__patience"] == 5
    assert params["callbacks__mine"].patience == 2
    net.set_params(callbacks__mine__patience=3, module__width=9, optimizer__eps=1e-6, lr=0.5)
    assert net.get_params()["callbacks__mine__patience"] == 3
    twin = clone(net)
    assert twin.get_params(deep=False).keys() == net.get_params(deep=False).keys()
    assert twin.module__width == 9
    net.set_params(callbacks__mine=None)
    assert [name for name, _ in net.callbacks] == ["earlystopping"]
    assert len(twin.callbacks) == 2
    assert "module__width=9" in repr(net)


def test_a_search_reaches_everything():
    X, y = data(NeuralNetClassifier)
    net = NeuralNetClassifier(max_epochs=5, validation_fraction=0.2, callbacks=[EarlyStopping()], random_state=0)
    grid = {
        "net__module__hidden": [(4,), (16,)],
        "net__optimizer__betas": [(0.9, 0.99)],
        "net__callbacks__earlystopping__patience": [2, 4],
    }
    from sklearn.pipeline import Pipeline

    pipeline = Pipeline([("scale", StandardScaler()), ("net", net)])
    search = GridSearchCV(pipeline, grid, cv=2, n_jobs=2, error_score="raise").fit(X, y)
    assert search.best_estimator_["net"].module__hidden == (16,)
    alone = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(X, y)
    np.testing.assert_array_equal(search.cv_results_["mean_test_score"], alone.cv_results_["mean_test_score"])


def test_the_module_passed_in_stays_as_it_was():
    X, y = data(NeuralNetClassifier)
    module = nn.Sequential(nn.Linear(8), nn.ReLU(), nn.Linear(3))
    net = NeuralNetClassifier(module, max_epochs=2, random_state=0).fit(X, y)
    assert not module.parameters()
    assert net.module_ is not module
    again = clone(net).fit(X, y)
    np.testing.assert_array_equal(net.predict_proba(X), again.predict_proba(X))


def test_a_subclass_changes_loss_and_inference():
    class Shrunk(NeuralNetRegressor):
        def get_loss(self, prediction, target, sample_weight=None):
            return super().get_loss(prediction, target, sample_weight) + 100.0 * (prediction * prediction).mean()

        def infer(self, X):
            return self.module_(X * 1.0)

    X, y = data(NeuralNetRegressor)
    assert np.abs(Shrunk(random_state=0).fit(X, y).predict(X)).mean() < 0.1


def test_a_criterion_of_ones_own():
    X, y = data(NeuralNetRegressor)
    quartic = lambda prediction, target, sample_weight: ((prediction - target) ** 4).mean()
    assert NeuralNetRegressor(criterion=quartic, random_state=0).fit(X, y).score(X, y) > 0.7


def test_the_nonlinearity_can_be_chosen():
    X, y = data(NeuralNetClassifier)
    net = NeuralNetClassifier(nonlinearity=None, max_epochs=2, random_state=0).fit(X, y)
    logits = net.predict_proba(X)
    proba = net.set_params(nonlinearity="auto").predict_proba(X)
    np.testing.assert_allclose(proba, np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), rtol=1e-4)
    halves = net.set_params(nonlinearity=lambda x: nn.functional.softmax(x) * 0.5).predict_proba(X)
    np.testing.assert_allclose(halves, proba / 2, rtol=1e-5)


# Repeatability and going on


class Noisy(nn.Module):
    """Dropout and batch norm, wide enough that kernels use several blocks."""

    def __init__(self, n_outputs):
        self.layers = nn.Sequential(nn.Linear(256), nn.BatchNorm1d(), nn.ReLU(), nn.Dropout(0.3), nn.Linear(n_outputs))

    def forward(self, x):
        return self.layers(x)


@every_net
def test_a_seed_gives_one_model_at_any_number_of_threads(net):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(1500, 40))
    y = (X[:, 0] > 0).astype(int) if net is not NeuralNetRegressor else X[:, 0]
    flats = []
    for n_threads in (1, 2, 5):
        with config_context(n_threads=n_threads):
            model = net(Noisy, batch_size=500, max_epochs=2, validation_fraction=0.1, random_state=0).fit(X, y)
        flats.append(model.module_.flat.copy())
    np.testing.assert_array_equal(flats[0], flats[1])
    np.testing.assert_array_equal(flats[0], flats[2])
    other = net(Noisy, batch_size=500, max_epochs=2, random_state=1).fit(X, y)
    assert (other.module_.flat != flats[0]).any()


@every_net
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))])
def test_a_copy_answers_and_goes_on_as_the_original(net, copied):
    X, y = data(net)
    model = net(Wide, max_epochs=3, warm_start=True, random_state=0, callbacks=[EarlyStopping("train_loss")]).fit(X, y)
    twin = copied(model)
    np.testing.assert_array_equal(answer(twin, X), answer(model, X))
    np.testing.assert_allclose(answer(twin.fit(X, y), X), answer(model.fit(X, y), X), rtol=1e-6)
    assert len(twin.history_) == 6


def test_joblib_maps_it_read_only(tmp_path):
    X, y = data(NeuralNetClassifier)
    model = NeuralNetClassifier(max_epochs=2, random_state=0).fit(X, y)
    joblib.dump(model, tmp_path / "net.joblib")
    twin = joblib.load(tmp_path / "net.joblib", mmap_mode="r")
    np.testing.assert_array_equal(twin.predict_proba(X), model.predict_proba(X))


def test_warm_start_goes_on_with_the_optimizer():
    X, y = data(NeuralNetClassifier)
    net = NeuralNetClassifier(Wide, max_epochs=3, warm_start=True, shuffle=False, random_state=0).fit(X, y).fit(X, y)
    long = NeuralNetClassifier(Wide, max_epochs=6, shuffle=False, random_state=0).fit(X, y)
    np.testing.assert_allclose(net.predict_proba(X), long.predict_proba(X), rtol=1e-5)
    assert [record["epoch"] for record in net.history_] == [1, 2, 3, 4, 5, 6]
    assert len(net.set_params(warm_start=False).fit(X, y).history_) == 3


def test_partial_fits_are_the_epochs_of_a_fit():
    X, y = data(NeuralNetClassifier)
    whole = NeuralNetClassifier(Wide, max_epochs=4, random_state=0).fit(X, y)
    parts = NeuralNetClassifier(Wide, random_state=0)
    for _ in range(4):
        parts.partial_fit(X, y, classes=[0, 1, 2])
    np.testing.assert_array_equal(whole.predict_proba(X), parts.predict_proba(X))
    numbers = NeuralNetRegressor(Wide, random_state=0)
    for _ in range(60):
        numbers.partial_fit(*data(NeuralNetRegressor))
    assert numbers.score(*data(NeuralNetRegressor)) > 0.7


def test_ctrl_c_keeps_the_model():
    class Stop(Callback):
        def on_batch_end(self, net):
            if len(net.history_) == 2:
                raise KeyboardInterrupt

    X, y = data(NeuralNetClassifier)
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        net = NeuralNetClassifier(Wide, callbacks=[Stop()], random_state=0).fit(X, y)
    assert len(net.history_) == 2
    assert net.predict_proba(X).shape == (len(X), 3)
    assert not net.module_.training


# What it shows


def test_history_summary_and_plot():
    import matplotlib

    matplotlib.use("Agg")
    X, y = data(NeuralNetClassifier)
    net = NeuralNetClassifier(Wide, max_epochs=3, validation_fraction=0.2, random_state=0).fit(X, y)
    assert net.history.index.tolist() == [1, 2, 3]
    assert net.history.lr.tolist() == [0.01] * 3
    assert "hidden: Linear  (1, 16)          80" in net.summary()
    ax = net.plot_history()
    assert [line.get_label() for line in ax.lines] == ["training", "validation"]
    np.testing.assert_allclose(ax.lines[0].get_ydata(), net.history.train_loss)
    assert net.plot_history(ax) is ax
    ax.figure.clear()


def test_epochs_are_printed_or_logged(capsys, caplog):
    X, y = data(NeuralNetClassifier)
    NeuralNetClassifier(Wide, max_epochs=2, verbose=1).fit(X, y)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("epoch 1  lr 0.01  train_loss ")
    with caplog.at_level(logging.INFO, logger="ghostflow_learn.neural"):
        NeuralNetClassifier(Wide, max_epochs=2).fit(X, y)
    assert capsys.readouterr().out == ""
    assert len([r for r in caplog.records if r.name == "ghostflow_learn.neural"]) == 2


# On a GPU


@every_net
def test_a_gpu_trains_and_answers_there(net, on_gpu):
    X, y = data(net, 40)
    fit = lambda X: net(Wide, max_epochs=2, random_state=0).fit(X, y)
    host, device = fit(X), fit(on_gpu(X))
    got = answer(device, on_gpu(X))
    assert type(got) is type(on_gpu(X))
    np.testing.assert_allclose(got.get(), answer(host, X), rtol=1e-3, atol=1e-4)
    for model in (device, pickle.loads(pickle.dumps(device))):  # and on the host
        np.testing.assert_allclose(answer(model, X), answer(host, X), rtol=1e-3, atol=1e-4)


@every_net
def test_the_host_waits_for_a_gpu_as_often_for_many_steps_as_for_few(net, on_gpu, counting):
    X, y = data(net, 40)
    waits = []
    for batch_size in (20, 5):
        model = net(Wide, batch_size=batch_size, max_epochs=1, shuffle=False, random_state=0)
        with counting() as events:
            model.fit(on_gpu(X), y)
        waits.append(events["sync"])
    assert waits[0] == waits[1]


class Coded(nn.Module):
    """The first feature is a category, the others are numbers."""

    def __init__(self, n_outputs):
        self.table, self.out = nn.Embedding(3, 4), nn.Linear(n_outputs)

    def forward(self, x):
        return self.out(nn.functional.concatenate([self.table(x[:, 0].astype("int64")), x[:, 1:]], axis=1))


def test_unknown_categories_are_an_error_on_the_host_and_on_a_gpu(on_gpu, counting):
    X, y = data(NeuralNetClassifier, 40)
    X[:, 0] = np.arange(40) % 3
    unknown = np.where(np.arange(4) == 0, 7, X).astype(np.float32)
    waits = []
    for batch_size in (20, 5):
        net = NeuralNetClassifier(Coded, batch_size=batch_size, max_epochs=1, shuffle=False, random_state=0)
        with counting() as events:
            net.fit(on_gpu(X), y)
        waits.append(events["sync"])
    assert waits[0] == waits[1]
    for where in (np.asarray, on_gpu):
        with pytest.raises(ValueError, match="Embedding of 3 vectors takes integers in 0 to 2. Got 7 to 7"):
            net.predict(where(unknown))
        assert np.isfinite(net.predict_proba(X)).all()
        with pytest.raises(ValueError, match="Embedding of 3 vectors takes integers in 0 to 2"):
            clone(net).fit(where(np.where(np.arange(40)[:, None] < 30, X, unknown)), y)


# Messages


def test_a_misspelt_parameter_is_named_with_what_was_meant():
    X, y = data(NeuralNetClassifier)
    with pytest.raises(TypeError, match=r"takes no parameter 'max_epoch'. Did you mean 'max_epochs'\?"):
        NeuralNetClassifier(max_epoch=3).fit(X, y)
    with pytest.raises(TypeError, match="takes no parameter 'max_epoch'"):
        clone(NeuralNetClassifier(max_epoch=3)).fit(X, y)
    with pytest.raises(ValueError, match=r"Invalid parameter 'learn_rate'"):
        NeuralNetClassifier().set_params(learn_rate=3)
    with pytest.raises(ValueError, match=r"Wide takes no parameter 'widht' \(module__widht\). Did you mean 'module__w"):
        NeuralNetClassifier(Wide, module__widht=3).fit(X, y)
    with pytest.raises(ValueError, match=r"CrossEntropyLoss takes no parameter 'smooth'.*'criterion__smoothing'"):
        NeuralNetClassifier(criterion__smooth=0.1).fit(X, y)
    with pytest.raises(ValueError, match=r"SGD takes no parameter 'momentun'.*'optimizer__momentum'"):
        NeuralNetClassifier(optimizer="sgd", optimizer__momentun=0.1).fit(X, y)
    with pytest.raises(ValueError, match=r"AdamW takes no parameter 'clip_nrm'.*'optimizer__clip_norm'"):
        NeuralNetClassifier(optimizer="adamw", optimizer__clip_nrm=0.1).fit(X, y)
    with pytest.raises(ValueError, match=r"DataLoader takes no parameter 'drop'"):
        NeuralNetClassifier(iterator__drop=True).fit(X, y)
    with pytest.raises(ValueError, match="There is no callback 'stop'. There are none."):
        NeuralNetClassifier().set_params(callbacks__stop__patience=3)
    with pytest.raises(ValueError, match="Did you mean 'adam'"):
        NeuralNetClassifier(optimizer="adma").fit(X, y)
    with pytest.raises(ValueError, match="Did you mean 'cross_entropy'"):
        NeuralNetClassifier(criterion="crossentropy").fit(X, y)


def test_a_module_of_the_wrong_shape_or_kind_is_named():
    X, y = data(NeuralNetClassifier)
    with pytest.raises(ValueError, match=r"Linear must return shape \(120, 3\) for 120 samples: one output for each"):
        NeuralNetClassifier(nn.Linear(5)).fit(X, y)
    with pytest.raises(ValueError, match=r"must return shape \(120, 1\) or \(120,\)"):
        NeuralNetRegressor(nn.Linear(5)).fit(X, X[:, 0])

    class NoTensor(nn.Module):
        def forward(self, x):
            return x, x

    with pytest.raises(TypeError, match="NoTensor must return a Tensor. Got tuple"):
        NeuralNetClassifier(NoTensor).fit(X, y)
    with pytest.raises(TypeError, match="module must be a class of modules"):
        NeuralNetClassifier("mlp").fit(X, y)
    with pytest.raises(TypeError, match="module must make a Module"):
        NeuralNetClassifier(dict).fit(X, y)
    with pytest.raises(ValueError, match="module__n_out needs a class"):
        NeuralNetClassifier(nn.Linear(3), module__n_out=3).fit(X, y)
    with pytest.raises(TypeError, match="parameters of dtype float64, but dtype='float32'"):
        NeuralNetClassifier(nn.Linear(4, 3, dtype="float64")).fit(X, y)


@every_net
def test_divergence_is_an_error_and_leaves_nothing_to_predict_with(net):
    X, y = data(net)
    model = net(Wide, optimizer="sgd", lr=1e30, module__activation="identity")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ValueError, match=r"in epoch \d+: training has diverged. Lower lr=1e\+30"):
            model.fit(X, y)
    with pytest.raises(NotFittedError):
        model.predict(X)


@every_net
def test_divergence_in_the_last_step_is_an_error_too(net):
    X, y = data(net)
    model = net(Wide, optimizer="sgd", lr=1e30, batch_size=None, max_epochs=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ValueError, match="predicts values that are not finite: training has diverged. Lower lr=1e"):
            model.fit(X, y)
    assert not hasattr(model, "module_")


def test_a_fit_that_did_not_start_leaves_nothing_behind():
    X, y = data(NeuralNetClassifier)
    for wrong in ({"module": nn.Linear(5)}, {"optimizer__eps": "small"}, {"callbacks": [EarlyStopping(), 3]}):
        model = NeuralNetClassifier(warm_start=True, random_state=0, **wrong)
        with pytest.raises((ValueError, TypeError)):
            model.fit(X, y)
        assert model.set_params(module=Wide, callbacks=None, optimizer__eps=1e-8).fit(X, y).score(X, y) > 0.9


def test_an_error_of_a_callback_leaves_what_was_trained():
    class Fails(Callback):
        def on_epoch_end(self, net):
            raise ValueError("no such file")

    X, y = data(NeuralNetClassifier)
    model = NeuralNetClassifier(callbacks=[Fails()])
    with pytest.raises(ValueError, match="no such file"):
        model.fit(X, y)
    assert len(model.history_) == 1
    assert model.predict(X).shape == y.shape


def test_what_lacks_something_says_what():
    class Needs(nn.Module):
        def __init__(self, n_outputs, width):
            self.out = nn.Linear(n_outputs)

    X, y = data(NeuralNetClassifier)
    with pytest.raises(TypeError, match="Needs needs a parameter 'width'. Set module__width"):
        NeuralNetClassifier(Needs).fit(X, y)
    for callback in (EarlyStopping, 3):
        with pytest.raises(TypeError, match=r"callbacks must be objects such as EarlyStopping\(\). Got "):
            NeuralNetClassifier(callbacks=[callback]).fit(X, y)
    with pytest.raises(ValueError, match="belong to X_val, which is missing"):
        NeuralNetClassifier().fit(X, y, y_val=y)
    with pytest.raises(ValueError, match="requires y to be passed"):
        NeuralNetClassifier().fit(X, y, X_val=X)
    with pytest.raises(ValueError, match=r"y has labels \[3\] that are not among the classes"):
        NeuralNetClassifier().fit(X, y, X_val=X, y_val=y + 1)
    with pytest.raises(ValueError, match="X has 2 features"):
        NeuralNetClassifier().fit(X, y, X_val=X[:, :2], y_val=y)
    with pytest.raises(ValueError, match="at least one non-zero number"):
        NeuralNetClassifier().fit(X, y, np.zeros(len(y)))
    with pytest.raises(ValueError, match="drop_last leaves nothing of 120 samples. Lower batch_size=500"):
        NeuralNetClassifier(batch_size=500, iterator__drop_last=True).fit(X, y)
    with pytest.raises(ValueError, match="PoissonLoss is of counts, 0 or more. Got -2 among"):
        NeuralNetRegressor(criterion="poisson").fit(X, y - 2)


def test_labels_that_do_not_fit_are_named():
    X, y = data(NeuralNetClassifier)
    with pytest.raises(ValueError, match="Only binary classification is supported. The type of the target is multi"):
        NeuralNetBinaryClassifier().fit(X, y)
    with pytest.raises(ValueError, match="needs two classes. Got 1 class"):
        NeuralNetBinaryClassifier().fit(X, np.zeros(len(y)))
    net = NeuralNetClassifier().partial_fit(X, y, classes=[0, 1, 2])
    with pytest.raises(ValueError, match=r"y has labels \[9\] that are not among the classes \[0, 1, 2\]"):
        net.partial_fit(X, np.where(y == 2, 9, y))
    with pytest.raises(ValueError, match="'balanced' needs all of y at once"):
        NeuralNetClassifier(class_weight="balanced").partial_fit(X, y, classes=[0, 1, 2])
    with pytest.warns(DataConversionWarning):
        NeuralNetRegressor(max_epochs=1).fit(X, X[:, :1])


def test_weights_below_zero_and_data_that_are_not_there():
    X, y = data(NeuralNetClassifier)
    with pytest.raises(ValueError, match="Negative values in data passed to `sample_weight`"):
        NeuralNetClassifier().fit(X, y, -np.ones(len(y)))
    with pytest.raises(NotFittedError):
        NeuralNetClassifier().summary()
    with pytest.raises(RuntimeError, match="needs an NVIDIA GPU"), config_context(device="cuda"):
        NeuralNetClassifier().fit(X, y)


def test_infer_may_be_called_by_hand():
    X, y = data(NeuralNetClassifier)
    net = make_pipeline(NeuralNetClassifier(max_epochs=1).fit(X, y))[0]
    assert net.infer(Tensor(X)).shape == (len(X), 3)
