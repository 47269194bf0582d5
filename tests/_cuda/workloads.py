"""One workload for each op that launches kernels of ours: what it is called with at any size.

They are run at awkward sizes under every schedule of the emulator, with each barrier deleted in turn, and, on a real
GPU, for repeatability and rates. A new op with a kernel adds a function here; a kernel that no workload launches fails
the tests.
"""

from collections import namedtuple

import numpy as np

SIZES = (0, 1, 31, 33, 257, 1000)

Workload = namedtuple("Workload", "make choices flops")
WORKLOADS = {}


def workload(op, choices=(), flops=None):
    """Register `make(rng, n, dtype)`, which returns the op's arguments as NumPy.

    Parameters
    ----------
    op : str
        Such as "kmeans.assign".
    choices : sequence of int
        Positions of outputs that are choices among near ties: compared between runs, not with the reference.
    flops : callable, optional
        Floating-point operations from the arguments; memory traffic is every array once.
    """

    def register(make):
        WORKLOADS[op] = Workload(make, choices, flops)
        return make

    return register


@workload("kmeans.assign", choices=(0,), flops=lambda X, centers: 3 * X.size * len(centers))
def _(rng, n, dtype):
    return rng.normal(size=(n, 37)).astype(dtype), rng.normal(size=(45, 37)).astype(dtype)


@workload("kmeans.update")
def _(rng, n, dtype):
    labels = rng.integers(45, size=n).astype(np.int32)
    return rng.normal(size=(n, 37)).astype(dtype), rng.uniform(size=n).astype(dtype), labels, 45
