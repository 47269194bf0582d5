import contextlib
import json
import os
import stat

import numpy as np
import pytest

from ghostflow_learn import neural
from ghostflow_learn.neural import nn

TYPES = ["f8", "f4", "f2", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1", "?"]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


@pytest.fixture
def arrays(rng):
    """One array of each type that a file can hold, of odd sizes, and empty, scalar and strided ones."""
    found = {f"layer.{dtype}": (100 * rng.normal(size=(3, 5))).astype(dtype) for dtype in TYPES}
    found["empty"], found["none of many"] = np.zeros(0), np.zeros((4, 0, 2), np.float32)
    found["scalar"], found['ключ "1"\n'] = np.array(7, np.int64), np.arange(3)
    found["fortran"], found["strided"] = np.asfortranarray(rng.normal(size=(4, 3))), np.arange(20.0)[::3]
    found["special"] = np.array([np.nan, np.inf, -0.0, 5e-324])
    found["big endian"] = np.arange(5, dtype=">i4")
    return found


def assert_same(got, want):
    assert got.keys() == want.keys()
    for name, array in want.items():
        assert got[name].shape == array.shape, name
        assert got[name].dtype == array.dtype.newbyteorder("="), name
        np.testing.assert_array_equal(got[name], array)


def write(path, header, content=b""):
    """A file with the header as text, a table, or bytes."""
    header = header if isinstance(header, (str, bytes)) else json.dumps(header)
    header = header if isinstance(header, bytes) else header.encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + content)


def field(start, end, dtype="U8", shape=None):
    return {"dtype": dtype, "shape": [end - start] if shape is None else shape, "data_offsets": [start, end]}


def test_a_file_is_the_length_of_the_header_the_header_and_the_bytes(path):
    neural.save({"a": np.array([1, 2], np.uint8), "b": np.array([1.5], np.float32)}, path, {"k": "v"})
    content = path.read_bytes()
    n = int.from_bytes(content[:8], "little")
    assert json.loads(content[8 : 8 + n]) == {
        "__metadata__": {"k": "v"},
        "b": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},
        "a": {"dtype": "U8", "shape": [2], "data_offsets": [4, 6]},
    }
    assert content[8 + n :] == b"\x00\x00\xc0\x3f\x01\x02"


@pytest.mark.parametrize("memory_map", [False, True])
def test_what_was_saved_is_loaded(path, arrays, memory_map):
    neural.save(arrays, path)
    loaded = neural.load(path, memory_map=memory_map)
    assert_same(loaded, arrays)
    assert np.signbit(loaded["special"][2])
    assert all(array.flags.aligned for array in loaded.values())
    assert all(array.flags.writeable != memory_map for array in loaded.values() if array.size)


def test_metadata_come_back(path):
    neural.save({}, path, {"müon": '{"a": 1}', "": ""})
    assert neural.load(path, return_metadata=True) == ({}, {"müon": '{"a": 1}', "": ""})
    neural.save({}, path)
    assert neural.load(path, return_metadata=True) == ({}, {})


def test_a_mapped_file_may_be_replaced(path):
    neural.save({"a": np.arange(1000)}, path)
    mapped = neural.load(path, memory_map=True)["a"]
    neural.save({"a": np.zeros(1000)}, path)
    np.testing.assert_array_equal(mapped, np.arange(1000))


def test_tensors_and_gpu_arrays_are_saved_too(path, on_gpu):
    neural.save({"tensor": neural.Tensor(np.arange(3.0)), "gpu": on_gpu(np.arange(4.0))}, path)
    assert_same(neural.load(path), {"tensor": np.arange(3.0), "gpu": np.arange(4.0)})


def test_a_module_goes_on_where_it_was_saved(path, rng):
    X = rng.normal(size=(20, 6))

    def network(seed):
        return nn.Sequential(nn.Linear(5), nn.BatchNorm1d(), nn.Tanh(), nn.Linear(2)).seed(seed)

    first, second = network(0), network(1)
    first(X), second(X)
    neural.save(first, path)
    assert_same(neural.load(path), first.state_dict())
    assert neural.load_into(second.pack().eval(), path) is second
    np.testing.assert_array_equal(second(X).numpy(), first.eval()(X).numpy())
    with pytest.raises(ValueError, match="Call the module once with a batch"):
        neural.load_into(network(2), path)


def test_another_librarys_file_is_read(path, arrays):
    numpy = pytest.importorskip("safetensors.numpy")
    plain = {name: np.ascontiguousarray(array, array.dtype.newbyteorder("=")) for name, array in arrays.items()}
    numpy.save_file(plain, path, metadata={"a": "b"})
    loaded, metadata = neural.load(path, return_metadata=True)
    assert_same(loaded, plain)
    assert metadata == {"a": "b"}


def test_another_library_reads_our_file(path, arrays):
    safetensors, numpy = pytest.importorskip("safetensors"), pytest.importorskip("safetensors.numpy")
    neural.save(arrays, path, {"a": "b"})
    assert_same(numpy.load_file(path), arrays)
    with safetensors.safe_open(path, "numpy") as file:
        assert file.metadata() == {"a": "b"}


def test_bfloat16_is_read_as_float32(path):
    write(path, {"a": field(0, 8, "BF16", [2, 2])}, np.array([0x3FC0, 0xC000, 0x7F80, 0], "<u2").tobytes())
    np.testing.assert_array_equal(neural.load(path)["a"], np.array([[1.5, -2], [np.inf, 0]], np.float32))


def test_nothing_is_lost_where_writing_stops(path, monkeypatch):
    neural.save({"a": np.arange(3)}, path)

    def stop(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", stop)
    with pytest.raises(KeyboardInterrupt):
        neural.save({"a": np.zeros(3)}, path)
    np.testing.assert_array_equal(neural.load(path)["a"], np.arange(3))
    assert os.listdir(path.parent) == [path.name]


def test_a_link_stays_a_link_and_others_may_read_the_file(path):
    link = path.parent / "link"
    link.symlink_to(path)
    neural.save({"a": np.arange(3)}, link)
    assert link.is_symlink()
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask


@pytest.mark.parametrize("array", [np.array([{}]), np.array(["a"]), np.array([1j]), np.array(["2020"], "M8[D]")])
def test_an_array_that_the_file_cannot_hold_is_refused(path, array):
    with pytest.raises(TypeError, match="array 'x' is of type .*, which the file cannot hold: float16"):
        neural.save({"x": array}, path)
    assert not path.exists()


def test_wrong_names_metadata_and_folders_are_refused(path):
    with pytest.raises(TypeError, match="names of arrays must be strings; got 1"):
        neural.save({1: np.zeros(1)}, path)
    with pytest.raises(ValueError, match="an array cannot be called '__metadata__'"):
        neural.save({"__metadata__": np.zeros(1)}, path)
    with pytest.raises(TypeError, match="metadata must map strings to strings; got 'a': 1"):
        neural.save({}, path, {"a": 1})
    with pytest.raises(FileNotFoundError, match="there is no folder .*missing to write x into"):
        neural.save({}, path.parent / "missing" / "x")


@pytest.mark.parametrize("memory_map", [False, True])
def test_a_file_cut_off_anywhere_is_refused(path, memory_map):
    neural.save({"a": np.arange(3.0), "b": np.arange(5, dtype=np.int16)}, path)
    content = path.read_bytes()
    for n in range(len(content)):
        path.write_bytes(content[:n])
        with pytest.raises(ValueError, match="is no whole safetensors file: .*. Fetch or save it again"):
            neural.load(path, memory_map=memory_map)
    path.write_bytes(content + b"\0")
    with pytest.raises(ValueError, match="its arrays take 34 bytes, but 35 are there"):
        neural.load(path, memory_map=memory_map)


def test_a_damaged_byte_raises_a_value_error_or_nothing(path, rng):
    neural.save({"a": np.arange(3.0), "b": np.array([True, False])}, path, {"k": "v"})
    content = path.read_bytes()
    for i in range(len(content)):
        for byte in rng.integers(256, size=4):
            path.write_bytes(content[:i] + bytes([byte]) + content[i + 1 :])
            with contextlib.suppress(ValueError):
                neural.load(path)


BAD = {
    "overlapping": ({"a": field(0, 4), "b": field(2, 6)}, "array 'b' overlaps the one before"),
    "the same bytes": ({"a": field(0, 6), "b": field(0, 6)}, "array 'b' overlaps the one before"),
    "a gap": ({"a": field(0, 2), "b": field(3, 6)}, "array 'b' leaves a gap before it"),
    "a late start": ({"a": field(1, 6)}, "array 'a' leaves a gap before it"),
    "beyond the end": ({"a": field(0, 7)}, "its arrays take 7 bytes, but 6 are there"),
    "not all": ({"a": field(0, 5)}, "its arrays take 5 bytes, but 6 are there"),
    "backwards": ({"a": field(6, 0, shape=[6])}, "has -6 bytes"),
    "another shape": ({"a": field(0, 6, "I16", [2])}, r"of type I16 and shape \[2\] has 6 bytes"),
    "a negative shape": ({"a": field(0, 6, shape=[-2, -3])}, r"has the shape \[-2, -3\]"),
    "a huge empty shape": ({"a": field(0, 6), "b": field(6, 6, shape=[0, 2**62, 2**62])}, "array 'b' of type U8"),
    "a shape of floats": ({"a": field(0, 6, shape=[6.0])}, r"has the shape \[6.0\]"),
    "a shape of bools": ({"a": field(0, 1, shape=[True])}, r"has the shape \[True\]"),
    "many dimensions": ({"a": field(0, 6, shape=[6] + [1] * 70)}, "has the shape"),
    "an unknown type": ({"a": field(0, 6, "F8_E4M3")}, "array 'a' is of type 'F8_E4M3'; only F64"),
    "a type that is a list": ({"a": field(0, 6, ["U8"])}, "only F64"),
    "no offsets": ({"a": {"dtype": "U8", "shape": [6]}}, "array 'a' lacks"),
    "three offsets": ({"a": {"dtype": "U8", "shape": [6], "data_offsets": [0, 3, 6]}}, "array 'a' lacks"),
    "no table": ({"a": 5}, "array 'a' lacks"),
    "a list": ([], "its header is no table of arrays"),
    "metadata of numbers": ({"__metadata__": {"a": 1}, "a": field(0, 6)}, "its metadata are no strings"),
    "a name twice": (f'{{"a": {json.dumps(field(0, 6))}, "a": {json.dumps(field(0, 6))}}}', "'a' is there twice"),
    "no JSON": ("{", "its header cannot be read"),
    "no text": (b"\xff\xfe", "its header cannot be read"),
    "deep nesting": ("[" * 200_000, "its header cannot be read"),
    "bools of 2": ({"a": field(0, 6, "BOOL")}, "has bytes other than 0 and 1"),
}


@pytest.mark.parametrize("header, message", BAD.values(), ids=BAD.keys())
def test_a_header_that_cannot_be_true_is_refused(path, header, message):
    write(path, header, b"\x02" * 6)
    with pytest.raises(ValueError, match=message):
        neural.load(path)


def test_a_header_longer_than_any_is_not_read(path):
    path.write_bytes((10**15).to_bytes(8, "little") + b"{}")
    with pytest.raises(ValueError, match="does not start with the length of a header"):
        neural.load(path)
