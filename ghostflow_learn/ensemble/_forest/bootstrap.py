"""What each tree of a forest sees of the data: samples drawn with replacement, as scikit-learn draws them."""

import warnings
from collections import namedtuple
from numbers import Integral

import numpy as np
from sklearn.utils import check_random_state, compute_sample_weight

# n_samples, n_drawn : int; probability : (n_samples,) float64 or None, of each sample to be drawn
Bootstrap = namedtuple("Bootstrap", "n_samples n_drawn probability")


def bootstrap_of(n_samples, max_samples, sample_weight):
    """How each tree draws its samples.

    Parameters
    ----------
    n_samples : int
    max_samples : int, float or None
        A float is a part of the samples, or of the sum of their weights.
    sample_weight : (n_samples,) array, or None
        Samples are drawn in proportion to it.

    Returns
    -------
    bootstrap : Bootstrap
    """
    probability = None if sample_weight is None else sample_weight / np.sum(sample_weight)
    return Bootstrap(n_samples, _number_to_draw(n_samples, max_samples, sample_weight), probability)


def _number_to_draw(n_samples, max_samples, sample_weight):
    if max_samples is None:
        return n_samples
    if isinstance(max_samples, Integral):
        return int(max_samples)
    total = n_samples if sample_weight is None else sample_weight.sum()
    n_drawn = max(int(max_samples * total), 1)
    if n_drawn < max(10, n_samples ** (1 / 3)):
        what = "the number of samples" if sample_weight is None else "the total sum of sample weights"
        warnings.warn(
            f"Using the fractional value {max_samples=} when {what} is {total} results in a low number ({n_drawn}) of "
            "bootstrap samples. We recommend passing `max_samples` as an integer instead.",
            stacklevel=5,
        )
    return n_drawn


def drawn(bootstrap, seed):
    """The samples that the tree of this seed sees, (n_drawn,) int32."""
    random_state = check_random_state(seed)
    if bootstrap.probability is None:
        return random_state.randint(0, bootstrap.n_samples, bootstrap.n_drawn, dtype=np.int32)
    return random_state.choice(bootstrap.n_samples, bootstrap.n_drawn, p=bootstrap.probability).astype(np.int32)


def left_out(bootstrap, seed):
    """The samples that the tree of this seed does not see, in increasing order."""
    return np.flatnonzero(np.bincount(drawn(bootstrap, seed), minlength=bootstrap.n_samples) == 0)


class TreeWeights:
    """The weights of the samples in each tree, a sequence that is computed as it is read: a forest needs no more of
    them at once than it has threads.

    Parameters
    ----------
    seeds : list of int
        Those of the trees.
    bootstrap : Bootstrap or None
    sample_weight : (n_samples,) float64, or None
        Without a bootstrap the weights of each tree.
    balanced : (n_samples, n_outputs) codes of classes, or None
        With it classes weigh the same in what each tree has drawn.
    on_tree : callable
        ``on_tree(t)`` is called before the weights of tree t are made.
    """

    def __init__(self, seeds, bootstrap, sample_weight, balanced, on_tree):
        self.seeds = seeds
        self.bootstrap = bootstrap
        self.sample_weight = sample_weight
        self.balanced = balanced
        self.on_tree = on_tree

    def __len__(self):
        return len(self.seeds)

    def __getitem__(self, t):
        if t >= len(self.seeds):
            raise IndexError(t)
        self.on_tree(t)
        if self.bootstrap is None:
            return self.sample_weight
        rows = drawn(self.bootstrap, self.seeds[t])
        counts = np.bincount(rows, minlength=self.bootstrap.n_samples).astype(np.float64)
        return (
            counts if self.balanced is None else counts * compute_sample_weight("balanced", self.balanced, indices=rows)
        )
