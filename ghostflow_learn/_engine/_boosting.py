"""What histogram gradient boosting hands from step to step, the same on every engine."""

from collections import namedtuple

import numpy as np

Bins = namedtuple("Bins", "codes n_bins has_missing is_categorical edges offsets max_bins")
Bins.__doc__ = """Data in at most `max_bins` bins a feature.

Made by ``engine.binning.transform``.

Parameters
----------
codes : (n_samples, n_features) uint8
    The bin of each value; `max_bins` where it is missing.
n_bins : (n_features,) int64
    Bins that values which are not missing may have.
has_missing : (n_features,) uint8
    Whether a value of the feature is missing.
is_categorical : (n_features,) uint8
edges : (n_edges,) float64
    Of all features, one after the other. A value x has bin b if edges[b - 1] < x <= edges[b]; of a categorical feature
    these are its categories.
offsets : (n_features + 1,) int64
    Where the edges of each feature begin.
max_bins : int
"""

Loss = namedtuple("Loss", "name quantile", defaults=(0.5,))
Loss.__doc__ = """What boosting minimises, as a function of the target and the raw prediction.

Parameters
----------
name : {"squared_error", "absolute_error", "quantile", "poisson", "gamma", "binomial", "multinomial"}
    The halves of the deviances, as in scikit-learn. The hessian of "absolute_error" and "quantile" is taken as 1.
quantile : float, default=0.5
"""

LOSSES = ("squared_error", "absolute_error", "quantile", "poisson", "gamma", "binomial", "multinomial")

Gradients = namedtuple("Gradients", "words units interval")
Gradients.__doc__ = """Gradients and hessians in fixed point, a word for each sample.

A word is ``(gradient << (hessian_bits + count_bits)) + (hessian << count_bits) + 1``, so that one addition sums the
gradient, the hessian and the number of samples. The sums of up to `interval` words are exact, whatever their order;
they are taken apart, into three integers, before more are added. See :func:`fields`.

Parameters
----------
words : (n_outputs, n_samples) int64
units : (n_outputs, 2) float64
    What 1 means in the integers of gradients and of hessians. A hessian of 0 bits is constant: a sample counts
    as 1 of these units.
interval : int
    A power of two. Negative where the hessian is constant.
"""

Growth = namedtuple(
    "Growth",
    "max_leaf_nodes max_depth min_samples_leaf min_hessian_to_split min_gain_to_split l2_regularization "
    "learning_rate max_features depth_wise monotonic_cst groups",
)
Growth.__doc__ = """The limits of a tree.

Parameters
----------
max_leaf_nodes, max_depth : int
    -1 for no limit.
min_samples_leaf : int
min_hessian_to_split : float
min_gain_to_split : float
l2_regularization : float
learning_rate : float
    Factor of the values of leaves.
max_features : float
    Part of the allowed features that are tried in each node, in (0, 1].
depth_wise : bool
    Split the nodes nearest the root first; else those that gain most.
monotonic_cst : (n_features,) int8
    1 where the prediction may not fall, -1 where it may not rise.
groups : (n_groups, n_features) bool
    Features that may appear together on one path (interaction constraints). (0, n_features) for no constraint.
"""

Tree = namedtuple("Tree", "nodes left_codes left_categories")
Tree.__doc__ = """One tree.

Parameters
----------
nodes : (n_nodes,) NODE
    Depth first, a left child right after its parent.
left_codes, left_categories : (n_categorical_splits, 8) uint32
    Bitsets of the bins, and of the categories, that go to the left.
"""

# scikit-learn's record of a node, field by field, so that its tools read our trees.
NODE = np.dtype(
    [
        ("value", np.float64),
        ("count", np.uint32),
        ("feature_idx", np.intp),
        ("num_threshold", np.float64),
        ("missing_go_to_left", np.uint8),
        ("left", np.uint32),
        ("right", np.uint32),
        ("gain", np.float64),
        ("depth", np.uint32),
        ("is_leaf", np.uint8),
        ("bin_threshold", np.uint8),
        ("is_categorical", np.uint8),
        ("bitset_idx", np.uint32),
    ]
)

Forest = namedtuple("Forest", "roots children feature threshold flags value left_categories known")
Forest.__doc__ = """The nodes of many trees, one tree after the other, as prediction reads them.

Made by ``engine.boosting.assemble``, and another engine may arrange them otherwise.

Parameters
----------
roots : (n_iterations, n_outputs) int64
children : (n_nodes, 2) int32
    Indices among all nodes; a leaf is its own child.
feature : (n_nodes,) int32
threshold : (n_nodes,) float64
    A sample whose feature is not larger goes to the left. For a categorical split, the row of its bitset.
flags : (n_nodes,) uint8
    1: missing values go to the left. 2: the split is categorical. 4: a leaf.
value : (n_nodes,) float64
left_categories : (n_bitsets, 8) uint32
known : (n_features, 8) uint32
    Bitsets of the categories of each feature; others are treated as missing.
"""

HASH = (0x9E3779B1, 0x85EBCA6B, 0xC2B2AE35)  # odd multipliers of the generator: Weyl's, and MurmurHash3's two
SMALL = 65536  # samples up to which there is time to take sums apart more often
OFTEN, RARELY, CONSTANT = 512, 4096, 65536
CAT_SUPPORT = 10.0  # categories of less weight than this many samples go to the right


def interval_of(n_samples, constant_hessian):
    """How many words are added before their sums are taken apart: fewer leave more bits to each."""
    if constant_hessian:
        return -CONSTANT
    return OFTEN if n_samples <= SMALL else RARELY


def fields(interval):
    """Bits of the sums in a word, and the largest gradient and hessian of a sample.

    Returns
    -------
    count_bits, hessian_bits, max_gradient, max_hessian : int
    """
    n = abs(interval)
    count_bits = n.bit_length()
    hessian_bits = 0 if interval < 0 else (64 - count_bits) // 2
    gradient_bits = 64 - count_bits - hessian_bits
    max_gradient = min(((1 << (gradient_bits - 1)) - 1) // n, 2**23)  # sums over 1e8 samples stay below 2^51
    return count_bits, hessian_bits, max_gradient, ((1 << hessian_bits) - 1) // n


def bounds_of(loss, sample_weight):
    """What no absolute gradient and no hessian of `loss` exceeds, or None if there is no such number."""
    heaviest = 1.0 if sample_weight is None else float(sample_weight.max(initial=0))
    if loss.name in ("binomial", "multinomial"):
        return heaviest, heaviest / 4
    if loss.name == "absolute_error":
        return heaviest, heaviest
    if loss.name == "quantile":
        return heaviest * max(loss.quantile, 1 - loss.quantile), heaviest
    return None


def unit_of(largest, limit):
    """The power of two in which `largest` is at most `limit`; 1 for the constant hessian."""
    if limit == 0 or largest == 0:
        return 1.0
    mantissa, exponent = np.frexp(largest / limit)
    return float(np.ldexp(1.0, exponent - (mantissa == 0.5)))


ALMOST_INF = 1e300  # an infinite threshold is kept for splits that part missing values from all others


def edges_of_sorted(column, max_bins, weight=None):
    """Edges of the bins of one feature: the upper end of each but the last.

    Parameters
    ----------
    column : (n_values,) float64
        Ascending, none missing, all of some weight.
    max_bins : int
    weight : (n_values,) float64, optional

    Returns
    -------
    edges : (n_bins - 1,) float64
    """
    if len(column) == 0:
        return np.empty(0)
    changes = column[1:] != column[:-1]
    if np.count_nonzero(changes) < max_bins:
        return edges_between_all(np.concatenate((column[:1], column[1:][changes])))
    lower, upper = ranks_of_edges(len(column), max_bins, weight)
    return edges_between(column[lower], column[upper])


def edges_between_all(distinct):
    """Edges of bins of one value each, ascending."""
    return edges_between(distinct[:-1], distinct[1:])


def edges_between(lower, upper):
    """Ascending edges in the middle of two values each."""
    with np.errstate(invalid="ignore"):
        edges = np.where(lower == upper, lower, (lower + upper) / 2)
    edges[np.isnan(edges)] = 0  # between the infinities
    return np.minimum(np.unique(edges), ALMOST_INF)


def ranks_of_edges(n_values, max_bins, weight=None):
    """The places, among ascending values, of the two that each edge is the middle of.

    Parameters
    ----------
    n_values : int
    max_bins : int
    weight : (n_values,) float64, optional

    Returns
    -------
    lower, upper : (max_bins - 1,) int
    """
    ranks = np.linspace(0, 100, num=max_bins + 1)[1:-1] / 100
    lower, upper = _ranked(n_values, ranks) if weight is None else _weighted(weight.cumsum(), ranks)
    return lower, upper.clip(max=n_values - 1)


def _ranked(n_values, ranks):
    """NumPy's averaged inverted distribution function, bit for bit."""
    index = n_values * ranks - 1
    lower = np.floor(index)
    return lower.astype(np.intp) + (index != lower), lower.astype(np.intp) + 1


def _weighted(reached, ranks):
    wanted = ranks * reached[-1]
    lower = reached.searchsorted(wanted).clip(max=len(reached) - 1)
    return lower, lower + (reached[lower] - wanted <= np.finfo(np.float64).eps)


def assemble(trees, known):
    """Arrange many trees for `predict`.

    Parameters
    ----------
    trees : list of lists of Tree
        (n_iterations, n_outputs)
    known : (n_features, 8) uint32
        Bitsets of the categories of each feature.

    Returns
    -------
    forest : Forest
    """
    flat = [tree for iteration in trees for tree in iteration]
    nodes = [tree.nodes for tree in flat]
    roots = np.cumsum([0, *map(len, nodes)])[:-1]
    bitsets = np.cumsum([0, *(len(tree.left_categories) for tree in flat)])[:-1]
    at = np.repeat(roots, [len(part) for part in nodes])
    first_bitset = np.repeat(bitsets, [len(part) for part in nodes])
    nodes = np.concatenate(nodes)
    leaf, categorical = nodes["is_leaf"] == 1, nodes["is_categorical"] == 1
    own = np.arange(len(nodes))
    children = np.stack([np.where(leaf, own, at + nodes[side]) for side in ("left", "right")], axis=1)
    return Forest(
        roots.reshape(len(trees), -1),
        children.astype(np.int32),
        nodes["feature_idx"].astype(np.int32),
        np.where(categorical, first_bitset + nodes["bitset_idx"], nodes["num_threshold"]),
        (nodes["missing_go_to_left"] + 2 * categorical + 4 * leaf).astype(np.uint8),
        nodes["value"].copy(),
        np.concatenate([np.empty((0, 8), dtype=np.uint32), *(tree.left_categories for tree in flat)]),
        known,
    )


def losses_of(loss, y, raw):
    """The loss of each sample."""
    name, p = loss.name, raw[0]
    if name == "squared_error":
        return 0.5 * (p - y) ** 2
    if name == "absolute_error":
        return np.abs(p - y)
    if name == "quantile":
        return np.where(y >= p, loss.quantile * (y - p), (1 - loss.quantile) * (p - y))
    if name == "poisson":
        return np.exp(p) - y * p
    if name == "gamma":
        return p + y * np.exp(-p)
    if name == "binomial":
        return np.logaddexp(0, p) - y * p
    most = raw.max(axis=0)
    return np.log(np.exp(raw - most).sum(axis=0)) + most - np.take_along_axis(raw, y.astype(np.intp)[None], 0)[0]
