"""What estimators of neighbours share: their parameters, and what they keep of the training data."""

import itertools
from numbers import Integral, Real

import numpy as np
from scipy.sparse import issparse
from sklearn.base import MultiOutputMixin
from sklearn.metrics import DistanceMetric
from sklearn.neighbors import VALID_METRICS, BallTree, KDTree
from sklearn.neighbors import NearestNeighbors as ScikitLearnNeighbors

from .._base import BaseEstimator
from .._engine import get_engine
from .._validation import Interval, StrOptions, check_fit

# Metrics that have kernels, by all of their names.
METRICS = {
    "euclidean": "euclidean",
    "l2": "euclidean",
    "manhattan": "manhattan",
    "l1": "manhattan",
    "cityblock": "manhattan",
    "chebyshev": "chebyshev",
    "infinity": "chebyshev",
}
MINKOWSKI = {1: "manhattan", 2: "euclidean", np.inf: "chebyshev"}
LEARNT = ("_fit_X", "_fit_method", "n_samples_fit_", "effective_metric_", "effective_metric_params_")
CACHE = "_cache_search"  # what is made again from the training data when it is needed


class BaseNeighbors(MultiOutputMixin, BaseEstimator):
    """A model that keeps its training data, to find the samples near others."""

    _parameter_constraints: dict = {
        "n_neighbors": [Interval(Integral, 1, None, closed="left"), None],
        "algorithm": [StrOptions({"auto", "ball_tree", "kd_tree", "brute"})],
        "leaf_size": [Interval(Integral, 1, None, closed="left")],
        "p": [Interval(Real, 0, None, closed="right"), None],
        "metric": [StrOptions(set(itertools.chain(*VALID_METRICS.values()))), callable, DistanceMetric],
        "metric_params": [dict, None],
        "n_jobs": [Integral, None],
    }

    def _fit_search(self, X):
        """Keep `X`, validated data or what another search keeps, and settle how to search it."""
        vars(self).pop("_tree", None)
        self._cache_search = {}
        if isinstance(X, (KDTree, BallTree)):
            self._tree = X  # with a metric of its own
            self._learn_from(self._host_search())
        elif hasattr(X, "_fit_method"):
            self._learn_from(X)
            self._tree = getattr(X, "_tree", None)
        elif self._has_kernels() and not issparse(X):
            self._fit_X, self.n_samples_fit_ = X, len(X)
            self.effective_metric_ = MINKOWSKI[self.p] if self.metric == "minkowski" else self.metric
            self.effective_metric_params_ = {}
            self._fit_method = self._algorithm_for(X)
            self._index(get_engine(X))
        else:
            self._fit_X = X
            self._learn_from(self._host_search())

    def _check_search(self, X, y="no_validation"):
        """Validated training data in host memory; a tree, or another search, as it is."""
        if isinstance(X, (KDTree, BallTree)) or hasattr(X, "_fit_method"):
            return X if isinstance(y, str) else (X, np.asarray(y))
        if isinstance(y, str):
            return in_host_memory(check_fit(self, X, **self._checks()))
        X, y = check_fit(self, X, y, multi_output=True, **self._checks())
        return in_host_memory(X), in_host_memory(y)

    def _checks(self):
        finite = "allow-nan" if self._allows_nan() else True
        dtype = {} if self._has_kernels() else {"dtype": "numeric"}
        return {"accept_sparse": "csr", "ensure_all_finite": finite, **dtype}

    def _allows_nan(self):
        return isinstance(self.metric, str) and self.metric == "nan_euclidean"

    def _has_kernels(self):
        """Whether our kernels compute the metric; scikit-learn's code does otherwise, and says what is wrong."""
        if not isinstance(self.metric, str) or self.metric_params:
            return False
        if self.metric == "minkowski":
            return self.p in MINKOWSKI
        valid_for = "ball_tree" if self.algorithm == "auto" else self.algorithm
        return self.metric in METRICS and self.metric in VALID_METRICS[valid_for]

    def _algorithm_for(self, X):
        if self.algorithm != "auto":
            return self.algorithm
        many = getattr(self, "n_neighbors", None)
        return "brute" if X.shape[1] > 15 or (many is not None and many >= len(X) // 2) else "kd_tree"

    def _learn_from(self, search):
        for name in LEARNT:
            setattr(self, name, getattr(search, name))
        if isinstance(self._fit_X, memoryview):  # of a tree
            self._fit_X = np.asarray(self._fit_X)

    def _host_search(self):
        """Scikit-learn's own search of the same data, for metrics and queries that have no kernel."""
        cache = vars(self).setdefault(CACHE, {})
        if "host" not in cache:
            params = {name: getattr(self, name, None) for name in ScikitLearnNeighbors._parameter_constraints}
            if vars(self).get("_fit_method") == "brute":
                params["algorithm"] = "brute"
            host = ScikitLearnNeighbors(**params)
            tree = vars(self).get("_tree")
            host.fit(tree if tree is not None and not hasattr(self, "n_features_in_") else self._fit_X)
            cache["host"] = host
        return cache["host"]

    def _searches_tree(self, engine):
        return self._fit_method != "brute" and (engine.xp is np or self.algorithm != "auto")

    def _index(self, engine):
        """The training data on the engine's device, or a tree of them."""
        cache, in_tree = vars(self).setdefault(CACHE, {}), self._searches_tree(engine)
        key = (engine.__name__ if engine.xp is np else engine.xp.cuda.Device().id, in_tree)
        if key not in cache:
            data = engine.asarray(self._fit_X)
            # As in scikit-learn, leaves hold between `leaf_size` and twice as many samples.
            cache[key] = engine.neighbors.grow(data, 2 * self.leaf_size) if in_tree else data
        return cache[key]

    def __getstate__(self):
        return {name: value for name, value in super().__getstate__().items() if name != CACHE}

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.pairwise = isinstance(self.metric, str) and self.metric == "precomputed"
        tags.input_tags.positive_only = tags.input_tags.pairwise
        tags.input_tags.allow_nan = self._allows_nan()
        return tags


def in_host_memory(X):
    """`X` as NumPy; a sparse matrix as it is."""
    return X if issparse(X) else get_engine(X).to_numpy(X)
