"""The stand-in for CuPy refuses what CuPy refuses, computes what CuPy computes, and counts what costs time."""

import importlib
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import pytest

from .. import standin

cp = standin.cupy
REFUSALS = (TypeError, AttributeError, ValueError, NotImplementedError, AssertionError)


@pytest.fixture
def x():
    return cp.asarray(np.arange(6, dtype="f4").reshape(2, 3))


@pytest.fixture
def h():
    return np.ones((2, 3), "f4")


@pytest.fixture
def cupyx():
    with standin.installed():
        yield importlib.import_module("cupyx")


REFUSED = {
    # the border: nothing crosses it implicitly
    "np.asarray(device)": lambda x, h: np.asarray(x),
    "np.array(device)": lambda x, h: np.array(x),
    "device + host": lambda x, h: x + h,
    "host + device": lambda x, h: h + x,
    "np.add(host, device)": lambda x, h: np.add(h, x),
    "dot(device, host)": lambda x, h: cp.dot(x, h.T),
    "concatenate([device, host])": lambda x, h: cp.concatenate([x, h]),
    "where(mask, device, host)": lambda x, h: cp.where(x > 1, x, h),
    "x[...] = host": lambda x, h: x.__setitem__(Ellipsis, h),
    "x += host": lambda x, h: x.__iadd__(h),
    "ascontiguousarray(host)": lambda x, h: cp.ascontiguousarray(h),
    "asfortranarray(host)": lambda x, h: cp.asfortranarray(h),
    "exp(list)": lambda x, h: cp.exp([1.0, 2.0]),
    "exp(host)": lambda x, h: cp.exp(h),
    "sum(host)": lambda x, h: cp.sum(h),
    "out=host": lambda x, h: cp.add(x, x, out=h),
    "numpy.testing on a device array": lambda x, h: np.testing.assert_allclose(x, h),
    # keywords that CuPy lacks
    "add(where=)": lambda x, h: cp.add(x, x, where=x > 1),
    "sum(where=)": lambda x, h: cp.sum(x, where=x > 1),
    "argsort(kind='mergesort')": lambda x, h: cp.argsort(x, kind="mergesort"),
    "cholesky(upper=)": lambda x, h: cp.linalg.cholesky(x @ x.T, upper=True),
    "svd(hermitian=)": lambda x, h: cp.linalg.svd(x, hermitian=True),
    "einsum(out=)": lambda x, h: cp.einsum("ij,ij->i", x, x, out=x),
    "lexsort(tuple)": lambda x, h: cp.lexsort((x[0], x[1])),
    # names that CuPy lacks
    "insert": lambda x, h: cp.insert(x, 0, 1),
    "nanpercentile": lambda x, h: cp.nanpercentile(x, 3),
    "block": lambda x, h: cp.block([[x]]),
    "geomspace": lambda x, h: cp.geomspace,
    "linalg.multi_dot": lambda x, h: cp.linalg.multi_dot,
    "setflags": lambda x, h: x.setflags,
    "ctypes": lambda x, h: x.ctypes,
    "elementwise kernels": lambda x, h: cp.ElementwiseKernel("T x", "T y", "y = x", "f"),
    # what a GPU leaves undefined or has no instruction for
    "object array": lambda x, h: cp.asarray(np.array(["a"], dtype=object)),
    "assignment through duplicates": lambda x, h: x[0].__setitem__(cp.asarray([0, 0, 1]), cp.asarray([1.0, 2.0, 3.0])),
    "subtract.at on float32": lambda x, h: cp.subtract.at(x, cp.asarray([0]), 1.0),
    "add.at on int8": lambda x, h: cp.add.at(cp.zeros(3, "i1"), cp.asarray([0]), 1),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refused_as_cupy_refuses_it(x, h, what):
    with pytest.raises(REFUSALS):
        REFUSED[what](x, h)


def test_results_stay_on_the_device(x):
    assert isinstance(x.sum(), cp.ndarray)
    assert x.sum().shape == ()
    assert isinstance(np.exp(x), cp.ndarray)
    assert isinstance(np.sum(x), cp.ndarray)
    assert (x * np.float32(2)).dtype == np.float32
    assert (2 * x).dtype == np.float32
    assert cp.get_array_module(x) is cp
    assert cp.get_array_module(np.ones(2)) is np


def test_copies_are_copies_and_views_are_views(x):
    y = x.copy()
    y += 1
    assert float(y[0, 0]) == 1
    assert float(x[0, 0]) == 0
    x[0][1] = 9
    assert float(x[0, 1]) == 9
    host = np.ones(3)
    device = cp.asarray(host)
    host[0] = 5
    assert float(device[0]) == 1


def test_cholesky_of_an_indefinite_matrix_is_silent_garbage_unless_asked(cupyx):
    assert np.isnan(cp.linalg.cholesky(-cp.eye(2)).get()).all()
    with cupyx.errstate(linalg="raise"), pytest.raises(np.linalg.LinAlgError):
        cp.linalg.cholesky(-cp.eye(2))


def test_scatter_adds_duplicates(cupyx):
    a = cp.zeros(4)
    cupyx.scatter_add(a, cp.asarray([0, 0, 2]), cp.asarray([1.0, 2.0, 3.0]))
    assert a.get().tolist() == [3, 0, 3, 0]


def test_cupyx_scipy_has_what_the_real_one_has(cupyx):
    linalg = importlib.import_module("cupyx.scipy.linalg")
    assert linalg.solve_triangular(cp.eye(3), cp.ones(3), lower=True).get().sum() == 3
    assert not hasattr(linalg, "cho_factor")


def test_kernel_arguments_must_be_on_the_device():
    code = 'extern "C" __global__ void k(float* y, int n) { y[threadIdx.x] = n; }'
    kernel = cp.RawKernel(code, "k")
    y = cp.zeros(4, "f4")
    kernel((1,), (4,), (y, np.int32(7)))
    assert y.get().tolist() == [7] * 4
    for host in (np.zeros(4, "f4"), np.zeros(1, "f4")):
        with pytest.raises(TypeError):
            kernel((1,), (4,), (host, np.int32(7)))


def test_arrays_of_another_device_are_refused(x):
    with cp.cuda.Device(1):
        y = cp.ones((2, 3), "f4")
        with pytest.raises(ValueError, match="Array device must be same as the current device"):
            x + 1
    with pytest.raises(ValueError, match="array device = 1 while current = 0"):
        x + y
    assert cp.asarray(y).device.id == 0


def test_what_costs_time_is_counted(x):
    with standin.counting() as events:
        y = cp.asarray(np.ones((2, 3), "f4")) + x
        float(y.sum())
        y[y > 1].get()
        cp.unique(y)
    assert events["h2d"] == 1
    assert events["h2d_bytes"] == 24
    assert events["sync"] == 4  # float, the mask, get, unique
    assert events["d2h_bytes"] == 4 + 20
    assert events["launch"] == 0


def test_memory_has_a_limit_where_a_test_sets_one():
    with standin.limited_memory(1000), pytest.raises(MemoryError, match="Out of memory allocating 8,000 bytes"):
        cp.zeros(1000)
    with standin.limited_memory(1000), pytest.raises(cp.cuda.memory.OutOfMemoryError):
        cp.empty(1000)


def test_the_contract_is_that_of_the_installed_cupy(tmp_path):
    try:
        installed = version("cupy-cuda13x")
    except PackageNotFoundError:
        pytest.skip("the real CuPy is not installed")
    if installed != standin.API["version"]:
        pytest.skip(f"the contract is that of CuPy {standin.API['version']}; {installed} is installed")
    folder = Path(standin.__file__).parent
    subprocess.run([sys.executable, folder / "make_contract.py", tmp_path / "cupy_api.json"], check=True)
    assert (tmp_path / "cupy_api.json").read_text() == (folder / "cupy_api.json").read_text()


def test_what_was_installed_before_comes_back(monkeypatch):
    real = object()
    monkeypatch.setitem(sys.modules, "cupy", real)
    with standin.installed() as cupy:
        assert sys.modules["cupy"] is cupy
    assert sys.modules["cupy"] is real


def test_triangular_solves_need_a_triangle_and_say_nothing_if_it_is_singular(cupyx):
    solve = importlib.import_module("cupyx.scipy.linalg").solve_triangular
    L = cp.asarray(np.array([[2.0, 0], [1, 4]]))
    assert solve(L, cp.asarray([2.0, 9.0]), lower=True).get().tolist() == [1, 2]
    assert solve(L, cp.asarray([4.0, 4.0]), lower=True, trans=1).get().tolist() == [1.5, 1]
    assert np.isnan(solve(cp.zeros((2, 2)), cp.ones(2), lower=True).get()).all()
