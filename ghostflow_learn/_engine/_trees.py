"""What is known of trees, the same on every engine: namedtuples of arrays and scalars."""

from collections import namedtuple

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
