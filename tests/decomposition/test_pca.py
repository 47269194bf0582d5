import os
import re
import subprocess
import sys

import numpy as np
import pytest
import scipy.sparse
import sklearn.decomposition
from sklearn.datasets import load_digits, load_iris

from ghostflow_learn import config_context
from ghostflow_learn.decomposition import PCA

SOLVERS = ["full", "covariance_eigh", "arpack", "randomized"]
ATTRIBUTES = [
    "components_",
    "explained_variance_",
    "explained_variance_ratio_",
    "singular_values_",
    "mean_",
    "noise_variance_",
]


def assert_same_model(ours, theirs, rtol=1e-8):
    for name in ATTRIBUTES:
        got, want = np.asarray(getattr(ours, name)), np.asarray(getattr(theirs, name))
        assert (got.dtype, got.shape) == (want.dtype, want.shape), name
        np.testing.assert_allclose(got, want, rtol=rtol, atol=rtol * np.abs(want).max(initial=0), err_msg=name)
    assert (ours.n_components_, ours.n_samples_) == (theirs.n_components_, theirs.n_samples_)


@pytest.fixture
def correlated(rng):
    """600 samples of 20 features with a decaying spectrum and large means."""
    return rng.normal(size=(600, 20)) @ (rng.normal(size=(20, 20)) * 0.8 ** np.arange(20)[:, None]) + rng.normal(
        scale=30, size=20
    )


@pytest.mark.parametrize("solver", SOLVERS)
def test_an_ellipse_has_its_axes_for_components(solver):
    angles = np.linspace(0, 2 * np.pi, 360, endpoint=False)
    long, short = np.array([0.6, 0.8, 0.0]), np.array([-0.8, 0.6, 0.0])
    X = 7 + 5 * np.cos(angles)[:, None] * long + 2 * np.sin(angles)[:, None] * short
    pca = PCA(n_components=2, svd_solver=solver, random_state=0).fit(X)
    np.testing.assert_allclose(pca.components_, [long, -short], atol=1e-12)
    np.testing.assert_allclose(pca.explained_variance_, np.array([25, 4]) / 2 * 360 / 359)
    np.testing.assert_allclose(pca.mean_, [7, 7, 7])


@pytest.mark.parametrize("solver", SOLVERS)
def test_components_are_orthonormal_and_projections_uncorrelated(correlated, solver):
    pca = PCA(n_components=6, svd_solver=solver, random_state=0, iterated_power=20)
    projected = pca.fit_transform(correlated)
    np.testing.assert_allclose(pca.components_ @ pca.components_.T, np.eye(6), atol=1e-10)
    covariance = np.cov(projected.T)
    np.testing.assert_allclose(covariance, np.diag(pca.explained_variance_), atol=1e-8 * covariance.max())


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("whiten", [False, True])
@pytest.mark.parametrize("solver", ["auto", *SOLVERS])
@pytest.mark.parametrize("shape", [(600, 20), (20, 17), (15, 20)])
def test_the_model_is_scikit_learns(correlated, solver, whiten, dtype, shape):
    X = correlated[: shape[0], : shape[1]].astype(dtype)
    params = {"n_components": 3, "svd_solver": solver, "whiten": whiten, "random_state": 0}
    ours, theirs = PCA(**params), sklearn.decomposition.PCA(**params)
    rtol = 1e-8 if dtype == np.float64 else 2e-3
    ours_new, theirs_new = ours.fit_transform(X), theirs.fit_transform(X)
    assert_same_model(ours, theirs, rtol)
    atol = rtol * np.abs(theirs_new).max()
    np.testing.assert_allclose(ours_new, theirs_new, atol=atol)
    for method in ("transform", "score_samples"):
        got, want = getattr(ours, method)(X), getattr(theirs, method)(X)
        assert got.dtype == want.dtype
        np.testing.assert_allclose(got, want, atol=10 * atol, rtol=rtol)
    got, want = ours.inverse_transform(ours_new), theirs.inverse_transform(theirs_new)
    np.testing.assert_allclose(got, want, atol=rtol * np.abs(want).max())


@pytest.mark.parametrize("normalizer", ["auto", "QR", "LU", "none"])
@pytest.mark.parametrize("iterated_power", [0, 2, 4, "auto"])
@pytest.mark.parametrize("wide", [False, True])
def test_randomized_makes_scikit_learns_draws(rng, normalizer, iterated_power, wide):
    """On noise the result depends on the start vectors, on how many there are, and on each iteration."""
    X = rng.normal(size=(300, 120)).T if wide else rng.normal(size=(300, 120))
    params = {
        "n_components": 4,
        "svd_solver": "randomized",
        "iterated_power": iterated_power,
        "n_oversamples": 3,
        "power_iteration_normalizer": normalizer,
        "random_state": 7,
    }
    ours, theirs = PCA(**params).fit(X), sklearn.decomposition.PCA(**params).fit(X)
    assert_same_model(ours, theirs, rtol=1e-6)


@pytest.mark.parametrize("n_components", [0.3, 0.9, 0.99999, "mle", None, 0, 20])
@pytest.mark.parametrize("solver", ["full", "covariance_eigh"])
def test_the_number_of_components_is_scikit_learns(correlated, n_components, solver):
    params = {"n_components": n_components, "svd_solver": solver}
    ours, theirs = PCA(**params), sklearn.decomposition.PCA(**params)
    got, want = ours.fit_transform(correlated), theirs.fit_transform(correlated)
    assert_same_model(ours, theirs, rtol=1e-6)
    np.testing.assert_allclose(got, want, atol=1e-6 * np.abs(correlated).max())
    np.testing.assert_allclose(ours.get_covariance(), theirs.get_covariance(), rtol=1e-6, atol=1e-9)


def test_mle_finds_the_dimension_of_a_signal_in_noise(rng):
    X = rng.normal(size=(500, 5)) @ rng.normal(size=(5, 12)) + 0.05 * rng.normal(size=(500, 12))
    assert PCA(n_components="mle").fit(X).n_components_ == 5


def test_mle_accepts_equal_eigenvalues():
    """A factorial design; scikit-learn's ends in the logarithm of zero."""
    X = np.array(np.meshgrid([-1.0, 1], [-1, 1], [-1, 1])).reshape(3, -1).T
    assert 1 <= PCA(n_components="mle", svd_solver="full").fit(np.vstack([X, X])).n_components_ <= 2


@pytest.mark.parametrize("solver", ["arpack", "covariance_eigh", "auto"])
@pytest.mark.parametrize("container", [scipy.sparse.csr_matrix, scipy.sparse.csr_array, scipy.sparse.csc_array])
def test_sparse_data_give_the_model_of_dense_data(rng, solver, container):
    X = scipy.sparse.random_array((300, 40), density=0.2, rng=rng)
    params = {"n_components": 5, "random_state": 0}
    sparse = PCA(svd_solver=solver, **params)
    projected = sparse.fit_transform(container(X))
    dense = PCA(svd_solver="full", **params).fit(X.toarray())
    assert_same_model(sparse, dense)
    np.testing.assert_allclose(projected, dense.transform(X.toarray()), atol=1e-10)
    np.testing.assert_allclose(sparse.transform(container(X)), projected, atol=1e-10)


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_large_mean_costs_float32_no_more_than_its_own_rounding(rng, solver):
    """Centering after the products, as on sparse data, would lose all digits of the variance."""
    centered = rng.normal(size=(4000, 8)) * np.arange(1, 9)
    X = (centered + 3e4).astype(np.float32)
    pca = PCA(n_components=3, svd_solver=solver, random_state=0).fit(X)
    exact = np.linalg.svd(centered - centered.mean(axis=0), compute_uv=False)[:3]
    np.testing.assert_allclose(pca.singular_values_, exact, rtol=1e-3)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("copy", [True, False])
def test_copy_decides_whether_X_may_be_overwritten(correlated, solver, copy):
    X = correlated.copy()
    projected = PCA(3, svd_solver=solver, copy=copy, random_state=0).fit_transform(X)
    overwritten = not copy and solver != "covariance_eigh"
    assert np.array_equal(X, correlated) != overwritten
    want = PCA(3, svd_solver=solver, random_state=0).fit_transform(correlated)
    np.testing.assert_allclose(projected, want, rtol=1e-7, atol=1e-9)


def test_whitened_projections_have_unit_variance_and_come_back(correlated):
    pca = PCA(n_components=20, whiten=True, svd_solver="full")
    projected = pca.fit_transform(correlated)
    np.testing.assert_allclose(projected.std(axis=0, ddof=1), 1)
    np.testing.assert_allclose(pca.inverse_transform(projected), correlated)


@pytest.mark.parametrize("solver", ["full", "covariance_eigh"])
def test_whitening_of_a_constant_feature_stays_finite(correlated, solver):
    X = np.column_stack([correlated[:, :3], np.full(600, 2.0)])
    assert np.isfinite(PCA(whiten=True, svd_solver=solver).fit_transform(X)).all()


def test_score_is_the_log_density_of_the_fitted_gaussian(correlated):
    from scipy.stats import multivariate_normal

    pca = PCA(n_components=5).fit(correlated)
    density = multivariate_normal(pca.mean_, pca.get_covariance())
    np.testing.assert_allclose(pca.score_samples(correlated), density.logpdf(correlated))
    np.testing.assert_allclose(pca.get_precision() @ pca.get_covariance(), np.eye(20), atol=1e-8)
    assert pca.score(correlated) == pytest.approx(density.logpdf(correlated).mean())


def test_digits_are_restored_from_forty_components():
    X = load_digits().data
    pca = PCA(n_components=40, svd_solver="randomized", random_state=0).fit(X)
    error = np.square(pca.inverse_transform(pca.transform(X)) - X).sum()
    assert error / np.square(X - X.mean(axis=0)).sum() == pytest.approx(1 - pca.explained_variance_ratio_.sum())
    assert error < 0.02 * np.square(X - X.mean(axis=0)).sum()


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_bits_do_not_depend_on_the_number_of_threads(rng, solver, dtype):
    X = (rng.normal(size=(20_000, 40)) * np.arange(1, 41) + np.arange(40)).astype(dtype)

    def fitted(n_threads):
        with config_context(n_threads=n_threads):
            return PCA(4, svd_solver=solver, random_state=0).fit(X)

    one, *others = map(fitted, (1, 2, 5))
    for other in others:
        for name in ATTRIBUTES:
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("shape", [(200, 8), (6, 40)])
def test_the_gpu_finds_the_model_of_the_cpu(on_gpu, rng, solver, shape):
    X = rng.normal(3, size=shape) * np.linspace(1, 3, shape[1])
    params = {"n_components": 3, "svd_solver": solver, "random_state": 0, "iterated_power": 12}
    cpu, gpu = PCA(**params).fit(X), PCA(**params)
    projected = gpu.fit_transform(on_gpu(X))
    assert_same_model(gpu, cpu, rtol=1e-6)
    assert type(projected) is type(on_gpu(X))
    np.testing.assert_allclose(projected.get(), cpu.transform(X), atol=1e-5)
    np.testing.assert_allclose(gpu.transform(on_gpu(X)).get(), cpu.transform(X), atol=1e-5)
    np.testing.assert_allclose(
        gpu.inverse_transform(projected).get(), cpu.inverse_transform(projected.get()), atol=1e-5
    )
    assert gpu.score(on_gpu(X)) == pytest.approx(cpu.score(X), rel=1e-5)


def test_a_fit_on_the_gpu_waits_for_it_a_fixed_number_of_times(on_gpu, counting, rng):
    X = on_gpu(rng.normal(size=(500, 10)))

    def syncs(**params):
        with counting() as events:
            PCA(3, random_state=0, **params).fit(X)
        return events["sync"]

    assert syncs(svd_solver="randomized", iterated_power=9) == syncs(svd_solver="randomized", iterated_power=3)


def test_a_fit_needs_under_a_tenth_of_the_memory_of_X():
    """The peak of the resident set: no copy of X, block buffers only."""
    if not os.access("/proc/self/clear_refs", os.W_OK):
        pytest.skip("the peak of memory can be reset on Linux only")
    code = """
import numpy as np
from ghostflow_learn.decomposition import PCA

def status(field):
    return int(next(line for line in open("/proc/self/status") if line.startswith(field)).split()[1]) * 1024

X = np.random.default_rng(0).random((400_000, 50))
for solver in ("covariance_eigh", "full"):
    pca = PCA(2, svd_solver=solver).fit(X[:20_000])
    open("/proc/self/clear_refs", "w").write("5")
    before = status("VmRSS")
    pca.fit(X)
    print(solver, (status("VmHWM") - before) / X.nbytes)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for line in done.stdout.splitlines():
        assert float(line.split()[1]) < 0.1, done.stdout


def test_names_of_the_projections():
    frame = load_iris(as_frame=True).data
    pca = PCA(n_components=2).set_output(transform="pandas").fit(frame)
    assert list(pca.transform(frame).columns) == list(pca.get_feature_names_out()) == ["pca0", "pca1"]


@pytest.mark.parametrize(
    "params, X, error, message",
    [
        (
            {"n_components": 5},
            np.ones((9, 4)),
            ValueError,
            "n_components=5 must be between 0 and min(n_samples, n_features)=4",
        ),
        ({"n_components": 4, "svd_solver": "arpack"}, np.ones((9, 4)), ValueError, "must be strictly less than"),
        ({"n_components": 0, "svd_solver": "randomized"}, np.ones((9, 4)), ValueError, "must be between 1 and"),
        ({"n_components": "mle"}, np.ones((3, 4)), ValueError, "only supported if n_samples >= n_features"),
        ({"n_components": "mle", "svd_solver": "arpack"}, np.ones((9, 4)), ValueError, "cannot be a string"),
        ({"n_components": 1.5}, np.ones((9, 4)), ValueError, "The 'n_components' parameter of PCA"),
        ({"svd_solver": "full"}, scipy.sparse.eye_array(4), TypeError, "PCA only support sparse inputs with"),
    ],
)
def test_errors_say_what_is_wrong(params, X, error, message):
    with pytest.raises(error, match=re.escape(message)):
        PCA(**params).fit(X)


@pytest.mark.parametrize("solver", SOLVERS)
def test_fortran_order_and_read_only_memory_are_taken(correlated, tmp_path, solver):
    np.save(tmp_path / "X.npy", correlated)
    want = PCA(2, svd_solver=solver, random_state=0).fit(correlated)
    for X in (np.asfortranarray(correlated), np.load(tmp_path / "X.npy", mmap_mode="r")):
        assert_same_model(PCA(2, svd_solver=solver, random_state=0).fit(X), want)
