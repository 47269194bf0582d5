"""Unmodified scikit-learn code runs on our estimators, and everything is put back."""

import pickle
import subprocess
import sys
import types

import numpy as np
import pytest
import sklearn.base
import sklearn.decomposition
import sklearn.naive_bayes
from scipy.sparse import issparse
from sklearn.datasets import load_iris
from sklearn.pipeline import make_pipeline

from ghostflow_learn import is_native, is_patched, patch_sklearn, unpatch_sklearn
from ghostflow_learn._patch import native_estimators

# LogisticRegressionCV announces its coming defaults, ours as scikit-learn's.
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")

X, y = load_iris(return_X_y=True)
COUNTERPARTS = native_estimators()
OURS = next(ours for ours in COUNTERPARTS if ours.__name__ == "PCA")


def theirs():
    """scikit-learn's PCA; a global that holds it would be patched."""
    return COUNTERPARTS[OURS]


@pytest.fixture(autouse=True)
def _put_back():
    yield
    unpatch_sklearn()


@pytest.fixture
def user_module():
    """A module that a user has imported before."""
    module = types.ModuleType("users_module")
    sys.modules[module.__name__] = module
    yield module
    del sys.modules[module.__name__]


def run_in(module, code):
    exec(compile(code, module.__name__, "exec"), vars(module))


@pytest.mark.parametrize("ours, theirs", COUNTERPARTS.items(), ids=lambda cls: cls.__name__)
def test_every_estimator_stands_under_its_name_and_is_put_back(ours, theirs):
    home = sys.modules[".".join(theirs.__module__.split(".")[:2])]
    assert getattr(home, theirs.__name__) is theirs
    with patch_sklearn():
        assert getattr(home, theirs.__name__) is ours
        assert is_patched(ours.__name__)
    assert getattr(home, theirs.__name__) is theirs
    assert not is_patched()


@pytest.mark.parametrize("ours, theirs", COUNTERPARTS.items(), ids=lambda cls: cls.__name__)
def test_isinstance_holds_in_both_directions_while_patched(ours, theirs):
    assert issubclass(ours, theirs)
    assert not issubclass(theirs, ours)
    with patch_sklearn():
        assert isinstance(theirs(), ours)
        assert isinstance(ours(), theirs)
    assert not issubclass(theirs, ours)


def test_modules_imported_earlier_are_included(user_module):
    run_in(user_module, "from sklearn.decomposition import PCA as Pca\nmodel = lambda: Pca(2)")
    patch_sklearn()
    assert is_native(user_module.model())
    unpatch_sklearn()
    assert type(user_module.model()) is theirs()


def test_a_name_imported_while_patched_is_put_back_too(user_module):
    patch_sklearn()
    run_in(user_module, "from sklearn.decomposition import PCA")
    unpatch_sklearn()
    assert user_module.PCA is theirs()


def test_a_name_imported_from_us_stays_ours(user_module):
    run_in(user_module, "from ghostflow_learn.decomposition import PCA")
    patch_sklearn()
    unpatch_sklearn()
    assert user_module.PCA is OURS


def test_scikit_learns_private_modules_keep_their_own_classes():
    with patch_sklearn():
        assert sklearn.decomposition._pca.PCA is theirs()


def test_only_the_names_asked_for_are_replaced():
    with patch_sklearn("PCA"):
        assert is_native(sklearn.decomposition.PCA)
        assert not is_native(sklearn.decomposition.TruncatedSVD)
        with patch_sklearn(["PCA", "TruncatedSVD"]):
            assert is_native(sklearn.decomposition.TruncatedSVD)
        assert is_native(sklearn.decomposition.PCA)
        assert not is_native(sklearn.decomposition.TruncatedSVD)
    with pytest.raises(ValueError, match=r"names must be estimators of ghostflow_learn: .*PCA.* Got \['NMF'\]"):
        patch_sklearn(["PCA", "NMF"])


def test_an_exception_within_the_context_puts_back():
    with pytest.raises(KeyError), patch_sklearn():
        raise KeyError
    assert sklearn.decomposition.PCA is theirs()


def test_clone_of_a_model_made_while_patched_is_ours():
    with patch_sklearn():
        model = sklearn.decomposition.PCA(2).fit(X)
        assert type(sklearn.base.clone(model)) is OURS
    assert type(sklearn.base.clone(model)) is OURS
    assert isinstance(model, sklearn.decomposition.PCA)


def test_a_pickle_made_while_patched_loads_patched_or_not():
    with patch_sklearn():
        pipe = make_pipeline(sklearn.decomposition.PCA(2)).fit(X)
        dumped = pickle.dumps(pipe)
        np.testing.assert_array_equal(pickle.loads(dumped).transform(X), pipe.transform(X))
    loaded = pickle.loads(dumped)
    assert isinstance(loaded[0], sklearn.decomposition.PCA)
    np.testing.assert_array_equal(loaded.transform(X), pipe.transform(X))


@pytest.mark.parametrize("ours, theirs", COUNTERPARTS.items(), ids=lambda cls: cls.__name__)
def test_a_model_of_scikit_learns_pickles_while_patched(ours, theirs):
    model = theirs().fit(X, y)
    before = pickle.dumps(model)
    with patch_sklearn():
        within = pickle.loads(pickle.dumps(model))
        assert type(within) is theirs
        assert isinstance(pickle.loads(before), theirs)
        dumped = pickle.dumps(model)
    assert type(pickle.loads(dumped)) is theirs
    method = next(name for name in ("transform", "predict", "kneighbors_graph") if hasattr(model, name))
    got, want = getattr(within, method)(X), getattr(model, method)(X)
    assert (got != want).nnz == 0 if issparse(want) else np.array_equal(got, want)


@pytest.mark.parametrize("base", ["class Flipped(PCA):", "class Flipped(Mixin, PCA):"])
@pytest.mark.parametrize("call", ["super().fit(X, y)", "PCA.fit(self, X, y)"])
def test_a_class_derived_while_patched_derives_from_scikit_learns(user_module, base, call):
    code = "\n".join(
        [
            "from sklearn.decomposition import PCA",
            "class Mixin: pass",
            base,
            "    def fit(self, X, y=None):",
            f"        return {call}",
            "    def _fit(self, X):",
            "        self.hook_ = True",
            "        return super()._fit(X)",
        ]
    )
    with patch_sklearn():
        run_in(user_module, code)
        model = user_module.Flipped(2).fit(X)
        assert isinstance(model, sklearn.decomposition.PCA)
        assert isinstance(model, theirs())
    assert model.hook_
    assert isinstance(model, sklearn.decomposition.PCA)


def test_a_class_derived_before_keeps_working(user_module):
    run_in(
        user_module,
        "from sklearn.decomposition import PCA\n"
        "class Own(PCA):\n"
        "    def fit(self, X, y=None):\n"
        "        return PCA.fit(self, X, y)\n",
    )
    with patch_sklearn():
        model = user_module.Own(2).fit(X)
        assert isinstance(model, sklearn.decomposition.PCA)
        np.testing.assert_allclose(model.transform(X), theirs()(2).fit(X).transform(X))


def test_a_class_derived_from_ours_is_fast_and_an_instance_of_scikit_learns():
    class Own(OURS):
        pass

    assert isinstance(Own(), theirs())
    assert not isinstance(theirs()(), Own)


def test_a_search_and_a_function_sent_to_workers_use_ours():
    code = (
        "import ghostflow_learn; ghostflow_learn.patch_sklearn()\n"
        "from joblib import Parallel, delayed\n"
        "from sklearn.decomposition import PCA\n"
        "def made(): return type(PCA(2).fit([[0., 1], [1, 0], [3, 3]])).__module__\n"
        "print(*Parallel(2)(delayed(made)() for _ in range(2)))"
    )
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert out.split() == [OURS.__module__] * 2
