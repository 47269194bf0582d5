"""Draws of an iteration: the samples its trees grow on, the features each of their nodes may split on."""

import math

import numpy as np

TOP = 2 / 3  # of the samples of gradient-based one-side sampling, those chosen for their gradients
MOST_MASKS = 4096  # of a tree; beyond, features are drawn in the engine


def draw_rows(engine, n_samples, subsample, rng):
    """Indices of `subsample` times `n_samples` samples, each as likely, ascending."""
    chosen = rng.choice(n_samples, max(1, int(subsample * n_samples)), replace=False, shuffle=False)
    return engine.asarray(np.sort(chosen).astype(np.uint32))


def draw_by_gradient(engine, packed, subsample, rng):
    """Gradient-based one-side sampling: those of largest gradients, and some of the rest that stand for all of it.

    Returns
    -------
    rows : (n_rows,) uint32, ascending
    factors : (n_samples,) float64
        What the weights of samples are multiplied by.
    """
    xp, n_samples = engine.xp, packed.words.shape[1]
    n_rows = max(1, int(subsample * n_samples))
    n_top = int(TOP * n_rows)
    # The gradient is the uppermost field of a word.
    order = xp.argsort(-(xp.abs(packed.words) * packed.units[:, :1]).sum(axis=0), kind="stable")
    rest = order[n_top:]
    drawn = rest[engine.asarray(rng.choice(len(rest), n_rows - n_top, replace=False, shuffle=False))]
    factors = xp.zeros(n_samples)
    factors[order[:n_top]] = 1.0
    factors[drawn] = len(rest) / len(drawn) if len(drawn) else 1.0
    return xp.flatnonzero(factors).astype(np.uint32), factors


class FeatureMasks:
    """The features that nodes may split on, drawn as scikit-learn draws them: one shuffle for each node searched.

    Parameters
    ----------
    rng : numpy.random.Generator
        Left as after as many shuffles as there were searches.
    n_features : int
    max_features : float
    n_most : int
        Searches of the trees of one iteration at most.
    """

    def __init__(self, rng, n_features, max_features, n_most):
        self.rng, self.n_most = rng, n_most
        self.first = np.arange(n_features) < max(1, math.ceil(max_features * n_features))
        self.states = []

    def draw(self):
        """As many as an iteration may need, (n_most, n_features) bool."""
        masks = np.tile(self.first, (self.n_most, 1))
        self.states = [self.rng.bit_generator.state]
        for mask in masks:
            self.rng.shuffle(mask)
            self.states.append(self.rng.bit_generator.state)
        return masks

    def keep(self, n_used):
        """Go back to where scikit-learn's generator is after `n_used` of them."""
        self.rng.bit_generator.state = self.states[n_used]


def feature_masks(rng, growth, n_features, n_samples, n_outputs):
    """:class:`FeatureMasks`, or None where all features are tried, or too many nodes may be searched to draw ahead."""
    n_most = 2 * max(1, n_samples // growth.min_samples_leaf) - 1
    if growth.max_leaf_nodes > 0:
        n_most = min(n_most, 2 * growth.max_leaf_nodes - 1)
    if 0 < growth.max_depth < 12:
        n_most = min(n_most, 2 ** (growth.max_depth + 1) - 1)
    if growth.max_features == 1 or len(growth.groups) or n_most > MOST_MASKS:
        return None
    return FeatureMasks(rng, n_features, growth.max_features, n_most * n_outputs)
