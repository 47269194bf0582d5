"""A pipeline whose data is on a GPU stays there from the first step to the last."""

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline

from ghostflow_learn.decomposition import PCA
from ghostflow_learn.linear_model import LogisticRegression
from ghostflow_learn.preprocessing import StandardScaler


@pytest.fixture
def pipeline():
    return make_pipeline(
        StandardScaler(),
        PCA(n_components=4, svd_solver="covariance_eigh"),
        LogisticRegression(solver="newton-cholesky"),
    )


@pytest.fixture
def data(rng):
    y = rng.integers(2, size=2000)
    return rng.normal([0, 5, -3, 0, 1, 2, 0, 0], 2, size=(2000, 8)) + y[:, None], y


def test_pipeline_on_a_gpu_gives_what_it_gives_on_the_cpu(pipeline, data, on_gpu):
    X, y = data
    want = pipeline.fit(X, y).predict_proba(X)
    got = pipeline.fit(on_gpu(X), on_gpu(y)).predict_proba(on_gpu(X))
    assert type(got) is type(on_gpu(X))
    np.testing.assert_allclose(got.get(), want, atol=1e-6)


def test_no_array_as_large_as_the_data_leaves_the_gpu(pipeline, data, on_gpu, counting):
    X, y = on_gpu(data[0]), on_gpu(data[1])
    with counting() as events:
        labels = pipeline.fit(X, y).predict(X)
    assert type(labels) is type(y)
    # Means, components, coefficients and their steps are all that moves.
    assert events["d2h_bytes"] + events["h2d_bytes"] < X.nbytes / 5
    assert events["host_iter"] == 0
