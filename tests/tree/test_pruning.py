"""Cost-complexity pruning: what each step costs, and the tree that is left."""

import numpy as np
import pytest
import sklearn.tree
from sklearn.datasets import load_breast_cancer, load_diabetes

from ghostflow_learn.tree import DecisionTreeClassifier, DecisionTreeRegressor

DATA = {DecisionTreeClassifier: load_breast_cancer, DecisionTreeRegressor: load_diabetes}


@pytest.fixture(params=DATA, ids=lambda cls: cls.__name__)
def model(request):
    return request.param(random_state=0, max_depth=8)


@pytest.fixture
def data(model):
    return DATA[type(model)](return_X_y=True)


def test_a_branch_costs_its_decrease_in_impurity_per_leaf():
    X, y = np.arange(4.0)[:, None], [0, 1, 0, 0]
    path = DecisionTreeClassifier().cost_complexity_pruning_path(X, y)
    root, right = 1 - 0.75**2 - 0.25**2, 0.5 * (1 - 0.5**2 - 0.5**2)
    assert path.impurities.tolist() == pytest.approx([0, root])
    assert path.ccp_alphas.tolist() == pytest.approx([0, root / 2])
    assert right > root / 2  # the branch below costs more alone than with the root


def test_the_path_is_scikit_learns(model, data):
    theirs = getattr(sklearn.tree, type(model).__name__)(**model.get_params())
    weight = np.random.default_rng(0).integers(0, 3, size=len(data[1]))
    for sample_weight in None, weight:
        got = model.cost_complexity_pruning_path(*data, sample_weight=sample_weight)
        want = theirs.cost_complexity_pruning_path(*data, sample_weight=sample_weight)
        np.testing.assert_allclose(got.ccp_alphas, want.ccp_alphas, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(got.impurities, want.impurities, rtol=1e-9, atol=1e-12)


def test_every_step_of_the_path_is_a_tree(model, data):
    path = model.cost_complexity_pruning_path(*data)
    assert (np.diff(path.ccp_alphas) >= 0).all()
    n_leaves = []
    last_of_its_alpha = np.append(np.diff(path.ccp_alphas) > 1e-9, True)
    steps = np.c_[path.ccp_alphas, path.impurities][last_of_its_alpha]
    for alpha, impurity in steps[::5]:
        pruned = type(model)(**{**model.get_params(), "ccp_alpha": alpha + 1e-10}).fit(*data)
        tree = pruned.tree_
        is_leaf = tree.children_left < 0
        share = tree.weighted_n_node_samples[is_leaf] / tree.weighted_n_node_samples[0]
        assert (share * tree.impurity[is_leaf]).sum() == pytest.approx(impurity)
        n_leaves.append(pruned.get_n_leaves())
    assert (np.diff(n_leaves) < 0).all()


@pytest.mark.parametrize("max_leaf_nodes", [None, 30])
def test_the_pruned_tree_is_scikit_learns(model, data, max_leaf_nodes):
    model.set_params(max_leaf_nodes=max_leaf_nodes)
    alphas = model.cost_complexity_pruning_path(*data).ccp_alphas
    for alpha in alphas[len(alphas) // 3], alphas[-2], alphas[-1]:
        ours = model.set_params(ccp_alpha=alpha).fit(*data)
        theirs = getattr(sklearn.tree, type(model).__name__)(**model.get_params()).fit(*data)
        for name in "children_left", "children_right", "feature", "threshold", "n_node_samples", "value":
            np.testing.assert_array_equal(getattr(ours.tree_, name), getattr(theirs.tree_, name), err_msg=name)
        assert ours.get_depth() == theirs.get_depth()
    assert model.get_n_leaves() == 1


def test_the_fit_for_the_path_leaves_the_model_alone(model, data):
    model.cost_complexity_pruning_path(*data)
    assert not hasattr(model, "tree_")


def test_a_large_tree_is_pruned_in_a_moment(rng):
    X = rng.normal(size=(20_000, 3))
    path = DecisionTreeRegressor(random_state=0).cost_complexity_pruning_path(X, X[:, 0] + rng.normal(size=20_000))
    assert len(path.ccp_alphas) > 10_000
    assert path.impurities[-1] == pytest.approx(2, rel=0.1)
