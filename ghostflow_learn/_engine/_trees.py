"""What decision trees are made of, on every engine."""

from collections import namedtuple

GINI, ENTROPY = 0, 1  # classification
SQUARED_ERROR, POISSON, ABSOLUTE_ERROR = 2, 3, 4  # regression
CRITERIA = {
    "gini": GINI,
    "entropy": ENTROPY,
    "log_loss": ENTROPY,
    "squared_error": SQUARED_ERROR,
    "friedman_mse": SQUARED_ERROR,  # since scikit-learn 1.9 another name for it
    "poisson": POISSON,
    "absolute_error": ABSOLUTE_ERROR,
}
BEST, RANDOM = 0, 1
SPLITTERS = {"best": BEST, "random": RANDOM}

LEAF = -1  # left and right of a leaf
UNDEFINED = -2  # feature and threshold of a leaf

# Limits and choices of one exact tree.
#
# criterion, splitter   : int, of CRITERIA and SPLITTERS
# max_depth             : int, at least 1
# max_leaf_nodes        : int; -1 grows depth first without a limit
# min_samples_split, min_samples_leaf : int, rows
# min_weight_leaf       : float, in units of sample_weight
# max_features          : int, features drawn at each node
# min_impurity_decrease : float
# monotonic_cst         : (n_features,) int8 of -1, 0, 1, or empty; of the first class's probability in classification
# n_classes             : (n_outputs,) int64, ones in regression
Growth = namedtuple(
    "Growth",
    "criterion splitter max_depth max_leaf_nodes min_samples_split min_samples_leaf min_weight_leaf max_features "
    "min_impurity_decrease monotonic_cst n_classes",
)

# The nodes of one tree, in scikit-learn's order: a parent before its children; arrays of length n_nodes.
#
# left, right           : int64; LEAF
# feature               : int64; UNDEFINED in a leaf
# threshold             : float64, x <= threshold goes left; UNDEFINED in a leaf
# missing_go_to_left    : uint8
# impurity              : float64
# n_node_samples        : int64, rows of positive weight
# weighted_n_node_samples : float64
# value                 : (n_nodes, n_outputs, max(n_classes)) float64, class probabilities, means or medians
# max_depth             : int, of the deepest leaf
Nodes = namedtuple(
    "Nodes",
    "left right feature threshold missing_go_to_left impurity n_node_samples weighted_n_node_samples value max_depth",
)

Forest = namedtuple("Forest", "offsets children feature threshold missing_go_to_left value")
Forest.__doc__ = """The nodes of many trees, one tree after the other, as prediction reads them.

Made by ``engine.forest.pack``, and another engine may arrange them otherwise.

Parameters
----------
offsets : (n_trees + 1,) int64
    Where the nodes of each tree begin.
children : (n_nodes, 2) int32
    Left and right child, counted from 0 in each tree; negative in a leaf.
feature : (n_nodes,) int32
threshold : (n_nodes,) float32
    A sample whose feature is not larger goes to the left.
missing_go_to_left : (n_nodes,) uint8
value : (n_nodes, n_values) float64
"""
