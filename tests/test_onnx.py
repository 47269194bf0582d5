"""Every estimator converts to ONNX and answers in onnxruntime as it does here."""

import subprocess
import sys
from inspect import signature

import numpy as np
import pytest
from sklearn.base import is_classifier, is_clusterer
from sklearn.datasets import load_iris
from sklearn.pipeline import make_pipeline

from ghostflow_learn import onnx
from ghostflow_learn._patch import native_estimators
from ghostflow_learn.neighbors import LocalOutlierFactor, NearestNeighbors
from ghostflow_learn.neural import (
    AutoencoderTransformer,
    NeuralNetBinaryClassifier,
    NeuralNetClassifier,
    NeuralNetRegressor,
)

# LogisticRegressionCV announces its coming defaults, ours as scikit-learn's.
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")

skl2onnx = pytest.importorskip("skl2onnx", reason="pip install ghostflow-learn[onnx]")
onnxruntime = pytest.importorskip("onnxruntime", reason="pip install ghostflow-learn[test]")

# skl2onnx lacks NearestCentroid, refuses NearestNeighbors with a radius, which it has by default, and gives the sparse
# answer of KNeighborsTransformer in another form; LocalOutlierFactor predicts with novelty=True alone.
NOT_CONVERTED = {"NearestCentroid", "NearestNeighbors", "KNeighborsTransformer", "LocalOutlierFactor"}
COUNTERPARTS = [ours for ours in native_estimators() if ours.__name__ not in NOT_CONVERTED]
X, y = load_iris(return_X_y=True)
X = X.astype(np.float32)
every_estimator = pytest.mark.parametrize("ours", COUNTERPARTS, ids=lambda cls: cls.__name__)


@pytest.fixture(autouse=True, scope="module")
def _registered():
    onnx.register()


def run_in_onnx(model, data):
    options = {"zipmap": False} if hasattr(model, "classes_") else None
    # Isolation forests convert to the third version of the operators for machine learning alone.
    graph = skl2onnx.to_onnx(model, data[:1], options=options, target_opset={"": 18, "ai.onnx.ml": 3})
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    return dict(zip([output.name for output in session.get_outputs()], session.run(None, {"X": data})))


def assert_agrees(model, data):
    out = run_in_onnx(model, data)
    if hasattr(model, "transform") and not hasattr(model, "predict"):
        (transformed,) = out.values()
        np.testing.assert_allclose(transformed, model.transform(data), rtol=1e-3, atol=1e-4)
    elif is_clusterer(model):  # float32 may flip a near tie: the distance to the chosen center tells
        dists = model.transform(data)
        np.testing.assert_allclose(out["scores"], dists, rtol=1e-2, atol=1e-3)
        chosen = dists[np.arange(len(data)), out["label"]]
        np.testing.assert_allclose(chosen, dists.min(axis=1), rtol=1e-2, atol=1e-3)
    elif "label" in out:
        np.testing.assert_array_equal(out["label"].ravel(), model.predict(data))
    else:
        (predicted,) = out.values()
        np.testing.assert_allclose(predicted.ravel(), model.predict(data).ravel(), rtol=1e-3, atol=1e-4)
    if "probabilities" in out and hasattr(model, "predict_proba"):
        np.testing.assert_allclose(out["probabilities"], model.predict_proba(data), rtol=1e-3, atol=1e-4)


def seeded(cls):
    known = signature(cls).parameters  # ONNX has no sparse output
    return cls(**{name: value for name, value in {"random_state": 0, "sparse_output": False}.items() if name in known})


@every_estimator
def test_an_estimator_answers_in_onnx_as_here(ours):
    assert_agrees(seeded(ours).fit(X, y), X)


@every_estimator
def test_an_estimator_fitted_on_float64_answers_too(ours):
    assert_agrees(seeded(ours).fit(X.astype(np.float64), y), X)


@every_estimator
def test_a_pipeline_around_an_estimator_converts(ours):
    first = next(cls for cls in COUNTERPARTS if cls.__name__ == "PCA")
    assert_agrees(make_pipeline(first(3), seeded(ours)).fit(X, y), X)


@pytest.mark.parametrize("ours", [cls for cls in COUNTERPARTS if is_classifier(cls())], ids=lambda cls: cls.__name__)
def test_two_classes_convert(ours):
    assert_agrees(seeded(ours).fit(X[:100], y[:100]), X[:100])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("labels", [[0, 1, 2], ["a", "b", "c"], [0, 1, 1]], ids=["numbers", "words", "two classes"])
def test_a_pipeline_that_ends_in_a_net_converts(labels, dtype):
    scaler = next(cls for cls in COUNTERPARTS if cls.__name__ == "StandardScaler")()
    net = NeuralNetBinaryClassifier if len(set(labels)) == 2 else NeuralNetClassifier
    code = AutoencoderTransformer(3, (8,), max_epochs=2, random_state=0)
    model = make_pipeline(scaler, code, net(max_epochs=3, random_state=0)).fit(X.astype(dtype), np.array(labels)[y])
    assert_agrees(model, X.astype(dtype))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_pipeline_of_a_net_that_predicts_numbers_converts(dtype):
    scaler = next(cls for cls in COUNTERPARTS if cls.__name__ == "StandardScaler")()
    model = make_pipeline(scaler, NeuralNetRegressor(max_epochs=3, random_state=0))
    assert_agrees(model.fit(X[:, :3].astype(dtype), X[:, 3]), X[:, :3].astype(dtype))
    assert_agrees(AutoencoderTransformer(max_epochs=2, random_state=0).fit(X), X.astype(dtype))


def test_a_net_says_which_operators_it_needs():
    model = NeuralNetClassifier(max_epochs=1).fit(X, y)
    with pytest.raises(RuntimeError, match="Networks need target_opset=18 or later. Got 15"):
        skl2onnx.to_onnx(model, X[:1], target_opset=15)


def test_every_estimator_can_be_registered():
    networks = {"NeuralNetClassifier", "NeuralNetBinaryClassifier", "NeuralNetRegressor", "AutoencoderTransformer"}
    names = {ours.__name__ for ours in native_estimators()} - {"NearestCentroid"}
    assert set(onnx.register()) == names | networks


def test_novelties_are_found_in_onnx_as_here():
    model = LocalOutlierFactor(novelty=True).fit(X)
    out = run_in_onnx(model, X)
    np.testing.assert_array_equal(out["label"].ravel(), model.predict(X))
    np.testing.assert_allclose(out["scores"].ravel(), model.decision_function(X), rtol=1e-3, atol=1e-3)


def test_nearest_neighbors_are_found_in_onnx_as_here():
    distinct = np.unique(X, axis=0)
    model = NearestNeighbors(n_neighbors=3, radius=None).fit(distinct)
    out, (dists, _) = run_in_onnx(model, distinct), model.kneighbors(distinct)
    np.testing.assert_allclose(np.abs(out["distance"]), dists, atol=1e-3)


def test_ours_and_scikit_learns_convert_where_skl2onnx_is_imported_while_patched():
    code = (
        "import sklearn.decomposition, numpy as np\n"
        "theirs = sklearn.decomposition.PCA\n"
        "import ghostflow_learn, ghostflow_learn.onnx\n"
        "ghostflow_learn.patch_sklearn()\n"
        "ghostflow_learn.onnx.register()\n"
        "from skl2onnx import to_onnx\n"
        "X = np.eye(4, dtype='float32')\n"
        "to_onnx(sklearn.decomposition.PCA(2).fit(X), X); to_onnx([theirs][0](2).fit(X), X)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_converters_wait_for_register():
    code = "import sys, ghostflow_learn.onnx; assert 'skl2onnx' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
