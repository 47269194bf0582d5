"""What the engines' nearest neighbours share."""

from collections import namedtuple

# A balanced kd-tree of 2^n_levels leaves. Node 0 is the root, the children of node i are 2 i + 1 and 2 i + 2.
#
# points    : (n_leaves, n_features, width) float64  samples of each leaf, padded with inf
# rows      : (n_leaves, width) int64                their rows in the data, padded with n_samples
# axes      : (n_leaves - 1,) int64                  feature that each inner node is cut along
# gaps      : (n_leaves - 1, 2) float64              largest value of it on the left, least on the right
# box       : (2, n_features) float64                least and largest value of each feature
# n_samples : int
Tree = namedtuple("Tree", "points rows axes gaps box n_samples")

METRICS = ("euclidean", "manhattan", "chebyshev")


def leaf_bounds(n_samples, n_leaves):
    """Where the samples of each leaf start and the last one stops: numbers that differ by one at most."""
    return [n_samples * leaf // n_leaves for leaf in range(n_leaves + 1)]


def n_leaves_for(n_samples, leaf_size):
    """The least power of two for which no leaf has more than `leaf_size` samples."""
    return 1 << max(0, -(-n_samples // leaf_size) - 1).bit_length()
