"""Which features a node of a boosted tree may be split on."""

import numpy as np

from ._boosting import HASH


def features_by_hash(node, growth, n_features, seed):
    """The features to try: of those that constraints allow, the ones of the smallest hashes."""
    allowed = _allowed(node, growth, n_features)
    if growth.max_features == 1:
        return allowed
    n_tried = max(1, int(np.ceil(growth.max_features * len(allowed))))
    return np.sort(allowed[_hashes(seed, node.path, allowed).argsort(kind="stable")[:n_tried]])


def features_by_mask(node, growth, mask):
    """The features to try: those that constraints allow and the mask holds."""
    allowed = _allowed(node, growth, len(mask))
    return allowed[mask[allowed]]


def _allowed(node, growth, n_features):
    if len(growth.groups):
        return np.flatnonzero(growth.groups[node.groups].any(axis=0))
    return np.arange(n_features)


def _hashes(seed, path, features):
    h = features.astype(np.uint32) * np.uint32(HASH[0]) + np.uint32((seed ^ (path * HASH[1])) & 0xFFFFFFFF)
    for shift, factor in ((16, HASH[1]), (13, HASH[2])):
        h = (h ^ (h >> np.uint32(shift))) * np.uint32(factor)
    return h ^ (h >> np.uint32(16))
