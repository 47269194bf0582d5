import numpy as np
import pytest
import sklearn.naive_bayes
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris

from ghostflow_learn import config_context
from ghostflow_learn.naive_bayes import GaussianNB

PREDICTIONS = ["predict", "predict_proba", "predict_log_proba", "predict_joint_log_proba"]
FITTED = ["theta_", "var_", "class_count_", "class_prior_", "epsilon_"]


def theirs(model):
    return sklearn.naive_bayes.GaussianNB(**model.get_params())


def assert_same_model(ours, reference, rtol):
    assert {k for k in vars(ours) if k.endswith("_")} == {k for k in vars(reference) if k.endswith("_")}
    for name in FITTED:
        got, want = getattr(ours, name), getattr(reference, name)
        assert (type(got), got.dtype) == (type(want), want.dtype), name
        np.testing.assert_allclose(got, want, rtol=rtol, err_msg=name)
    np.testing.assert_array_equal(ours.classes_, reference.classes_)


def close(X):
    """Tolerance of likelihoods, which scikit-learn computes in the dtype of the data."""
    return {"rtol": 1e-3, "atol": 1e-5} if X.dtype == np.float32 else {"rtol": 1e-9}


@pytest.fixture
def blobs(rng, dtype):
    """X and the labels of three classes, in no order."""
    y = rng.integers(3, size=300)
    return (rng.normal(size=(300, 4)) * [1, 2, 3, 4] + 2 * y[:, None]).astype(dtype), y


# ------------------------------------------------------------------------------------------------ closed form


def test_means_variances_and_priors_are_those_of_each_class():
    X, y = np.array([[0.0, 1], [2, 1], [10, 0], [10, 4], [13, 2]]), np.array(["a", "a", "b", "b", "b"])
    model = GaussianNB(var_smoothing=0).fit(X, y)
    np.testing.assert_allclose(model.theta_, [[1, 1], [11, 2]])
    np.testing.assert_allclose(model.var_, [[1, 0], [2, 8 / 3]])
    np.testing.assert_allclose(model.class_prior_, [0.4, 0.6])


def test_smoothing_is_a_part_of_the_largest_variance():
    X = np.array([[0.0, 0], [4, 1], [0, 0], [4, 1]])
    model = GaussianNB(var_smoothing=0.5).fit(X, [0, 0, 1, 1])
    assert model.epsilon_ == 2
    np.testing.assert_allclose(model.var_, [[6, 2.25]] * 2)


def test_probabilities_are_those_of_the_densities():
    model = GaussianNB(var_smoothing=0).fit([[-1.0], [1], [3], [5]], [0, 0, 1, 1])
    odds = np.exp(-0.5 * 1**2) / np.exp(-0.5 * 3**2)
    np.testing.assert_allclose(model.predict_proba([[1.0]]), [[odds / (1 + odds), 1 / (1 + odds)]])


# ------------------------------------------------------------------------------------------------ invariance


def test_order_of_the_samples_does_not_matter(blobs, rng):
    X, y = blobs
    order = rng.permutation(len(X))
    one, other = GaussianNB().fit(X, y), GaussianNB().fit(X[order], y[order])
    np.testing.assert_allclose(one.var_, other.var_, rtol=1e-5)


def test_weight_two_is_the_sample_twice_and_weight_zero_none(blobs, rng):
    X, y = blobs
    weight = rng.integers(3, size=len(X))
    weighted = GaussianNB(var_smoothing=0).fit(X, y, sample_weight=weight)
    repeated = GaussianNB(var_smoothing=0).fit(np.repeat(X, weight, axis=0), np.repeat(y, weight))
    assert_same_model(weighted, repeated, rtol=1e-5)


def test_partial_fit_in_batches_is_fit(blobs):
    X, y = blobs
    whole, parts = GaussianNB(var_smoothing=0).fit(X, y), GaussianNB(var_smoothing=0)
    for rows in (slice(0, 1), slice(1, 40), slice(40, None)):
        parts.partial_fit(X[rows], y[rows], classes=[0, 1, 2])
    np.testing.assert_allclose(parts.theta_, whole.theta_, rtol=1e-5)
    np.testing.assert_allclose(parts.var_, whole.var_, rtol=1e-5)
    np.testing.assert_array_equal(parts.class_count_, whole.class_count_)


def test_same_bits_at_any_number_of_threads(rng):
    X, y, models = rng.normal(size=(50_000, 6)), rng.integers(4, size=50_000), []
    for n_threads in (1, 3):
        with config_context(n_threads=n_threads):
            models.append((GaussianNB().fit(X, y), GaussianNB().fit(X, y).predict_log_proba(X)))
    for name in FITTED:
        np.testing.assert_array_equal(getattr(models[0][0], name), getattr(models[1][0], name))
    np.testing.assert_array_equal(models[0][1], models[1][1])


# ------------------------------------------------------------------------------------------------ as scikit-learn


@pytest.mark.parametrize("model", [GaussianNB(), GaussianNB(priors=[0.1, 0.2, 0.7]), GaussianNB(var_smoothing=0.1)])
@pytest.mark.parametrize("is_weighted", [False, True])
def test_agrees_with_scikit_learn(model, blobs, rng, is_weighted):
    X, y = blobs
    weight = rng.uniform(size=len(X)) if is_weighted else None
    ours, reference = clone(model).fit(X, y, weight), theirs(model).fit(X, y, weight)
    rtol = 1e-5 if X.dtype == np.float32 else 1e-10
    assert_same_model(ours, reference, rtol)
    for method in PREDICTIONS:
        got, want = getattr(ours, method)(X), getattr(reference, method)(X)
        assert got.dtype == want.dtype
        np.testing.assert_allclose(got, want, **close(X), err_msg=method)


def test_batches_agree_with_scikit_learn(blobs, rng):
    X, y = blobs
    ours, reference = GaussianNB(var_smoothing=0.01), sklearn.naive_bayes.GaussianNB(var_smoothing=0.01)
    for rows in (slice(0, 100), slice(100, 130), slice(130, None)):
        weight = rng.uniform(size=len(X[rows]))
        ours.partial_fit(X[rows], y[rows], [0, 1, 2, 9], weight)
        reference.partial_fit(X[rows], y[rows], [0, 1, 2, 9], weight)
        assert_same_model(ours, reference, 1e-5 if X.dtype == np.float32 else 1e-10)
        np.testing.assert_array_equal(ours.predict(X), ours.classes_[ours.predict_joint_log_proba(X).argmax(axis=1)])


@pytest.mark.parametrize("labels", [["no", "yes", "maybe"], [True, False, True], [0.5, 1.0, 2.0], [-7, 3, 2**40]])
def test_any_labels_come_back(blobs, labels):
    X, y = blobs
    y = np.array(labels, dtype=object if isinstance(labels[0], str) else None)[y]
    if labels[0] == 0.5:  # continuous to scikit-learn
        y = np.floor(y)
    ours, reference = GaussianNB().fit(X, y), sklearn.naive_bayes.GaussianNB().fit(X, y)
    assert ours.classes_.dtype == reference.classes_.dtype
    assert ours.predict(X).dtype == reference.predict(X).dtype
    assert (ours.predict(X) == reference.predict(X)).mean() > 0.99


@pytest.mark.parametrize("load", [load_iris, load_digits])
def test_scores_like_scikit_learn_and_better_than_chance(load):
    X, y = load(return_X_y=True)
    ours, reference = GaussianNB().fit(X[::2], y[::2]), sklearn.naive_bayes.GaussianNB().fit(X[::2], y[::2])
    assert ours.score(X[1::2], y[1::2]) == pytest.approx(reference.score(X[1::2], y[1::2]), abs=0.005)
    assert ours.score(X[1::2], y[1::2]) > 0.75


# ------------------------------------------------------------------------------------------------ edges


def test_classes_far_from_zero_are_told_apart(rng):
    X, y = rng.normal(size=(1000, 3)) + 1e8, rng.integers(2, size=1000)
    X[y == 1] += 10
    assert GaussianNB().fit(X, y).score(X, y) == 1


def test_a_class_without_samples_is_never_predicted(blobs):
    X, y = blobs
    model = GaussianNB().partial_fit(X, y, classes=[-1, 0, 1, 2])
    assert model.class_prior_[0] == 0
    assert (model.predict(X) >= 0).all()
    assert (model.predict_proba(X)[:, 0] == 0).all()


def test_one_sample_one_class_and_a_constant_feature(blobs):
    X, y = blobs
    assert GaussianNB().fit(X[:1], [5]).predict(X).tolist() == [5] * len(X)
    X[:, 0] = 0.1
    ours, reference = GaussianNB().fit(X, y), sklearn.naive_bayes.GaussianNB().fit(X, y)
    np.testing.assert_array_equal(ours.predict(X), reference.predict(X))


def test_fortran_order_and_float32_data_for_a_float64_model(blobs):
    X, y = blobs
    model = GaussianNB().fit(X, y)
    np.testing.assert_array_equal(GaussianNB().fit(np.asfortranarray(X), y).theta_, model.theta_)
    np.testing.assert_array_equal(model.predict_proba(np.asfortranarray(X)), model.predict_proba(X))
    reference = sklearn.naive_bayes.GaussianNB().fit(X.astype(np.float64), y)
    got = GaussianNB().fit(X.astype(np.float64), y).predict_log_proba(X.astype(np.float32))
    assert got.dtype == reference.predict_log_proba(X.astype(np.float32)).dtype
    np.testing.assert_allclose(got, reference.predict_log_proba(X.astype(np.float32)), rtol=1e-9)


# ------------------------------------------------------------------------------------------------ messages

EYE = np.eye(4)
BAD = {
    "priors of another number": (GaussianNB(priors=[0.5, 0.5]), "fit", (EYE, [0, 1, 2, 2])),
    "priors that do not add up": (GaussianNB(priors=[0.5, 0.6]), "fit", (EYE, [0, 1, 1, 1])),
    "negative priors": (GaussianNB(priors=[-0.5, 1.5]), "fit", (EYE, [0, 1, 1, 1])),
    "negative smoothing": (GaussianNB(var_smoothing=-1.0), "fit", (EYE, [0, 1, 1, 1])),
    "continuous target": (GaussianNB(), "fit", (EYE, [0.1, 0.2, 0.3, 0.4])),
    "NaN in y": (GaussianNB(), "fit", (EYE, [0, 1, np.nan, 1])),
    "no y": (GaussianNB(), "fit", (EYE, None)),
    "lengths": (GaussianNB(), "fit", (EYE, [0, 1])),
    "NaN": (GaussianNB(), "fit", (EYE * np.nan, [0, 1, 1, 1])),
    "weights all zero": (GaussianNB(), "fit", (EYE, [0, 1, 1, 1], np.zeros(4))),
    "no classes": (GaussianNB(), "partial_fit", (EYE, [0, 1, 1, 1])),
    "unknown label": (GaussianNB(), "partial_fit", (EYE, [0, 1, 7, 1], [0, 1])),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_refused_in_scikit_learns_words(what):
    model, method, args = BAD[what]
    errors = []
    for estimator in (clone(model), theirs(model)):
        with pytest.raises(ValueError) as error:
            getattr(estimator, method)(*args)
        errors.append(str(error.value))
    assert errors[0] == errors[1]


def test_other_classes_in_a_later_batch_are_refused():
    model = GaussianNB().partial_fit(EYE, [0, 1, 1, 1], classes=[0, 1])
    with pytest.raises(ValueError, match="is not the same as on last call to partial_fit"):
        model.partial_fit(EYE, [0, 1, 1, 1], classes=[0, 1, 2])


# ------------------------------------------------------------------------------------------------ on a GPU


@pytest.mark.parametrize("is_weighted", [False, True])
def test_gpu_agrees_with_the_cpu_and_stays_there(blobs, rng, on_gpu, is_weighted):
    X, y = blobs
    weight = rng.uniform(size=len(X)).astype(X.dtype) if is_weighted else None
    there = GaussianNB().fit(on_gpu(X), on_gpu(y), None if weight is None else on_gpu(weight))
    here = GaussianNB().fit(X, y, weight)
    assert_same_model(there, here, 1e-6)
    for method in PREDICTIONS:
        out = getattr(there, method)(on_gpu(X))
        assert type(out) is type(on_gpu(X))
        np.testing.assert_allclose(out.get(), getattr(here, method)(X), **close(X))


def test_batches_on_a_gpu(blobs, on_gpu):
    X, y = blobs
    there, here = GaussianNB(), GaussianNB()
    for rows in (slice(0, 100), slice(100, None)):
        there.partial_fit(on_gpu(X[rows]), on_gpu(y[rows]), classes=[0, 1, 2])
        here.partial_fit(X[rows], y[rows], classes=[0, 1, 2])
    assert_same_model(there, here, 1e-6)


def test_nothing_as_large_as_the_data_leaves_the_gpu(rng, on_gpu, counting):
    X, y = on_gpu(rng.normal(size=(3000, 8))), on_gpu(rng.integers(3, size=3000))
    with counting() as events:
        GaussianNB().fit(X, y).predict(X)
    assert events["d2h_bytes"] + events["h2d_bytes"] < X.nbytes / 50
    assert events["host_iter"] == 0


def test_the_reference_gives_the_same_answers(blobs):
    X, y = blobs
    with config_context(device="reference"):
        want = GaussianNB().fit(X, y).predict_log_proba(X)
    np.testing.assert_allclose(GaussianNB().fit(X, y).predict_log_proba(X), want, rtol=1e-3)


@pytest.mark.parametrize("kind", [str, bytes, list])
def test_strings_are_refused_in_the_words_of_scikit_learn(kind):
    """Also where they spell numbers; as objects both convert them."""
    X, y = np.array([["1", "2"], ["2", "3"], ["4", "5"]]), [0, 0, 1]
    strings = X.tolist() if kind is list else X.astype(kind)
    fitted = GaussianNB().fit(X.astype(object), y)
    for call in (lambda model: model.fit(strings, y), lambda model: model.partial_fit(strings, y, [0, 1])):
        with pytest.raises(ValueError, match="not compatible with arrays of bytes/strings"):
            call(theirs(GaussianNB()))
        with pytest.raises(ValueError, match="not compatible with arrays of bytes/strings"):
            call(GaussianNB())
    with pytest.raises(ValueError, match="not compatible with arrays of bytes/strings"):
        fitted.predict(strings)
