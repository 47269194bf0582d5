"""What both bagging models share: drawing, fitting, and asking all estimators."""

from collections import namedtuple
from itertools import chain, pairwise
from numbers import Integral
from warnings import warn

import numpy as np
from joblib import effective_n_jobs
from sklearn.base import MetaEstimatorMixin
from sklearn.utils import check_random_state, get_tags
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.parallel import Parallel, delayed

from ..._base import BaseEstimator
from ..._engine import get_engine
from ..._validation import (
    HasMethods,
    Interval,
    RealNotInt,
    check_fit,
    check_is_fitted,
    check_predict,
    check_weight,
    fit_context,
    raise_for_params,
    routing_enabled,
)
from ..._validation._ensembles import n_samples_bootstrap, without_routing
from .._members import LARGEST_SEED, Members
from .batch import fit_batch
from .draws import draw

# Whatever the estimators take.
ANY = {"dtype": None, "order": None, "accept_sparse": ["csr", "csc"], "ensure_all_finite": False}

Plan = namedtuple("Plan", "n_samples n_features max_samples max_features bootstrap bootstrap_features sample_weight")
Plan.__doc__ = """What each estimator's samples and features are drawn from, and how many; weights are probabilities."""


class BaseBagging(MetaEstimatorMixin, Members, BaseEstimator):
    """Estimators fitted each on samples and features of its own, and their mean answer."""

    _parameter_constraints: dict = {
        "estimator": [HasMethods(["fit", "predict"]), None],
        "n_estimators": [Interval(Integral, 1, None, closed="left")],
        "max_samples": [
            None,
            Interval(Integral, 1, None, closed="left"),
            Interval(RealNotInt, 0, 1, closed="right"),
        ],
        "max_features": [
            Interval(Integral, 1, None, closed="left"),
            Interval(RealNotInt, 0, 1, closed="right"),
        ],
        "bootstrap": ["boolean"],
        "bootstrap_features": ["boolean"],
        "oob_score": ["boolean"],
        "warm_start": ["boolean"],
        "n_jobs": [None, Integral],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        estimator=None,
        n_estimators=10,
        *,
        max_samples=None,
        max_features=1.0,
        bootstrap=True,
        bootstrap_features=False,
        oob_score=False,
        warm_start=False,
        n_jobs=None,
        random_state=None,
        verbose=0,
    ):
        self.estimator = estimator
        self.n_estimators = n_estimators
        self.max_samples = max_samples
        self.max_features = max_features
        self.bootstrap = bootstrap
        self.bootstrap_features = bootstrap_features
        self.oob_score = oob_score
        self.warm_start = warm_start
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, sample_weight=None, **fit_params):
        """Fit all estimators.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Handed on as it is; sparse data as CSR or CSC.
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), default=None
            How probable it is that each sample is drawn. A weight of 2 is a sample that is there twice with
            ``bootstrap=True`` and a given `max_samples`.
        **fit_params : dict
            For the estimators' `fit`, with metadata routing.

        Returns
        -------
        self : estimator
        """
        raise_for_params(fit_params, self, "fit")
        X, y = check_fit(self, X, y, **ANY, multi_output=True)
        y = self._encode(get_engine(y).to_numpy(y))
        if not self._prepare(X, self._checked_weight(sample_weight, X), self.max_samples):
            return self
        routed = process_routing(self, "fit", **fit_params).estimator.fit if routing_enabled() else fit_params
        self._fit_members(X, y, routed)
        if self.oob_score:
            self._set_oob_score(X, y)
        return self

    # ---------------------------------------------------------------- the steps of a fit

    def _prepare(self, X, sample_weight, max_samples):
        """Plan the draws, and draw a seed for each estimator that is missing; whether any is."""
        random_state = check_random_state(self.random_state)
        self.estimator_ = self._template()
        self._remember(self._plan(X, sample_weight, max_samples))
        n_more = self._check_warm_start()
        if n_more == 0:
            warn("Warm-start fitting without increasing n_estimators does not fit new trees.", stacklevel=6)
            return False
        random_state.randint(LARGEST_SEED, size=len(self.estimators_))  # as a fit of all of them at once would draw
        self._seeds = random_state.randint(LARGEST_SEED, size=n_more)
        return True

    def _checked_weight(self, sample_weight, X):
        if sample_weight is None:
            return None
        if not self.bootstrap:
            warn(
                f"When fitting {type(self).__name__} with sample_weight it is recommended to use bootstrap=True, got "
                f"{self.bootstrap}.",
                stacklevel=6,
            )
        return get_engine(X).to_numpy(check_weight(sample_weight, X, dtype=np.float64))

    def _plan(self, X, sample_weight, max_samples):
        n_samples, n_features = X.shape
        max_samples = n_samples_bootstrap(n_samples, max_samples, sample_weight)
        if not self.bootstrap and max_samples > n_samples:
            raise ValueError(
                f"Effective max_samples={max_samples} must be <= n_samples={n_samples} to be able to sample without "
                "replacement."
            )
        share = not isinstance(self.max_features, Integral)
        max_features = int(self.max_features * n_features) if share else self.max_features
        if max_features > n_features:
            raise ValueError("max_features must be <= n_features")
        if not self.bootstrap and self.oob_score:
            raise ValueError("Out of bag estimation only available if bootstrap=True")
        if self.warm_start and self.oob_score:
            raise ValueError("Out of bag estimate only available if warm_start=False")
        return Plan(
            n_samples,
            n_features,
            max_samples,
            max(1, int(max_features)),
            self.bootstrap,
            self.bootstrap_features,
            sample_weight,
        )

    def _remember(self, plan):
        """What `estimators_samples_` draws from again."""
        self._n_samples, self._max_samples, self._max_features = plan.n_samples, plan.max_samples, plan.max_features
        self._sample_weight = plan.sample_weight

    def _planned(self):
        return Plan(
            self._n_samples,
            self.n_features_in_,
            self._max_samples,
            self._max_features,
            self.bootstrap,
            self.bootstrap_features,
            self._sample_weight,
        )

    def _check_warm_start(self):
        """The number of estimators to add to those that are there."""
        if self.warm_start:
            vars(self).pop("oob_score_", None)
        if not self.warm_start or not hasattr(self, "estimators_"):
            self.estimators_, self.estimators_features_ = [], []
        n_more = self.n_estimators - len(self.estimators_)
        if n_more < 0:
            raise ValueError(
                f"n_estimators={self.n_estimators} must be larger or equal to len(estimators_)="
                f"{len(self.estimators_)} when warm_start==True"
            )
        return n_more

    def _fit_members(self, X, y, fit_params):
        plan, n_more = self._planned(), len(self._seeds)
        batches = self._in_parallel(
            n_more,
            lambda part: delayed(fit_batch)(
                self.estimator_, plan, self._seeds[part], n_more, X, y, fit_params, self.verbose
            ),
        )
        self.estimators_ += chain.from_iterable(estimators for estimators, _ in batches)
        self.estimators_features_ += chain.from_iterable(features for _, features in batches)

    def _in_parallel(self, n, task):
        """Results of ``task(part)``, one for each process's part of `n` estimators."""
        n_jobs = min(effective_n_jobs(self.n_jobs), n)
        edges = np.cumsum([0, *(n // n_jobs + (job < n % n_jobs) for job in range(n_jobs))]).tolist()
        parts = [slice(start, stop) for start, stop in pairwise(edges)]
        return Parallel(n_jobs=n_jobs, verbose=self.verbose)(task(part) for part in parts)

    # ---------------------------------------------------------------- what the fitted model knows

    def _ask(self, function, X, *args):
        """Results of ``function(estimators, features, X, *args)`` for each part of the estimators."""
        return self._in_parallel(
            self.n_estimators,
            lambda part: delayed(function)(self.estimators_[part], self.estimators_features_[part], X, *args),
        )

    def _routed(self, method, params):
        """Parameters for each method of the estimators."""
        if routing_enabled():
            return process_routing(self, method, **params).estimator
        return without_routing({"estimator": {}}).estimator

    def _check_predict(self, X):
        check_is_fitted(self)
        return check_predict(self, X, **ANY)

    def _out_of_bag(self, X):
        """For each estimator: itself, which samples it has not seen, and those with its features."""
        for estimator, samples, features in zip(self.estimators_, self.estimators_samples_, self.estimators_features_):
            unseen = np.bincount(samples, minlength=X.shape[0]) == 0
            yield estimator, unseen, X[unseen][:, features]

    def _warn_of_seen_by_all(self, stacklevel):
        warn(
            "Some inputs do not have OOB scores. This probably means too few estimators were used to compute any "
            "reliable oob estimates.",
            stacklevel=stacklevel,
        )

    @property
    def estimators_samples_(self):
        """The samples that each estimator was fitted on, drawn again at each call."""
        return [draw(self._planned(), seed)[1] for seed in self._seeds]

    def get_metadata_routing(self):
        """Where metadata go: to the same method of the estimators, or to that which stands in for it.

        Returns
        -------
        routing : MetadataRouter
        """
        estimator = self._template()
        proba = "predict_proba" if hasattr(estimator, "predict_proba") else "predict"
        log_proba = "predict_log_proba" if hasattr(estimator, "predict_log_proba") else proba
        mapping = MethodMapping()
        for caller, callee in [
            ("fit", "fit"),
            ("decision_function", "decision_function"),
            ("predict", proba),
            ("predict_proba", proba),
            ("predict_log_proba", log_proba),
        ]:
            mapping.add(caller=caller, callee=callee)
        return MetadataRouter(owner=self).add(estimator=estimator, method_mapping=mapping)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        of_estimator = get_tags(self._template()).input_tags
        tags.input_tags.sparse, tags.input_tags.allow_nan = of_estimator.sparse, of_estimator.allow_nan
        return tags
