"""What both gradient boosting models share: the stages, and everything a fitted model does but the last step."""

import warnings
from collections import namedtuple
from numbers import Integral, Real

import numpy as np
from scipy.sparse import csr_array, issparse
from sklearn.base import is_classifier
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state

from ..._base import BaseEstimator
from ..._engine import get_engine
from ..._validation import (
    Hidden,
    Interval,
    RealNotInt,
    StrOptions,
    check_fit,
    check_is_fitted,
    check_predict,
    check_weight,
    fit_context,
)
from ..._validation._gradient_boosting import HalfBinomialLoss, HalfSquaredError, draw_subsample, predict_stages
from ...tree._growth import max_features_of
from .initial import fit_initial, initial_raw_predictions
from .report import Report
from .stage import Stages, packed_trees

Data = namedtuple("Data", "X y sample_weight")
FEW_ROWS = 1000  # which descend scikit-learn's containers faster than their nodes are packed
CSR = {"dtype": (np.float32,), "accept_sparse": "csr", "accept_large_sparse": False}


class BaseGradientBoosting(BaseEstimator):
    """A sum of regression trees, each of which steps against the gradient of the loss."""

    _parameter_constraints: dict = {
        "learning_rate": [Interval(Real, 0.0, None, closed="left")],
        "n_estimators": [Interval(Integral, 1, None, closed="left")],
        "subsample": [Interval(Real, 0.0, 1.0, closed="right")],
        "criterion": [StrOptions({"squared_error"}), Hidden(StrOptions({"deprecated", "friedman_mse"}))],
        "min_samples_split": [
            Interval(Integral, 2, None, closed="left"),
            Interval(RealNotInt, 0.0, 1.0, closed="right"),
        ],
        "min_samples_leaf": [
            Interval(Integral, 1, None, closed="left"),
            Interval(RealNotInt, 0.0, 1.0, closed="neither"),
        ],
        "min_weight_fraction_leaf": [Interval(Real, 0.0, 0.5, closed="both")],
        "max_depth": [Interval(Integral, 1, None, closed="left"), None],
        "min_impurity_decrease": [Interval(Real, 0.0, None, closed="left")],
        "random_state": ["random_state"],
        "max_features": [
            Interval(Integral, 1, None, closed="left"),
            Interval(RealNotInt, 0.0, 1.0, closed="right"),
            StrOptions({"sqrt", "log2"}),
            None,
        ],
        "verbose": ["verbose"],
        "max_leaf_nodes": [Interval(Integral, 2, None, closed="left"), None],
        "warm_start": ["boolean"],
        "validation_fraction": [Interval(Real, 0.0, 1.0, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), None],
        "tol": [Interval(Real, 0.0, None, closed="left")],
        "ccp_alpha": [Interval(Real, 0.0, None, closed="left")],
    }

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, sample_weight=None, monitor=None):
        """Fit the stages.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Converted to float32.
        y : array-like of shape (n_samples,)
            Targets, or labels of at least two classes.
        sample_weight : array-like of shape (n_samples,), default=None
            A sample of weight 0 is not in the trees.
        monitor : callable, default=None
            ``monitor(i, self, variables)`` is called after each stage, with the stage's number from 0 and a dict of
            the variables of the fit, such as ``raw_predictions``. The fit ends when it returns True.

        Returns
        -------
        self : estimator
        """
        self._forget_unless_warm()
        self._warn_of_criterion()
        X, y = check_fit(self, X, y, **CSR | {"accept_sparse": ["csr", "csc"]}, multi_output=True)
        weighted = sample_weight is not None
        sample_weight = get_engine(X).to_numpy(check_weight(sample_weight, X, dtype=np.float64))
        X, y = _on_host(X), _on_host(y)
        y = self._encode(y, sample_weight if weighted else None)
        self.max_features_ = max_features_of(self.max_features, X.shape[1])
        self._loss = self._make_loss(sample_weight)
        train, validation = self._split(Data(X, y, sample_weight))
        begin, raw_predictions = self._first_predictions(train, weighted)
        n_stages = self._boost(train, validation, raw_predictions, begin, monitor)
        self._keep_only(n_stages)
        return self

    # ---------------------------------------------------------------- the steps of a fit

    def _forget_unless_warm(self):
        if self.warm_start:
            return
        for name in ("train_score_", "oob_improvement_", "oob_scores_", "oob_score_", "init_", "_rng"):
            vars(self).pop(name, None)
        if hasattr(self, "estimators_"):
            self.estimators_ = np.empty((0, 0), dtype=object)

    def _warn_of_criterion(self):
        if self.criterion != "deprecated":
            warnings.warn(
                "The parameter `criterion` is deprecated and will be removed in 1.11. It has no effect. Leave it to "
                "its default value to avoid this warning.",
                FutureWarning,
                stacklevel=5,
            )

    def _split(self, data):
        """Training data, and those that tell when to stop (None without early stopping)."""
        if self.n_iter_no_change is None:
            return data, None
        parts = train_test_split(
            *data,
            random_state=self.random_state,
            test_size=self.validation_fraction,
            stratify=data.y if is_classifier(self) else None,
        )
        train, validation = Data(*parts[0::2]), Data(*parts[1::2])
        if is_classifier(self) and len(np.unique(train.y)) != self.n_classes_:
            raise ValueError(
                "The training data after the early stopping split is missing some classes. Try using another random "
                "seed."
            )
        return train, validation

    def _first_predictions(self, train, weighted):
        """Number of the stages that are there, and what they predict for the training data."""
        if not len(getattr(self, "estimators_", [])):
            self.init_ = fit_initial(self, self._loss, train, weighted)
            self._resize(0)
            self._rng = check_random_state(self.random_state)
            return 0, self._raw_predict_init(train.X)
        begin = len(self.estimators_)
        if self.n_estimators < begin:
            raise ValueError(
                f"n_estimators={self.n_estimators} must be larger or equal to estimators_.shape[0]={begin} when "
                "warm_start==True"
            )
        raw_predictions = get_engine().to_numpy(self._raw_predict(_by_row(train.X)))
        self._resize(begin)
        return begin, raw_predictions

    def _resize(self, begin):
        """Room for `n_estimators` stages behind the first `begin`."""

        def resized(name, shape, dtype=np.float64):
            array = np.zeros((self.n_estimators, *shape), dtype=dtype)
            if begin and hasattr(self, name):
                array[:begin] = getattr(self, name)
            return array

        self.estimators_ = resized("estimators_", (self.n_trees_per_iteration_,), object)
        self.train_score_ = resized("train_score_", ())
        if self.subsample < 1 or hasattr(self, "oob_improvement_"):
            self.oob_improvement_ = resized("oob_improvement_", ())
            self.oob_scores_ = resized("oob_scores_", ())
            self.oob_score_ = np.nan

    def _boost(self, train, validation, raw_predictions, begin_at_stage, monitor):
        """Fit the stages from `begin_at_stage` on, and return how many there are in the end."""
        X, y, sample_weight = train
        stages = Stages(self, X)
        do_oob, random_state = self.subsample < 1, self._rng
        n_inbag = max(1, int(self.subsample * len(y)))
        report = Report(self.verbose, self.n_estimators, begin_at_stage, do_oob) if self.verbose else None
        improves = self._early_stopping(validation)
        i = begin_at_stage - 1
        for i in range(begin_at_stage, self.n_estimators):
            sample_mask = draw_subsample(len(y), n_inbag, random_state) if do_oob else None
            out_of_bag = ~sample_mask if do_oob else None
            initial = self._score(train, raw_predictions, out_of_bag) if do_oob and i == 0 else None
            self.estimators_[i] = stages.fit(y, raw_predictions, sample_weight, sample_mask, random_state)
            self.train_score_[i] = self._score(train, raw_predictions, sample_mask)
            if do_oob:
                self._note_out_of_bag(i, self._score(train, raw_predictions, out_of_bag), initial)
            if report:
                report.stage(i, self.train_score_[i], self.oob_improvement_[i] if do_oob else None)
            if (monitor is not None and monitor(i, self, locals())) or not improves(i):
                break
        return i + 1

    def _score(self, data, raw_predictions, rows=None):
        """The loss; for historical reasons twice that of the halved ones."""
        y, sample_weight = data.y, data.sample_weight
        if rows is not None:
            y, raw_predictions, sample_weight = y[rows], raw_predictions[rows], sample_weight[rows]
        factor = 2 if isinstance(self._loss, HalfSquaredError | HalfBinomialLoss) else 1
        return factor * self._loss(y_true=y, raw_prediction=raw_predictions, sample_weight=sample_weight)

    def _note_out_of_bag(self, i, score, initial):
        self.oob_scores_[i] = score
        self.oob_improvement_[i] = (initial if i == 0 else self.oob_scores_[i - 1]) - score
        self.oob_score_ = self.oob_scores_[-1]

    def _early_stopping(self, validation):
        """A function that says after each stage whether the loss of the validation data has improved lately."""
        if validation is None:
            return lambda i: True
        history = np.full(self.n_iter_no_change, np.inf)
        predictions = map(get_engine().to_numpy, self._staged_raw_predict(_by_row(validation.X)))

        def improves(i):
            loss = self._score(validation, next(predictions))
            better = bool(np.any(loss + self.tol < history))
            if better:
                history[i % len(history)] = loss
            return better

        return improves

    def _keep_only(self, n_stages):
        """Leave out the stages that a monitor or early stopping has spared."""
        if n_stages != len(self.estimators_):
            for name in ("estimators_", "train_score_", "oob_improvement_", "oob_scores_"):
                if hasattr(self, name):
                    setattr(self, name, getattr(self, name)[:n_stages])
            if hasattr(self, "oob_scores_"):
                self.oob_score_ = self.oob_scores_[-1]
        self.n_estimators_ = n_stages

    # ---------------------------------------------------------------- prediction

    def _raw_predict_init(self, X):
        shape = (X.shape[0], self.n_trees_per_iteration_)
        if isinstance(self.init_, str):  # "zero"
            return np.zeros(shape)
        return initial_raw_predictions(self.init_, _on_host(X), self._loss, is_classifier(self))

    def _start(self, engine, X):
        """Raw predictions without a tree, on `engine`; of a constant those of one sample are all."""
        if self.init is not None:
            return engine.asarray(self._raw_predict_init(X))
        one = self._raw_predict_init(np.zeros((1, X.shape[1])))
        return engine.xp.zeros((X.shape[0], one.shape[1])) + engine.asarray(one)

    def _raw_predict(self, X):
        """Raw predictions, (n_samples, n_trees_per_iteration_), on the engine that is chosen for `X`."""
        check_is_fitted(self)
        engine = get_engine(X)
        return self._with_trees(engine, self.estimators_, X, self._start(engine, X))

    def _staged_raw_predict(self, X):
        """Raw predictions after each stage, on the engine that is chosen for `X`."""
        check_is_fitted(self)
        engine = get_engine(X)
        raw_predictions = self._start(engine, X)
        for i in range(len(self.estimators_)):
            raw_predictions = self._with_trees(engine, self.estimators_[i : i + 1], X, raw_predictions)
            yield raw_predictions

    def _with_trees(self, engine, stages, X, raw_predictions):
        """A new array: `raw_predictions` with the trees' predictions added, stage by stage."""
        if X.shape[0] < FEW_ROWS and isinstance(raw_predictions, np.ndarray):
            added = raw_predictions.copy()
            predict_stages(stages, X, self.learning_rate, added)
            return added
        forest = packed_trees(engine, stages, self.learning_rate)
        return engine.forest.predict(forest, engine.asarray(X), self.n_trees_per_iteration_, raw_predictions)

    def _check_predict(self, X):
        check_is_fitted(self)
        return check_predict(self, X, **CSR)

    def apply(self, X):
        """The leaf of each sample in each tree.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        leaves : array of shape (n_samples, n_estimators, n_trees_per_iteration), or without the last axis
            Ids of nodes, as numbers of float64. A regressor has no last axis.
        """
        data = self._check_predict(X)
        engine = get_engine(data)
        leaves = engine.forest.apply(packed_trees(engine, self.estimators_), engine.asarray(data))
        leaves = leaves.reshape(-1, *self.estimators_.shape).astype(np.float64)
        return engine.hand_back(leaves, like=X)

    @property
    def feature_importances_(self):
        """What each feature has contributed to the decrease of impurity, adding up to 1."""
        check_is_fitted(self)
        trees = [tree.tree_ for tree in self.estimators_.flat if tree.tree_.node_count > 1]
        if not trees:
            return np.zeros(self.n_features_in_)
        importances = np.mean([tree.compute_feature_importances(normalize=False) for tree in trees], axis=0)
        return importances / np.sum(importances)

    def _compute_partial_dependence_recursion(self, grid, target_features):
        """Called by scikit-learn's partial dependence: averages for each point of the grid, (n_trees, n_points)."""
        if self.init is not None:
            warnings.warn(
                "Using recursion method with a non-constant init predictor will lead to incorrect partial dependence "
                f"values. Got init={self.init}.",
                UserWarning,
                stacklevel=2,
            )
        grid = np.asarray(grid, dtype=np.float32, order="C")
        target_features = np.asarray(target_features, dtype=np.intp, order="C")
        averages = np.zeros((self.n_trees_per_iteration_, len(grid)))
        for stage in self.estimators_:
            for average, tree in zip(averages, stage, strict=True):
                tree.tree_.compute_partial_dependence(grid, target_features, average)
        return averages * self.learning_rate

    def __len__(self):
        """Number of stages."""
        return len(self.estimators_)

    def __getitem__(self, index):
        """The trees of one stage."""
        return self.estimators_[index]

    def __iter__(self):
        """Over the stages."""
        return iter(self.estimators_)

    def __sklearn_is_fitted__(self):
        return len(getattr(self, "estimators_", ())) > 0

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _on_host(X):
    return X if issparse(X) else get_engine(X).to_numpy(X)


def _by_row(X):
    return csr_array(X) if issparse(X) else X
