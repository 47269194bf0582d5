"""What scikit-learn's perceptrons keep beside their public attributes.

Ours keep the same, so that a model which becomes scikit-learn's, or was it, goes on learning where it was.
"""

from sklearn.neural_network._stochastic_optimizers import AdamOptimizer, SGDOptimizer
from sklearn.utils.optimize import _check_optimize_result as check_optimize_result

__all__ = ["AdamOptimizer", "SGDOptimizer", "check_optimize_result"]
