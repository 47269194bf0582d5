"""Isolation forests: an outlier is a sample that few random splits set apart from the others."""

from numbers import Integral, Real
from warnings import warn

import numpy as np
from scipy.sparse import issparse
from sklearn.base import OutlierMixin
from sklearn.utils import check_random_state

from .._engine import get_engine
from .._engine._trees import Nodes
from .._validation import (
    Interval,
    RealNotInt,
    StrOptions,
    check_fit,
    check_is_fitted,
    check_predict,
    check_weight,
    fit_context,
    threads_for,
)
from ..tree import ExtraTreeRegressor
from ..tree._growth import growth_of, seed_of
from ._bagging.base import BaseBagging
from ._bagging.draws import draw
from ._members import PackedTrees, new_member

FEW = 8  # trees that see a smaller part of the samples, one in so many, are grown on copies of it
CHECKS = {"dtype": (np.float32,), "ensure_all_finite": False}


class IsolationForest(PackedTrees, OutlierMixin, BaseBagging):
    """Outliers as those samples that random splits set apart from the others after few steps.

    Each tree splits a small sample of the data at random thresholds of random features. With h(x) the number of splits
    down to the leaf of x, averaged over the trees, and c(n) what it is on average for n samples, the score of x is
    ``-2 ** (-h(x) / c(max_samples))``, between -1 for outliers and 0.

    Parameters
    ----------
    n_estimators : int >= 1, default=100
        The number of trees.
    max_samples : "auto", int >= 1 or float in (0, 1], default="auto"
        How many samples each tree is grown on; a float is a part of all, "auto" is 256, or all if there are fewer.
    contamination : "auto" or float in (0, 0.5], default="auto"
        The part of the training samples that `predict` calls outliers. "auto" sets the threshold at a score of -0.5.
    max_features : int or float in (0, 1], default=1.0
        How many features each tree sees; a float is a part of all.
    bootstrap : bool, default=False
        Whether the samples of a tree are drawn with replacement.
    n_jobs : int, default=None
        Threads for growing. None is the ``n_threads`` setting, -1 every processor.
    random_state : int, RandomState instance or None, default=None
        Draws of samples, features and thresholds. The same seed gives scikit-learn's forest.
    verbose : int, default=0
        2 prints a line for each tree.
    warm_start : bool, default=False
        Whether `fit` keeps the trees there are and adds those that are missing to `n_estimators`.

    Attributes
    ----------
    estimator_ : ExtraTreeRegressor
        The template of the trees.
    estimators_ : list of ExtraTreeRegressor
        The trees.
    estimators_features_ : list of ndarray
        The features that each tree sees.
    estimators_samples_ : list of ndarray
        The samples that each tree has drawn; drawn again at each call.
    max_samples_ : int
        How many samples each tree is grown on.
    offset_ : float
        What `decision_function` subtracts from the scores: outliers are below 0.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Defined when X has feature names that are all strings.

    Notes
    -----
    Growing takes O(n_estimators * max_samples * log(max_samples)) on the host; scores are computed where X lives.
    Missing values (NaN) go to a side at random.

    References
    ----------
    Liu, Ting, Zhou: Isolation forest. ICDM 2008, doi:10.1109/ICDM.2008.17

    Examples
    --------
    >>> from ghostflow_learn.ensemble import IsolationForest
    >>> forest = IsolationForest(random_state=0).fit([[-1.1], [0.3], [0.5], [100]])
    >>> forest.predict([[0.1], [0], [90]])
    array([ 1,  1, -1])
    """

    _parameter_constraints: dict = {
        "n_estimators": [Interval(Integral, 1, None, closed="left")],
        "max_samples": [
            StrOptions({"auto"}),
            Interval(Integral, 1, None, closed="left"),
            Interval(RealNotInt, 0, 1, closed="right"),
        ],
        "contamination": [StrOptions({"auto"}), Interval(Real, 0, 0.5, closed="right")],
        "max_features": [Integral, Interval(Real, 0, 1, closed="right")],
        "bootstrap": ["boolean"],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
    }
    estimator, bootstrap_features, oob_score = None, False, False

    def __init__(
        self,
        *,
        n_estimators=100,
        max_samples="auto",
        contamination="auto",
        max_features=1.0,
        bootstrap=False,
        n_jobs=None,
        random_state=None,
        verbose=0,
        warm_start=False,
    ):
        self.n_estimators = n_estimators
        self.max_samples = max_samples
        self.contamination = contamination
        self.max_features = max_features
        self.bootstrap = bootstrap
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose
        self.warm_start = warm_start

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, sample_weight=None):
        """Grow the trees, and set the threshold.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            float32 is read as it is; sparse data in another format than CSC are converted.
        y : None
            Not used.
        sample_weight : array-like of shape (n_samples,), default=None
            How probable it is that each sample is drawn.

        Returns
        -------
        self : estimator
        """
        X = check_fit(self, X, accept_sparse="csc", **CHECKS)
        if sample_weight is not None:
            sample_weight = get_engine(X).to_numpy(check_weight(sample_weight, X))
        target = check_random_state(self.random_state).uniform(size=(X.shape[0], 1))
        self.max_samples_ = self._number_to_draw(X.shape[0])
        if self._prepare(X, sample_weight, self.max_samples_):
            with threads_for(self.n_jobs):
                self._grow(get_engine(X), X, target)
        self._packed_trees = {}
        containers = [tree.tree_ for tree in self.estimators_]
        self._decision_path_lengths = tuple(tree.compute_node_depths() for tree in containers)
        self._average_path_length_per_tree = tuple(_average_depth(tree.n_node_samples) for tree in containers)
        self.offset_ = self._threshold(X)
        return self

    def predict(self, X):
        """Tell inliers from outliers.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        is_inlier : array of shape (n_samples,)
            1 for inliers, -1 for outliers.
        """
        check_is_fitted(self)
        return 1 - 2 * (self.decision_function(X) < 0)

    def decision_function(self, X):
        """Scores minus the threshold: negative for outliers.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        scores : array of shape (n_samples,)
        """
        return self.score_samples(X) - self.offset_

    def score_samples(self, X):
        """The opposite of the anomaly score of the paper: the lower, the more abnormal.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        scores : array of shape (n_samples,)
        """
        check_is_fitted(self)
        data = check_predict(self, X, accept_sparse="csr", **CHECKS)
        engine = get_engine(data)
        return engine.hand_back(self._scores(engine, data), like=X)

    # ---------------------------------------------------------------- the steps of a fit

    def _template(self):
        """What every tree is a clone of; its `max_features` has nothing to do with the forest's."""
        tree = ExtraTreeRegressor(max_features=1, splitter="random", random_state=self.random_state)
        if hasattr(self, "max_samples_"):
            tree.max_depth = int(np.ceil(np.log2(max(self.max_samples_, 2))))
        return tree

    def _number_to_draw(self, n_samples):
        if isinstance(self.max_samples, str):
            return min(256, n_samples)
        if not isinstance(self.max_samples, Integral):
            return int(self.max_samples * n_samples)
        if self.max_samples > n_samples:
            warn(
                f"max_samples ({self.max_samples}) is greater than the total number of samples ({n_samples}). "
                "max_samples will be set to n_samples for estimation.",
                stacklevel=5,
            )
        return min(self.max_samples, n_samples)

    def _grow(self, engine, X, target):
        plan, n_trees = self._planned(), len(self._seeds)
        trees = [new_member(self.estimator_, check_random_state(seed)) for seed in self._seeds]
        states = [seed_of(check_random_state(tree.random_state)) for tree in trees]
        growth = growth_of(self.estimator_, len(target), plan.max_features, np.ones(1, dtype=np.int64), len(target))
        draws = _Draws(plan, self._seeds, lambda t: self._report(t, n_trees))
        on_all = plan.max_features == plan.n_features and FEW * plan.max_samples >= plan.n_samples
        grown = (_grow_on_all if on_all else _grow_on_drawn)(engine, X, target, draws, growth, states)
        for tree, nodes in zip(trees, grown, strict=True):
            tree.n_features_in_ = plan.max_features
            tree._keep(Nodes(*map(engine.to_numpy, nodes[:-1]), nodes.max_depth), growth)
        self.estimators_ += trees
        self.estimators_features_ += draws.features

    def _report(self, t, n_trees):
        if self.verbose > 1:
            print(f"Building estimator {t + 1} of {n_trees} for this parallel run (total {n_trees})...")

    def _threshold(self, X):
        if self.contamination == "auto":
            return -0.5
        engine = get_engine(X)
        scores = self._scores(engine, X.tocsr() if issparse(X) else X)
        return np.percentile(engine.to_numpy(scores), 100.0 * self.contamination)

    # ---------------------------------------------------------------- scores

    def _scores(self, engine, X):
        depths = engine.forest.predict(self._packed(engine), engine.asarray(X))[:, 0]
        depth_of_all = len(self.estimators_) * _average_depth(self._max_samples)
        if depth_of_all == 0:  # a tree of one sample knows nothing
            return depths * 0 - 0.5
        return -(2 ** -(depths / depth_of_all))

    def _nodes(self):
        """The trees' nodes with the features of all X, and with the depth of each sample in a node as its value."""
        lengths = zip(self._decision_path_lengths, self._average_path_length_per_tree, strict=True)
        return [
            nodes._replace(
                feature=np.where(nodes.left < 0, nodes.feature, features[np.maximum(nodes.feature, 0)]),
                value=depths - 1.0 + beyond,
            )
            for nodes, features, (depths, beyond) in zip(
                super()._nodes(), self.estimators_features_, lengths, strict=True
            )
        ]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


class _Draws:
    """What each tree has drawn; samples are drawn as they are asked for, the features are kept."""

    def __init__(self, plan, seeds, on_tree):
        self.plan = plan
        self.seeds = seeds
        self.on_tree = on_tree
        self.features = [None] * len(seeds)

    def __len__(self):
        return len(self.seeds)

    def __getitem__(self, t):
        """How often tree t has drawn each sample: its weights."""
        return np.bincount(self.samples(t), minlength=self.plan.n_samples).astype(np.float64)

    def samples(self, t):
        """The samples that tree t has drawn; IndexError behind the last tree."""
        seed = self.seeds[t]
        self.on_tree(t)
        self.features[t], samples = draw(self.plan, seed)
        return samples


def _grow_on_all(engine, X, target, draws, growth, states):
    return engine.tree.grow_many(engine.tree.prepare(engine.asarray(X)), target, draws, growth, states)


def _grow_on_drawn(engine, X, target, draws, growth, states):
    for t, state in enumerate(states):
        rows, counts = np.unique(draws.samples(t), return_counts=True)
        part = X[engine.xp.asarray(rows)]
        if draws.plan.max_features < draws.plan.n_features:
            part = part[:, engine.xp.asarray(draws.features[t])]
        columns = engine.tree.prepare(engine.asarray(part))
        yield engine.tree.grow_many(columns, target[rows], [counts.astype(np.float64)], growth, [state])[0]


def _average_depth(n_samples):
    """How many random splits set a sample apart from n others on average.

    It is the depth of an unsuccessful search in a random binary tree of n nodes, ``2 H(n - 1) - 2 (n - 1) / n`` with
    the harmonic number H from Euler's constant.
    """
    n = np.maximum(np.asarray(n_samples, dtype=np.float64), 2)
    depth = 2.0 * (np.log(n - 1.0) + np.euler_gamma) - 2.0 * (n - 1.0) / n
    return np.select([np.asarray(n_samples) <= 1, np.asarray(n_samples) == 2], [0.0, 1.0], depth)
