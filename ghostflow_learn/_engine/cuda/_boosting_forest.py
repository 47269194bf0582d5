"""The trees of a boosted model as a GPU predicts from them."""

from collections import namedtuple

import cupy as cp
import numpy as np

from .. import _boosting

# roots           : (n_iterations, n_outputs) int32
# nodes           : (n_nodes, 2) float64, as the kernel describes them
# left_categories : (n_sets, 8) uint32
# known           : (n_features, 8) uint32
Packed = namedtuple("Packed", "roots nodes left_categories known")


def assemble(trees, known):
    forest = _boosting.assemble(trees, known)
    is_leaf = forest.flags & 4 != 0
    nodes = np.empty((len(is_leaf), 2))
    nodes[:, 0] = np.where(is_leaf, forest.value, forest.threshold)
    sides = nodes[:, 1:].view(np.int32)
    sides[:, 0], sides[:, 1] = 8 * forest.feature + forest.flags, forest.children[:, 1]
    return Packed(*map(cp.asarray, (forest.roots.astype(np.int32), nodes, forest.left_categories, known)))
