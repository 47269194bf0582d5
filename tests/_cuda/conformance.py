"""Expressions on which the stand-in and the real CuPy must agree: the same exception type, or an equal value.

Add one with each surprise that a real GPU brings.
"""

import importlib

import numpy as np

EXPRESSIONS = {
    "implicit np.asarray": lambda cp: np.asarray(cp.ones(3)),
    "device + host": lambda cp: cp.ones(3) + np.ones(3),
    "host + device": lambda cp: np.ones(3) + cp.ones(3),
    "np.exp(device)": lambda cp: np.exp(cp.ones(3)),
    "np.sum(device)": lambda cp: np.sum(cp.ones(3)),
    "cp.exp(host)": lambda cp: cp.exp(np.ones(3)),
    "cp.exp(list)": lambda cp: cp.exp([1.0]),
    "concatenate mixed": lambda cp: cp.concatenate([cp.ones(2), np.ones(2)]),
    "where with host": lambda cp: cp.where(cp.ones(2) > 0, cp.ones(2), np.ones(2)),
    "add(where=)": lambda cp: cp.add(cp.ones(2), 1, where=cp.ones(2) > 0),
    "sum is 0-d": lambda cp: list(cp.ones(3).sum().shape),
    "lexsort tuple": lambda cp: cp.lexsort((cp.ones(3), cp.ones(3))),
    "argsort kind": lambda cp: cp.argsort(cp.ones(3), kind="mergesort"),
    "cholesky not definite": lambda cp: bool(np.isnan(cp.asnumpy(cp.linalg.cholesky(-cp.eye(2)))).any()),
    "cholesky under errstate": lambda cp: _raising_cholesky(cp),
    "set slice from host": lambda cp: cp.ones(3).__setitem__(slice(0, 2), np.ones(2)),
    "eigh": lambda cp: np.abs(cp.asnumpy(cp.linalg.eigh(cp.diag(cp.asarray([1.0, 2, 3])))[0])),
    "svd": lambda cp: cp.linalg.svd(cp.asarray([[3.0, 0], [0, 2]]), full_matrices=False)[1],
    "qr is reduced": lambda cp: [list(a.shape) for a in cp.linalg.qr(cp.ones((4, 2)))],
    "solve_triangular": lambda cp: _cupyx("scipy.linalg").solve_triangular(
        cp.asarray([[2.0, 0], [1, 4]]), cp.asarray([2.0, 9]), lower=True, check_finite=False
    ),
    "bincount": lambda cp: cp.bincount(cp.asarray([0, 1, 1])),
    "float32 * float64 scalar": lambda cp: str((cp.ones(2, "f4") * np.float64(2)).dtype),
    "float32 * Python float": lambda cp: str((cp.ones(2, "f4") * 2.0).dtype),
    "int32 / int": lambda cp: str((cp.ones(2, "i4") / 2).dtype),
    "sum of float32 in float64": lambda cp: str(cp.ones(2, "f4").sum(dtype=np.float64).dtype),
    "unique with inverse": lambda cp: [
        cp.asnumpy(a).tolist() for a in cp.unique(cp.asarray([3, 1, 3]), return_inverse=True)
    ],
    "searchsorted": lambda cp: cp.searchsorted(cp.asarray([1.0, 2, 3]), cp.asarray([2.5])),
    "take_along_axis": lambda cp: cp.take_along_axis(cp.eye(3), cp.asarray([[0], [1], [2]]), 1),
    "percentile": lambda cp: cp.percentile(cp.arange(10.0), 30),
    "argmax with NaN": lambda cp: int(cp.argmax(cp.asarray([1.0, np.nan, 3.0]))),
    "iteration": lambda cp: [float(v) for v in cp.ones(2)],
    "index with a host array": lambda cp: cp.arange(4)[np.array([1, 2])],
    "in operator": lambda cp: 1.0 in cp.ones(3),
    "asarray of a transposed host array": lambda cp: bool(cp.asarray(np.ones((2, 3)).T, order="C").flags.c_contiguous),
    "ascontiguousarray of a host array": lambda cp: cp.ascontiguousarray(np.ones((2, 3))),
    "ascontiguousarray of a 0-d array": lambda cp: list(cp.ascontiguousarray(cp.ones(())).shape),
    "asarray of big-endian": lambda cp: str(cp.asarray(np.ones(2, ">f8")).dtype),
    "asarray of strings": lambda cp: cp.asarray(np.array(["a"])),
    "devices are equal": lambda cp: bool(cp.ones(1).device == cp.cuda.Device()),
    "module of ndarray": lambda cp: cp.ndarray.__module__.partition(".")[0],
    "module of OutOfMemoryError": lambda cp: cp.cuda.memory.OutOfMemoryError.__module__.partition(".")[0],
    "OutOfMemoryError is a MemoryError": lambda cp: issubclass(cp.cuda.memory.OutOfMemoryError, MemoryError),
}


def outcome(expression, cp):
    """["raises", type] or ["value", plain Python]."""
    try:
        result = expression(cp)
    except Exception as error:
        return ["raises", type(error).__name__]
    if isinstance(result, cp.ndarray):
        result = cp.asnumpy(result)
    if isinstance(result, np.ndarray):
        result = result.tolist()
    return ["value", result if isinstance(result, (list, str, bool, int, float)) else repr(result)]


def _cupyx(name):
    return importlib.import_module(f"cupyx.{name}")


def _raising_cholesky(cp):
    with importlib.import_module("cupyx").errstate(linalg="raise"):
        return cp.linalg.cholesky(-cp.eye(2))
