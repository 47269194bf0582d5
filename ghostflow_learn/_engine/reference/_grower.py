"""How one tree of histogram gradient boosting grows: plain loops, in scikit-learn's order."""

from types import SimpleNamespace

import numpy as np

from .._boosting import CAT_SUPPORT, NODE, Tree
from .histogram import build

BIT = np.uint64(1) << np.arange(32, dtype=np.uint64)


def grow(bins, packed, k, growth, rows, draw):
    """One tree for output `k`; `draw(node)` is what may be tried there."""
    sums = (packed.units[k] * [part[0].sum() for part in build(bins.codes, packed, k, rows)[:2]]).tolist()
    every = np.ones(len(growth.groups), dtype=bool)
    root = SimpleNamespace(
        rows=rows,
        gradient=sums[0],
        hessian=sums[1],
        value=0.0,
        depth=0,
        lower=-np.inf,
        upper=np.inf,
        path=1,
        groups=every,
    )
    root.split = root.left = None
    heap, n_leaves = [], 1
    if _may_split(root, growth) and root.hessian >= growth.min_hessian_to_split:
        _push(heap, root, bins, packed, k, growth, draw)
    while heap and n_leaves != growth.max_leaf_nodes:
        order = [(node.depth if growth.depth_wise else 0, -node.split.gain, node.path) for node in heap]
        node = heap.pop(order.index(min(order)))
        n_leaves += 1
        _part(node, bins, growth)
        if n_leaves != growth.max_leaf_nodes:
            for child in (node.left, node.right):
                if _may_split(child, growth):
                    _push(heap, child, bins, packed, k, growth, draw)
    return _record(root, bins, growth)


def apply(tree, codes, max_bins):
    """The node (n_samples,) that each sample ends in."""
    leaves = np.zeros(len(codes), dtype=np.uint32)
    for i, code in enumerate(codes):
        node = tree.nodes[0]
        while not node["is_leaf"]:
            value = int(code[node["feature_idx"]])
            if value == max_bins:
                left = node["missing_go_to_left"]
            elif node["is_categorical"]:
                left = tree.left_codes[node["bitset_idx"], value // 32] >> np.uint32(value % 32) & 1
            else:
                left = value <= node["bin_threshold"]
            leaves[i] = node["left"] if left else node["right"]
            node = tree.nodes[leaves[i]]
    return leaves


def _may_split(node, growth):
    return node.depth != growth.max_depth and len(node.rows) >= 2 * growth.min_samples_leaf


def _push(heap, node, bins, packed, k, growth, draw):
    node.split = _best_split(node, build(bins.codes, packed, k, node.rows), packed.units[k], bins, growth, draw(node))
    if node.split.gain > 0:
        heap.append(node)


def _best_split(node, histogram, units, bins, growth, features):
    best = SimpleNamespace(gain=-1.0)
    for j in features:
        search = _search_categories if bins.is_categorical[j] else _search_bins
        best = search(node, j, [part[j] for part in histogram], units, bins, growth, best)
    return best


def _search_bins(node, j, histogram, units, bins, growth, best):
    """Missing values to the right, bins upwards; then missing values to the left, bins downwards."""
    n_bins, with_missing = bins.n_bins[j], bins.has_missing[j]
    below = [part[:n_bins].cumsum() for part in histogram]
    for b in range(n_bins - 1 + with_missing):
        best = _better(node, j, b, False, [part[b] for part in below], units, growth, best)
    if with_missing:
        missing = [part[bins.max_bins] for part in histogram]
        for b in range(n_bins - 2, -1, -1):
            left = [part[b] + part_missing for part, part_missing in zip(below, missing)]
            best = _better(node, j, b, True, left, units, growth, best)
    return best


def _search_categories(node, j, histogram, units, bins, growth, best):
    """Categories in the order of their mean gradient, from both ends to the middle."""
    bins_of = [*range(bins.n_bins[j])] + [bins.max_bins] * int(bins.has_missing[j])
    gradient, hessian = histogram[0] * units[0], histogram[1] * units[1]
    support = len(node.rows) / node.hessian
    used = [b for b in bins_of if hessian[b] * support >= CAT_SUPPORT]
    used.sort(key=lambda b: gradient[b] / (hessian[b] + CAT_SUPPORT))
    middle = (len(used) + 1) // 2
    for order, n_most in (used, middle), (used[::-1], middle - 1):
        for n_left in range(1, n_most + 1) if len(used) > 1 else ():
            left = [part[order[:n_left]].sum() for part in histogram]
            better = _better(node, j, 0, False, left, units, growth, best)
            if better is not best:
                better.is_categorical = True
                better.left_codes = np.isin(np.arange(256), order[:n_left])
                better.missing_left = bool(bins.has_missing[j] and better.left_codes[bins.max_bins])
                best = better
    return best


def _better(node, j, b, missing_left, left, units, growth, best):
    """The split that leaves the sums `left` on the left, where it is allowed and gains more than `best`."""
    n_left, n_right = int(left[2]), len(node.rows) - int(left[2])
    gradient, hessian = float(left[0] * units[0]), float(left[1] * units[1])
    rest_gradient, rest_hessian = node.gradient - gradient, node.hessian - hessian
    if min(n_left, n_right) < growth.min_samples_leaf or min(hessian, rest_hessian) < growth.min_hessian_to_split:
        return best
    value_left = _value(gradient, hessian, node, growth)
    value_right = _value(rest_gradient, rest_hessian, node, growth)
    gain = node.gradient * node.value - gradient * value_left - rest_gradient * value_right
    if growth.monotonic_cst[j] * (value_left - value_right) > 0 or not gain > max(best.gain, growth.min_gain_to_split):
        return best
    return SimpleNamespace(
        gain=gain,
        feature=j,
        bin=b,
        missing_left=missing_left,
        is_categorical=False,
        left_codes=None,
        left=(gradient, hessian, value_left),
        right=(rest_gradient, rest_hessian, value_right),
    )


def _value(gradient, hessian, node, growth):
    value = -gradient / (hessian + growth.l2_regularization + 1e-15)
    return min(max(value, node.lower), node.upper)


def _part(node, bins, growth):
    """Give `node` its children."""
    split = node.split
    codes = bins.codes[node.rows, split.feature]
    left = split.left_codes[codes] if split.is_categorical else codes <= split.bin
    if not split.is_categorical and split.missing_left:
        left |= codes == bins.max_bins
    bounds = [(node.lower, node.upper)] * 2
    direction = growth.monotonic_cst[split.feature]
    if direction:
        middle = (split.left[2] + split.right[2]) / 2
        bounds = [(node.lower, middle), (middle, node.upper)][::direction]
    groups = node.groups & growth.groups[:, split.feature]
    children = []
    for side, (rows, sums) in enumerate(((node.rows[left], split.left), (node.rows[~left], split.right))):
        gradient, hessian, value = sums
        children.append(
            SimpleNamespace(
                rows=rows,
                gradient=gradient,
                hessian=hessian,
                value=value,
                depth=node.depth + 1,
                lower=bounds[side][0],
                upper=bounds[side][1],
                path=2 * node.path + side,
                groups=groups,
                split=None,
                left=None,
            )
        )
    node.left, node.right = children
    if not bins.has_missing[split.feature]:
        split.missing_left = len(node.left.rows) > len(node.right.rows)


def _record(root, bins, growth):
    nodes, left_codes, left_categories = [], [], []
    _append(root, bins, growth, nodes, left_codes, left_categories)
    return Tree(np.array(nodes), *(np.array(sets, np.uint32).reshape(-1, 8) for sets in (left_codes, left_categories)))


def _append(node, bins, growth, nodes, left_codes, left_categories):
    """`node`, then what is below it on the left, then on the right."""
    record = np.zeros(1, dtype=NODE)[0]
    nodes.append(record)
    record["count"], record["depth"], record["value"] = len(node.rows), node.depth, node.value
    record["gain"] = node.split.gain if node.split else -1
    if node.left is None:
        record["is_leaf"], record["value"] = 1, node.value * growth.learning_rate
        return
    split, first = node.split, bins.offsets[node.split.feature]
    record["feature_idx"], record["missing_go_to_left"] = split.feature, split.missing_left
    if split.is_categorical:
        categories = bins.edges[first : bins.offsets[split.feature + 1]].astype(np.intp)
        record["is_categorical"], record["bitset_idx"] = 1, len(left_codes)
        left_codes.append(_bitset(np.flatnonzero(split.left_codes)))
        known = split.left_codes[: bins.n_bins[split.feature]]
        left_categories.append(_bitset(categories[known]))
    else:
        record["bin_threshold"] = split.bin
        last = split.bin == bins.n_bins[split.feature] - 1
        record["num_threshold"] = np.inf if last else bins.edges[first + split.bin]
    record["left"] = len(nodes)
    _append(node.left, bins, growth, nodes, left_codes, left_categories)
    record["right"] = len(nodes)
    _append(node.right, bins, growth, nodes, left_codes, left_categories)


def _bitset(bits):
    words = np.zeros(8, dtype=np.uint32)
    for bit in bits:
        words[bit // 32] |= np.uint32(1) << np.uint32(bit % 32)
    return words
