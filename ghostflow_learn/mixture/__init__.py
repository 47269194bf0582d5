"""Mixtures of Gaussians; a name that is not here is scikit-learn's own."""

from .. import _names
from ._bayesian_mixture import BayesianGaussianMixture
from ._gaussian_mixture import GaussianMixture

__getattr__, __dir__ = _names.fall_through(__name__)
