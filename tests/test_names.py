"""Any import of scikit-learn works with our name in place of its own."""

import importlib
import subprocess
import sys

import pytest
import sklearn

import ghostflow_learn
from ghostflow_learn import is_native


def test_a_class_we_lack_is_scikit_learns_own():
    from sklearn.cluster import SpectralClustering as theirs

    from ghostflow_learn.cluster import SpectralClustering

    assert SpectralClustering is theirs
    assert not is_native(SpectralClustering)


def test_a_sub_package_we_lack_forwards_to_scikit_learns():
    import ghostflow_learn.model_selection
    import sklearn.model_selection
    import sklearn.utils.validation
    from ghostflow_learn.model_selection import GridSearchCV
    from ghostflow_learn.utils.validation import check_X_y

    assert GridSearchCV is sklearn.model_selection.GridSearchCV
    assert check_X_y is sklearn.utils.validation.check_X_y
    assert ghostflow_learn.model_selection is not sklearn.model_selection
    assert sklearn.model_selection.__spec__.name == "sklearn.model_selection"


def test_top_level_names_are_scikit_learns_unless_ours():
    from ghostflow_learn import clone, config_context

    assert clone is sklearn.clone
    assert is_native(config_context)
    assert ghostflow_learn.datasets.load_iris is importlib.import_module("sklearn.datasets").load_iris


@pytest.mark.parametrize("name", sklearn.__all__)
def test_every_public_name_of_scikit_learn_resolves(name):
    ours, theirs = getattr(ghostflow_learn, name), getattr(sklearn, name)
    # The Halving searches hide until an opt-in module is imported.
    for public in (public for public in getattr(theirs, "__all__", ()) if not public.startswith("Halving")):
        found = getattr(ours, public)
        same_module = getattr(found, "__name__", None) == f"ghostflow_learn.{name}.{public}"
        assert found is getattr(theirs, public) or is_native(found) or same_module, public


def test_star_import_brings_what_scikit_learns_brings():
    ours, theirs = {}, {}
    exec("from ghostflow_learn.preprocessing import *", ours)
    exec("from sklearn.preprocessing import *", theirs)
    assert set(theirs) <= set(ours)


def test_an_opt_in_module_of_scikit_learn_is_run():
    code = (
        "from ghostflow_learn.experimental import enable_halving_search_cv\n"
        "from ghostflow_learn.model_selection import HalvingGridSearchCV"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_name_nobody_has_says_where_it_was_sought():
    with pytest.raises(AttributeError, match=r"'ghostflow_learn.cluster' has no attribute 'KMean', and neither"):
        ghostflow_learn.cluster.KMean  # noqa: B018
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'ghostflow_learn.clusters'"):
        importlib.import_module("ghostflow_learn.clusters")


def test_dir_lists_both():
    assert {"KMeans", "SpectralClustering"} <= set(dir(ghostflow_learn.cluster))


def test_import_takes_nothing_but_scikit_learn_itself():
    code = (
        "import sklearn, sys; before = set(sys.modules)\n"
        "import ghostflow_learn\n"
        "new = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "assert not new & {'numba', 'cupy', 'torch', 'matplotlib', 'skl2onnx'}, new\n"
        "assert 'sklearn.cluster' not in set(sys.modules) - before\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
