"""Perceptrons beyond scikit-learn's, which the tensor engine trains: against scikit-learn's, and networks by hand."""

import copy
import functools
import itertools
import pickle

import numpy as np
import pytest
import sklearn.neural_network
from scipy.sparse import csr_matrix
from scipy.special import expit
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris, make_multilabel_classification
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, scale
from sklearn.utils.estimator_checks import parametrize_with_checks

from ghostflow_learn import as_sklearn, config_context, onnx
from ghostflow_learn.neural import Callback, EarlyStopping, EpochScoring, LRScheduler, Tensor, nn, optim
from ghostflow_learn.neural import functional as F
from ghostflow_learn.neural._layers.perceptron import ACTIVATIONS
from ghostflow_learn.neural_network import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y = load_digits(return_X_y=True)
X, y = X[:300] / 16, y[:300]
Y = np.column_stack([X[:, 20] + X[:, 30], X[:, 21], X[:, 42]])
PARAMS = {"hidden_layer_sizes": (16, 8), "batch_size": 64, "max_iter": 8, "random_state": 3}
BY_MODULE = {"clip_norm": 1e9}  # changes nothing but who trains
THEIRS = {MLPClassifier: sklearn.neural_network.MLPClassifier, MLPRegressor: sklearn.neural_network.MLPRegressor}


def model(ours=MLPClassifier, **params):
    return ours(**{**PARAMS, **params})


def flat(fitted):
    return np.concatenate([array.ravel() for array in fitted.coefs_ + fitted.intercepts_])


def assert_same_weights(a, b, rtol=1e-9):
    np.testing.assert_allclose(flat(a), flat(b), rtol=rtol, atol=1e-12)


# scikit-learn's networks, trained by the tensor engine

TARGETS = {
    "classes": (MLPClassifier, y),
    "two classes": (MLPClassifier, y > 4),
    "labels": (MLPClassifier, np.column_stack([y > 4, y % 2])),
    "numbers": (MLPRegressor, Y[:, 0]),
    "several numbers": (MLPRegressor, Y),
}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("params", [{"early_stopping": True}, {"solver": "sgd", "alpha": 0.1}], ids=["adam", "sgd"])
def test_the_module_learns_what_scikit_learns_network_learns(target, params):
    ours, y = TARGETS[target]
    params = {**PARAMS, **params}
    got, want = ours(**params, **BY_MODULE).fit(X, y), THEIRS[ours](**params).fit(X, y)
    np.testing.assert_allclose(got.loss_curve_, want.loss_curve_, rtol=1e-9)
    assert_same_weights(got, want, rtol=1e-6)
    assert (got.n_iter_, got.t_, got.best_loss_) == (want.n_iter_, want.t_, pytest.approx(want.best_loss_))
    assert got.validation_scores_ == pytest.approx(want.validation_scores_)
    np.testing.assert_allclose(got.predict(X), want.predict(X), rtol=1e-6)


def test_poisson_weights_and_rates_are_scikit_learns():
    weight = np.random.default_rng(0).uniform(0.5, 2, len(X))
    for ours, y_, params in [
        (MLPRegressor, Y, {"loss": "poisson", "activation": "logistic"}),
        (MLPClassifier, y, {"solver": "sgd", "learning_rate": "invscaling", "nesterovs_momentum": False}),
        (MLPClassifier, y, {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.2, "n_iter_no_change": 1}),
    ]:
        params = {**PARAMS, "activation": "tanh", **params}
        want = THEIRS[ours](**params).fit(X, y_, sample_weight=weight)
        assert_same_weights(ours(**params, **BY_MODULE).fit(X, y_, weight), want, rtol=1e-6)


def test_going_on_is_scikit_learns():
    got, want = model(**BY_MODULE), THEIRS[MLPClassifier](**PARAMS)
    for _ in range(3):
        got.partial_fit(X, y, classes=range(10))
        want.partial_fit(X, y, classes=range(10))
    assert_same_weights(got, want, rtol=1e-6)
    got.set_params(warm_start=True).fit(X, y)
    want.set_params(warm_start=True).fit(X, y)
    assert_same_weights(got, want, rtol=1e-6)
    assert len(got.loss_curve_) == len(got.history_) == 3 + 8


def test_without_anything_more_no_module_is_made():
    fitted = model(dropout=0.0, callbacks=[], dtype="float64", accumulate_grad_batches=1).fit(X, y)
    assert not hasattr(fitted, "module_")
    assert_same_weights(fitted, model().fit(X, y), rtol=0)
    assert hasattr(fitted.set_params(dropout=0.1).fit(X, y), "module_")
    assert not {"module_", "optimizer_", "history_"} & vars(fitted.set_params(dropout=[0.0, 0]).fit(X, y)).keys()


# Networks by hand


def by_hand(module, sizes, loss_of, n_epochs=8, lr=0.1, alpha=1e-4):
    """The module, trained as an MLP with random_state=3 and optimizer="sgd" is."""
    rng = np.random.RandomState(3)
    starts = []
    for n_in, n_out in itertools.pairwise(sizes):
        bound = np.sqrt(6 / (n_in + n_out))
        starts.append((rng.uniform(-bound, bound, (n_in, n_out)), rng.uniform(-bound, bound, n_out)))
    module.seed(copy.deepcopy(rng)).eval()(X[:1])
    linears = [layer for layer in module.modules() if isinstance(layer, nn.Linear)]
    for linear, (W, b) in zip(linears, starts, strict=True):
        linear.W.data[...], linear.b.data[...] = W, b
    optimizer, order = optim.SGD(module.train(), lr), np.arange(len(X))
    for _ in range(n_epochs):
        order = order[rng.permutation(len(X))]
        for start in range(0, len(X), 64):
            rows = order[start : start + 64]
            optimizer.zero_grad()
            penalty = sum((linear.W * linear.W).sum() for linear in linears)
            (loss_of(module(X[rows]), rows) + penalty * (alpha / 2 / len(rows))).backward()
            optimizer.step()
    return module.eval()


def cross_entropy(logits, rows):
    return F.softmax_cross_entropy(logits, y[rows])


SGD = {"optimizer": "sgd", "learning_rate_init": 0.1}


def test_dropout_is_that_of_a_network_by_hand():
    fitted = model(**SGD, dropout=[0.5, 0.2]).fit(X, y)
    want = by_hand(nn.MLP(10, (16, 8), dropout=[0.5, 0.2]), (64, 16, 8, 10), cross_entropy)
    np.testing.assert_allclose(fitted.predict_proba(X), F.softmax(want(X)).numpy(), rtol=1e-9)
    np.testing.assert_array_equal(fitted.predict_proba(X), fitted.predict_proba(X))
    without = model(**SGD).fit(X, y)
    assert without.loss_ < fitted.loss_
    assert np.abs(flat(without) - flat(fitted)).max() > 0.01
    want = F.softmax(
        Tensor(
            np.maximum(
                np.maximum(X @ fitted.coefs_[0] + fitted.intercepts_[0], 0) @ fitted.coefs_[1] + fitted.intercepts_[1],
                0,
            )
            @ fitted.coefs_[2]
            + fitted.intercepts_[2]
        )
    )
    np.testing.assert_allclose(fitted.predict_proba(X), want.numpy(), rtol=1e-9)


@pytest.mark.parametrize("norm", ["batch", "layer"])
def test_norms_residuals_and_activations_are_those_of_a_network_by_hand(norm):
    swish = lambda x: x * F.sigmoid(x)
    Norm = {"batch": nn.BatchNorm1d, "layer": nn.LayerNorm}[norm]
    want = by_hand(
        nn.Sequential(
            nn.Sequential(nn.Linear(12), Norm(), nn.GELU()),
            nn.Residual(nn.Linear(12), Norm(), swish),
            nn.Linear(10),
        ),
        (64, 12, 12, 10),
        cross_entropy,
    )
    params = {**SGD, "hidden_layer_sizes": (12, 12), "norm": norm, "residual": True}
    fitted = model(**params, activation=["gelu", swish]).fit(X, y)
    np.testing.assert_allclose(fitted.predict_proba(X), F.softmax(want(X)).numpy(), rtol=1e-8)
    np.testing.assert_allclose(fitted.transform(X), want[:2](X).numpy(), rtol=1e-8)
    assert_same_weights(fitted, model(**params, activation=("gelu", "swish")).fit(X, y), rtol=1e-8)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_by_name(activation):
    fitted = model(activation=activation, hidden_layer_sizes=(32,), learning_rate_init=0.01, **BY_MODULE).fit(X, y)
    assert fitted.score(X, y) > (0.5 if activation in ("softmax", "log_softmax", "logistic", "sigmoid") else 0.85)


def test_an_activation_may_be_a_module_a_class_or_one_for_each_layer():
    prelu = nn.PReLU(slope=0.1)
    fitted = model(activation=prelu).fit(X, y)
    assert not hasattr(prelu, "slopes")
    slopes = [layer.activation.slopes.numpy() for layer in fitted.module_.layers[:-1]]
    assert [len(s) for s in slopes] == [16, 8]
    assert (slopes[0] != 0.1).any()
    assert_same_weights(model(activation=nn.GELU).fit(X, y), model(activation="gelu").fit(X, y), rtol=1e-7)
    assert_same_weights(model(activation=["relu", "relu"]).fit(X, y), model().fit(X, y), rtol=1e-7)


# Losses


def test_a_loss_is_a_name_a_class_one_of_it_or_a_function():
    focal = lambda prediction, target, weight: nn.FocalLoss()(prediction, target, weight)
    want = model(loss="focal").fit(X, y)
    for loss in (nn.FocalLoss, nn.FocalLoss(), focal):
        assert_same_weights(model(loss=loss).fit(X, y), want)
    assert np.abs(flat(want) - flat(model(loss=nn.FocalLoss(1.0)).fit(X, y))).max() > 1e-3
    plain = model().fit(X, y)
    for loss in ("cross_entropy", "nll"):
        assert_same_weights(model(loss=loss).fit(X, y), plain, rtol=1e-6)


def test_losses_of_two_classes_and_of_labels():
    two = y > 4
    for loss in ("bce", "bce_with_logits"):
        assert_same_weights(model(loss=loss).fit(X, two), model().fit(X, two), rtol=1e-6)
    fitted = model(loss="cross_entropy").fit(X, two)
    assert (fitted.n_outputs_, fitted.out_activation_) == (2, "softmax")
    assert fitted.predict_proba(X).shape == (300, 2)
    assert set(fitted.predict(X)) <= {False, True}
    data, labels = make_multilabel_classification(200, random_state=0)
    own = lambda p, target, weight: F.binary_cross_entropy(p, target, weight) * float(target.shape[1])
    assert_same_weights(model(loss=own).fit(data, labels), model().fit(data, labels), rtol=1e-6)


def test_losses_of_numbers(rng):
    half = lambda prediction, target, weight: F.squared_error(prediction, target, weight) * 0.5
    want = model(MLPRegressor).fit(X, Y[:, 0])
    assert_same_weights(model(MLPRegressor, loss=half).fit(X, Y[:, 0]), want, rtol=1e-6)
    counts = rng.poisson(3 * Y[:, 0])
    params = {"hidden_layer_sizes": 16, "max_iter": 60, "random_state": 0, "learning_rate_init": 0.01}
    assert MLPRegressor(nn.PoissonLoss(), **params).fit(X, counts).predict(X).min() > 0
    noisy = Y[:, 0] + np.where(rng.uniform(size=300) < 0.1, 30.0, 0.0)
    robust, mean = (MLPRegressor(loss, **params).fit(X, noisy).predict(X) for loss in ("huber", "mse"))
    assert np.abs(robust - Y[:, 0]).mean() < 0.5 * np.abs(mean - Y[:, 0]).mean()
    quantiles = MLPRegressor(nn.QuantileLoss((0.1, 0.9)), **params).fit(X, Y[:, 0]).predict(X)
    assert (quantiles[:, 0] < quantiles[:, 1]).mean() > 0.95
    np.testing.assert_allclose((Y[:, :1] <= quantiles).mean(axis=0), [0.1, 0.9], atol=0.2)


# Optimizers, schedules, clipping, accumulation


def test_an_optimizer_is_a_name_a_class_or_a_function():
    want = model(optimizer="adamw").fit(X, y)
    for optimizer in (optim.AdamW, lambda module, lr: optim.AdamW(module, lr), functools.partial(optim.AdamW)):
        assert_same_weights(model(optimizer=optimizer).fit(X, y), want, rtol=0)
    assert type(want.optimizer_) is optim.AdamW
    assert model(optimizer=lambda module: optim.LARS(module, 0.5)).fit(X, y).optimizer_.lr == 0.5
    by_solver = model(solver="sgd", momentum=0.9, nesterovs_momentum=False, learning_rate_init=0.1).fit(X, y)
    momentum = model(optimizer=functools.partial(optim.SGD, momentum=0.9), learning_rate_init=0.1).fit(X, y)
    assert_same_weights(momentum, by_solver, rtol=1e-6)


def test_lbfgs_of_ours_takes_all_samples_at_once():
    fitted = model(optimizer="lbfgs", learning_rate_init=1.0, activation="gelu", max_iter=5, batch_size="auto").fit(
        X, y
    )
    assert fitted.score(X, y) > 0.95
    assert 5 < fitted.optimizer_.t <= 5 * 20


def test_a_schedule_sets_the_rate_of_each_epoch():
    rates = lambda **params: [record["lr"] for record in model(**params).fit(X, y).history_]
    cosine = 0.001 * (1 + np.cos(np.pi * np.arange(8) / 8)) / 2
    np.testing.assert_allclose(rates(scheduler="CosineAnnealingLR"), cosine)
    assert max(rates(scheduler="OneCycle", learning_rate_init=0.5)) == pytest.approx(0.5, rel=0.1)
    halved = 0.001 * 0.5 ** np.arange(8)
    for scheduler in (
        LRScheduler("ExponentialLR", {"gamma": 0.5}),
        functools.partial(optim.schedules.ExponentialLR, gamma=0.5),
        lambda optimizer: optim.schedules.StepLR(optimizer, 1, 0.5),
    ):
        np.testing.assert_allclose(rates(scheduler=scheduler, solver="sgd"), halved)
    plateau = rates(scheduler=LRScheduler("ReduceLROnPlateau", {"patience": 0, "threshold": 0.9}, monitor="train_loss"))
    assert plateau[0] == 0.001 and plateau[-1] < 1e-6


def test_clipping_bounds_the_step():
    start = flat(model(**SGD, max_iter=1).set_params(learning_rate_init=1e-12).fit(X, y))
    step = lambda **params: flat(model(**SGD, max_iter=1, batch_size=300, alpha=0.0, **params).fit(X, y)) - start
    full = step()
    np.testing.assert_allclose(step(clip_norm=0.02), full * 0.02 / (np.linalg.norm(full) / 0.1), rtol=1e-4, atol=1e-9)
    np.testing.assert_allclose(step(clip_value=0.003), np.clip(full, -0.0003, 0.0003), rtol=1e-6, atol=1e-9)
    fitted = model(optimizer=functools.partial(optim.SGD, clip_norm=3.0), clip_value=2.0).fit(X, y)
    assert (fitted.optimizer_.clip_norm, fitted.optimizer_.clip_value) == (3.0, 2.0)


@pytest.mark.parametrize("weighted", [False, True])
def test_accumulated_batches_are_one_large_batch(weighted):
    weight = np.random.default_rng(0).uniform(0.2, 2, 300) if weighted else None
    for solver in ("sgd", "adam"):  # 300 samples: the last step has one batch of 44 alone
        params = {"solver": solver, "alpha": 0.5}
        whole = model(**params, batch_size=128).fit(X, y, weight)
        parts = model(**params, accumulate_grad_batches=2).fit(X, y, weight)
        assert_same_weights(parts, whole, rtol=1e-6)
        np.testing.assert_allclose(parts.loss_curve_, whole.loss_curve_, rtol=1e-2 if weighted else 1e-9)
    assert np.abs(flat(parts) - flat(model(**params).fit(X, y, weight))).max() > 1e-3


# Representations


def test_transform_is_what_comes_out_of_a_layer():
    for activation, function in (("relu", lambda z: np.maximum(z, 0)), ("logistic", expit), ("tanh", np.tanh)):
        for more in ({}, BY_MODULE):
            fitted = model(activation=activation, **more).fit(X, y)
            first = function(X @ fitted.coefs_[0] + fitted.intercepts_[0])
            second = function(first @ fitted.coefs_[1] + fitted.intercepts_[1])
            np.testing.assert_allclose(fitted.transform(X, layer=1), first, rtol=1e-9, atol=1e-12)
            np.testing.assert_allclose(fitted.transform(X, layer=-3), first, rtol=1e-9, atol=1e-12)
            np.testing.assert_allclose(fitted.transform(csr_matrix(X)), second, rtol=1e-9, atol=1e-12)
            np.testing.assert_array_equal(fitted.transform(X, layer=-1), fitted.predict_proba(X))
    assert list(fitted.get_feature_names_out()) == [f"mlpclassifier{j}" for j in range(8)]
    for layer in (0, 4, -4, 1.5):
        with pytest.raises(ValueError, match="layer must be 1 to 3, or -1 to -3"):
            fitted.transform(X, layer=layer)
    with pytest.raises(ValueError, match="layer must be 1 to 1"):
        model(hidden_layer_sizes=()).fit(X, y).transform(X)


def test_a_representation_feeds_another_model():
    fitted = make_pipeline(
        model(dropout=0.1, max_iter=60, learning_rate_init=0.01), MLPClassifier(16, random_state=0)
    ).fit(X, y)
    assert fitted.score(X, y) > 0.9


# Callbacks, validation data, progress


def test_callbacks_read_the_history_and_stop():
    callbacks = [EpochScoring("accuracy"), ("stop", EarlyStopping("valid_accuracy", 4, lower_is_better=False))]
    fitted = model(callbacks=callbacks, max_iter=100, learning_rate_init=0.02)
    fitted.fit(X[:200], y[:200], X_val=X[200:], y_val=y[200:])
    scores = [record["valid_accuracy"] for record in fitted.history_]
    assert fitted.n_iter_ == len(scores) == np.argmax(scores) + 5 < 100
    assert fitted.score(X[200:], y[200:]) == max(scores) == fitted.callbacks_["stop"].best_score_
    assert fitted.callbacks_["stop"] is not callbacks[1][1]
    losses = [record["valid_loss"] for record in fitted.history_]
    assert losses == fitted.validation_loss_curve_
    assert not hasattr(fitted, "_parts")


def test_the_validation_loss_is_scikit_learns_without_penalty():
    by_module = model(**BY_MODULE, alpha=1.0).fit(X[:200], y[:200], X_val=X[200:], y_val=y[200:])
    fused = model(alpha=1.0).fit(X[:200], y[:200], X_val=X[200:], y_val=y[200:])
    np.testing.assert_allclose(by_module.validation_loss_curve_, fused.validation_loss_curve_, rtol=1e-9)


def test_early_stopping_brings_back_norms_too():
    fitted = model(norm="batch", early_stopping=True, n_iter_no_change=3, max_iter=60, learning_rate_init=0.05)
    fitted.fit(X[:200], y[:200], X_val=X[200:], y_val=y[200:])
    assert fitted.score(X[200:], y[200:]) == fitted.best_validation_score_ == max(fitted.validation_scores_)
    assert [record["valid_score"] for record in fitted.history_] == fitted.validation_scores_


class Interrupt(Callback):
    def on_batch_end(self, net):
        if len(net.history_) == 2:
            raise KeyboardInterrupt


def test_ctrl_c_keeps_the_model():
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        fitted = model(callbacks=[Interrupt()], dropout=0.1).fit(X, y)
    assert fitted.n_iter_ == len(fitted.history_) == 2
    assert fitted.predict(X).shape == (300,)
    assert not fitted.module_.training


def test_the_bar_is_drawn_where_it_is_asked_for(capsys):
    model(progress_bar=True).fit(X, y)
    assert "] 8/8  train_loss" in capsys.readouterr().err
    model(dropout=0.1, verbose=True).fit(X, y)
    out, err = capsys.readouterr()
    assert "Iteration 8, loss = " in out
    assert not err


# scikit-learn's contract


ALL = {
    "dropout": 0.2,
    "norm": "layer",
    "optimizer": "adamw",
    "scheduler": LRScheduler("ExponentialLR", {"gamma": 0.9}),
    "loss": "focal",
    "activation": ["gelu", "prelu"],
    "clip_norm": 1.0,
    "accumulate_grad_batches": 2,
    "callbacks": [("stop", EarlyStopping("train_loss"))],
    "dtype": "float32",
}


CHECKED = {"norm": "layer", "activation": "gelu", "optimizer": "adamw", "learning_rate_init": 0.01, "max_iter": 50}


@parametrize_with_checks([MLPClassifier(**CHECKED)])
@pytest.mark.filterwarnings("ignore")
def test_estimator_passes(estimator, check):
    check(estimator)


def test_clone_pickle_and_a_search_take_everything():
    twin = clone(model(**ALL))
    assert {name: str(value) for name, value in twin.get_params().items()} == {
        name: str(value) for name, value in model(**ALL).get_params().items()
    }
    fitted = twin.fit(X, y)
    assert {array.dtype.name for array in fitted.coefs_} == {fitted.predict_proba(X).dtype.name} == {"float32"}
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.predict_proba(X), fitted.predict_proba(X))
    for each in (fitted, again):
        each.partial_fit(X, y)
    np.testing.assert_array_equal(flat(again), flat(fitted))
    grid = {"mlpclassifier__dropout": [0.0, 0.3], "mlpclassifier__callbacks__stop__patience": [1, 3]}
    pipeline = make_pipeline(StandardScaler(), model(**ALL, max_iter=10, learning_rate_init=0.02))
    search = GridSearchCV(pipeline, grid, cv=2, n_jobs=2, error_score="raise").fit(X, y)
    assert len(set(search.cv_results_["mean_test_score"])) > 1
    with pytest.raises(ValueError, match="no callback 'stp'. Did you mean 'stop'"):
        model(**ALL).set_params(callbacks__stp__patience=1)


def test_a_seed_gives_one_model_at_any_number_of_threads():
    rng = np.random.RandomState(0)
    data, labels = rng.normal(size=(1200, 40)), rng.randint(3, size=1200)
    weights = []
    for n_threads in (1, 2, 5):
        with config_context(n_threads=n_threads):
            fitted = MLPClassifier((256, 256), dropout=0.3, norm="batch", residual=True, max_iter=2, random_state=0)
            weights.append(flat(fitted.fit(data, labels)))
    np.testing.assert_array_equal(weights[0], weights[1])
    np.testing.assert_array_equal(weights[0], weights[2])


def test_dropout_draws_on_in_partial_fit():
    fitted = model(**SGD, dropout=0.5, batch_size=300, shuffle=False)
    masks = []
    for _ in range(2):
        fitted.partial_fit(X, y, classes=range(10))
        masks.append(fitted.module_.layers[0].dropout.n_draws)
    assert masks == [1, 2]
    assert len(fitted.history_) == len(fitted.loss_curve_) == 2


def test_a_warm_start_takes_the_network_along():
    fitted = model(warm_start=True, max_iter=60).fit(X, y)
    loss = fitted.loss_
    fitted.set_params(dropout=0.05, max_iter=1).fit(X, y)
    assert fitted.loss_ < 1.5 * loss < 0.5 * fitted.loss_curve_[0]
    fitted.set_params(dropout=0.5).fit(X, y)
    assert [layer.dropout.rate for layer in fitted.module_.layers[:-1]] == [0.5, 0.5]
    with pytest.raises(ValueError, match="other layers: .*norm.*warm_start=False"):
        fitted.set_params(norm="batch").fit(X, y)
    normed = model(warm_start=True, norm="batch").fit(X, y)
    with pytest.raises(ValueError, match="has norms"):
        normed.set_params(norm=None).fit(X, y)


def test_weights_of_zero_and_of_classes():
    weight = np.r_[np.zeros(50), np.ones(250)]
    params = {"dropout": 0.2, "norm": "batch"}
    assert_same_weights(model(**params).fit(X, y, weight), model(**params).fit(X[50:], y[50:]))
    by_class = model(**params, class_weight={digit: 1 + digit for digit in range(10)}).fit(X, y)
    assert_same_weights(by_class, model(**params).fit(X, y, 1.0 + y))


def test_sparse_data_and_dtypes():
    params = {"dropout": 0.2, "norm": "layer"}
    want = model(**params).fit(X, y)
    sparse = model(**params, early_stopping=False).fit(csr_matrix(X), y)
    assert_same_weights(sparse, want)
    np.testing.assert_allclose(sparse.predict_proba(csr_matrix(X)), want.predict_proba(X))
    assert model(**params).fit(X.astype(np.float32), y).coefs_[0].dtype == np.float32
    fused = model(dtype="float32").fit(X, y)
    assert_same_weights(fused, model().fit(X.astype(np.float32), y), rtol=0)
    assert fused.predict_proba(X).dtype == np.float32


def test_scikit_learns_class_holds_what_it_can():
    fitted = model(dropout=0.2, optimizer="adamw").fit(X, y)
    np.testing.assert_allclose(as_sklearn(fitted).predict_proba(X), fitted.predict_proba(X), rtol=1e-9)
    for params in ({"norm": "batch"}, {"activation": "gelu"}, {"hidden_layer_sizes": (8, 8), "residual": True}):
        with pytest.raises(ValueError, match="scikit-learn's MLPClassifier has no"):
            as_sklearn(model(**params).fit(X, y))


def test_skl2onnx_leaves_nothing_out():
    skl2onnx = pytest.importorskip("skl2onnx", reason="pip install ghostflow-learn[onnx]")
    onnx.register()
    onnxruntime = pytest.importorskip("onnxruntime", reason="pip install ghostflow-learn[test]")
    data = X.astype(np.float32)
    for params in ({"dropout": 0.2}, {"hidden_layer_sizes": (8, 8), "norm": "layer", "residual": True}):
        fitted = model(**params).fit(X, y)
        graph = skl2onnx.to_onnx(fitted, data[:1], options={"zipmap": False}, target_opset=18)
        session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
        proba = session.run(["probabilities"], {"X": data})[0]
        np.testing.assert_allclose(proba, fitted.predict_proba(X), rtol=1e-3, atol=1e-5)


def test_a_gpu_trains_the_same_model(on_gpu):
    params = {"dropout": 0.2, "norm": "batch", "max_iter": 2, "early_stopping": True}
    want = model(**params).fit(X, y)
    fitted = model(**params).fit(on_gpu(X), on_gpu(y))
    assert all(type(array) is np.ndarray for array in fitted.coefs_ + fitted.intercepts_)
    np.testing.assert_allclose(flat(fitted), flat(want), rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(fitted.transform(X), want.transform(X), rtol=1e-5, atol=1e-7)
    assert type(fitted.transform(on_gpu(X))) is type(on_gpu(X))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fitted)).predict(X), want.predict(X))


# Quality


def test_dropout_and_norms_learn_digits():
    data, labels = load_digits(return_X_y=True)
    train, test, y_train, y_test = train_test_split(data / 16, labels, stratify=labels, random_state=0)
    for params in ({"dropout": 0.2}, {"norm": "batch"}):
        fitted = MLPClassifier(128, max_iter=40, learning_rate_init=0.003, random_state=0, **params)
        assert fitted.fit(train, y_train).score(test, y_test) > 0.97


def test_residuals_help_a_deep_network():
    data, labels = load_iris(return_X_y=True)
    params = {"activation": "tanh", "max_iter": 60, "random_state": 0}
    plain, residual = (MLPClassifier((8,) * 24, residual=r, **params).fit(scale(data), labels) for r in (False, True))
    assert residual.loss_ < 0.5 * plain.loss_


# What is wrong


def test_divergence_is_an_error_and_leaves_no_model():
    params = {"optimizer": "sgd", "learning_rate_init": 1e10}
    fitted = model(MLPRegressor, **params)
    with pytest.raises(ValueError, match="non-finite parameter weights.*in epoch .*lower learning_rate_init"):
        fitted.fit(X, Y)
    with pytest.raises(NotFittedError):
        fitted.predict(X)
    with pytest.warns(ConvergenceWarning, match="The weights of the best validation score are kept"):
        kept = model(MLPRegressor, **params, early_stopping=True).fit(X, Y)
    assert np.isfinite(kept.predict(X)).all()
    not_finite = lambda prediction, target, weight: (prediction - prediction).mean() / 0.0
    with np.errstate(all="ignore"), pytest.raises(ValueError, match="The loss became nan in epoch 1"):
        model(MLPRegressor, loss=not_finite).fit(X, Y)


@pytest.mark.parametrize(
    "params, message",
    [
        ({"activation": "relo"}, "no activation 'relo'. Did you mean 'relu'"),
        ({"activation": ["relu"]}, "activation has 1 entries for 2 hidden layers"),
        ({"activation": lambda x: x[:, :3]}, "must keep the shape of its input"),
        ({"dropout": [0.1, 1.0]}, "dropout must lie in"),
        ({"dropout": [0.0]}, "dropout has 1 entries for 2 hidden layers"),
        ({"dropout": 0.1, "hidden_layer_sizes": ()}, "belong to hidden layers"),
        ({"residual": True}, r"needs two hidden layers of one size.*\(16, 8\)"),
        ({"loss": "fokal"}, "no loss 'fokal'. Did you mean 'focal'"),
        ({"loss": "huber"}, "does not compare classes. For classes take"),
        ({"loss": "bce"}, "is for two classes, or several labels"),
        ({"optimizer": "adm"}, "Did you mean 'adam'"),
        ({"optimizer": "lbfgs", "dropout": 0.1}, "neither dropout nor clipping"),
        ({"optimizer": "lbfgs", "accumulate_grad_batches": 2}, "cannot accumulate gradients"),
        ({"optimizer": lambda module: 3}, "made 3"),
        ({"scheduler": "CosineAnealingLR"}, "Did you mean 'CosineAnnealingLR'"),
        ({"scheduler": "StepLR"}, r"StepLR needs step_size. Pass scheduler=LRScheduler\('StepLR', "),
        ({"scheduler": "OneCycle", "solver": "sgd", "learning_rate": "adaptive"}, "both set the learning rate"),
        ({"solver": "lbfgs", "dropout": 0.1}, "it does not go with dropout.*optimizer='lbfgs'"),
        ({"norm": "layer", "early_stopping": True, "validation_fraction": 0.001}, "validation set is too small"),
        ({"callbacks": [3]}, "callbacks must be Callbacks"),
        ({"callbacks": [EarlyStopping()]}, "no column 'valid_loss'"),
        ({"norm": "instance"}, "The 'norm' parameter of MLPClassifier must be"),
        ({"clip_norm": 0}, "The 'clip_norm' parameter"),
        ({"dtype": "float16"}, "The 'dtype' parameter"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "says",
)
def test_messages(params, message):
    fitted = model(**params)
    with pytest.raises((ValueError, TypeError), match=message):
        fitted.fit(X, y)
    with pytest.raises(NotFittedError):
        fitted.predict(X)


def test_messages_of_other_targets():
    with pytest.raises(ValueError, match="is for one class a sample. For several labels take 'bce_with_logits'"):
        model(loss="focal").fit(X, np.column_stack([y > 4, y % 2]))
    for loss in ("focal", nn.TripletLoss):
        with pytest.raises(ValueError, match="does not compare numbers. For numbers take"):
            model(MLPRegressor, loss=loss).fit(X, Y)
    with pytest.raises(ValueError, match="quantiles of several levels have none"):
        model(MLPRegressor, loss=nn.QuantileLoss((0.1, 0.9)), early_stopping=True).fit(X, Y[:, 0])
    with pytest.raises(ValueError, match="partial_fit does not support early_stopping"):
        model(dropout=0.1, early_stopping=True).partial_fit(X, y, classes=range(10))
    with pytest.raises(ValueError, match="There are no validation data"):
        model(callbacks=[EpochScoring()]).fit(X, y)
