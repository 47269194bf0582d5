"""Trees of every shape, thresholds and values of every kind: predictions are the reference's, bit for bit."""

import re

import numpy as np
import pytest
from llvmlite import binding
from numba import njit

from ghostflow_learn import config_context
from ghostflow_learn._engine import cpu
from ghostflow_learn._engine._boosting import NODE, Tree
from ghostflow_learn._engine.cpu import _boosting_forest, _boosting_predict
from ghostflow_learn._engine.cpu import boosting as cpu_boosting

N_FEATURES = 4  # the last is categorical
CATEGORIES = [0, 1, 5, 31, 32, 77, 254]
SPECIAL = [np.nan, np.inf, -np.inf, 0.0, -0.0, 300.0, -1.0, 5.5]


def grown(rng, n_leaves, thresholds, categorical=True):
    """A tree of random splits, a random leaf split at a time; `thresholds` are drawn from."""
    nodes = [{"depth": 0}]
    for _ in range(n_leaves - 1):
        leaf = rng.choice([node for node in nodes if "children" not in node])
        leaf["children"] = [{"depth": leaf["depth"] + 1} for _ in range(2)]
        nodes += leaf["children"]
    records, bitsets = np.zeros(len(nodes), dtype=NODE), []
    _record(nodes[0], records, bitsets, 0, rng, thresholds, categorical)
    return Tree(records, np.zeros((len(bitsets), 8), np.uint32), np.array(bitsets, np.uint32).reshape(-1, 8))


def _record(node, records, bitsets, i, rng, thresholds, categorical):
    """Depth first; returns the index after the last node below."""
    record = records[i]
    record["depth"], record["value"], record["is_leaf"] = node["depth"], rng.normal(), "children" not in node
    if record["is_leaf"]:
        return i + 1
    record["feature_idx"] = rng.integers(N_FEATURES if categorical else N_FEATURES - 1)
    record["missing_go_to_left"] = rng.integers(2)
    if record["feature_idx"] == N_FEATURES - 1:
        record["is_categorical"], record["bitset_idx"] = 1, len(bitsets)
        bitsets.append(bitset_of(rng.choice(CATEGORIES, 3)))
    else:
        record["num_threshold"] = rng.choice(thresholds)
    after = i + 1
    for child, side in zip(node["children"], ("left", "right"), strict=True):
        record[side] = after
        after = _record(child, records, bitsets, after, rng, thresholds, categorical)
    return after


def bitset_of(categories):
    bits = np.zeros(256, dtype=np.uint8)
    bits[categories] = 1
    return np.packbits(bits, bitorder="little").view("<u4").astype(np.uint32)


def known(categorical=True):
    bitsets = np.zeros((N_FEATURES, 8), dtype=np.uint32)
    if categorical:
        bitsets[-1] = bitset_of(CATEGORIES)
    return bitsets


def samples(rng, n_samples, thresholds, dtype):
    """Values equal to thresholds, just beside them, missing, infinite; categories that are known and not."""
    X = rng.choice(thresholds, (n_samples, N_FEATURES)).astype(dtype)
    beside = rng.random(X.shape) < 0.6
    with np.errstate(over="ignore", under="ignore"):
        X[beside] = np.nextafter(X[beside], rng.choice([-np.inf, np.inf], beside.sum()), dtype=dtype)
    X[:, -1] = rng.choice([*CATEGORIES, 2, 253], n_samples)
    special = rng.random(X.shape) < 0.2
    X[special] = rng.choice(SPECIAL, special.sum())
    return X


def assert_as_reference(reference, trees, known, X, by_tests=True):
    baseline = np.arange(1.0, 1 + len(trees[0]))[:, None]
    forest = cpu.boosting.assemble(trees, known)
    assert (forest.tests is not None) == by_tests
    got = cpu.boosting.predict(forest, X, baseline)
    want = reference.boosting.predict(reference.boosting.assemble(trees, known), X, baseline)
    np.testing.assert_array_equal(got, want)


def test_a_stump_by_hand():
    """100 samples, so that they take tests: x <= 2 to the left, missing to the right."""
    nodes = np.zeros(3, dtype=NODE)
    nodes["is_leaf"], nodes["value"] = [0, 1, 1], [0, 10, 20]
    nodes["left"][0], nodes["right"][0], nodes["num_threshold"][0] = 1, 2, 2.0
    empty = np.zeros((0, 8), np.uint32)
    X = np.resize([1.0, 2.0, np.nextafter(2, 3), -np.inf, np.inf, np.nan], 102)[:, None]
    for missing_left, of_missing in ((0, 20), (1, 10)):
        nodes["missing_go_to_left"][0] = missing_left
        forest = cpu.boosting.assemble([[Tree(nodes, empty, empty)]], np.zeros((1, 8), np.uint32))
        raw = cpu.boosting.predict(forest, X, np.ones((1, 1)))
        np.testing.assert_array_equal(raw[0], np.resize([11, 11, 21, 11, 21, 1 + of_missing], 102))


@pytest.mark.parametrize("n_samples", [1, cpu_boosting.FEW - 1, cpu_boosting.FEW, 300])
@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize("categorical", [False, True])
def test_sums_are_those_of_the_reference(reference, rng, dtype, n_samples, n_outputs, categorical):
    thresholds = np.append(rng.normal(size=20).astype(np.float32), [0.0, -0.0, np.inf, -np.inf])
    trees = [[grown(rng, n, thresholds, categorical) for _ in range(n_outputs)] for n in (1, 2, 7, 31, 12)]
    assert_as_reference(reference, trees, known(categorical), samples(rng, n_samples, thresholds, dtype))


@pytest.mark.parametrize(("n_leaves", "by_tests"), [(65, True), (128, True), (129, True), (256, True), (257, False)])
def test_large_trees(reference, rng, n_leaves, by_tests):
    thresholds = rng.normal(size=200)
    trees = [[grown(rng, n_leaves, thresholds)] for _ in range(2)]
    assert_as_reference(reference, trees, known(), samples(rng, 100, thresholds, np.float64), by_tests)


@pytest.mark.parametrize(
    ("n_edges", "by_tests"), [(1, True), (63, True), (64, True), (253, True), (254, True), (255, False)]
)
def test_many_thresholds(reference, rng, n_edges, by_tests):
    """254 finite ones and the infinite one are as many as a byte can tell apart."""
    thresholds = np.sort(rng.normal(size=n_edges))
    nodes = np.zeros(2 * n_edges + 3, dtype=NODE)
    nodes["is_leaf"][1::2], nodes["is_leaf"][-1], nodes["value"] = 1, 1, rng.normal(size=len(nodes))
    inner = np.arange(0, len(nodes) - 1, 2)
    nodes["left"][inner], nodes["right"][inner], nodes["num_threshold"][inner] = (
        inner + 1,
        inner + 2,
        [*thresholds, np.inf],
    )
    nodes["missing_go_to_left"][inner[:-1]] = np.arange(n_edges) == n_edges // 2
    empty = np.zeros((0, 8), np.uint32)
    trees = [[Tree(nodes, empty, empty)]] * 2
    X = samples(rng, 600, thresholds, np.float64)
    X[:n_edges, 0] = thresholds
    assert_as_reference(reference, trees, known(False), X, by_tests)


def test_nodes_in_any_order(reference, rng):
    """A model that was written elsewhere may have children before their parents."""
    thresholds = rng.normal(size=9)
    tree = grown(rng, 9, thresholds)
    order = np.append(0, 1 + rng.permutation(len(tree.nodes) - 1))
    nodes, place = tree.nodes[order], order.argsort()
    nodes["left"], nodes["right"] = place[nodes["left"]], place[nodes["right"]]
    assert_as_reference(
        reference, [[tree._replace(nodes=nodes)]], known(), samples(rng, 50, thresholds, np.float64), by_tests=False
    )


def test_a_forest_of_leaves(reference, rng):
    trees = [[grown(rng, 1, [0.0])] for _ in range(3)]
    assert_as_reference(reference, trees, known(), samples(rng, 40, [0.0], np.float64))


def test_order_of_memory_threads_and_stages_change_no_bit(rng):
    thresholds = rng.normal(size=50)
    trees = [[grown(rng, 31, thresholds) for _ in range(2)] for _ in range(20)]
    forest, baseline = cpu.boosting.assemble(trees, known()), np.zeros((2, 1))
    X = samples(rng, 20_000, thresholds, np.float64)
    want = cpu.boosting.predict(forest, X, baseline)
    for n_threads in (1, 2, 7):
        with config_context(n_threads=n_threads):
            np.testing.assert_array_equal(cpu.boosting.predict(forest, np.asfortranarray(X), baseline), want)
    staged = np.zeros((2, len(X)))
    for t in range(20):
        staged = cpu.boosting.predict(forest, X, staged, t, t + 1)
    np.testing.assert_array_equal(staged, want)
    np.testing.assert_array_equal(cpu.boosting.predict(forest, X[:5], baseline), want[:, :5])


@pytest.mark.skipif(not binding.get_host_cpu_features().get("avx2"), reason="looks for the instructions of AVX2")
def test_the_tests_of_a_tile_are_vectorised():
    kernel = _boosting_predict._take
    fresh = njit(nogil=True, error_model="numpy")(kernel.py_func)  # what comes from the cache has no assembly to show
    node, tile = np.zeros(1, dtype=_boosting_forest.TEST), _boosting_predict.TILE
    fresh(node[0], np.zeros((1, tile), np.uint8), np.zeros(tile, np.uint16))
    (assembly,) = fresh.inspect_asm().values()
    assert re.search(r"vpcmpeqw\s.*[yz]mm", assembly)
