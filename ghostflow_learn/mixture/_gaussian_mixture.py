"""Mixture of Gaussians of maximal likelihood."""

import numpy as np

from ._base import BaseMixture
from ._checks import check_matrices, check_means, check_weights
from ._covariances import shape_of
from ._likelihood import Gaussians, Likelihood


class GaussianMixture(BaseMixture):
    """Mixture of Gaussians, fitted by expectation-maximisation.

    Maximises the mean log likelihood of the samples, (1 / n) sum_i log sum_k w_k N(x_i; mean_k, covariance_k), by
    alternating between the probability of each component given each sample and the moments of the samples so weighted.
    Use it for clusters that are elongated, of different size or overlapping, and for densities; the result is a local
    maximum that depends on the start.

    Parameters
    ----------
    n_components : int, default=1
    covariance_type : {"full", "tied", "diag", "spherical"}, default="full"
        One matrix for each component, one for all, one diagonal or one variance for each component.
    tol : float, default=1e-3
        A start has converged when an iteration changes the mean log likelihood by less.
    reg_covar : float, default=1e-6
        Added to the variances, in squared units of X: keeps covariance matrices positive definite.
    max_iter : int, default=100
        Iterations of one start at most; 0 keeps the start.
    n_init : int, default=1
        Number of starts, the best of which is kept.
    init_params : {"kmeans", "k-means++", "random", "random_from_data"}, default="kmeans"
        Components start from the clusters of k-means, from samples far from each other, from random responsibilities or
        from samples drawn at random.
    weights_init : array-like of shape (n_components,), default=None
        Weights to start from, which add up to 1; by `init_params` where None.
    means_init : array-like of shape (n_components, n_features), default=None
    precisions_init : array-like, default=None
        Inverse covariance matrices, in the shape of `precisions_`.
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
        Mean log likelihood of the best start, as its last iteration found it.
    lower_bounds_ : list of float
        The same after each iteration.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Defined when X has feature names that are all strings.

    Raises
    ------
    ValueError
        If there are fewer samples than components, a covariance matrix is not positive definite, or what is given to
        start from has another shape.

    Notes
    -----
    An iteration is one pass over X, which costs O(n_samples n_components n_features^2), without n_features^2 but for
    "full". Sums are kept in float64, and samples are taken about the mean of their component, so that data far from 0
    lose no digit. Memory beyond X is a few blocks of samples, besides the responsibilities of the start.

    References
    ----------
    Dempster, Laird, Rubin: Maximum likelihood from incomplete data via the EM algorithm, JRSS B 39, 1977,
    doi:10.1111/j.2517-6161.1977.tb01600.x.

    Examples
    --------
    >>> import numpy as np
    >>> from ghostflow_learn.mixture import GaussianMixture
    >>> X = np.array([[1, 2], [1, 4], [1, 0], [10, 2], [10, 4], [10, 0]])
    >>> mixture = GaussianMixture(n_components=2, random_state=0).fit(X)
    >>> mixture.means_
    array([[10.,  2.],
           [ 1.,  2.]])
    >>> mixture.predict([[0, 0], [12, 3]])
    array([1, 0])
    """

    _parameter_constraints: dict = {
        **BaseMixture._parameter_constraints,
        "weights_init": ["array-like", None],
        "means_init": ["array-like", None],
        "precisions_init": ["array-like", None],
    }

    def __init__(
        self,
        n_components=1,
        *,
        covariance_type="full",
        tol=1e-3,
        reg_covar=1e-6,
        max_iter=100,
        n_init=1,
        init_params="kmeans",
        weights_init=None,
        means_init=None,
        precisions_init=None,
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
        self.weights_init = weights_init
        self.means_init = means_init
        self.precisions_init = precisions_init
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose
        self.verbose_interval = verbose_interval

    def aic(self, X):
        """Akaike information criterion, -2 log likelihood + 2 n_parameters; the lower the better.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        aic : float
        """
        return self._deviance(X)[0] + 2 * self._n_parameters()

    def bic(self, X):
        """Bayesian information criterion, -2 log likelihood + log(n_samples) n_parameters; the lower the better.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        bic : float
        """
        deviance, n_samples = self._deviance(X)
        return deviance + self._n_parameters() * float(np.log(n_samples))

    def _deviance(self, X):
        _, log_norm, _ = self._posterior(X)
        return -2 * float(log_norm.sum(dtype=np.float64)), len(log_norm)

    def _n_parameters(self):
        """Number of free parameters."""
        n_components, n_features = self.means_.shape
        n_of_a_matrix = n_features * (n_features + 1) // 2
        n_of_covariances = {
            "full": n_components * n_of_a_matrix,
            "tied": n_of_a_matrix,
            "diag": n_components * n_features,
            "spherical": n_components,
        }[self.covariance_type]
        return n_of_covariances + n_components * n_features + n_components - 1

    def _model(self, samples):
        n_samples, n_features = samples.X.shape
        weights, means, precisions = self.weights_init, self.means_init, self.precisions_init
        if weights is not None:
            weights = check_weights(weights, self.n_components)
        if means is not None:
            means = check_means(means, (self.n_components, n_features))
        if precisions is not None:
            shape = shape_of(self.covariance_type, self.n_components, n_features)
            precisions = check_matrices(precisions, "precision", self.covariance_type, shape)
        given = Gaussians(weights, means, precisions, None)
        return Likelihood(self.covariance_type, n_samples, samples.X.dtype, given)

    def _parameters(self):
        arrays = (self.weights_, self.means_, self.covariances_, self.precisions_cholesky_)
        return Gaussians(*(array.astype(np.float64) for array in arrays))

    def _density(self):
        return Likelihood(self.covariance_type, None, None, Gaussians(None, None, None, None)).density(
            self._parameters()
        )
