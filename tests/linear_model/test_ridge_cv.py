import numpy as np
import pytest
import scipy.sparse as sp
import sklearn
import sklearn.linear_model as theirs
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, make_multilabel_classification
from sklearn.model_selection import GridSearchCV, LeaveOneOut

from ghostflow_learn import config_context
from ghostflow_learn.linear_model import Ridge, RidgeClassifierCV, RidgeCV

SHAPES = {"tall": (60, 5), "wide": (12, 30), "square": (8, 8)}
MODES = ["svd", "eigen"]


def regression(rng, n_samples, n_features, n_targets=None):
    X = rng.normal(1, size=(n_samples, n_features))
    noise = rng.normal(1, size=(n_samples,) if n_targets is None else (n_samples, n_targets))
    return X, X @ rng.normal(size=(n_features, *noise.shape[1:])) + noise


def same_choice(ours, other, rtol=1e-6):
    for name in ("alpha_", "best_score_", "coef_", "intercept_"):
        got, want = getattr(ours, name), getattr(other, name)
        assert np.shape(got) == np.shape(want), name
        assert_allclose(got, want, rtol=rtol, atol=1e-8, err_msg=name)
    assert hasattr(ours, "cv_results_") == hasattr(other, "cv_results_")
    if hasattr(other, "cv_results_"):
        assert ours.cv_results_.shape == other.cv_results_.shape
        assert_allclose(ours.cv_results_, other.cv_results_, rtol=rtol, atol=1e-8)


# What leaving one out means


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_results_are_errors_of_models_fitted_without_the_sample(rng, shape, fit_intercept, mode):
    X, y = regression(rng, *shape)
    alphas = [0.1, 1.0, 10.0]
    model = RidgeCV(alphas, fit_intercept=fit_intercept, gcv_mode=mode, store_cv_results=True).fit(X, y)
    for a, alpha in enumerate(alphas):
        for rest, left_out in LeaveOneOut().split(X):
            ridge = Ridge(alpha, fit_intercept=fit_intercept, solver="svd").fit(X[rest], y[rest])
            error = y[left_out] - ridge.predict(X[left_out])
            assert_allclose(model.cv_results_[left_out, a], error**2, rtol=1e-7)


def test_choice_is_that_of_a_grid_search_that_leaves_one_out(rng):
    X, y = regression(rng, 40, 5)
    alphas = np.logspace(-3, 3, 13)
    search = GridSearchCV(Ridge(), {"alpha": alphas}, cv=LeaveOneOut(), scoring="neg_mean_squared_error").fit(X, y)
    model = RidgeCV(alphas).fit(X, y)
    assert model.alpha_ == search.best_params_["alpha"]
    assert model.best_score_ == pytest.approx(search.best_score_)
    assert_allclose(model.coef_, search.best_estimator_.coef_)


# Agreement with scikit-learn


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n_targets", [None, 1, 3])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.filterwarnings("ignore:The 'svd' mode is not supported for sparse:FutureWarning")
def test_agrees_with_scikit_learn(rng, shape, sparse, fit_intercept, n_targets, weighted, mode):
    X, y = regression(rng, *shape, n_targets)
    X = sp.csr_array(np.where(X > 1, X, 0)) if sparse else X
    weight = rng.uniform(0.5, 2, size=len(y)) if weighted else None
    parameters = {"fit_intercept": fit_intercept, "gcv_mode": mode, "store_cv_results": True}
    for extra in (
        {},
        {"scoring": "neg_mean_absolute_error"},
        {"alpha_per_target": n_targets is not None, "alphas": [0.01, 0.1, 1.0, 5.0, 20.0]},
        {"alpha_per_target": n_targets is not None, "scoring": "r2"},
    ):
        ours = RidgeCV(**parameters, **extra).fit(X, y, weight)
        same_choice(ours, theirs.RidgeCV(**parameters, **extra).fit(X, y, weight))


@pytest.mark.parametrize("scoring", [None, "neg_mean_squared_error"])
def test_grid_search_agrees_with_scikit_learn(rng, scoring):
    X, y = regression(rng, 60, 5)
    same_choice(RidgeCV(cv=4, scoring=scoring).fit(X, y), theirs.RidgeCV(cv=4, scoring=scoring).fit(X, y))
    sparse = sp.csr_array(X)
    same_choice(RidgeCV(cv=4).fit(sparse, y), theirs.RidgeCV(cv=4).fit(sparse, y))


@pytest.mark.parametrize("alphas", [2.0, [2.0], np.array([2.0])])
def test_one_penalty_is_taken_in_any_form(rng, alphas):
    X, y = regression(rng, 60, 5)
    model = RidgeCV(alphas).fit(X, y)
    assert model.alpha_ == 2.0
    assert_allclose(model.coef_, Ridge(2.0).fit(X, y).coef_)


def test_routed_weights_reach_the_scorer(rng):
    X, y = regression(rng, 60, 5)
    weight = rng.uniform(0.1, 3, size=60)
    with sklearn.config_context(enable_metadata_routing=True):
        from sklearn.metrics import get_scorer

        scoring = get_scorer("neg_mean_squared_error").set_score_request(sample_weight=True)
        ours = RidgeCV(scoring=scoring).fit(X, y, sample_weight=weight)
        same_choice(ours, theirs.RidgeCV(scoring=scoring).fit(X, y, sample_weight=weight))


# Precision, threads, many penalties


def test_float32_stays_float32(rng):
    X, y = regression(rng, 500, 4)
    X = (X + 100).astype(np.float32)
    single = RidgeCV(store_cv_results=True).fit(X, y)
    double = RidgeCV(store_cv_results=True).fit(X.astype(np.float64), y)
    assert single.coef_.dtype == single.cv_results_.dtype == np.float32
    assert_allclose(single.coef_, double.coef_, rtol=1e-5)
    assert_allclose(single.cv_results_, double.cv_results_, rtol=1e-5)


def test_more_penalties_than_features_are_served_in_turns(rng):
    X, y = regression(rng, 300, 3, 2)
    alphas = np.logspace(-3, 3, 20)
    same_choice(
        RidgeCV(alphas, store_cv_results=True).fit(X, y), theirs.RidgeCV(alphas, store_cv_results=True).fit(X, y)
    )


@pytest.mark.parametrize("shape", [(20_000, 6), (12, 30)], ids=["tall", "wide"])
def test_same_bits_at_any_number_of_threads(rng, shape):
    X, y = regression(rng, *shape)
    models = []
    for n_threads in (1, 3):
        with config_context(n_threads=n_threads):
            models.append(RidgeCV(store_cv_results=True).fit(X, y))
    assert_array_equal(models[0].cv_results_, models[1].cv_results_)
    assert_array_equal(models[0].coef_, models[1].coef_)


# The GPU


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("scoring", [None, "r2"])
@pytest.mark.parametrize("shape", [(400, 5), (9, 30)], ids=["tall", "wide"])
def test_gpu_agrees_with_cpu(rng, on_gpu, shape, scoring, mode):
    X, y = regression(rng, *shape, 2)
    weight = rng.uniform(0.5, 2, size=len(X))
    parameters = {"gcv_mode": mode, "scoring": scoring, "store_cv_results": True}
    cpu = RidgeCV(**parameters).fit(X, y, weight)
    gpu = RidgeCV(**parameters).fit(on_gpu(X), on_gpu(y), on_gpu(weight))
    assert isinstance(gpu.cv_results_, np.ndarray)
    same_choice(gpu, cpu)


def test_grid_search_over_gpu_data_agrees_with_cpu(rng, on_gpu):
    X, y = regression(rng, 60, 4)
    weight = rng.uniform(0.5, 2, size=60)
    gpu = RidgeCV(cv=3).fit(on_gpu(X), on_gpu(y), on_gpu(weight))
    same_choice(gpu, RidgeCV(cv=3).fit(X, y, weight))


# The classifier


@pytest.mark.parametrize(
    "parameters", [{}, {"class_weight": "balanced"}, {"cv": 3}, {"store_cv_results": True}], ids=str
)
@pytest.mark.parametrize("load", [load_iris, load_breast_cancer])
def test_classifier_agrees_with_scikit_learn(load, parameters):
    X, y = load(return_X_y=True)
    ours, other = RidgeClassifierCV(**parameters).fit(X, y), theirs.RidgeClassifierCV(**parameters).fit(X, y)
    same_choice(ours, other)
    assert_array_equal(ours.predict(X), other.predict(X))


def test_classifier_scores_several_classes_as_scikit_learn_does():
    X, y = load_iris(return_X_y=True)
    parameters = {"alphas": [1e-3, 1, 1e3], "scoring": "balanced_accuracy", "store_cv_results": True}
    same_choice(RidgeClassifierCV(**parameters).fit(X, y), theirs.RidgeClassifierCV(**parameters).fit(X, y))


def test_classifier_scores_two_classes_by_what_it_would_predict():
    X, y = load_breast_cancer(return_X_y=True)
    X, y, alphas = X[::5], y[::5], [1e-2, 1e4, 1e8]
    model = RidgeClassifierCV(alphas, scoring="accuracy", store_cv_results=True).fit(X, y)
    accuracies = ((model.cv_results_[:, 0] > 0) == y[:, None]).mean(axis=0)
    assert model.best_score_ == accuracies.max() < 1
    assert model.alpha_ == alphas[accuracies.argmax()]


def test_classifier_takes_several_labels():
    X, Y = make_multilabel_classification(random_state=0)
    ours, other = RidgeClassifierCV().fit(X, Y), theirs.RidgeClassifierCV().fit(X, Y)
    same_choice(ours, other)
    assert_array_equal(ours.predict(X), other.predict(X))


# Quality, errors and warnings


def test_score_on_real_data_is_scikit_learns():
    X, y = load_diabetes(return_X_y=True)
    alphas = np.logspace(-4, 2, 20)
    ours, other = RidgeCV(alphas).fit(X[::2], y[::2]), theirs.RidgeCV(alphas).fit(X[::2], y[::2])
    assert ours.alpha_ == other.alpha_
    assert ours.score(X[1::2], y[1::2]) == pytest.approx(other.score(X[1::2], y[1::2]))


@pytest.mark.parametrize(
    "parameters, message",
    [
        ({"alphas": [1.0, 0.0]}, r"alphas\[1\] == 0.0, must be > 0"),
        ({"alphas": [-1.0], "cv": 2}, "alphas == -1.0, must be >= 0"),
        ({"cv": 2, "store_cv_results": True}, "cv!=None and store_cv_results=True are incompatible"),
        ({"cv": 2, "alpha_per_target": True}, "cv!=None and alpha_per_target=True are incompatible"),
        ({"gcv_mode": "qr"}, "The 'gcv_mode' parameter of RidgeCV must be"),
    ],
)
def test_bad_parameters_are_refused(rng, parameters, message):
    with pytest.raises(ValueError, match=message):
        RidgeCV(**parameters).fit(*regression(rng, 20, 3))


def test_alphas_that_are_no_numbers_are_refused(rng):
    with pytest.raises(TypeError, match=r"alphas\[1\] must be an instance of float, not str"):
        RidgeCV([1.0, "2.0"]).fit(*regression(rng, 20, 3))


def test_svd_of_sparse_data_warns(rng):
    X, y = regression(rng, 20, 3)
    with pytest.warns(FutureWarning, match="'svd' mode is not supported for sparse X"):
        RidgeCV(gcv_mode="svd").fit(sp.csr_array(X), y)
