"""What the two histogram gradient boosting estimators share: parameters, checks, fit."""

from abc import abstractmethod
from numbers import Integral, Real

import numpy as np
from sklearn.utils import check_random_state

from ghostflow_learn._base import BaseEstimator
from ghostflow_learn._engine import get_engine
from ghostflow_learn._validation import (
    HasMethods,
    Interval,
    RealNotInt,
    StrOptions,
    check_is_fitted,
    fit_context,
)
from ghostflow_learn._validation._boosting import BaseLoss

from . import _dump, _parts, _report, _sampling, _scoring
from ._boost import Plan, boost
from ._checks import Checking
from ._losses import best_constant, formulas, quantiles_of
from ._predictors import Predicting, bin_mapper, importances, predictor

LARGEST_SEED = np.iinfo(np.uint32).max
EARLY_STOPPING_FROM = 10_000  # samples, for early_stopping="auto"


class BaseHistGradientBoosting(Checking, Predicting, BaseEstimator):
    """Boosted trees on binned features: everything but the targets."""

    _parameter_constraints: dict = {
        "loss": [BaseLoss, HasMethods("gradient_hessian")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "max_leaf_nodes": [Interval(Integral, 2, None, closed="left"), None],
        "max_depth": [Interval(Integral, 1, None, closed="left"), None],
        "min_samples_leaf": [Interval(Integral, 1, None, closed="left")],
        "l2_regularization": [Interval(Real, 0, None, closed="left")],
        "max_features": [Interval(RealNotInt, 0, 1, closed="right")],
        "monotonic_cst": ["array-like", dict, None],
        "interaction_cst": [list, tuple, StrOptions({"pairwise", "no_interactions"}), None],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "validation_fraction": [
            Interval(RealNotInt, 0, 1, closed="neither"),
            Interval(Integral, 1, None, closed="left"),
            None,
        ],
        "tol": [Interval(Real, 0, None, closed="left")],
        "max_bins": [Interval(Integral, 2, 255, closed="both")],
        "categorical_features": ["array-like", StrOptions({"from_dtype"}), None],
        "warm_start": ["boolean"],
        "early_stopping": [StrOptions({"auto"}), "boolean"],
        "scoring": [str, callable, None],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
        "growth": [StrOptions({"leaf_wise", "depth_wise"})],
        "subsample": [Interval(Real, 0, 1, closed="right")],
        "sampling": [StrOptions({"uniform", "goss"})],
        "importance_type": [StrOptions({"gain", "split"})],
    }

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None, *, X_val=None, y_val=None, sample_weight_val=None):
        """Fit the gradient boosting model.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            NaN is a missing value.
        y : array-like of shape (n_samples,)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples.
        X_val : array-like of shape (n_val, n_features), default=None
            Samples to validate on for early stopping, in place of a part of X.
        y_val : array-like of shape (n_val,), default=None
            Their targets.
        sample_weight_val : array-like of shape (n_val,), default=None
            Their weights.

        Returns
        -------
        self : estimator
        """
        report = _report.Report(self.verbose)
        continues = self.warm_start and self._is_fitted()
        data, categories = self._check_train(X, y, sample_weight)
        val = self._check_val(X_val, y_val, sample_weight_val)
        self._draw_seeds(continues)
        self._loss = self._get_loss(data.sample_weight)
        self._decide_early_stopping(len(data.y), val)
        engine = get_engine(data.X)
        growth = self._growth()
        train, val = self._parts(engine, data, categories, val, report)
        plan = self._plan(growth, train)
        with _scoring.in_fit(self):
            self._boost(engine, train, val, plan, continues, report)
        self.train_score_ = np.asarray(self.train_score_)
        self.validation_score_ = np.asarray(self.validation_score_)
        report.summary(self._predictors)
        return self

    @property
    def n_iter_(self):
        """Iterations made."""
        check_is_fitted(self)
        return len(self._predictors)

    @property
    def feature_importances_(self):
        """Share of each feature in the gains, or the number, of all splits."""
        check_is_fitted(self)
        return importances(self._predictors, self._feature_order(), self.importance_type)

    def to_json(self, file=None):
        """Write the fitted model as text that any program can read.

        Parameters
        ----------
        file : str or path, default=None
            Where to write; None returns the text.

        Returns
        -------
        text : str or None
        """
        check_is_fitted(self)
        return _dump.dump(self, file)

    @classmethod
    def from_json(cls, source):
        """The fitted model that :meth:`to_json` wrote.

        Parameters
        ----------
        source : str or path
            The text, or the path of a file that holds it.

        Returns
        -------
        model : estimator
        """
        return _dump.load(cls, source)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    # ------------------------------------------------------------ what a subclass says

    @abstractmethod
    def _encode_y(self, y):
        """Validated targets as numbers; learns what they stand for."""

    @abstractmethod
    def _encode_y_val(self, y):
        """The same for targets to validate on."""

    @abstractmethod
    def _get_loss(self, sample_weight):
        """The loss object."""

    def _finalize_sample_weight(self, sample_weight, y):
        """Weights of samples, with those of their classes."""
        return sample_weight

    # ------------------------------------------------------------ draws and parts

    def _draw_seeds(self, continues):
        """As scikit-learn draws them; a fit that continues makes the same parts, and further draws of features."""
        rng = check_random_state(self.random_state)
        if not continues:
            self._random_seed = rng.randint(LARGEST_SEED, dtype="u8")
            self._feature_subsample_rng = np.random.default_rng(rng.randint(LARGEST_SEED, dtype="u8"))
        if not continues or not hasattr(self, "_sampling_rng"):  # scikit-learn's models have none
            self._sampling_rng = np.random.default_rng(self._random_seed)

    def _decide_early_stopping(self, n_samples, val):
        automatic = self.early_stopping == "auto"
        self.do_early_stopping_ = n_samples > EARLY_STOPPING_FROM if automatic else self.early_stopping
        self._use_validation_data = self.validation_fraction is not None or val is not None

    def _parts(self, engine, data, categories, val, report):
        """The :class:`Part` to train on, and the one to validate on or None; learns the bins."""
        y, X, weight = engine.asarray(data.y), engine.asarray(data.X), _parts.on(engine, data.sample_weight)
        rows = rows_val = None
        if self.do_early_stopping_ and self._use_validation_data and val is None:
            stratify = engine.to_numpy(y) if hasattr(self._loss, "predict_proba") else None
            rows, rows_val = _parts.split(len(y), self.validation_fraction, stratify, self._random_seed)
        is_categorical = np.zeros(X.shape[1], bool) if categories is None else self._is_categorical_remapped
        with report.binning("training", X.nbytes):
            edges = _parts.find_edges(engine, X, rows, weight, categories, self.max_bins, self._random_seed)
            bins = engine.binning.transform(X, edges, is_categorical, self.max_bins)
        self._bin_mapper = bin_mapper(edges, is_categorical, categories, self.max_bins, self._random_seed)
        if rows is not None:
            return [_parts.taken(engine, X, which, y, weight, bins) for which in (rows, rows_val)]
        train = _parts.Part(X, None, y, weight, bins)
        if val is None or not self.do_early_stopping_:
            return train, None
        X, y, weight = engine.asarray(val.X), engine.asarray(val.y), _parts.on(engine, val.sample_weight)
        with report.binning("validation", X.nbytes):
            bins = engine.binning.transform(X, edges, is_categorical, self.max_bins)
        return train, _parts.Part(X, None, y, weight, bins)

    def _get_small_trainset(self, X, y, sample_weight_train, seed):
        return _scoring.small_trainset(self, X, y, sample_weight_train, seed)

    def _should_stop(self, scores):
        return _scoring.should_stop(scores, self.n_iter_no_change, self.tol)

    # ------------------------------------------------------------ boosting

    def _plan(self, growth, train):
        return Plan(
            loss=self._loss,
            formulas=formulas(self._loss),
            quantiles=quantiles_of(self._loss),
            growth=growth,
            max_iter=self.max_iter,
            subsample=self.subsample,
            sampling=self.sampling,
            rng=self._sampling_rng,
            masks=_sampling.feature_masks(
                self._feature_subsample_rng, growth, self._n_features, len(train.y), self.n_trees_per_iteration_
            ),
        )

    def _boost(self, engine, train, val, plan, continues, report):
        """Add iterations to ``_predictors`` until there are enough or scores no longer improve."""
        progress = self._continue(engine, train, val) if continues else self._start(engine, train, val)
        monitor = _scoring.monitor(self, engine, train, val, progress) if self.do_early_stopping_ else None
        if monitor and not continues:
            monitor.after_iteration()
        report.begin()
        steps = boost(engine, train.bins, train.y, train.sample_weight, progress.raw, plan, start=len(self._predictors))
        for trees, progress.raw in steps:
            self._predictors.append([predictor(engine, tree) for tree in trees])
            if progress.raw_val is not None:
                progress.raw_val = engine.boosting.predict_bins(progress.raw_val, trees, val.bins.codes, self.max_bins)
            stop = monitor is not None and monitor.after_iteration()
            report.iteration(self)
            if stop:
                break

    def _start(self, engine, train, val):
        """Forget what was learnt before; raw predictions are those of the best constant."""
        self._baseline_prediction = best_constant(engine, self._loss, train.y, train.sample_weight).reshape(1, -1)
        self._predictors, self.train_score_, self.validation_score_ = [], [], []
        start = self._baseline(engine)
        raw = [None if part is None else engine.xp.repeat(start, len(part.y), axis=1) for part in (train, val)]
        return _scoring.Progress(*raw)

    def _continue(self, engine, train, val):
        if self.max_iter < self.n_iter_:
            raise ValueError(
                f"max_iter={self.max_iter} must be larger than or equal to n_iter_={self.n_iter_} when warm_start==True"
            )
        self.train_score_, self.validation_score_ = list(self.train_score_), list(self.validation_score_)
        forest, baseline = self._forest(engine), self._baseline(engine)
        raw = [
            None
            if part is None
            else engine.boosting.predict(forest, part.X if part.rows is None else part.X[part.rows], baseline)
            for part in (train, val)
        ]
        return _scoring.Progress(*raw)

    def _is_fitted(self):
        return len(getattr(self, "_predictors", [])) > 0
