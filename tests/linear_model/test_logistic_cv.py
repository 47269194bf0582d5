import numpy as np
import pytest
import scipy.sparse as sp
import sklearn
import sklearn.linear_model as theirs
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_iris, make_classification
from sklearn.metrics import get_scorer, make_scorer
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, StratifiedKFold

from ghostflow_learn.linear_model import LogisticRegression, LogisticRegressionCV

DECIDED = {"l1_ratios": (0.0,), "scoring": "neg_log_loss", "use_legacy_attributes": False}
ATTRIBUTES = ["coef_", "intercept_", "C_", "l1_ratio_", "coefs_paths_", "scores_", "n_iter_", "Cs_", "l1_ratios_"]


def problem(n_classes, n_samples=150):
    return make_classification(
        n_samples, 5, n_informative=4, n_redundant=0, n_classes=n_classes, flip_y=0.2, random_state=0
    )


# Invariance


@pytest.mark.parametrize("n_classes", [2, 3])
def test_chooses_what_a_grid_search_chooses(n_classes):
    X, y = problem(n_classes)
    Cs, cv = [1e-3, 0.1, 10.0], StratifiedKFold(3)
    model = LogisticRegressionCV(Cs=Cs, cv=cv, tol=1e-8, **DECIDED).fit(X, y)
    search = GridSearchCV(LogisticRegression(tol=1e-8), {"C": Cs}, cv=cv, scoring="neg_log_loss").fit(X, y)
    assert search.best_params_["C"] == model.C_
    assert_allclose(model.scores_.mean(axis=0)[0], search.cv_results_["mean_test_score"], rtol=1e-5)
    assert_allclose(model.coef_, search.best_estimator_.coef_, rtol=1e-4, atol=1e-6)


def test_paths_hold_the_solution_of_each_fold():
    X, y = problem(3)
    model = LogisticRegressionCV(Cs=[0.1, 1.0], cv=KFold(3), solver="newton-cholesky", tol=1e-8, **DECIDED).fit(X, y)
    for fold, (train, _) in enumerate(KFold(3).split(X)):
        for c, C in enumerate([0.1, 1.0]):
            alone = LogisticRegression(C=C, solver="newton-cholesky", tol=1e-8).fit(X[train], y[train])
            assert_allclose(model.coefs_paths_[fold, 0, c, :, :-1], alone.coef_, rtol=1e-4, atol=1e-6)
            assert_allclose(model.coefs_paths_[fold, 0, c, :, -1], alone.intercept_, rtol=1e-4, atol=1e-6)


def test_without_refit_the_best_of_each_fold_are_averaged():
    X, y = problem(2)
    model = LogisticRegressionCV(Cs=4, cv=3, refit=False, solver="newton-cholesky", **DECIDED).fit(X, y)
    best = model.scores_[:, 0].argmax(axis=1)
    assert_allclose(model.coef_, model.coefs_paths_[np.arange(3), 0, best, :, :-1].mean(axis=0))
    assert pytest.approx(model.Cs_[best].mean()) == model.C_


# Agreement with scikit-learn


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"refit": False},
        {"fit_intercept": False, "Cs": 3},
        {"use_legacy_attributes": False, "class_weight": "balanced"},
        {"use_legacy_attributes": False, "l1_ratios": [0.0], "scoring": "accuracy", "refit": False},
        {"l1_ratios": np.array([0.0])},
        {"penalty": "l2", "scoring": "neg_log_loss"},
    ],
    ids=str,
)
def test_attributes_are_those_of_scikit_learn(parameters, n_classes):
    X, y = problem(n_classes)
    y = np.array(["a", "b", "c"])[y]
    parameters = {"solver": "newton-cholesky", "cv": 3, "tol": 1e-6, **parameters}
    ours, other = (module(**parameters).fit(X, y) for module in (LogisticRegressionCV, theirs.LogisticRegressionCV))
    for name in ATTRIBUTES:
        got, want = getattr(ours, name), getattr(other, name)
        assert type(got) is type(want), name
        got, want = (list(a.items()) if isinstance(a, dict) else [(None, np.asarray(a))] for a in (got, want))
        for (key, g), (want_key, w) in zip(got, want, strict=True):
            assert (key, g.dtype, g.shape) == (want_key, w.dtype, w.shape), name
            if g.dtype == object:
                assert g.tolist() == w.tolist(), name
            else:
                assert_allclose(g, w, rtol=1e-5, atol=1e-6, err_msg=name)


def test_l1_ratios_are_searched_with_the_values_of_c():
    X, y = problem(2)
    parameters = {"solver": "saga", "max_iter": 3000, "random_state": 0, "Cs": [0.01, 0.1], "cv": 3, "tol": 1e-5}
    parameters |= DECIDED | {"l1_ratios": [0.2, 0.9]}
    ours, other = (module(**parameters).fit(X, y) for module in (LogisticRegressionCV, theirs.LogisticRegressionCV))
    assert ours.scores_.shape == (3, 2, 2)
    assert_allclose(ours.scores_, other.scores_, rtol=1e-4)
    assert (ours.C_, ours.l1_ratio_) == (other.C_, other.l1_ratio_)
    assert_allclose(ours.coef_, other.coef_, atol=1e-3)


@pytest.mark.parametrize("solver", ["lbfgs", "newton-cg", "newton-cholesky", "sag", "saga", "liblinear"])
def test_sparse_data_give_what_dense_ones_do(solver):
    X, y = problem(2)
    X = np.where(X > 0.5, X, 0)
    parameters = {
        "solver": solver,
        "Cs": [0.1, 1],
        "cv": 3,
        "random_state": 0,
        "tol": 1e-6,
        "max_iter": 5000,
        **DECIDED,
    }
    dense, sparse = (LogisticRegressionCV(**parameters).fit(data, y) for data in (X, sp.csr_matrix(X)))
    assert dense.C_ == sparse.C_
    assert_allclose(dense.coef_, sparse.coef_, atol=2e-3)


# Scorers, weights, routing


def test_a_scorer_learns_of_classes_that_a_fold_lacks():
    X, y = load_iris(return_X_y=True)
    model = LogisticRegressionCV(Cs=2, cv=KFold(3), solver="newton-cholesky", **DECIDED).fit(X, y)  # a fold, a class
    assert np.isfinite(model.scores_).all()


def test_score_is_that_of_the_scorer():
    X, y = problem(2)
    model = LogisticRegressionCV(Cs=2, cv=3, **DECIDED).fit(X, y)
    assert model.score(X, y) == get_scorer("neg_log_loss")(model, X, y)
    weight = np.linspace(0, 1, len(y))
    with sklearn.config_context(enable_metadata_routing=False):
        assert model.score(X, y, sample_weight=weight) == get_scorer("neg_log_loss")(model, X, y, sample_weight=weight)


def test_weights_reach_the_fit_and_the_scorer():
    X, y = problem(2)
    weight = np.random.default_rng(0).integers(0, 3, size=len(y)).astype(float)
    parameters = {"Cs": 3, "cv": 3, "solver": "newton-cholesky", **DECIDED}
    ours, other = (
        module(**parameters).fit(X, y, sample_weight=weight)
        for module in (LogisticRegressionCV, theirs.LogisticRegressionCV)
    )
    assert_allclose(ours.scores_, other.scores_, rtol=1e-6)
    assert_allclose(ours.coef_, other.coef_, rtol=1e-5)


def test_metadata_are_routed_to_splitter_and_scorer():
    X, y = problem(2)
    groups, seen = np.arange(len(y)) % 5, []

    def score(y_true, y_pred, side):
        seen.append(side)
        return float(np.mean(y_true == y_pred))

    with sklearn.config_context(enable_metadata_routing=True):
        scorer = make_scorer(score).set_score_request(side=True)
        cv = GroupKFold(5)
        parameters = {**DECIDED, "scoring": scorer}
        model = LogisticRegressionCV(Cs=2, cv=cv, solver="newton-cholesky", **parameters)
        model.fit(X, y, groups=groups, side=np.arange(len(y)))
    assert model.scores_.shape == (5, 1, 2)
    assert_array_equal(np.sort(np.concatenate(seen[::2])), np.arange(len(y)))


def test_n_jobs_changes_no_bit():
    X, y = problem(3, n_samples=400)
    one, two = (LogisticRegressionCV(Cs=2, cv=3, n_jobs=n_jobs, **DECIDED).fit(X, y) for n_jobs in (1, 2))
    assert_array_equal(one.coef_, two.coef_)


def test_a_gpu_finds_what_the_cpu_finds(on_gpu):
    X, y = problem(2)
    parameters = {"Cs": 2, "cv": 3, "solver": "newton-cholesky", **DECIDED}
    got, want = (
        LogisticRegressionCV(**parameters).fit(on_gpu(X), on_gpu(y)),
        LogisticRegressionCV(**parameters).fit(X, y),
    )
    assert_allclose(got.scores_, want.scores_, rtol=1e-9)
    assert_allclose(got.coef_, want.coef_, rtol=1e-7)


# Messages


def test_defaults_that_will_change_are_announced():
    X, y = problem(2)
    with pytest.warns(FutureWarning) as caught:
        LogisticRegressionCV(cv=2, Cs=1).fit(X, y)
    words = ["default value for l1_ratios", "parameter 'scoring' will change", "attributes of LogisticRegressionCV"]
    assert [word in str(w.message) for word, w in zip(words, caught, strict=True)] == [True] * 3


@pytest.mark.parametrize(
    "parameters, message",
    [
        ({"l1_ratios": [0.5, 2.0], "solver": "saga"}, "l1_ratios must be an array-like of numbers between 0 and 1"),
        ({"l1_ratios": [1.0]}, "Solver lbfgs supports only 'l2' or None penalties"),
        ({"class_weight": {7: 1.0}}, "The given class_weight dict must have the class labels as keys"),
        ({"Cs": 0}, "The 'Cs' parameter of LogisticRegressionCV"),
    ],
)
def test_impossible_parameters_are_refused(parameters, message):
    X, y = problem(2)
    with pytest.raises(ValueError, match=message):
        LogisticRegressionCV(**{**DECIDED, **parameters}).fit(X, y)
