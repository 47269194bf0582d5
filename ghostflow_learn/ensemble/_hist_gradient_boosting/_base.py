"""What the two histogram gradient boosting estimators share: parameters, checks, fit."""

from abc import abstractmethod
from collections import namedtuple
from numbers import Integral, Real

import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.utils import check_consistent_length, check_random_state

from ghostflow_learn._base import BaseEstimator
from ghostflow_learn._engine import get_engine
from ghostflow_learn._engine._boosting import Growth
from ghostflow_learn._validation import (
    HasMethods,
    Interval,
    RealNotInt,
    StrOptions,
    check_fit,
    check_is_fitted,
    check_predict,
    check_weight,
    fit_context,
)
from ghostflow_learn._validation._boosting import BaseLoss, check_categorical_features, check_monotonic_cst, check_y

from . import _columns, _dump, _report, _sampling, _scoring
from ._boost import Plan, boost
from ._losses import formulas, quantiles_of
from ._predictors import Predicting, bin_mapper, importances, predictor

Data = namedtuple("Data", "X y sample_weight")
Part = namedtuple("Part", "X rows y sample_weight bins")  # rows of X; None for all
LARGEST_SEED = np.iinfo(np.uint32).max
EARLY_STOPPING_FROM = 10_000  # samples, for early_stopping="auto"
MIN_HESSIAN = 1e-3  # of a leaf


class BaseHistGradientBoosting(Predicting, BaseEstimator):
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
        train, val = self._binned(engine, data, categories, val, report)
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

    # ------------------------------------------------------------ checks

    def _check_train(self, X, y, sample_weight):
        """The :class:`Data` of a fit, and the categories of its columns."""
        if y is None:
            raise ValueError(f"This {type(self).__name__} estimator requires y to be passed, but the target y is None.")
        X, categories = self._preprocess_X(X, reset=True)
        y = self._encode_y(check_y(self, y, like=X))
        check_consistent_length(X, y)
        if sample_weight is not None:
            sample_weight = check_weight(sample_weight, X, dtype=np.float64)
            self._fitted_with_sw = True
        self._n_features = X.shape[1]
        return Data(X, y, self._finalize_sample_weight(sample_weight, y)), categories

    def _check_val(self, X, y, sample_weight):
        """The :class:`Data` that a user validates on, or None."""
        if X is None and y is None:
            return None
        if y is None:
            raise ValueError("X_val is provided, but y_val was not provided.")
        if X is None:
            raise ValueError("y_val is provided, but X_val was not provided.")
        X = self._preprocess_X(X, reset=False)
        y = self._encode_y_val(check_y(self, y, like=X))
        check_consistent_length(X, y)
        if sample_weight is not None:
            sample_weight = check_weight(sample_weight, X, dtype=np.float64)
        if self.early_stopping is False:
            raise ValueError(
                "X_val and y_val are passed to fit while at the same time early_stopping is False. When passing X_val "
                "and y_val to fit,early_stopping should be set to either 'auto' or True."
            )
        return Data(X, y, sample_weight)

    def _preprocess_X(self, X, *, reset):
        """Validated X with categories as codes in its first columns; in `fit` also their codes, a list or None."""
        if not reset:
            if self._preprocessor is None:
                return check_predict(self, X, ensure_all_finite=False)
            if _columns.is_table(X):
                return self._preprocessor.transform(X)
            return _columns.encode(check_predict(self, X, ensure_all_finite=False), self._preprocessor)
        self.is_categorical_ = check_categorical_features(X, self.categorical_features)
        self._preprocessor = self._is_categorical_remapped = None
        if self.is_categorical_ is None:
            return check_fit(self, X, ensure_all_finite=False), None
        if _columns.is_table(X):
            self._preprocessor = _columns.categories_first(self.is_categorical_)
            X = self._preprocessor.fit_transform(X)
            self._adopt_names(self._preprocessor)
        else:
            X = check_fit(self, X, ensure_all_finite=False)
            self._preprocessor = _columns.fitted_on_array(X, self.is_categorical_)
            X = _columns.encode(X, self._preprocessor)
        self._is_categorical_remapped = np.sort(self.is_categorical_)[::-1]
        return X, _columns.known_categories(self._preprocessor, self.is_categorical_, self.max_bins)

    def _adopt_names(self, preprocessor):
        self.n_features_in_ = preprocessor.n_features_in_
        if hasattr(preprocessor, "feature_names_in_"):
            self.feature_names_in_ = preprocessor.feature_names_in_
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_

    def _check_interaction_cst(self, n_features):
        return _columns.interaction_groups(self.interaction_cst, n_features)

    def _growth(self):
        """The limits of a tree; constraints by the columns of the preprocessed X."""
        order = self._feature_order()
        monotonic_cst = check_monotonic_cst(self, self.monotonic_cst)[order]
        if self.is_categorical_ is not None and monotonic_cst[self._is_categorical_remapped].any():
            raise ValueError("Categorical features cannot have monotonic constraints.")
        groups = self._check_interaction_cst(self._n_features) or []
        return Growth(
            max_leaf_nodes=self.max_leaf_nodes or -1,
            max_depth=self.max_depth or -1,
            min_samples_leaf=self.min_samples_leaf,
            min_hessian_to_split=MIN_HESSIAN,
            min_gain_to_split=0.0,
            l2_regularization=float(self.l2_regularization),
            learning_rate=float(self.learning_rate),
            max_features=float(self.max_features),
            depth_wise=self.growth == "depth_wise",
            monotonic_cst=monotonic_cst.astype(np.int8),
            groups=np.array([[j in group for j in order] for group in groups], bool).reshape(-1, len(order)),
        )

    # ------------------------------------------------------------ draws and parts

    def _draw_seeds(self, continues):
        """As scikit-learn draws them; a fit that continues makes the same parts, and further draws of features."""
        rng = check_random_state(self.random_state)
        if not continues:
            self._random_seed = rng.randint(LARGEST_SEED, dtype="u8")
            self._feature_subsample_rng = np.random.default_rng(rng.randint(LARGEST_SEED, dtype="u8"))
            self._sampling_rng = np.random.default_rng(self._random_seed)

    def _decide_early_stopping(self, n_samples, val):
        automatic = self.early_stopping == "auto"
        self.do_early_stopping_ = n_samples > EARLY_STOPPING_FROM if automatic else self.early_stopping
        self._use_validation_data = self.validation_fraction is not None or val is not None

    def _binned(self, engine, data, categories, val, report):
        """The :class:`Part` to train on, and the one to validate on or None; learns the bins."""
        y = engine.asarray(data.y)
        X, weight = engine.asarray(data.X), _on(engine, data.sample_weight)
        rows = rows_val = None
        if self.do_early_stopping_ and self._use_validation_data and val is None:
            stratify = engine.to_numpy(y) if hasattr(self._loss, "predict_proba") else None
            rows, rows_val = train_test_split(
                np.arange(len(y)),
                test_size=self.validation_fraction,
                stratify=stratify,
                random_state=self._random_seed,
            )
        with report.binning("training", X.nbytes):
            edges, is_categorical = self._find_edges(engine, X, rows, weight, categories)
            bins = engine.binning.transform(X, edges, is_categorical, self.max_bins)
        self._bin_mapper = bin_mapper(edges, is_categorical, categories, self.max_bins, self._random_seed)
        if rows is not None:
            return [_part(engine, X, which, y, weight, bins) for which in (rows, rows_val)]
        train = Part(X, None, y, weight, bins)
        if val is None or not self.do_early_stopping_:
            return train, None
        X, y, weight = engine.asarray(val.X), engine.asarray(val.y), _on(engine, val.sample_weight)
        with report.binning("validation", X.nbytes):
            bins = engine.binning.transform(X, edges, is_categorical, self.max_bins)
        return train, Part(X, None, y, weight, bins)

    def _find_edges(self, engine, X, rows, sample_weight, categories):
        """Edges of the bins of each column, those of a categorical one being its categories; and which those are."""
        is_categorical = np.zeros(X.shape[1], bool) if categories is None else self._is_categorical_remapped
        n_samples = len(X) if rows is None else len(rows)
        rng = check_random_state(self._random_seed)
        drawn = _sampling.draw_for_edges(engine, n_samples, rows, sample_weight, rng)
        edges = engine.binning.find_edges(X, self.max_bins, is_categorical, *drawn)
        return [edges[j] if not is_categorical[j] else categories[j] for j in range(len(edges))], is_categorical

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
        baseline = self._loss.fit_intercept_only(
            y_true=engine.to_numpy(train.y),
            sample_weight=None if train.sample_weight is None else engine.to_numpy(train.sample_weight),
        )
        self._baseline_prediction = np.asarray(baseline, dtype=np.float64).reshape(1, -1)
        self._predictors, self.train_score_, self.validation_score_ = [], [], []
        start = self._baseline(engine)
        raw = [None if part is None else engine.xp.zeros((len(start), len(part.y))) + start for part in (train, val)]
        return _scoring.Progress(*raw)

    def _continue(self, engine, train, val):
        if self.max_iter < self.n_iter_:
            raise ValueError(
                f"max_iter={self.max_iter} must be larger than or equal to n_iter_={self.n_iter_} when warm_start==True"
            )
        self.train_score_, self.validation_score_ = self.train_score_.tolist(), self.validation_score_.tolist()
        forest, baseline = self._forest(engine), self._baseline(engine)
        raw = [
            None if part is None else engine.boosting.predict(forest, _taken(part.X, part.rows), baseline)
            for part in (train, val)
        ]
        return _scoring.Progress(*raw)

    def _is_fitted(self):
        return len(getattr(self, "_predictors", [])) > 0


def _on(engine, array):
    return None if array is None else engine.asarray(array)


def _taken(array, rows):
    return array if rows is None or array is None else array[rows]


def _part(engine, X, rows, y, sample_weight, bins):
    """Some of the samples."""
    rows = engine.asarray(rows)
    codes = bins.codes[rows]
    some = bins._replace(codes=codes, has_missing=(codes == bins.max_bins).any(axis=0).astype(np.uint8))
    return Part(X, rows, y[rows], _taken(sample_weight, rows), some)
