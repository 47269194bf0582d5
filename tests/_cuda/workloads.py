"""One workload for each op that launches kernels of ours: what it is called with at any size.

They are run at awkward sizes under every schedule of the emulator, with each barrier deleted in turn, and, on a real
GPU, for repeatability and rates. A new op with a kernel adds a function here; a kernel that no workload launches fails
the tests.
"""

from collections import namedtuple

import numpy as np

from ghostflow_learn._engine._boosting import NODE, Bins, Gradients, Growth, Loss, Tree, fields
from ghostflow_learn._engine._trees import Nodes

SIZES = (0, 1, 31, 33, 257, 1000)

TOLERANCE = {"float32": {"rtol": 2e-5, "atol": 1e-5}, "float64": {"rtol": 1e-11, "atol": 1e-11}}

Workload = namedtuple("Workload", "make choices flops waits uploads")
WORKLOADS = {}


def workload(op, choices=(), flops=None, waits=0, uploads=0):
    """Register `make(rng, n, dtype)`, which returns the op's arguments as NumPy.

    An argument that is made of arrays is a function of the engine.

    Parameters
    ----------
    op : str
        Such as "kmeans.assign", or "boosting.gradients gamma" where one workload does not launch all of its kernels.
    choices : sequence of int
        Positions of outputs that are choices among near ties: compared between runs, not with the reference.
    flops : callable, optional
        Floating-point operations from the arguments; memory traffic is every array once.
    waits : int or None
        How often the host must wait, because the size of a result depends on the data. None for an algorithm that the
        host steers: its own tests count.
    uploads : int
        How many small tables the host makes.
    """

    def register(make):
        WORKLOADS[op] = Workload(make, choices, flops, waits, uploads)
        return make

    return register


def arguments(engine, op, size, dtype):
    """Arguments of `op` on the engine's device; the same for each call."""
    args = WORKLOADS[op].make(np.random.default_rng(size), size, np.dtype(dtype))
    return [
        arg(engine) if callable(arg) else engine.asarray(arg) if isinstance(arg, np.ndarray) else arg for arg in args
    ]


def call(engine, op, args):
    """Outputs of `op`, as NumPy. It gets copies of arrays: some ops may overwrite one."""
    args = [arg.copy() if hasattr(arg, "dtype") else arg for arg in args]
    return [np.asarray(engine.to_numpy(part)) for part in _parts(op_of(engine, op)(*args))]


def op_of(engine, op):
    """What the op of a workload is on an engine."""
    family, _, name = op.partition(" ")[0].partition(".")
    return getattr(getattr(engine, family), name)


def _parts(result):
    """The arrays and numbers of a result, out of its tuples and lists, None left out."""
    if result is None:
        return []
    if not isinstance(result, tuple | list):
        return [result]
    return [part for inner in result for part in _parts(inner)]


def assert_agree(op, got, want, dtype):
    """Raise AssertionError unless each output has the reference's dtype, shape and values."""
    for i, (g, w) in enumerate(zip(got, want, strict=True)):
        assert (g.dtype, g.shape) == (w.dtype, w.shape), f"{op} output {i}: {g.dtype} {g.shape}"
        if g.dtype.names:
            np.testing.assert_array_equal(g, w, err_msg=f"{op} output {i}")
        elif i not in WORKLOADS[op].choices:
            np.testing.assert_allclose(g, w, **TOLERANCE[np.dtype(dtype).name], err_msg=f"{op} output {i}")


def assert_same_bits(op, got, again, when):
    """Raise AssertionError unless two runs gave the same bits."""
    for i, (g, a) in enumerate(zip(got, again, strict=True)):
        np.testing.assert_array_equal(g, a, err_msg=f"{op} output {i} differs {when}")


def kmeans_data(rng, n, dtype):
    """X, weights, centers and labels of more features and clusters than one tile holds."""
    X, centers = rng.normal(size=(n, 37)).astype(dtype), rng.normal(size=(45, 37)).astype(dtype)
    return X, rng.uniform(size=n).astype(dtype), centers, rng.integers(45, size=n).astype(np.int32)


@workload("kmeans.assign", choices=(0,), flops=lambda X, centers: 3 * X.size * len(centers))
def _(rng, n, dtype):
    X, _, centers, _ = kmeans_data(rng, n, dtype)
    return X, centers


@workload("kmeans.update")
def _(rng, n, dtype):
    X, sample_weight, _, labels = kmeans_data(rng, n, dtype)
    return X, sample_weight, labels, 45


@workload("kmeans.sq_dists")
def _(rng, n, dtype):
    X, _, centers, labels = kmeans_data(rng, n, dtype)
    return X, centers, labels


@workload("kmeans.distances", flops=lambda X, centers: 3 * X.size * len(centers))
def _(rng, n, dtype):
    X, _, centers, _ = kmeans_data(rng, n, dtype)
    return X, centers


@workload("kmeans.seed")
def _(rng, n, dtype):
    X, sample_weight, _, _ = kmeans_data(rng, max(n, 1), dtype)
    n_trials = 33 if n <= 257 else 6  # 33: a second round; emulated, it costs
    return X, sample_weight, len(X) // 2, rng.uniform(size=(2, n_trials))


@workload("neighbors.nearest", choices=(1,), flops=lambda X, queries, *_: 3 * X.size * len(queries))
def _(rng, n, dtype):
    X, queries = rng.normal(size=(max(n, 5), 37)).astype(dtype), rng.normal(size=(min(n, 131), 37)).astype(dtype)
    return X, queries, 5, "euclidean"


def columns_data(rng, n, dtype):
    """X with some NaN, of more features than one tile holds; codes of 5 groups, and weights."""
    X = rng.normal(3, size=(n, 37)).astype(dtype)
    X[rng.uniform(size=X.shape) < 0.1] = np.nan
    return X, rng.integers(5, size=n), rng.uniform(size=n).astype(dtype)


@workload("columns.moments")
def _(rng, n, dtype):
    X, _, sample_weight = columns_data(rng, n, dtype)
    return X, sample_weight


@workload("columns.group_moments")
def _(rng, n, dtype):
    X, codes, sample_weight = columns_data(rng, n, dtype)
    return X, codes, 5, sample_weight


@workload("columns.min_max")
def _(rng, n, dtype):
    return (columns_data(rng, n + 1, dtype)[0],)


@workload("columns.standardize")
def _(rng, n, dtype):
    X, _, _ = columns_data(rng, n, dtype)
    return X, rng.normal(size=37).astype(dtype), rng.uniform(0.5, 1, size=37).astype(dtype), -1.0, 2.0


@workload("columns.restore")
def _(rng, n, dtype):
    X, _, _ = columns_data(rng, n, dtype)
    return X, rng.normal(size=37).astype(dtype), rng.uniform(0.5, 1, size=37).astype(dtype), -1.0, 2.0


def classes_data(rng, n, dtype):
    """X, means, variances and log priors of more features and classes than one tile holds."""
    X, mean, var = rng.normal(size=(n, 37)), rng.normal(size=(9, 37)), rng.uniform(0.5, 2, size=(9, 37))
    return [array.astype(dtype) for array in (X, mean, var, np.log(rng.dirichlet(np.ones(9))))]


@workload("naive_bayes.joint_log_likelihood", flops=lambda X, mean, var, log_prior: 3 * X.size * len(mean))
def _(rng, n, dtype):
    return classes_data(rng, n, dtype)


@workload("naive_bayes.classify", choices=(0,), flops=lambda X, mean, var, log_prior: 3 * X.size * len(mean))
def _(rng, n, dtype):
    return classes_data(rng, n, dtype)


def logistic_data(rng, n, dtype, n_outputs):
    """X, classes, weights of samples, and weights of features and intercept."""
    X, codes = rng.normal(size=(n, 7)).astype(dtype), rng.integers(max(2, n_outputs), size=n).astype(np.int32)
    return X, codes, rng.uniform(0.5, 1, size=n).astype(dtype), rng.normal(size=(8, n_outputs)) / 8


@workload("logistic.loss_gradient", flops=lambda X, codes, sample_weight, weights: 4 * X.size * weights.shape[1])
def _(rng, n, dtype):
    return logistic_data(rng, n, dtype, n_outputs=5 if n % 2 else 1)


@workload("logistic.probabilities", flops=lambda X, weights: 2 * X.size * weights.shape[1])
def _(rng, n, dtype):
    X, _, _, weights = logistic_data(rng, n, dtype, n_outputs=5 if n % 2 else 1)
    return X, weights


def forest_data(rng, n, n_features):
    """Trees of up to 40 splits, and X with some NaN."""
    X = rng.normal(size=(n, n_features)).astype(np.float32)
    X[rng.uniform(size=X.shape) < 0.1] = np.nan
    trees = [_random_tree(rng, n_splits, n_features) for n_splits in (0, 1, 40, 13)]
    return lambda engine: engine.forest.pack(trees), X


def _random_tree(rng, n_splits, n_features):
    """Each split is that of a leaf drawn at random."""
    left, right = np.full((2, 2 * n_splits + 1), -1)
    leaves = [0]
    for child in range(1, 2 * n_splits + 1, 2):
        node = leaves.pop(rng.integers(len(leaves)))
        left[node], right[node] = child, child + 1
        leaves += [child, child + 1]
    size = len(left)
    feature, missing_go_to_left = rng.integers(n_features, size=size), rng.integers(2, size=size).astype(np.uint8)
    return Nodes(
        left,
        right,
        feature,
        rng.normal(size=size),
        missing_go_to_left,
        None,
        None,
        None,
        rng.normal(size=(size, 3)),
        None,
    )


@workload("forest.apply")
def _(rng, n, dtype):
    return forest_data(rng, n, 300 if n <= 1000 else 30)  # 300: more than a block keeps


@workload("forest.predict")
def _(rng, n, dtype):
    return *forest_data(rng, n, 7), 2


@workload("forest.paths", waits=1)
def _(rng, n, dtype):
    return forest_data(rng, n, 7)


@workload("binning.transform", uploads=3)
def _(rng, n, dtype):
    X = rng.normal(size=(n, 37)).astype(dtype)
    X[rng.uniform(size=X.shape) < 0.1] = np.nan
    edges = [np.sort(rng.normal(size=n_edges)) for n_edges in rng.integers(255, size=37)]
    edges[3] = np.arange(3.0)
    return X, lambda engine: edges, lambda engine: np.arange(37) == 3, 255


def packed(rng, n, n_outputs, interval):
    """Words whose gradients and hessians are as large as their sums allow."""
    count_bits, hessian_bits, max_gradient, max_hessian = fields(interval)
    gradients = rng.integers(-max_gradient, max_gradient + 1, size=(n_outputs, n))
    hessians = rng.integers(max_hessian + 1, size=(n_outputs, n))
    words = (gradients << (hessian_bits + count_bits)) + (hessians << count_bits) + 1
    units = 2.0 ** rng.integers(-20, -10, size=(n_outputs, 2))
    return lambda engine: Gradients(engine.asarray(words), engine.asarray(units), interval)


@workload("histogram.pack")
def _(rng, n, dtype):
    gradients, hessians = rng.normal(size=(2, 3, n)) ** 3
    return gradients, hessians if n % 2 else None, 5


@workload("histogram.build")
def _(rng, n, dtype):
    codes = rng.integers(256, size=(n, 29)).astype(np.uint8)
    codes[:, 0] = 7
    interval = (512, 4096, -65536)[n % 3]
    rows = np.flatnonzero(rng.uniform(size=n) < 0.7).astype(np.uint32)
    return codes, packed(rng, n, 2, interval), 1, rows if n > 33 else None


def boosting_data(rng, n, name):
    """A loss, targets, raw predictions and weights."""
    n_classes = {"binomial": 2, "multinomial": 3}.get(name)
    y = rng.integers(n_classes, size=n).astype(float) if n_classes else rng.exponential(size=n)
    return Loss(name), y, rng.normal(size=(3 if name == "multinomial" else 1, n)), rng.uniform(size=n)


@workload("boosting.gradients gamma", choices=(0,))  # of words: the reference has another exponential function
def _(rng, n, dtype):
    return *boosting_data(rng, n, "gamma"), 5


@workload("boosting.gradients multinomial", choices=(0,))
def _(rng, n, dtype):
    return *boosting_data(rng, n, "multinomial"), 5


def bins_of(rng, n):
    """Values of 5 features, the last one of categories, in up to 31 bins."""
    n_bins, offsets = np.array([31, 2, 31, 1, 20]), np.array([0, 30, 31, 61, 61, 81])
    codes = (rng.uniform(size=(n, 5)) * n_bins).astype(np.uint8)
    codes[:, 0] = np.where(rng.uniform(size=n) < 0.1, 31, codes[:, 0])
    edges = np.concatenate([np.arange(30.0), [0], np.arange(30.0), np.arange(20.0)])
    tables = (np.array([1, 0, 0, 0, 0], np.uint8), np.array([0, 0, 0, 0, 1], np.uint8), edges, offsets)
    return lambda engine: Bins(engine.asarray(codes), n_bins, engine.asarray(tables[0]), *tables[1:], 31)


@workload("boosting.grow", waits=None)
def _(rng, n, dtype):
    limits = Growth(9, -1, 5, 1e-3, 0.0, 0.1, 0.1, 1.0, False, np.zeros(5, np.int8), np.zeros((0, 5), bool))
    return bins_of(rng, n), packed(rng, n, 1, 4096), limits


@workload("boosting.leaf_quantiles")
def _(rng, n, dtype):
    y, raw = rng.normal(size=(2, n))
    return y, raw, rng.integers(1, 4, size=n).astype(np.uint32), 5, 0.3, rng.uniform(size=n) if n % 2 else None


def boosted_trees(rng, n_trees):
    """Trees of three splits each, the second on categories."""
    nodes = np.zeros((n_trees, 7), dtype=NODE)
    nodes["value"] = rng.normal(size=nodes.shape)
    nodes["is_leaf"][:, [2, 4, 5]] = nodes["is_leaf"][:, 6] = 1
    nodes["left"], nodes["right"] = [1, 2, 0, 4, 0, 0, 0], [6, 3, 0, 5, 0, 0, 0]
    nodes["feature_idx"] = [0, 3, 0, 2, 0, 0, 0]
    nodes["is_categorical"][:, 1] = 1
    nodes["num_threshold"], nodes["bin_threshold"] = rng.normal(size=nodes.shape), rng.integers(9, size=nodes.shape)
    nodes["missing_go_to_left"] = rng.integers(2, size=nodes.shape)
    sets = rng.integers(2**32, size=(2, n_trees, 1, 8)).astype(np.uint32)
    return [[Tree(*tree)] for tree in zip(nodes, *sets, strict=True)]


@workload("boosting.update", uploads=1)
def _(rng, n, dtype):
    return rng.normal(size=(1, n)), boosted_trees(rng, 1)[0], rng.integers(7, size=(1, n)).astype(np.uint32)


@workload("boosting.predict_bins", uploads=3)
def _(rng, n, dtype):
    codes = rng.integers(10, size=(n, 4)).astype(np.uint8)
    return rng.normal(size=(1, n)), boosted_trees(rng, 1)[0], codes, 9


@workload("boosting.predict")
def _(rng, n, dtype):
    X = rng.normal(size=(n, 4)).astype(dtype)
    X[:, 3] = rng.integers(-1, 257, size=n)
    X[rng.uniform(size=X.shape) < 0.1] = np.nan
    trees, known = boosted_trees(rng, 5), np.full((4, 8), 0xFFFFFF, dtype=np.uint32)
    return lambda engine: engine.boosting.assemble(trees, known), X, np.array([[0.5]]), 1


from . import workloads_nn  # noqa: E402, F401 - those of neural networks
