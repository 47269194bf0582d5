"""Minimal cost-complexity pruning: the branch that costs least per leaf becomes a leaf, then the next one."""

import heapq

import numpy as np


def pruning_path(nodes):
    """Prune the weakest branch, again and again, until the root is a leaf.

    A branch of k leaves costs ``(R(node) - R(leaves)) / (k - 1)`` per leaf, where R is impurity times the part of all
    samples. The lowest node wins ties.

    Parameters
    ----------
    nodes : Nodes

    Returns
    -------
    alphas : (n_steps + 1,) float64
        What the pruned branch cost per leaf, after a 0 for the whole tree.
    impurities : (n_steps + 1,) float64
        R of the leaves that are left.
    """
    branches = _Branches(nodes)
    steps = [(0.0, branches.cost[0])]
    while not branches.is_leaf[0]:
        steps.append((branches.prune_weakest(), branches.cost[0]))
    return np.array(steps, dtype=np.float64).T.copy()


def leaves_after_pruning(nodes, ccp_alpha):
    """(n_nodes,) bool: the leaves once no branch costs `ccp_alpha` or less; below a leaf it may be anything."""
    branches = _Branches(nodes)
    while not branches.is_leaf[0] and branches.smallest_alpha() <= ccp_alpha:
        branches.prune_weakest()
    return branches.is_leaf


class _Branches:
    """The branch below each node, with a heap of what each costs that forgets late."""

    def __init__(self, nodes):
        self.left, self.right = nodes.left.tolist(), nodes.right.tolist()
        weight = nodes.weighted_n_node_samples
        self.own_cost = (weight * nodes.impurity / weight[0]).tolist()
        self.is_leaf = nodes.left < 0
        self.parent = _parents(self.left, self.right)
        self._sum_up_leaves()
        self.heap = [(self._alpha(node), node) for node in np.flatnonzero(~self.is_leaf).tolist()]
        heapq.heapify(self.heap)

    def smallest_alpha(self):
        while self._is_outdated(*self.heap[0]):
            heapq.heappop(self.heap)
        return self.heap[0][0]

    def prune_weakest(self):
        alpha = self.smallest_alpha()
        _, node = heapq.heappop(self.heap)
        self._drop_below(node)
        n_pruned, change = self.n_leaves[node] - 1, self.own_cost[node] - self.cost[node]
        self.n_leaves[node], self.cost[node] = 1, self.own_cost[node]
        for ancestor in self._ancestors(node):
            self.n_leaves[ancestor] -= n_pruned
            self.cost[ancestor] += change
            heapq.heappush(self.heap, (self._alpha(ancestor), ancestor))
        return alpha

    def _alpha(self, node):
        return (self.own_cost[node] - self.cost[node]) / (self.n_leaves[node] - 1)

    def _is_outdated(self, alpha, node):
        return self.is_leaf[node] or alpha != self._alpha(node)

    def _sum_up_leaves(self):
        """Cost and number of the leaves below each node, added up in the order of the leaves."""
        self.cost, self.n_leaves = [0.0] * len(self.left), [0] * len(self.left)
        for leaf in np.flatnonzero(self.is_leaf).tolist():
            self.cost[leaf], self.n_leaves[leaf] = self.own_cost[leaf], 1
            for ancestor in self._ancestors(leaf):
                self.cost[ancestor] += self.own_cost[leaf]
                self.n_leaves[ancestor] += 1

    def _ancestors(self, node):
        while node:
            node = self.parent[node]
            yield node

    def _drop_below(self, node):
        waiting = [node]
        while waiting:
            node = waiting.pop()
            if not self.is_leaf[node]:
                self.is_leaf[node] = True  # and whatever the heap knows of it is outdated
                waiting += [self.left[node], self.right[node]]


def _parents(left, right):
    parents = [0] * len(left)
    for node, children in enumerate(zip(left, right, strict=True)):
        for child in children:
            if child >= 0:
                parents[child] = node
    return parents
