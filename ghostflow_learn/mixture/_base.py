"""What both mixtures share: the fit, and everything a fitted model answers."""

import warnings
from numbers import Integral, Real

import numpy as np
from sklearn.base import DensityMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from .._base import BaseEstimator
from .._engine import get_engine
from .._validation import Interval, StrOptions, check_fit, check_is_fitted, check_predict, fit_context
from ._covariances import precisions_of
from ._expectation_maximisation import Report, expectation_maximisation, last_bound
from ._samples import Samples
from ._start import start

NOT_CONVERGED = (
    "Best performing initialization did not converge. Try different init parameters, or increase max_iter, tol, or "
    "check for degenerate data."
)


class BaseMixture(DensityMixin, BaseEstimator):
    """A mixture of Gaussians that expectation-maximisation fits.

    A subclass has `_model(samples)`, whose steps `expectation_maximisation` takes; `_parameters()`, what it has learnt;
    and `_density()`, that of the fitted model.
    """

    _parameter_constraints: dict = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "covariance_type": [StrOptions({"full", "tied", "diag", "spherical"})],
        "tol": [Interval(Real, 0.0, None, closed="left")],
        "reg_covar": [Interval(Real, 0.0, None, closed="left")],
        "max_iter": [Interval(Integral, 0, None, closed="left")],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "init_params": [StrOptions({"kmeans", "random", "random_from_data", "k-means++"})],
        "random_state": ["random_state"],
        "warm_start": ["boolean"],
        "verbose": ["verbose"],
        "verbose_interval": [Interval(Integral, 1, None, closed="left")],
    }

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Estimate the parameters by expectation-maximisation.

        Of `n_init` starts the one with the largest lower bound is kept. With `warm_start`, a second fit continues from
        the first.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : ignored

        Returns
        -------
        self : estimator
        """
        X = check_fit(self, X, ensure_min_samples=2)
        if len(X) < self.n_components:
            raise ValueError(
                f"Expected n_samples >= n_components but got n_components = {self.n_components}, n_samples = {len(X)}"
            )
        engine = get_engine(X)
        samples = Samples(engine, engine.asarray(X), self.covariance_type, self.reg_covar)
        model = self._model(samples)
        best = self._best_run(samples, model, check_random_state(self.random_state))

        self._set_parameters(best.params, X.dtype)
        self.converged_ = best.converged
        self.n_iter_ = len(best.lower_bounds)
        self.lower_bound_ = last_bound(best)
        self.lower_bounds_ = best.lower_bounds
        if not self.converged_ and self.max_iter > 0:
            warnings.warn(NOT_CONVERGED, ConvergenceWarning, stacklevel=4)
        return self

    def _best_run(self, samples, model, rng):
        warm = self.warm_start and hasattr(self, "converged_")
        report, best = Report(self.verbose, self.verbose_interval), None
        for n_init in range(1 if warm else self.n_init):
            report.begin(n_init)
            params = self._parameters() if warm else model.start(self._statistics_at_start(samples, model, rng))
            lower_bound = self.lower_bound_ if warm else -np.inf
            run = expectation_maximisation(samples, model, params, lower_bound, self.tol, self.max_iter, report)
            if best is None or last_bound(run) > last_bound(best) or last_bound(best) == -np.inf:
                best = run
        return best

    def _statistics_at_start(self, samples, model, rng):
        """None where the model needs none."""
        if not model.needs_start:
            return None
        return samples.statistics(start(samples.engine, samples.X, self.n_components, self.init_params, rng))

    def fit_predict(self, X, y=None):
        """Estimate the parameters, and label each sample with its most probable component.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : ignored

        Returns
        -------
        labels : array of shape (n_samples,)
        """
        return self.fit(X).predict(X)

    def score_samples(self, X):
        """Log density of each sample.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        log_prob : array of shape (n_samples,)
        """
        engine, log_norm, _ = self._posterior(X)
        return engine.hand_back(log_norm, like=X)

    def score(self, X, y=None):
        """Mean log density of the samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : ignored

        Returns
        -------
        log_likelihood : float
        """
        _, log_norm, _ = self._posterior(X)
        return float(log_norm.mean(dtype=np.float64))

    def predict(self, X):
        """Label each sample with its most probable component.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        labels : array of shape (n_samples,)
        """
        engine, _, log_resp = self._posterior(X)
        return engine.hand_back(log_resp.argmax(axis=1), like=X)

    def predict_proba(self, X):
        """Probability of each component, given the sample.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        resp : array of shape (n_samples, n_components)
        """
        engine, _, log_resp = self._posterior(X)
        return engine.hand_back(engine.xp.exp(log_resp), like=X)

    def sample(self, n_samples=1):
        """Draw samples from the mixture, those of a component together.

        Parameters
        ----------
        n_samples : int, default=1

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
        y : ndarray of shape (n_samples,)
            Component of each sample.

        Raises
        ------
        ValueError
            If `n_samples` is less than 1.
        """
        check_is_fitted(self)
        if n_samples < 1:
            raise ValueError(f"Invalid value for 'n_samples': {n_samples} . The sampling requires at least one sample.")
        rng = check_random_state(self.random_state)
        weights = self.weights_
        if weights.dtype == np.float32:  # which need not add up to 1 in float64
            weights = weights.astype(np.float64) / weights.sum(dtype=np.float64)
        counts = rng.multinomial(n_samples, weights)
        X = np.vstack([self._draw(rng, k, int(count)) for k, count in enumerate(counts)])
        return X.astype(np.float64, copy=False), np.repeat(np.arange(len(counts)), counts)

    def _draw(self, rng, k, count):
        covariance = self.covariances_ if self.covariance_type == "tied" else self.covariances_[k]
        if self.covariance_type in ("full", "tied"):
            return rng.multivariate_normal(self.means_[k], covariance, count)
        return self.means_[k] + rng.standard_normal(size=(count, self.means_.shape[1])) * np.sqrt(covariance)

    def _posterior(self, X):
        X = check_predict(self, X)
        engine = get_engine(X)
        samples = Samples(engine, engine.asarray(X), self.covariance_type, self.reg_covar)
        return engine, *samples.posterior(self._density())

    def _set_parameters(self, params, dtype):
        """Each of `params` under its name, in `dtype`, and the precision matrices."""
        for name, value in params._asdict().items():
            parts = tuple(part.astype(dtype) for part in value) if isinstance(value, tuple) else value.astype(dtype)
            setattr(self, f"{name}_", parts)
        self.precisions_ = precisions_of(params.precisions_cholesky, self.covariance_type).astype(dtype)
