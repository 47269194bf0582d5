"""Every neural estimator on data that are wrong, few, or held otherwise: the same answer, or an error that says why."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.sparse import coo_matrix, csc_array, csr_matrix

from ghostflow_learn import config_context
from ghostflow_learn.neural import (
    AutoencoderTransformer,
    NeuralNetBinaryClassifier,
    NeuralNetClassifier,
    NeuralNetRegressor,
)
from ghostflow_learn.neural_network import BernoulliRBM, MLPClassifier, MLPRegressor

NETS = {cls: {"max_epochs": 2} for cls in (NeuralNetClassifier, NeuralNetBinaryClassifier, NeuralNetRegressor)}
NETS[AutoencoderTransformer] = {"max_epochs": 2}
MLPS = {cls: {"max_iter": 2, "hidden_layer_sizes": (8,)} for cls in (MLPClassifier, MLPRegressor)}
ALL = NETS | MLPS | {BernoulliRBM: {"n_iter": 2, "n_components": 4}}
SUPERVISED = [cls for cls in ALL if cls not in (AutoencoderTransformer, BernoulliRBM)]
CLASSIFIERS = [MLPClassifier, NeuralNetClassifier, NeuralNetBinaryClassifier]

every = pytest.mark.parametrize("cls", ALL, ids=lambda cls: cls.__name__)
every_supervised = pytest.mark.parametrize("cls", SUPERVISED, ids=lambda cls: cls.__name__)
every_classifier = pytest.mark.parametrize("cls", CLASSIFIERS, ids=lambda cls: cls.__name__)
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def new(cls, **params):
    return cls(random_state=0, **(ALL[cls] | params))


def data(cls, n=30):
    """Four features in [0, 1], and two classes, or a number."""
    X = np.random.RandomState(0).uniform(size=(n, 4)).astype(np.float32)
    return X, (X[:, 0] > 0.5).astype(int) if cls in CLASSIFIERS else X[:, 0]


def answer(model, X):
    for name in ("predict_proba", "transform", "predict"):
        if hasattr(model, name):
            return np.asarray(getattr(model, name)(X))


def read_only(X):
    X = X.copy()
    X.flags.writeable = False
    return X


CONTAINERS = {
    "list": lambda X: X.tolist(),
    "read-only": read_only,
    "Fortran order": np.asfortranarray,
    "every second row": lambda X: np.repeat(X, 2, axis=0)[::2],
    "backwards in memory": lambda X: np.ascontiguousarray(X[::-1, ::-1])[::-1, ::-1],
    "big endian": lambda X: X.astype(">f4"),
    "pandas": lambda X: pd.DataFrame(X, columns=list("abcd")),
    "polars": lambda X: pl.DataFrame(X, schema=list("abcd")),
    "csr": csr_matrix,
    "csc": csc_array,
    "coo": coo_matrix,
}


@every
@pytest.mark.parametrize("container", CONTAINERS)
def test_the_model_does_not_depend_on_the_container(cls, container):
    X, y = data(cls)
    held = CONTAINERS[container](X)
    want, model = answer(new(cls).fit(X, y), X), new(cls).fit(held, y)
    np.testing.assert_allclose(answer(model, held), want, rtol=1e-4, atol=1e-6)
    assert hasattr(model, "feature_names_in_") == (container in ("pandas", "polars"))


@every
def test_arrays_of_a_gpu_give_the_model_of_the_host_and_answers_there(cls, on_gpu):
    X, y = data(cls)
    want, model = answer(new(cls).fit(X, y), X), new(cls).fit(on_gpu(X), on_gpu(y))
    name = next(n for n in ("predict_proba", "transform", "predict") if hasattr(model, n))
    got = getattr(model, name)(on_gpu(X))
    assert type(got) is type(on_gpu(X))
    np.testing.assert_allclose(got.get(), want, rtol=1e-3, atol=1e-5)


def at(X):
    """Where one value is, of the fourth sample."""
    return np.indices(X.shape)[0] * 4 + np.indices(X.shape)[1] == 13


WRONG = {
    "NaN": (lambda X: np.where(at(X), np.nan, X), "contains NaN"),
    "infinity": (lambda X: np.where(at(X), np.inf, X), "contains infinity"),
    "beyond float32": (lambda X: np.where(at(X), 1e300, X.astype(float)), "infinity or a value too large"),
    "words": (lambda X: np.full(X.shape, "a"), "could not convert string to float"),
    "objects": (lambda X: np.full(X.shape, {}), "must be a string or a real number"),
    "complex numbers": (lambda X: X + 1j, "Complex data not supported"),
    "one axis": (lambda X: X[:, 0], "Expected 2D array, got 1D array|at least 2"),
    "no samples": (lambda X: X[:0], "0 sample"),
    "no features": (lambda X: X[:, :0], "0 feature"),
}


@every
@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.filterwarnings("ignore:overflow encountered in cast")
def test_wrong_data_are_refused_by_fit_and_predict(cls, wrong):
    X, y = data(cls)
    spoil, message = WRONG[wrong]
    model = new(cls)
    if wrong == "beyond float32" and cls not in NETS:
        pytest.skip("float64 data stay float64")
    with pytest.raises((ValueError, TypeError), match=message):
        model.fit(spoil(X), y)
    model.fit(X, y)
    with pytest.raises((ValueError, TypeError), match=f"{message}|features"):
        answer(model, spoil(X))


@every_supervised
def test_wrong_targets_and_weights_are_refused(cls):
    X, y = data(cls)
    for target, message in (
        (y[:-1], "inconsistent numbers of samples"),
        (np.where(np.arange(len(y)) == 3, np.nan, y), "NaN"),
        (np.where(np.arange(len(y)) == 3, np.inf, y), "infinity"),
        (None, "requires y to be passed"),
    ):
        with pytest.raises(ValueError, match=message):
            new(cls).fit(X, target)
    for weight, message in (
        (np.ones(len(y) - 1), "sample_weight.shape|inconsistent"),
        (np.full(len(y), np.nan), "NaN"),
        (np.full(len(y), np.inf), "infinity"),
    ):
        with pytest.raises(ValueError, match=message):
            new(cls).fit(X, y, sample_weight=weight)


@pytest.mark.filterwarnings("ignore:overflow encountered in cast")
def test_targets_beyond_float32_are_named():
    X, y = data(NeuralNetRegressor)
    large = np.where(np.arange(len(y)) == 3, 1e300, y.astype(float))
    with pytest.raises(ValueError, match="y has values too large for float32. Scale it, or set dtype='float64'"):
        new(NeuralNetRegressor).fit(X, large)
    with pytest.raises(ValueError, match="sample_weight contains infinity or a value too large"):
        new(NeuralNetRegressor).fit(X, y, sample_weight=large)


@every
def test_one_sample_is_enough(cls):
    X, y = data(cls)
    model, one = new(cls), (X[:1], y[:1])
    if cls is NeuralNetBinaryClassifier:
        with pytest.raises(ValueError, match="needs two classes. Got 1 class"):
            model.fit(*one)
        return
    assert np.isfinite(answer(model.fit(*one), X)).all()


@every
def test_a_gpu_that_is_not_there_is_named(cls):
    X, y = data(cls)
    with config_context(device="cuda"), pytest.raises(RuntimeError, match="device='cuda' needs an NVIDIA GPU"):
        new(cls).fit(X, y)


@every_classifier
def test_labels_that_no_partial_fit_has_named_are_refused(cls):
    X, y = data(cls)
    model = new(cls)
    with pytest.raises(ValueError, match="classes must be passed on the first call to partial_fit"):
        model.partial_fit(X, y)
    model.partial_fit(X, y, classes=[0, 1])
    before = answer(model, X)
    with pytest.raises(ValueError, match=r"7\]"):
        model.partial_fit(X, np.where(y == 0, 7, y))
    np.testing.assert_array_equal(answer(model, X), before)
