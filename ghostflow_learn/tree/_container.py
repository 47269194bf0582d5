"""Nodes in scikit-learn's own container, which plots, exports, SHAP, partial dependence and ONNX converters read."""

import numpy as np

from .._engine._trees import LEAF, UNDEFINED, Nodes
from .._validation._tree import NODE_DTYPE, Tree

_NAMES = {"left": "left_child", "right": "right_child"} | {
    name: name
    for name in ("feature", "threshold", "missing_go_to_left", "impurity", "n_node_samples", "weighted_n_node_samples")
}


def as_container(nodes, n_features, n_classes):
    """A `tree_` that holds copies of the nodes.

    Parameters
    ----------
    nodes : Nodes
        On the host.
    n_features : int
    n_classes : (n_outputs,) int64
        Ones for regression.

    Returns
    -------
    tree : sklearn.tree._tree.Tree
    """
    n_nodes = len(nodes.left)
    table = np.zeros(n_nodes, dtype=NODE_DTYPE)
    for ours, theirs in _NAMES.items():
        table[theirs] = getattr(nodes, ours)
    tree = Tree(n_features, n_classes, len(n_classes))
    values = np.ascontiguousarray(nodes.value, dtype=np.float64)
    tree.__setstate__({"max_depth": nodes.max_depth, "node_count": n_nodes, "nodes": table, "values": values})
    return tree


def nodes_of(tree):
    """The nodes that a `tree_` holds now, whoever has changed them."""
    table = tree.__getstate__()["nodes"]
    columns = {ours: table[theirs] for ours, theirs in _NAMES.items()}
    return Nodes(**columns, value=tree.value, max_depth=tree.max_depth)


def cut_back(nodes, is_leaf):
    """The tree that is left where some nodes become leaves, numbered depth first.

    Parameters
    ----------
    nodes : Nodes
    is_leaf : (n_nodes,) bool

    Returns
    -------
    nodes : Nodes
    """
    kept, depths, children = [], [], {LEAF: LEAF}
    waiting = [(0, 0)]
    while waiting:
        node, depth = waiting.pop()
        children[node] = len(kept)
        kept.append(node)
        depths.append(depth)
        if not is_leaf[node]:
            waiting += [(nodes.right[node], depth + 1), (nodes.left[node], depth + 1)]
    kept_nodes = Nodes(*(np.array(column[kept]) for column in nodes[:-1]), max(depths))
    leaf = is_leaf[kept]
    for column in kept_nodes.left, kept_nodes.right:
        column[leaf] = LEAF
        column[:] = [children[child] for child in column.tolist()]
    kept_nodes.feature[leaf] = kept_nodes.threshold[leaf] = UNDEFINED
    kept_nodes.missing_go_to_left[leaf] = 0
    return kept_nodes
