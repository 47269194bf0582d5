"""Callbacks: when they are called, what they change, and that they leave the estimator's own as they were."""

import functools
import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.metrics import make_scorer, mean_absolute_error
from sklearn.preprocessing import scale

from ghostflow_learn.neural import (
    Callback,
    Checkpoint,
    EarlyStopping,
    EpochScoring,
    GradientClipping,
    LRScheduler,
    NeuralNetClassifier,
    NeuralNetRegressor,
    ProgressBar,
    nn,
    optim,
)

X, y = load_iris(return_X_y=True)
X = scale(X)


def net(*callbacks, **params):
    return NeuralNetClassifier(callbacks=list(callbacks), random_state=0, **{"max_epochs": 6, **params})


class Record(Callback):
    """The events of a fit, in order."""

    def on_train_begin(self, net):
        self.events = ["train_begin"]

    def on_epoch_begin(self, net):
        self.events.append("epoch_begin")

    def on_gradients(self, net):
        self.events.append("gradients")

    def on_batch_end(self, net):
        self.events.append("batch_end")

    def on_epoch_end(self, net):
        self.events.append("epoch_end")

    def on_train_end(self, net):
        self.events.append("train_end")


def test_events_come_in_order():
    record = net(Record(), max_epochs=2, batch_size=75).fit(X, y).callbacks_["record"]
    epoch = ["epoch_begin", *["gradients", "batch_end"] * 2, "epoch_end"]
    assert record.events == ["train_begin", *epoch * 2, "train_end"]


def test_the_estimators_own_callbacks_stay_as_they_were():
    own = EarlyStopping("train_loss")
    model = net(own).fit(X, y)
    assert model.callbacks[0] is own
    assert set(vars(own)) == set(own.get_params())
    assert model.callbacks_["earlystopping"].best_epoch_ == 6


def test_names_are_those_of_the_classes_and_numbered():
    model = net(EarlyStopping("train_loss"), EarlyStopping("train_loss"), ("mine", EarlyStopping("train_loss")))
    assert list(model.fit(X, y).callbacks_) == ["earlystopping", "earlystopping_2", "mine"]


class Scores(Callback):
    """Writes given scores into the history."""

    def __init__(self, scores=()):
        self.scores = scores

    def on_epoch_end(self, net):
        record = net.history_[-1]
        record["score"] = self.scores[record["epoch"] - 1]
        record["flat"] = net.module_.flat.copy()


@pytest.mark.parametrize(
    "scores, lower_is_better, n_epochs, best",
    [
        ([5, 4, 3, 3.5, 3.2, 1], True, 5, 3),
        ([1, 2, 3, 2, 1, 9], False, 5, 3),
        ([3, 2, 1, 0, -1, -2], True, 6, 6),
        ([np.nan, np.nan, 1, 1, 1, 1], True, 2, 0),
        ([2, np.nan, 1, 0.9, 0.8, 0.7], True, 6, 6),
        ([1, 0.9999, 0.9998, 0, 0, 0], True, 3, 1),
    ],
)
def test_early_stopping_waits_and_goes_back_to_the_best(scores, lower_is_better, n_epochs, best):
    stop = EarlyStopping("score", patience=2, threshold=0.01, lower_is_better=lower_is_better)
    model = net(Scores(scores), stop).fit(X, y)
    assert len(model.history_) == n_epochs
    assert model.callbacks_["earlystopping"].best_epoch_ == best
    kept = model.history_[best - 1]["flat"] if best else model.history_[-1]["flat"]
    np.testing.assert_array_equal(model.module_.flat, kept)


def test_early_stopping_may_keep_the_last_epoch():
    model = net(Scores([1, 2, 3, 4, 5, 6]), EarlyStopping("score", 3, restore_best=False)).fit(X, y)
    np.testing.assert_array_equal(model.module_.flat, model.history_[3]["flat"])


def test_early_stopping_brings_back_running_statistics():
    class Statistics(Callback):
        def on_epoch_end(self, net):
            net.history_[-1]["mean"] = net.module_.layers[0].norm.running_mean.numpy().copy()

    stop = EarlyStopping("score", 3)
    model = net(Statistics(), Scores([1, 2, 3, 4, 5, 6]), stop, module__norm="batch").fit(X, y)
    means = [record["mean"] for record in model.history_]
    np.testing.assert_array_equal(model.module_.layers[0].norm.running_mean.numpy(), means[0])
    assert (means[0] != means[3]).any()


def test_early_stopping_saves_epochs_and_generalises():
    rng = np.random.default_rng(0)
    A = rng.normal(size=(300, 20))
    b = A[:, 0] + 2 * rng.normal(size=300)
    fit = lambda *callbacks: NeuralNetRegressor(
        validation_fraction=0.3, max_epochs=80, callbacks=list(callbacks), random_state=0
    ).fit(A[:200], b[:200])
    stopped, full = fit(EarlyStopping()), fit()
    assert len(stopped.history_) < 40
    assert stopped.score(A[200:], b[200:]) > full.score(A[200:], b[200:])


def test_checkpoints_hold_the_best_parameters(tmp_path):
    path = tmp_path / "best.npz"
    model = net(Scores([3, 1, 2, 2, 2, 2]), Checkpoint(str(path), "score")).fit(X, y)
    assert model.callbacks_["checkpoint"].best_score_ == 1
    model.module_.load_state_dict(dict(np.load(path)))
    np.testing.assert_array_equal(model.module_.flat, model.history_[1]["flat"])
    assert [p.name for p in tmp_path.iterdir()] == ["best.npz"]


def test_checkpoints_of_every_epoch_end_with_the_last(tmp_path):
    path = tmp_path / "last.npz"
    model = net(Checkpoint(str(path), None)).fit(X, y)
    saved = dict(np.load(path))
    for name, value in model.module_.state_dict().items():
        np.testing.assert_array_equal(saved[name], value)


def rates(callback, **params):
    return [record["lr"] for record in net(callback, lr=0.1, **params).fit(X, y).history_]


def test_schedules_by_name_class_and_function():
    want = 0.1 * 0.5 ** np.arange(6)
    np.testing.assert_allclose(rates(LRScheduler(params={"gamma": 0.5})), want)
    np.testing.assert_allclose(rates(LRScheduler(optim.schedules.ExponentialLR, {"gamma": 0.5})), want)
    np.testing.assert_allclose(rates(LRScheduler(functools.partial(optim.schedules.ExponentialLR, gamma=0.5))), want)


def test_a_schedule_may_count_batches():
    got = rates(LRScheduler("ExponentialLR", {"gamma": 0.5}, step_every="batch"), batch_size=75)
    np.testing.assert_allclose(got, 0.1 * 0.25 ** np.arange(6))


def test_a_plateau_looks_at_its_column():
    plateau = LRScheduler("ReduceLROnPlateau", {"patience": 1, "factor": 0.5}, monitor="score")
    got = [record["lr"] for record in net(Scores([1] * 6), plateau, lr=0.1).fit(X, y).history_]
    np.testing.assert_allclose(got, [0.1, 0.1, 0.1, 0.05, 0.05, 0.025])


def test_a_schedule_goes_on_with_a_warm_start():
    model = net(LRScheduler(params={"gamma": 0.5}), lr=0.1, max_epochs=2, warm_start=True).fit(X, y)
    model = pickle.loads(pickle.dumps(model)).fit(X, y)
    np.testing.assert_allclose([record["lr"] for record in model.history_], 0.1 * 0.5 ** np.arange(4))


def test_scores_are_scikit_learns_on_data_it_names(recwarn):
    import pandas as pd

    frame = pd.DataFrame(X, columns=list("abcd"))
    scores = [EpochScoring(), EpochScoring("neg_log_loss", on_train=True), EpochScoring("f1_macro", name="f1")]
    model = net(*scores).fit(frame[::2], y[::2], X_val=frame[1::2], y_val=y[1::2])
    assert model.history_[-1]["valid_accuracy"] == model.score(frame[1::2], y[1::2])
    proba = model.predict_proba(frame[::2])
    want = np.log(proba[np.arange(75), y[::2]]).mean()
    np.testing.assert_allclose(model.history_[-1]["train_neg_log_loss"], want, rtol=1e-5)
    assert 0.3 < model.history_[-1]["f1"] <= 1
    assert not recwarn.list


def test_a_score_of_ones_own():
    scorer = make_scorer(mean_absolute_error, greater_is_better=False)
    callback = EpochScoring(scorer, name="mae", on_train=True)
    model = NeuralNetRegressor(max_epochs=3, callbacks=[callback]).fit(X[:, 1:], X[:, 0])
    assert model.history_[-1]["mae"] == scorer(model, X[:, 1:], X[:, 0])


def test_training_goes_on_in_training_mode_after_a_score():
    plain, scored = (net(*c, module__dropout=0.5).fit(X, y) for c in ((), (EpochScoring(on_train=True),)))
    np.testing.assert_array_equal(plain.module_.flat, scored.module_.flat)


class Norms(Callback):
    def on_gradients(self, net):
        flat = net.module_.settle_grad()
        self.norms = [*getattr(self, "norms", ()), (np.sqrt((flat**2).sum()), np.abs(flat).max())]


def test_gradients_are_clipped():
    model = net(GradientClipping(0.05, 0.02), Norms()).fit(X, y)
    norms, values = np.transpose(model.callbacks_["norms"].norms)
    assert norms.max() <= 0.05 * (1 + 1e-5)
    assert values.max() <= 0.02 * (1 + 1e-5)
    free = np.transpose(net(Norms()).fit(X, y).callbacks_["norms"].norms)
    assert free[0].max() > 0.05


def test_clipping_by_the_callback_is_that_of_the_optimizer():
    by_callback = net(GradientClipping(0.05)).fit(X, y)
    by_optimizer = net(optimizer__clip_norm=0.05).fit(X, y)
    np.testing.assert_allclose(by_callback.module_.flat, by_optimizer.module_.flat, rtol=1e-5, atol=1e-7)


def test_a_bar_shows_all_epochs(capsys):
    net(ProgressBar(width=10)).fit(X, y)
    err = capsys.readouterr().err
    assert "[##########] 6/6  train_loss 0." in err
    assert err.endswith("\n")
    assert len(err.split("\r")) <= 4


@pytest.mark.parametrize(
    "callback",
    [EarlyStopping(), Checkpoint(), LRScheduler(), EpochScoring(), GradientClipping(), ProgressBar()],
    ids=lambda callback: type(callback).__name__,
)
def test_callbacks_clone_and_pickle(callback):
    for copied in (clone(callback), pickle.loads(pickle.dumps(callback))):
        assert copied.get_params() == callback.get_params()


def test_messages():
    with pytest.raises(ValueError, match="no column 'valid_loss'.*Set validation_fraction=0.1, or pass X_val"):
        net(EarlyStopping()).fit(X, y)
    with pytest.raises(ValueError, match="no column 'train_los'. Did you mean 'train_loss'?"):
        net(EarlyStopping("train_los")).fit(X, y)
    with pytest.raises(ValueError, match="There are no validation data"):
        net(EpochScoring()).fit(X, y)
    with pytest.raises(ValueError, match="no schedule 'StepRL'. Did you mean 'StepLR'?"):
        net(LRScheduler("StepRL")).fit(X, y)
    with pytest.raises(ValueError, match="step_every must be 'epoch' or 'batch'. Got 'step'"):
        net(LRScheduler(params={"gamma": 0.5}, step_every="step")).fit(X, y)
    with pytest.raises(ValueError, match="ReduceLROnPlateau needs step_every='epoch'"):
        net(LRScheduler("ReduceLROnPlateau", step_every="batch")).fit(X, y)
    with pytest.raises(ValueError, match="max_norm must be positive, or None. Got 0"):
        net(GradientClipping(0)).fit(X, y)
    with pytest.raises(ValueError, match="There is no callback 'stop'. Did you mean 'stopp'?"):
        net(("stopp", EarlyStopping())).set_params(callbacks__stop__patience=2)


def test_a_module_without_callbacks_needs_none():
    assert nn.MLP(2).training
    assert NeuralNetClassifier(max_epochs=1).fit(X, y).callbacks_ == {}


def test_scikit_learns_callbacks_see_each_epoch_and_a_model_that_predicts():
    callback = pytest.importorskip("sklearn.callback", reason="scikit-learn 1.8 has no callbacks")
    monitor = callback.ScoringMonitor(scoring="accuracy")
    model = net().set_callbacks(monitor).fit(X, y)
    epochs = [row["accuracy"] for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    assert len(epochs) == 6
    assert epochs[-1] == model.score(X, y)


def test_scikit_learns_callbacks_may_stop_a_fit():
    pytest.importorskip("sklearn.callback", reason="scikit-learn 1.8 has no callbacks")

    class Stop:
        def setup(self, estimator, context):
            pass

        def teardown(self, estimator, context):
            pass

        def on_fit_task_begin(self, estimator, context):
            pass

        def on_fit_task_end(self, estimator, context):
            return context.task_name == "epoch" and context.task_id == 2

    assert len(net().set_callbacks(Stop()).fit(X, y).history_) == 3
