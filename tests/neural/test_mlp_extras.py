"""What MLPClassifier and MLPRegressor have beyond scikit-learn's: class_weight, and validation data of one's own."""

import numpy as np
import pytest
from sklearn.datasets import load_digits, make_multilabel_classification, make_regression
from sklearn.metrics import log_loss

from ghostflow_learn.neural_network import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y = load_digits(return_X_y=True)
X, y = X[:400] / 16, y[:400]
PARAMS = {"hidden_layer_sizes": 16, "max_iter": 6, "random_state": 0}


def assert_same_weights(a, b):
    for got, want in zip(a.coefs_, b.coefs_, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-12)


def test_weights_of_classes_are_weights_of_their_samples():
    by_class = {digit: 1 + digit for digit in range(10)}
    weight = np.random.default_rng(0).uniform(1, 2, len(X))
    for solver in ("adam", "lbfgs"):
        model = MLPClassifier(**PARAMS, solver=solver, class_weight=by_class)
        plain = MLPClassifier(**PARAMS, solver=solver)
        assert_same_weights(model.fit(X, y), plain.fit(X, y, sample_weight=1.0 + y))
        assert_same_weights(model.fit(X, y, weight), plain.fit(X, y, sample_weight=(1.0 + y) * weight))


def test_balanced_classes_find_the_rare_one():
    rng = np.random.default_rng(0)
    rare = rng.uniform(size=2000) < 0.03
    data = rng.standard_normal((2000, 2)) + rare[:, None]
    model, balanced = (MLPClassifier(max_iter=30, random_state=0, class_weight=w) for w in (None, "balanced"))
    found = [m.fit(data, rare).predict(data)[rare].mean() for m in (model, balanced)]
    assert found[0] < 0.2
    assert found[1] > 0.6


def test_classes_weigh_in_partial_fit_too():
    model = MLPClassifier(**PARAMS, class_weight={3: 5.0}).partial_fit(X, y, classes=range(10))
    plain = MLPClassifier(**PARAMS).partial_fit(X, y, np.where(y == 3, 5.0, 1.0), classes=range(10))
    assert_same_weights(model, plain)
    with pytest.raises(ValueError, match="'balanced' needs the frequencies of all samples.*compute_class_weight"):
        MLPClassifier(class_weight="balanced").partial_fit(X, y, classes=range(10))


def test_several_labels_take_a_dict_each():
    X, y = make_multilabel_classification(100, n_classes=2, random_state=0)
    model = MLPClassifier(**PARAMS, class_weight=[{0: 1, 1: 3}, {0: 1, 1: 1}]).fit(X, y)
    assert_same_weights(model, MLPClassifier(**PARAMS).fit(X, y, sample_weight=1.0 + 2 * y[:, 0]))


def test_the_validation_loss_is_that_of_the_model_after_each_epoch():
    model = MLPClassifier(**PARAMS).fit(X[:300], y[:300], X_val=X[300:], y_val=y[300:])
    assert len(model.validation_loss_curve_) == len(model.loss_curve_) == 6
    want = log_loss(y[300:], model.predict_proba(X[300:]), labels=range(10))
    assert model.validation_loss_curve_[-1] == pytest.approx(want)
    assert_same_weights(model, MLPClassifier(**PARAMS).fit(X[:300], y[:300]))
    assert not hasattr(model.fit(X, y), "validation_loss_curve_")


def test_validation_data_of_a_regression():
    X, y = make_regression(200, 5, random_state=0)
    y = np.c_[y, -y] / y.std()
    model = MLPRegressor(**PARAMS).fit(X[:150], y[:150], X_val=X[150:], y_val=y[150:])
    want = ((model.predict(X[150:]) - y[150:]) ** 2).mean() / 2
    assert model.validation_loss_curve_[-1] == pytest.approx(want)


def test_early_stopping_takes_the_given_data_and_learns_from_all_others():
    params = {**PARAMS, "early_stopping": True, "max_iter": 100, "learning_rate_init": 0.01}
    model = MLPClassifier(**params).fit(X[:300], y[:300], X_val=X[300:], y_val=y[300:])
    assert model.t_ == 300 * model.n_iter_
    assert model.best_validation_score_ == max(model.validation_scores_) == model.score(X[300:], y[300:])
    assert model.n_iter_ < 100


def test_warm_start_adds_to_the_validation_curve():
    model = MLPClassifier(**PARAMS, warm_start=True)
    for _ in range(2):
        model.fit(X[:300], y[:300], X_val=X[300:], y_val=y[300:])
    assert len(model.validation_loss_curve_) == len(model.loss_curve_) == 12


def test_errors_of_validation_data_say_what_is_wrong():
    model = MLPClassifier(**PARAMS)
    with pytest.raises(ValueError, match="X_val and y_val come together"):
        model.fit(X, y, X_val=X)
    with pytest.raises(ValueError, match="classes not in `self.classes_`"):
        model.fit(X, y, X_val=X, y_val=y + 1)
    with pytest.raises(ValueError, match="60 features, but MLPClassifier is expecting 64"):
        model.fit(X, y, X_val=X[:, :60], y_val=y)
    with pytest.raises(ValueError, match="solver='lbfgs' has none"):
        MLPClassifier(solver="lbfgs").fit(X, y, X_val=X, y_val=y)
    with pytest.raises(ValueError, match="outputs"):
        MLPRegressor(**PARAMS).fit(X, y, X_val=X, y_val=np.c_[y, y])
