import numpy as np
import pytest
from scipy import sparse
from sklearn import ensemble as theirs
from sklearn.metrics import roc_auc_score

from ghostflow_learn import config_context
from ghostflow_learn.ensemble import IsolationForest
from ghostflow_learn.ensemble._isolation_forest import _average_depth

SHAPES = [
    {},
    {"max_features": 0.5},
    {"max_features": 2},
    {"bootstrap": True, "max_samples": 0.5},
    {"max_samples": 1},
    {"max_samples": 17, "n_estimators": 30},
]


@pytest.fixture
def X(rng):
    return rng.normal(size=(400, 4))


def test_two_samples_are_set_apart_by_one_split():
    forest = IsolationForest(n_estimators=10, random_state=0).fit([[0.0], [1.0]])
    # h = 1 and c(2) = 1 for both, so each scores -2 ** -1.
    np.testing.assert_array_equal(forest.score_samples([[0.0], [1.0]]), [-0.5, -0.5])


def test_average_depth_is_that_of_searches_in_random_trees():
    n = 1000
    harmonic = np.sum(1 / np.arange(1, n))
    assert _average_depth(n) == pytest.approx(2 * harmonic - 2 * (n - 1) / n, rel=1e-3)
    np.testing.assert_array_equal(_average_depth([0, 1, 2]), [0, 0, 1])


@pytest.mark.parametrize("params", SHAPES)
def test_the_same_seed_gives_scikit_learns_forest(X, params):
    params = {"n_estimators": 12, "random_state": 3, "contamination": 0.1, **params}
    ours, reference = IsolationForest(**params).fit(X), theirs.IsolationForest(**params).fit(X)
    assert ours.offset_ == pytest.approx(reference.offset_, abs=1e-12)
    np.testing.assert_allclose(ours.score_samples(X), reference.score_samples(X), atol=1e-12)
    for tree, other in zip(ours.estimators_, reference.estimators_, strict=True):
        np.testing.assert_array_equal(tree.tree_.threshold, other.tree_.threshold)
    for drawn, other in zip(ours.estimators_samples_, reference.estimators_samples_, strict=True):
        np.testing.assert_array_equal(drawn, other)


def test_weights_are_probabilities_of_being_drawn(X, rng):
    params = {"n_estimators": 10, "random_state": 3, "bootstrap": True, "max_samples": 50}
    weight = rng.uniform(size=len(X))
    ours = IsolationForest(**params).fit(X, sample_weight=weight)
    reference = theirs.IsolationForest(**params).fit(X, sample_weight=weight)
    np.testing.assert_allclose(ours.score_samples(X), reference.score_samples(X), atol=1e-12)
    unseen = weight < 0.5
    seen = IsolationForest(**params).fit(X, sample_weight=(~unseen).astype(float)).estimators_samples_
    assert not unseen[np.concatenate(seen)].any()


def test_scores_are_the_same_on_every_engine_and_any_number_of_threads(X):
    scores = []
    for settings in ({"device": "reference"}, {"n_threads": 1}, {"n_threads": 2}, {"n_threads": 7}):
        with config_context(**settings):
            scores.append(IsolationForest(n_estimators=20, random_state=0).fit(X).score_samples(X))
    for other in scores[1:]:
        np.testing.assert_array_equal(other, scores[0])


def test_scores_do_not_depend_on_the_scale_of_a_feature(X):
    forest = IsolationForest(n_estimators=20, random_state=0)
    powers = 2.0 ** np.array([-3, 0, 5, 1])
    np.testing.assert_array_equal(forest.fit(X).score_samples(X), forest.fit(X * powers).score_samples(X * powers))


def test_far_samples_are_outliers(rng):
    inliers, outliers = rng.normal(size=(500, 3)), rng.uniform(-8, 8, size=(50, 3))
    X, is_inlier = np.r_[inliers, outliers], np.repeat([1, 0], [500, 50])
    forest = IsolationForest(random_state=0).fit(X)
    assert roc_auc_score(is_inlier, forest.score_samples(X)) > 0.97
    np.testing.assert_array_equal(forest.predict(X), np.where(forest.decision_function(X) < 0, -1, 1))


@pytest.mark.parametrize("share", [0.05, 0.25])
def test_contamination_is_the_part_of_outliers(X, share):
    predicted = IsolationForest(n_estimators=50, contamination=share, random_state=0).fit_predict(X)
    assert np.mean(predicted == -1) == pytest.approx(share, abs=0.01)


def test_warm_start_adds_the_trees_that_one_fit_would_have_grown(X):
    forest = IsolationForest(n_estimators=5, warm_start=True, random_state=0).fit(X)
    first = forest.estimators_[0]
    forest.set_params(n_estimators=12).fit(X)
    at_once = IsolationForest(n_estimators=12, random_state=0).fit(X)
    assert forest.estimators_[0] is first
    np.testing.assert_array_equal(forest.score_samples(X), at_once.score_samples(X))
    with pytest.warns(UserWarning, match="does not fit new trees"):
        forest.fit(X)


def test_sparse_data_give_the_scores_of_dense_data(X):
    X[X < 0] = 0
    forest = IsolationForest(n_estimators=10, max_features=3, contamination=0.1, random_state=0).fit(X)
    on_sparse = IsolationForest(n_estimators=10, max_features=3, contamination=0.1, random_state=0).fit(
        sparse.csc_array(X)
    )
    assert on_sparse.offset_ == forest.offset_
    np.testing.assert_array_equal(on_sparse.score_samples(sparse.csr_array(X)), forest.score_samples(X))


def test_missing_values_are_scored(X):
    X[::7, 1] = np.nan
    scores = IsolationForest(n_estimators=10, random_state=0).fit(X).score_samples(X)
    assert np.isfinite(scores).all()
    assert len(np.unique(scores)) > 100


@pytest.mark.parametrize("n_samples", [1, 2])
def test_one_sample_is_neither_out_nor_in(n_samples):
    X = np.ones((n_samples, 2))
    forest = IsolationForest(n_estimators=3, random_state=0).fit(X)
    reference = theirs.IsolationForest(n_estimators=3, random_state=0).fit(X)
    np.testing.assert_array_equal(forest.score_samples(X), reference.score_samples(X))


def test_more_samples_asked_for_than_there_are(X):
    with pytest.warns(UserWarning, match="max_samples will be set to n_samples"):
        forest = IsolationForest(n_estimators=2, max_samples=1000, random_state=0).fit(X)
    assert forest.max_samples_ == len(X)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"max_features": 5}, "max_features must be <= n_features"),
        ({"contamination": 0.6}, "'contamination' parameter of IsolationForest must be"),
        ({"max_samples": 1.5}, "'max_samples' parameter of IsolationForest must be"),
    ],
)
def test_parameters_out_of_range(X, params, message):
    with pytest.raises(ValueError, match=message):
        IsolationForest(**params).fit(X)


def test_another_number_of_features_at_prediction(X):
    with pytest.raises(ValueError, match="X has 3 features, but IsolationForest is expecting 4"):
        IsolationForest(n_estimators=2).fit(X).score_samples(X[:, :3])


def test_verbose_tells_of_each_tree(X, capsys):
    IsolationForest(n_estimators=2, verbose=2, random_state=0).fit(X)
    assert "Building estimator 2 of 2" in capsys.readouterr().out


def test_a_gpu_scores_data_of_the_host_and_its_own(on_gpu, rng):
    X = rng.normal(size=(300, 3)).astype(np.float32)
    want = IsolationForest(n_estimators=5, random_state=0).fit(X)
    with config_context(device="cuda"):
        got = IsolationForest(n_estimators=5, random_state=0).fit(X)
        answers = got.predict(X)
    assert type(answers) is np.ndarray
    np.testing.assert_array_equal(answers, want.predict(X))
    scores = got.score_samples(on_gpu(X))
    assert type(scores) is type(on_gpu(X))
    np.testing.assert_allclose(scores.get(), want.score_samples(X), rtol=1e-12)
