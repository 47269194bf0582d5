"""Mixture of Gaussians whose parameters are distributions."""

from numbers import Real

import numpy as np

from .._validation import Interval, StrOptions
from ._base import BaseMixture
from ._checks import check_matrices, check_means
from ._variational import Posterior, Prior, Variational


class BayesianGaussianMixture(BaseMixture):
    """Mixture of Gaussians, fitted by variational inference.

    Maximises a lower bound of the evidence over distributions of the parameters: Gaussian-Wishart ones of components,
    and a Dirichlet process or Dirichlet distribution of their weights. Use it where the number of components is not
    known: with a small `weight_concentration_prior`, those that the data do not need end with a weight near 0.

    Parameters
    ----------
    n_components : int, default=1
        The most that there can be.
    covariance_type : {"full", "tied", "diag", "spherical"}, default="full"
        One matrix for each component, one for all, one diagonal or one variance for each component.
    tol : float, default=1e-3
        A start has converged when an iteration changes the lower bound by less.
    reg_covar : float, default=1e-6
        Added to the variances, in squared units of X.
    max_iter : int, default=100
        Iterations of one start at most; 0 keeps the start.
    n_init : int, default=1
        Number of starts, the best of which is kept.
    init_params : {"kmeans", "k-means++", "random", "random_from_data"}, default="kmeans"
        Components start from the clusters of k-means, from samples far from each other, from random responsibilities or
        from samples drawn at random.
    weight_concentration_prior_type : {"dirichlet_process", "dirichlet_distribution"}, default="dirichlet_process"
    weight_concentration_prior : float, default=None
        The larger, the more components keep weight; 1 / `n_components` where None.
    mean_precision_prior : float, default=None
        How close means are to `mean_prior`, in samples; 1 where None.
    mean_prior : array-like of shape (n_features,), default=None
        The mean of X where None.
    degrees_of_freedom_prior : float, default=None
        Of the covariances, more than `n_features` - 1; `n_features` where None.
    covariance_prior : float or array-like, default=None
        (n_features, n_features) for "full" and "tied", (n_features,) for "diag", a number for "spherical"; the
        covariance of X where None.
    random_state : int, RandomState instance or None, default=None
        Draws of the start, and of `sample`. The same seed gives scikit-learn's start.
    warm_start : bool, default=False
        Whether a second fit continues from the first; `n_init` is then ignored.
    verbose : int, default=0
        1 prints starts and iterations, 2 also times and changes.
    verbose_interval : int, default=10
        Iterations between lines.

    Attributes
    ----------
    weights_ : ndarray of shape (n_components,)
        Expected weights.
    means_ : ndarray of shape (n_components, n_features)
    covariances_ : ndarray
        (n_components, n_features, n_features) for "full", (n_features, n_features) for "tied", (n_components,
        n_features) for "diag", (n_components,) for "spherical".
    precisions_ : ndarray
        Inverses of the covariance matrices, of the same shape.
    precisions_cholesky_ : ndarray
        Upper triangular U with U U' the precision matrix, of the same shape.
    converged_ : bool
    n_iter_ : int
        Iterations of the best start.
    lower_bound_ : float
        Lower bound of the evidence of the best start, without its constant terms.
    lower_bounds_ : list of float
        The same after each iteration.
    weight_concentration_prior_ : float
    weight_concentration_ : tuple of two ndarrays, or ndarray, of shape (n_components,)
        Both parameters of the beta distributions of a Dirichlet process, or those of a Dirichlet distribution.
    mean_precision_prior_ : float
    mean_precision_ : ndarray of shape (n_components,)
    mean_prior_ : ndarray of shape (n_features,)
    degrees_of_freedom_prior_ : float
    degrees_of_freedom_ : ndarray of shape (n_components,), or a number for "tied"
    covariance_prior_ : float or ndarray
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Defined when X has feature names that are all strings.

    Raises
    ------
    ValueError
        If there are fewer samples than components, or a prior has another shape, too few degrees of freedom or a
        covariance that is not positive definite.

    Notes
    -----
    An iteration is the pass over X of :class:`GaussianMixture`, with its cost, memory and precision.

    References
    ----------
    Bishop: Pattern recognition and machine learning, Springer 2006, chapter 10.
    Blei, Jordan: Variational inference for Dirichlet process mixtures, Bayesian Analysis 1, 2006,
    doi:10.1214/06-BA104.

    Examples
    --------
    >>> import numpy as np
    >>> from ghostflow_learn.mixture import BayesianGaussianMixture
    >>> X = np.array([[1, 2], [1, 4], [1, 0], [4, 2], [12, 4], [10, 7]])
    >>> mixture = BayesianGaussianMixture(n_components=2, random_state=42).fit(X)
    >>> mixture.means_.round(2)
    array([[2.5 , 2.29],
           [8.46, 4.52]])
    >>> mixture.predict([[0, 0], [9, 3]])
    array([0, 1])
    """

    _parameter_constraints: dict = {
        **BaseMixture._parameter_constraints,
        "weight_concentration_prior_type": [StrOptions({"dirichlet_process", "dirichlet_distribution"})],
        "weight_concentration_prior": [None, Interval(Real, 0.0, None, closed="neither")],
        "mean_precision_prior": [None, Interval(Real, 0.0, None, closed="neither")],
        "mean_prior": [None, "array-like"],
        "degrees_of_freedom_prior": [None, Interval(Real, 0.0, None, closed="neither")],
        "covariance_prior": [None, "array-like", Interval(Real, 0.0, None, closed="neither")],
    }

    def __init__(
        self,
        *,
        n_components=1,
        covariance_type="full",
        tol=1e-3,
        reg_covar=1e-6,
        max_iter=100,
        n_init=1,
        init_params="kmeans",
        weight_concentration_prior_type="dirichlet_process",
        weight_concentration_prior=None,
        mean_precision_prior=None,
        mean_prior=None,
        degrees_of_freedom_prior=None,
        covariance_prior=None,
        random_state=None,
        warm_start=False,
        verbose=0,
        verbose_interval=10,
    ):
        self.n_components = n_components
        self.covariance_type = covariance_type
        self.tol = tol
        self.reg_covar = reg_covar
        self.max_iter = max_iter
        self.n_init = n_init
        self.init_params = init_params
        self.weight_concentration_prior_type = weight_concentration_prior_type
        self.weight_concentration_prior = weight_concentration_prior
        self.mean_precision_prior = mean_precision_prior
        self.mean_prior = mean_prior
        self.degrees_of_freedom_prior = degrees_of_freedom_prior
        self.covariance_prior = covariance_prior
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose
        self.verbose_interval = verbose_interval

    def _model(self, samples):
        prior = self._prior(samples)
        for name, value in prior._asdict().items():
            setattr(self, f"{name}_prior_", value)
        return self._variational(prior, samples.X.dtype)

    def _variational(self, prior, dtype):
        process = self.weight_concentration_prior_type == "dirichlet_process"
        return Variational(self.covariance_type, process, prior, dtype)

    def _prior(self, samples):
        concentration, precision = self.weight_concentration_prior, self.mean_precision_prior
        return Prior(
            1 / self.n_components if concentration is None else concentration,
            1.0 if precision is None else precision,
            self._mean_prior(samples),
            self._degrees_of_freedom_prior(samples.X.shape[1]),
            self._covariance_prior(samples),
        )

    def _mean_prior(self, samples):
        if self.mean_prior is None:
            return samples.engine.to_numpy(samples.engine.moments.mean(samples.X))
        return check_means(self.mean_prior, (samples.X.shape[1],))

    def _degrees_of_freedom_prior(self, n_features):
        degrees = self.degrees_of_freedom_prior
        if degrees is None:
            return n_features
        if degrees <= n_features - 1:
            raise ValueError(
                f"The parameter 'degrees_of_freedom_prior' should be greater than {n_features - 1}, but got "
                f"{degrees:.3f}."
            )
        return degrees

    def _covariance_prior(self, samples):
        given, n_features = self.covariance_prior, samples.X.shape[1]
        if given is None:
            return _covariance(samples, self.covariance_type)
        if self.covariance_type == "spherical":
            return given
        shape = (n_features,) if self.covariance_type == "diag" else (n_features, n_features)
        return check_matrices(given, "covariance_prior", self.covariance_type, shape)

    def _set_parameters(self, params, dtype):
        super()._set_parameters(params, dtype)
        self.weights_ = self._variational(None, dtype).weights(params).astype(dtype)

    def _parameters(self):
        names = (f"{name}_" for name in Posterior._fields)
        return Posterior(*(_in_double(getattr(self, name)) for name in names))

    def _density(self):
        return self._variational(None, None).density(self._parameters())


def _covariance(samples, covariance_type):
    """Sample covariance of X, in the form of the covariance type."""
    engine, n_samples = samples.engine, len(samples.X)
    if covariance_type in ("full", "tied"):
        _, _, scatter, _ = engine.moments.scatter(samples.X)
        return engine.to_numpy(scatter) / (n_samples - 1)
    _, _, ssd = engine.columns.moments(samples.X)
    variances = engine.to_numpy(ssd) / (n_samples - 1)
    return variances if covariance_type == "diag" else variances.mean()


def _in_double(value):
    return tuple(map(_in_double, value)) if isinstance(value, tuple) else np.asarray(value, dtype=np.float64)
